"""Hits, documents and chunks as HTML. Everything that comes from documents or people is escaped here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from core.chunking.preview import Segment
from core.records.document import Metadata
from core.records.filters import format_value
from core.records.search import Chunk, Hit, Metric, SearchResult, UnknownText, measure_name
from core.text.excerpts import Context, mark, unwrap
from core.util.formatting import clip, plural, rank_change

MAX_VALUE_LENGTH = 80  # characters of a metadata value in a hit
LINE_TEXT_LENGTH = 260  # characters of a hit's text in ``hit_line``
TINTS = ("a", "b")
_HEADING_LINE = re.compile(r"^(#{1,6} )(.*)$", re.MULTILINE)


def hit_card(hit: Hit, query: str, metric: Metric, best: float) -> str:
    """Return a hit as HTML: rank, document, place, scores, a bar, and the text with the query's words marked.

    ``best`` is the greatest similarity, which gives the bar its scale where the metric has no greatest value. The
    cross-encoder's score, if there is one, comes before the similarity.
    """
    width = bar_percent(hit.bi_score, metric, best)
    return (
        f'<div class="rs-hit"><div class="rs-head"><span class="rs-rank">{hit.rank}</span>'
        f'<span class="rs-from">{_source_html(hit)}</span>'
        f"{_scores_html(hit, metric)}"
        f'<div class="rs-track"><div class="rs-bar" style="width:{width:.1f}%"></div></div>'
        f"{unknown_html(hit.unknown)}"
        f"{_carried_html(hit.carried)}{_text_html(marked_text(unwrap(hit.text), query))}"
        f"{metadata_html(hit.metadata)}</div>"
    )


def blind_card(hit: Hit) -> str:
    """Return a hit as HTML without rank, scores and marks, so that no system is favoured when it is judged."""
    text = _with_headings(escape(unwrap(hit.text)))
    return f'<div class="rs-hit"><div>{_source_html(hit)}</div>{_carried_html(hit.carried)}{_text_html(text)}</div>'


def hit_line(hit: Hit) -> str:
    """Return a hit with its rank change and both scores as HTML, a few lines high."""
    return (
        f'<div class="rs-line">{_rank_change_html(hit.moved)} <b dir="auto">{escape(hit.document)}</b> '
        f'<span class="rs-faint">{hit.bi_rank} → {hit.rank} · similarity {hit.bi_score:.3f} · '
        f"cross-encoder {hit.cross_score or 0:+.2f}</span>"
        f"{unknown_html(hit.unknown, brief=True)}"
        f"{_text_html(escape(clip(unwrap(hit.text), LINE_TEXT_LENGTH)))}</div>"
    )


def _source_html(hit: Hit) -> str:
    page = f"page {hit.page}" if hit.page else ""
    place = " · ".join(part for part in (page, hit.heading or "") if part)
    return (
        f'<span class="rs-document" dir="auto">{escape(hit.document)}</span> '
        f'<span class="rs-place" dir="auto">{escape(place)}</span>'
    )


def _scores_html(hit: Hit, metric: Metric) -> str:
    """Close the card's head with the similarity; a cross-encoder's score gets a line of its own, together with it."""
    similarity = f'<span class="rs-score"><b>{hit.bi_score:.4f}</b> <span class="rs-faint">{measure_name(metric)}'
    if hit.cross_score is None or hit.moved is None:
        return f"{similarity}</span></span></div>"
    probability = "" if hit.cross_probability is None else f", probability {hit.cross_probability:.2f}"
    return (
        f'</div><div class="rs-times">{_rank_change_html(hit.moved)}'
        f'<span class="rs-score rs-cross"><b>{hit.cross_score:+.2f}</b> '
        f'<span class="rs-faint">cross-encoder{probability}</span></span>'
        f"{similarity}, rank {hit.bi_rank}</span></span></div>"
    )


def _rank_change_html(moved: int | None) -> str:
    kind = "up" if (moved or 0) > 0 else "down" if (moved or 0) < 0 else "same"
    return f'<span class="rs-move rs-{kind}">{rank_change(moved)}</span>'


def _carried_html(header: str) -> str:
    """Return the header of the table in which the chunk begins, faint; the models read it before the chunk."""
    if not header:
        return ""
    title = "The header of the table: the models read it before the chunk"
    return f'<div class="rs-text rs-faint" dir="auto" title="{title}">{escape(header)}</div>'


def unknown_html(unknown: UnknownText | None, *, brief: bool = False) -> str:
    """Return what of a chunk the bi-encoder does not know as a line of HTML, empty for nothing worth a line.

    A chunk that the model cannot read has a warning; with ``brief`` that alone is told.
    """
    if unknown is None or not unknown.sentence or (brief and not unknown.mostly):
        return ""
    end = "" if unknown.sentence.endswith("…") else "."
    kind = "rs-warning" if unknown.mostly else "rs-faint rs-meta"
    return f'<div class="{kind}" dir="auto">{escape(unknown.sentence)}{end}</div>'


def _text_html(html: str) -> str:
    return f'<div class="rs-text" dir="auto">{html}</div>'


def metadata_html(metadata: Metadata) -> str:
    """Return metadata as one line of HTML, empty for none; long values are clipped, and complete in the tooltip."""
    if not metadata:
        return ""
    values = {name: format_value(value) for name, value in metadata.items()}
    parts = (
        f'<span title="{escape(value)}"><i>{escape(name)}</i> {escape(clip(value, MAX_VALUE_LENGTH))}</span>'
        for name, value in values.items()
    )
    return f'<div class="rs-times rs-faint rs-meta" dir="auto">{"".join(parts)}</div>'


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
    return _text_html(
        f'<span class="rs-faint">{_with_headings(escape(before))}</span>'
        f'<span class="rs-chunk">{marked_text(unwrap(shown.chunk), query)}</span>'
        f'<span class="rs-faint">{_with_headings(escape(after))}</span>'
    )


def timings_html(result: SearchResult, chunks: int) -> str:
    """Return the milliseconds of each stage as one line of HTML; ``chunks`` is the number of chunks searched."""
    times = result.timings
    rerank = "" if times.rerank is None else f"<span>rerank {result.pool} pairs <b>{times.rerank:,.0f} ms</b></span>"
    return (
        f'<div class="rs-times rs-faint"><span><b>{len(result.hits)}</b> of {chunks:,} chunks</span>'
        f"<span>encode the query <b>{times.encode:.1f} ms</b></span>"
        f"<span>retrieve <b>{times.retrieve:.1f} ms</b></span>{rerank}"
        f"<span>total <b>{times.total:,.1f} ms</b></span></div>"
    )


def table_html(rows: Sequence[Sequence[str]], header: Sequence[str] = ()) -> str:
    """Return rows of cells as an HTML table; the cells are HTML already."""
    head = f"<tr>{''.join(f'<th>{cell}</th>' for cell in header)}</tr>" if header else ""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<table class="rs-figures">{head}{body}</table>'


def chunking_html(
    text: str, chunks: Sequence[Chunk], pieces: Sequence[Segment], unknown: Sequence[UnknownText | None] = ()
) -> str:
    """Return the pieces of a text as HTML, each tinted by its chunk.

    What two chunks share is striped, what the model does not read is grey, and a number marks where a chunk begins.
    ``unknown`` is for every chunk what of it the model does not know: one that it cannot read has a warning.
    """
    body = "".join(_piece_html(text, chunks, piece, unknown) for piece in pieces)
    return f'<div class="rs-text rs-cutting" dir="auto">{body}</div>'


def _piece_html(text: str, chunks: Sequence[Chunk], piece: Segment, unknown: Sequence[UnknownText | None]) -> str:
    html = escape(text[piece.start : piece.end])
    if not piece.chunks:
        return html
    tint = "rs-cut-shared" if len(piece.chunks) > 1 else f"rs-cut-{TINTS[piece.chunks[0] % len(TINTS)]}"
    grey = " rs-unread" if piece.unread else ""
    starts = "".join(
        _chunk_start_html(chunks[index], index, unknown[index] if unknown else None)
        for index in piece.chunks
        if chunks[index].start == piece.start
    )
    lines = [
        tooltip(chunks[index], index, unread=index in piece.unread, unknown=unknown[index] if unknown else None)
        for index in piece.chunks
    ]
    return f'{starts}<span class="rs-cut {tint}{grey}" title="{escape(chr(10).join(lines), quote=True)}">{html}</span>'


def _chunk_start_html(chunk: Chunk, index: int, unknown: UnknownText | None) -> str:
    number = f'<span class="rs-number">{index + 1}</span>'
    if unknown is not None and unknown.mostly:
        number += f'<span class="rs-warning" title="{escape(unknown.sentence)}">the model cannot read it</span>'
    if not chunk.carried:
        return number
    title = "The header of the table, read before the chunk"
    return f'{number}<span class="rs-carried" title="{title}">{escape(chunk.carried)}</span>'


def tooltip(chunk: Chunk, index: int, *, unread: bool = False, unknown: UnknownText | None = None) -> str:
    """Return a chunk's number, length and place in one line; ``index`` counts from 0."""
    parts = [
        f"chunk {index + 1}",
        plural(chunk.tokens, "token"),
        plural(len(chunk.text), "character"),
        f"page {chunk.page}" if chunk.page else "",
        chunk.heading or "",
        "not read here" if unread else "",
        unknown.sentence if unknown else "",
    ]
    return " · ".join(part for part in parts if part)
