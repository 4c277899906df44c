"""What each depth of the reranking pool gives and costs, computed from one run with the deepest pool.

A smaller pool needs no scoring of its own: its order is that of the same logits over its first candidates, and the
candidates behind it keep the first stage's order.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from core.errors import DataError
from core.evaluation.metrics import aggregate, per_query
from core.evaluation.systems import Candidates, StageRanking
from core.records.judgments import Qrels
from core.retrieval.comparison import TOP
from core.util.arrays import Float64Array

MEASURE = "nDCG@10"
MIN_GAIN = 0.005  # of nDCG: a curve that rises by less is flat


@dataclass(frozen=True, slots=True)
class PoolDepth:
    """The means over all queries with a pool of ``depth``.

    ``pool_recall`` is the share of what is relevant that the pool has: no order of it can have more. ``overlap`` is how
    many of the first ten are the same before and after reranking, 0 to 10, ``tau`` Kendall's tau of both orders of the
    pool, -1 to 1.
    """

    depth: int
    ndcg: float
    pool_recall: float
    overlap: float
    tau: float
    ms: float  # a query


@dataclass(frozen=True)
class PoolSweep:
    """Pools of increasing depth behind one first stage.

    ``ms_per_pair`` was measured at the deepest; the milliseconds of a depth are taken to grow with its pairs.
    """

    stage: str
    depths: tuple[PoolDepth, ...]
    unreranked_ndcg: float
    queries: int
    ms_per_pair: float

    @property
    def deepest(self) -> PoolDepth:
        """The depth whose pairs were scored."""
        return self.depths[-1]

    def at(self, depth: int) -> PoolDepth:
        """Return the figures of ``depth``, or of the next smaller depth that there is, or of the first."""
        return next((one for one in reversed(self.depths) if one.depth <= depth), self.depths[0])

    @property
    def knee(self) -> PoolDepth | None:
        """The depth after which more pairs bring little, None where the curve hardly rises."""
        index = knee([one.depth for one in self.depths], [one.ndcg for one in self.depths])
        return None if index is None else self.depths[index]

    def summary(self, depth: int, hits: int = TOP) -> str:
        """Return in words what a pool of ``depth`` means for somebody who looks at ``hits``."""
        if depth <= hits:
            return (
                f"A pool of {depth} is no deeper than the {hits} hits that are looked at: "
                "the cross-encoder can only change their order. "
                f"What does not heed the order, such as R@{hits} or P@{hits}, stays exactly as it was, "
                "so for that reranking is pointless."
            )
        figures = self.at(depth)
        gain = figures.ndcg - self.unreranked_ndcg
        if abs(gain) < MIN_GAIN:
            cost = figures.ms - self.depths[0].ms
            return (
                f"With a pool of {depth}, reranking changes next to nothing in nDCG@10, "
                f"and costs {cost:,.0f} ms a query more than a pool of 1."
            )
        changed = f"{abs(gain):.3f} {'better' if gain > 0 else 'worse'} than no reranking at all"
        recall = f"{figures.pool_recall:.0%}"
        return f"A pool of {depth} makes nDCG@10 {changed}; it could find {recall} of what is relevant."


def sweep_pool(
    stage: str, records: Sequence[Candidates], qrels: Qrels, depths: Sequence[int] | None = None
) -> PoolSweep:
    """Return what reranking ``stage`` gives at each of ``depths``, None for ``default_depths``.

    Raises DataError where nothing was reranked.
    """
    queries = [_ScoredQuery.of(candidates, stage) for candidates in records]
    deepest = _common_depth(queries)
    if not deepest:
        raise DataError(f"No pair of {stage!r} was read by the cross-encoder: run a system {stage}+cross first")
    depths = sorted({min(depth, deepest) for depth in depths or default_depths(deepest)})
    runs: dict[int, dict[str, list[str]]] = {depth: {} for depth in (0, *depths)}
    sums = {depth: np.zeros(4) for depth in runs}
    for query in queries:
        query_id = query.candidates.query
        for depth, top, figures in query.deepen(depths, qrels[query_id]):
            runs[depth][query_id] = top
            sums[depth] += figures
    ndcg = {depth: aggregate(per_query(qrels, run, [MEASURE])[MEASURE]).mean for depth, run in runs.items()}
    swept = [PoolDepth(depth, ndcg[depth], *(sums[depth] / len(queries)).tolist()) for depth in depths]
    pairs = sum(len(candidates.logits) for candidates in records)
    ms_per_pair = sum(candidates.rerank_ms for candidates in records) / max(1, pairs)
    return PoolSweep(stage, tuple(swept), ndcg[0], len(queries), ms_per_pair)


def default_depths(deepest: int) -> list[int]:
    """Return 1, 2, 3 ... 100, then steps of a twentieth, and the deepest."""
    depths = list(range(1, min(deepest, 100) + 1))
    while depths and depths[-1] < deepest:
        depths.append(min(deepest, depths[-1] + max(1, depths[-1] // 20)))
    return depths


@dataclass(frozen=True)
class _ScoredQuery:
    """One query's first stage, whose first ``scored`` candidates all have a logit."""

    candidates: Candidates
    stage: StageRanking
    scored: int

    @classmethod
    def of(cls, candidates: Candidates, stage: str) -> _ScoredQuery:
        ranking = candidates.stage(stage)
        unscored = (position for position, row in enumerate(ranking.order) if row not in candidates.logits)
        return cls(candidates, ranking, next(unscored, len(ranking.order)))

    def deepen(self, depths: Sequence[int], grades: dict[str, int]) -> Iterator[tuple[int, list[str], Float64Array]]:
        """Yield for no pool and for each depth the first ten units, and pool recall, overlap, tau and milliseconds.

        The candidates are inserted one by one into the reranked pool. Each comes behind all of them in the first
        stage's order, so those that it overtakes are the discordant pairs that it adds to Kendall's tau.
        """
        order = self.stage.order
        yield 0, self.candidates.unit_ranking(order, TOP), np.zeros(4)
        relevant = {unit for unit, grade in grades.items() if grade > 0}
        pool: list[tuple[float, str, int]] = []  # negative logit, id, row: sorted
        recalled: set[str] = set()
        discordant, yielded = 0, set(depths)
        for depth in range(1, depths[-1] + 1):
            if depth <= self.scored:
                row = order[depth - 1]
                key = (-self.candidates.logits[row], self.candidates.ids[row], row)
                position = bisect(pool, key)
                discordant += len(pool) - position
                pool.insert(position, key)
                recalled |= relevant.intersection(self.candidates.units[row])
            if depth in yielded:
                size = len(pool)
                reranked = chain((row for _, _, row in pool), islice(order, size, None))
                overlap = len(set(order[:TOP]).intersection(row for _, _, row in pool[:TOP]))
                overlap += max(0, min(TOP, len(order)) - size)  # behind the pool nothing moves
                tau = 1 - 4 * discordant / (size * (size - 1)) if size > 1 else 1.0
                ms = self.stage.ms + size * self.candidates.ms_per_pair
                figures = np.asarray([len(recalled) / max(1, len(relevant)), overlap, tau, ms])
                yield depth, self.candidates.unit_ranking(reranked, TOP), figures


def _common_depth(queries: Sequence[_ScoredQuery]) -> int:
    """Return the depth down to which every query was scored, or to its last candidate."""
    incomplete = [query.scored for query in queries if query.scored < len(query.stage.order)]
    return min(incomplete) if incomplete else max((query.scored for query in queries), default=0)


def knee(x: Sequence[float], y: Sequence[float]) -> int | None:
    """Return the index of a rising curve's knee: where it is farthest above the chord from its start to its maximum.

    None for fewer than three points or a curve that hardly rises. (After Satopää and others, Finding a Kneedle in a
    Haystack, 2011, whose difference curve this is, with both axes scaled to 0 to 1; not smoothed, at most one knee.)
    """
    top = max(range(len(y)), key=lambda index: (y[index], -index), default=0)
    rise = y[top] - y[0] if len(y) else 0.0
    if top < 2 or rise < MIN_GAIN:
        return None
    above = [(y[index] - y[0]) / rise - (x[index] - x[0]) / (x[top] - x[0]) for index in range(top + 1)]
    return max(range(top + 1), key=lambda index: (above[index], -index)) or None
