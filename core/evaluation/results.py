"""What came of a run: every system's values on every judged query, and what can be said of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core.errors import DataError, SettingsError
from core.evaluation.metrics import JUDGED, Aggregate, aggregate, per_query
from core.evaluation.runner import SystemRun, runs_of
from core.evaluation.significance import Change, Paired, changes, compare, compare_all
from core.evaluation.systems import Answer, System
from core.judgments.relevance import Questions
from core.records.judgments import Qrels
from core.retrieval.comparison import TOP
from core.util.formatting import plural

FEW = 25  # judged queries
UNJUDGED = 0.6  # of the first ten hits must be judged


def worth(queries: int, judged: Mapping[str, float], most: float = 1.0) -> list[str]:
    """Return warnings for so many judged ``queries`` and each system's mean Judged@10, 0 to 1; none where there is nothing to warn of.

    ``most`` is the highest Judged@10 that a system could have: where few documents are judged for a query, even the best has little.

    With under 25 queries one lucky query moves a mean by more than systems differ (Voorhees and Buckley, The effect of topic set
    size on retrieval experiment error, 2002). Hits that nobody judged count as wrong: where four of ten are such,
    a system is paid for finding what the judges looked at, not for finding what is right.
    """
    warnings = []
    if queries < FEW:
        warnings.append(
            f"Only {plural(queries, 'query is', 'queries are')} judged: with fewer than {FEW}, "
            "one more query can turn the order of the systems round. Judge more before you believe a figure."
        )
    unjudged = {name: share for name, share in judged.items() if share < UNJUDGED}
    if unjudged:
        worst = ", ".join(f"{name} {share:.0%}" for name, share in sorted(unjudged.items(), key=lambda item: item[1]))
        warnings.append(
            f"Many of the first ten hits were judged by nobody and count as not relevant; judged are: {worst}"
            + (
                f" (no system could have more than {most:.0%}, so little is judged for a query). "
                if most < UNJUDGED
                else ". "
            )
            + "Figures of these systems are too low by an unknown amount: judge their hits."
        )
    return warnings


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
    def of(
        cls, questions: Questions, systems: Sequence[System], answers: Iterable[Answer], measures: Sequence[str]
    ) -> Results:
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
        judged = {
            name: aggregate(per_query(questions.qrels, run.ranking, [JUDGED])[JUDGED]).mean
            for name, run in runs.items()
        }
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
            {query: before[query] for query in common},
            {name: {query: values[query] for query in common} for name, values in others.items()},
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


@dataclass(frozen=True)
class SideBySide:
    """A system of one experiment against a system of another, on the queries that both have."""

    paired: Paired
    changes: list[Change]
    common: int
    same_data: bool
    left_out: int  # queries that one of them alone has


def side_by_side(
    one: Results, first: str, other: Results, second: str, measure: str, same_data: bool = True
) -> SideBySide:
    """Compare two systems of two experiments by a measure that both have. Raises DataError where no query or measure is common."""
    if measure not in one.measures or measure not in other.measures:
        raise DataError(f"{measure} was not measured in both experiments: choose another measure")
    before, after = one.values[first][measure], other.values[second][measure]
    common = [query for query in before if query in after and one.queries.get(query) == other.queries.get(query)]
    if not common:
        raise DataError("The two experiments have no query in common: compare experiments on the same judged queries")
    left, right = {query: before[query] for query in common}, {query: after[query] for query in common}
    return SideBySide(
        compare(left, right), changes(left, right), len(common), same_data, len(set(before) | set(after)) - len(common)
    )
