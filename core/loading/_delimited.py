"""CSV and TSV: from bytes to records, with the lines that stand above, between and below them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from core.errors import EmptyFile
from core.loading._detection import reject_other_format
from core.loading._dialect import DELIMITERS, TYPED, Dialect, detect_dialect, split_rows
from core.loading._encoding import clean_text, decode
from core.loading._table_layout import TableLayout
from core.loading.tables import TableContent, TableOptions, table_document
from core.records.document import Document

LONGEST_TYPED = 40  # characters of a number or a date
MOST_NAME_WORDS = 3  # in the name of a file's only column
TEXT = "text"  # the only column of a file that does not name it
_LINE_END = re.compile(r"\r*\n|\r")
_SEPARATOR_LINE = re.compile(r'"?sep=([^\n])"?\n', re.IGNORECASE)  # Excel's first line


def load_delimited(name: str, data: bytes, options: TableOptions | None = None) -> Document:
    """Return a CSV or TSV file, a block of lines for each of its rows. Raises LoadingError."""
    return table_document(name, len(data), delimited_content(name, data), options)


def delimited_content(name: str, data: bytes) -> TableContent:
    """Return the rows of a CSV or TSV file by the names in their table's header, or ``column 1`` where it has none.

    A file may hold several tables, set apart by blank lines. Lines that are no rows of one (titles, comments, sources)
    are texts between the records. Short rows lack cells, and what stands behind the last named column gets a column of
    its own. Where nothing divides the lines, each is a record of one column. Raises WrongFileType, EmptyFile, or
    DamagedFile for a quotation mark that is never closed.
    """
    reject_other_format(name, data, "a table in text (CSV)")
    decoded = decode(name, data)
    text = _LINE_END.sub("\n", decoded.text.lstrip("\ufeff"))
    separator = _SEPARATOR_LINE.match(text)
    if separator:
        text = text[separator.end() :]
    dialect = Dialect(separator[1]) if separator else detect_dialect(text, name.lower().endswith(".tsv"))
    rows = split_rows(name, text, dialect)
    if not dialect.delimiter:
        dialect, rows = _unwrapped(name, rows)
    if dialect.separation == "plain" and dialect.delimiter in (",", ";"):
        rows = _sentences_joined(rows, dialect.delimiter)
    rows = [[_clean(cell) for cell in row] for row in rows]
    if not any(cell.strip(DELIMITERS) for row in rows for cell in row):
        raise EmptyFile(f"{name} holds no cell with anything in it: there is nothing to index in it")
    if not dialect.delimiter:
        return _one_column(rows, decoded.notes)
    layout = TableLayout(dialect.delimiter)
    layout.read(rows)
    return TableContent(tuple(layout.items), (*decoded.notes, *layout.notes()))


def _clean(cell: str) -> str:
    return cell.strip() if cell.isascii() and cell.isprintable() else clean_text(cell).strip()


def _sentences_joined(rows: list[list[str]], delimiter: str) -> list[list[str]]:
    """Return rows in which a line apart from the table, with a space behind each delimiter, is one cell: a sentence."""
    blocks = [
        list(block) for _, block in groupby(rows, key=lambda row: any(cell and not cell.isspace() for cell in row))
    ]
    longest = max(blocks, key=len, default=[])
    if len(blocks) == 1 or any(map(_is_sentence, longest)):
        return rows
    others = {id(row) for block in blocks if block is not longest for row in block if _is_sentence(row)}
    return [[delimiter.join(row)] if id(row) in others else row for row in rows]


def _is_sentence(row: Sequence[str]) -> bool:
    return len(row) > 1 and all(cell[:1] == " " for cell in row[1:])


def _unwrapped(name: str, rows: list[list[str]]) -> tuple[Dialect, list[list[str]]]:
    """Return rows of one cell, divided once more where each is a line of a table, as a whole in quotes."""
    lines = [cell for row in rows for cell in row if cell]
    inner = "\n".join(lines)
    if inner.count("\n") >= len(lines):  # a cell of several lines is none
        return Dialect(), rows
    dialect = detect_dialect(inner, False)
    return (dialect, split_rows(name, inner, dialect)) if dialect.delimiter else (dialect, rows)


def _one_column(rows: Sequence[Sequence[str]], notes: Sequence[str]) -> TableContent:
    """Return every line as a record; the first names the column where it is a name and no sentence."""
    cells = [cell for row in rows for cell in row if cell]
    first, below = cells[0], cells[1:]
    is_name = (
        len(first.split()) <= MOST_NAME_WORDS
        and not re.search(r"[,;.!?:\"\n]", first)
        and not TYPED.fullmatch(first[:LONGEST_TYPED])
        and bool(below)
        and first not in below
    )
    column = " ".join(first.split()) if is_name else TEXT
    records = tuple({column: cell} for cell in (below if is_name else cells))
    return TableContent(records, tuple(notes), named=is_name)
