"""Plotly figures of a map: the chunks, and an overlay with the query, its hits, highlights and cluster names.

An overlay has a few hundred marks at most, so that it can be redrawn without sending the chunks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from math import log10
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.projection.coloring import PALETTE, REST, SCALE, SHAPES, CategoryColoring, Coloring, NumericColoring
from core.projection.records import Points
from core.records.search import Hit
from core.util.arrays import BoolArray, Float32Array
from core.util.formatting import clip
from core.util.theme import BI_COLOUR, CROSS_COLOUR

HEIGHT = 640  # pixels
MAX_NAME = 30  # characters in the legend
MAX_SIZE, MIN_SIZE = 9.0, 2.4  # diameter of a point in pixels
DIMMED = 0.16  # opacity of the chunks under an overlay that dims them
STAR = HIGHLIGHT = "#d4a017"
FALSE, MISSED = "#d55e00", "#0072b2"  # near on the map only; near in the full space only (Okabe and Ito)
SELECTED = "#7b3294"


def point_size(points: int) -> float:
    """Return the diameter of a point in pixels; fewer points are drawn larger."""
    return min(MAX_SIZE, max(MIN_SIZE, 14.5 - 2.75 * log10(max(points, 1))))


def base_figure(points: Points, xy: Float32Array, coloring: Coloring, hover: bool = False) -> go.Figure:
    """Return a figure of all chunks at ``xy``, shape (chunks, 2), in the colours of ``coloring``.

    It contains the ids of chunks but not their texts; with ``hover`` also the names of their documents.
    """
    figure = go.Figure()
    if isinstance(coloring, CategoryColoring):
        _add_categories(figure, points, xy, coloring, hover)
        legend_title = f"{escape(coloring.title)}: " if coloring.title else ""
    else:
        _add_numbers(figure, points, xy, coloring, hover)
        legend_title = ""
    axis: dict[str, Any] = {"showgrid": False, "zeroline": False, "showticklabels": False, "ticks": "", "title": None}
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis, scaleanchor="x", scaleratio=1)
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
        dragmode="pan",
        hovermode="closest",
        uirevision="kept",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(128,128,128,.06)",
        legend={
            "title": {"text": legend_title},
            "itemsizing": "constant",
            "font": {"size": 12},
            "orientation": "h",
            "x": 0,
            "y": -0.01,
            "yanchor": "top",  # below the map, which keeps the full width
        },
    )
    return figure


def _chunk_trace(
    points: Points, xy: Float32Array, selection: BoolArray, marker: dict[str, Any], hover: bool, **options: Any
) -> go.Scattergl:
    """Return a trace of the chunks where ``selection``, shape (chunks,), is true."""
    rows = np.flatnonzero(selection)
    return go.Scattergl(
        x=xy[selection, 0],
        y=xy[selection, 1],
        mode="markers",
        customdata=[points.chunk_ids[row] for row in rows],
        text=[clip(escape(points.documents[row]), 60) for row in rows] if hover else None,
        marker=marker,
        hoverinfo="text" if hover else "none",
        unselected={"marker": {"opacity": 0.25}},
        **options,
    )


def _add_categories(
    figure: go.Figure, points: Points, xy: Float32Array, coloring: CategoryColoring, hover: bool
) -> None:
    size, rest = point_size(len(points)), coloring.codes < 0
    if rest.any():
        marker = {"size": size, "color": REST, "opacity": 0.55}
        name = coloring.rest or "others"
        figure.add_trace(_chunk_trace(points, xy, rest, marker, hover, name=name, legendrank=2000))
    for code, category in enumerate(coloring.names):
        marker = {
            "size": size,
            "color": PALETTE[code % len(PALETTE)],
            "symbol": SHAPES[code // len(PALETTE) % len(SHAPES)],
            "opacity": 0.85,
        }
        name, in_legend = escape(clip(category, MAX_NAME)), bool(coloring.title)
        selection = coloring.codes == code
        figure.add_trace(_chunk_trace(points, xy, selection, marker, hover, name=name, showlegend=in_legend))


def _add_numbers(figure: go.Figure, points: Points, xy: Float32Array, coloring: NumericColoring, hover: bool) -> None:
    size, known = point_size(len(points)), ~np.isnan(coloring.values)
    if not known.all():
        marker: dict[str, Any] = {"size": size, "color": REST, "opacity": 0.4}
        figure.add_trace(_chunk_trace(points, xy, ~known, marker, hover, name="none", showlegend=False))
    if known.any():
        title = escape(coloring.title).replace(" (", "<br>(", 1)  # the unit on a line of its own
        marker = {
            "size": size,
            "color": coloring.values[known],
            "colorscale": [[index / (len(SCALE) - 1), colour] for index, colour in enumerate(SCALE)],
            "showscale": True,
            "colorbar": {"title": {"text": title, "side": "right"}, "thickness": 14, "len": 0.85},
            "opacity": 0.85,
        }
        figure.add_trace(_chunk_trace(points, xy, known, marker, hover, name=coloring.title, showlegend=False))


def declutter_script() -> str:
    """Return the JavaScript function ``declutter``, which hides cluster names that would overlap on a drawn map."""
    return (Path(__file__).parent / "map_names.js").read_text(encoding="utf-8")


def map_html(figure: go.Figure, title: str) -> str:
    """Return a self-contained HTML page of a figure, with plotly's script in it."""
    page_figure = go.Figure(figure)
    page_figure.update_layout(
        height=None,
        autosize=True,
        title={"text": escape(title), "font": {"size": 15}},
        margin={"l": 8, "r": 8, "t": 44, "b": 8},
        paper_bgcolor="#fff",
    )
    config = {
        "scrollZoom": True,
        "displaylogo": False,
        "responsive": True,
        "showSendToCloud": False,  # nothing leaves the machine
        "plotlyServerURL": "",
    }
    script = declutter_script() + (Path(__file__).parent / "map_page.js").read_text(encoding="utf-8")
    page: str = page_figure.to_html(
        include_plotlyjs=True, full_html=True, config=config, default_height="97vh", post_script=script
    )
    return page.replace("<head>", f"<head><title>{escape(title)}</title>", 1)


