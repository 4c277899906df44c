"""The true nearest neighbours in the full space: every pair is looked at, none is guessed.

Similarities are those of double precision, rounded to single, however many are computed at once; how that stays quick is told in join.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from core.records.search import Metric
from core.util.arrays import AnyIntArray, Float32Array, Int64Array
from core.util.progress import StageReport, silent
from core.vectors._blocks import Basis, Bfloat16Vectors, Screen, TopK, one_thread_each
from core.vectors.similarity import paired

STAGE = "finding neighbours"
BLOCK = 1024  # vectors compared with as many at once: 4 MB of products
SPARE, SPARE_OF_HALVED = 8, 24  # chosen beyond what is asked for
_TIES = 256  # others as good as equally near that are all computed; of more, the first ones count
_CARE = 64  # doubtful points at once: 26 MB of products with 100,000 others


@dataclass(frozen=True)
class BlockedSearch:
    """Points to be compared with others; the same twice where neighbours within one set are sought."""

    metric: Metric
    k: int
    points: Float32Array
    others: Float32Array
    rows: Screen
    columns: Screen
    halved: Bfloat16Vectors | None = None

    @property
    def same(self) -> bool:
        """Whether a point is among the others, and must be left out."""
        return self.rows is self.columns

    def run(self, report: StageReport) -> Neighbours:
        """Compare all with all."""
        down, across = _blocks(len(self.points)), _blocks(len(self.others))
        wanted = min(self.k + (SPARE_OF_HALVED if self.halved else SPARE), len(self.others) - self.same)
        best = [TopK(block.stop - block.start, wanted) for block in down]
        turns = [
            (row, (row * len(across) // len(down) + turn) % len(across))
            for turn in range(len(across))
            for row in range(len(down))
        ]
        if self.same:  # each two blocks once
            turns = [(row, row + turn) for turn in range(len(down)) for row in range(len(down) - turn)]
        with _own_threads(self.halved is not None) as side_by_side:
            for done, _ in enumerate(side_by_side(lambda turn: self._compare(turn, down, across, best), turns)):
                if done % 16 == 0:
                    report(STAGE, 0.95 * done / len(turns))
            for one in best:
                one.finish()
            places, found = (
                np.empty((len(self.points), self.k), np.int32),
                np.empty((len(self.points), self.k), np.float32),
            )
            doubts = list(
                side_by_side(
                    lambda row: self._settle(self.rows.order[down[row]], best[row], places, found), range(len(down))
                )
            )
            doubtful = np.concatenate(doubts)
            parts = [doubtful[first : first + _CARE] for first in range(0, len(doubtful), _CARE)]
            for done, _ in enumerate(side_by_side(lambda part: self._with_care(part, places, found), parts)):
                report(STAGE, 0.95 + 0.05 * done / len(parts))
        return Neighbours(places, found)

    def _compare(self, turn: tuple[int, int], down: list[slice], across: list[slice], best: list[TopK]) -> None:
        """Find the pairs of two blocks that matter, and tell both sides."""
        row, column = turn
        products = self._products(down[row], across[column])
        if self.same and row == column:
            np.fill_diagonal(products, -np.inf)
        both = self.same and row != column
        near = products > _least(best[row], products)[:, None]
        if both:
            near |= products > best[column].least
        at = np.flatnonzero(near)  # ten times as quick as the places of two dimensions
        one, other = np.divmod(at, near.shape[1])
        scores = products.ravel()[at]
        best[row].add(one, self.columns.order[across[column]][other], scores)
        if both:
            best[column].add(other, self.rows.order[down[row]][one], scores)

    def _products(self, down: slice, across: slice) -> Float32Array:
        if self.halved:
            return self.halved.products(down, across)
        return np.asarray(self.rows.left[down] @ self.columns.right(across).T)

    def _settle(self, points: Int64Array, best: TopK, places: AnyIntArray, found: Float32Array) -> Int64Array:
        """Compute the chosen ones of a block and note the nearest; return the points of which that leaves a doubt."""
        wanted = best.places.shape[1]
        exact = paired(self.metric, self.points, np.repeat(points, wanted), self.others, best.places.ravel()).reshape(
            len(points), wanted
        )
        order = np.lexsort((best.places, -exact), axis=1)[:, : self.k]
        places[points], found[points] = (
            np.take_along_axis(best.places, order, axis=1),
            np.take_along_axis(exact, order, axis=1),
        )
        if wanted == len(self.others) - self.same:
            return points[:0]
        # so near may who was not chosen be
        others = best.least + self.halved.over(best.least) if self.halved else best.least
        return points[self.rows.reached(found[points, -1]) <= others]

    def _with_care(self, points: Int64Array, places: AnyIntArray, found: Float32Array) -> None:
        """Compare some points with everybody who may be as near as what is known."""
        at = np.argsort(self.rows.order)[points]
        products = np.concatenate(
            [self.rows.left[at] @ self.columns.right(block).T for block in _blocks(len(self.others), 16 * BLOCK)],
            axis=1,
        )
        products = products[:, np.argsort(self.columns.order)]  # so that of equal ones the first in place is the first
        if self.same:
            products[np.arange(len(points)), points] = -np.inf
        near = products >= self.rows.reached(found[points, -1])[:, None]
        many = np.count_nonzero(near, axis=1) > _TIES
        near[many] &= _firsts(products[many], _TIES)
        one, other = np.nonzero(near)
        exact = paired(self.metric, self.points, points[one], self.others, other)
        order = np.lexsort((other, -exact, one))
        first = np.searchsorted(one[order], np.arange(len(points)))
        kept = order[first[:, None] + np.arange(self.k)]
        places[points], found[points] = other[kept], exact[kept]


def _least(best: TopK, products: Float32Array) -> Float32Array:
    """What a product must exceed to matter: at the first look that few of each row do."""
    wanted = best.places.shape[1]
    if np.isfinite(best.least[0]) or products.shape[1] <= wanted:
        return best.least
    return np.asarray(np.nextafter(np.partition(products, -wanted, axis=1)[:, -wanted], np.float32(-np.inf)))


def _firsts(products: Float32Array, k: int) -> npt.NDArray[np.bool_]:
    """Of each row the ``k`` highest; of those that are as good as equal the first ones."""
    if not len(products):
        return np.zeros(products.shape, dtype=bool)
    miss = np.float32(1e-6) * np.abs(np.where(np.isfinite(products), products, 0)).max()
    bound = np.partition(products, -k, axis=1)[:, [-k]]
    level = np.abs(products - bound) <= miss
    return np.asarray((products > bound + miss) | (level & (np.cumsum(level, axis=1, dtype=np.int32) <= k)))


def _blocks(many: int, size: int = 0) -> list[slice]:
    """Slices of about that size, all alike."""
    edges = np.linspace(0, many, max(many // (size or BLOCK), 1) + 1).astype(int).tolist()
    return [slice(first, last) for first, last in pairwise(edges)]


@contextmanager
def _own_threads(torch_too: bool) -> Iterator[Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]]:
    """Give a ``map`` that uses every core, one thread each: the libraries' own threads would wait for each other between products."""
    quiet = one_thread_each() if torch_too else nullcontext()
    with quiet, threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(_cores()) as pool:
        try:
            yield pool.map
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_BLOCK = 8192
_EPS = 1e-5  # by which a similarity in single precision may miss, of vectors of length 1


