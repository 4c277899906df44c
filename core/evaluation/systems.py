"""The systems that are compared on judged queries, each a way from a query to a ranking.

========================  ===================================================================================
``bm25``                  BM25 over all texts
``bi``                    the bi-encoder: exact for texts in memory, through Chroma's index in a collection
``bi-exact``              in a collection: the bi-encoder over all vectors, each compared
``hybrid``                reciprocal rank fusion of ``bi`` and ``bm25`` (k = 60)
``STAGE+cross``           any of these, its first ``pool`` in the cross-encoder's order, the others behind them
``STAGE+cross@N``         the same with a pool of ``N``, whatever the run's
``bi+cross-sum``          the pool of ``bi`` by the sum of both scores, standardised per query
``COLLECTION:SYSTEM``     in a run over several collections: one of these on that collection
========================  ===================================================================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from core.errors import DataError, SettingsError
from core.judgments.relevance import pooled
from core.retrieval.fusion import reciprocal_rank_fusion, standardised_sum

HYBRID_OF = ("bi", "bm25")


@dataclass(frozen=True)
class Stage:
    """One stage's order of the candidates (their places), best first, their scores in that order, and the milliseconds it took."""

    order: tuple[int, ...]
    scores: tuple[float, ...]
    ms: float


@dataclass(frozen=True)
class Answer:
    """One query on one ground. ``units`` says what each candidate counts as, ``logits`` what the cross-encoder said of those that it read.

    ``reading`` is the milliseconds that all of these pairs took together.
    """

    query: str  # id
    ground: str  # name
    candidates: tuple[str, ...]
    units: tuple[tuple[str, ...], ...]
    stages: Mapping[str, Stage]
    logits: Mapping[int, float] = field(default_factory=dict)
    reading: float = 0.0

    @cached_property
    def ms_per_pair(self) -> float:
        """Milliseconds that the cross-encoder took for one pair, on average."""
        return self.reading / len(self.logits) if self.logits else 0.0

    def first(self, name: str) -> Stage:
        """Return a first stage; ``hybrid`` is reciprocal rank fusion of the bi-encoder and BM25, ties broken by id."""
        return self._hybrid if name == "hybrid" else self.stages[name]

    @cached_property
    def _hybrid(self) -> Stage:
        stages = [self.stages[part] for part in HYBRID_OF]
        fused = reciprocal_rank_fusion([stage.order for stage in stages])
        order = sorted(fused, key=lambda at: (-fused[at], self.candidates[at]))[
            : max(len(stage.order) for stage in stages)
        ]
        return Stage(tuple(order), tuple(fused[at] for at in order), sum(stage.ms for stage in stages))

    def reranked(self, first: Stage, pool: int, kind: str = "cross") -> list[int]:
        """Return a stage's order with its first ``pool`` candidates in the cross-encoder's, the others behind them; ties by id.

        ``kind`` is ``cross``, or ``cross-sum``: by the sum of both scores, standardised over the pool.
        """
        head, rest = first.order[:pool], first.order[pool:]
        logits = np.asarray([self.logits[at] for at in head])
        new = standardised_sum(np.asarray(first.scores[:pool]), logits) if kind == "cross-sum" and head else logits
        score = dict(zip(head, new.tolist(), strict=True))
        return [*sorted(head, key=lambda at: (-score[at], self.candidates[at])), *rest]

    def pooled(self, order: Sequence[int], most: int | None = None) -> list[str]:
        """Return the units of an order of candidates, each once, at its best rank."""
        return pooled((self.units[at] for at in order), most)

    def as_line(self) -> str:
        """Return the answer as one line of JSON."""
        known: dict[str, int] = {}
        units = [[known.setdefault(unit, len(known)) for unit in held] for held in self.units]
        stages = {
            name: [list(stage.order), list(stage.scores), round(stage.ms, 4)] for name, stage in self.stages.items()
        }
        held = {
            "query": self.query,
            "ground": self.ground,
            "candidates": self.candidates,
            "names": list(known),
            "units": units,
            "stages": stages,
            "read": list(self.logits),
            "logits": list(self.logits.values()),
            "reading": round(self.reading, 4),
        }
        return json.dumps(held, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def of_line(cls, line: str) -> Answer:
        """Return the answer that ``as_line`` wrote. Raises DataError for anything else."""
        try:
            held = json.loads(line)
            units = tuple(tuple(held["names"][at] for at in units) for units in held["units"])
            stages = {
                name: Stage(tuple(order), tuple(scores), ms) for name, (order, scores, ms) in held["stages"].items()
            }
            logits = dict(zip(held["read"], held["logits"], strict=True))
            return cls(held["query"], held["ground"], tuple(held["candidates"]), units, stages, logits, held["reading"])
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise DataError("An answer of an experiment is damaged: delete the experiment and run it again") from error


def by_ground(answers: Sequence[Answer]) -> Iterator[tuple[str, list[Answer]]]:
    """Yield each ground's name with its answers, in the order in which they came."""
    for name in dict.fromkeys(answer.ground for answer in answers):
        yield name, [answer for answer in answers if answer.ground == name]


STAGES = ("bm25", "bi", "hybrid", "bi-exact")
SYSTEMS = ("bm25", "bi", "hybrid", "bm25+cross", "bi+cross", "bi+cross-sum", "hybrid+cross")
USUAL = ("bm25", "bi", "hybrid", "bi+cross", "bm25+cross", "hybrid+cross")
DEEPEST = 1000  # candidates of a first stage, and pairs that are reranked, at most
_NAME = re.compile(r"(?P<stage>bm25|bi-exact|bi|hybrid)(?P<kind>\+cross(?:-sum)?)?(?:@(?P<pool>[1-9]\d{0,3}))?")


@dataclass(frozen=True, slots=True)
class System:
    """A first stage, and what comes after it. ``kind`` is empty, ``cross`` or ``cross-sum``; ``pool`` is how deep."""

    name: str
    stage: str
    kind: str = ""
    pool: int = 0
    ground: str = ""  # the collection that it searches

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that search for it."""
        return HYBRID_OF if self.stage == "hybrid" else (self.stage,)

    def ranking(self, answer: Answer) -> list[int]:
        """Return the places of an answer's candidates, best first."""
        first = answer.first(self.stage)
        return answer.reranked(first, self.pool, self.kind) if self.kind else list(first.order)

    def ms(self, answer: Answer) -> float:
        """Return the milliseconds that this system takes for a query: its stages', and its share of the pairs that were read."""
        first = answer.first(self.stage)
        return first.ms + (min(self.pool, len(first.order)) * answer.ms_per_pair if self.kind else 0.0)


def parse_system(name: str, pool: int, grounds: Sequence[str] = ()) -> System:
    """Return the system ``name`` with the run's ``pool`` where it names none, on the first of ``grounds`` where it names none.

    Raises SettingsError for a system or a collection that there is not, or a pool out of range.
    """
    ground, _, rest = name.rpartition(":")
    if ground and ground not in grounds:
        raise SettingsError(
            f"The system {name!r} is on the collection {ground!r}, which is not part of this run: it has {', '.join(grounds) or 'one only'}"
        )
    found = _NAME.fullmatch(rest)
    kind = (found["kind"] or "").removeprefix("+") if found else ""
    if not found or (found["pool"] and not kind) or (kind == "cross-sum" and found["stage"] not in ("bi", "bi-exact")):
        raise SettingsError(
            f"There is no system {name!r}: use {', '.join(SYSTEMS)}; or bi-exact on a collection; +cross@20 sets a pool"
        )
    depth = int(found["pool"] or pool)
    if kind and not 1 <= depth <= DEEPEST:
        raise SettingsError(f"The system {name!r} reranks {depth} candidates: use 1 to {DEEPEST:,}")
    return System(name, found["stage"], kind, depth if kind else 0, ground or next(iter(grounds), ""))


def check_systems(names: Sequence[str]) -> None:
    """Raise SettingsError for a system that there is not."""
    for name in names:
        parse_system(name.rpartition(":")[2] or name, 1)


def split_grounds(names: Iterable[str]) -> list[str]:
    """Return the collections that the names of systems begin with, each once."""
    return list(dict.fromkeys(ground for name in names if (ground := name.rpartition(":")[0])))
