"""The bi-encoder's ranking against the cross-encoder's: rank moves, agreement, and scores of single pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from core.models.bi_encoder import BiEncoder
from core.models.cross_encoder import CrossEncoder, finite_scores
from core.records.search import Hit, SearchResult
from core.vectors.similarity import pairwise_similarity

TOP = 10
PERSISTENCE = 0.9  # of rank-biased overlap: the first 10 ranks have 86% of the weight


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two rankings of the same candidates agree."""

    tau: float  # Kendall's, -1 to 1
    rbo: float  # rank-biased overlap, 0 to 1
    overlap: int  # how many are in the top of both
    top: int  # 10, fewer if there are fewer candidates


def agreement(first: Sequence[str], second: Sequence[str]) -> Agreement:
    """Return how far two rankings of the same ids agree. Raises ValueError for different or repeated ids."""
    if len(first) != len(second) or set(first) != set(second) or len(set(first)) != len(first):
        raise ValueError("agreement needs two orders of the same ids, each once")
    top = min(TOP, len(first))
    overlap = len(set(first[:top]) & set(second[:top]))
    return Agreement(kendall_tau(first, second), rank_biased_overlap(first, second), overlap, top)


def kendall_tau(first: Sequence[str], second: Sequence[str]) -> float:
    """Return Kendall's tau: the share of pairs in the same order less the share in opposite order, -1 to 1.

    1 for a single id, which has no pair. (Kendall, A new measure of rank correlation, 1938; scipy's tau-b, which is the
    same without ties.)
    """
    from scipy.stats import kendalltau

    if len(first) < 2:
        return 1.0
    rank = {id_: number for number, id_ in enumerate(second)}
    return float(kendalltau(np.arange(len(first)), [rank[id_] for id_ in first], variant="b").statistic)


def rank_biased_overlap(first: Sequence[str], second: Sequence[str], p: float = PERSISTENCE) -> float:
    """Return the extrapolated rank-biased overlap of two rankings of equal length, 0 to 1.

    The share that the two tops have in common, averaged over all depths with weights that fall by ``p`` a rank; behind
    the last rank it is taken to stay as it is there. (Webber, Moffat and Zobel, A Similarity Measure for Indefinite
    Rankings, 2010, equation 32 for rankings of one length.)
    """
    if not first:
        return 1.0
    seen_first: set[str] = set()
    seen_second: set[str] = set()
    total, shared = 0.0, 0
    for depth, (one, other) in enumerate(zip(first, second, strict=True), 1):
        seen_first.add(one)
        seen_second.add(other)
        shared += (one in seen_second) + (other in seen_first) - (one == other)
        total += p**depth * shared / depth
    return shared / len(first) * p ** len(first) + (1 - p) / p * total


@dataclass(frozen=True)
class Comparison:
    """A reranked result as it is with one pool.

    ``hits`` are in the pool, in the cross-encoder's order. ``unseen`` are behind it: a search with this pool would not
    have scored them, but the result, whose pool was deeper, has their scores.
    """

    hits: tuple[Hit, ...]
    unseen: tuple[Hit, ...]

    @classmethod
    def at(cls, result: SearchResult, pool: int) -> Comparison:
        """Return ``result``, whose pool was at least as deep, as it would be with a pool of ``pool`` hits."""
        scored = [hit for hit in result.hits if hit.cross_rank is not None]
        inside = [hit for hit in scored if hit.bi_rank <= pool]
        return cls(
            tuple(replace(hit, rank=rank, cross_rank=rank) for rank, hit in enumerate(inside, 1)),
            tuple(hit for hit in scored if hit.bi_rank > pool),
        )

    @cached_property
    def by_bi(self) -> tuple[Hit, ...]:
        """The hits in the bi-encoder's order."""
        return tuple(sorted(self.hits, key=lambda hit: hit.bi_rank))

    @property
    def agreement(self) -> Agreement:
        """How far the two orders agree."""
        return agreement([hit.chunk_id for hit in self.by_bi], [hit.chunk_id for hit in self.hits])

    def risers(self, limit: int = 3) -> list[Hit]:
        """Return the hits that rose by most ranks, the greatest rise first."""
        return sorted((hit for hit in self.hits if _rise(hit) > 0), key=lambda hit: (-_rise(hit), hit.rank))[:limit]

    def fallers(self, limit: int = 3) -> list[Hit]:
        """Return the hits that fell by most ranks, the greatest fall first."""
        return sorted((hit for hit in self.hits if _rise(hit) < 0), key=lambda hit: (_rise(hit), hit.bi_rank))[:limit]

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
        """The hits behind the pool that the cross-encoder would have put into its top 10, best first."""
        scored = sorted((*self.hits, *self.unseen), key=lambda hit: (-(hit.cross_score or 0.0), hit.chunk_id))
        unseen = {hit.chunk_id for hit in self.unseen}
        return [hit for hit in scored[:TOP] if hit.chunk_id in unseen]


