"""What systems make of judged queries: a ranking a query, and the milliseconds that it takes. Which there are, ``system_names`` says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from core.evaluation._part_evaluation_answers import Answer
from core.evaluation._part_evaluation_asking import Asking
from core.evaluation._part_evaluation_ground import Report, Texts
from core.evaluation.systems import DEEPEST, System, parse_system
from core.evaluation.systems import SYSTEMS as SYSTEMS
from core.evaluation.systems import check_systems as check_systems
from core.formats._part_evaluation_judged import JudgedCollection
from core.judgments.relevance import Questions
from core.models.bi_encoder import BiEncoder
from core.models.cross_encoder import CrossEncoder


@dataclass
class SystemRun:
    """What one system made of all queries. ``milliseconds`` has an entry for each query, with everything that the system does for it."""

    ranking: dict[str, list[str]] = field(default_factory=dict)  # query id -> units, best first
    seconds: float = 0.0
    milliseconds: dict[str, float] = field(default_factory=dict)

    @property
    def ms_per_query(self) -> float:
        """Milliseconds a query, on average."""
        return self.seconds * 1e3 / max(1, len(self.ranking))

    def add(self, query: str, ranking: list[str], ms: float) -> None:
        """Take in what the system made of a query."""
        self.ranking[query] = ranking
        self.milliseconds[query] = ms
        self.seconds += ms / 1e3


def runs_of(systems: Sequence[System], answers: Iterable[Answer]) -> dict[str, SystemRun]:
    """Return what the systems made of the queries that were answered."""
    runs = {system.name: SystemRun() for system in systems}
    for answer in answers:
        for system in systems:
            if system.ground == answer.ground:
                runs[system.name].add(answer.query, answer.pooled(system.ranking(answer)), system.ms(answer))
    return runs


class Bench:
    """A judged collection's whole documents with the models that rank them.

    What several systems share is computed once, its time counted for each.
    """

    def __init__(self, judged: JudgedCollection, encoder: BiEncoder, reranker: CrossEncoder | None, pool: int) -> None:
        self._judged, self._reranker, self._pool = judged, reranker, pool
        self._ground = Texts.whole(judged, encoder)

    def run(self, names: Sequence[str], report: Report = lambda _line: None) -> dict[str, SystemRun]:
        """Return the runs of the systems ``names``. Raises SettingsError."""
        systems = [replace(parse_system(name, self._pool), ground=self._ground.name) for name in names]
        asking = Asking(Questions.of_documents(self._judged), {self._ground.name: self._ground}, systems, self._reranker, DEEPEST)
        return runs_of(systems, asking.answers(report))
