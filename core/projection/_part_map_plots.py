"""A map into a plotly figure: every chunk a point of a WebGL trace, with its chunk id in ``customdata``."""

from __future__ import annotations

from html import escape
from math import log10
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.errors import StoreError
from core.projection.coloring import PALETTE, REST, SCALE, SHAPES, Groups, Painting, Scale
from core.projection.records import Floats, Points
from core.util.formatting import clip

HEIGHT = 640  # pixels
LONGEST_NAME = 30  # characters in the legend
LARGEST, SMALLEST = 9.0, 2.4  # pixels across a point
DIMMED = 0.16  # opacity of what is not asked about
Mask = npt.NDArray[np.bool_]


def point_size(points: int) -> float:
    """Return how many pixels a point is across: fewer points are drawn larger."""
    return min(LARGEST, max(SMALLEST, 14.5 - 2.75 * log10(max(points, 1))))


def base_figure(points: Points, xy: Floats, painting: Painting, hover: bool = False) -> go.Figure:
    """Return every chunk at its place, shape (chunks, 2), in the colours of ``painting``.

    Neither the texts nor the documents' names of the chunks are in it unless ``hover`` asks for the names.
    """
    figure = go.Figure()
    add = _add_groups if isinstance(painting, Groups) else _add_scale
    add(figure, points, xy, painting, hover)  # type: ignore[arg-type]  # each takes its own kind
    axis: dict[str, Any] = {"showgrid": False, "zeroline": False, "showticklabels": False, "ticks": "", "title": None}
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis, scaleanchor="x", scaleratio=1)
    figure.update_layout(
        height=HEIGHT, margin={"l": 4, "r": 4, "t": 4, "b": 4}, dragmode="pan", hovermode="closest", uirevision="kept",
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(128,128,128,.06)",
        legend={
            "title": {"text": f"{escape(painting.title)}: " if painting.title and isinstance(painting, Groups) else ""}, "itemsizing": "constant", "font": {"size": 12},
            "orientation": "h", "x": 0, "y": -0.01, "yanchor": "top",  # below: the width is the map's
        },
    )
    return figure


def _trace(points: Points, xy: Floats, which: Mask, marker: dict[str, Any], hover: bool, **more: Any) -> go.Scattergl:
    ids = [points.chunk_ids[at] for at in np.flatnonzero(which)]
    named = [clip(escape(points.documents[at]), 60) for at in np.flatnonzero(which)] if hover else None
    return go.Scattergl(
        x=xy[which, 0], y=xy[which, 1], mode="markers", customdata=ids, text=named, marker=marker,
        hoverinfo="text" if hover else "none", unselected={"marker": {"opacity": 0.25}}, **more,
    )


def _add_groups(figure: go.Figure, points: Points, xy: Floats, painting: Groups, hover: bool) -> None:
    size = point_size(len(points))
    if (painting.codes < 0).any():
        marker = {"size": size, "color": REST, "opacity": 0.55}
        figure.add_trace(_trace(points, xy, painting.codes < 0, marker, hover, name=painting.rest or "others", legendrank=2000))
    for code, name in enumerate(painting.names):
        marker = {"size": size, "color": PALETTE[code % len(PALETTE)], "symbol": SHAPES[code // len(PALETTE) % len(SHAPES)], "opacity": 0.85}
        figure.add_trace(_trace(points, xy, painting.codes == code, marker, hover, name=escape(clip(name, LONGEST_NAME)), showlegend=bool(painting.title)))


def _add_scale(figure: go.Figure, points: Points, xy: Floats, painting: Scale, hover: bool) -> None:
    size, known = point_size(len(points)), ~np.isnan(painting.values)
    if not known.all():
        figure.add_trace(_trace(points, xy, ~known, {"size": size, "color": REST, "opacity": 0.4}, hover, name="none", showlegend=False))
    if known.any():
        colours = [[at / (len(SCALE) - 1), colour] for at, colour in enumerate(SCALE)]
        bar = {"title": {"text": _in_lines(painting.title), "side": "right"}, "thickness": 14, "len": 0.85}
        marker = {"size": size, "color": painting.values[known], "colorscale": colours, "showscale": True, "colorbar": bar, "opacity": 0.85}
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


def names_script() -> str:
    """Return the JavaScript function ``declutter``, by which the names on a drawn map do not lie over one another."""
    return (Path(__file__).parent / "map_names.js").read_text(encoding="utf-8")


def map_html(figure: go.Figure, title: str) -> str:
    """Return a page that needs nothing else, plotly's own script included."""
    own = go.Figure(figure)
    own.update_layout(height=None, autosize=True, title={"text": escape(title), "font": {"size": 15}}, margin={"l": 8, "r": 8, "t": 44, "b": 8}, paper_bgcolor="#fff")
    settings = {"scrollZoom": True, "displaylogo": False, "responsive": True, "showSendToCloud": False, "plotlyServerURL": ""}  # nothing leaves the machine
    script = f"{names_script()}\nconst graph = document.getElementById('{{plot_id}}');\ngraph.on('plotly_afterplot', () => declutter(graph));\ndeclutter(graph);"
    page: str = own.to_html(include_plotlyjs=True, full_html=True, config=settings, default_height="97vh", post_script=script)
    return page.replace("<head>", f"<head><title>{escape(title)}</title>", 1)
