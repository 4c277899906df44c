"""Documents into chunks, counted in tokens: by structure, or in one of the other ways to cut.

``Cutter`` looks at a document once, and cuts it under any settings then: what the preview's sliders live on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.chunking._part_regions import Region, page_regions, regions_at, row_regions, section_regions
from core.chunking._planner import REGION, SENTENCES, STRUCTURE, TOKENS, Grain, Planner
from core.chunking.semantic import Meaning, read_meaning
from core.errors import SettingsError
from core.models._part_models_tokens import TokenSource
from core.models.bi_encoder import BiEncoder, Progress
from core.records.search import Chunk, ChunkSettings, Document, Method, short_hash
from core.text.boundaries import Breaks, find_breaks

Ints = npt.NDArray[np.int64]
Spans = list[tuple[int, int]]
ATTEMPTS = 4
WHOLE: dict[Method, Grain] = {"structure": STRUCTURE, "sentences": SENTENCES, "tokens": TOKENS}


def chunk_document(document: Document, settings: ChunkSettings, tokens: TokenSource, encoder: BiEncoder | None = None) -> list[Chunk]:
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
        self.starts: Ints = tokens.starts(document.text, self.breaks.words)
        self._tokens = tokens
        self._encoder = encoder
        self._meaning: Meaning | None = None
        self._headers: dict[str, int] = {}  # with their tokens

    def meaning(self, progress: Progress | None = None) -> Meaning:
        """Return the distances between the document's sentences, computed at the first call."""
        if self._meaning is None:
            if self._encoder is None:
                raise SettingsError("Cutting by meaning needs a bi-encoder: choose another way to cut where none is at hand")
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
        return [self._chunk(settings, span, count, header) for span, count, (header, _) in zip(spans, counts, headers, strict=True)]

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