@dataclass
class Overlay:
    """What is drawn over the chunks; with ``dims`` the chunks themselves are dimmed."""

    figure: go.Figure = field(default_factory=go.Figure)
    dims: bool = False
    focus: tuple[float, float, float, float] | None = None  # the range to zoom to: least and greatest x, then y

    def as_json(self) -> dict[str, Any]:
        """Return the traces and annotations as plain JSON."""
        figure: dict[str, Any] = self.figure.to_plotly_json()
        return {
            "data": [_plain(trace) for trace in figure["data"]],
            "annotations": _plain(figure.get("layout", {}).get("annotations", ())),
            "dims": self.dims,
            "focus": self.focus,
        }


def _plain(value: Any) -> Any:
    """Return a value of a figure with lists in place of arrays and tuples."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def add_query(overlay: Overlay, points: Points, xy: Float32Array, star: Float32Array, hits: Sequence[Hit]) -> None:
    """Draw a query at ``star``, shape (2,), with its hits, their ranks and a line to each, and dim all else.

    Reranked hits have the cross-encoder's colour, more saturated the higher it ranks them. Hits without a point are
    left out.
    """
    hits = [hit for hit in hits if hit.chunk_id in points.row_of]
    positions = xy[[points.row_of[hit.chunk_id] for hit in hits]]
    overlay.dims = True
    _add_lines(overlay, star, positions, "lines to the hits", {"color": BI_COLOUR, "width": 1.2})
    add_star(overlay, star, "the query")
    overlay.focus = _focus(star, positions)
    if hits:
        reranked = any(hit.cross_rank for hit in hits)
        overlay.figure.add_trace(
            go.Scatter(
                x=positions[:, 0].tolist(),
                y=positions[:, 1].tolist(),
                mode="markers+text",
                text=[str(hit.rank) for hit in hits],
                textfont={"size": 11, "color": "#fff"},
                customdata=[hit.chunk_id for hit in hits],
                marker={"size": 17, "line": {"width": 1.2, "color": "#fff"}, **_hit_colours(hits, reranked)},
                name="cross-encoder's order" if reranked else "hits",
                hoverinfo="none",
                legendrank=2,
            )
        )


def _focus(star: Float32Array, positions: Float32Array) -> tuple[float, float, float, float]:
    """Return the least and greatest x, then y, of a range around the query and the nearer half of its hits."""
    nearest = sorted(positions, key=lambda position: float(np.hypot(*(position - star))))
    shown = np.stack([star, *nearest[: max(3, (len(nearest) + 1) // 2)]]).astype(float)
    low, high = shown.min(axis=0), shown.max(axis=0)
    margin = max(float((high - low).max()) * 0.35, 0.25)
    return low[0] - margin, high[0] + margin, low[1] - margin, high[1] + margin


def _hit_colours(hits: Sequence[Hit], reranked: bool) -> dict[str, Any]:
    if not reranked:
        return {"color": BI_COLOUR}
    return {
        "color": [hit.cross_rank or len(hits) for hit in hits],
        "colorscale": [[0, CROSS_COLOUR], [1, "#7f8c9b"]],
        "cmin": 1,
        "cmax": max(len(hits), 2),
        "showscale": False,
    }


def add_star(overlay: Overlay, star: Float32Array, name: str, faint: bool = False, label: str = "") -> None:
    """Draw the position of a query, shape (2,); ``faint`` for an earlier query, ``label`` its text."""
    marker = {
        "symbol": "star-open" if faint else "star",
        "size": 15 if faint else 26,
        "color": STAR,
        "line": {"width": 2 if faint else 1.5, "color": STAR if faint else "#3b2f00"},
    }
    overlay.figure.add_trace(
        go.Scatter(
            x=[float(star[0])],
            y=[float(star[1])],
            mode="markers+text" if label else "markers",
            marker=marker,
            name=escape(clip(name, 30)),
            hoverinfo="skip",
            legendrank=1,
            text=[escape(clip(label, 34))] if label else None,
            textposition="top center",
            textfont={"size": 11},
            showlegend=not faint,
        )
    )


def _add_lines(overlay: Overlay, start: Float32Array, ends: Float32Array, name: str, line: dict[str, Any]) -> None:
    """Draw lines from ``start`` (2,) to ``ends`` (lines, 2) in one trace, with a gap after each."""
    x, y = ([value for end in ends for value in (float(start[axis]), float(end[axis]), None)] for axis in (0, 1))
    overlay.figure.add_trace(
        go.Scatter(x=x, y=y, mode="lines", line=line, opacity=0.55, name=name, hoverinfo="skip", showlegend=False)
    )


def _add_marks(
    overlay: Overlay, points: Points, xy: Float32Array, rows: Sequence[int], marker: dict[str, Any], **options: Any
) -> None:
    """Draw a mark with its chunk id at each of the chunks ``rows``; nothing where there are none."""
    if rows:
        overlay.figure.add_trace(
            go.Scatter(
                x=xy[rows, 0].tolist(),
                y=xy[rows, 1].tolist(),
                mode="markers",
                customdata=[points.chunk_ids[row] for row in rows],
                marker=marker,
                hoverinfo="none",
                **options,
            )
        )


def add_neighbour_errors(
    overlay: Overlay, points: Points, xy: Float32Array, star: Float32Array, false: Iterable[int], missed: Iterable[int]
) -> None:
    """Mark the rows ``false``, near on the map only, with crosses, and draw lines to ``missed``, near elsewhere only.

    ``star``, shape (2,), is the query's position.
    """
    false, missed = list(false), list(missed)
    if missed:
        _add_lines(overlay, star, xy[missed], "landed far away", {"color": MISSED, "width": 2, "dash": "dash"})
    for rows, colour, symbol, size, name in (
        (missed, MISSED, "circle-open", 22, "truly near, drawn far"),
        (false, FALSE, "x-thin", 12, "drawn near, is not"),
    ):
        marker = {"symbol": symbol, "size": size, "color": colour, "line": {"width": 2.5, "color": colour}}
        _add_marks(overlay, points, xy, rows, marker, name=name, legendrank=3)


def add_highlight(
    overlay: Overlay,
    points: Points,
    xy: Float32Array,
    rows: Sequence[int],
    name: str,
    colour: str = HIGHLIGHT,
    size: float = 9,
) -> None:
    """Highlight the chunks ``rows`` and dim all others. There may be many: they are drawn by WebGL."""
    overlay.dims = True
    chosen = np.asarray(rows, dtype=np.int64)
    overlay.figure.add_trace(
        go.Scattergl(
            x=xy[chosen, 0].tolist(),
            y=xy[chosen, 1].tolist(),
            mode="markers",
            customdata=[points.chunk_ids[row] for row in rows],
            name=escape(clip(name, 34)),
            hoverinfo="none",
            marker={"size": size, "color": colour, "line": {"width": 1, "color": "#fff"}},
            legendrank=4,
        )
    )


def add_selected_chunk(overlay: Overlay, points: Points, xy: Float32Array, row: int, neighbours: Sequence[int]) -> None:
    """Draw a ring around the chunk ``row`` and lines to its nearest ``neighbours`` in the full space."""
    neighbours = list(neighbours)
    _add_lines(overlay, xy[row], xy[neighbours], "its neighbours", {"color": SELECTED, "width": 1.5})
    for rows, size in ((neighbours, 13), ([row], 22)):
        marker = {"symbol": "circle-open", "size": size, "color": SELECTED, "line": {"width": 2.5}}
        _add_marks(overlay, points, xy, rows, marker, name="chosen chunk", showlegend=False)


def add_cluster_names(overlay: Overlay, centres: Float32Array, names: Sequence[str]) -> None:
    """Draw names at ``centres``, shape (names, 2)."""
    for (x, y), name in zip(centres.tolist(), names, strict=True):
        overlay.figure.add_annotation(
            x=x,
            y=y,
            text=escape(name),
            showarrow=False,
            font={"size": 12.5, "color": "#111"},
            bgcolor="rgba(255,255,255,.78)",
            borderpad=2,
            captureevents=False,
        )


def with_overlay(base: go.Figure, overlay: Overlay, dimmed: float) -> go.Figure:
    """Return one figure of both, for a file; ``dimmed`` is the opacity of chunks under an overlay that dims them."""
    figure = go.Figure(base)
    if overlay.dims:
        figure.update_traces(opacity=dimmed)
    figure.add_traces(overlay.figure.data)
    for annotation in overlay.figure.layout.annotations:
        figure.add_annotation(annotation)
    return figure
