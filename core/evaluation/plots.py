"""Figures of an evaluation, for plotly. ``customdata`` of a mark begins with the id of what it stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.evaluation.cost import CostPoint
from core.evaluation.index_recall import WidthRecall
from core.evaluation.pool_sweep import PoolDepth, PoolSweep
from core.evaluation.significance import Change
from core.util.formatting import clip
from core.util.theme import BI_COLOUR, CROSS_COLOUR, DOWN, SAME, UP

LABEL = 90  # characters of a query in a tooltip
_NO_MARGIN = {"l": 8, "r": 8, "t": 28, "b": 8}


def cost_figure(points: Sequence[CostPoint], measure: str) -> go.Figure:
    """Return every system as a point, milliseconds to the right and quality up, each with its spread.

    A line joins the systems that no other one dominates.
    """
    front = sorted((point for point in points if not point.dominated), key=lambda point: point.ms)
    x, y = [_shown(point.ms) for point in front], [point.quality for point in front]
    figure = go.Figure(
        go.Scatter(x=x, y=y, mode="lines", line={"color": SAME, "dash": "dot", "shape": "hv"}, hoverinfo="skip")
    )
    figure.add_trace(_systems(points, measure))
    figure.update_xaxes(
        type="log", title="milliseconds a query (median; bars: the middle half) ← lower is better", dtick=1
    )
    figure.update_yaxes(title=f"{escape(measure)}, higher is better →")
    figure.update_layout(height=460, margin=_NO_MARGIN, showlegend=False)
    return figure


def _systems(points: Sequence[CostPoint], measure: str) -> go.Scatter:
    quality = "%{y:.3f} (%{customdata[1]:.3f} to %{customdata[2]:.3f})"
    return go.Scatter(
        x=[_shown(point.ms) for point in points],
        y=[point.quality for point in points],
        error_x=_bars(
            [point.ms_high - point.ms for point in points],
            [_shown(point.ms) - _shown(point.ms_low) for point in points],
        ),
        error_y=_bars(
            [point.interval.high - point.quality for point in points],
            [point.quality - point.interval.low for point in points],
        ),
        mode="markers+text",
        text=[escape(point.system) for point in points],
        textposition="top right",
        marker={
            "size": 12,
            "color": [
                SAME if point.dominated else CROSS_COLOUR if "+cross" in point.system else BI_COLOUR for point in points
            ],
        },
        customdata=[
            [point.system, point.interval.low, point.interval.high, point.ms_low, point.ms_high] for point in points
        ],
        hovertemplate=f"<b>%{{text}}</b><br>{escape(measure)} {quality}<br>"
        "%{x:.1f} ms (%{customdata[3]:.1f} to %{customdata[4]:.1f})<extra></extra>",
    )


def _bars(above: Sequence[float], below: Sequence[float]) -> dict[str, object]:
    """Return error bars of these lengths."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(one, 0) for one in above],
        "arrayminus": [max(one, 0) for one in below],
        "thickness": 1,
    }


def _shown(ms: float) -> float:
    """Return a time that a logarithmic axis can show: it has no 0."""
    return max(ms, 0.01)


def sweep_figure(swept: PoolSweep, depth: int) -> go.Figure:
    """Return what every depth of the pool gives and costs.

    Marked are the chosen ``depth``, the knee, and nDCG@10 without reranking.
    """
    figure = make_subplots(2, 1, shared_xaxes=True, row_heights=[0.6, 0.4], vertical_spacing=0.06)
    curves = (
        (1, "nDCG@10", [one.ndcg for one in swept.depths], CROSS_COLOUR, "%{y:.4f}"),
        (1, "recall of the pool (ceiling)", [one.pool_recall for one in swept.depths], BI_COLOUR, "%{y:.3f}"),
        (2, "Kendall's τ", [one.tau for one in swept.depths], UP, "%{y:.2f}"),
        (2, "share of the first 10 that stay", [one.overlap / 10 for one in swept.depths], DOWN, "%{y:.2f}"),
    )
    for row, name, y, colour, shown in curves:
        figure.add_trace(_curve(swept, name, y, colour, shown), row, 1)
    unreranked = {"annotation_text": "nDCG@10 not reranked", "annotation_position": "bottom right"}
    figure.add_hline(swept.unreranked_ndcg, row=1, col=1, line={"dash": "dot", "width": 1}, **unreranked)
    figure.add_vline(depth, line={"dash": "dot", "width": 2, "color": BI_COLOUR})
    if swept.knee:
        figure.add_trace(_knee(swept.knee), 1, 1)
    figure.update_xaxes(title="pool (candidates that the cross-encoder reads)", row=2, col=1)
    figure.update_yaxes(title="0 to 1, higher is better", row=1, col=1)
    figure.update_yaxes(title="how alike the lists are", row=2, col=1)
    figure.update_layout(height=520, margin=_NO_MARGIN, legend={"orientation": "h", "y": 1.08})
    return figure


