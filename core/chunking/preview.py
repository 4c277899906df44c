"""What a cutting looks like before anything is indexed: its pieces as they are drawn, its figures, what it would cost."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from core.chunking.chunker import Cutter
from core.records.search import Chunk
from core.text.boundaries import Breaks

# Measured on collections of 444 and 2,149 chunks: a vector is kept twice (Chroma's log and its index).
TEXT_FACTOR = 9.0  # bytes for a byte of text: the text itself and the index of its words
BESIDE = 2000  # bytes of metadata and links for a chunk


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that belongs to the same chunks (by their places in the list; none between chunks, two in an overlap).

    ``unread`` are those of its chunks whose model does not read it.
    """

    start: int
    end: int
    chunks: tuple[int, ...]
    unread: tuple[int, ...] = ()


def pieces(chunks: Sequence[Chunk], start: int, end: int, limits: Sequence[int] = ()) -> list[Piece]:
    """Return the characters from ``start`` to ``end`` as pieces, in order, without gaps.

    ``limits`` says for every chunk where in the document its model stops reading; empty: nobody stops.
    """
    first = bisect_right([chunk.end for chunk in chunks], start)
    last = bisect_left([chunk.start for chunk in chunks], end)
    seen = range(first, last)
    edges = {start, end}
    for at in seen:
        edges |= {chunks[at].start, chunks[at].end, *([limits[at]] if limits else [])}
    cuts = sorted(edge for edge in edges if start <= edge <= end)
    found = []
    for begin, stop in pairwise(cuts):
        owners = tuple(at for at in seen if chunks[at].start <= begin < chunks[at].end)
        found.append(Piece(begin, stop, owners, tuple(at for at in owners if limits and limits[at] <= begin)))
    return found


def limits(chunks: Sequence[Chunk], reads: Callable[[str], int]) -> list[int]:
    """Return for every chunk where in the document its model stops reading, its end where it reads all.

    ``reads`` tells how many characters of what a model is given it reads; a carried header comes first.
    """
    found = []
    for chunk in chunks:
        before = len(chunk.read) - len(chunk.text)
        found.append(min(chunk.end, chunk.start + max(reads(chunk.read) - before, 0)))
    return found


@dataclass(frozen=True)
class Figures:
    """A cutting in numbers. ``tokens`` are those of each chunk, header included."""

    tokens: tuple[int, ...]
    cut_in_sentence: int  # chunks that end inside a sentence
    characters: int  # of all chunks: what is shared counts twice
    text_bytes: int
    longest_read: int  # tokens that the bi-encoder reads

    @property
    def chunks(self) -> int:
        """How many there are."""
        return len(self.tokens)

    @property
    def unread_tokens(self) -> int:
        """Tokens that the bi-encoder would not read."""
        return sum(max(count - self.longest_read, 0) for count in self.tokens)

    def bytes_on_disk(self, dimension: int) -> int:
        """About how many bytes the chunks take in a collection: vectors of float32, texts and what stands beside them. An estimate."""
        return int(self.chunks * (2 * 4 * dimension + BESIDE) + self.text_bytes * TEXT_FACTOR)

    def seconds(self, tokens_per_second: float) -> float:
        """About how long embedding takes at that rate."""
        return sum(min(count, self.longest_read) for count in self.tokens) / tokens_per_second


def figures(cutter: Cutter, chunks: Sequence[Chunk], budget: int) -> Figures:
    """Return the figures of a cutting; ``budget`` is how many tokens the bi-encoder reads."""
    return Figures(
        tuple(chunk.tokens for chunk in chunks),
        cut_in_sentence(cutter.breaks, chunks),
        sum(len(chunk.read) for chunk in chunks),
        sum(len(chunk.read.encode("utf-8", "surrogatepass")) for chunk in chunks),
        budget,
    )


def cut_in_sentence(breaks: Breaks, chunks: Sequence[Chunk]) -> int:
    """Return how many chunks end where no sentence, row or paragraph does."""
    following = np.searchsorted(breaks.words, [chunk.end for chunk in chunks])
    nexts = breaks.words[following[following < len(breaks.words)]]
    return int((~np.isin(nexts, breaks.units)).sum())
