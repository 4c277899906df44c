"""All that is drawn on one map."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.map_overlay import Overlay, add_names, add_query
from core.projection.clusters import Clusters
from core.projection.painting import Painting
from core.projection.records import Layout, Points
from core.records import Collection, Hit
from core.workspace import Workspace
from pages.shared.map.query import Asked


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

    @property
    def key(self) -> str:
        """Changes with whatever the points would look like otherwise."""
        return f"{self.layout.key}-{self.painting.key}"

    @property
    def hits(self) -> tuple[Hit, ...]:
        """The hits that are shown, best first; none without a query."""
        return () if self.asked is None else self.asked.result.hits[: int(st.session_state["hits"])]

    def overlay(self, names: bool = True) -> Overlay:
        """Return the query with its hits, and the names of the clusters."""
        drawn = Overlay()
        if self.asked is not None:
            add_query(drawn, self.points, self.layout.xy, self.asked.star, self.hits)
        if self.clusters is not None and names:
            add_names(drawn, self.clusters.centres, self.clusters.names)
        return drawn
