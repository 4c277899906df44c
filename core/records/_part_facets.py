"""The metadata fields of a collection: what each holds, and how many chunks say so."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from core.errors import StoreError
from core.records.document import Value

Kind = Literal["number", "date", "word"]
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_COUNT = """
SELECT m.key, m.string_value, m.int_value, m.float_value, m.bool_value, count(*)
FROM segments s JOIN embeddings e ON e.segment_id = s.id JOIN embedding_metadata m ON m.id = e.id
WHERE s.collection = ? AND s.scope = 'METADATA' AND m.key >= ? AND m.key < ? GROUP BY 1, 2, 3, 4, 5
"""
_VALUES = """
SELECT e.embedding_id, m.string_value, m.int_value, m.float_value, m.bool_value
FROM segments s JOIN embeddings e ON e.segment_id = s.id JOIN embedding_metadata m ON m.id = e.id
WHERE s.collection = ? AND s.scope = 'METADATA' AND m.key = ?
"""


def spoken(value: Value) -> str:
    """Return a value as it is shown and typed: ``true`` and ``false``, a whole number without its ``.0``."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def is_number(value: Value) -> bool:
    """Whether a value is a number; a truth value is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_date(value: Value) -> bool:
    """Whether a value is a day written YYYY-MM-DD."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:  # the 31st of February
        return False
    return True


@dataclass(frozen=True, slots=True)
class Said:
    """One value of a field, and how many chunks say it."""

    value: Value
    chunks: int


@dataclass(frozen=True)
class Field:
    """One metadata field; the value that most chunks say comes first, ties as they sort."""

    name: str
    values: tuple[Said, ...]

    @cached_property
    def kind(self) -> Kind:
        """Numbers or dates where all values are such, else words."""
        if all(is_number(said.value) for said in self.values):
            return "number"
        return "date" if all(is_date(said.value) for said in self.values) else "word"

    @cached_property
    def numbers(self) -> list[float]:
        """The values that are numbers, sorted."""
        return sorted(float(said.value) for said in self.values if is_number(said.value))

    @cached_property
    def dates(self) -> list[str]:
        """The values that are dates, sorted."""
        return sorted(str(said.value) for said in self.values if is_date(said.value))

    @property
    def chunks(self) -> int:
        """How many chunks have the field."""
        return sum(said.chunks for said in self.values)

    def as_json(self) -> dict[str, object]:
        """Return a plain dictionary: name, kind, chunks, how many values, and the range of numbers and dates."""
        ordered: list[float] | list[str] = self.numbers if self.kind == "number" else self.dates if self.kind == "date" else []
        bounds = {"least": ordered[0], "most": ordered[-1]} if ordered else {}
        return {"name": self.name, "kind": self.kind, "chunks": self.chunks, "values": len(self.values), **bounds}


def fields_of(told: Iterable[tuple[str, Said]]) -> tuple[Field, ...]:
    """Return the fields that (name, value) pairs make up, sorted by name."""
    ordered = sorted(told, key=lambda pair: (pair[0], -pair[1].chunks, spoken(pair[1].value)))
    return tuple(Field(name, tuple(said for _, said in group)) for name, group in groupby(ordered, key=lambda pair: pair[0]))


def read_fields(database: Path, collection: str, prefix: str) -> tuple[Field, ...]:
    """Return the fields that the chunks of a collection (Chroma's id) have under names that begin with ``prefix``.

    Chroma itself can only hand out all metadata of all chunks, which takes ten times as long as to have its
    SQLite file count them: about a second for 100,000 chunks with six fields. Raises StoreError where the file cannot be read.
    """
    rows = _rows(database, _COUNT, [collection, prefix, prefix + "\U0010ffff"])
    return fields_of((name.removeprefix(prefix), Said(_value(*columns), chunks)) for name, *columns, chunks in rows)


def read_values(database: Path, collection: str, name: str) -> dict[str, Value]:
    """Return the value of one field for every chunk of a collection (Chroma's id) that has it. Raises StoreError."""
    return {chunk_id: _value(*columns) for chunk_id, *columns in _rows(database, _VALUES, [collection, name])}


def _rows(database: Path, asked: str, given: list[str]) -> list[tuple[Any, ...]]:
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as opened:
            return opened.execute(asked, given).fetchall()
    except sqlite3.Error as error:
        raise StoreError(f"The metadata in {database} cannot be read ({error}): is another version of Chroma at work there?") from error


def _value(word: str | None, whole: int | None, real: float | None, truth: int | None) -> Value:
    """The one of Chroma's columns that is filled."""
    if truth is not None:
        return bool(truth)
    return next(value for value in (word, whole, real, "") if value is not None)
