"""Metrics of rankings, computed by ir_measures and called by its names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.errors import SettingsError
from core.evaluation.judged import Qrels

DEFAULT = ("nDCG@10", "R@10")
_OFFERED = re.compile(r"(nDCG|(R|P|RR|AP|Success)(\(rel=[1-9]\d?\))?)@([1-9]\d{0,2}|1000)|nDCG|(RR|AP|Rprec)(\(rel=[1-9]\d?\))?")
Run = Mapping[str, Sequence[str]]  # query id -> document ids, best first


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A metric over queries: 0 to 1, higher is better."""

    mean: float
    n: int  # judged queries, those without results too, which score 0


def check(names: Sequence[str]) -> None:
    """Raise SettingsError for a metric that is not offered."""
    for name in names:
        if not _OFFERED.fullmatch(name):
            raise SettingsError(f"There is no metric {name!r}: use names such as nDCG@10, R@100, P@5, RR@10, Success@1, AP or Rprec, with a cutoff from 1 to 1000")


def per_query(qrels: Qrels, run: Run, names: Sequence[str] = DEFAULT) -> dict[str, dict[str, float]]:
    """Return for each metric the value of every judged query; one without results scores 0.

    Ranks count, not scores: ties are already broken. Raises SettingsError for an unknown metric.
    """
    import ir_measures

    check(names)
    measures = {name: ir_measures.parse_measure(name) for name in names}
    ranked = {query: {document: -float(rank) for rank, document in enumerate(found)} for query, found in run.items()}
    found = {name: dict.fromkeys(qrels, 0.0) for name in names}
    for name, measure in measures.items():
        for value in ir_measures.iter_calc([measure], qrels, ranked):
            found[name][value.query_id] = float(value.value)
    return found


def aggregate(values: Mapping[str, float]) -> Aggregate:
    """Return the mean over all judged queries."""
    return Aggregate(sum(values.values()) / len(values) if values else 0.0, len(values))
