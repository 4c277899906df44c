"""Records of a table as text: a block of ``column: value`` lines each, and the fields that are metadata."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from core.errors import NoText, UnknownColumn
from core.loading._metadata import iso_date
from core.records.document import Document, Row, Value

ColumnKind = Literal["number", "date", "category", "text"]
Record = Mapping[str, Value]  # one row by column; empty cells are left out
EXAMPLES = 3
LONGEST_CATEGORY = 40  # characters of a value that is a word to filter by, not a text to read
MAX_ALWAYS_CATEGORIES = 12  # different values, which are categories however short the table is
MOST_CATEGORIES = 200  # different values: more is a name or an id of each row
MOST_FIELDS = 20  # columns that become metadata when nobody chooses
# Sixteen digits and more are ids, and no float holds them; so is what begins with a zero.
_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d{0,14})(?:\.\d+)?(?:[eE][+-]?\d{1,2})?")
_COMMA_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d{0,14}|[1-9]\d{0,2}(?:\.\d{3})+)(?:,\d+)?")  # 7,5 and 1.234,50
_SURELY_DECIMAL = re.compile(r".*,(?:\d{1,2}|\d{4,})")  # 1,234 may be a thousand


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, and the first few different values that it holds."""

    name: str
    kind: ColumnKind
    examples: tuple[str, ...]


def describe_columns(records: Sequence[Record]) -> tuple[Column, ...]:
    """Return the columns of ``records`` in the order in which they first appear."""
    values: dict[str, list[Value]] = {}
    for record in records:
        for name, value in record.items():
            values.setdefault(name, []).append(value)
    return tuple(_column(name, column_values) for name, column_values in values.items())


def _column(name: str, values: Sequence[Value]) -> Column:
    different = dict.fromkeys(map(value_text, values))
    return Column(name, _kind(values, list(different)), tuple(different)[:EXAMPLES])


def _kind(values: Sequence[Value], different: Sequence[str]) -> ColumnKind:
    if not any(isinstance(value, bool) for value in values):
        if all(map(_NUMBER.fullmatch, different)) or _have_decimal_commas(different):
            return "number"
        if all(map(iso_date, different)):
            return "date"
    recurs = len(different) <= MAX_ALWAYS_CATEGORIES or (
        len(different) <= MOST_CATEGORIES and 2 * len(different) <= len(values)
    )
    short = max(map(len, different)) <= LONGEST_CATEGORY and not any("\n" in value for value in different)
    return "category" if recurs and short else "text"


def _have_decimal_commas(values: Sequence[str]) -> bool:
    return all(map(_COMMA_NUMBER.fullmatch, values)) and any(map(_SURELY_DECIMAL.fullmatch, values))


def value_text(value: Value) -> str:
    """Return a value as it is read: ``true`` for True, ``7`` for 7."""
    if isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def default_metadata(columns: Sequence[Column]) -> tuple[str, ...]:
    """Return the columns that become metadata where nobody chooses: all but running text, the first twenty."""
    return tuple(column.name for column in columns if column.kind != "text")[:MOST_FIELDS]


def metadata_fields(
    records: Sequence[Record], columns: Sequence[Column], chosen: Sequence[str]
) -> list[dict[str, Value]]:
    """Return each record's ``chosen`` fields as metadata: numbers as numbers, dates as YYYY-MM-DD.

    A column's numbers are whole or all floats, so that they compare with one another in the store.
    """
    kinds: dict[str, str] = {column.name: column.kind for column in columns}
    for name in chosen:
        if kinds[name] == "number":
            texts = [value_text(record[name]) for record in records if name in record]
            if all(text.lstrip("+-").isdigit() for text in texts):
                kinds[name] = "whole"
            elif any("," in text for text in texts):
                kinds[name] = "comma number"
    return [{name: _field(record[name], kinds[name]) for name in chosen if name in record} for record in records]


def _field(value: Value, kind: str) -> Value:
    if isinstance(value, bool):
        return value
    if kind == "whole":
        return int(value)
    if kind == "number":
        return float(value)
    if kind == "comma number":
        return float(str(value).replace(".", "").replace(",", "."))
    return (iso_date(value_text(value)) or value_text(value)) if kind == "date" else value_text(value)


BETWEEN = "\n\n"


@dataclass(frozen=True, slots=True)
class TableContent:
    """What a file of records holds, in its order: records, and texts that stand before, between and behind them.

    ``notes`` say what was read otherwise than the file has it. ``named`` is False for a single column without a name
    in the file.
    """

    items: tuple[Record | str, ...]
    notes: tuple[str, ...] = ()
    named: bool = True

    @property
    def records(self) -> list[Record]:
        """The records, without the texts."""
        return [item for item in self.items if not isinstance(item, str)]


@dataclass(frozen=True, slots=True)
class TableOptions:
    """Which columns are read as text and which are kept as metadata; None chooses by what they hold."""

    text: tuple[str, ...] | None = None
    metadata: tuple[str, ...] | None = None


def table_document(name: str, size: int, content: TableContent, options: TableOptions | None) -> Document:
    """Return the content of a file as a document: a block for each record, with its Row, and for each text.

    By default every column is text, and every column but those of running text is metadata too. A single
    column that was picked, or that has no name, stands without one. Raises UnknownColumn, and NoText where nothing is
    left to read.
    """
    records = content.records
    columns, options = describe_columns(records), options or TableOptions()
    text = _selected(name, options.text, columns, [column.name for column in columns])
    selected = _selected(name, options.metadata, columns, default_metadata(columns))
    fields = iter(metadata_fields(records, columns, selected))
    bare = (options.text is not None and len(text) == 1) or not content.named
    places = {column: place for place, column in enumerate(text)}
    blocks: list[str] = []
    rows: list[Row] = []
    offset = 0
    for item in content.items:
        row_fields = None if isinstance(item, str) else next(fields)
        block = item if isinstance(item, str) else _block(item, places, bare)
        if block:
            blocks.append(block)
            if row_fields is not None:
                rows.append(Row(offset, offset + len(block), row_fields))
            offset += len(block) + len(BETWEEN)
    if not blocks:
        chosen = (
            f"in the columns {', '.join(text)}: bring it with other columns as text"
            if columns
            else "in any row: bring a table that has some"
        )
        raise NoText(f"{name} holds no text {chosen}")
    return Document(name, BETWEEN.join(blocks) + "\n", size=size, rows=tuple(rows), notes=content.notes)


def _block(record: Record, places: Mapping[str, int], bare: bool) -> str:
    """Return a record's fields as lines in the order of ``places``, in time that does not grow with all columns."""
    names = sorted((name for name in record if name in places), key=places.__getitem__)
    values = ((name, value_text(record[name])) for name in names)
    return "\n".join(value if bare else f"{name}: {value}" for name, value in values)


def _selected(
    name: str, selected: Iterable[str] | None, columns: Sequence[Column], default: Sequence[str]
) -> Sequence[str]:
    if selected is None:
        return default
    selected, existing = tuple(selected), [column.name for column in columns]
    unknown = [column for column in selected if column not in existing]
    if unknown:
        raise UnknownColumn(
            f"{name} has no column {', '.join(map(repr, unknown))}: "
            f"bring it with some of {', '.join(map(repr, existing))}"
        )
    return selected
