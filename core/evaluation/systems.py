"""The systems that are compared on judged queries, each a way from a query to a ranking.

========================  =================================================================
``bi``                    the bi-encoder over all documents
``bi+cross``              its first ``pool``, in the cross-encoder's order
``bi+cross-sum``          the same pool by the sum of both scores, standardised per query
``bm25``                  BM25 over all documents
``bm25+cross``            its first ``pool``, in the cross-encoder's order
========================  =================================================================
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.errors import SettingsError
from core.evaluation.judged import JudgedCollection
from core.lexical import Bm25, Floats, best, standardised_sum
from core.models.bi_encoder import BiEncoder, Vectors
from core.models.cross_encoder import CrossEncoder

SYSTEMS = ("bi", "bi+cross", "bi+cross-sum", "bm25", "bm25+cross")
DEEPEST = 1000  # documents in a run
NOTHING = -np.inf  # the score of what was not found


@dataclass
class SystemRun:
    """What one system made of all queries."""

    ranking: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def ms_per_query(self) -> float:
        """Milliseconds a query, with everything that the system does for it."""
        return self.seconds * 1e3 / max(1, len(self.ranking))


def check_systems(names: Sequence[str]) -> None:
    """Raise SettingsError for a system that there is not."""
    for name in names:
        if name not in SYSTEMS:
            raise SettingsError(f"There is no system {name!r}: use {', '.join(SYSTEMS)}")


class Bench:
    """A judged collection with the models that rank it. What several systems share is computed once, its time counted for each."""

    def __init__(self, judged: JudgedCollection, encoder: BiEncoder, reranker: CrossEncoder | None, pool: int) -> None:
        self._judged, self._encoder, self._reranker, self._pool = judged, encoder, reranker, pool

    def run(self, names: Sequence[str], report: Callable[[str], None] = lambda _line: None) -> dict[str, SystemRun]:
        """Return the runs of the systems ``names``."""
        check_systems(names)
        runs = {name: SystemRun() for name in names}
        stages = [stage for stage in ("bi", "bm25") if any(name.split("+")[0] == stage for name in names)]
        first = {stage: self._first_stage(stage, report) for stage in stages}
        queries = self._judged.queries
        for done, (query_id, query) in enumerate(queries.items(), 1):
            for stage in stages:
                self._one(query_id, query, first[stage], {n: r for n, r in runs.items() if n.split("+")[0] == stage})
            report(f"{done:,} of {len(queries):,} queries")
        return runs

    def _first_stage(self, stage: str, report: Callable[[str], None]) -> Callable[[str], Floats]:
        if stage == "bm25":
            index = Bm25.over(self._judged.texts)
            return lambda query: _shared(index.scores(query))
        total = len(self._judged.texts)
        vectors = _unit(self._encoder.encode_documents(self._judged.texts, lambda done: report(f"{done:,} of {total:,} documents")))
        return lambda query: np.asarray(vectors @ _unit(self._encoder.encode_query(query)[None])[0], dtype=np.float64)

    def _one(self, query_id: str, query: str, first: Callable[[str], Floats], runs: dict[str, SystemRun]) -> None:
        ids = self._judged.document_ids
        started = time.perf_counter()
        scores = first(query)
        order = [at for at in best(scores, ids, DEEPEST) if scores[at] != NOTHING]
        took = time.perf_counter() - started
        pool, rest = order[: self._pool], [ids[at] for at in order[self._pool :]]
        cross, reading = self._read(query, pool) if any("+" in name for name in runs) else (None, 0.0)
        for name, run in runs.items():
            run.seconds += took + (reading if "+" in name else 0)
            new = scores[pool] if cross is None or "+" not in name else standardised_sum(scores[pool], cross) if name.endswith("-sum") else cross
            run.ranking[query_id] = [ids[pool[at]] for at in best(new, [ids[at] for at in pool], len(pool))] + rest

    def _read(self, query: str, pool: Sequence[int]) -> tuple[Floats, float]:
        if self._reranker is None:
            raise SettingsError("A system with 'cross' needs a cross-encoder: give one, or leave the system out")
        started = time.perf_counter()
        scores = self._reranker.score([(query, self._judged.texts[at]) for at in pool])
        return scores.logits.astype(np.float64), time.perf_counter() - started


def _shared(scores: Floats) -> Floats:
    """BM25's scores where query and text share a word: what shares none is not found at all."""
    return np.where(scores > 0, scores, NOTHING)


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit
