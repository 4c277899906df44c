"""Between a filter and what its widget holds: two days, two numbers, or a list of values."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date
from typing import Any

from core.records._part_facets import Field, is_date, spoken
from core.records.filters import RANGES, Filter
from core.records.search import Value
from core.store._where import number

Span = tuple[Any, Any]  # two days, or two numbers


def ends(field: Field) -> Span:
    """Return the least and the greatest value of a field of numbers or dates; whole numbers where all are."""
    if field.kind == "date":
        return date.fromisoformat(field.dates[0]), date.fromisoformat(field.dates[-1])
    low, high = field.numbers[0], field.numbers[-1]
    return (int(low), int(high)) if all(one.is_integer() for one in field.numbers) else (low, high)


def shown(field: Field, asked: Sequence[Filter]) -> list[str] | Span | None:
    """Return what a field's widget holds for what is asked of the field, None where it cannot show it."""
    if len(asked) > 1 or any(one.op == "not" for one in asked):
        return None
    if field.kind == "word":
        return [spoken(value) for value in asked[0].values] if asked else []
    low, high = ends(field)
    if not asked:
        return low, high
    if asked[0].op not in (*RANGES, "equal"):
        return None
    said = asked[0].values
    if asked[0].op == "equal" and field.kind == "date" and not is_date(said[0]):  # a month is equal to no day
        return None
    first = low if asked[0].op == "at most" else _end(field, said[0], last=False)
    last = high if asked[0].op == "at least" else _end(field, said[-1], last=True)
    if first is None or last is None or not low <= first <= last <= high:
        return None
    return (first, last) if field.kind == "date" else (type(low)(first), type(high)(last))


def _end(field: Field, said: Value, last: bool) -> Any:
    """One end of a range; of a month or a year its first or last day. None for what is no such thing."""
    if field.kind == "number":
        return number(said)
    try:
        year, month, day = ([int(part) for part in spoken(said).split("-")] + [0, 0])[:3]
        month = month or (12 if last else 1)
        return date(year, month, day or (calendar.monthrange(year, month)[1] if last else 1))
    except ValueError:  # words, the 31st of February, or the 13th month
        return None


def within(field: Field, value: Span) -> Filter | None:
    """Return a widget's range as a filter; an end that is the field's own asks for nothing."""
    low, high = ends(field)
    first, last = (one.isoformat() if isinstance(one, date) else one for one in value)
    slack = (high - low) * 1e-6  # a slider's end may miss the field's by a rounding
    from_low, to_high = value[0] - low <= slack, high - value[1] <= slack
    if from_low and to_high:
        return None
    if value[0] == value[1]:
        return Filter(field.name, "equal", (first,))
    if to_high:
        return Filter(field.name, "at least", (first,))
    return Filter(field.name, "at most", (last,)) if from_low else Filter(field.name, "between", (first, last))
