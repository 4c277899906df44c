"""Vectors made ready to be compared block by block, by products that are never less than their similarities.

What rounding to single precision may miss is added (the length of a last dimension). Squared distances are products too:
-|x - y|² = 2xy - |x|² - |y|². Vectors that are alike stand near each other, so that neighbours are found soon.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.projection.records import Floats, Places
from core.records.search import Metric
from core.vectors.similarity import unit

_LEADERS = 512  # vectors a leader: each goes where its most similar leader is
_ULP = 6e-8  # of a number in single precision
_BLOCK = 8192


@dataclass(frozen=True)
class Basis:
    """What all vectors that are compared are measured by."""

    metric: Metric
    centre: Floats  # (dimension,), to count from: distances stay what they are, and rounding misses less
    leaders: Floats  # (leaders, dimension), those that are alike near each other

    @classmethod
    def of(cls, vectors: Floats, metric: Metric) -> Basis:
        """Return the basis for ``vectors``, shape (vectors, dimension)."""
        dimension = vectors.shape[1]
        centre = vectors.mean(axis=0, dtype=np.float64).astype(np.float32) if metric == "l2" else np.zeros(dimension, np.float32)
        plain = cls(metric, centre, np.empty((0, dimension), np.float32))
        leaders = plain.seen(vectors[::_LEADERS])
        return cls(metric, centre, leaders[_chain(leaders)])

    def seen(self, vectors: Floats) -> Floats:
        """Return vectors as they are compared: of length 1 for cosine, from the centre for l2."""
        return unit(vectors) if self.metric == "cosine" else vectors - self.centre


class Screen:
    """Vectors in an order of their own: ``order`` says which stands where, shape (vectors,).

    The product of a row of ``left`` and a row that ``right`` gives is at least their similarity (of l2 minus its square), and more than that by rounding only.
    """

    def __init__(self, vectors: Floats, basis: Basis) -> None:
        self._l2 = basis.metric == "l2"
        self.order = _by_leader(vectors, basis)
        self.left = np.empty((len(vectors), vectors.shape[1] + (3 if self._l2 else 1)), dtype=np.float32)
        for first in range(0, len(vectors), _BLOCK):
            self.left[first : first + _BLOCK] = _bounding(basis.seen(vectors[self.order[first : first + _BLOCK]]), self._l2)

    @property
    def vectors(self) -> Floats:
        """The vectors as they are compared, in their order here, shape (vectors, dimension)."""
        return self.left[:, : -3 if self._l2 else -1]

    def right(self, places: slice) -> Floats:
        """Return some vectors as the other side of a product."""
        rows = self.left[places]
        return rows[:, [*range(rows.shape[1] - 2), -1, -2]] if self._l2 else rows

    def reached(self, similarities: Floats) -> Floats:
        """Return similarities as what the products are compared with."""
        return -np.square(similarities) if self._l2 else similarities


def _bounding(seen: Floats, l2: bool) -> Floats:
    """The vectors, what rounding may miss, and what makes a squared distance of a product."""
    rounding = 4 * _ULP * (seen.shape[1] + 8)
    squares = np.einsum("ij,ij->i", seen, seen)
    parts = [seen, np.sqrt(rounding * squares)[:, None]]
    if l2:
        parts = [np.sqrt(np.float32(2)) * part for part in parts]
        parts += [-squares[:, None] * np.float32(1 - rounding), np.ones((len(seen), 1), dtype=np.float32)]
    return np.concatenate(parts, axis=1, dtype=np.float32)


def _by_leader(vectors: Floats, basis: Basis) -> Places:
    """The vectors of the first leader, then those of the second ..., each leader's in their own order."""
    if len(basis.leaders) < 2:
        return np.arange(len(vectors))
    offsets = np.square(basis.leaders).sum(axis=1) / 2 if basis.metric == "l2" else np.zeros(len(basis.leaders), np.float32)
    nearest = [np.argmax(basis.seen(vectors[first : first + _BLOCK]) @ basis.leaders.T - offsets, axis=1) for first in range(0, len(vectors), _BLOCK)]
    return np.argsort(np.concatenate(nearest), kind="stable")


def _chain(leaders: Floats) -> Places:
    """An order in which each is followed by the most similar of those that are left."""
    products = leaders @ leaders.T
    order, at = [0], 0
    products[:, 0] = -np.inf
    for _ in range(len(leaders) - 1):
        at = int(np.argmax(products[at]))
        products[:, at] = -np.inf
        order.append(at)
    return np.asarray(order, dtype=np.int64)
