"""A query and two sentences, seen by both models: which sentence does each prefer?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.models.bi_encoder import BiEncoder
from core.models.cross_encoder import CrossEncoder

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
        lengths = np.linalg.norm(vectors[rows], axis=1) * np.linalg.norm(queries[at])
        cosines = (vectors[rows] @ queries[at] / np.maximum(lengths, 1e-12)).tolist()
        chances = None if scores.probabilities is None else scores.probabilities[rows].tolist()
        logits = scores.logits[rows].tolist()
        found.append(PairScore((cosines[0], cosines[1]), (logits[0], logits[1]), None if chances is None else (chances[0], chances[1])))
    return found
