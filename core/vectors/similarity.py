"""Norms, unit vectors, similarities and distances by a collection's metric. Nothing else divides by norms.

A similarity is always higher for what is nearer: the cosine, the dot product, or the negative Euclidean distance (l2).
"""

from __future__ import annotations

import numpy as np

from core.records.search import Metric
from core.util.arrays import AnyFloatArray, AnyIntArray, Float32Array, Float64Array

_ROWS = 8192  # vectors compared with one query at once
_BLOCK = 2048  # pairs computed at once: some 20 MB at 384 dimensions


def norms(vectors: AnyFloatArray) -> Float64Array:
    """Return the Euclidean length of each vector in double precision, shape (vectors,)."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)))


def unit_vectors(vectors: Float32Array) -> Float32Array:
    """Return the vectors with length 1, shape (vectors, dimension); a vector of zeros stays as it is."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float32).tiny), dtype=np.float32)


def normalized_for(metric: Metric, vectors: Float32Array) -> Float32Array:
    """Return unit vectors for cosine, so that dot products are cosines; for other metrics the vectors as they are."""
    return unit_vectors(vectors) if metric == "cosine" else np.asarray(vectors)


def pairwise_cosine(left: AnyFloatArray, right: AnyFloatArray) -> Float64Array:
    """Return the cosine of each pair of rows in double precision, shape (pairs,); 0 where a vector is all zeros.

    Either side may have a single row, which is then paired with each row of the other.
    """
    left64, right64 = left.astype(np.float64), right.astype(np.float64)
    lengths = np.sqrt(_dot_products(left64, left64) * _dot_products(right64, right64))
    return np.asarray(_dot_products(left64, right64) / np.maximum(lengths, np.finfo(np.float64).tiny))


def pairwise_similarity(metric: Metric, left: Float32Array, right: Float32Array) -> Float32Array:
    """Return the similarity of each pair of rows, shape (pairs,): computed in double precision, rounded to single.

    The same two vectors therefore have the same similarity, however many pairs are computed at once. Either side may
    have a single row, which is then paired with each row of the other.
    """
    if metric == "cosine":
        return pairwise_cosine(left, right).astype(np.float32)
    if metric == "dot":
        return _dot_products(left.astype(np.float64), right.astype(np.float64)).astype(np.float32)
    difference = left.astype(np.float64) - right
    return np.asarray(-np.sqrt(_dot_products(difference, difference)), dtype=np.float32)


def pairwise_similarity_of_rows(
    metric: Metric, left: Float32Array, left_rows: AnyIntArray, right: Float32Array, right_rows: AnyIntArray
) -> Float32Array:
    """Return ``pairwise_similarity`` of ``left[left_rows]`` and ``right[right_rows]`` in bounded memory."""
    found = np.empty(len(left_rows), dtype=np.float32)
    for first in range(0, len(left_rows), _BLOCK):
        block = slice(first, first + _BLOCK)
        found[block] = pairwise_similarity(metric, left[left_rows[block]], right[right_rows[block]])
    return found


def similarity_to_all(metric: Metric, vectors: Float32Array, query: Float32Array) -> Float32Array:
    """Return the similarity of every vector to ``query``, shape (dimension,), computed in single precision.

    Four times as fast as ``pairwise_similarity`` on 100,000 vectors, for colours and tables of all chunks; it may
    differ in the last digit of a single-precision number. ``vectors`` may be mapped from a file.
    """
    found = np.empty(len(vectors), dtype=np.float32)
    smallest = np.finfo(np.float32).tiny
    query_norm = max(float(np.linalg.norm(query)), float(smallest))
    for first in range(0, len(vectors), _ROWS):
        block = np.asarray(vectors[first : first + _ROWS])
        if metric == "l2":
            found[first : first + _ROWS] = -np.linalg.norm(block - query, axis=1)
            continue
        products = block @ query
        if metric == "cosine":
            products = products / np.maximum(np.linalg.norm(block, axis=1) * query_norm, smallest)
        found[first : first + _ROWS] = products
    return found


def similarity_to_distance(
    metric: Metric, similarities: Float32Array, vectors: Float32Array | None = None
) -> Float32Array:
    """Return similarities as distances that are never negative, of the same shape.

    Cosine: 1 - cosine. l2: the Euclidean distance. Dot: the highest possible product minus the product. The highest
    possible one is the largest squared norm of ``vectors`` (by Cauchy and Schwarz); without ``vectors`` it is
    estimated for each row as its highest product plus the row's range.
    """
    if metric != "dot":
        highest: Float32Array | float = 1.0 if metric == "cosine" else 0.0
    elif vectors is not None:
        highest = float(np.square(norms(vectors)).max(initial=0.0))
    else:
        highest = 2 * similarities.max(axis=-1, keepdims=True, initial=-np.inf)
        highest = highest - similarities.min(axis=-1, keepdims=True, initial=np.inf)
    return np.asarray(np.maximum(highest - similarities, 0.0), dtype=np.float32)


def _dot_products(left: Float64Array, right: Float64Array) -> Float64Array:
    return np.asarray(np.einsum("ij,ij->i", left, right))
