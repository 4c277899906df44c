"""Which chunks a search may find, by their metadata: equality, range, membership.

The shell and a page's address write a filter the same way::

    author=Jane Doe        author!=Jane Doe        kind in a,b,"c, d"
    year>=2010             year<=2020              date between 2010 and 2020-06
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import groupby
from typing import Literal

from core.errors import QueryError
from core.records.document import Value

Kind = Literal["number", "date", "word"]
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DATE_BOUND = re.compile(r"\d{4}(-\d\d){0,2}")
_TYPED_DATE = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})|(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
_TRUTH = {"1": "true", "0": "false"}


def format_value(value: Value) -> str:
    """Return a value as it is shown and typed: ``true`` and ``false``, a whole number without its ``.0``."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def is_number(value: Value) -> bool:
    """Whether a value is a number; a truth value is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def parse_number(value: Value) -> int | float | None:
    """Return a value as a number, None if it is none; an integer beyond 2**53 as float, which Chroma can store."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and abs(number) <= 2**53 else number


def parse_date(text: str) -> str | None:
    """Return a day as YYYY-MM-DD that was typed so, as 2024/3/1 or as 1.3.2024; None for what is no day."""
    match = _TYPED_DATE.fullmatch(text.strip())
    if not match:
        return None
    year, month, day = match.group(1, 2, 3) if match[1] else match.group(6, 5, 4)
    iso = f"{year}-{int(month):02}-{int(day):02}"
    return iso if is_date(iso) else None


def is_date(value: Value) -> bool:
    """Whether a value is a day written YYYY-MM-DD."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:  # the 31st of February
        return False
    return True


def is_date_bound(text: str) -> bool:
    """Whether a text is a day, month or year that there is: YYYY-MM-DD, YYYY-MM or YYYY."""
    return bool(_DATE_BOUND.fullmatch(text)) and is_date(f"{text}-01-01"[:10] if len(text) < 10 else text)


@dataclass(frozen=True, slots=True)
class FieldValue:
    """One value of a field, and how many chunks have it."""

    value: Value
    chunks: int


@dataclass(frozen=True)
class Field:
    """One metadata field; the value that most chunks have comes first, ties as they sort."""

    name: str
    values: tuple[FieldValue, ...]

    @cached_property
    def kind(self) -> Kind:
        """Numbers or dates where all values are such, else words."""
        if all(is_number(entry.value) for entry in self.values):
            return "number"
        return "date" if all(is_date(entry.value) for entry in self.values) else "word"

    @cached_property
    def numbers(self) -> list[float]:
        """The values that are numbers, sorted."""
        return sorted(float(entry.value) for entry in self.values if is_number(entry.value))

    @cached_property
    def dates(self) -> list[str]:
        """The values that are dates, sorted."""
        return sorted(str(entry.value) for entry in self.values if is_date(entry.value))

    @property
    def chunks(self) -> int:
        """How many chunks have the field."""
        return sum(entry.chunks for entry in self.values)

    def as_json(self) -> dict[str, object]:
        """Return a plain dictionary: name, kind, chunks, how many values, and the range of numbers and dates."""
        ordered: list[float] | list[str] = (
            self.numbers if self.kind == "number" else self.dates if self.kind == "date" else []
        )
        bounds = {"least": ordered[0], "most": ordered[-1]} if ordered else {}
        return {"name": self.name, "kind": self.kind, "chunks": self.chunks, "values": len(self.values), **bounds}


def matching_values(field: Field, typed: Iterable[Value]) -> list[Value]:
    """Return the values of ``field`` that are meant by one of the ``typed`` ones, in the field's order.

    A word is meant by its exact text, a number by its value (``5.0`` means 5, and ``05`` does where no text is ``05``),
    a day by any way to write it that ``parse_date`` reads. ``true`` and ``false``, in whatever case, mean a truth value
    as well as such a text; so do 1 and 0, where the field holds no numbers.
    """
    typed = list(typed)
    texts = {format_value(value) for value in typed}
    words = {entry.value for entry in field.values if isinstance(entry.value, str) and entry.value in texts}
    truths = {text.casefold() for text in texts} & {"true", "false"}
    flags = truths if field.numbers else truths | {_TRUTH[text] for text in texts if text in _TRUTH}
    days = {day for text in texts if (day := parse_date(text))} if field.dates else set()
    numbers = set()
    for value in typed:
        number = parse_number(value)
        if number is not None and (value not in words or format_value(number) == value):
            numbers.add(number)

    def is_meant(value: Value) -> bool:
        if isinstance(value, bool):
            return format_value(value) in flags
        if isinstance(value, str):
            return value in texts or value in days or value.casefold() in truths
        return value in numbers

    return [entry.value for entry in field.values if is_meant(entry.value)]


def group_fields(values: Iterable[tuple[str, FieldValue]]) -> tuple[Field, ...]:
    """Return the fields that (name, value) pairs make up, sorted by name."""
    ordered = sorted(values, key=lambda pair: (pair[0], -pair[1].chunks, format_value(pair[1].value)))
    return tuple(
        Field(name, tuple(value for _, value in group)) for name, group in groupby(ordered, key=lambda pair: pair[0])
    )


Op = Literal["equal", "not", "at least", "at most", "between", "one of"]
RANGES: tuple[Op, ...] = ("at least", "at most", "between")
_SIGNS: dict[Op, str] = {
    "equal": "=",
    "not": "!=",
    "at least": ">=",
    "at most": "<=",
    "between": " between ",
    "one of": " in ",
}
_OPS: dict[str, Op] = {sign.strip(): op for op, sign in _SIGNS.items()}
_COMPARISONS = ("=", "<", ">")
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_OP = r"\s*(>=|<=|!=|=|(?<=\s)(?:in|between)(?=\s))\s*"
_HOW = "write field=value, field!=value, field>=value, field<=value, 'field between a and b' or 'field in a,b'"


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on a metadata field.

    ``not`` also holds of chunks that do not have the field; the others need it. Bounds are part of a range. Of dates
    a year or a month will do: ``date`` between 2010 and 2020-06 is from 2010-01-01 to 2020-06-30.
    Raises QueryError for a number of values that does not fit the operation.
    """

    field: str
    op: Op
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        fits = (
            len(self.values) == 2
            if self.op == "between"
            else bool(self.values)
            if self.op == "one of"
            else len(self.values) == 1
        )
        if not fits:
            raise QueryError(
                f"The filter on {self.field!r} has {len(self.values)} values, which does not fit {self.op!r}: {_HOW}"
            )

    def __str__(self) -> str:
        """The filter as the shell takes it."""
        texts = [format_value(value) for value in self.values]
        if self.op == "between":
            return f"{self.field} between {texts[0]} and {texts[1]}"
        if self.op == "one of":
            line = io.StringIO(newline="")
            csv.writer(line, lineterminator="\n").writerow(texts)
            return f"{self.field} in {line.getvalue()[:-1]}"
        plain = texts[0] == texts[0].strip() and not texts[0].startswith(('"', *_COMPARISONS))
        return (
            self.field + _SIGNS[self.op] + (texts[0] if plain and texts[0] else '"' + texts[0].replace('"', '""') + '"')
        )

    @property
    def words(self) -> str:
        """The filter in words."""
        texts = [format_value(value) for value in self.values]
        listed = " or ".join(texts) if len(texts) <= 3 else f"one of {len(texts)} values"
        kinds: dict[Op, str] = {
            "equal": f"is {texts[0]}",
            "not": f"is not {texts[0]}",
            "one of": f"is {listed}",
            "at least": f"from {texts[0]}",
            "at most": f"up to {texts[0]}",
            "between": f"from {texts[0]} to {texts[-1]}",
        }
        return f"{self.field} {kinds[self.op]}"

    def as_json(self) -> dict[str, object]:
        """Return a plain dictionary for ``--json``."""
        return {"field": self.field, "op": self.op, "values": list(self.values)}


