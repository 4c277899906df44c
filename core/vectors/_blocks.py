"""What exact search compares block by block: vectors whose products are never less than their similarities.

What rounding to single precision may lose is added, as one more dimension. Squared distances are products too:
-|x - y|² = 2xy - |x|² - |y|². Similar vectors are put near each other, so that neighbours are found early.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.records.search import Metric
from core.util import processor
from core.util.arrays import AnyIntArray, Float32Array, Int64Array
from core.vectors.similarity import unit_vectors

if TYPE_CHECKING:
    import torch

BFLOAT16_FROM = 20_000  # vectors: with fewer, loading PyTorch takes longer than it saves
NO_INDEX = -1  # in a row of TopK that is not full
_BLOCK = 8192
_BFLOAT16_ERROR = 2.0**-9  # the largest relative error of rounding to bfloat16
_SUM_ERROR = 1e-4  # of a product of unit vectors, by the summation
_FLOAT32_ERROR = 6e-8  # the largest relative error of rounding to single precision
_PER_LEADER = 512  # vectors for each leader


@dataclass(frozen=True)
class Bfloat16Vectors:
    """Unit vectors in bfloat16."""

    rows: torch.Tensor
    error: float  # by how much rounding the vectors may change a product

    @classmethod
    def of(cls, vectors: Float32Array) -> Bfloat16Vectors | None:
        """Return unit vectors, shape (vectors, dimension), in bfloat16; None where that is not quicker here."""
        if len(vectors) < BFLOAT16_FROM or not processor.has_native_bfloat16():
            return None
        import torch

        rows = torch.empty(vectors.shape, dtype=torch.bfloat16)
        lost = 0.0
        for first in range(0, len(vectors), _BLOCK):
            block = torch.from_numpy(vectors[first : first + _BLOCK])
            rows[first : first + _BLOCK] = block
            lost = max(lost, float((block - rows[first : first + _BLOCK].float()).norm(dim=1).max()))
        # |xy - (x + a)(y + b)| <= |a| + |b| + |a||b| (Cauchy and Schwarz)
        return cls(rows, 2 * lost + lost * lost + _SUM_ERROR)

    def products(self, rows: slice, columns: slice) -> Float32Array:
        """Return the products of some vectors with others, shape (rows, columns)."""
        return np.asarray((self.rows[rows] @ self.rows[columns].T).float().numpy())

    def error_bounds(self, products: Float32Array) -> Float32Array:
        """Return by how much the exact products may be higher, of the same shape."""
        rounding = _BFLOAT16_ERROR * np.abs(products) * (1 + _BFLOAT16_ERROR)
        return np.asarray(self.error + rounding, dtype=np.float32)


@contextmanager
def single_threaded_torch() -> Iterator[None]:
    """Let PyTorch use one thread meanwhile."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class TopK:
    """The ``k`` best candidates of each of some rows, in no order: ``indices`` and ``scores``, shape (rows, k).

    Candidates wait until there are many, and are then merged at once. ``threshold``, shape (rows,), is what a
    candidate's score must exceed to matter; it only grows, and may be read while other threads add candidates.
    """

    def __init__(self, rows: int, k: int) -> None:
        self.indices = np.full((rows, k), NO_INDEX, dtype=np.int32)
        self.scores = np.full((rows, k), -np.inf, dtype=np.float32)
        self.threshold = np.full(rows, -np.inf, dtype=np.float32)
        capacity = rows * k // 2  # allocated once: thousands of small arrays would fragment the memory
        self._waiting = (np.empty(capacity, np.int32), np.empty(capacity, np.int32), np.empty(capacity, np.float32))
        self._waiting_count = 0
        self._lock = threading.Lock()

    def add(self, rows: AnyIntArray, indices: AnyIntArray, scores: Float32Array) -> None:
        """Add candidates, arrays of one length: ``indices`` with ``scores`` for ``rows``. No pair may come twice."""
        good = np.flatnonzero(scores > self.threshold[rows])
        added = (rows[good], indices[good], scores[good])
        with self._lock:
            if self._waiting_count + len(good) > len(self._waiting[0]):
                self._merge(*added)
                return
            for column, values in zip(self._waiting, added, strict=True):
                column[self._waiting_count : self._waiting_count + len(good)] = values
            self._waiting_count += len(good)

    def finish(self) -> None:
        """Merge the candidates that still wait."""
        with self._lock:
            self._merge(*(column[:0] for column in self._waiting))

    def _merge(self, *added: AnyIntArray | Float32Array) -> None:
        """Write each row's candidates behind its best so far, and keep the best of all."""
        rows, indices, scores = (
            np.concatenate([column[: self._waiting_count], values])
            for column, values in zip(self._waiting, added, strict=True)
        )
        self._waiting_count = 0
        if not len(rows):
            return
        order = np.argsort(rows, kind="stable")
        counts = np.bincount(rows, minlength=len(self.threshold))
        k = self.indices.shape[1]
        columns = k + np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
        shape = (len(self.threshold), k + int(counts.max()))
        all_scores, all_indices = np.full(shape, -np.inf, dtype=np.float32), np.full(shape, NO_INDEX, dtype=np.int32)
        all_scores[:, :k], all_indices[:, :k] = self.scores, self.indices
        all_scores[rows[order], columns], all_indices[rows[order], columns] = scores[order], indices[order]
        best = np.argpartition(all_scores, -k, axis=1)[:, -k:]
        self.scores = np.take_along_axis(all_scores, best, axis=1)
        self.indices = np.take_along_axis(all_indices, best, axis=1)
        self.threshold = self.scores.min(axis=1)


