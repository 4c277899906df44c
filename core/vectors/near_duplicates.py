"""Groups of near-duplicates among unit vectors: every pair is compared, none is estimated.

Most pairs are ruled out by a quarter of the dimensions. The vectors are rotated onto their principal axes, so that the
first dimensions hold most of their length; a cosine is at most the product of the first dimensions plus the product of
the remaining lengths (Cauchy and Schwarz). Only pairs that may still reach the threshold are computed in full.
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
HEAD = 4  # one in so many dimensions is used to rule pairs out
PAIRS = 20_000  # computed in full at once
DENSE = 0.02  # share of a block's pairs that is left; above it, the whole block is computed in full
_ROUNDING = 1e-5  # by which a cosine in float32 may be wrong


@dataclass(frozen=True)
class GroupingStep:
    """The state after a block: the ``share`` done, 0 to 1, and each vector's group so far.

    ``labels`` has shape (vectors,): vectors that a chain of near pairs connects have the same label.
    """

    share: float
    labels: Int64Array


def group_near_duplicates(vectors: Float32Array, threshold: float) -> Iterator[GroupingStep]:
    """Group unit vectors whose cosine is at least ``threshold``, block by block; the last step has share 1.

    ``vectors`` has shape (vectors, dimension).
    """
    count = len(vectors)
    labels = np.arange(count)
    bounds = _bounding_vectors(vectors)
    for row in range(0, count, BLOCK):
        for column in range(row, count, BLOCK):
            left, right = _near_pairs(vectors, bounds, row, column, threshold - _ROUNDING)
            labels = _merge(labels, labels[left], labels[right])
        yield GroupingStep(1 - max(1 - (row + BLOCK) / count, 0.0) ** 2, labels)
    if not count:
        yield GroupingStep(1.0, labels)


def step_count(vectors: int) -> int:
    """Return how many steps grouping so many vectors takes."""
    return max(ceil(vectors / BLOCK), 1)


def _bounding_vectors(vectors: Float32Array) -> Float32Array:
    """Return shorter vectors whose dot products are never less than the cosines: the head, and the rest's length."""
    if not len(vectors):
        return vectors
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    head = vectors @ axes[:, -ceil(vectors.shape[1] / HEAD) :].astype(np.float32)
    rest = np.sqrt(np.maximum(np.square(vectors).sum(axis=1) - np.square(head).sum(axis=1), 0.0) + _ROUNDING)
    return np.column_stack([head, rest]).astype(np.float32)


def _near_pairs(
    vectors: Float32Array, bounds: Float32Array, row: int, column: int, threshold: float
) -> tuple[Int64Array, Int64Array]:
    """Return the indices of the near pairs of two blocks."""
    left, right = _pairs_above(bounds, row, column, threshold)
    if len(left) > DENSE * BLOCK * BLOCK:
        return _pairs_above(vectors, row, column, threshold)
    near = np.zeros(len(left), dtype=bool)
    for first in range(0, len(left), PAIRS):
        part = slice(first, first + PAIRS)
        near[part] = np.einsum("ij,ij->i", vectors[left[part]], vectors[right[part]]) >= threshold
    return left[near], right[near]


def _pairs_above(vectors: Float32Array, row: int, column: int, threshold: float) -> tuple[Int64Array, Int64Array]:
    """Return the indices of pairs of two blocks whose dot product is at least ``threshold``."""
    products = vectors[row : row + BLOCK] @ vectors[column : column + BLOCK].T
    if row == column:
        np.fill_diagonal(products, -1.0)
    if products.max() < threshold:  # as nearly always: quicker than np.nonzero
        return np.empty(0, np.int64), np.empty(0, np.int64)
    left, right = np.nonzero(products >= threshold)
    return left + row, right + column


def _merge(labels: Int64Array, left: Int64Array, right: Int64Array) -> Int64Array:
    """Return the labels after each pair of ``left`` and ``right`` labels has become one."""
    different = left != right
    if not different.any():
        return labels
    count = int(labels.max()) + 1
    edges = (np.ones(int(different.sum()), dtype=np.int8), (left[different], right[different]))
    merged = connected_components(coo_array(edges, shape=(count, count)), directed=False)[1]
    return np.asarray(merged[labels], dtype=np.int64)