def parse_filter(text: str, fields: Sequence[Field]) -> Filter:
    """Return a filter from the shell's form; the longest field name that fits is meant.

    Raises QueryError, naming what is wrong and the fields that there are.
    """
    text = text.strip()
    known = sorted((field.name for field in fields), key=len, reverse=True)
    for name in known:
        match = re.compile(_OP).match(text, len(name)) if text.startswith(name) else None
        if match:
            return Filter(name, _OPS[match[1]], _values(text, _OPS[match[1]], text[match.end() :]))
    match = re.search(_OP, text)
    if not match or not text[: match.start()].strip():
        raise QueryError(f"The filter {text!r} cannot be read: {_HOW}")
    raise unknown_field(text[: match.start()].strip(), fields)


def unknown_field(name: str, fields: Sequence[Field]) -> QueryError:
    """Return the error for a field that no chunk has."""
    names = ", ".join(field.name for field in fields)
    return QueryError(
        f"There is no metadata field {name!r} in this collection: "
        + (f"there are {names}" if names else "its chunks have none")
    )


def _values(text: str, op: Op, rest: str) -> tuple[str, ...]:
    """Return the values after the operator."""
    if op not in ("one of", "between") and rest.startswith(_COMPARISONS):
        raise QueryError(
            f"The filter {text!r} has more than one sign of comparison: {_HOW}. "
            f'A value that begins with {rest[0]} stands in quotation marks: "{rest}"'
        )
    if op == "between":
        values = [part.strip() for part in _AND.split(rest)]
    elif op == "one of" or rest.startswith('"'):
        values = next(csv.reader(io.StringIO(rest, newline=""), skipinitialspace=True), [])
    else:
        values = [rest]
    if (
        not values
        or (values == [""] and not rest.startswith('"'))
        or (len(values) > 1 and op not in ("between", "one of"))
    ):
        raise QueryError(f"The filter {text!r} cannot be read: {_HOW}")
    return tuple(values)
