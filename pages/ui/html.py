"""A document's own text with its chunks in alternating colours, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from core.chunking.preview import Piece
from core.records.search import Chunk
from core.util.formatting import plural

TINTS = ("a", "b")


def cutting_html(text: str, chunks: Sequence[Chunk], drawn: Sequence[Piece]) -> str:
    """Return the pieces as HTML. What two chunks share is striped, what is not read is grey, a number stands where a chunk begins."""
    return f'<div class="rs-text rs-cutting" dir="auto">{"".join(_piece(text, chunks, piece) for piece in drawn)}</div>'


def _piece(text: str, chunks: Sequence[Chunk], piece: Piece) -> str:
    said = escape(text[piece.start : piece.end])
    if not piece.chunks:
        return said
    tint = "rs-cut-shared" if len(piece.chunks) > 1 else f"rs-cut-{TINTS[piece.chunks[0] % len(TINTS)]}"
    grey = " rs-unread" if piece.unread else ""
    first = "".join(_begins(chunks[at], at) for at in piece.chunks if chunks[at].start == piece.start)
    title = escape("\n".join(tooltip(chunks[at], at, unread=at in piece.unread) for at in piece.chunks), quote=True)
    return f'{first}<span class="rs-cut {tint}{grey}" title="{title}">{said}</span>'


def _begins(chunk: Chunk, at: int) -> str:
    header = f'<span class="rs-carried" title="The header of the table, read before the chunk">{escape(chunk.carried)}</span>' if chunk.carried else ""
    return f'<span class="rs-number">{at + 1}</span>{header}'


def tooltip(chunk: Chunk, at: int, *, unread: bool = False) -> str:
    """Return what a chunk is, in one line."""
    page = f"page {chunk.page}" if chunk.page else ""
    parts = [f"chunk {at + 1}", plural(chunk.tokens, "token"), plural(len(chunk.text), "character"), page, chunk.heading or ""]
    return " · ".join(part for part in [*parts, "not read here" if unread else ""] if part)
