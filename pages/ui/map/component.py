"""The card at the mouse: texts come one at a time, when they are asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from plotly.offline import get_plotlyjs
from streamlit.delta_generator import DeltaGenerator

from core.errors import RankscopeError
from core.projection.clusters import Clusters
from core.projection.coloring import Coloring
from core.projection.plots import DIMMED, Overlay, add_cluster_names, add_query, base_figure, declutter_script
from core.projection.query import MapQuery
from core.projection.records import Layout, Points
from core.records.document import short_hash
from core.records.search import Collection, Hit
from core.util.formatting import clip, plural
from core.workspace import Workspace

HERE = Path(__file__).parent
Called = Callable[[], None]


@st.cache_resource(show_spinner=False)
def _parts() -> dict[str, Any]:
    """The components, registered once: plotly's script comes from its Python package, not from the network."""
    component = st.components.v2.component
    return {
        "script": component(
            "rankscope_plotly",
            js=f"const script = {json.dumps(get_plotlyjs())};\n" + _file("load_plotly.js"),
            isolate_styles=False,
        ),
        "points": component("rankscope_points", js=_file("points.js"), isolate_styles=False),
        "picture": component(
            "rankscope_picture",
            html='<div class="rs-map"></div>',
            css=_file("picture.css"),
            js=declutter_script() + _file("picture.js"),
            isolate_styles=False,
        ),
        "card": component(
            "rankscope_card",
            html=_file("card.html"),
            css=_file("card.css"),
            js=_file("card.js"),
            isolate_styles=False,
        ),
    }


def _file(name: str) -> str:
    """Return a file of this folder: a script, a style sheet or markup."""
    return (HERE / name).read_text(encoding="utf-8")


def _hidden(name: str) -> DeltaGenerator:
    """A place for what has no looks: it would leave a gap."""
    return st.container(key=f"map-hidden-{name}")


def send_script() -> None:
    """Have the browser load plotly's script; once a page, before the pictures."""
    with _hidden("script"):
        _parts()["script"](key="map-script")


def send_points(slot: str, key: str, glides: str, view: str, base: str) -> None:
    """Send the points of the map ``slot``, a figure as JSON. Pictures of the same ``glides`` have the same points in the same traces, and glide into one another; one of the same ``view`` keeps what was zoomed to."""
    with _hidden(slot):
        _parts()["points"](
            key=f"points-{slot}", data={"slot": slot, "key": key, "glides": glides, "view": view, "figure": base}
        )


def draw_picture(
    slot: str,
    key: str,
    collection: str,
    overlay: Overlay,
    height: int,
    name: str,
    on_clicked: Called,
    on_caught: Called,
    zoomed: int = 0,
) -> None:
    """Draw the map ``slot``; what was clicked or caught lies in the session under ``picture-<slot>`` while the callbacks run.

    A new ``zoomed`` other than 0 zooms to the query.
    """
    drawn = overlay.as_json()
    data = {
        "slot": slot,
        "key": key,
        "collection": collection,
        "overlay": drawn,
        "height": height,
        "dimmed": DIMMED,
        "name": name,
        "zoomed": zoomed,
        "version": short_hash(repr(drawn))[:8],
    }
    _parts()["picture"](key=f"picture-{slot}", data=data, on_clicked_change=on_clicked, on_caught_change=on_caught)


def draw_card(said: list[dict[str, str]], on_asked: Called) -> None:
    """Place the card that shows what is hovered over; ``said`` is what it may show without asking."""
    _parts()["card"](key="map-card", data={"said": said}, on_asked_change=on_asked)


def as_json(figure: go.Figure) -> str:
    """Return a figure as the browser takes it, its numbers packed."""
    packed: str = figure.to_json()
    return packed


@dataclass(frozen=True)
class Scene:
    """A collection's points, where they lie, in which colours, and what was asked of them."""

    workspace: Workspace
    collection: Collection
    points: Points
    layout: Layout
    painting: Coloring
    asked: MapQuery | None
    clusters: Clusters | None
    shown: int = 10  # hits; kept here, since a file is made when nobody's session is at hand
    legend: bool = True

    @property
    def key(self) -> str:
        """Changes with whatever the points would look like otherwise."""
        return f"{self.layout.key}-{self.painting.key}"

    def send(self, slot: str) -> None:
        """Send the points to the map ``slot``; they are made into JSON once for a picture and its colours."""
        kept = st.session_state.get(f"map-base-{slot}")
        if kept is None or kept[0] != self.key:
            figure = base_figure(self.points, self.layout.xy, self.painting).update_layout(showlegend=self.legend)
            kept = (self.key, as_json(figure))
            st.session_state[f"map-base-{slot}"] = kept
        send_points(slot, self.key, f"{self.points.digest}-{self.painting.key}", self.layout.key, kept[1])

    @property
    def hits(self) -> tuple[Hit, ...]:
        """The hits that are shown, best first; none without a query."""
        return () if self.asked is None else self.asked.result.hits[: self.shown]

    def overlay(self, names: bool = True) -> Overlay:
        """Return the query with its hits, and the names of the clusters."""
        drawn = Overlay()
        if self.asked is not None:
            add_query(drawn, self.points, self.layout.xy, self.asked.star, self.hits)
        if self.clusters is not None and names:
            add_cluster_names(drawn, self.clusters.centres, self.clusters.names)
        return drawn


LONGEST = 320  # characters of a chunk's text
SAID = "map-said"  # in the session: what was asked for last


def show_card(workspace: Workspace) -> None:
    """Place the card; what it asks for is answered without drawing the page anew."""
    st.fragment(_card)(workspace)


def _card(workspace: Workspace) -> None:
    def answer() -> None:
        asked = (st.session_state.get("map-card") or {}).get("asked")
        if isinstance(asked, dict):
            st.session_state[SAID] = _said(workspace, str(asked.get("collection", "")), str(asked.get("id", "")))

    draw_card(st.session_state.get(SAID, []), answer)


def _said(workspace: Workspace, name: str, chunk_id: str) -> list[dict[str, str]]:
    try:
        hits = workspace.store.hits(workspace.store.collection(name), {chunk_id: 0.0})
    except RankscopeError:  # deleted meanwhile: there is nothing to show
        return []
    return [
        {
            "collection": name,
            "id": hit.chunk_id,
            "document": hit.document,
            "text": clip(hit.text, LONGEST),
            "place": " · ".join(
                part
                for part in (f"page {hit.page}" if hit.page else "", hit.heading or "", plural(hit.tokens, "token"))
                if part
            ),
        }
        for hit in hits
    ]
