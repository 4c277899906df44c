"""BM25, which ranks by shared words: one index for the pages, the evaluation and the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.records.search import Collection
from core.text.analyzers import terms_for
from core.util.arrays import AnyFloatArray, Float64Array
from core.workspace import Workspace

if TYPE_CHECKING:
    import bm25s  # takes a second to import

Analyzer = Callable[[str], list[str]]  # cuts a text into the terms that are counted


@dataclass(frozen=True)
class Bm25:
    """A BM25 index over texts with ids.

    Lucene's form of BM25 with k1 = 1.5, b = 0.75 as bm25s has it (Lù, BM25S, 2024; Robertson and
    Zaragoza, The Probabilistic Relevance Framework, 2009).
    """

    ids: Sequence[str]
    analyzer: Analyzer
    _index: bm25s.BM25

    @classmethod
    def build(cls, texts: Mapping[str, str], analyzer: Analyzer | None = None) -> Bm25:
        """Index ``texts``, which are known by their ids; queries are analyzed as they are.

        Without an analyzer the language of the texts decides: English is stemmed, other languages are not.
        """
        import bm25s

        analyzer = analyzer or terms_for(list(texts.values()))
        index = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
        if texts:
            index.index([analyzer(text) or [""] for text in texts.values()], show_progress=False)
        return cls(tuple(texts), analyzer, index)

    @classmethod
    def of_collection(cls, workspace: Workspace, collection: Collection) -> Bm25:
        """Index the chunks of a collection that can be found, as the models read them. Raises StoreError."""
        return cls.build(workspace.store.texts(collection, workspace.document_store.hidden(collection.key)))

    def scores(self, query: str) -> Float64Array:
        """Return the score of every text, shape (texts,); 0 for those that share no term with the query."""
        known = [term for term in self.analyzer(query) if self.ids and term in self._index.vocab_dict]
        if not known:
            return np.zeros(len(self.ids))
        return np.asarray(self._index.get_scores(known), dtype=np.float64)

    def rank(self, query: str, limit: int) -> dict[str, float]:
        """Return the ``limit`` best texts, id to score, best first, ties by id; none without a shared term."""
        scores = self.scores(query)
        return {self.ids[row]: float(scores[row]) for row in top_rows(scores, self.ids, limit) if scores[row] > 0}


def top_rows(scores: AnyFloatArray, ids: Sequence[str], limit: int) -> list[int]:
    """Return the rows of the ``limit`` highest scores, highest first; ties by id."""
    limit = min(limit, len(scores))
    if not limit:
        return []
    least = np.partition(scores, len(scores) - limit)[len(scores) - limit]
    return sorted(np.flatnonzero(scores >= least).tolist(), key=lambda row: (-scores[row], ids[row]))[:limit]