def nearest(vectors: Float32Array, metric: Metric, k: int, report: StageReport | None = None) -> Neighbours:
    """Return the ``k`` nearest neighbours of each vector, shape (vectors, dimension), or all others where there are fewer.

    100,000 vectors of 384 dimensions take some 400 MB beside themselves.
    """
    k = min(k, len(vectors) - 1)
    if k < 1:
        return _nobody(len(vectors))
    screen = Screen(vectors, Basis.of(vectors, metric))
    halved = Bfloat16Vectors.of(screen.vectors) if metric == "cosine" else None
    return BlockedSearch(metric, k, vectors, vectors, screen, screen, halved).run(report or silent)


def nearest_among(
    vectors: Float32Array, metric: Metric, queries: Float32Array, k: int, report: StageReport | None = None
) -> Neighbours:
    """Return the ``k`` of ``vectors`` that are nearest to each of ``queries``, shape (queries, dimension), or all where there are fewer."""
    k = min(k, len(vectors))
    if k < 1 or not len(queries):
        return _nobody(len(queries))
    basis = Basis.of(vectors, metric)
    return BlockedSearch(metric, k, queries, vectors, Screen(queries, basis), Screen(vectors, basis)).run(
        report or silent
    )


def nearest_to(vectors: Float32Array, metric: Metric, query: Float32Array, k: int) -> tuple[Int64Array, Float32Array]:
    """Return the places of the ``k`` vectors nearest to ``query``, shape (dimension,), and their similarities, best first, ties by place."""
    k = min(k, len(vectors))
    if k < 1:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    rough, miss = _roughly(vectors, metric, np.asarray(query, dtype=np.float32))
    least = np.partition(rough - miss, len(rough) - k)[len(rough) - k]
    places = np.flatnonzero(rough + miss >= least)
    found = paired(metric, vectors, places, np.broadcast_to(query, (len(places), len(query))), np.arange(len(places)))
    order = np.lexsort((places, -found))[:k]
    return places[order], found[order]


def _roughly(vectors: Float32Array, metric: Metric, query: Float32Array) -> tuple[Float32Array, Float32Array]:
    """What sorts as the similarities do, in single precision, and by how much it may miss; arrays of shape (vectors,)."""
    products, squares = np.empty(len(vectors), np.float32), np.empty(len(vectors), np.float32)
    for first in range(0, len(vectors), _BLOCK):
        block = np.asarray(vectors[first : first + _BLOCK])
        products[first : first + _BLOCK] = block @ query
        squares[first : first + _BLOCK] = np.einsum("ij,ij->i", block, block)
    own = float(query @ query)
    if metric == "l2":
        return 2 * products - squares, _EPS * (squares + own)
    sizes = np.sqrt(squares * own)
    if metric == "dot":
        return products, _EPS * sizes
    return products / np.maximum(sizes, np.finfo(np.float32).tiny), np.full_like(sizes, _EPS)


def _nobody(many: int) -> Neighbours:
    return Neighbours(np.empty((many, 0), np.int32), np.empty((many, 0), np.float32))


@dataclass(frozen=True)
class Neighbours:
    """The nearest neighbours of each point, itself left out: shape (points, k), best first, ties by place.

    ``similarities`` are by the collection's measure, higher is better (of l2 the negative distance).
    """

    places: npt.NDArray[np.int32]
    similarities: Float32Array
