"""Headings and tables of a Markdown text, found by their lines."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import zip_longest

from core.loading.tables import Record, default_metadata, describe_columns, metadata_fields
from core.records.document import Heading, Row, Table

_HEADING = re.compile(r"^(#{1,6})[ \t]+(\S[^\n]*)$", re.MULTILINE)
# Only a single line between blank ones: the lines of a YAML head and of a table are none.
_UNDERLINED = re.compile(r"(?:\A|(?<=\n\n))([^\s|>#*-][^\n]*)\n(=+|-{2,})[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*$.*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_ROWS = re.compile(r"^\|[^\n]*(?:\n\|[^\n]*)+", re.MULTILINE)
_BAR = re.compile(r"(?<!\\)\|")
_RULED = re.compile(r"[^\n]*\n\|(?:[ \t]*:?-+:?[ \t]*\|)+[ \t]*(?:\n|\Z)")


def markdown_headings(text: str) -> tuple[Heading, ...]:
    """Return the headings of ``text`` in order, with ``#`` or underlined, code fences left out."""
    found = [Heading(match.start(), match.end(), len(match[1]), _title(match[2])) for match in _HEADING.finditer(text)]
    found += [
        Heading(match.start(), match.end(), 1 if match[2][0] == "=" else 2, _title(match[1]))
        for match in _UNDERLINED.finditer(text)
    ]
    fences = [match.span() for match in _FENCE.finditer(text)]
    return tuple(
        heading
        for heading in sorted(found, key=lambda heading: heading.start)
        if heading.title and not _within(heading, fences)
    )


def _title(line: str) -> str:
    return line.strip().rstrip("#").strip().replace("**", "")


def _within(heading: Heading, fences: list[tuple[int, int]]) -> bool:
    before = bisect_right(fences, heading.start, key=lambda fence: fence[0])
    return before > 0 and heading.start < fences[before - 1][1]


def markdown_tables(text: str) -> tuple[Table, ...]:
    """Return the pipe tables of ``text`` (two lines or more) in order; the header is what stands above the rule."""
    found = []
    for match in _ROWS.finditer(text):
        ruled = _RULED.match(match[0])
        found.append(
            Table(match.start(), match.end(), match.start() + (min(ruled.end(), len(match[0])) if ruled else 0))
        )
    return tuple(found)


def table_rows(text: str, tables: Sequence[Table]) -> tuple[Row, ...]:
    """Return a Row for every line below the headers of ``tables``, with the fields that its header names."""
    return tuple(row for table in tables for row in _rows_of(text, table))


def _rows_of(text: str, table: Table) -> list[Row]:
    spans, at = [], table.body
    for line in text[table.body : table.end].split("\n"):
        if line.strip("|- :\t"):  # the rule of a table without a header is no row
            spans.append((at, at + len(line)))
        at += len(line) + 1
    names = _cells(text[table.start : table.body].split("\n")[0]) if table.start < table.body else []
    records: list[Record] = [
        {name: cell for name, cell in zip_longest(names, _cells(text[start:end]), fillvalue="") if name and cell}
        for start, end in spans
    ]
    columns = describe_columns(records)
    fields = metadata_fields(records, columns, default_metadata(columns))
    return [Row(*span, own) for span, own in zip(spans, fields, strict=True)]


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in _BAR.split(line.strip())[1:-1]]


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of cells, the first of them the header, as a Markdown table; empty rows are left out."""
    kept = [[" ".join(cell.split()).replace("|", "\\|") for cell in row] for row in rows]
    kept = [row for row in kept if any(row)]
    width = max(map(len, kept), default=0)
    lines = [f"| {' | '.join([*row, *[''] * (width - len(row))])} |" for row in kept]
    return "\n".join([*lines[:1], "|" + " --- |" * width, *lines[1:]]) if lines else ""
