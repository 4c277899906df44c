"""The collection's measure in numbers: similarities of pairs to the last digit, and what a picture takes for distances."""

from __future__ import annotations

from functools import partial

import numpy as np

from core.records.search import Metric
from core.util.arrays import AnyIntArray, Float32Array, Float64Array

_PAIRS = 2048  # computed at once: some 20 MB at 384 dimensions


def lengths(vectors: Float32Array) -> Float64Array:
    """Return the length of each vector, shape (vectors,)."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)))


def unit(vectors: Float32Array) -> Float32Array:
    """Return the vectors with length 1; one of length 0 stays as it is."""
    sizes = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return np.asarray(vectors / np.maximum(sizes, np.finfo(np.float32).tiny)[:, None], dtype=np.float32)


def similarities(metric: Metric, one: Float32Array, other: Float32Array) -> Float32Array:
    """Return the similarity of each pair of rows, shape (pairs,): in double precision, then rounded to single.

    So two chunks with the same vector are exactly as near to a third one, however many are computed at once.
    Of l2 it is the negative distance. A vector of length 0 has cosine 0 to all.
    """
    left, right = one.astype(np.float64), other.astype(np.float64)
    if metric == "l2":
        left -= right
        return np.asarray(-np.sqrt(_products(left, left)), dtype=np.float32)
    products = _products(left, right)
    if metric == "cosine":
        products /= np.maximum(np.sqrt(_products(left, left) * _products(right, right)), np.finfo(np.float64).tiny)
    return np.asarray(products, dtype=np.float32)


def paired(
    metric: Metric, vectors: Float32Array, places: AnyIntArray, others: Float32Array, among: AnyIntArray
) -> Float32Array:
    """Return the similarity of ``vectors[places]`` to ``others[among]``, pair by pair, shape (pairs,), in bounded memory."""
    found = np.empty(len(places), dtype=np.float32)
    for first in range(0, len(places), _PAIRS):
        part = slice(first, first + _PAIRS)
        found[part] = similarities(metric, vectors[places[part]], others[among[part]])
    return found


def distances(metric: Metric, found: Float32Array, vectors: Float32Array | None = None) -> Float32Array:
    """Return similarities as distances that are never negative, of the same shape.

    Cosine: 1 - cosine. l2: the distance. Dot: how far below the most that it can be, which is the square of the longest of
    ``vectors``' length (Cauchy and Schwarz); without them, as far below the best of the row, plus the range of the row.
    """
    if metric != "dot":
        most: Float32Array | float = 1.0 if metric == "cosine" else 0.0
    elif vectors is not None:
        most = float(np.square(lengths(vectors)).max(initial=0.0))
    else:
        most = 2 * found.max(axis=-1, keepdims=True, initial=-np.inf) - found.min(
            axis=-1, keepdims=True, initial=np.inf
        )
    return np.asarray(np.maximum(most - found, 0.0), dtype=np.float32)


_products = partial(np.einsum, "ij,ij->i")


def unit_vectors(vectors: Float32Array) -> Float32Array:
    """Return the vectors with length 1, shape (vectors, dimension); one of length 0 stays as it is."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float32).tiny), dtype=np.float32)


BLOCK = 8192  # vectors compared at once: they are mapped from the disk


def similarity_to_all(metric: Metric, vectors: Float32Array, query: Float32Array) -> Float32Array:
    """Return the similarity of every vector to ``query``, shape (dimension,): by the collection's measure, higher is better."""
    size = max(float(np.linalg.norm(query)), float(np.finfo(np.float32).tiny))
    found = np.empty(len(vectors), dtype=np.float32)
    for first in range(0, len(vectors), BLOCK):
        block = np.asarray(vectors[first : first + BLOCK])
        if metric == "l2":
            found[first : first + BLOCK] = -np.linalg.norm(block - query, axis=1)
            continue
        products = block @ query
        if metric == "cosine":
            products = products / np.maximum(np.linalg.norm(block, axis=1) * size, np.finfo(np.float32).tiny)
        found[first : first + BLOCK] = products
    return found