def _rise(hit: Hit) -> int:
    """Return by how many ranks the cross-encoder raised a hit; negative: it fell."""
    return hit.moved or 0


@dataclass(frozen=True, slots=True)
class QueryMove:
    """How much reranking changed one query's ranking."""

    query: str
    tau: float
    overlap: int  # of the two top tens
    new_first: bool  # whether the two models disagree on the first hit
    furthest: int  # ranks of the greatest rise into the cross-encoder's top 10
    bi_ndcg: float | None = None  # where the query is judged
    cross_ndcg: float | None = None

    @classmethod
    def of(cls, query: str, comparison: Comparison, ndcg: tuple[float, float] | None = None) -> QueryMove:
        """Return the record of one query; ``ndcg`` is the bi-encoder's and the cross-encoder's."""
        both = comparison.agreement
        furthest = max((_rise(hit) for hit in comparison.hits[:TOP]), default=0)
        new_first = bool(comparison.hits) and comparison.hits[0].bi_rank != 1
        bi, cross = ndcg or (None, None)
        return cls(query, both.tau, both.overlap, new_first, max(0, furthest), bi, cross)


Triple = tuple[str, str, str]  # query, first text, second text


@dataclass(frozen=True, slots=True)
class PairScore:
    """Both models' scores of two texts for one query; higher is better in all."""

    cosine: tuple[float, float]
    logit: tuple[float, float]
    probability: tuple[float, float] | None  # None for a model without a sigmoid

    @property
    def bi_prefers_first(self) -> bool:
        """Whether the bi-encoder ranks the first text above the second."""
        return self.cosine[0] > self.cosine[1]

    @property
    def bi_prefers_second(self) -> bool:
        """Whether the bi-encoder ranks the second text above the first; at equal scores it prefers neither."""
        return self.cosine[0] < self.cosine[1]

    @property
    def cross_prefers_first(self) -> bool:
        """Whether the cross-encoder ranks the first text above the second."""
        return self.logit[0] > self.logit[1]

    @property
    def cross_prefers_second(self) -> bool:
        """Whether the cross-encoder ranks the second text above the first."""
        return self.logit[0] < self.logit[1]


def score_pairs(encoder: BiEncoder, reranker: CrossEncoder, triples: Sequence[Triple]) -> list[PairScore]:
    """Return both models' scores of each triple's two texts; the bi-encoder's are always cosines."""
    if not triples:
        return []
    texts = [text for _, first, second in triples for text in (first, second)]
    vectors = encoder.encode_documents(texts)
    queries = np.stack([encoder.encode_query(query) for query, _, _ in triples])
    scores = finite_scores(reranker, [(query, text) for query, first, second in triples for text in (first, second)])
    pairs = []
    for number, query in enumerate(queries):
        rows = slice(2 * number, 2 * number + 2)
        first, second = pairwise_similarity("cosine", vectors[rows], query[None]).tolist()
        first_logit, second_logit = scores.logits[rows].tolist()
        probability = None
        if scores.probabilities is not None:
            first_probability, second_probability = scores.probabilities[rows].tolist()
            probability = first_probability, second_probability
        pairs.append(PairScore((first, second), (first_logit, second_logit), probability))
    return pairs
