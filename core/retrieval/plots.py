"""Figures of search results and of comparisons of rankings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from textwrap import wrap

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.records.search import Hit, Metric, SearchResult, measure_name
from core.retrieval.comparison import TOP, Comparison
from core.text.excerpts import unwrap
from core.util.formatting import clip, rank_change
from core.util.theme import BI_COLOUR, BM25_COLOUR, CROSS_COLOUR, DOWN, SAME, UP

BAR = 22  # pixels for each hit


def score_profile(result: SearchResult) -> go.Figure:
    """Return a bar for each hit's similarity, by its rank in the list: how fast the scores fall.

    Bars start at 0 for every measure, so that their lengths may be compared.
    """
    ranks = [hit.rank for hit in result.hits]
    scores = [hit.bi_score for hit in result.hits]
    names = [escape(hit.document) for hit in result.hits]  # plotly renders some HTML
    figure = go.Figure(
        go.Bar(
            x=scores,
            y=ranks,
            orientation="h",
            marker_color=BI_COLOUR,
            text=[f"{score:.3f}" for score in scores],
            customdata=[[hit.chunk_id, name] for hit, name in zip(result.hits, names, strict=True)],
            hovertemplate="rank %{y}: %{x:.4f}<br>%{customdata[1]}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", title="rank", dtick=max(1, len(ranks) // 10), zeroline=False)
    figure.update_xaxes(title=measure_name(result.metric).replace(" ", "<br>", 1), nticks=5)
    figure.update_layout(height=110 + BAR * len(ranks), margin={"l": 8, "r": 8, "t": 8, "b": 8}, bargap=0.25)
    return figure


ROW = 21  # pixels a rank
LABEL = 42  # characters
GRADES = {None: "#9ca3af", 0: "#dc2626", 1: "#fbbf24", 2: "#84cc16", 3: "#15803d"}


def slope_chart(comparison: Comparison, metric: Metric, shown: int, bm25: Mapping[str, int] | None = None) -> go.Figure:
    """Return the bi-encoder's order left, the cross-encoder's right, with a line between the same hits.

    Drawn are the hits among the first ``shown`` of either order. ``bm25``, chunk id to rank, adds a third
    column at the far left; a rank beyond the chart's end is drawn at its end.
    """
    drawn = [hit for hit in comparison.hits if min(hit.rank, hit.bi_rank) <= shown]
    deepest = max((max(hit.rank, hit.bi_rank) for hit in drawn), default=1)
    figure = go.Figure()
    for hit in sorted(drawn, key=lambda hit: abs(hit.moved or 0)):
        figure.add_trace(_line(hit, metric, bm25, deepest))
    for x, order, side in ((0, comparison.by_bi, "bi"), (1, comparison.hits, "cross")):
        _add_labels(figure, x, [hit for hit in order if hit in drawn], side, bm25 is not None)
    _add_heads(figure, metric, bm25 is not None)
    if deepest > TOP:
        figure.add_hline(TOP + 0.5, line={"dash": "dot", "width": 1, "color": SAME})
    figure.update_yaxes(range=[deepest + 0.8, -0.6], visible=False)
    figure.update_xaxes(range=[-1.25 if bm25 is None else -1.5, 2.25], visible=False)
    figure.update_layout(
        height=60 + ROW * (deepest + 1),
        margin={"l": 0, "r": 0, "t": 4, "b": 4},
        showlegend=False,
        hovermode="closest",
        dragmode=False,
    )
    return figure


def _line(hit: Hit, metric: Metric, bm25: Mapping[str, int] | None, deepest: int) -> go.Scatter:
    moved = hit.moved or 0
    crossing = (hit.rank <= TOP) != (hit.bi_rank <= TOP)
    x: list[float] = [0, 1]
    y = [hit.bi_rank, hit.rank]
    if bm25 is not None and hit.chunk_id in bm25:
        x, y = [-0.35, *x], [min(bm25[hit.chunk_id], deepest), *y]
    return go.Scatter(
        x=x,
        y=y,
        mode="lines+markers",
        line={"color": UP if moved > 0 else DOWN if moved < 0 else SAME, "width": 3 if crossing else 1.4},
        marker={"size": 7, "color": ([BM25_COLOUR] if len(x) == 3 else []) + [BI_COLOUR, CROSS_COLOUR]},
        opacity=1 if abs(moved) > 2 or crossing else 0.55,
        customdata=[[hit.chunk_id]] * len(x),
        hovertemplate=_hover(hit, metric, (bm25 or {}).get(hit.chunk_id)) + "<extra></extra>",
    )


def _hover(hit: Hit, metric: Metric, bm25: int | None = None) -> str:
    text = "<br>".join(escape(line) for line in wrap(clip(unwrap(hit.text), 320), 70))
    words = "" if bm25 is None else f", BM25's rank {bm25}"
    probability = "" if hit.cross_probability is None else f" (probability {hit.cross_probability:.2f})"
    return (
        f"<b>{escape(hit.document)}</b><br>"
        f"bi-encoder: rank {hit.bi_rank}, {measure_name(metric)} {hit.bi_score:.3f}<br>"
        f"cross-encoder: rank {hit.cross_rank}, score {hit.cross_score:+.2f}{probability}<br>"
        f"{rank_change(hit.moved)}{words}<br><br>{text}"
    ).replace("%{", "%&#123;")


def _add_labels(figure: go.Figure, x: int, hits: Sequence[Hit], side: str, third: bool) -> None:
    left = side == "bi"
    position = -0.4 if left and third else x + (-0.03 if left else 0.03)
    ranks = [hit.bi_rank if left else hit.rank for hit in hits]
    figure.add_trace(
        go.Scatter(
            x=[position] * len(hits),
            y=ranks,
            mode="text",
            hoverinfo="skip",
            textfont={"size": 12.5},
            textposition="middle left" if left else "middle right",
            text=[_label(hit, rank, left) for hit, rank in zip(hits, ranks, strict=True)],
        )
    )


def _label(hit: Hit, rank: int, left: bool) -> str:
    name = hit.document.rsplit("/", 1)[-1]
    turn = "" if left or not hit.moved else f" {rank_change(hit.moved)}"
    words = escape(clip(f"{name}: {' '.join(hit.text.replace('#', ' ').split())}", LABEL - len(turn)))
    moved = turn and f"<span style='color:{UP if (hit.moved or 0) > 0 else DOWN}'><b>{turn}</b></span>"
    return f"{words}  <b>{rank}</b>" if left else f"<b>{rank}</b>{moved}  {words}"


def _add_heads(figure: go.Figure, metric: Metric, third: bool) -> None:
    by = "" if third else f", by {measure_name(metric)}"
    heads = [(0, f"<b>bi-encoder</b>{by}", BI_COLOUR), (1, "<b>cross-encoder</b>, by its score", CROSS_COLOUR)]
    for x, text, colour in heads + ([(-0.35, "<b>BM25</b>", BM25_COLOUR)] if third else []):
        figure.add_annotation(x=x, y=-0.15, text=text, showarrow=False, font={"color": colour, "size": 14})


def score_scatter(comparison: Comparison, metric: Metric, grades: Mapping[str, int | None] | None = None) -> go.Figure:
    """Return a point for each hit, its similarity against its cross-encoder score, with the histogram of each score.

    ``grades``, chunk id to judged grade, colours the points.
    """
    hits = comparison.hits
    x, y = [hit.bi_score for hit in hits], [hit.cross_score for hit in hits]
    colours = (
        [CROSS_COLOUR if hit.rank <= TOP else SAME for hit in hits]
        if grades is None
        else [_grade_colour(grades.get(hit.chunk_id)) for hit in hits]
    )
    figure = make_subplots(
        2,
        2,
        shared_xaxes=True,
        shared_yaxes=True,
        column_widths=[0.8, 0.2],
        row_heights=[0.2, 0.8],
        horizontal_spacing=0.02,
        vertical_spacing=0.02,
    )
    figure.add_trace(
        go.Histogram(x=x, marker_color=BI_COLOUR, nbinsx=24, hovertemplate="%{y} hits at %{x}<extra></extra>"), 1, 1
    )
    figure.add_trace(
        go.Histogram(y=y, marker_color=CROSS_COLOUR, nbinsy=24, hovertemplate="%{x} hits at %{y}<extra></extra>"), 2, 2
    )
    figure.add_trace(
        go.Scatter(
            x=x,
            y=y,
            mode="markers",
            marker={"size": 9, "color": colours, "line": {"width": 1, "color": "rgba(255,255,255,.8)"}},
            customdata=[[hit.chunk_id] for hit in hits],
            hovertemplate=[_hover(hit, metric) + "<extra></extra>" for hit in hits],
        ),
        2,
        1,
    )
    if all(hit.cross_probability is not None for hit in hits):
        figure.add_hline(
            0,
            line={"dash": "dot", "width": 1},
            row=2,
            col=1,
            annotation_text="probability 0.5",
            annotation_position="bottom right",
        )
    figure.update_xaxes(title=f"bi-encoder: {measure_name(metric)}, higher is better →", row=2, col=1)
    figure.update_yaxes(title="cross-encoder: score (logit), higher is better →", row=2, col=1)
    figure.update_xaxes(title="hits", row=2, col=2)
    figure.update_yaxes(title="hits", row=1, col=1)
    figure.update_layout(height=460, showlegend=False, margin={"l": 8, "r": 8, "t": 8, "b": 8}, bargap=0.06)
    return figure


def _grade_colour(grade: int | None) -> str:
    return GRADES[None if grade is None else min(max(grade, 0), 3)]


def pool_chart(final: Sequence[Hit], deepest: int, pool: int) -> go.Figure:
    """Return how many of the ``final`` top 10 (that of the deepest pool) lie in a pool of each depth."""
    ranks = sorted(hit.bi_rank for hit in final)
    x, y = [0, *ranks, deepest], [0, *range(1, len(ranks) + 1), len(ranks)]
    figure = go.Figure(
        go.Scatter(
            x=x,
            y=y,
            mode="lines",
            line={"shape": "hv", "color": CROSS_COLOUR, "width": 3},
            hovertemplate="a pool of %{x} holds %{y}<extra></extra>",
        )
    )
    figure.add_vline(
        pool,
        line={"dash": "dot", "color": BI_COLOUR, "width": 2},
        annotation_text=f"pool {pool}",
        annotation_position="bottom left",
    )
    figure.update_xaxes(title="pool (hits that are reranked)", range=[0, deepest * 1.02])
    figure.update_yaxes(title=f"held of the top {len(ranks)}", range=[0, len(ranks) + 0.6], dtick=2)
    figure.update_layout(height=250, margin={"l": 8, "r": 8, "t": 8, "b": 8})
    return figure
