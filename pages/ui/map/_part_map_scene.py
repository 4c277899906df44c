"""All that is drawn on one map."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.projection._part_map_plots import base_figure
from core.projection.clusters import Clusters
from core.projection.coloring import Painting
from core.projection.plots import Overlay, add_names, add_query
from core.projection.records import Layout, Points
from core.records.search import Collection, Hit
from core.workspace import Workspace
from pages.ui.map._part_map_picture import as_json, send_points
from pages.ui.map._part_map_query import Asked


@dataclass(frozen=True)
class Scene:
    """A collection's points, where they lie, in which colours, and what was asked of them."""

    workspace: Workspace
    collection: Collection
    points: Points
    layout: Layout
    painting: Painting
    asked: Asked | None
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
            add_names(drawn, self.clusters.centres, self.clusters.names)
        return drawn
