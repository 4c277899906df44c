"""What two models found, for tests of comparing them: hits of letters, in orders that can be told by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.models.cross_encoder import PairScores
from core.records.search import Hit, SearchResult, Timings
from core.retrieval.comparison import Comparison
from core.retrieval.search import rerank
from core.util.progress import DoneReport
from tests.support.fakes import FakeCrossEncoder

LETTERS = "abcdefghijklmnopqrstuvwxyz"
FOUR = (0.0, 2.0, 1.0, 3.0)  # logits of a, b, c, d: the cross-encoder's order is d, b, c, a
TWELVE = (*(-float(rank) for rank in range(1, 11)), 5.0, -20.0)  # a to j keep their order, k comes first, l last


class ReadingCrossEncoder(FakeCrossEncoder):
    """The logit is the number that a text begins with."""

    def score(self, pairs: Sequence[tuple[str, str]], progress: DoneReport | None = None) -> PairScores:
        logits = np.asarray([float(text.split()[0]) for _, text in pairs], dtype=np.float32)
        return PairScores(logits, (1 / (1 + np.exp(-logits))).astype(np.float32))


def result(logits: Sequence[float], ids: str = "") -> SearchResult:
    """What the bi-encoder found: chunk a (or the first of ``ids``) with similarity 0.99, then b with 0.98 ..."""
    names = list(ids or LETTERS) if len(logits) <= len(LETTERS) else [f"{at:03}" for at in range(len(logits))]
    hits = tuple(
        Hit(
            rank,
            name,
            f"{name}.txt",
            f"document-{name}",
            None,
            None,
            0,
            10,
            f"{logit} of {name}",
            3,
            1 - rank / 100,
            rank,
        )
        for rank, (name, logit) in enumerate(zip(names, logits, strict=False), 1)
    )
    return SearchResult("query", "collection", "fake", "cosine", hits, Timings(1, 2, 3))


def compared(logits: Sequence[float], pool: int | None = None, ids: str = "") -> Comparison:
    """Everything is read by the cross-encoder, and looked at with a pool of ``pool``."""
    return Comparison.at(
        rerank(result(logits, ids), ReadingCrossEncoder(), max(1, len(logits))), len(logits) if pool is None else pool
    )


def ids(hits: Sequence[Hit]) -> str:
    return "".join(hit.chunk_id for hit in hits)
