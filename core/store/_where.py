"""Metadata filters in Chroma's query language.

Chroma has ranges of numbers only, so a range of dates becomes a list of the field's dates within it. It also truncates
a fractional number before it compares it with a stored integer, so that 9.5 would match 9: such integers are excluded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from core.errors import QueryError
from core.records.document import Value
from core.records.filters import (
    RANGES,
    Field,
    Filter,
    Op,
    format_value,
    is_date_bound,
    matching_values,
    parse_date,
    parse_number,
    unknown_field,
)

Condition = dict[str, Any]  # as in Chroma: nested, and too loosely typed there to be of help
MAX_VALUES = 30_000  # in one condition: SQLite takes 32,766
NO_CHUNK: Condition = {"document_id": {"$eq": ""}}
EVERY_CHUNK: Condition = {"document_id": {"$ne": ""}}
_OPERATORS: dict[Op, tuple[str, ...]] = {"at least": ("$gte",), "at most": ("$lte",), "between": ("$gte", "$lte")}


def as_where(filters: Iterable[Filter], fields: Sequence[Field], prefix: str = "") -> list[Condition]:
    """Return a Chroma condition for each filter; ``prefix`` is added to the fields' names to get Chroma's keys.

    Raises QueryError for an unknown field, a range over words, or more values than Chroma can take.
    """
    fields_by_name = {field.name: field for field in fields}
    conditions = []
    for condition in filters:
        if condition.field not in fields_by_name:
            raise unknown_field(condition.field, fields)
        build = _range if condition.op in RANGES else _membership
        conditions.append(build(condition, fields_by_name[condition.field], prefix + condition.field))
    return conditions


def _membership(condition: Filter, field: Field, key: str) -> Condition:
    """Return the condition of "equal", "one of" or "not": see ``matching_values``."""
    matches = matching_values(field, condition.values)
    _check_count(condition, matches)
    lists, confused = _by_type(matches), _truncations(matches, field)
    if condition.op != "not":
        matching = _any([{key: {"$in": values}} for values in lists])
        return _all([matching, {key: {"$nin": confused}}]) if confused else matching
    others = _all([{key: {"$nin": values}} for values in lists] or [EVERY_CHUNK])
    return _any([others, {key: {"$in": confused}}]) if confused else others


def _range(condition: Filter, field: Field, key: str) -> Condition:
    """Return the condition of a range of numbers or dates. Raises QueryError for a field or bounds that are neither."""
    bounds = [number for value in condition.values if (number := parse_number(value)) is not None]
    if field.numbers and len(bounds) == len(condition.values):
        _check_order(condition, bounds)
        ends = zip(_OPERATORS[condition.op], bounds, strict=True)
        return _all([part for operator, bound in ends for part in _number_bound(key, operator, bound)])
    texts = [parse_date(text) or text for text in map(format_value, condition.values)]
    if field.dates and all(map(is_date_bound, texts)):
        _check_order(condition, [text[: min(map(len, texts))] for text in texts])
        dates = list(filter(_date_range(condition.op, texts), field.dates))
        _check_count(condition, dates)
        return {key: {"$in": dates}} if dates else NO_CHUNK
    content = "numbers" if field.numbers else "dates, written YYYY-MM-DD, YYYY-MM or YYYY" if field.dates else "words"
    advice = "a range needs numbers or dates: use = or in" if content == "words" else "its bounds must be such"
    raise QueryError(f"The filter {str(condition)!r} cannot be used: {field.name} holds {content}, and {advice}")


def _check_order(condition: Filter, bounds: Sequence[Any]) -> None:
    if condition.op == "between" and bounds[0] > bounds[1]:
        raise QueryError(f"The filter {str(condition)!r} ends before it begins: write the lower bound first")


def _number_bound(key: str, operator: str, bound: int | float) -> list[Condition]:
    """Return the conditions of one end of a range, without the integer to which Chroma would truncate the bound."""
    if isinstance(bound, int) or bound.is_integer():
        return [{key: {operator: bound}}]
    return [{key: {operator: bound}}, {key: {"$ne": math.floor(bound) if operator == "$gte" else math.ceil(bound)}}]


def _date_range(op: Op, bounds: list[str]) -> Callable[[str], bool]:
    """Return a test whether a date is in a range; a bound that is a month or a year includes all of it."""
    low = "" if op == "at most" else bounds[0]
    high = "9999" if op == "at least" else bounds[-1]
    return lambda date: low <= date and date[: len(high)] <= high


def _truncations(values: Sequence[Value], field: Field) -> list[int]:
    """Return the field's integers, not among ``values``, that Chroma takes for equal to a fraction among them."""
    truncated = {math.trunc(value) for value in values if isinstance(value, float) and not value.is_integer()}
    numbers = set(field.numbers)
    return sorted(number for number in truncated.difference(values) if number in numbers)


def _by_type(values: Sequence[Value]) -> list[list[Value]]:
    """Group values by type, since Chroma takes lists of a single type."""
    groups: dict[type, list[Value]] = {}
    for value in values:
        groups.setdefault(type(value), []).append(value)
    return list(groups.values())


def _check_count(condition: Filter, values: Sequence[Value]) -> None:
    if len(values) > MAX_VALUES:
        raise QueryError(
            f"The filter on {condition.field} holds of {len(values):,} different values, "
            f"and Chroma takes {MAX_VALUES:,} at once: narrow it"
        )


def _any(conditions: list[Condition]) -> Condition:
    return {"$or": conditions} if len(conditions) > 1 else conditions[0] if conditions else NO_CHUNK


def _all(conditions: list[Condition]) -> Condition:
    return {"$and": conditions} if len(conditions) > 1 else conditions[0]
