"""What is drawn over a map: the query's star, its hits, what the picture gets wrong of them, names of clusters.

A few hundred marks at most, as plotly traces and annotations: the points beneath need not be sent again for them.
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

from core.errors import StoreError
from core.projection.coloring import PALETTE, REST, SCALE, SHAPES, CategoryColoring, Coloring, NumericColoring
from core.projection.records import Points
from core.records.search import Hit
from core.util.arrays import BoolArray, Float32Array
from core.util.formatting import clip
from core.util.theme import BI_COLOUR, CROSS_COLOUR

HEIGHT = 640  # pixels
LONGEST_NAME = 30  # characters in the legend
LARGEST, SMALLEST = 9.0, 2.4  # pixels across a point
DIMMED = 0.16  # opacity of what is not asked about


def point_size(points: int) -> float:
    """Return how many pixels a point is across: fewer points are drawn larger."""
    return min(LARGEST, max(SMALLEST, 14.5 - 2.75 * log10(max(points, 1))))


def base_figure(points: Points, xy: Float32Array, painting: Coloring, hover: bool = False) -> go.Figure:
    """Return every chunk at its place, shape (chunks, 2), in the colours of ``painting``.

    Neither the texts nor the documents' names of the chunks are in it unless ``hover`` asks for the names.
    """
    figure = go.Figure()
    add = _add_groups if isinstance(painting, CategoryColoring) else _add_scale
    add(figure, points, xy, painting, hover)  # type: ignore[arg-type]  # each takes its own kind
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
            "title": {
                "text": f"{escape(painting.title)}: "
                if painting.title and isinstance(painting, CategoryColoring)
                else ""
            },
            "itemsizing": "constant",
            "font": {"size": 12},
            "orientation": "h",
            "x": 0,
            "y": -0.01,
            "yanchor": "top",  # below: the width is the map's
        },
    )
    return figure


def _trace(
    points: Points, xy: Float32Array, which: BoolArray, marker: dict[str, Any], hover: bool, **more: Any
) -> go.Scattergl:
    ids = [points.chunk_ids[at] for at in np.flatnonzero(which)]
    named = [clip(escape(points.documents[at]), 60) for at in np.flatnonzero(which)] if hover else None
    return go.Scattergl(
        x=xy[which, 0],
        y=xy[which, 1],
        mode="markers",
        customdata=ids,
        text=named,
        marker=marker,
        hoverinfo="text" if hover else "none",
        unselected={"marker": {"opacity": 0.25}},
        **more,
    )


def _add_groups(figure: go.Figure, points: Points, xy: Float32Array, painting: CategoryColoring, hover: bool) -> None:
    size = point_size(len(points))
    if (painting.codes < 0).any():
        marker = {"size": size, "color": REST, "opacity": 0.55}
        figure.add_trace(
            _trace(points, xy, painting.codes < 0, marker, hover, name=painting.rest or "others", legendrank=2000)
        )
    for code, name in enumerate(painting.names):
        marker = {
            "size": size,
            "color": PALETTE[code % len(PALETTE)],
            "symbol": SHAPES[code // len(PALETTE) % len(SHAPES)],
            "opacity": 0.85,
        }
        figure.add_trace(
            _trace(
                points,
                xy,
                painting.codes == code,
                marker,
                hover,
                name=escape(clip(name, LONGEST_NAME)),
                showlegend=bool(painting.title),
            )
        )


def _add_scale(figure: go.Figure, points: Points, xy: Float32Array, painting: NumericColoring, hover: bool) -> None:
    size, known = point_size(len(points)), ~np.isnan(painting.values)
    if not known.all():
        figure.add_trace(
            _trace(
                points, xy, ~known, {"size": size, "color": REST, "opacity": 0.4}, hover, name="none", showlegend=False
            )
        )
    if known.any():
        colours = [[at / (len(SCALE) - 1), colour] for at, colour in enumerate(SCALE)]
        bar = {"title": {"text": _in_lines(painting.title), "side": "right"}, "thickness": 14, "len": 0.85}
        marker = {
            "size": size,
            "color": painting.values[known],
            "colorscale": colours,
            "showscale": True,
            "colorbar": bar,
            "opacity": 0.85,
        }
        figure.add_trace(_trace(points, xy, known, marker, hover, name=painting.title, showlegend=False))


def _in_lines(title: str) -> str:
    """The unit on a line of its own: a colour bar's title runs along it."""
    return escape(title).replace(" (", "<br>(", 1)


