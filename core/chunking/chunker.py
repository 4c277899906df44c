"""Split documents into chunks whose length is counted in the model's tokens.

``Chunker`` tokenizes a document once and can then chunk it with any settings, as the preview does on each change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from core.chunking._planner import REGION, SENTENCES, STRUCTURE, TOKENS, BreakRules, Planner, Span
from core.chunking.semantic import SentenceDistances, sentence_distances
from core.errors import SettingsError
from core.models.bi_encoder import BiEncoder
from core.models.tokenization import TokenSource
from core.records.document import Document, Row, Table, short_hash
from core.records.search import Chunk, ChunkSettings
from core.text.boundaries import Breaks, find_breaks
from core.text.words import syllable_ends
from core.util.arrays import Int64Array
from core.util.progress import DoneReport

MAX_ATTEMPTS = 4  # plans with a smaller and smaller budget, for tokenizers whose counts do not add up


def chunk_document(
    document: Document, settings: ChunkSettings, tokens: TokenSource, encoder: BiEncoder | None = None
) -> list[Chunk]:
    """Return the chunks of ``document``, each of at most ``settings.size`` tokens.

    Deterministic, and linear in the length of the text. For every chunk ``text == document.text[start:end]``; no chunk
    begins or ends with white space; none ends inside a word unless that word alone exceeds the budget, and none inside
    a user-perceived character, such as an emoji of several code points, be it longer than the budget. Raises
    SettingsError if the method is ``meaning`` and there is no ``encoder``.
    """
    return Chunker(document, tokens, encoder).chunk(settings)


class Chunker:
    """Chunks one document; its breaks and tokens, and its sentences' distances if needed, are computed once."""

    def __init__(self, document: Document, tokens: TokenSource, encoder: BiEncoder | None = None) -> None:
        self.document = document
        self.breaks: Breaks = find_breaks(document.text, document.headings)
        self.token_starts: Int64Array = tokens.starts(document.text, self.breaks.words)
        self._tokens = tokens
        self._encoder = encoder
        self._distances: SentenceDistances | None = None
        self._header_tokens: dict[str, int] = {}

    def distances(self, progress: DoneReport | None = None) -> SentenceDistances:
        """Return the distances between the document's sentences, computed at the first call.

        ``progress`` receives the number of sentences embedded so far. Raises SettingsError if there is no encoder.
        """
        if self._distances is None:
            if self._encoder is None:
                raise SettingsError(
                    "Cutting by meaning needs a bi-encoder: choose another way to cut where none is at hand"
                )
            self._distances = sentence_distances(self.document.text, self.breaks, self._encoder, progress)
        return self._distances

    def chunk(self, settings: ChunkSettings) -> list[Chunk]:
        """Return the document's chunks: see chunk_document."""
        regions, rules = self._method(settings)
        budget = settings.size
        for _ in range(MAX_ATTEMPTS):
            spans = self._plan(regions, rules, settings, budget)
            headers = [self._header(start, settings.size) for start, _ in spans]
            counts = [
                text_tokens + header_tokens
                for text_tokens, (_, header_tokens) in zip(self._count_tokens(spans), headers, strict=True)
            ]
            excess = max((count - settings.size for count in self._reducible(spans, counts, settings.size)), default=0)
            if excess <= 0:
                break
            budget = max(budget - excess - 1, 1)  # some tokens depend on their neighbours: plan a little smaller
        return [
            self._make_chunk(settings, span, count, header)
            for span, count, (header, _) in zip(spans, counts, headers, strict=True)
        ]

    def _method(self, settings: ChunkSettings) -> tuple[list[Span], BreakRules]:
        """Return the regions that no chunk crosses, and the rules for breaks inside them.

        The chunking method is chosen here and nowhere else: a new one gets its name in ``core.records.search.Method``
        and a case here.
        """
        document = self.document
        match settings.method:
            case "structure":
                return _split_at(document, []), STRUCTURE
            case "sentences":
                return _split_at(document, []), SENTENCES
            case "tokens":
                return _split_at(document, []), TOKENS
            case "pages":
                return _split_at(document, [page.start for page in document.pages]), REGION
            case "sections":
                return _split_at(document, _section_starts(document)), REGION
            case "rows":
                return _row_regions(document, settings.rows), REGION
            case "meaning":
                return _split_at(document, self.distances().breaks(settings.percentile).tolist()), REGION

    def _plan(self, regions: Sequence[Span], rules: BreakRules, settings: ChunkSettings, budget: int) -> list[Span]:
        overlap = min(settings.overlap, budget - 1)
        header_tokens = (lambda start: self._header(start, settings.size)[1]) if self.document.tables else (lambda _: 0)
        planner = Planner(self.document.text, self.breaks, self.token_starts, budget, overlap, rules, header_tokens)
        return [span for start, end in regions for span in planner.plan(start, end)]

    def _count_tokens(self, spans: Sequence[Span]) -> list[int]:
        """Return the tokens of each span: those that start in it, counted anew if its edges may have changed them."""
        text, tokens = self.document.text, self._tokens
        edges = np.searchsorted(self.token_starts, np.asarray(spans, dtype=np.int64).reshape(-1, 2))
        counts = [int(last - first) for first, last in edges]
        unsure = [index for index, span in enumerate(spans) if not (tokens.exact and _at_white_space(text, *span))]
        for index, count in zip(unsure, tokens.count([text[slice(*spans[index])] for index in unsure]), strict=True):
            counts[index] = int(count)
        return counts

    def _reducible(self, spans: Sequence[Span], counts: Sequence[int], size: int) -> Iterator[int]:
        """Yield the counts of those spans that could be cut smaller: of more than one character or syllable."""
        text = self.document.text
        for (start, end), count in zip(spans, counts, strict=True):
            if count <= size or next(syllable_ends(text, start, end), end) < end:
                yield count

    def _header(self, offset: int, size: int) -> tuple[str, int]:
        """Return the table header that a chunk from ``offset`` carries and its tokens; none above half of ``size``."""
        header = self.document.header_at(offset)
        if header and header not in self._header_tokens:
            self._header_tokens[header] = int(self._tokens.count([header])[0])
        tokens = self._header_tokens.get(header, 0)
        return (header, tokens) if tokens <= size // 2 else ("", 0)

    def _make_chunk(self, settings: ChunkSettings, span: Span, tokens: int, header: str) -> Chunk:
        start, end = span
        document = self.document
        return Chunk(
            id=short_hash(document.id, start, end, *settings.identity),
            document_id=document.id,
            start=start,
            end=end,
            text=document.text[start:end],
            tokens=tokens,
            page=document.page_at(start),
            heading=document.heading_at(start),
            carried=header,
            metadata=document.metadata_at(start, end),
        )


