"""A document's own text with its chunks in alternating colours, as HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from core.chunking.preview import Piece
from core.records.document import Metadata
from core.records.filters import format_value
from core.records.search import Chunk, Hit, Metric, SearchResult, measure_name
from core.text.excerpts import Context, mark, unwrap
from core.util.formatting import clip, move, plural

LONGEST_VALUE = 80  # characters of a metadata value in a hit
_HEADING_LINE = re.compile(r"^(#{1,6} )(.*)$", re.MULTILINE)


def hit_card(hit: Hit, query: str, metric: Metric, best: float) -> str:
    """Return a hit as HTML: rank, document, place, similarity with a bar, text with the query's words marked.

    ``best`` is the greatest similarity, which the bar of a measure without a fixed top is drawn against.
    What the cross-encoder said of the hit comes before the similarity.
    """
    page = f"page {hit.page}" if hit.page else ""
    place = " · ".join(part for part in (page, hit.heading or "") if part)
    return (
        f'<div class="rs-hit"><div class="rs-head"><span class="rs-rank">{hit.rank}</span>'
        f'<span class="rs-from"><span class="rs-document" dir="auto">{escape(hit.document)}</span> '
        f'<span class="rs-place" dir="auto">{escape(place)}</span></span>'
        f"{_scores_html(hit, metric)}"
        f'<div class="rs-track"><div class="rs-bar" style="width:{bar_percent(hit.bi_score, metric, best):.1f}%"></div></div>'
        f'{_carried_html(hit.carried)}<div class="rs-text" dir="auto">{marked_text(unwrap(hit.text), query)}</div>{metadata_html(hit.metadata)}</div>'
    )


def blind_card(hit: Hit) -> str:
    """Return a hit as HTML without rank, scores and marks: what there is to judge, and nothing of who found it or why."""
    page = f"page {hit.page}" if hit.page else ""
    place = " · ".join(part for part in (page, hit.heading or "") if part)
    return (
        f'<div class="rs-hit"><div><span class="rs-document" dir="auto">{escape(hit.document)}</span> <span class="rs-place" dir="auto">{escape(place)}</span></div>'
        f'{_carried_html(hit.carried)}<div class="rs-text" dir="auto">{_with_headings(escape(unwrap(hit.text)))}</div></div>'
    )


def _carried_html(header: str) -> str:
    """The header of the table in which the chunk begins: read by the models, faint here."""
    return (
        f'<div class="rs-text rs-faint" dir="auto" title="The header of the table: the models read it before the chunk">{escape(header)}</div>'
        if header
        else ""
    )


def metadata_html(metadata: Metadata) -> str:
    """Return metadata as one quiet line of HTML, empty for none; long values are cut, whole in the tooltip."""
    if not metadata:
        return ""
    said = {name: format_value(value) for name, value in metadata.items()}
    parts = (
        f'<span title="{escape(value)}"><i>{escape(name)}</i> {escape(clip(value, LONGEST_VALUE))}</span>'
        for name, value in said.items()
    )
    return f'<div class="rs-times rs-faint rs-meta" dir="auto">{"".join(parts)}</div>'


def _scores_html(hit: Hit, metric: Metric) -> str:
    """End the head with the similarity; what the cross-encoder said gets a line of its own with it."""
    similarity = f'<span class="rs-score"><b>{hit.bi_score:.4f}</b> <span class="rs-faint">{measure_name(metric)}'
    if hit.cross_score is None or hit.moved is None:
        return f"{similarity}</span></span></div>"
    kind = "up" if hit.moved > 0 else "down" if hit.moved < 0 else "same"
    chance = "" if hit.cross_probability is None else f", probability {hit.cross_probability:.2f}"
    return (
        f'</div><div class="rs-times"><span class="rs-move rs-{kind}">{move(hit.moved)}</span>'
        f'<span class="rs-score rs-cross"><b>{hit.cross_score:+.2f}</b> <span class="rs-faint">cross-encoder{chance}</span></span>'
        f"{similarity}, rank {hit.bi_rank}</span></span></div>"
    )


def bar_percent(score: float, metric: Metric, best: float) -> float:
    """Return a bar's length, 0 to 100: of the cosine itself, of the best dot product, or falling with
    the distance (100 at distance 0, 50 at distance 1)."""
    if metric == "l2":
        return 100 / (1 - score)
    top = 1.0 if metric == "cosine" else max(best, 1e-9)
    return 100 * min(max(score / top, 0.0), 1.0)


def marked_text(text: str, query: str) -> str:
    """Return ``text`` escaped, the query's words in <mark>, Markdown headings in bold with faint signs."""
    html = "".join(
        f"<mark>{escape(piece.text)}</mark>" if piece.marked else escape(piece.text) for piece in mark(text, query)
    )
    return _with_headings(html)


def _with_headings(html: str) -> str:
    return _HEADING_LINE.sub(r'<span class="rs-syntax">\1</span><span class="rs-heading">\2</span>', html)


def context_html(shown: Context, query: str) -> str:
    """Return a chunk inside its document as HTML, the chunk tinted."""
    before = ("… " if shown.cut_before else "") + unwrap(shown.before)
    after = unwrap(shown.after) + (" …" if shown.cut_after else "")
    return (
        f'<div class="rs-text" dir="auto"><span class="rs-faint">{_with_headings(escape(before))}</span>'
        f'<span class="rs-chunk">{marked_text(unwrap(shown.chunk), query)}</span>'
        f'<span class="rs-faint">{_with_headings(escape(after))}</span></div>'
    )


def timings_html(result: SearchResult, chunks: int) -> str:
    """Return the milliseconds of each stage as one line of HTML; ``chunks`` is how many the collection holds."""
    times = result.timings
    reranking = "" if times.rerank is None else f"<span>rerank {result.pool} pairs <b>{times.rerank:,.0f} ms</b></span>"
    return (
        f'<div class="rs-times rs-faint"><span><b>{len(result.hits)}</b> of {chunks:,} chunks</span>'
        f"<span>encode the query <b>{times.encode:.1f} ms</b></span>"
        f"<span>retrieve <b>{times.retrieve:.1f} ms</b></span>{reranking}<span>total <b>{times.total:,.1f} ms</b></span></div>"
    )


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
    header = (
        f'<span class="rs-carried" title="The header of the table, read before the chunk">{escape(chunk.carried)}</span>'
        if chunk.carried
        else ""
    )
    return f'<span class="rs-number">{at + 1}</span>{header}'


def tooltip(chunk: Chunk, at: int, *, unread: bool = False) -> str:
    """Return what a chunk is, in one line."""
    page = f"page {chunk.page}" if chunk.page else ""
    parts = [
        f"chunk {at + 1}",
        plural(chunk.tokens, "token"),
        plural(len(chunk.text), "character"),
        page,
        chunk.heading or "",
    ]
    return " · ".join(part for part in [*parts, "not read here" if unread else ""] if part)
