"""Exact nearest neighbours: every pair is compared, so that none is missed.

Similarities are computed in double precision and rounded to single. To be quick, products in single precision or in
bfloat16, which are never less than the similarities, first choose a few candidates more than are asked for
(``_blocks``). Only these are computed in full; a vector whose choice rounding leaves in doubt is compared with every
other one that may be as near.
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
from threadpoolctl import threadpool_limits

from core.records.search import Metric
from core.util.arrays import BoolArray, Float32Array, Int32Array, Int64Array
from core.util.progress import StageReport, silent
from core.vectors._blocks import Bfloat16Vectors, BoundedVectors, SharedBasis, TopK, single_threaded_torch
from core.vectors.similarity import pairwise_similarity_of_rows

STAGE = "finding neighbours"
BLOCK = 1024  # vectors compared with as many at once: 4 MB of products
SPARE, SPARE_BFLOAT16 = 8, 24  # candidates chosen beyond what is asked for
_MOST_TIES = 256  # candidates in a near tie that are all computed; of more, the first ones count
_RECHECKED = 64  # doubtful vectors compared at once: 26 MB of products with 100,000 candidates
_ROUGH_BLOCK = 8192  # vectors compared with a single query at once
_ROUGH_ERROR = 1e-5  # by which a cosine in single precision may be wrong


@dataclass(frozen=True)
class Neighbours:
    """The nearest neighbours of each vector, best first, ties by index; arrays of shape (vectors, k).

    ``indices`` are rows of the vectors searched. ``similarities`` are higher for what is nearer, whatever the metric
    (of l2 the negative distance).
    """

    indices: Int32Array
    similarities: Float32Array


def nearest_neighbours(vectors: Float32Array, metric: Metric, k: int, report: StageReport | None = None) -> Neighbours:
    """Return the ``k`` nearest neighbours of each vector, itself left out, or all others where there are fewer.

    ``vectors`` has shape (vectors, dimension). 100,000 vectors of 384 dimensions take some 400 MB beyond their own.
    """
    k = min(k, len(vectors) - 1)
    if k < 1:
        return _no_neighbours(len(vectors))
    bounded = BoundedVectors(vectors, SharedBasis.of(vectors, metric))
    bfloat16 = Bfloat16Vectors.of(bounded.vectors) if metric == "cosine" else None
    return BlockedSearch(metric, k, vectors, vectors, bounded, bounded, bfloat16).run(report or silent)


def nearest_neighbours_of(
    vectors: Float32Array, metric: Metric, queries: Float32Array, k: int, report: StageReport | None = None
) -> Neighbours:
    """Return the ``k`` of ``vectors`` nearest to each of ``queries``, shape (queries, dimension), or all of fewer."""
    k = min(k, len(vectors))
    if k < 1 or not len(queries):
        return _no_neighbours(len(queries))
    basis = SharedBasis.of(vectors, metric)
    search = BlockedSearch(metric, k, queries, vectors, BoundedVectors(queries, basis), BoundedVectors(vectors, basis))
    return search.run(report or silent)


def nearest_to_query(
    vectors: Float32Array, metric: Metric, query: Float32Array, k: int
) -> tuple[Int64Array, Float32Array]:
    """Return the indices of the ``k`` vectors nearest to ``query``, shape (dimension,), and their similarities.

    Best first, ties by index.
    """
    k = min(k, len(vectors))
    if k < 1:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    scores, errors = _rough_scores(vectors, metric, np.asarray(query, dtype=np.float32))
    threshold = np.partition(scores - errors, len(scores) - k)[len(scores) - k]
    candidates = np.flatnonzero(scores + errors >= threshold)
    similarities = pairwise_similarity_of_rows(metric, vectors, candidates, query[None], np.zeros_like(candidates))
    order = np.lexsort((candidates, -similarities))[:k]
    return candidates[order], similarities[order]


def _rough_scores(vectors: Float32Array, metric: Metric, query: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Return scores in single precision that order as similarities do, and their possible errors, shape (vectors,)."""
    products, squares = np.empty(len(vectors), np.float32), np.empty(len(vectors), np.float32)
    for first in range(0, len(vectors), _ROUGH_BLOCK):
        block = np.asarray(vectors[first : first + _ROUGH_BLOCK])
        products[first : first + _ROUGH_BLOCK] = block @ query
        squares[first : first + _ROUGH_BLOCK] = np.einsum("ij,ij->i", block, block)
    query_square = float(query @ query)
    if metric == "l2":
        return 2 * products - squares, _ROUGH_ERROR * (squares + query_square)
    sizes = np.sqrt(squares * query_square)
    if metric == "dot":
        return products, _ROUGH_ERROR * sizes
    return products / np.maximum(sizes, np.finfo(np.float32).tiny), np.full_like(sizes, _ROUGH_ERROR)


