"""What came of a run: every system's values on every judged query, and what can be said of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core.errors import SettingsError
from core.evaluation._part_evaluation_answers import Answer
from core.evaluation._part_evaluation_worth import worth
from core.evaluation.metrics import JUDGED, Aggregate, aggregate, per_query
from core.evaluation.runner import SystemRun, runs_of
from core.evaluation.significance import Change, Paired, changes, compare_all
from core.evaluation.systems import System
from core.formats._part_evaluation_judged import Qrels
from core.judgments.relevance import Questions
from core.retrieval._part_agreement import TOP

Values = Mapping[str, Mapping[str, Mapping[str, float]]]  # system -> measure -> query id -> value


@dataclass(frozen=True)
class Results:
    """Systems on judged queries. The first measure is the one that systems are compared by unless another is named.

    ``judged`` is each system's mean Judged@10, ``notes`` say what should be known of the figures.
    """

    queries: Mapping[str, str]
    qrels: Qrels
    runs: Mapping[str, SystemRun]
    values: Values
    judged: Mapping[str, float]
    notes: tuple[str, ...] = ()
    measures: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, questions: Questions, systems: Sequence[System], answers: Iterable[Answer], measures: Sequence[str]) -> Results:
        """Measure what was answered. A measure that cannot be computed on these judgments is left out, and a note says so."""
        runs = runs_of(systems, answers)
        return cls.measured(questions, runs, measures)

    @classmethod
    def measured(cls, questions: Questions, runs: Mapping[str, SystemRun], measures: Sequence[str]) -> Results:
        """Measure rankings that are there."""
        found = {measure: _measured(questions.qrels, runs, measure) for measure in dict.fromkeys(measures)}
        notes = [said for said in found.values() if isinstance(said, str)]
        kept = {measure: by_system for measure, by_system in found.items() if not isinstance(by_system, str)}
        values = {name: {measure: by_system[name] for measure, by_system in kept.items()} for name in runs}
        judged = {name: aggregate(per_query(questions.qrels, run.ranking, [JUDGED])[JUDGED]).mean for name, run in runs.items()}
        return cls(questions.queries, questions.qrels, runs, values, judged, tuple(notes), tuple(kept))

    @property
    def systems(self) -> tuple[str, ...]:
        """The systems, in the order in which they were asked for."""
        return tuple(self.runs)

    @property
    def warnings(self) -> list[str]:
        """What makes the figures worthless; empty where nothing does."""
        most = [min(len(grades), TOP) / TOP for grades in self.qrels.values()]
        return worth(len(self.qrels), self.judged, sum(most) / max(1, len(most)))

    def mean(self, system: str, measure: str) -> Aggregate:
        """Return a system's mean over all judged queries, and how many these are."""
        return aggregate(self.values[system][measure])

    def against(self, first: str, measure: str) -> dict[str, Paired]:
        """Return every other system against ``first``, corrected for being several (Holm). Queries that either has no value for are left out."""
        before = self.values[first][measure]
        others = {name: found[measure] for name, found in self.values.items() if name != first}
        common = [query for query in before if all(query in values for values in others.values())]
        if not common:
            return {}
        return compare_all(
            {query: before[query] for query in common}, {name: {query: values[query] for query in common} for name, values in others.items()}
        )

    def changes(self, first: str, second: str, measure: str) -> list[Change]:
        """Return what ``second`` did to each query of ``first``, hurt most first."""
        before, after = self.values[first][measure], self.values[second][measure]
        common = [query for query in before if query in after]
        return changes({query: before[query] for query in common}, {query: after[query] for query in common})


def _measured(qrels: Qrels, runs: Mapping[str, SystemRun], measure: str) -> dict[str, dict[str, float]] | str:
    """Each system's values by query, or why there are none."""
    try:
        return {name: per_query(qrels, run.ranking, [measure])[measure] for name, run in runs.items()}
    except SettingsError as error:
        return str(error)
