"""Markdown text as a document, with the spans of its headings, tables and table rows; tables written as Markdown."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from core.errors import NoText
from core.loading.tables import Record, default_metadata, describe_columns, metadata_fields
from core.records.document import Document, Heading, Metadata, Page, Row, Table

_HEADING = re.compile(r"^(#{1,6})[ \t]+(\S[^\n]*)$", re.MULTILINE)
# A single line after a blank one: this leaves out the last lines of YAML front matter and of tables.
_UNDERLINED = re.compile(r"(?:\A|(?<=\n\n))([^\s|>#*-][^\n]*)\n(=+|-{2,})[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*$.*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_PIPE_TABLE = re.compile(r"^\|[^\n]*(?:\n\|[^\n]*)+", re.MULTILINE)
_BAR = re.compile(r"(?<!\\)\|")
_HEADER = re.compile(r"[^\n]*\n\|(?:[ \t]*:?-+:?[ \t]*\|)+[ \t]*(?:\n|\Z)")


def markdown_document(
    name: str,
    data: bytes,
    text: str,
    metadata: Metadata,
    pages: tuple[Page, ...] = (),
    notes: tuple[str, ...] = (),
) -> Document:
    """Return a Markdown text with its structure, trimmed if it has no ``pages``. Raises NoText if it is blank."""
    if not text.strip():
        raise NoText(f"{name} holds no text, only pictures or nothing: export it with text, or type it up")
    text = text if pages else text.strip() + "\n"
    return with_markdown_structure(Document(name, text, pages, size=len(data), metadata=metadata, notes=notes))


def join_slides(slides: Iterable[tuple[int, str]]) -> tuple[str, tuple[Page, ...]]:
    """Return the texts of numbered slides, a blank line after each, as one text with a page for each slide."""
    text, pages = "", []
    for number, slide in slides:
        pages.append(Page(len(text), len(text) + len(slide) + 2, number))
        text += slide + "\n\n"
    return text, tuple(pages)


def with_markdown_structure(document: Document) -> Document:
    """Return ``document`` with the headings, tables and table rows of its Markdown text."""
    text = document.text
    tables = markdown_tables(text)
    rows = tuple(row for table in tables for row in _rows(text, table))
    return replace(document, headings=markdown_headings(text), tables=tables, rows=rows)


def markdown_headings(text: str) -> tuple[Heading, ...]:
    """Return the headings of ``text`` in order, marked by ``#`` or underlined, those in fenced code left out."""
    headings = [
        Heading(match.start(), match.end(), len(match[1]), _title(match[2])) for match in _HEADING.finditer(text)
    ]
    headings += [
        Heading(match.start(), match.end(), 1 if match[2][0] == "=" else 2, _title(match[1]))
        for match in _UNDERLINED.finditer(text)
    ]
    headings.sort(key=lambda heading: heading.start)
    fences = [match.span() for match in _FENCE.finditer(text)]
    return tuple(heading for heading in headings if heading.title and not _is_within(heading, fences))


def _title(line: str) -> str:
    return line.strip().rstrip("#").strip().replace("**", "")


def _is_within(heading: Heading, fences: list[tuple[int, int]]) -> bool:
    index = bisect_right(fences, heading.start, key=lambda fence: fence[0]) - 1
    return index >= 0 and heading.start < fences[index][1]


def markdown_tables(text: str) -> tuple[Table, ...]:
    """Return the pipe tables of ``text`` (two lines or more) in order; a header ends with the line of dashes."""
    tables = []
    for match in _PIPE_TABLE.finditer(text):
        header = _HEADER.match(match[0])
        body = match.start() + (min(header.end(), len(match[0])) if header else 0)
        tables.append(Table(match.start(), match.end(), body))
    return tuple(tables)


def _rows(text: str, table: Table) -> list[Row]:
    """Return a Row for each line below the table's header, with the fields that the header names."""
    spans, start = [], table.body
    for line in text[table.body : table.end].split("\n"):
        if line.strip("|- :\t"):  # leaves out the line of dashes in a table without a header
            spans.append((start, start + len(line)))
        start += len(line) + 1
    names = _cells(text[table.start : table.body].split("\n")[0]) if table.start < table.body else []
    records: list[Record] = [
        {name: cell for name, cell in zip_longest(names, _cells(text[start:end]), fillvalue="") if name and cell}
        for start, end in spans
    ]
    columns = describe_columns(records)
    fields = metadata_fields(records, columns, default_metadata(columns))
    return [Row(*span, row_fields) for span, row_fields in zip(spans, fields, strict=True)]


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in _BAR.split(line.strip())[1:-1]]


@dataclass(frozen=True, slots=True)
class Cell:
    """A table cell's text, and over how many rows and columns it stretches."""

    text: str
    rows: int = 1
    columns: int = 1


MAX_SPAN = 1000  # rows or columns: the limit that HTML sets to colspan


def expand_spans(rows: Iterable[Iterable[Cell]]) -> list[list[str]]:
    """Return the grid of a table's rows: a cell that stretches over several places has its text in each of them.

    Cells take the first free places of their row, as in HTML's table model (WHATWG HTML, "Forming a table"). A span
    is cut at the last row that ``rows`` has, and at MAX_SPAN.
    """
    grid: list[list[str]] = []
    pending: dict[int, tuple[str, int]] = {}  # column -> text and number of rows that it still covers
    for cells in rows:
        row: dict[int, str] = {column: text for column, (text, _) in pending.items()}
        pending = {column: (text, left - 1) for column, (text, left) in pending.items() if left > 1}
        column = 0
        for cell in cells:
            while column in row:
                column += 1
            for _ in range(min(max(cell.columns, 1), MAX_SPAN)):
                if column in row:
                    break
                row[column] = cell.text
                if cell.rows > 1:
                    pending[column] = (cell.text, min(cell.rows, MAX_SPAN) - 1)
                column += 1
        grid.append([row.get(column, "") for column in range(max(row, default=-1) + 1)])
    return grid


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of cells as a Markdown table whose header is the first row; empty rows are left out."""
    cleaned = ([" ".join(cell.split()).replace("|", "\\|") for cell in row] for row in rows)
    filled = [row for row in cleaned if any(row)]
    width = max(map(len, filled), default=0)
    lines = [f"| {' | '.join([*row, *[''] * (width - len(row))])} |" for row in filled]
    return "\n".join([*lines[:1], "|" + " --- |" * width, *lines[1:]]) if lines else ""
