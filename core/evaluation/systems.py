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

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.errors import SettingsError
from core.evaluation._part_evaluation_answers import HYBRID_OF, Answer

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
        raise SettingsError(f"There is no system {name!r}: use {', '.join(SYSTEMS)}; or bi-exact on a collection; +cross@20 sets a pool")
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