def _curve(swept: PoolSweep, name: str, y: Sequence[float], colour: str, shown: str) -> go.Scatter:
    return go.Scatter(
        x=[one.depth for one in swept.depths],
        y=y,
        mode="lines",
        name=name,
        line={"color": colour, "width": 2.5},
        customdata=[[one.depth, one.ms] for one in swept.depths],
        hovertemplate=f"{name} {shown}<br>pool %{{x}}, %{{customdata[1]:,.0f}} ms<extra></extra>",
    )


def _knee(knee: PoolDepth) -> go.Scatter:
    marker, text = {"size": 12, "symbol": "diamond", "color": CROSS_COLOUR}, [f"knee at {knee.depth}"]
    return go.Scatter(
        x=[knee.depth],
        y=[knee.ndcg],
        mode="markers+text",
        text=text,
        textposition="top left",
        marker=marker,
        name="knee",
        hoverinfo="skip",
    )


def changes_figure(changes: Sequence[Change], queries: Mapping[str, str], measure: str) -> go.Figure:
    """Return a bar for each query, hurt most first: what the second system changed."""
    colours = {"helped": UP, "hurt": DOWN, "unchanged": SAME}
    figure = go.Figure(
        go.Bar(
            x=list(range(1, len(changes) + 1)),
            y=[change.difference for change in changes],
            marker_color=[colours[change.verdict] for change in changes],
            customdata=[
                [change.query, escape(clip(queries.get(change.query, ""), LABEL)), change.before, change.after]
                for change in changes
            ],
            hovertemplate="%{customdata[1]}<br>"
            + escape(measure)
            + " %{customdata[2]:.3f} → %{customdata[3]:.3f}<extra></extra>",
        )
    )
    figure.update_xaxes(title="queries, hurt most first", showticklabels=len(changes) <= 40)
    figure.update_yaxes(title=f"change in {escape(measure)}: up is better", zeroline=True)
    figure.update_layout(height=280, margin=_NO_MARGIN, bargap=0.1)
    return figure


def widths_figure(widths: Sequence[WidthRecall], top: int) -> go.Figure:
    """Return what each ``ef_search`` finds, and below what it costs; the collection's current one is filled."""
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.08)
    curves = (
        (1, [width.recall for width in widths], BI_COLOUR, "%{y:.1%} of the nearest found"),
        (2, [width.ms for width in widths], CROSS_COLOUR, "%{y:.2f} ms a query"),
    )
    for row, y, colour, shown in curves:
        figure.add_trace(
            go.Scatter(
                x=[width.width for width in widths],
                y=y,
                mode="lines+markers",
                line={"color": colour},
                customdata=[[width.width] for width in widths],
                marker={
                    "size": [14 if width.current else 9 for width in widths],
                    "color": colour,
                    "symbol": ["circle" if width.current else "circle-open" for width in widths],
                },
                hovertemplate=f"ef_search %{{x}}: {shown}<extra></extra>",
            ),
            row,
            1,
        )
    ticks = [width.width for width in widths]
    figure.update_xaxes(
        type="log", tickvals=ticks, ticktext=[f"{width.width}{' (now)' if width.current else ''}" for width in widths]
    )
    figure.update_xaxes(title="ef_search", row=2, col=1)
    figure.update_yaxes(title=f"recall@{top},<br>higher is better →", tickformat=".1%", row=1, col=1)
    figure.update_yaxes(title="median ms,<br>← lower is better", rangemode="tozero", row=2, col=1)
    figure.update_layout(height=380, margin=_NO_MARGIN, showlegend=False)
    return figure
