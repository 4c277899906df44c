"""One query seen by two models: what the cross-encoder made of the bi-encoder's hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from core.records.search import Hit, SearchResult
from core.retrieval._part_agreement import TOP, Agreement, agreement


@dataclass(frozen=True)
class Comparison:
    """A reranked result at one depth of the pool.

    ``hits`` were read by the cross-encoder and are in its order. ``unseen`` were read too, at the deepest
    pool, but lie outside of this one: a search with this pool would never have scored them.
    """

    hits: tuple[Hit, ...]
    unseen: tuple[Hit, ...]

    @classmethod
    def at(cls, result: SearchResult, pool: int) -> Comparison:
        """Return ``result``, reranked at a pool at least as deep, as it were with the first ``pool`` hits only."""
        read = [hit for hit in result.hits if hit.cross_rank is not None]
        inside = [hit for hit in read if hit.bi_rank <= pool]
        return cls(
            tuple(replace(hit, rank=rank, cross_rank=rank) for rank, hit in enumerate(inside, 1)),
            tuple(hit for hit in read if hit.bi_rank > pool),
        )

    @cached_property
    def by_bi(self) -> tuple[Hit, ...]:
        """The hits in the bi-encoder's order."""
        return tuple(sorted(self.hits, key=lambda hit: hit.bi_rank))

    @property
    def agreement(self) -> Agreement:
        """How far the two orders agree."""
        return agreement([hit.chunk_id for hit in self.by_bi], [hit.chunk_id for hit in self.hits])

    def risers(self, most: int = 3) -> list[Hit]:
        """Return the hits that rose furthest, furthest first."""
        return sorted((hit for hit in self.hits if _moved(hit) > 0), key=lambda hit: (-_moved(hit), hit.rank))[:most]

    def fallers(self, most: int = 3) -> list[Hit]:
        """Return the hits that fell furthest, furthest first."""
        return sorted((hit for hit in self.hits if _moved(hit) < 0), key=lambda hit: (_moved(hit), hit.bi_rank))[:most]

    @property
    def entered(self) -> list[Hit]:
        """The hits of the cross-encoder's top 10 that are not in the bi-encoder's, in its order."""
        return [hit for hit in self.hits[:TOP] if hit.bi_rank > TOP]

    @property
    def left(self) -> list[Hit]:
        """The hits of the bi-encoder's top 10 that are not in the cross-encoder's, in the bi-encoder's order."""
        return [hit for hit in self.by_bi[:TOP] if hit.rank > TOP]

    @property
    def missed(self) -> list[Hit]:
        """The hits that the cross-encoder would have put into its top 10 had this pool held them, best first."""
        deepest = sorted((*self.hits, *self.unseen), key=lambda hit: (-(hit.cross_score or 0.0), hit.chunk_id))
        unseen = {hit.chunk_id for hit in self.unseen}
        return [hit for hit in deepest[:TOP] if hit.chunk_id in unseen]


def _moved(hit: Hit) -> int:
    return hit.moved or 0


@dataclass(frozen=True, slots=True)
class QueryMove:
    """How far one query's order moved: a line of the table over many queries."""

    query: str
    tau: float
    overlap: int
    new_first: bool  # whether the two models disagree on the first hit
    furthest: int  # places of the greatest rise into the cross-encoder's top 10
    bi_ndcg: float | None = None  # where judgments exist
    cross_ndcg: float | None = None

    @classmethod
    def of(cls, query: str, comparison: Comparison, ndcg: tuple[float, float] | None = None) -> QueryMove:
        """Return the line of one query; ``ndcg`` is the bi-encoder's and the cross-encoder's."""
        found = comparison.agreement
        furthest = max((_moved(hit) for hit in comparison.hits[:TOP]), default=0)
        new_first = bool(comparison.hits) and comparison.hits[0].bi_rank != 1
        bi, cross = ndcg or (None, None)
        return cls(query, found.tau, found.overlap, new_first, max(0, furthest), bi, cross)


def trec_run(results: Sequence[tuple[str, Sequence[Hit]]], tag: str, model: str) -> str:
    """Return rankings as a TREC run: query id, Q0, chunk id, rank, score, tag.

    ``model`` is ``bi`` or ``cross``: whose order and scores.
    """
    lines = []
    for query_id, hits in results:
        for rank, hit in enumerate(sorted(hits, key=lambda hit: hit.bi_rank) if model == "bi" else hits, 1):
            score = hit.bi_score if model == "bi" else hit.cross_score
            lines.append(f"{query_id} Q0 {hit.chunk_id} {rank} {score:.6f} {tag}")
    return "".join(f"{line}\n" for line in lines)