def write_map_html(figure: go.Figure, path: Path, title: str) -> None:
    """Write a page that needs nothing else: the picture with all that moves it. Raises StoreError."""
    page = map_html(figure, title)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"The map cannot be written to {path} ({error.strerror}): choose another place") from error


def declutter_script() -> str:
    """Return the JavaScript function ``declutter``, by which the names on a drawn map do not lie over one another."""
    return (Path(__file__).parent / "map_names.js").read_text(encoding="utf-8")


def map_html(figure: go.Figure, title: str) -> str:
    """Return a page that needs nothing else, plotly's own script included."""
    own = go.Figure(figure)
    own.update_layout(
        height=None,
        autosize=True,
        title={"text": escape(title), "font": {"size": 15}},
        margin={"l": 8, "r": 8, "t": 44, "b": 8},
        paper_bgcolor="#fff",
    )
    # nothing leaves the machine
    settings = {
        "scrollZoom": True,
        "displaylogo": False,
        "responsive": True,
        "showSendToCloud": False,
        "plotlyServerURL": "",
    }
    script = declutter_script() + (Path(__file__).parent / "map_page.js").read_text(encoding="utf-8")
    page: str = own.to_html(
        include_plotlyjs=True, full_html=True, config=settings, default_height="97vh", post_script=script
    )
    return page.replace("<head>", f"<head><title>{escape(title)}</title>", 1)


STAR = "#d4a017"
FALSE, MISSED = "#d55e00", "#0072b2"  # near on screen only; truly near but far on screen (Okabe and Ito)
LIT = "#d4a017"


@dataclass
class Overlay:
    """What lies over the points; ``dims`` says that the points themselves step back."""

    figure: go.Figure = field(default_factory=go.Figure)
    dims: bool = False
    focus: tuple[float, float, float, float] | None = None  # what to zoom to: least and greatest x, then y

    def as_json(self) -> dict[str, Any]:
        """Return the traces and annotations as plain JSON."""
        drawn: dict[str, Any] = self.figure.to_plotly_json()
        layout = drawn.get("layout", {})
        return {
            "data": [_plain(trace) for trace in drawn["data"]],
            "annotations": _plain(layout.get("annotations", ())),
            "dims": self.dims,
            "focus": self.focus,
        }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def add_query(overlay: Overlay, points: Points, xy: Float32Array, star: Float32Array, hits: Sequence[Hit]) -> None:
    """Draw the query's star, shape (2,), a line to each hit, and the hits with their ranks; all else is dimmed.

    Reranked hits are filled in the cross-encoder's colour, the deeper the better they stand in its order.
    """
    placed = [(hit, xy[points.row_of[hit.chunk_id]]) for hit in hits if hit.chunk_id in points.row_of]
    overlay.dims = True
    _add_lines(overlay, star, [place for _, place in placed], "lines to the hits", {"color": BI_COLOUR, "width": 1.2})
    add_star(overlay, star, "the query")
    overlay.focus = _around(star, [place for _, place in placed])
    if placed:
        reranked = any(hit.cross_rank for hit, _ in placed)
        overlay.figure.add_trace(
            go.Scatter(
                x=[float(place[0]) for _, place in placed],
                y=[float(place[1]) for _, place in placed],
                mode="markers+text",
                text=[str(hit.rank) for hit, _ in placed],
                textfont={"size": 11, "color": "#fff"},
                customdata=[hit.chunk_id for hit, _ in placed],
                marker={
                    "size": 17,
                    "line": {"width": 1.2, "color": "#fff"},
                    **_hit_colours([hit for hit, _ in placed], reranked),
                },
                name="cross-encoder's order" if reranked else "hits",
                hoverinfo="none",
                legendrank=2,
            )
        )


