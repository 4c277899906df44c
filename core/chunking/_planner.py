"""Plan the spans of chunks: extend each as far as the token budget reaches, then go back to the best break.

The planner walks a region of the text once. It ends a chunk at the best break in the last part of what the budget
reaches; the next chunk begins where the overlap allows, at a sentence if one begins there. Which breaks are preferred,
and how far back they are looked for, is told by the ``BreakRules`` of a chunking method.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.text.boundaries import Breaks
from core.text.words import syllable_ends
from core.util.arrays import Int64Array

Span = tuple[int, int]  # first character, and one past the last
MAX_CHARACTER_LENGTH = 256  # code points of one character, with all its marks, beyond which it may be cut
MAX_TOKEN_LENGTH = 64  # characters: a longer stretch without a token start is counted as several tokens


@dataclass(frozen=True)
class BreakRules:
    """Where a chunking method ends and begins chunks.

    ``preferred`` are the kinds of ``Breaks`` at which a chunk ends, best first; if none is in reach, it ends at a word.
    None of them is used before ``min_fill`` of the budget is filled. ``overlap_starts`` are the kinds at which an
    overlap begins. With ``headings`` a heading ends a chunk that has at least a quarter of its tokens; with
    ``keep_whole`` a region that fits the budget is one chunk.
    """

    preferred: tuple[str, ...]
    overlap_starts: tuple[str, ...]
    min_fill: float = 0.5
    headings: bool = False
    keep_whole: bool = False


STRUCTURE = BreakRules(("paragraphs", "rows", "sentences", "lines", "clauses"), ("units", "words"), headings=True)
SENTENCES = BreakRules(("units",), ("units",), min_fill=0)
TOKENS = BreakRules((), ("words",))
REGION = BreakRules(STRUCTURE.preferred, STRUCTURE.overlap_starts, headings=True, keep_whole=True)


@dataclass(frozen=True)
class _BreakPositions:
    """The breaks of one kind: their character offsets, and how many tokens start before each."""

    offsets: Int64Array
    tokens: Int64Array

    def latest(self, least: int, limit: int) -> int | None:
        """Return the offset of the last break with ``least <= tokens before it <= limit``, None if there is none."""
        index = int(self.tokens.searchsorted(limit, side="right")) - 1
        return int(self.offsets[index]) if index >= 0 and self.tokens[index] >= least else None

    def earliest(self, least: int, limit: int) -> int | None:
        """Return the offset of the first break with ``least <= tokens before it <= limit``, None if there is none."""
        index = int(self.tokens.searchsorted(least, side="left"))
        return int(self.offsets[index]) if index < len(self.tokens) and self.tokens[index] <= limit else None


class Planner:
    """Plans the spans of one document's chunks: the budget is in tokens, the spans are in characters."""

    def __init__(
        self,
        text: str,
        breaks: Breaks,
        token_starts: Int64Array,
        size: int,
        overlap: int,
        rules: BreakRules = STRUCTURE,
        header_tokens: Callable[[int], int] = lambda _: 0,
    ) -> None:
        """``header_tokens`` returns how many tokens of a table's header a chunk that begins at an offset carries."""
        self.text = text
        self.size = size
        self.overlap = overlap
        self.header_tokens = header_tokens
        self.rules = rules
        self.last_ink = breaks.last_ink
        self.token_starts = _split_long_tokens(token_starts, len(text))
        self.headings = self._positions(breaks.headings if rules.headings else breaks.headings[:0])
        self.words = self._positions(breaks.words)
        self.preferred = [self._positions(getattr(breaks, kind)) for kind in rules.preferred]
        self.overlap_starts = [self._positions(getattr(breaks, kind)) for kind in rules.overlap_starts]

    def _positions(self, offsets: Int64Array) -> _BreakPositions:
        return _BreakPositions(offsets, np.searchsorted(self.token_starts, offsets))

    def plan(self, region_start: int = 0, region_end: int | None = None) -> list[Span]:
        """Return the (start, end) of every chunk in a region, in order; by default the region is the whole text."""
        region_end = len(self.text) if region_end is None else region_end
        first_word = int(self.words.offsets.searchsorted(region_start))
        if first_word == len(self.words.offsets) or int(self.words.offsets[first_word]) >= region_end:
            return []
        start, covered = int(self.words.offsets[first_word]), region_start
        if self.rules.keep_whole and self._tokens_before(region_end) - self._tokens_before(start) <= self._room(start):
            return [(start, int(self.last_ink[region_end - 1]) + 1)]
        spans: list[Span] = []
        while True:
            end = self._end(start, covered, region_end)
            if end is None:  # the overlap leaves no room for the next word
                start = covered
                end = self._end(start, covered, region_end) or min(self._end_inside_word(start), region_end)
            spans.append((start, int(self.last_ink[end - 1]) + 1))
            if end >= region_end:
                return spans
            start, covered = self._next_start(start, end), end

    def _room(self, start: int) -> int:
        return max(1, self.size - self.header_tokens(start))

    def _tokens_before(self, offset: int) -> int:
        return int(self.token_starts.searchsorted(offset))

    def _end(self, start: int, covered: int, region_end: int) -> int | None:
        """Return where the chunk from ``start`` ends: past ``covered``, where the chunk before it ended."""
        first, room = self._tokens_before(start), self._room(start)
        limit = first + room
        least = self._tokens_before(covered) + 1
        heading = self.headings.earliest(max(first + room // 4, least), limit)
        if heading is not None and heading < region_end:
            return heading
        if limit >= self._tokens_before(region_end):
            return region_end
        for positions in self.preferred:
            end = positions.latest(max(first + int(room * self.rules.min_fill), first + 1, least), limit)
            if end is not None:
                return end
        return self.words.latest(max(first + 1, least), limit)

    def _end_inside_word(self, start: int) -> int:
        """Return an end inside a word that alone exceeds the budget, never inside a character or a Thai syllable."""
        limit = self._tokens_before(start) + self._room(start)
        target = int(self.token_starts[limit]) if limit < len(self.token_starts) else len(self.text)
        if start < target < len(self.text) and self.text[target].isascii():
            return target  # nothing in ASCII continues what is before it
        end = start
        for next_end in syllable_ends(self.text, start, min(target + MAX_CHARACTER_LENGTH, len(self.text))):
            if next_end > target and end > start:
                break
            end = next_end
            if end >= target:
                break
        return end if start < end <= max(target, start + MAX_CHARACTER_LENGTH) else max(target, start + 1)

    def _next_start(self, start: int, end: int) -> int:
        """Return where the next chunk begins: up to ``overlap`` tokens before ``end``, never before a heading."""
        if not self.overlap or self._is_heading(end):
            return end
        last = self._tokens_before(end) - 1
        least = max(self._tokens_before(end) - self.overlap, self._tokens_before(start) + 1)
        heading = self.headings.latest(least, last)
        for positions in self.overlap_starts:
            next_start = positions.earliest(least, last)
            if next_start is not None:
                return max(next_start, heading or 0)
        return end

    def _is_heading(self, offset: int) -> bool:
        index = int(self.headings.offsets.searchsorted(offset))
        return index < len(self.headings.offsets) and int(self.headings.offsets[index]) == offset


def _split_long_tokens(token_starts: Int64Array, length: int) -> Int64Array:
    """Add a token start every 64 characters in longer tokens, so that no chunk can grow without bound.

    A tokenizer may take a word of a megabyte for one unknown token, which would otherwise become one chunk.
    """
    edges = np.concatenate((token_starts, [length]))
    gaps = np.diff(edges, prepend=0)
    long = np.flatnonzero(gaps > MAX_TOKEN_LENGTH)
    added = [np.arange(edges[index] - gaps[index] + MAX_TOKEN_LENGTH, edges[index], MAX_TOKEN_LENGTH) for index in long]
    return np.union1d(token_starts, np.concatenate(added)) if added else token_starts
