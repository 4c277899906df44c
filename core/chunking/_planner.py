"""The spans of chunks: from the start of each as far as the budget reaches, then back to the strongest break.

The planner walks a stretch of text once. It ends a chunk at the strongest break in the last part of what the
budget reaches; the next chunk begins where the overlap allows, at a sentence if one begins there. What counts
as a break, and how far back one is looked for, is the ``Grain`` of a way to cut.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import regex

from core.text.boundaries import Breaks
from core.util.arrays import Int64Array

Span = tuple[int, int]
LONGEST_TOKEN = 64  # characters: longer stretches without a token start are counted as several


@dataclass(frozen=True)
class Grain:
    """What a way to cut may cut at: kinds of ``Breaks``, strongest first; where none is in reach, at words.

    No strong break is taken before the share ``floor`` of the budget. With ``headings`` a heading ends a chunk that
    is not still short, with ``whole`` a stretch that fits is one chunk. ``resume`` are the kinds at which an overlap begins.
    """

    strong: tuple[str, ...]
    resume: tuple[str, ...]
    floor: float = 0.5
    headings: bool = False
    whole: bool = False


STRUCTURE = Grain(("paragraphs", "rows", "sentences", "lines", "clauses"), ("units", "words"), headings=True)
SENTENCES = Grain(("units",), ("units",), floor=0)
TOKENS = Grain((), ("words",))
REGION = Grain(STRUCTURE.strong, STRUCTURE.resume, headings=True, whole=True)


@dataclass(frozen=True)
class _Kind:
    """Breaks of one kind: their offsets, and how many tokens start before each."""

    offsets: Int64Array
    tokens: Int64Array

    def latest(self, floor: int, limit: int) -> int | None:
        """Offset of the last break with ``floor <= tokens before it <= limit``."""
        at = int(self.tokens.searchsorted(limit, side="right")) - 1
        return int(self.offsets[at]) if at >= 0 and self.tokens[at] >= floor else None

    def earliest(self, floor: int, limit: int) -> int | None:
        """Offset of the first break with ``floor <= tokens before it <= limit``."""
        at = int(self.tokens.searchsorted(floor, side="left"))
        return int(self.offsets[at]) if at < len(self.tokens) and self.tokens[at] <= limit else None


class Planner:
    """Plans the spans of one document's chunks; positions are counted in tokens, results in characters."""

    def __init__(
        self,
        text: str,
        breaks: Breaks,
        starts: Int64Array,
        size: int,
        overlap: int,
        grain: Grain = STRUCTURE,
        carried: Callable[[int], int] = lambda _: 0,
    ) -> None:
        """``carried`` says how many tokens a chunk that begins at an offset has before its own text."""
        self.text = text
        self.size = size
        self.overlap = overlap
        self.carried = carried
        self.grain = grain
        self.last_ink = breaks.last_ink
        self.starts = _with_long_stretches_split(starts, len(text))
        self.headings = self._kind(breaks.headings if grain.headings else breaks.headings[:0])
        self.words = self._kind(breaks.words)
        self.strong = [self._kind(getattr(breaks, name)) for name in grain.strong]
        self.resumes = [self._kind(getattr(breaks, name)) for name in grain.resume]

    def _kind(self, offsets: Int64Array) -> _Kind:
        return _Kind(offsets, np.searchsorted(self.starts, offsets))

    def plan(self, begin: int = 0, stop: int | None = None) -> list[Span]:
        """Return the (start, end) of every chunk between ``begin`` and ``stop`` (the text's end), in order."""
        stop = len(self.text) if stop is None else stop
        at = int(self.words.offsets.searchsorted(begin))
        if at == len(self.words.offsets) or int(self.words.offsets[at]) >= stop:
            return []
        start, done = int(self.words.offsets[at]), begin
        if self.grain.whole and self._before(stop) - self._before(start) <= self._room(start):
            return [(start, int(self.last_ink[stop - 1]) + 1)]
        spans: list[Span] = []
        while True:
            end = self._end(start, done, stop)
            if end is None:  # the overlap leaves no room for the next word
                start = done
                end = self._end(start, done, stop) or min(self._inside_word(start), stop)
            spans.append((start, int(self.last_ink[end - 1]) + 1))
            if end >= stop:
                return spans
            start, done = self._resume(start, end), end

    def _room(self, start: int) -> int:
        return max(1, self.size - self.carried(start))

    def _before(self, offset: int) -> int:
        return int(self.starts.searchsorted(offset))

    def _end(self, start: int, done: int, stop: int) -> int | None:
        """Where the chunk from ``start`` ends; past ``done``, the end of the chunk before it."""
        first, room = self._before(start), self._room(start)
        limit = first + room
        least = self._before(done) + 1
        heading = self.headings.earliest(max(first + room // 4, least), limit)
        if heading is not None and heading < stop:
            return heading
        if limit >= self._before(stop):
            return stop
        for kind in self.strong:
            end = kind.latest(max(first + int(room * self.grain.floor), first + 1, least), limit)
            if end is not None:
                return end
        return self.words.latest(max(first + 1, least), limit)

    def _inside_word(self, start: int) -> int:
        """An end inside a word that alone is over the budget, never inside a grapheme."""
        limit = self._before(start) + self._room(start)
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
        at = int(self.headings.offsets.searchsorted(offset))
        return at < len(self.headings.offsets) and int(self.headings.offsets[at]) == offset


def _with_long_stretches_split(starts: Int64Array, length: int) -> Int64Array:
    """Add a start every 64 characters where none is, so that no chunk can grow without bound.

    A model that reads a word of a megabyte as one unknown token must not make it one chunk.
    """
    edges = np.concatenate((starts, [length]))
    gaps = np.diff(edges, prepend=0)
    wide = np.flatnonzero(gaps > LONGEST_TOKEN)
    extra = [np.arange(edges[at] - gaps[at] + LONGEST_TOKEN, edges[at], LONGEST_TOKEN) for at in wide]
    return np.union1d(starts, np.concatenate(extra)) if extra else starts