def _at_white_space(text: str, start: int, end: int) -> bool:
    """Return whether white space or the text's edge is on both sides of a span, so that it cuts no word."""
    return (start == 0 or text[start - 1].isspace()) and (end == len(text) or text[end].isspace())


def _split_at(document: Document, starts: Sequence[int]) -> list[Span]:
    """Return the regions of the document's text that begin at ``starts``; the first begins with the text."""
    return list(pairwise(sorted({0, len(document.text), *starts})))


def _section_starts(document: Document) -> list[int]:
    """Return the start of each heading with text under it; a heading with none belongs to the next section."""
    starts: list[int] = []
    heading_end = 0
    for heading in document.headings:
        if not starts or document.text[heading_end : heading.start].strip():
            starts.append(heading.start)
        heading_end = heading.end
    return starts


def _row_regions(document: Document, rows_per_region: int) -> list[Span]:
    """Return a region for each group of neighbouring rows, and for the text between the groups.

    A table's first group begins with its header; the chunks of the others carry it.
    """
    regions: list[Span] = []
    covered = 0
    for start, end in _row_groups(document, rows_per_region):
        if start > covered:
            regions.append((covered, start))
        regions.append((start, end))
        covered = end
    return [*regions, (covered, len(document.text))] if covered < len(document.text) else regions


def _row_groups(document: Document, rows_per_group: int) -> Iterator[Span]:
    rows: Sequence[Row] = document.rows or [
        row for table in document.tables for row in _table_lines(document.text, table)
    ]
    headers = {table.body: table.start for table in document.tables}
    first = 0
    while first < len(rows):
        last = first
        while last + 1 < min(first + rows_per_group, len(rows)):
            if document.text[rows[last].end : rows[last + 1].start].strip():
                break  # text between two rows: another table begins
            last += 1
        yield headers.get(rows[first].start, rows[first].start), rows[last].end
        first = last + 1


def _table_lines(text: str, table: Table) -> Iterator[Row]:
    start = table.body
    while start < table.end:
        newline = text.find("\n", start, table.end)
        end = table.end if newline < 0 else newline
        if text[start:end].strip():
            yield Row(start, end)
        start = end + 1
