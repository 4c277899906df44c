"""The depth of the pool: the deepest is scored once, and every smaller one is told from it.

A pool's order is the deepest one's scores of its first candidates, put in order; what lies behind it keeps its place.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from core.errors import DataError
from core.evaluation.metrics import aggregate, per_query
from core.evaluation.systems import Candidates, StageRanking
from core.judgments.relevance import unit_ranking
from core.records.judgments import Qrels
from core.retrieval.comparison import TOP
from core.util.arrays import Float64Array

MEASURE = "nDCG@10"
FLAT = 0.005  # of nDCG: a curve that rises by less has no knee worth the name


@dataclass(frozen=True, slots=True)
class Depth:
    """The means over all queries with a pool of one depth. ``tau`` and ``overlap`` compare the reranked list with the one before.

    ``ceiling`` is the recall of the pool: no order of it can find more of what is relevant. ``overlap`` is how many of the
    first ten are the same, 0 to 10; ``tau`` is Kendall's, over the pool, -1 to 1.
    """

    depth: int
    ndcg: float
    ceiling: float
    overlap: float
    tau: float
    ms: float


@dataclass(frozen=True)
class Sweep:
    """Every depth that was looked at, from 1.

    ``ms_per_pair`` was measured at the deepest; the milliseconds of a depth are taken to grow in step with its pairs.
    """

    stage: str
    depths: tuple[Depth, ...]
    before: float  # nDCG@10 without reranking
    queries: int
    ms_per_pair: float

    @property
    def deepest(self) -> Depth:
        """The depth whose pairs were scored."""
        return self.depths[-1]

    @property
    def best(self) -> Depth:
        """The depth with the highest nDCG@10, the smallest of several."""
        return max(self.depths, key=lambda one: (one.ndcg, -one.depth))

    def at(self, depth: int) -> Depth:
        """Return the depth that was looked at next below ``depth``, or the first."""
        return next((one for one in reversed(self.depths) if one.depth <= depth), self.depths[0])

    @property
    def knee(self) -> Depth | None:
        """The depth after which more pairs bring little, None where the curve hardly rises."""
        at = knee([one.depth for one in self.depths], [one.ndcg for one in self.depths])
        return None if at is None else self.depths[at]

    def words(self, depth: int, hits: int = TOP) -> str:
        """Return what a pool of ``depth`` means for somebody who looks at ``hits``."""
        if depth <= hits:
            return (
                f"A pool of {depth} is no deeper than the {hits} hits that are looked at: the cross-encoder can only change their order. "
                f"What does not heed the order, such as R@{hits} or P@{hits}, stays exactly as it was, so for that reranking is pointless."
            )
        there = self.at(depth)
        gain = there.ndcg - self.before
        if abs(gain) < FLAT:
            more = there.ms - self.depths[0].ms
            return f"With a pool of {depth}, reranking changes next to nothing in nDCG@10, and costs {more:,.0f} ms a query more than a pool of 1."
        changed = f"{abs(gain):.3f} {'better' if gain > 0 else 'worse'} than no reranking at all"
        return f"A pool of {depth} makes nDCG@10 {changed}; it could find {there.ceiling:.0%} of what is relevant."


def sweep(stage: str, answers: Sequence[Candidates], qrels: Qrels, depths: Sequence[int] | None = None) -> Sweep:
    """Return what reranking ``stage`` does at each of ``depths`` (None: every one up to 100, then fewer and fewer).

    Raises DataError where nothing was reranked.
    """
    read = [_read(answer, stage) for answer in answers]
    deepest = _deepest(read)
    if not deepest:
        raise DataError(f"No pair of {stage!r} was read by the cross-encoder: run a system {stage}+cross first")
    asked = sorted({min(depth, deepest) for depth in depths or usual_depths(deepest)})
    tops: dict[int, dict[str, list[str]]] = {depth: {} for depth in (0, *asked)}
    sums = {depth: np.zeros(4) for depth in asked}
    for one in read:
        for depth, top, figures in one.walk(asked, qrels[one.answer.query]):
            tops[depth][one.answer.query] = top
            if depth:
                sums[depth] += figures
    ndcg = {depth: aggregate(per_query(qrels, top, [MEASURE])[MEASURE]).mean for depth, top in tops.items()}
    found = [Depth(depth, ndcg[depth], *(sums[depth] / len(read)).tolist()) for depth in asked]
    pairs = sum(len(answer.logits) for answer in answers)
    return Sweep(stage, tuple(found), ndcg[0], len(read), sum(answer.rerank_ms for answer in answers) / max(1, pairs))


def _deepest(read: Sequence[_Read]) -> int:
    """The depth down to which every query was read, or to its last candidate."""
    broken_off = [one.read for one in read if one.read < len(one.first.order)]
    return min(broken_off) if broken_off else max((one.read for one in read), default=0)


def usual_depths(deepest: int) -> list[int]:
    """Return 1, 2, 3 ... 100, then steps of a twentieth, and the deepest."""
    depths = list(range(1, min(deepest, 100) + 1))
    while depths and depths[-1] < deepest:
        depths.append(min(deepest, depths[-1] + max(1, depths[-1] // 20)))
    return depths


@dataclass(frozen=True)
class _Read:
    """One query's first stage, and how far into it the cross-encoder read."""

    answer: Candidates
    first: StageRanking
    read: int

    def walk(self, depths: Sequence[int], grades: dict[str, int]) -> Iterable[tuple[int, list[str], Float64Array]]:
        """Yield for no pool and each depth the first ten units, and ceiling, overlap, tau and milliseconds.

        The candidates are taken in one by one, each put into its place among those before it. It stands after all of them
        in the first stage's order, so that those which it overtakes are the pairs that are now in opposite order: Kendall's tau.
        """
        order = self.first.order
        yield 0, self.answer.unit_ranking(order, TOP), np.zeros(4)
        before, relevant = set(order[:TOP]), {unit for unit, grade in grades.items() if grade > 0}
        ranked: list[tuple[float, str, int]] = []
        found: set[str] = set()
        opposite, wanted = 0, set(depths)
        for depth in range(1, depths[-1] + 1):
            if depth <= self.read:
                at = order[depth - 1]
                key = (-self.answer.logits[at], self.answer.ids[at], at)
                place = bisect(ranked, key)
                opposite += len(ranked) - place
                ranked.insert(place, key)
                found |= relevant.intersection(self.answer.units[at])
            if depth in wanted:
                yield (
                    depth,
                    self._top(ranked),
                    self._figures(ranked, before, len(found) / max(1, len(relevant)), opposite),
                )

    def _top(self, ranked: list[tuple[float, str, int]]) -> list[str]:
        places = chain((row[2] for row in ranked), islice(self.first.order, len(ranked), None))
        return unit_ranking((self.answer.units[at] for at in places), TOP)

    def _figures(
        self, ranked: list[tuple[float, str, int]], before: set[int], ceiling: float, opposite: int
    ) -> Float64Array:
        many = len(ranked)
        tau = 1 - 4 * opposite / (many * (many - 1)) if many > 1 else 1.0
        top = [row[2] for row in ranked[:TOP]] + list(islice(self.first.order[many:], max(0, TOP - many)))
        return np.asarray([ceiling, len(before.intersection(top)), tau, self.first.ms + many * self.answer.ms_per_pair])


def _read(answer: Candidates, stage: str) -> _Read:
    """The first stage, read as far as every candidate has a score."""
    first = answer.stage(stage)
    unread = (place for place, at in enumerate(first.order) if at not in answer.logits)
    return _Read(answer, first, next(unread, len(first.order)))


def knee(x: Sequence[float], y: Sequence[float]) -> int | None:
    """Return the place of a rising curve's knee: where it is farthest above the chord from its beginning to its highest point.

    None for fewer than three points or a curve that hardly rises. (After Satopää and others, Finding a Kneedle in a Haystack, 2011,
    whose difference curve this is, with both axes brought to 0 to 1; not smoothed, and with one knee at most.)
    """
    top = max(range(len(y)), key=lambda at: (y[at], -at), default=0)
    rise = y[top] - y[0] if len(y) else 0.0
    if top < 2 or rise < FLAT:
        return None
    above = [(y[at] - y[0]) / rise - (x[at] - x[0]) / (x[top] - x[0]) for at in range(top + 1)]
    return max(range(top + 1), key=lambda at: (above[at], -at)) or None