def _around(star: Float32Array, places: Sequence[Float32Array]) -> tuple[float, float, float, float]:
    """The least and greatest x, then y, of a stretch that shows the query with the half of its hits that lie nearest, and some room."""
    apart = sorted(places, key=lambda place: float(np.hypot(*(place - star))))
    held = np.stack([star, *apart[: max(3, (len(apart) + 1) // 2)]]).astype(float)
    low, high = held.min(axis=0), held.max(axis=0)
    room = max(float((high - low).max()) * 0.35, 0.25)
    return low[0] - room, high[0] + room, low[1] - room, high[1] + room


def _hit_colours(hits: Sequence[Hit], reranked: bool) -> dict[str, Any]:
    if not reranked:
        return {"color": BI_COLOUR}
    shades = [[0, CROSS_COLOUR], [1, "#7f8c9b"]]
    return {
        "color": [hit.cross_rank or len(hits) for hit in hits],
        "colorscale": shades,
        "cmin": 1,
        "cmax": max(len(hits), 2),
        "showscale": False,
    }


def add_star(overlay: Overlay, star: Float32Array, name: str, faint: bool = False, label: str = "") -> None:
    """Draw a query's place; a ``faint`` one is a query of before, ``label`` its words."""
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


def _add_lines(
    overlay: Overlay, star: Float32Array, ends: Sequence[Float32Array], name: str, line: dict[str, Any]
) -> None:
    """Lines from the star in one trace: a gap between each two."""
    x = [value for end in ends for value in (float(star[0]), float(end[0]), None)]
    y = [value for end in ends for value in (float(star[1]), float(end[1]), None)]
    overlay.figure.add_trace(
        go.Scatter(x=x, y=y, mode="lines", line=line, opacity=0.55, name=name, hoverinfo="skip", showlegend=False)
    )


def add_neighbour_errors(
    overlay: Overlay, points: Points, xy: Float32Array, star: Float32Array, false: Iterable[int], missed: Iterable[int]
) -> None:
    """Cross out chunks that only look near, and lead lines to those that are near but landed far away; both are places in ``points``."""
    wrong, far = list(false), list(missed)
    if far:
        _add_lines(
            overlay, star, [xy[at] for at in far], "landed far away", {"color": MISSED, "width": 2, "dash": "dash"}
        )
    marks = ((far, MISSED, "circle-open", "truly near, drawn far"), (wrong, FALSE, "x-thin", "drawn near, is not"))
    for places, colour, symbol, name in marks:
        if places:
            overlay.figure.add_trace(
                go.Scatter(
                    x=xy[places, 0].tolist(),
                    y=xy[places, 1].tolist(),
                    mode="markers",
                    name=name,
                    customdata=[points.chunk_ids[at] for at in places],
                    marker={
                        "symbol": symbol,
                        "size": 22 if symbol == "circle-open" else 12,
                        "color": colour,
                        "line": {"width": 2.5, "color": colour},
                    },
                    hoverinfo="none",
                    legendrank=3,
                )
            )


def add_highlight(
    overlay: Overlay,
    points: Points,
    xy: Float32Array,
    places: Sequence[int],
    name: str,
    colour: str = LIT,
    size: float = 9,
) -> None:
    """Light some chunks above all others; they keep their chunk ids."""
    overlay.dims = True
    chosen = np.asarray(places, dtype=np.int64)
    overlay.figure.add_trace(
        go.Scattergl(
            x=xy[chosen, 0].tolist(),
            y=xy[chosen, 1].tolist(),
            mode="markers",
            customdata=[points.chunk_ids[at] for at in places],
            name=escape(clip(name, 34)),
            hoverinfo="none",
            marker={"size": size, "color": colour, "line": {"width": 1, "color": "#fff"}},
            legendrank=4,
        )
    )


def add_selected_chunk(
    overlay: Overlay, points: Points, xy: Float32Array, place: int, neighbours: Sequence[int]
) -> None:
    """Ring the chunk that was clicked, and draw lines to its true nearest neighbours."""
    _add_lines(overlay, xy[place], [xy[at] for at in neighbours], "its neighbours", {"color": "#7b3294", "width": 1.5})
    for places, size in ((list(neighbours), 13), ([place], 22)):
        if places:
            overlay.figure.add_trace(
                go.Scatter(
                    x=xy[places, 0].tolist(),
                    y=xy[places, 1].tolist(),
                    mode="markers",
                    customdata=[points.chunk_ids[at] for at in places],
                    hoverinfo="none",
                    marker={"symbol": "circle-open", "size": size, "color": "#7b3294", "line": {"width": 2.5}},
                    showlegend=False,
                    name="chosen chunk",
                )
            )


def add_cluster_names(overlay: Overlay, centres: Float32Array, names: Sequence[str]) -> None:
    """Write names at their places, shape (names, 2)."""
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
    """Return one figure of both, for a file."""
    whole = go.Figure(base)
    if overlay.dims:
        whole.update_traces(opacity=dimmed)
    whole.add_traces(overlay.figure.data)
    for annotation in overlay.figure.layout.annotations:
        whole.add_annotation(annotation)
    return whole
