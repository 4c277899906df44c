"""Metrics of rankings, named and computed as ir_measures does."""

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
MAX_CUTOFF = 1000
MAX_NAME = 80  # characters of an unknown name in a message
_HINT = "use names such as nDCG@10, R@100, P@5, RR@10, Success@1, AP or Rprec, with a cutoff from 1 to 1000"
_COUNTS = ("NumQ", "NumRel", "NumRet")
# What ir_measures raises for a name that it cannot parse or does not have.
_UNKNOWN = (NameError, TypeError, ValueError)
# What it raises for a parameter that the metric does not take or lacks (AssertionError, TypeError), a metric without a
# program here (ValueError), judgments that give nothing to divide by, and a program that fails.
_NOT_COMPUTABLE = (AssertionError, TypeError, ValueError, ZeroDivisionError, subprocess.CalledProcessError)
_TRIAL_QRELS: Qrels = {"1": {"a": 2, "b": 0}, "2": {"a": 1}}
_TRIAL_RUN = {"1": {"b": 2.0, "a": 1.0}, "2": {"c": 1.0}}


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A metric over queries: higher is better, for nearly all of them 1 is the most."""

    mean: float
    n: int  # judged queries, those without results too, which score 0


def split_names(listed: str) -> list[str]:
    """Return the names in a list that is separated by commas outside of brackets."""
    names, depth = [""], 0
    for character in listed:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth <= 0:
            names.append("")
        else:
            names[-1] += character
    return [name.strip() for name in names]


def check(names: Sequence[str]) -> None:
    """Raise SettingsError for a metric that ir_measures does not know, or that cannot be computed here."""
    for name in names:
        measure = _parsed(name)
        with _translated(name, "cannot be computed here"):
            list(measure.iter_calc(_TRIAL_QRELS, _TRIAL_RUN))


def cutoff(name: str) -> int | None:
    """Return how many ranks a metric looks at, None for all. Raises SettingsError."""
    return _cutoff(_parsed(name))


def _cutoff(measure: Any) -> int | None:
    """Return the cutoff of a measure, None where ranks behind it count too."""
    cutoff = measure.params.get("cutoff")
    return None if cutoff is None or measure.params.get("judged_only") else int(cutoff)


def per_query(qrels: Qrels, run: Run, names: Sequence[str] = DEFAULT) -> dict[str, dict[str, float]]:
    """Return for each metric the value of every judged query; one without results scores 0.

    Ranks count, not scores: ties are already broken. A query for which the metric is undefined (Accuracy where nothing
    relevant was retrieved) is left out. Raises SettingsError for an unknown metric.
    """
    # some of the programs that ir_measures calls need numbers for ids
    numbers = {query: str(number) for number, query in enumerate(qrels, 1)}
    queries = {number: query for query, number in numbers.items()}
    judged = {numbers[query]: grades for query, grades in qrels.items()}
    by_metric: dict[str, dict[str, float]] = {}
    for name in names:
        measure = _parsed(name)
        depth = _cutoff(measure)
        ranked = {numbers[query]: as_scores(ids[:depth]) for query, ids in run.items() if query in numbers and ids}
        with _translated(name, "cannot be computed on these judgments"):
            values = {queries[value.query_id]: float(value.value) for value in measure.iter_calc(judged, ranked)}
        by_metric[name] = {query: values[query] for query in qrels if not math.isnan(values.get(query, math.nan))}
    return by_metric


def aggregate(values: Mapping[str, float]) -> Aggregate:
    """Return the mean over all judged queries."""
    return Aggregate(sum(values.values()) / len(values) if values else 0.0, len(values))


def _parsed(name: str) -> Any:
    """Return the measure of a name. Raises SettingsError for an unknown one, and for unusual parameters.

    An unusual cutoff would end the whole process in trec_eval.
    """
    import ir_measures

    with _translated(name):
        measure = ir_measures.parse_measure(name)
        params: dict[str, Any] = measure.params
        gains = params.get("gains", {})
        if not isinstance(gains, dict):
            raise ValueError(name)
        numbers = [number for pair in gains.items() for number in pair]
        usual = all(_is_integer(params.get(key, 1), 1, MAX_CUTOFF) for key in ("cutoff", "rel"))
        if not usual or not all(_is_integer(number, 0, MAX_CUTOFF) for number in numbers):
            raise ValueError(name)
    if measure.NAME in _COUNTS:
        raise SettingsError(f"There is no metric {name!r} here, it counts and measures nothing: {_HINT}")
    return measure


def _is_integer(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


@contextmanager
def _translated(name: str, problem: str = "") -> Iterator[None]:
    """Raise what ir_measures raises as SettingsError, whose message says that the metric has this ``problem``."""
    expected = _NOT_COMPUTABLE if problem else _UNKNOWN
    try:
        yield
    except expected as error:
        quoted = repr(clip(name, MAX_NAME)) if len(name) > MAX_NAME else repr(name)
        raise SettingsError(
            f"The metric {quoted} {problem}: {_HINT}" if problem else f"There is no metric {quoted}: {_HINT}"
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
