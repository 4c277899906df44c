"""Markdown text as a document, with the spans of its headings, tables and table rows; tables written as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise, zip_longest

import pyromark

from core.errors import NoText
from core.loading._metadata import front_matter_end
from core.loading.tables import Record, default_metadata, describe_columns, metadata_fields
from core.records.document import Document, Heading, Metadata, Page, Row, Table

_LINES_OF_BARS = re.compile(r"^[ \t>]*\|[^\n]*(?:\n[ \t>]*\|[^\n]*)+", re.MULTILINE)
_HEADER = re.compile(r"[^\n]*\n[ \t>]*\|(?:[ \t]*:?-+:?[ \t]*\|)+[ \t]*(?:\n|\Z)")
_BAR = re.compile(r"(?<!\\)\|")
_BAR_OUTSIDE_CODE = re.compile(r"(`++)(?:(?!\1(?!`))[^\n]){0,1000}+\1(?!`)|(?<!\\)(\|)")
_HEADING_ATTRIBUTES = re.compile(r"\s*\{[#.][^{}]*\}$")
_OPTIONS = pyromark.Options.ENABLE_TABLES | pyromark.Options.ENABLE_FOOTNOTES


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
        if notes:
            raise NoText(
                f"{name} holds no text but what is not read ({'; '.join(notes)}): save it with that as plain text"
            )
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
    structure = _read_structure(text)
    rows = tuple(row for table, lines in structure.tables for row in _rows(text, table, lines))
    return replace(
        document, headings=structure.headings, tables=tuple(table for table, _ in structure.tables), rows=rows
    )


def markdown_headings(text: str) -> tuple[Heading, ...]:
    """Return the headings of ``text`` in order, as CommonMark has them: marked by ``#`` or underlined.

    Their spans are whole lines. Those in code, HTML and the head of a file are none; those without a title are left
    out.
    """
    return _read_structure(text).headings


def markdown_tables(text: str) -> tuple[Table, ...]:
    """Return the pipe tables of ``text`` (two lines or more) in order; a header ends with the line of dashes.

    They are those of GitHub Flavored Markdown, and lines that begin with a pipe without a line of dashes.
    """
    return tuple(table for table, _ in _read_structure(text).tables)


@dataclass(slots=True)
class _Structure:
    headings: tuple[Heading, ...]
    tables: tuple[tuple[Table, tuple[int, ...]], ...]  # with the offsets at which the contents of its lines begin


def _read_structure(text: str) -> _Structure:
    """Return the headings and tables of a text from the events of a CommonMark parser."""
    skipped = front_matter_end(text)
    data = text[skipped:].encode("utf-8", "replace")
    headings: list[tuple[int, int, int, str]] = []  # start, end, level, title
    tables: list[list[int]] = []  # start and end, then where the contents of the rows begin
    paragraphs: list[tuple[int, int]] = []
    title: list[str] | None = None
    for event, span in pyromark.events_with_range(data.decode("utf-8"), options=_OPTIONS):
        kind, value = next(iter(event.items())) if isinstance(event, dict) else (event, None)
        if kind == "Start":
            element = next(iter(value)) if isinstance(value, dict) else value
            if element == "Heading":
                headings.append((span["start"], span["end"], _level(value), ""))
                title = []
            elif element == "Table":
                tables.append([span["start"], span["end"]])
            elif element in ("TableHead", "TableRow"):
                tables[-1].append(span["start"])
            elif element == "Paragraph":
                paragraphs.append((span["start"], span["end"]))
        elif title is not None:
            if kind in ("Text", "Code", "InlineMath", "DisplayMath"):
                title.append(str(value))
            elif kind in ("SoftBreak", "HardBreak"):
                title.append(" ")
            elif kind == "End" and isinstance(value, dict) and "Heading" in value:
                headings[-1] = (*headings[-1][:3], _HEADING_ATTRIBUTES.sub("", "".join(title)).strip())
                title = None
    offsets = _character_offsets(data, [0, *chain.from_iterable(tables), *chain.from_iterable(paragraphs)], skipped)
    offsets |= _character_offsets(data, [offset for heading in headings for offset in heading[:2]], skipped)
    found = [_parsed_table(text, [offsets[offset] for offset in table]) for table in tables]
    for start, end in paragraphs:
        found += _bare_tables(text, offsets[start], offsets[end])
    return _Structure(
        tuple(
            Heading(_ink_start(text, offsets[start]), _block_end(text, offsets[end]), level, title)
            for start, end, level, title in headings
            if title
        ),
        tuple(sorted(found, key=lambda table: table[0].start)),
    )


def _level(value: object) -> int:
    """Return the level of a heading that begins."""
    match value:
        case {"Heading": {"level": str(level)}}:
            return int(level[1:])  # "H2"
        case _:
            return 1


def _character_offsets(data: bytes, offsets: Iterable[int], shift: int) -> dict[int, int]:
    """Return for byte offsets into UTF-8 the offsets in characters, ``shift`` added."""
    characters, previous, result = shift, 0, {}
    for offset in sorted(set(offsets)):
        characters += len(data[previous:offset].decode("utf-8"))
        result[offset], previous = characters, offset
    return result


def _line_start(text: str, offset: int) -> int:
    return text.rfind("\n", 0, offset) + 1


def _ink_start(text: str, offset: int) -> int:
    """Return where the first character of the line of ``offset`` stands that is no white space."""
    start = _line_start(text, offset)
    return start + len(text[start:offset]) - len(text[start:offset].lstrip())


def _line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return len(text) if end < 0 else end


def _block_end(text: str, offset: int) -> int:
    """Return the end of the last line of a block whose range, maybe with its line end, ends at ``offset``."""
    return offset - 1 if offset and text[offset - 1] == "\n" else _line_end(text, offset)


def _parsed_table(text: str, offsets: list[int]) -> tuple[Table, tuple[int, ...]]:
    """Return a table, and where the contents of its header and its rows begin, from what the parser found."""
    start, end, *contents = offsets
    end = _block_end(text, end)
    body = _line_start(text, contents[1]) if len(contents) > 1 else end
    return Table(_line_start(text, start), end, body), tuple(contents)


def _bare_tables(text: str, start: int, end: int) -> Iterator[tuple[Table, tuple[int, ...]]]:
    """Yield the tables in a paragraph: lines that begin with a pipe, of which the parser makes no table."""
    start = _line_start(text, start)
    if text.find("|", start, end) < 0:
        return
    for match in _LINES_OF_BARS.finditer(text, start, end):
        header = _HEADER.match(match[0])
        body = match.start() + (min(header.end(), len(match[0])) if header else 0)
        contents: list[int] = []
        line_start = match.start()
        for line in match[0].split("\n"):
            if (not contents and header) or (line_start >= body and line.strip("|- :\t>")):
                contents.append(line_start + line.index("|"))
            line_start += len(line) + 1
        table = Table(match.start(), match.end(), body)
        yield table, tuple(contents)


def _rows(text: str, table: Table, contents: tuple[int, ...]) -> list[Row]:
    """Return a Row for each line below the table's header, with the fields that the header names."""
    lines = [text[offset : _line_end(text, offset)] for offset in contents]
    has_header = bool(contents) and contents[0] < table.body
    names = _cells(lines[0], 0) if has_header else []
    records: list[Record] = [
        {name: cell for name, cell in zip_longest(names, _cells(line, len(names)), fillvalue="") if name and cell}
        for line in lines[has_header:]
    ]
    columns = describe_columns(records)
    fields = metadata_fields(records, columns, default_metadata(columns))
    spans = [(_line_start(text, offset), _line_end(text, offset)) for offset in contents[has_header:]]
    return [Row(*span, row_fields) for span, row_fields in zip(spans, fields, strict=True)]


