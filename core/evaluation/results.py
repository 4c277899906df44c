"""What came of a run: every system's value on every judged query, and comparisons of systems by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.errors import DataError, SettingsError
from core.evaluation.metrics import JUDGED, Aggregate, aggregate, per_query
from core.evaluation.runner import SystemRun, runs_of
from core.evaluation.significance import Change, Paired, changes, compare, compare_all
from core.evaluation.systems import Candidates, System
from core.judgments.relevance import JudgedQueries
from core.records.judgments import Qrels
from core.retrieval.comparison import TOP
from core.util.formatting import plural

MIN_QUERIES = 25  # fewer are warned of
MIN_JUDGED = 0.6  # of the first ten hits; a smaller share is warned of
Values = Mapping[str, Mapping[str, Mapping[str, float]]]  # system -> measure -> query id -> value


def reliability_warnings(queries: int, judged: Mapping[str, float], most: float = 1.0) -> list[str]:
    """Return why figures over so many judged ``queries`` cannot be trusted; nothing where they can.

    ``judged`` is each system's mean Judged@10 over the queries for which it found something, 0 to 1, ``most`` the
    highest that a system with as many hits could have: where few documents are judged, even the best has little.

    With under 25 queries one query moves a mean by more than systems differ (Voorhees and Buckley, The effect of topic
    set size on retrieval experiment error, 2002). Hits that nobody judged count as not relevant: where four of ten are
    such, a system gains by finding what was judged, not by finding what is relevant.
    """
    warnings = []
    if queries < MIN_QUERIES:
        warnings.append(
            f"Only {plural(queries, 'query is', 'queries are')} judged: with fewer than {MIN_QUERIES}, "
            "one more query can turn the order of the systems round. Judge more before you believe a figure."
        )
    too_few = sorted((share, name) for name, share in judged.items() if share < MIN_JUDGED)
    if too_few:
        shares = ", ".join(f"{name} {share:.0%}" for share, name in too_few)
        limit = f" (no system could have more than {most:.0%} with as many hits: so little is judged)"
        warnings.append(
            "Many of the first ten hits were judged by nobody and count as not relevant; judged are: "
            f"{shares}{limit if most < MIN_JUDGED else ''}. "
            "Figures of these systems are too low by an unknown amount: judge their hits."
        )
    return warnings


@dataclass(frozen=True)
class Results:
    """The figures of systems on judged queries. Systems are compared by the first measure unless another is named.

    ``judged`` is each system's mean Judged@10; ``notes`` say what should be known of the figures.
    """

    queries: Mapping[str, str]
    qrels: Qrels
    runs: Mapping[str, SystemRun]
    values: Values
    judged: Mapping[str, float]
    notes: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, judged: JudgedQueries, systems: Sequence[System], records: Iterable[Candidates], measures: Sequence[str]
    ) -> Results:
        """Rank what was retrieved by each system, and measure the rankings as ``of_runs`` does."""
        return cls.of_runs(judged, runs_of(systems, records), measures)

    @classmethod
    def of_runs(cls, judged: JudgedQueries, runs: Mapping[str, SystemRun], measures: Sequence[str]) -> Results:
        """Measure the runs of systems. A measure that these judgments do not allow is left out, and a note says so."""
        values: dict[str, dict[str, dict[str, float]]] = {name: {} for name in runs}
        computed, notes = [], []
        for measure in dict.fromkeys(measures):
            try:
                by_system = {
                    name: per_query(judged.qrels, run.ranking, [measure])[measure] for name, run in runs.items()
                }
            except SettingsError as error:
                notes.append(str(error))
                continue
            computed.append(measure)
            for name, by_query in by_system.items():
                values[name][measure] = by_query
        shares = {
            name: aggregate(per_query(judged.qrels, run.ranking, [JUDGED])[JUDGED]).mean for name, run in runs.items()
        }
        return cls(judged.queries, judged.qrels, runs, values, shares, tuple(notes), tuple(computed))

    @property
    def systems(self) -> tuple[str, ...]:
        """The names of the systems, in the order in which they were asked for."""
        return tuple(self.runs)

    @property
    def warnings(self) -> list[str]:
        """Why the figures cannot be trusted; empty where they can."""
        found = {}  # the share of the hits that came: where nothing is found, nothing is left to judge
        for name, share in self.judged.items():
            answered = sum(bool(self.runs[name].ranking.get(query)) for query in self.qrels)
            found[name] = share * len(self.qrels) / answered if answered else 1.0
        return reliability_warnings(len(self.qrels), found, self.most_judged)

    @property
    def most_judged(self) -> float:
        """The highest mean Judged@10 that a system could have which finds as many hits as one of these, 0 to 1.

        Of a query with ``n`` hits, ten at the most, no more can be judged than the documents that are; Judged@10
        divides by ``n``. Queries for which nothing is found do not count here.
        """
        bounds = []
        for run in self.runs.values():
            hits = {query: min(len(run.ranking.get(query, ())), TOP) for query in self.qrels}
            shares = [min(len(self.qrels[query]), count) / count for query, count in hits.items() if count]
            bounds.append(sum(shares) / len(shares) if shares else 1.0)
        return max(bounds, default=1.0)

    def mean(self, system: str, measure: str) -> Aggregate:
        """Return a system's mean over all judged queries, and how many these are."""
        return aggregate(self.values[system][measure])

    def against(self, first: str, measure: str) -> dict[str, Paired]:
        """Return every other system against ``first``, p values corrected for several comparisons (Holm).

        Queries for which any of the systems has no value are left out.
        """
        baseline = self.values[first][measure]
        others = {name: values[measure] for name, values in self.values.items() if name != first}
        common = [query for query in baseline if all(query in values for values in others.values())]
        if not common:
            return {}
        return compare_all(_only(baseline, common), {name: _only(values, common) for name, values in others.items()})

    def changes(self, first: str, second: str, measure: str) -> list[Change]:
        """Return what ``second`` did to each query of ``first``, hurt most first."""
        before, after = self.values[first][measure], self.values[second][measure]
        common = [query for query in before if query in after]
        return changes(_only(before, common), _only(after, common))


def _only(values: Mapping[str, float], queries: Sequence[str]) -> dict[str, float]:
    return {query: values[query] for query in queries}


@dataclass(frozen=True)
class ExperimentComparison:
    """A system of one experiment against a system of another, on the ``common`` queries."""

    paired: Paired
    changes: list[Change]
    common: int
    same_data: bool
    left_out: int  # queries that only one of the two has


def compare_experiments(
    one: Results, first: str, other: Results, second: str, measure: str, same_data: bool = True
) -> ExperimentComparison:
    """Compare the system ``first`` of one experiment with ``second`` of another by a measure that both have.

    Raises DataError where they have no query or not this measure in common.
    """
    if measure not in one.measures or measure not in other.measures:
        raise DataError(f"{measure} was not measured in both experiments: choose another measure")
    before, after = one.values[first][measure], other.values[second][measure]
    common = [query for query in before if query in after and one.queries.get(query) == other.queries.get(query)]
    if not common:
        raise DataError("The two experiments have no query in common: compare experiments on the same judged queries")
    left, right = _only(before, common), _only(after, common)
    left_out = len(before.keys() | after.keys()) - len(common)
    return ExperimentComparison(compare(left, right), changes(left, right), len(common), same_data, left_out)
