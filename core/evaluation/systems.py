"""The systems that are compared on judged queries, each a way from a query to a ranking.

========================  ===================================================================================
``bm25``                  BM25 over all texts
``bi``                    the bi-encoder: exact for texts in memory, through Chroma's index in a collection
``bi-exact``              in a collection: the bi-encoder, compared with every vector
``hybrid``                reciprocal rank fusion of ``bi`` and ``bm25`` (k = 60)
``STAGE+cross``           any of these, its first ``pool`` in the cross-encoder's order, the others behind them
``STAGE+cross@N``         the same with a pool of ``N``, whatever the run's
``bi+cross-sum``          the pool of ``bi`` by the sum of both scores, standardised per query
``COLLECTION:SYSTEM``     in a run over several collections: one of these on that collection
========================  ===================================================================================

The first stages retrieve once for all systems, and the cross-encoder scores each pair once. The rankings of all systems
are computed from that record (``Candidates``), which an experiment keeps.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from core.errors import DataError, SettingsError
from core.judgments.relevance import unit_ranking
from core.retrieval.fusion import reciprocal_rank_fusion, standardised_sum

HYBRID_STAGES = ("bi", "bm25")
SYSTEMS = ("bm25", "bi", "hybrid", "bm25+cross", "bi+cross", "bi+cross-sum", "hybrid+cross")
DEFAULT_SYSTEMS = ("bm25", "bi", "hybrid", "bi+cross", "bm25+cross", "hybrid+cross")
MAX_DEPTH = 1000  # candidates of a first stage, and pairs that are reranked
_NAME = re.compile(r"(?P<stage>bm25|bi-exact|bi|hybrid)(?P<reranking>\+cross(?:-sum)?)?(?:@(?P<pool>[1-9]\d{0,3}))?")


@dataclass(frozen=True)
class StageRanking:
    """The ranking of a first stage: indices of candidates, best first, their scores, and the milliseconds it took."""

    order: tuple[int, ...]
    scores: tuple[float, ...]
    ms: float


@dataclass(frozen=True)
class Candidates:
    """The candidates of one query in one corpus, with everything that systems rank them by.

    ``units`` are what each candidate counts as, ``stages`` the rankings of the first stages by name, ``logits`` the
    cross-encoder's score of each candidate that it read, by index, and ``rerank_ms`` the milliseconds for all of these.
    """

    query: str  # id
    corpus: str  # name
    ids: tuple[str, ...]
    units: tuple[tuple[str, ...], ...]
    stages: Mapping[str, StageRanking]
    logits: Mapping[int, float] = field(default_factory=dict)
    rerank_ms: float = 0.0

    @cached_property
    def ms_per_pair(self) -> float:
        """Milliseconds that the cross-encoder took for one pair, on average."""
        return self.rerank_ms / len(self.logits) if self.logits else 0.0

    def stage(self, name: str) -> StageRanking:
        """Return the ranking of a first stage; ``hybrid`` is fused from the bi-encoder's and BM25's, ties by id."""
        return self._hybrid if name == "hybrid" else self.stages[name]

    @cached_property
    def _hybrid(self) -> StageRanking:
        stages = [self.stages[name] for name in HYBRID_STAGES]
        fused = reciprocal_rank_fusion([stage.order for stage in stages])
        order = sorted(fused, key=lambda index: (-fused[index], self.ids[index]))
        order = order[: max(len(stage.order) for stage in stages)]
        return StageRanking(tuple(order), tuple(fused[index] for index in order), sum(stage.ms for stage in stages))

    def rerank(self, stage: StageRanking, pool: int, reranking: str = "cross") -> list[int]:
        """Return a stage's order with its first ``pool`` candidates reranked, the others behind them; ties by id.

        ``reranking`` is ``cross``, by the cross-encoder's scores, or ``cross-sum``, by the sum of these and the
        stage's, both standardised over the pool.
        """
        head, rest = stage.order[:pool], stage.order[pool:]
        scores = np.asarray([self.logits[index] for index in head])
        if reranking == "cross-sum" and head:
            scores = standardised_sum(np.asarray(stage.scores[:pool]), scores)
        score = dict(zip(head, scores.tolist(), strict=True))
        return [*sorted(head, key=lambda index: (-score[index], self.ids[index])), *rest]

    def unit_ranking(self, order: Iterable[int], limit: int | None = None) -> list[str]:
        """Return the first ``limit`` units (None: all) of an order of candidates, each once, at its best rank."""
        return unit_ranking((self.units[index] for index in order), limit)

    def to_json(self) -> str:
        """Return the record as one line of JSON; units are numbered in it, since many candidates share them."""
        numbers: dict[str, int] = {}
        units = [[numbers.setdefault(unit, len(numbers)) for unit in units] for units in self.units]
        stages = {
            name: [list(stage.order), list(stage.scores), round(stage.ms, 4)] for name, stage in self.stages.items()
        }
        record = {
            "query": self.query,
            "ground": self.corpus,
            "candidates": self.ids,
            "names": list(numbers),
            "units": units,
            "stages": stages,
            "read": list(self.logits),
            "logits": list(self.logits.values()),
            "reading": round(self.rerank_ms, 4),
        }
        return json.dumps(record, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> Candidates:
        """Return the record that ``to_json`` wrote. Raises DataError for anything else."""
        try:
            record = json.loads(line)
            return cls(
                record["query"],
                record["ground"],
                tuple(record["candidates"]),
                tuple(tuple(record["names"][number] for number in numbers) for numbers in record["units"]),
                {
                    name: StageRanking(tuple(order), tuple(scores), ms)
                    for name, (order, scores, ms) in record["stages"].items()
                },
                dict(zip(record["read"], record["logits"], strict=True)),
                record["reading"],
            )
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise DataError("An answer of an experiment is damaged: delete the experiment and run it again") from error


@dataclass(frozen=True, slots=True)
class System:
    """A first stage and how its candidates are reranked: empty, ``cross`` or ``cross-sum``, ``pool`` of them."""

    name: str
    stage: str
    reranking: str = ""
    pool: int = 0
    corpus: str = ""  # the collection that it searches

    @property
    def stages(self) -> tuple[str, ...]:
        """The first stages whose rankings it needs."""
        return HYBRID_STAGES if self.stage == "hybrid" else (self.stage,)

    def rank(self, candidates: Candidates) -> list[int]:
        """Return the indices of the candidates, best first."""
        stage = candidates.stage(self.stage)
        return candidates.rerank(stage, self.pool, self.reranking) if self.reranking else list(stage.order)

    def ms(self, candidates: Candidates) -> float:
        """Return the milliseconds that this system takes for a query: its stages and the pairs of its pool."""
        stage = candidates.stage(self.stage)
        pairs = min(self.pool, len(stage.order)) if self.reranking else 0
        return stage.ms + pairs * candidates.ms_per_pair


def parse_system(name: str, pool: int, corpora: Sequence[str] = ()) -> System:
    """Return the system ``name``: with the run's ``pool`` and on the first of ``corpora`` where it names no other.

    Raises SettingsError for an unknown system or collection, or a pool out of range.
    """
    corpus, _, rest = name.rpartition(":")
    if corpus and corpus not in corpora:
        raise SettingsError(
            f"The system {name!r} is on the collection {corpus!r}, which is not part of this run: "
            f"it has {', '.join(corpora) or 'one only'}"
        )
    match = _NAME.fullmatch(rest)
    reranking = (match["reranking"] or "").removeprefix("+") if match else ""
    if (
        not match
        or (match["pool"] and not reranking)
        or (reranking == "cross-sum" and match["stage"] not in ("bi", "bi-exact"))
    ):
        raise SettingsError(
            f"There is no system {name!r}: use {', '.join(SYSTEMS)}; or bi-exact on a collection; +cross@20 sets a pool"
        )
    depth = int(match["pool"] or pool)
    if reranking and not 1 <= depth <= MAX_DEPTH:
        raise SettingsError(f"The system {name!r} reranks {depth} candidates: use 1 to {MAX_DEPTH:,}")
    return System(name, match["stage"], reranking, depth if reranking else 0, corpus or next(iter(corpora), ""))


def check_systems(names: Sequence[str]) -> None:
    """Raise SettingsError for an unknown system."""
    for name in names:
        parse_system(name.rpartition(":")[2] or name, 1)


def named_corpora(names: Iterable[str]) -> list[str]:
    """Return the collections that the names of systems begin with, each once."""
    return list(dict.fromkeys(corpus for name in names if (corpus := name.rpartition(":")[0])))
