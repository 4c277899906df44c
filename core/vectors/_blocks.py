"""Vectors made ready to be compared block by block, by products that are never less than their similarities.

What rounding to single precision may miss is added (the length of a last dimension). Squared distances are products too:
-|x - y|² = 2xy - |x|² - |y|². Vectors that are alike stand near each other, so that neighbours are found soon.
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
from core.vectors.similarity import unit

if TYPE_CHECKING:
    import torch

WORTHWHILE = 20_000  # vectors: with fewer, loading PyTorch takes longer than is gained
_BLOCK = 8192
_HALF = 2.0**-9  # of a number, the most that rounding to bfloat16 takes or adds
_SUMS = 1e-4  # what the products' own sums may miss


@dataclass(frozen=True)
class Bfloat16Vectors:
    """Vectors of length 1 in bfloat16."""

    rows: torch.Tensor
    miss: float  # by how much the vectors' rounding may change a product

    @classmethod
    def of(cls, vectors: Float32Array) -> Bfloat16Vectors | None:
        """Return vectors, shape (vectors, dimension), halved; None where that does not pay here."""
        if len(vectors) < WORTHWHILE:
            return None
        if not processor.has_native_bfloat16():
            return None
        import torch

        rows = torch.empty(vectors.shape, dtype=torch.bfloat16)
        lost = 0.0
        for first in range(0, len(vectors), _BLOCK):
            block = torch.from_numpy(vectors[first : first + _BLOCK])
            rows[first : first + _BLOCK] = block
            lost = max(lost, float((block - rows[first : first + _BLOCK].float()).norm(dim=1).max()))
        # |xy - (x + a)(y + b)| <= |a| + |b| + |a||b| (Cauchy and Schwarz)
        return cls(rows, 2 * lost + lost * lost + _SUMS)

    def products(self, down: slice, across: slice) -> Float32Array:
        """Return the products of some vectors with others, shape (down, across)."""
        return np.asarray((self.rows[down] @ self.rows[across].T).float().numpy())

    def over(self, products: Float32Array) -> Float32Array:
        """Return by how much the true ones may be higher."""
        return np.asarray(self.miss + _HALF * np.abs(products) * (1 + _HALF), dtype=np.float32)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Let PyTorch use no threads of its own, if it is there."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


NOBODY = -1  # in a row that is not full


class TopK:
    """The ``k`` best candidates of each of some points, in no order.

    Candidates are put by and sorted in when they are many. ``least`` is what a candidate must exceed to matter, shape
    (points,); it only grows, and may be read while others add.
    """

    def __init__(self, points: int, k: int) -> None:
        self.places = np.full((points, k), NOBODY, dtype=np.int32)
        self.scores = np.full((points, k), -np.inf, dtype=np.float32)
        self.least = np.full(points, -np.inf, dtype=np.float32)
        room = points * k // 2  # made once: thousands of small arrays would leave the memory in pieces
        self._waiting = (np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.float32))
        self._many = 0
        self._lock = threading.Lock()

    def add(self, points: AnyIntArray, places: AnyIntArray, scores: Float32Array) -> None:
        """Take candidates: the score of the place for the point, arrays of one length. A pair must not come twice."""
        good = np.flatnonzero(scores > self.least[points])
        coming = (points[good], places[good], scores[good])
        with self._lock:
            if self._many + len(good) > len(self._waiting[0]):
                self._sort_in(*coming)
                return
            for column, values in zip(self._waiting, coming, strict=True):
                column[self._many : self._many + len(good)] = values
            self._many += len(good)

    def finish(self) -> None:
        """Sort in what still waits."""
        with self._lock:
            self._sort_in(*(column[:0] for column in self._waiting))

    def _sort_in(self, *coming: AnyIntArray | Float32Array) -> None:
        """Lay the candidates of each point side by side, behind the best ones so far, and keep the best of the row."""
        points, places, scores = (
            np.concatenate([column[: self._many], values]) for column, values in zip(self._waiting, coming, strict=True)
        )
        self._many = 0
        if not len(points):
            return
        order = np.argsort(points, kind="stable")
        counts = np.bincount(points, minlength=len(self.least))
        k = self.places.shape[1]
        rows, columns = points[order], k + np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
        wide = (len(self.least), k + int(counts.max()))
        all_scores, all_places = np.full(wide, -np.inf, dtype=np.float32), np.full(wide, NOBODY, dtype=np.int32)
        all_scores[:, :k], all_places[:, :k] = self.scores, self.places
        all_scores[rows, columns], all_places[rows, columns] = scores[order], places[order]
        kept = np.argpartition(all_scores, -k, axis=1)[:, -k:]
        self.scores = np.take_along_axis(all_scores, kept, axis=1)
        self.places = np.take_along_axis(all_places, kept, axis=1)
        self.least = self.scores.min(axis=1)


_LEADERS = 512  # vectors a leader: each goes where its most similar leader is
_ULP = 6e-8  # of a number in single precision


@dataclass(frozen=True)
class Basis:
    """What all vectors that are compared are measured by."""

    metric: Metric
    centre: Float32Array  # (dimension,), to count from: distances stay what they are, and rounding misses less
    leaders: Float32Array  # (leaders, dimension), those that are alike near each other

    @classmethod
    def of(cls, vectors: Float32Array, metric: Metric) -> Basis:
        """Return the basis for ``vectors``, shape (vectors, dimension)."""
        dimension = vectors.shape[1]
        centre = (
            vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
            if metric == "l2"
            else np.zeros(dimension, np.float32)
        )
        plain = cls(metric, centre, np.empty((0, dimension), np.float32))
        leaders = plain.seen(vectors[::_LEADERS])
        return cls(metric, centre, leaders[_chain(leaders)])

    def seen(self, vectors: Float32Array) -> Float32Array:
        """Return vectors as they are compared: of length 1 for cosine, from the centre for l2."""
        return unit(vectors) if self.metric == "cosine" else vectors - self.centre


class Screen:
    """Vectors in an order of their own: ``order`` says which stands where, shape (vectors,).

    The product of a row of ``left`` and a row that ``right`` gives is at least their similarity (of l2 minus its square), and more than that by rounding only.
    """

    def __init__(self, vectors: Float32Array, basis: Basis) -> None:
        self._l2 = basis.metric == "l2"
        self.order = _by_leader(vectors, basis)
        self.left = np.empty((len(vectors), vectors.shape[1] + (3 if self._l2 else 1)), dtype=np.float32)
        for first in range(0, len(vectors), _BLOCK):
            self.left[first : first + _BLOCK] = _bounding(
                basis.seen(vectors[self.order[first : first + _BLOCK]]), self._l2
            )

    @property
    def vectors(self) -> Float32Array:
        """The vectors as they are compared, in their order here, shape (vectors, dimension)."""
        return self.left[:, : -3 if self._l2 else -1]

    def right(self, places: slice) -> Float32Array:
        """Return some vectors as the other side of a product."""
        rows = self.left[places]
        return rows[:, [*range(rows.shape[1] - 2), -1, -2]] if self._l2 else rows

    def reached(self, similarities: Float32Array) -> Float32Array:
        """Return similarities as what the products are compared with."""
        return -np.square(similarities) if self._l2 else similarities


def _bounding(seen: Float32Array, l2: bool) -> Float32Array:
    """The vectors, what rounding may miss, and what makes a squared distance of a product."""
    rounding = 4 * _ULP * (seen.shape[1] + 8)
    squares = np.einsum("ij,ij->i", seen, seen)
    parts = [seen, np.sqrt(rounding * squares)[:, None]]
    if l2:
        parts = [np.sqrt(np.float32(2)) * part for part in parts]
        parts += [-squares[:, None] * np.float32(1 - rounding), np.ones((len(seen), 1), dtype=np.float32)]
    return np.concatenate(parts, axis=1, dtype=np.float32)


def _by_leader(vectors: Float32Array, basis: Basis) -> Int64Array:
    """The vectors of the first leader, then those of the second ..., each leader's in their own order."""
    if len(basis.leaders) < 2:
        return np.arange(len(vectors))
    offsets = (
        np.square(basis.leaders).sum(axis=1) / 2 if basis.metric == "l2" else np.zeros(len(basis.leaders), np.float32)
    )
    nearest = [
        np.argmax(basis.seen(vectors[first : first + _BLOCK]) @ basis.leaders.T - offsets, axis=1)
        for first in range(0, len(vectors), _BLOCK)
    ]
    return np.argsort(np.concatenate(nearest), kind="stable")


def _chain(leaders: Float32Array) -> Int64Array:
    """An order in which each is followed by the most similar of those that are left."""
    products = leaders @ leaders.T
    order, at = [0], 0
    products[:, 0] = -np.inf
    for _ in range(len(leaders) - 1):
        at = int(np.argmax(products[at]))
        products[:, at] = -np.inf
        order.append(at)
    return np.asarray(order, dtype=np.int64)
