"""The map's browser components: plotly's script, the points, the picture drawn from them, and the hover card."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from plotly.offline import get_plotlyjs

from core.errors import RankscopeError
from core.projection.clusters import Clusters
from core.projection.coloring import Coloring
from core.projection.plots import (
    DIMMED,
    HEIGHT,
    Overlay,
    add_cluster_names,
    add_query,
    base_figure,
    declutter_script,
)
from core.projection.query import MapQuery
from core.projection.records import Layout, Points
from core.records.document import short_hash
from core.records.search import Collection, Hit
from core.util.formatting import clip, plural
from core.workspace import Workspace
from pages.ui.map.data import cached_in_session, on_event

CARD_LENGTH = 320  # characters of a chunk's text
CARD_TEXTS = "map-card-texts"  # in the session: what the card requested last


@dataclass(frozen=True)
class Scene:
    """One picture: a collection's points in a layout, their colours, and the query and clusters drawn over them."""

    workspace: Workspace
    collection: Collection
    slot: str
    points: Points
    layout: Layout
    coloring: Coloring
    map_query: MapQuery | None = None
    clusters: Clusters | None = None
    hit_count: int = 10  # a field, since downloads are made outside of the script's run, without its session
    legend: bool = True

    @property
    def key(self) -> str:
        """Changes with the look of the points."""
        return f"{self.layout.key}-{self.coloring.key}"

    @property
    def hits(self) -> tuple[Hit, ...]:
        """The hits that are shown, best first; none without a query."""
        return () if self.map_query is None else self.map_query.result.hits[: self.hit_count]

    def overlay(self, names: bool = True) -> Overlay:
        """Return the query with its hits, and the names of the clusters."""
        overlay = Overlay()
        if self.map_query is not None:
            add_query(overlay, self.points, self.layout.xy, self.map_query.star, self.hits)
        if self.clusters is not None and names:
            add_cluster_names(overlay, self.clusters.centres, self.clusters.names)
        return overlay

    def send_points(self) -> None:
        """Send the points to the browser; they are made into JSON once for each layout and coloring.

        The picture moves smoothly between layouts of the same ``pointsKey``, the same points in the same traces, and
        keeps its zoom while the ``layoutKey`` stays.
        """
        data = {
            "slot": self.slot,
            "key": self.key,
            "pointsKey": f"{self.points.digest}-{self.coloring.key}",
            "layoutKey": self.layout.key,
            "figure": cached_in_session(f"map-base-{self.slot}", self.key, self._points_json),
        }
        with st.container(key=f"map-hidden-{self.slot}"):
            _components()["points"](key=f"points-{self.slot}", data=data)

    def _points_json(self) -> str:
        figure = base_figure(self.points, self.layout.xy, self.coloring).update_layout(showlegend=self.legend)
        packed: str = figure.to_json()  # arrays of numbers in base64
        return packed

    def draw(
        self,
        overlay: Overlay,
        file_name: str = "map",
        height: int = HEIGHT,
        zoom_count: int = 0,
        linked_slots: tuple[str, ...] = (),
    ) -> None:
        """Draw the picture. A new ``zoom_count`` other than 0 zooms to the query; see ``on_event`` for the slots.

        ``height`` is in pixels; downloads of the picture are named after the collection and ``file_name``.
        """
        traces = overlay.as_json()
        data = {
            "slot": self.slot,
            "key": self.key,
            "collection": self.collection.name,
            "overlay": traces,
            "height": height,
            "dimmed": DIMMED,
            "name": f"{self.collection.name}-{file_name}",
            "zoomCount": zoom_count,
            "version": short_hash(repr(traces))[:8],
        }
        _components()["picture"](
            key=f"picture-{self.slot}",
            data=data,
            on_clicked_change=on_event("clicked", self.slot, linked_slots),
            on_selected_change=on_event("selected", self.slot, linked_slots),
        )


def send_script() -> None:
    """Have the browser load plotly's script; once a page, before the pictures."""
    with st.container(key="map-hidden-script"):
        _components()["script"](key="map-script")


def show_card(workspace: Workspace) -> None:
    """Place the card that shows the chunk at the mouse; the texts it requests are sent without a rerun of the page."""

    def answer() -> None:
        request = (st.session_state.get("map-card") or {}).get("requested")
        if isinstance(request, dict):
            name, chunk_id = str(request.get("collection", "")), str(request.get("id", ""))
            st.session_state[CARD_TEXTS] = _card_texts(workspace, name, chunk_id)

    def draw() -> None:
        data = {"texts": st.session_state.get(CARD_TEXTS, [])}
        _components()["card"](key="map-card", data=data, on_requested_change=answer)

    st.fragment(draw)()


def _card_texts(workspace: Workspace, name: str, chunk_id: str) -> list[dict[str, str]]:
    """Return what the card shows of a chunk, in a list that is empty where the chunk is deleted."""
    try:
        hits = workspace.store.hits(workspace.store.collection(name), {chunk_id: 0.0})
    except RankscopeError:  # the collection was deleted
        return []
    texts = []
    for hit in hits:
        place = (f"page {hit.page}" if hit.page else "", hit.heading or "", plural(hit.tokens, "token"))
        texts.append(
            {
                "collection": name,
                "id": hit.chunk_id,
                "document": hit.document,
                "text": clip(hit.text, CARD_LENGTH),
                "place": " · ".join(part for part in place if part),
            }
        )
    return texts


@st.cache_resource(show_spinner=False)
def _components() -> dict[str, Callable[..., Any]]:
    """Register the components once; plotly's script comes from its Python package, not from the network."""

    def component(name: str, **parts: str) -> Callable[..., Any]:
        return st.components.v2.component(f"rankscope_{name}", isolate_styles=False, **parts)

    return {
        "script": component("plotly", js=f"const script = {json.dumps(get_plotlyjs())};\n" + _read("load_plotly.js")),
        "points": component("points", js=_read("points.js")),
        "picture": component(
            "picture",
            html='<div class="rs-map"></div>',
            css=_read("picture.css"),
            js=declutter_script() + _read("picture.js"),
        ),
        "card": component("card", html=_read("card.html"), css=_read("card.css"), js=_read("card.js")),
    }


def _read(name: str) -> str:
    """Return the text of a script, style sheet or HTML file of this folder."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
