"""BM25, which compares words and not meaning, and ways to put rankings together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.text.analyzers import terms
from core.util.arrays import Float64Array

FUSION_K = 60  # of reciprocal rank fusion, as its authors chose it


@dataclass(frozen=True)
class Bm25:
    """A BM25 index over texts, which are known by their place.

    Lucene's form of BM25 with k1 = 1.5, b = 0.75 as bm25s has it (Lù, BM25S, 2024; Robertson and
    Zaragoza, The Probabilistic Relevance Framework, 2009).
    """

    _index: Any
    _size: int
    _split: Callable[[str], list[str]]

    @classmethod
    def over(cls, texts: Sequence[str], split: Callable[[str], list[str]] = terms) -> Bm25:
        """Index ``texts``, each taken apart by ``split``, as the queries will be."""
        import bm25s

        index = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
        words = [split(text) or [""] for text in texts]
        if words:
            index.index(words, show_progress=False)
        return cls(index, len(words), split)

    def scores(self, query: str) -> Float64Array:
        """Return the score of every text, shape (texts,); 0 where they share no word."""
        words = [word for word in self._split(query) if self._size and word in self._index.vocab_dict]
        if not words:
            return np.zeros(self._size)
        return np.asarray(self._index.get_scores(words), dtype=np.float64)


def best(scores: npt.NDArray[np.floating[Any]], ids: Sequence[str], many: int) -> list[int]:
    """Return the places of the ``many`` highest scores, highest first; ties by id."""
    many = min(many, len(scores))
    if not many:
        return []
    bound = np.partition(scores, len(scores) - many)[len(scores) - many]
    return sorted(np.flatnonzero(scores >= bound).tolist(), key=lambda at: (-scores[at], ids[at]))[:many]


def reciprocal_rank_fusion(rankings: Sequence[Sequence[int]], k: int = FUSION_K) -> dict[int, float]:
    """Return for every place in any of the rankings (best first) the sum of 1 / (k + its rank) over those that hold it.

    (Cormack, Clarke and Büttcher, Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods, 2009.)
    """
    fused: dict[int, float] = {}
    for ranking in rankings:
        for rank, place in enumerate(ranking, 1):
            fused[place] = fused.get(place, 0.0) + 1 / (k + rank)
    return fused


def standardised_sum(*scores: npt.NDArray[np.floating[Any]]) -> Float64Array:
    """Return the sum of several scores of the same candidates, each brought to mean 0 and deviation 1 first.

    So scores on different scales weigh the same; one that is the same for all candidates adds nothing.
    (CombSUM of Fox and Shaw, Combination of Multiple Searches, 1994, with standardised scores.)
    """
    total = np.zeros(len(scores[0]))
    for values in scores:
        spread = values.std()
        if spread > 1e-9 * np.abs(values).max():  # what rounding leaves of equal scores is no difference
            total += (values - values.mean()) / spread
    return total