def _cells(line: str, width: int) -> list[str]:
    """Return the cells of a row; pipes in code separate none where the row has more than ``width`` cells else."""
    line = line.strip()
    bars = [match.start() for match in _BAR.finditer(line)]
    cells = _split_at(line, bars)
    if "`" in line and len(cells) > width > 0:
        cells = _split_at(line, [match.start() for match in _BAR_OUTSIDE_CODE.finditer(line) if match[2]])
    return cells


def _split_at(line: str, bars: Sequence[int]) -> list[str]:
    edges = [-1, *bars, len(line)]
    cells = [line[start + 1 : end].strip().replace("\\|", "|") for start, end in pairwise(edges)]
    return cells[bool(bars) and bars[0] == 0 : -1 if bars and bars[-1] == len(line) - 1 else None]


# The bytes of a file in an address, as Google Docs, Typora and Colab write pictures.
_EMBEDDED = re.compile(r"\b(data:[\w.+-]{1,50}/[\w.+-]{1,80}(?:;[\w.=-]{1,80}){0,3});base64,[A-Za-z0-9+/=%_-]{20,}")


def without_embedded_files(text: str) -> tuple[str, int]:
    """Return a text without the bytes of the files that stand in its addresses, and how many these are."""
    return _EMBEDDED.subn(r"\1", text)


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