@dataclass(frozen=True)
class SharedBasis:
    """What all vectors of one search are transformed and ordered by."""

    metric: Metric
    centre: Float32Array  # (dimension,), subtracted for l2: distances stay the same, and rounding loses less
    leaders: Float32Array  # (leaders, dimension): a sample of the vectors, similar ones next to each other

    @classmethod
    def of(cls, vectors: Float32Array, metric: Metric) -> SharedBasis:
        """Return the basis for ``vectors``, shape (vectors, dimension)."""
        dimension = vectors.shape[1]
        centre = np.zeros(dimension, np.float32)
        if metric == "l2":
            centre = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
        without_leaders = cls(metric, centre, np.empty((0, dimension), np.float32))
        leaders = without_leaders.transform(vectors[::_PER_LEADER])
        return cls(metric, centre, leaders[_chain(leaders)])

    def transform(self, vectors: Float32Array) -> Float32Array:
        """Return vectors as they are compared: unit vectors for cosine, from the centre for l2."""
        return unit_vectors(vectors) if self.metric == "cosine" else vectors - self.centre


class BoundedVectors:
    """Vectors whose products bound their similarities from above.

    The product of a row of ``left`` and a row of ``right`` is at least the two vectors' similarity (for l2 the
    negative squared distance), and higher by rounding only. Row i is of the vector with index ``order[i]``.
    """

    def __init__(self, vectors: Float32Array, basis: SharedBasis) -> None:
        self._l2 = basis.metric == "l2"
        self.order = _leader_order(vectors, basis)
        self.left = np.empty((len(vectors), vectors.shape[1] + (3 if self._l2 else 1)), dtype=np.float32)
        for first in range(0, len(vectors), _BLOCK):
            block = slice(first, first + _BLOCK)
            self.left[block] = _with_bounds(basis.transform(vectors[self.order[block]]), self._l2)

    @property
    def vectors(self) -> Float32Array:
        """The transformed vectors, in the order of the rows, shape (vectors, dimension)."""
        return self.left[:, : -3 if self._l2 else -1]

    def right(self, rows: slice) -> Float32Array:
        """Return some rows as the other factor of a product."""
        block = self.left[rows]
        return block[:, [*range(block.shape[1] - 2), -1, -2]] if self._l2 else block

    def as_products(self, similarities: Float32Array) -> Float32Array:
        """Return similarities as what products are compared with, of the same shape."""
        return -np.square(similarities) if self._l2 else similarities


def _with_bounds(vectors: Float32Array, l2: bool) -> Float32Array:
    """Return vectors with what rounding may lose as one more dimension, and for l2 the squared norms as two more."""
    rounding = 4 * _FLOAT32_ERROR * (vectors.shape[1] + 8)
    squares = np.einsum("ij,ij->i", vectors, vectors)
    parts = [vectors, np.sqrt(rounding * squares)[:, None]]
    if l2:
        parts = [np.sqrt(np.float32(2)) * part for part in parts]
        parts += [-squares[:, None] * np.float32(1 - rounding), np.ones((len(vectors), 1), dtype=np.float32)]
    return np.concatenate(parts, axis=1, dtype=np.float32)


def _leader_order(vectors: Float32Array, basis: SharedBasis) -> Int64Array:
    """Return the vectors' indices ordered by their nearest leader, and among those of one leader by index."""
    if len(basis.leaders) < 2:
        return np.arange(len(vectors))
    # the nearest leader by distance is that of the highest xy - |y|² / 2
    offsets = (
        np.square(basis.leaders).sum(axis=1) / 2 if basis.metric == "l2" else np.zeros(len(basis.leaders), np.float32)
    )
    nearest = [
        np.argmax(basis.transform(vectors[first : first + _BLOCK]) @ basis.leaders.T - offsets, axis=1)
        for first in range(0, len(vectors), _BLOCK)
    ]
    return np.argsort(np.concatenate(nearest), kind="stable")


def _chain(leaders: Float32Array) -> Int64Array:
    """Return an order of the leaders in which each is followed by the most similar one that is left."""
    products = leaders @ leaders.T
    order, current = [0], 0
    products[:, 0] = -np.inf
    for _ in range(len(leaders) - 1):
        current = int(np.argmax(products[current]))
        products[:, current] = -np.inf
        order.append(current)
    return np.asarray(order, dtype=np.int64)
