"""Documents into chunks, counted in tokens: by structure, or in one of the other ways to cut.

``Cutter`` looks at a document once, and cuts it under any settings then: what the preview's sliders live on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from core.chunking._planner import REGION, SENTENCES, STRUCTURE, TOKENS, Grain, Planner
from core.chunking.semantic import Meaning, read_meaning
from core.errors import SettingsError
from core.models.bi_encoder import BiEncoder
from core.models.tokenization import TokenSource
from core.records.document import Document, Row, Table, short_hash
from core.records.search import Chunk, ChunkSettings, Method
from core.text.boundaries import Breaks, find_breaks
from core.util.arrays import Int64Array
from core.util.progress import DoneReport

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


Spans = list[tuple[int, int]]
ATTEMPTS = 4
WHOLE: dict[Method, Grain] = {"structure": STRUCTURE, "sentences": SENTENCES, "tokens": TOKENS}


def chunk_document(
    document: Document, settings: ChunkSettings, tokens: TokenSource, encoder: BiEncoder | None = None
) -> list[Chunk]:
    """Cut ``document`` into chunks of at most ``settings.size`` tokens; the method meaning needs the ``encoder``.

    Deterministic, and linear in the length of the text. ``text == document.text[start:end]`` holds of
    every chunk; no chunk begins or ends with white space; none ends inside a word unless that word
    alone is over the budget.
    """
    return Cutter(document, tokens, encoder).cut(settings)


class Cutter:
    """One document, looked at once: its breaks and its tokens, and its sentences' meaning where that is asked for."""

    def __init__(self, document: Document, tokens: TokenSource, encoder: BiEncoder | None = None) -> None:
        self.document = document
        self.breaks: Breaks = find_breaks(document.text, document.headings)
        self.starts: Int64Array = tokens.starts(document.text, self.breaks.words)
        self._tokens = tokens
        self._encoder = encoder
        self._meaning: Meaning | None = None
        self._headers: dict[str, int] = {}  # with their tokens

    def meaning(self, progress: DoneReport | None = None) -> Meaning:
        """Return the distances between the document's sentences, computed at the first call."""
        if self._meaning is None:
            if self._encoder is None:
                raise SettingsError(
                    "Cutting by meaning needs a bi-encoder: choose another way to cut where none is at hand"
                )
            self._meaning = read_meaning(self.document.text, self.breaks, self._encoder, progress)
        return self._meaning

    def cut(self, settings: ChunkSettings) -> list[Chunk]:
        """Return the document's chunks: see chunk_document."""
        regions = self._regions(settings)
        size = settings.size
        for _ in range(ATTEMPTS):
            spans = self._plan(regions, settings, size)
            headers = [self._header(start, settings.size) for start, _ in spans]
            counts = [own + tokens for own, (_, tokens) in zip(self._counts(spans), headers, strict=True)]
            excess = max(counts, default=0) - settings.size
            if excess <= 0:
                break
            size = max(size - excess - 1, 1)  # tokens that depend on their neighbours: plan a little smaller
        return [
            self._chunk(settings, span, count, header)
            for span, count, (header, _) in zip(spans, counts, headers, strict=True)
        ]

    def _regions(self, settings: ChunkSettings) -> list[Region]:
        document, method = self.document, settings.method
        if method == "pages":
            return page_regions(document)
        if method == "sections":
            return section_regions(document)
        if method == "rows":
            return row_regions(document, settings.rows)
        if method == "meaning":
            return regions_at(document, self.meaning().breaks(settings.percentile).tolist())
        return [(0, len(document.text))]

    def _plan(self, regions: Sequence[Region], settings: ChunkSettings, size: int) -> Spans:
        grain, overlap = WHOLE.get(settings.method, REGION), min(settings.overlap, size - 1)
        carried = (lambda start: self._header(start, settings.size)[1]) if self.document.tables else (lambda _: 0)
        planner = Planner(self.document.text, self.breaks, self.starts, size, overlap, grain, carried)
        return [span for begin, stop in regions for span in planner.plan(begin, stop)]

    def _counts(self, spans: Sequence[tuple[int, int]]) -> list[int]:
        """The tokens of each span: those that start in it, counted anew where its edges may have changed them."""
        text, tokens = self.document.text, self._tokens
        edges = np.searchsorted(self.starts, np.asarray(spans, dtype=np.int64).reshape(-1, 2))
        counts = [int(last - first) for first, last in edges]
        unsure = [at for at, span in enumerate(spans) if not (tokens.exact and _stands_free(text, *span))]
        for at, count in zip(unsure, tokens.count([text[slice(*spans[at])] for at in unsure]), strict=True):
            counts[at] = int(count)
        return counts

    def _header(self, offset: int, size: int) -> tuple[str, int]:
        """The table header that a chunk from ``offset`` carries and its tokens; none that would take half of the chunk."""
        header = self.document.header_at(offset)
        if header and header not in self._headers:
            self._headers[header] = int(self._tokens.count([header])[0])
        tokens = self._headers.get(header, 0)
        return (header, tokens) if tokens <= size // 2 else ("", 0)

    def _chunk(self, settings: ChunkSettings, span: tuple[int, int], count: int, header: str) -> Chunk:
        start, end = span
        document = self.document
        return Chunk(
            id=short_hash(document.id, start, end, *settings.identity),
            document_id=document.id,
            start=start,
            end=end,
            text=document.text[start:end],
            tokens=count,
            page=document.page_at(start),
            heading=document.heading_at(start),
            carried=header,
            metadata=document.metadata_at(start, end),
        )


def _stands_free(text: str, start: int, end: int) -> bool:
    """Whether white space, or the text's end, is on both sides of a span: then no word was cut."""
    return (start == 0 or text[start - 1].isspace()) and (end == len(text) or text[end].isspace())
