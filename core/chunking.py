"""Documents into chunks: at headings, then paragraphs, sentences and words, counted in tokens.

The planner walks the text once. From the start of a chunk it looks as far as the budget reaches and
ends the chunk at the strongest break in the second half of that stretch; the next chunk begins where
the overlap allows, at a sentence if one begins there. A heading starts a chunk of its own unless the
chunk before it is still short, so that hits do not straddle two subjects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import regex

from core.boundaries import Breaks, find_breaks
from core.models.tokens import TokenSource
from core.records import Chunk, ChunkSettings, Document, short_hash

Ints = npt.NDArray[np.int64]
LONGEST_TOKEN = 64  # characters: longer stretches without a token start are counted as several
ATTEMPTS = 4


def chunk_document(document: Document, settings: ChunkSettings, tokens: TokenSource) -> list[Chunk]:
    """Cut ``document`` into chunks of at most ``settings.size`` tokens.

    Deterministic, and linear in the length of the text. ``text == document.text[start:end]`` holds of
    every chunk; no chunk begins or ends with white space; none ends inside a word unless that word
    alone is over the budget.
    """
    breaks = find_breaks(document.text, document.headings)
    starts = tokens.starts(document.text, breaks.words)
    size = settings.size
    for _ in range(ATTEMPTS):
        spans = _Planner(document.text, breaks, starts, size, min(settings.overlap, size - 1)).plan()
        counts = _counts(document.text, spans, starts, tokens)
        excess = max(counts, default=0) - settings.size
        if excess <= 0:
            break
        size = max(size - excess - 1, 1)  # tokens that depend on their neighbours: plan a little smaller
    return [_chunk(document, settings, span, count) for span, count in zip(spans, counts, strict=True)]


def _counts(text: str, spans: Sequence[tuple[int, int]], starts: Ints, tokens: TokenSource) -> list[int]:
    """The tokens of each span: those that start in it, counted anew where its edges may have changed them."""
    edges = np.searchsorted(starts, np.asarray(spans, dtype=np.int64).reshape(-1, 2))
    counts = [int(last - first) for first, last in edges]
    unsure = [at for at, span in enumerate(spans) if not (tokens.exact and _stands_free(text, *span))]
    for at, count in zip(unsure, tokens.count([text[slice(*spans[at])] for at in unsure]), strict=True):
        counts[at] = int(count)
    return counts


def _stands_free(text: str, start: int, end: int) -> bool:
    """Whether white space, or the text's end, is on both sides of a span: then no word was cut."""
    return (start == 0 or text[start - 1].isspace()) and (end == len(text) or text[end].isspace())


def _chunk(document: Document, settings: ChunkSettings, span: tuple[int, int], count: int) -> Chunk:
    start, end = span
    return Chunk(
        id=short_hash(document.id, start, end, *settings.identity),
        document_id=document.id,
        start=start,
        end=end,
        text=document.text[start:end],
        tokens=count,
        page=document.page_at(start),
        heading=document.heading_at(start),
        metadata=document.metadata_at(start, end),
    )


@dataclass(frozen=True)
class _Kind:
    """Breaks of one kind: their offsets, and how many tokens start before each."""

    offsets: Ints
    tokens: Ints

    def latest(self, floor: int, limit: int) -> int | None:
        """Offset of the last break with ``floor <= tokens before it <= limit``."""
        at = int(np.searchsorted(self.tokens, limit, side="right")) - 1
        return int(self.offsets[at]) if at >= 0 and self.tokens[at] >= floor else None

    def earliest(self, floor: int, limit: int) -> int | None:
        """Offset of the first break with ``floor <= tokens before it <= limit``."""
        at = int(np.searchsorted(self.tokens, floor, side="left"))
        return int(self.offsets[at]) if at < len(self.tokens) and self.tokens[at] <= limit else None