def _no_neighbours(count: int) -> Neighbours:
    return Neighbours(np.empty((count, 0), np.int32), np.empty((count, 0), np.float32))


@dataclass(frozen=True)
class BlockedSearch:
    """The search for the ``k`` nearest of ``candidates`` to each of ``queries``, block by block on all cores.

    Within one set of vectors both sides, and their bounded vectors, are the same objects.
    """

    metric: Metric
    k: int
    queries: Float32Array
    candidates: Float32Array
    bounded_queries: BoundedVectors
    bounded_candidates: BoundedVectors
    bfloat16: Bfloat16Vectors | None = None

    @property
    def within_one_set(self) -> bool:
        """Whether a query is among the candidates, and must be left out."""
        return self.bounded_queries is self.bounded_candidates

    def run(self, report: StageReport) -> Neighbours:
        """Compare all queries with all candidates."""
        rows, columns = _blocks(len(self.queries)), _blocks(len(self.candidates))
        spare = SPARE_BFLOAT16 if self.bfloat16 else SPARE
        chosen = min(self.k + spare, len(self.candidates) - self.within_one_set)
        best = [TopK(block.stop - block.start, chosen) for block in rows]
        # both sides are ordered alike: each row begins where its neighbours likely are, and goes round from there
        pairs = [
            (row, (row * len(columns) // len(rows) + turn) % len(columns))
            for turn in range(len(columns))
            for row in range(len(rows))
        ]
        if self.within_one_set:  # each two blocks once
            pairs = [(row, row + turn) for turn in range(len(rows)) for row in range(len(rows) - turn)]
        indices = np.empty((len(self.queries), self.k), np.int32)
        similarities = np.empty((len(self.queries), self.k), np.float32)
        with _parallel_map(self.bfloat16 is not None) as parallel:
            for done, _ in enumerate(parallel(lambda pair: self._compare(pair, rows, columns, best), pairs)):
                if done % 16 == 0:
                    report(STAGE, 0.95 * done / len(pairs))
            for top in best:
                top.finish()
            order = self.bounded_queries.order
            in_doubt = parallel(
                lambda row: self._settle(order[rows[row]], best[row], indices, similarities), range(len(rows))
            )
            doubtful = np.concatenate(list(in_doubt))
            parts = [doubtful[first : first + _RECHECKED] for first in range(0, len(doubtful), _RECHECKED)]
            for done, _ in enumerate(parallel(lambda part: self._recheck(part, indices, similarities), parts)):
                report(STAGE, 0.95 + 0.05 * done / len(parts))
        return Neighbours(indices, similarities)

    def _compare(self, pair: tuple[int, int], rows: list[slice], columns: list[slice], best: list[TopK]) -> None:
        """Give the pairs of two blocks whose product is high enough to the best of the row's, and of the column's."""
        row, column = pair
        products = self._products(rows[row], columns[column])
        if self.within_one_set and row == column:
            np.fill_diagonal(products, -np.inf)
        both_ways = self.within_one_set and row != column
        near = products > _thresholds(best[row], products)[:, None]
        if both_ways:
            near |= products > best[column].threshold
        flat = np.flatnonzero(near)  # ten times as quick as np.nonzero
        left, right = np.divmod(flat, near.shape[1])
        scores = products.ravel()[flat]
        best[row].add(left, self.bounded_candidates.order[columns[column]][right], scores)
        if both_ways:
            best[column].add(right, self.bounded_queries.order[rows[row]][left], scores)

    def _products(self, rows: slice, columns: slice) -> Float32Array:
        if self.bfloat16:
            return self.bfloat16.products(rows, columns)
        return np.asarray(self.bounded_queries.left[rows] @ self.bounded_candidates.right(columns).T)

    def _settle(self, queries: Int64Array, best: TopK, indices: Int32Array, similarities: Float32Array) -> Int64Array:
        """Write the nearest of each query's chosen candidates; return the queries that others may be as near to."""
        chosen = best.indices.shape[1]
        exact = pairwise_similarity_of_rows(
            self.metric, self.queries, np.repeat(queries, chosen), self.candidates, best.indices.ravel()
        ).reshape(len(queries), chosen)
        order = np.lexsort((best.indices, -exact), axis=1)[:, : self.k]
        indices[queries] = np.take_along_axis(best.indices, order, axis=1)
        similarities[queries] = np.take_along_axis(exact, order, axis=1)
        if chosen == len(self.candidates) - self.within_one_set:
            return queries[:0]
        highest_other = best.threshold
        if self.bfloat16:
            highest_other = highest_other + self.bfloat16.error_bounds(highest_other)
        return queries[self.bounded_queries.as_products(similarities[queries, -1]) <= highest_other]

    def _recheck(self, queries: Int64Array, indices: Int32Array, similarities: Float32Array) -> None:
        """Compare some queries with every candidate that may be as near as the farthest neighbour so far."""
        rows = np.argsort(self.bounded_queries.order)[queries]
        products = np.concatenate(
            [
                self.bounded_queries.left[rows] @ self.bounded_candidates.right(block).T
                for block in _blocks(len(self.candidates), 16 * BLOCK)
            ],
            axis=1,
        )
        # in the candidates' own order, so that of tied ones the first are taken
        products = products[:, np.argsort(self.bounded_candidates.order)]
        if self.within_one_set:
            products[np.arange(len(queries)), queries] = -np.inf
        near = products >= self.bounded_queries.as_products(similarities[queries, -1])[:, None]
        crowded = np.count_nonzero(near, axis=1) > _MOST_TIES
        near[crowded] &= _highest(products[crowded], _MOST_TIES)
        left, right = np.nonzero(near)
        exact = pairwise_similarity_of_rows(self.metric, self.queries, queries[left], self.candidates, right)
        order = np.lexsort((right, -exact, left))
        first = np.searchsorted(left[order], np.arange(len(queries)))
        best = order[first[:, None] + np.arange(self.k)]
        indices[queries], similarities[queries] = right[best], exact[best]


def _thresholds(best: TopK, products: Float32Array) -> Float32Array:
    """Return what a product must exceed to matter, shape (rows,): in the first block, all but the row's best."""
    chosen = best.indices.shape[1]
    if np.isfinite(best.threshold[0]) or products.shape[1] <= chosen:
        return best.threshold
    return np.asarray(np.nextafter(np.partition(products, -chosen, axis=1)[:, -chosen], np.float32(-np.inf)))


def _highest(products: Float32Array, k: int) -> BoolArray:
    """Return which ``k`` of each row are the highest; among those equal up to rounding, the first ones."""
    if not len(products):
        return np.zeros(products.shape, dtype=bool)
    error = np.float32(1e-6) * np.abs(np.where(np.isfinite(products), products, 0)).max()
    bound = np.partition(products, -k, axis=1)[:, [-k]]
    tied = np.abs(products - bound) <= error
    return np.asarray((products > bound + error) | (tied & (np.cumsum(tied, axis=1, dtype=np.int32) <= k)))


def _blocks(count: int, size: int = 0) -> list[slice]:
    """Return slices of about equal sizes, ``size`` or BLOCK."""
    edges = np.linspace(0, count, max(count // (size or BLOCK), 1) + 1).astype(int).tolist()
    return [slice(first, last) for first, last in pairwise(edges)]


@contextmanager
def _parallel_map(torch_too: bool) -> Iterator[Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]]:
    """Yield a ``map`` that uses all cores, one thread each.

    The libraries' own threads, which would wait for each other between products, are off meanwhile.
    """
    torch_threads = single_threaded_torch() if torch_too else nullcontext()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with torch_threads, threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(cores) as pool:
        try:
            yield pool.map
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
