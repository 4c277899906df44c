"""One query seen by two models: what the cross-encoder made of the bi-encoder's hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from core.models.bi_encoder import BiEncoder
from core.models.cross_encoder import CrossEncoder
from core.records.search import Hit, SearchResult
from core.vectors.similarity import pairwise_similarity

TOP = 10
PERSISTENCE = 0.9  # of the reader whom rank-biased overlap imagines: the first 10 ranks weigh 86%


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two rankings of the same candidates, in three numbers."""

    tau: float  # -1 to 1
    rbo: float  # 0 to 1
    overlap: int  # of the two top tens
    top: int  # 10, fewer if there are fewer candidates


def agreement(first: Sequence[str], second: Sequence[str]) -> Agreement:
    """Return how far two orders of the same ids agree.

    Raises ValueError if they do not hold the same ids, each once.
    """
    if len(first) != len(second) or set(first) != set(second) or len(set(first)) != len(first):
        raise ValueError("agreement needs two orders of the same ids, each once")
    top = min(TOP, len(first))
    overlap = len(set(first[:top]) & set(second[:top]))
    return Agreement(kendall_tau(first, second), rank_biased_overlap(first, second), overlap, top)


def kendall_tau(first: Sequence[str], second: Sequence[str]) -> float:
    """Return Kendall's tau-b: the share of pairs in the same order less the share in opposite order, -1 to 1.

    1 for a single id, which cannot be out of order. (Kendall, The treatment of ties in ranking problems, 1945;
    without ties, as here, it is tau.)
    """
    from scipy.stats import kendalltau

    if len(first) < 2:
        return 1.0
    place = {id_: at for at, id_ in enumerate(second)}
    return float(kendalltau(np.arange(len(first)), [place[id_] for id_ in first], variant="b").statistic)


def rank_biased_overlap(first: Sequence[str], second: Sequence[str], p: float = PERSISTENCE) -> float:
    """Return the extrapolated rank-biased overlap of two rankings of equal length, 0 to 1.

    The overlap of the two tops, averaged over all depths with weights that fall by ``p`` a rank; what lies
    beyond the last rank is taken to agree as the last does. (Webber, Moffat and Zobel, A Similarity Measure
    for Indefinite Rankings, 2010, equation 32 for lists of one length.)
    """
    if not first:
        return 1.0
    seen_first: set[str] = set()
    seen_second: set[str] = set()
    total, shared = 0.0, 0
    for depth, (one, two) in enumerate(zip(first, second, strict=True), 1):
        seen_first.add(one)
        seen_second.add(two)
        shared += (one in seen_second) + (two in seen_first) - (one == two)
        total += p**depth * shared / depth
    return shared / len(first) * p ** len(first) + (1 - p) / p * total


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


Triple = tuple[str, str, str]  # query, first text, second text


@dataclass(frozen=True, slots=True)
class PairScore:
    """Both models' scores of two texts; of all, higher is better."""

    cosine: tuple[float, float]
    logit: tuple[float, float]
    probability: tuple[float, float] | None  # None for a model without a sigmoid

    @property
    def bi_prefers_first(self) -> bool:
        """Whether the bi-encoder puts the first text above the second."""
        return self.cosine[0] > self.cosine[1]

    @property
    def bi_prefers_second(self) -> bool:
        """Whether it puts the second text above the first; neither, where both score the same."""
        return self.cosine[0] < self.cosine[1]

    @property
    def cross_prefers_first(self) -> bool:
        """Whether the cross-encoder puts the first text above the second."""
        return self.logit[0] > self.logit[1]

    @property
    def cross_prefers_second(self) -> bool:
        """Whether it puts the second text above the first."""
        return self.logit[0] < self.logit[1]


def score_pairs(encoder: BiEncoder, reranker: CrossEncoder, triples: Sequence[Triple]) -> list[PairScore]:
    """Return both models' scores of each triple's two texts. The bi-encoder's are cosines, whatever a collection's measure is."""
    if not triples:
        return []
    texts = [text for _, first, second in triples for text in (first, second)]
    vectors = encoder.encode_documents(texts)
    queries = np.stack([encoder.encode_query(query) for query, _, _ in triples])
    scores = reranker.score([(query, text) for query, first, second in triples for text in (first, second)])
    found = []
    for at in range(len(triples)):
        rows = slice(2 * at, 2 * at + 2)
        cosines = pairwise_similarity("cosine", vectors[rows], queries[at][None]).tolist()
        chances = None if scores.probabilities is None else scores.probabilities[rows].tolist()
        logits = scores.logits[rows].tolist()
        found.append(
            PairScore(
                (cosines[0], cosines[1]), (logits[0], logits[1]), None if chances is None else (chances[0], chances[1])
            )
        )
    return found
