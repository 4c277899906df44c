"""What indexing with given chunking settings would give: which text is in which chunk, and statistics of the chunks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from core.chunking.chunker import Chunker
from core.records.search import Chunk, UnknownText
from core.text.boundaries import Breaks

# Measured on collections of 444 and 2,149 chunks: a vector is kept twice (Chroma's log and its index).
TEXT_FACTOR = 9.0  # bytes for a byte of text: the text itself and the index of its words
CHUNK_OVERHEAD = 2000  # bytes of metadata and index links for a chunk


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of text that belongs to the same chunks: none between two chunks, several where they overlap.

    ``chunks`` are their indices in the list of chunks, ``unread`` the indices of those whose model does not read it.
    """

    start: int
    end: int
    chunks: tuple[int, ...]
    unread: tuple[int, ...] = ()


def segments(chunks: Sequence[Chunk], start: int, end: int, limits: Sequence[int] = ()) -> list[Segment]:
    """Return the characters from ``start`` to ``end`` as segments, in order, without gaps.

    ``limits`` is for every chunk the offset in the document at which its model stops reading; empty if it reads all.
    """
    indices = range(
        bisect_right([chunk.end for chunk in chunks], start), bisect_left([chunk.start for chunk in chunks], end)
    )
    edges = {start, end}
    for index in indices:
        edges |= {chunks[index].start, chunks[index].end, *([limits[index]] if limits else [])}
    split = []
    for begin, stop in pairwise(sorted(edge for edge in edges if start <= edge <= end)):
        covering = tuple(index for index in indices if chunks[index].start <= begin < chunks[index].end)
        unread = tuple(index for index in covering if limits and limits[index] <= begin)
        split.append(Segment(begin, stop, covering, unread))
    return split


def reading_limits(chunks: Sequence[Chunk], read_length: Callable[[str], int]) -> list[int]:
    """Return for every chunk the offset in the document at which its model stops reading, its end if it reads all.

    ``read_length`` returns how many characters of its input a model reads; a carried header is the input's beginning.
    """
    return [
        min(chunk.end, chunk.start + max(read_length(chunk.read) - (len(chunk.read) - len(chunk.text)), 0))
        for chunk in chunks
    ]


@dataclass(frozen=True)
class ChunkingStatistics:
    """Statistics of a document's chunks. ``tokens`` are those of each chunk, header included."""

    tokens: tuple[int, ...]
    cut_in_sentence: int  # chunks that end inside a sentence
    characters: int  # of all chunks: what two chunks share counts twice
    text_bytes: int
    longest_read: int  # tokens that the bi-encoder reads
    unreadable: int = 0  # chunks of mostly words that the bi-encoder does not know

    @property
    def chunks(self) -> int:
        """The number of chunks."""
        return len(self.tokens)

    @property
    def unread_tokens(self) -> int:
        """The tokens that the bi-encoder would not read."""
        return sum(max(count - self.longest_read, 0) for count in self.tokens)

    def bytes_on_disk(self, dimension: int) -> int:
        """Return an estimate of the chunks' bytes in a collection: float32 vectors, texts and metadata."""
        return int(self.chunks * (2 * 4 * dimension + CHUNK_OVERHEAD) + self.text_bytes * TEXT_FACTOR)

    def seconds(self, tokens_per_second: float) -> float:
        """Return an estimate of the seconds that embedding takes at that rate."""
        return sum(min(count, self.longest_read) for count in self.tokens) / tokens_per_second


def chunking_statistics(
    chunker: Chunker, chunks: Sequence[Chunk], budget: int, unknown: Sequence[UnknownText | None] = ()
) -> ChunkingStatistics:
    """Return statistics of ``chunks``; ``budget`` is how many tokens the bi-encoder reads.

    ``unknown`` is what of each chunk it does not know.
    """
    return ChunkingStatistics(
        tuple(chunk.tokens for chunk in chunks),
        cut_in_sentence(chunker.breaks, chunks),
        sum(len(chunk.read) for chunk in chunks),
        sum(len(chunk.read.encode("utf-8", "surrogatepass")) for chunk in chunks),
        budget,
        sum(one is not None and one.mostly for one in unknown),
    )


def cut_in_sentence(breaks: Breaks, chunks: Sequence[Chunk]) -> int:
    """Return how many chunks end where no sentence, row or paragraph ends."""
    next_words = np.searchsorted(breaks.words, [chunk.end for chunk in chunks])
    next_starts = breaks.words[next_words[next_words < len(breaks.words)]]
    return int((~np.isin(next_starts, breaks.units)).sum())
