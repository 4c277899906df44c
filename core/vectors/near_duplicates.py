"""Which of many vectors are nearly alike: every pair is looked at, none is guessed.

Most pairs are ruled out by a quarter of the dimensions: the vectors are turned so that their first dimensions
hold most of them, and the cosine is at most what those give plus the product of the lengths of the rests
(Cauchy and Schwarz). Only pairs that may still reach the threshold are computed in full.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from core.util.arrays import Float32Array, Int64Array

BLOCK = 2048  # vectors compared with as many at once: 16 MB of cosines
HEAD = 4  # a fourth of the dimensions rules out
PAIRS = 20_000  # computed in full at once
MANY = 0.02  # of a block's pairs: where more are left, the whole block is computed in full
_ROUNDING = 1e-5  # by which a cosine in float32 may miss


@dataclass(frozen=True)
class Joined:
    """How far it is, 0 to 1, and a label for each vector, shape (vectors,): the same for all that chains of near pairs join."""

    share: float
    labels: Int64Array


def join_near(vectors: Float32Array, threshold: float) -> Iterator[Joined]:
    """Join vectors of length 1 whose cosine is at least ``threshold``, step by step; the last step has share 1."""
    many = len(vectors)
    labels = np.arange(many)
    bounds = _screen(vectors)
    for top in range(0, many, BLOCK):
        for left in range(top, many, BLOCK):
            one, other = _near(vectors, bounds, top, left, threshold - _ROUNDING)
            labels = _merge(labels, labels[one], labels[other])
        yield Joined(1 - max(1 - (top + BLOCK) / many, 0.0) ** 2, labels)
    if not many:
        yield Joined(1.0, labels)


def steps_of(vectors: int) -> int:
    """Return how many steps it takes to join so many."""
    return max(ceil(vectors / BLOCK), 1)


def _screen(vectors: Float32Array) -> Float32Array:
    """Return shorter vectors whose dot products are never less than the cosines: the head, and the length of the rest."""
    if not len(vectors):
        return vectors
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    head = vectors @ axes[:, -ceil(vectors.shape[1] / HEAD) :].astype(np.float32)
    rest = np.sqrt(np.maximum(np.square(vectors).sum(axis=1) - np.square(head).sum(axis=1), 0.0) + _ROUNDING)
    return np.column_stack([head, rest]).astype(np.float32)


def _near(
    vectors: Float32Array, bounds: Float32Array, top: int, left: int, threshold: float
) -> tuple[Int64Array, Int64Array]:
    """The places of near pairs between two blocks."""
    one, other = _reaching(bounds, top, left, threshold)
    if len(one) > MANY * BLOCK * BLOCK:
        return _reaching(vectors, top, left, threshold)
    kept = [
        _cosines(vectors, one[at : at + PAIRS], other[at : at + PAIRS]) >= threshold for at in range(0, len(one), PAIRS)
    ]
    near = np.concatenate(kept) if kept else np.empty(0, dtype=bool)
    return one[near], other[near]


def _reaching(vectors: Float32Array, top: int, left: int, threshold: float) -> tuple[Int64Array, Int64Array]:
    """The places of pairs whose dot product is at least ``threshold``, each pair once."""
    products = vectors[top : top + BLOCK] @ vectors[left : left + BLOCK].T
    if left == top:
        np.fill_diagonal(products, -1.0)
    if products.max() < threshold:  # as nearly always: cheaper than to look for places
        return np.empty(0, np.int64), np.empty(0, np.int64)
    one, other = np.nonzero(products >= threshold)
    return one + top, other + left


def _cosines(vectors: Float32Array, one: Int64Array, other: Int64Array) -> Float32Array:
    return np.asarray(np.einsum("ij,ij->i", vectors[one], vectors[other]), dtype=np.float32)


def _merge(labels: Int64Array, one: Int64Array, other: Int64Array) -> Int64Array:
    """Give each pair of labels one label."""
    apart = one != other
    if not apart.any():
        return labels
    many = int(labels.max()) + 1
    pairs = coo_array((np.ones(int(apart.sum()), dtype=np.int8), (one[apart], other[apart])), shape=(many, many))
    merged = connected_components(pairs, directed=False)[1]
    return np.asarray(merged[labels], dtype=np.int64)
