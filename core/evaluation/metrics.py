"""Metrics of rankings, computed by ir_measures and called by its names."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from core.errors import SettingsError
from core.judgments.relevance import JudgedQueries, JudgedSpan, TextSpan, unit_ranking
from core.records.judgments import Qrels, Run, as_scores
from core.util.formatting import clip

DEFAULT = ("nDCG@10", "R@10")
# what an evaluation shows unless told otherwise
MEASURES = ("nDCG@10", "RR@10", "R@5", "R@100", "P@5", "AP", "Judged@10")
JUDGED = "Judged@10"
DEEPEST_CUTOFF = 1000
LONGEST_SAID = 80  # characters of an unknown name in a message
_HINT = "use names such as nDCG@10, R@100, P@5, RR@10, Success@1, AP or Rprec, with a cutoff from 1 to 1000"
_COUNTS = ("NumQ", "NumRel", "NumRet")
# What ir_measures and the programs behind it raise for a measure that they do not know or cannot compute.
_REFUSALS = (
    SyntaxError,
    ValueError,
    NameError,
    TypeError,
    KeyError,
    AttributeError,
    AssertionError,
    RuntimeError,
    ArithmeticError,
    OSError,
    subprocess.SubprocessError,
)
_TRIAL_QRELS: Qrels = {"1": {"a": 2, "b": 0}, "2": {"a": 1}}
_TRIAL_RUN = {"1": {"b": 2.0, "a": 1.0}, "2": {"c": 1.0}}


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A metric over queries: higher is better, for nearly all of them 1 is the most."""

    mean: float
    n: int  # judged queries, those without results too, which score 0


def split_names(listed: str) -> list[str]:
    """Return the names in a list with commas between them; commas in brackets part nothing."""
    names, depth = [""], 0
    for sign in listed:
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and depth <= 0:
            names.append("")
        else:
            names[-1] += sign
    return [name.strip() for name in names]


def check(names: Sequence[str]) -> None:
    """Raise SettingsError for a metric that ir_measures does not know, or that cannot be computed here."""
    for name in names:
        measure = _parsed(name)
        with _translated(name, "cannot be computed here"):
            list(measure.iter_calc(_TRIAL_QRELS, _TRIAL_RUN))


def cutoff(name: str) -> int | None:
    """Return how many ranks a metric looks at, None for all. Raises SettingsError."""
    return _looked_at(_parsed(name))


def _looked_at(measure: Any) -> int | None:
    """The cutoff, where ranks behind it change nothing."""
    found = measure.params.get("cutoff")
    return None if found is None or measure.params.get("judged_only") else int(found)


def per_query(qrels: Qrels, run: Run, names: Sequence[str] = DEFAULT) -> dict[str, dict[str, float]]:
    """Return for each metric the value of every judged query; one without results scores 0.

    Ranks count, not scores: ties are already broken. A query of which ir_measures says nothing (Accuracy where nothing
    relevant was found) is left out. Raises SettingsError for an unknown metric.
    """
    # some of ir_measures' programs want numbers for ids
    numbers = {query: str(at) for at, query in enumerate(qrels, 1)}
    queries = {number: query for query, number in numbers.items()}
    judged = {numbers[query]: grades for query, grades in qrels.items()}
    found: dict[str, dict[str, float]] = {}
    for name in names:
        measure = _parsed(name)
        looked_at = _looked_at(measure)
        ranked = {numbers[query]: as_scores(ids[:looked_at]) for query, ids in run.items() if query in numbers and ids}
        with _translated(name, "cannot be computed on these judgments"):
            values = {queries[value.query_id]: float(value.value) for value in measure.iter_calc(judged, ranked)}
        found[name] = {
            query: values.get(query, math.nan) for query in qrels if not math.isnan(values.get(query, math.nan))
        }
    return found


def aggregate(values: Mapping[str, float]) -> Aggregate:
    """Return the mean over all judged queries."""
    return Aggregate(sum(values.values()) / len(values) if values else 0.0, len(values))


def _parsed(name: str) -> Any:
    """The measure, with only such parameters as are safe: an unusual cutoff ends the whole process in trec_eval."""
    import ir_measures

    with _translated(name, ""):
        measure = ir_measures.parse_measure(name)
        params: dict[str, Any] = measure.params
        safe = all(_whole(params.get(key, 1), 1, DEEPEST_CUTOFF) for key in ("cutoff", "rel"))
        gains = params.get("gains", {})
        safe = (
            safe
            and isinstance(gains, dict)
            and all(_whole(number, 0, DEEPEST_CUTOFF) for pair in gains.items() for number in pair)
        )
        if not safe:
            raise ValueError(name)
    if measure.NAME in _COUNTS:
        raise SettingsError(f"There is no metric {name!r} here, it counts and measures nothing: {_HINT}")
    return measure


def _whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


@contextmanager
def _translated(name: str, what: str) -> Iterator[None]:
    try:
        yield
    except _REFUSALS as error:
        said = repr(clip(name, LONGEST_SAID)) if len(name) > LONGEST_SAID else repr(name)
        raise SettingsError(
            f"The metric {said} {what}: {_HINT}" if what else f"There is no metric {said}: {_HINT}"
        ) from error


def ndcg(chunks: Sequence[TextSpan], judged: Sequence[JudgedSpan], depth: int = 10) -> float | None:
    """Return nDCG at ``depth`` of one query's ranked chunks against judged spans, None where nothing is relevant.

    It is ir_measures' nDCG over the units that the chunks count as: the value that an evaluation has for the ranking.
    """
    if max((span.grade for span in judged), default=0) < 1:
        return None
    query = JudgedQueries.of_spans({"": ""}, {"": judged})
    ranking = unit_ranking((query.units("", f"chunk {rank}", chunk) for rank, chunk in enumerate(chunks, 1)), depth)
    return per_query(query.qrels, {"": ranking}, [f"nDCG@{depth}"])[f"nDCG@{depth}"][""]
