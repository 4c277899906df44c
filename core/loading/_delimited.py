"""CSV and TSV: the delimiter, the header and the quotes as the file has them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal

from core.errors import DamagedFile, EmptyFile
from core.loading._detection import reject_other_format
from core.loading._encoding import clean_text, decode
from core.loading.tables import Record, TableOptions, table_document, value_text
from core.records.document import Document, Value

DELIMITERS = ",;\t|"
NO_DELIMITER = "\x1f"  # which no text holds: for a file of one column
SAMPLE = 100_000  # characters by which the delimiter is detected
SAMPLE_ROWS = 100
LONGEST_NUMBER = 40  # characters
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # Excel's first line
_NUMERIC = re.compile(r"[+-]?[\d.,:/ -]*\d[\d.,:/ -]*%?")
# of a whole document in a cell; csv's own limit of 131,072 characters is no harm to us
csv.field_size_limit(1_000_000_000)


def load_delimited(name: str, data: bytes, options: TableOptions | None = None) -> Document:
    """Return a CSV or TSV file, a block of lines for each of its rows. Raises LoadingError."""
    return table_document(name, len(data), delimited_records(name, data), options)


def delimited_records(name: str, data: bytes) -> list[Record]:
    """Return the rows of a CSV or TSV file, by the names in its first row, or ``column 1`` where that has none.

    Short rows lack cells, and what stands behind the last named column gets a column of its own.
    Raises WrongFileType, EmptyFile, or DamagedFile for a quotation mark that is never closed.
    """
    reject_other_format(name, data, "a table in text (CSV)")
    text = decode(name, data).text.lstrip("\ufeff")
    separator = _SEPARATOR_LINE.match(text)
    delimiter = separator[1] if separator else _delimiter(text, name.lower().endswith(".tsv"))
    rows = _rows(name, text[separator.end() :] if separator else text, delimiter)
    cells = [[_cell(cell) for cell in row] for row in rows]
    cells = [row for row in cells if any(row)]
    if not cells:
        raise EmptyFile(f"{name} holds no cell with anything in it: there is nothing to index in it")
    width = max(map(len, cells))
    header = cells.pop(0) if len(cells) > 1 and _is_header(cells[0]) else []
    names = _names(header, width)
    return [{column: cell for column, cell in zip(names, row, strict=False) if cell} for row in cells]


def _cell(cell: str) -> str:
    return clean_text(cell).strip()


def _delimiter(text: str, tabs: bool) -> str:
    """The delimiter that most of the first rows have as often as the first one has it."""
    if tabs and "\t" in text:
        return "\t"
    best = (0.0, 1, NO_DELIMITER)
    for delimiter in DELIMITERS:
        reader = csv.reader(io.StringIO(text[:SAMPLE], newline=""), delimiter=delimiter)
        widths = [len(row) for row, _ in zip(reader, range(SAMPLE_ROWS), strict=False) if row]
        if widths and widths[0] > 1:
            best = max(
                best, (widths.count(widths[0]) / len(widths), widths[0], delimiter), key=lambda candidate: candidate[:2]
            )
    return best[2]


def _rows(name: str, text: str, delimiter: str) -> list[list[str]]:
    """The rows, by the strict rules of quoting, or where the file does not keep them, by lenient ones."""
    for strict in (True, False):
        # A tab-separated file that breaks the rules has quotation marks which are just that.
        unquoted = delimiter == "\t" and not strict
        quoting: Literal[0, 3] = csv.QUOTE_NONE if unquoted else csv.QUOTE_MINIMAL
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict, quoting=quoting)
        row_line, rows = 1, []
        try:
            for row in reader:
                rows.append(row)
                row_line = reader.line_num + 1
        except csv.Error as error:
            if "unexpected end" in str(error) and delimiter != "\t":
                what = f"a quotation mark in the row that begins in line {row_line} is never closed"
                raise DamagedFile(f"{name} is damaged ({what}): close it, or save the table again") from error
            continue
        return rows
    raise DamagedFile(f"{name} cannot be read as a table (stray line ends inside a row): save it again as CSV")


def _is_header(row: list[str]) -> bool:
    """Whether the first row names columns: with different words, none of them a number."""
    filled = [cell for cell in row if cell]
    return len(set(filled)) == len(filled) and not any(_NUMERIC.fullmatch(cell[:LONGEST_NUMBER]) for cell in filled)


def _names(header: list[str], width: int) -> list[str]:
    """A different name for each column; on one line, since it stands before a colon."""
    names, seen = [], Counter[str]()
    for index in range(width):
        name = " ".join(header[index].split()) if index < len(header) and header[index] else f"column {index + 1}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


LONG_ITEM = 60  # characters: lists of longer ones stand on lines of their own
ITEM = "value"  # the column of a record that is no object


def load_json(name: str, data: bytes, options: TableOptions | None = None) -> Document:
    """Return a JSON file: a block for each record, or lines of ``path: value``. Raises LoadingError."""
    records, rest = json_records(name, data)
    preface = "\n".join(f"{path}: {value_text(value)}" if path else value_text(value) for path, value in rest.items())
    if not records and not preface:
        raise EmptyFile(f"{name} holds no value but empty ones: there is nothing to index in it")
    if records:
        return table_document(name, len(data), records, options, preface)
    return Document(name, preface + "\n", size=len(data))


def json_records(name: str, data: bytes) -> tuple[list[Record], Record]:
    """Return the records of a JSON or JSON Lines file, flat, and what stands beside them.

    Records are the items of a list that is the whole file, or the only list of objects in its one
    object; a file without any is all beside. Raises WrongFileType or DamagedFile.
    """
    reject_other_format(name, data, "JSON")
    text = decode(name, data).text.lstrip("\ufeff")
    try:
        whole = _lines(name, text) if name.lower().endswith((".jsonl", ".ndjson")) else _whole(name, text)
        listed, rest = _split(whole)
        records = [dict(_flat(item if isinstance(item, dict) else {ITEM: item})) for item in listed]
        return [record for record in records if record], dict(_flat(rest))
    except RecursionError as error:
        raise DamagedFile(f"{name} is nested more deeply than can be read: save the part that you need") from error


def _whole(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        if "Extra data" in str(error) and text[: text.find("\n")].rstrip().endswith(("}", "]")):
            return _lines(name, text)  # JSON Lines under another name
        raise DamagedFile(f"{name} is not whole JSON ({error}): mend it there, or save it again") from error


def _lines(name: str, text: str) -> list[Any]:
    items = []
    for number, line in enumerate(text.split("\n"), 1):  # other line ends may stand in a string
        if line.strip():
            try:
                items.append(json.loads(line))
            except ValueError as error:
                raise DamagedFile(
                    f"{name} has no JSON in line {number} ({error}): "
                    "mend that line, or save it again with one object a line"
                ) from error
    return items


def _split(whole: Any) -> tuple[list[Any], Any]:
    """The list that holds the records, and the rest."""
    if isinstance(whole, list):
        return whole, {}
    if isinstance(whole, dict):
        lists = [
            key
            for key, value in whole.items()
            if isinstance(value, list) and value and all(isinstance(item, dict) for item in value)
        ]
        if len(lists) == 1:
            return whole[lists[0]], {key: value for key, value in whole.items() if key != lists[0]}
    return [], whole


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Value]]:
    """The values of nested objects and lists, each under its path: ``gauge.type``, ``crew.1.name``."""
    if isinstance(value, list) and not any(isinstance(item, (dict, list)) for item in value):
        items = [clean_text(value_text(item)).strip() for item in value if item not in (None, "")]
        value = ("\n" if any(len(item) > LONG_ITEM for item in items) else ", ").join(items)
    if isinstance(value, dict):
        for key, child in value.items():
            key = " ".join(clean_text(key).split()) or "(no name)"
            yield from _flat(child, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for number, child in enumerate(value, 1):
            yield from _flat(child, f"{path}.{number}" if path else str(number))
    elif isinstance(value, str):
        if value.strip():
            yield path, clean_text(value).strip()
    elif value is not None:
        yield path, value
