"""Two systems of two experiments, query by query."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import DataError
from core.evaluation.results import Results
from core.evaluation.significance import Change, Paired, changes, compare


@dataclass(frozen=True)
class SideBySide:
    """A system of one experiment against a system of another, on the queries that both have."""

    paired: Paired
    changes: list[Change]
    common: int
    same_data: bool
    left_out: int  # queries that one of them alone has


def side_by_side(one: Results, first: str, other: Results, second: str, measure: str, same_data: bool = True) -> SideBySide:
    """Compare two systems of two experiments by a measure that both have. Raises DataError where no query or measure is common."""
    if measure not in one.measures or measure not in other.measures:
        raise DataError(f"{measure} was not measured in both experiments: choose another measure")
    before, after = one.values[first][measure], other.values[second][measure]
    common = [query for query in before if query in after and one.queries.get(query) == other.queries.get(query)]
    if not common:
        raise DataError("The two experiments have no query in common: compare experiments on the same judged queries")
    left, right = {query: before[query] for query in common}, {query: after[query] for query in common}
    return SideBySide(compare(left, right), changes(left, right), len(common), same_data, len(set(before) | set(after)) - len(common))
