"""Filters as Chroma takes them.

Chroma orders numbers only, so that a range of dates becomes the list of the dates that lie in it. And it cuts the
fraction off a number before it compares it with a stored whole number: 9.5 would find 9 too, which is then left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from core.errors import QueryError
from core.records.document import Value
from core.records.filters import RANGES, Field, Filter, Op, format_value, is_number, parse_number, unknown_field

_BOUND = re.compile(r"\d{4}(-\d\d){0,2}")
_SIGNS: dict[Op, tuple[str, ...]] = {"at least": ("$gte",), "at most": ("$lte",), "between": ("$gte", "$lte")}
MOST_VALUES = 30_000  # that Chroma can be asked for at once: SQLite takes 32,766
NOTHING, EVERYTHING = {"document_id": {"$eq": ""}}, {"document_id": {"$ne": ""}}  # hold of no chunk, and of all
Where = dict[str, Any]


def as_where(filters: Iterable[Filter], fields: Sequence[Field], prefix: str = "") -> list[Where]:
    """Return the filters as conditions for Chroma, all of which must hold; it knows the fields with ``prefix`` before their names.

    Raises QueryError for an unknown field, a range over words, or more values than Chroma can be asked for.
    """
    known = {field.name: field for field in fields}
    conditions = []
    for asked in filters:
        if asked.field not in known:
            raise unknown_field(asked.field, fields)
        build = _range if asked.op in RANGES else _membership
        conditions.append(build(asked, known[asked.field], prefix + asked.field))
    return conditions


def _membership(asked: Filter, field: Field, key: str) -> Where:
    """Equal, one of, not: by the values that there are, numbers however they are written, words word for word."""
    numbers, words = {parse_number(value) for value in asked.values}, {format_value(value) for value in asked.values}
    found = [
        held
        for held in (said.value for said in field.values)
        if (held in numbers if is_number(held) else format_value(held) in words)
    ]
    if len(found) > MOST_VALUES:
        raise _too_many(asked, len(found))
    lists, cut = _by_type(found), _cut(found, field)
    if asked.op != "not":
        return _all([_any([{key: {"$in": same}} for same in lists]), *([{key: {"$nin": cut}}] if cut else [])])
    return _any(
        [_all([{key: {"$nin": same}} for same in lists] or [EVERYTHING]), *([{key: {"$in": cut}}] if cut else [])]
    )


def _range(asked: Filter, field: Field, key: str) -> Where:
    bounds = [bound for value in asked.values if (bound := parse_number(value)) is not None]
    if field.numbers and len(bounds) == len(asked.values):
        return _all(
            [part for sign, bound in zip(_SIGNS[asked.op], bounds, strict=True) for part in _bound(key, sign, bound)]
        )
    if field.dates and all(_BOUND.fullmatch(format_value(value)) for value in asked.values):
        inside = _inside(asked.op, [format_value(value) for value in asked.values])
        days = [day for day in field.dates if inside(day)]
        if len(days) > MOST_VALUES:
            raise _too_many(asked, len(days))
        return {key: {"$in": days}} if days else NOTHING
    holds = "numbers" if field.numbers else "dates, written YYYY-MM-DD" if field.dates else "words"
    what = "a range needs numbers or dates: use = or in" if holds == "words" else "its bounds must be such"
    raise QueryError(f"The filter {str(asked)!r} cannot be used: {field.name} holds {holds}, and {what}")


def _bound(key: str, sign: str, bound: int | float) -> list[Where]:
    """One end of a range of numbers, without the whole number beyond a fraction."""
    if isinstance(bound, int) or bound.is_integer():
        return [{key: {sign: bound}}]
    return [{key: {sign: bound}}, {key: {"$ne": math.floor(bound) if sign == "$gte" else math.ceil(bound)}}]


def _inside(op: Op, bounds: list[str]) -> Callable[[str], bool]:
    """Whether a date lies within; of a bound that is a month or a year, all of it does."""
    low = "" if op == "at most" else bounds[0]
    high = "9999" if op == "at least" else bounds[-1]
    return lambda day: low <= day and day[: len(high)] <= high


def _cut(found: Sequence[Value], field: Field) -> list[int]:
    """The whole numbers of a field that Chroma would take for fractions among ``found``."""
    fractions = {math.trunc(value) for value in found if isinstance(value, float) and not value.is_integer()}
    if not fractions:
        return []
    return sorted(whole for whole in fractions if whole in set(field.numbers) and whole not in found)


def _by_type(values: Sequence[Value]) -> list[list[Value]]:
    """Part values by type: Chroma takes lists of one type only."""
    kinds: dict[type, list[Value]] = {}
    for value in values:
        kinds.setdefault(type(value), []).append(value)
    return list(kinds.values())


def _too_many(asked: Filter, many: int) -> QueryError:
    return QueryError(
        f"The filter on {asked.field} holds of {many:,} different values, and Chroma takes {MOST_VALUES:,} at once: narrow it"
    )


def _any(conditions: list[Where]) -> Where:
    return {"$or": conditions} if len(conditions) > 1 else conditions[0] if conditions else NOTHING


def _all(conditions: list[Where]) -> Where:
    return {"$and": conditions} if len(conditions) > 1 else conditions[0]
