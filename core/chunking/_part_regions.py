"""Stretches of a document that a way to cut keeps apart: pages, sections, groups of rows, changes of subject.

A region that fits the budget becomes one chunk, a longer one several, and no chunk reaches from one into the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from core.records.document import Document, Row, Table

Region = tuple[int, int]


def page_regions(document: Document) -> list[Region]:
    """Return a region for each page, the whole of a document without pages."""
    return _between(document, [page.start for page in document.pages])


def section_regions(document: Document) -> list[Region]:
    """Return a region for each heading with what stands under it; headings with nothing under them join the next."""
    starts: list[int] = []
    open_until = 0
    for heading in document.headings:
        if not starts or document.text[open_until : heading.start].strip():
            starts.append(heading.start)
        open_until = heading.end
    return _between(document, starts)


def regions_at(document: Document, offsets: Sequence[int]) -> list[Region]:
    """Return the regions between ``offsets``, the text's beginning and its end."""
    return _between(document, offsets)


def _between(document: Document, starts: Sequence[int]) -> list[Region]:
    edges = sorted({0, len(document.text), *starts})
    return list(pairwise(edges))


def row_regions(document: Document, together: int) -> list[Region]:
    """Return a region for every ``together`` rows that follow one another in a table, and for what stands between.

    A table's first group begins with the header; the others carry it.
    """
    regions: list[Region] = []
    done = 0
    for start, end in _groups(document, together):
        if start > done:
            regions.append((done, start))
        regions.append((start, end))
        done = end
    return [*regions, (done, len(document.text))] if done < len(document.text) else regions


def _groups(document: Document, together: int) -> Iterator[Region]:
    rows, first = rows_of(document), 0
    headers = {table.body: table.start for table in document.tables}
    while first < len(rows):
        last = first
        while last + 1 < min(first + together, len(rows)) and _neighbours(document, rows[last], rows[last + 1]):
            last += 1
        yield headers.get(rows[first].start, rows[first].start), rows[last].end
        first = last + 1


def _neighbours(document: Document, row: Row, following: Row) -> bool:
    return not document.text[row.end : following.start].strip()


def rows_of(document: Document) -> Sequence[Row]:
    """Return the document's records, or the lines of its tables where none are known."""
    return document.rows or [row for table in document.tables for row in _lines(document.text, table)]


def _lines(text: str, table: Table) -> Iterator[Row]:
    start = table.body
    while start < table.end:
        feed = text.find("\n", start, table.end)
        end = table.end if feed < 0 else feed
        if text[start:end].strip():
            yield Row(start, end)
        start = end + 1