class _Planner:
    """Plans the spans of one document's chunks; positions are counted in tokens, results in characters."""

    def __init__(self, text: str, breaks: Breaks, starts: Ints, size: int, overlap: int) -> None:
        self.text = text
        self.size = size
        self.overlap = overlap
        self.last_ink = breaks.last_ink
        self.starts = _with_long_stretches_split(starts, len(text))
        self.headings = self._kind(breaks.headings)
        self.words = self._kind(breaks.words)
        strong = (breaks.paragraphs, breaks.rows, breaks.sentences, breaks.lines, breaks.clauses)
        self.strong = [self._kind(offsets) for offsets in strong]
        self.resumes = [self._kind(np.union1d(np.union1d(strong[0], strong[1]), strong[2])), self.words]

    def _kind(self, offsets: Ints) -> _Kind:
        return _Kind(offsets, np.searchsorted(self.starts, offsets))

    def plan(self) -> list[tuple[int, int]]:
        """Return the (start, end) of every chunk, in order."""
        if not len(self.words.offsets):
            return []
        spans: list[tuple[int, int]] = []
        start, done = int(self.words.offsets[0]), 0
        while True:
            end = self._end(start, done)
            if end is None:  # the overlap leaves no room for the next word
                start = done
                end = self._end(start, done) or self._inside_word(start)
            spans.append((start, int(self.last_ink[end - 1]) + 1))
            if end >= len(self.text):
                return spans
            start, done = self._resume(start, end), end

    def _before(self, offset: int) -> int:
        return int(np.searchsorted(self.starts, offset))

    def _end(self, start: int, done: int) -> int | None:
        """Where the chunk from ``start`` ends; past ``done``, the end of the chunk before it."""
        first = self._before(start)
        limit = first + self.size
        least = self._before(done) + 1
        heading = self.headings.earliest(max(first + self.size // 4, least), limit)
        if heading is not None:
            return heading
        if limit >= len(self.starts):
            return len(self.text)
        for kind in self.strong:
            end = kind.latest(max(first + self.size // 2, least), limit)
            if end is not None:
                return end
        return self.words.latest(max(first + 1, least), limit)

    def _inside_word(self, start: int) -> int:
        """An end inside a word that alone is over the budget, never inside a grapheme."""
        limit = self._before(start) + self.size
        wanted = int(self.starts[limit]) if limit < len(self.starts) else len(self.text)
        low = max(start, wanted - LONGEST_TOKEN)
        ends = [low + match.end() for match in regex.finditer(r"\X", self.text[low : wanted + 1])]
        return max((end for end in ends if start < end <= wanted), default=max(wanted, start + 1))

    def _resume(self, start: int, end: int) -> int:
        """Where the next chunk begins: up to ``overlap`` tokens before ``end``, never before a heading."""
        if not self.overlap or self._is_heading(end):
            return end
        last = self._before(end) - 1
        floor = max(self._before(end) - self.overlap, self._before(start) + 1)
        heading = self.headings.latest(floor, last)
        for kind in self.resumes:
            resume = kind.earliest(floor, last)
            if resume is not None:
                return max(resume, heading or 0)
        return end

    def _is_heading(self, offset: int) -> bool:
        at = int(np.searchsorted(self.headings.offsets, offset))
        return at < len(self.headings.offsets) and int(self.headings.offsets[at]) == offset


def _with_long_stretches_split(starts: Ints, length: int) -> Ints:
    """Add a start every 64 characters where none is, so that no chunk can grow without bound.

    A model that reads a word of a megabyte as one unknown token must not make it one chunk.
    """
    edges = np.concatenate((starts, [length]))
    gaps = np.diff(edges, prepend=0)
    wide = np.flatnonzero(gaps > LONGEST_TOKEN)
    extra = [np.arange(edges[at] - gaps[at] + LONGEST_TOKEN, edges[at], LONGEST_TOKEN) for at in wide]
    return np.union1d(starts, np.concatenate(extra)) if extra else starts
