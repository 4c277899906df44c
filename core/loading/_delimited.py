"""CSV and TSV: the delimiter, the header and the quotes as the file has them."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from typing import Literal

from core.errors import DamagedFile, EmptyFile
from core.loading._part_loading_kinds import Record
from core.loading._part_loading_sniff import refuse_other_kind
from core.loading._text import decode, tidy
from core.loading.tables import TableOptions, table_document
from core.records.document import Document

DELIMITERS = ",;\t|"
NO_DELIMITER = "\x1f"  # which no text holds: for a file of one column
SAMPLE = 100_000  # characters that the delimiter is told from
SAMPLE_ROWS = 100
LONGEST_NUMBER = 40  # characters
_SAID = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # Excel's first line
_NUMERIC = re.compile(r"[+-]?[\d.,:/ -]*\d[\d.,:/ -]*%?")
csv.field_size_limit(1_000_000_000)  # of a whole document in a cell; csv's own limit of 131,072 characters is no harm to us


def load_delimited(name: str, data: bytes, options: TableOptions | None = None) -> Document:
    """Return a CSV or TSV file, a block of lines for each of its rows. Raises LoadingError."""
    return table_document(name, len(data), delimited_records(name, data), options)


def delimited_records(name: str, data: bytes) -> list[Record]:
    """Return the rows of a CSV or TSV file, by the names in its first row, or ``column 1`` where that has none.

    Short rows lack cells, and what stands behind the last named column gets a column of its own.
    Raises WrongFileType, EmptyFile, or DamagedFile for a quotation mark that is never closed.
    """
    refuse_other_kind(name, data, "a table in text (CSV)")
    text = decode(name, data).lstrip("\ufeff")
    said = _SAID.match(text)
    delimiter = said[1] if said else _delimiter(text, name.lower().endswith(".tsv"))
    rows = _rows(name, text[said.end() :] if said else text, delimiter)
    cells = [[_cell(cell) for cell in row] for row in rows]
    cells = [row for row in cells if any(row)]
    if not cells:
        raise EmptyFile(f"{name} holds no cell with anything in it: there is nothing to index in it")
    width = max(map(len, cells))
    header = cells.pop(0) if len(cells) > 1 and _is_header(cells[0]) else []
    names = _names(header, width)
    return [{column: cell for column, cell in zip(names, row, strict=False) if cell} for row in cells]


def _cell(cell: str) -> str:
    return tidy(cell).strip()


def _delimiter(text: str, tabs: bool) -> str:
    """The delimiter that most of the first rows have as often as the first one has it."""
    if tabs and "\t" in text:
        return "\t"
    best = (0.0, 1, NO_DELIMITER)
    for delimiter in DELIMITERS:
        reader = csv.reader(io.StringIO(text[:SAMPLE], newline=""), delimiter=delimiter)
        widths = [len(row) for row, _ in zip(reader, range(SAMPLE_ROWS), strict=False) if row]
        if widths and widths[0] > 1:
            best = max(best, (widths.count(widths[0]) / len(widths), widths[0], delimiter), key=lambda found: found[:2])
    return best[2]


def _rows(name: str, text: str, delimiter: str) -> list[list[str]]:
    """The rows, by the strict rules of quoting, or where the file does not keep them, by lenient ones."""
    for strict in (True, False):
        # A tab-separated file that breaks the rules has quotation marks which are just that.
        unquoted = delimiter == "\t" and not strict
        quoting: Literal[0, 3] = csv.QUOTE_NONE if unquoted else csv.QUOTE_MINIMAL
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict, quoting=quoting)
        begun, rows = 1, []
        try:
            for row in reader:
                rows.append(row)
                begun = reader.line_num + 1
        except csv.Error as error:
            if "unexpected end" in str(error) and delimiter != "\t":
                what = f"a quotation mark in the row that begins in line {begun} is never closed"
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
    for at in range(width):
        name = " ".join(header[at].split()) if at < len(header) and header[at] else f"column {at + 1}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names
