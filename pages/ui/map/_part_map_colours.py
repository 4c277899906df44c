"""What the colours of the map say, as it was chosen."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.projection import coloring as painting
from core.projection._part_projection_grouping import ask_clusters, kept_clusters
from core.projection._part_projection_job import Projection
from core.projection.clusters import Clusters
from core.projection.coloring import Painting
from core.projection.quality import distortion
from core.projection.records import Floats, Layout, Points
from core.records.search import Collection
from core.util.formatting import plural
from core.workspace import Workspace
from pages.ui.map._part_map_query import NEAREST, Asked
from pages.ui.map.controls import CLUSTER, CROSS, DISTORTION, DOCUMENT, FIELD, FOLDER, LENGTH, SIMILARITY
from pages.ui.map.data import projections, true_neighbours


def paint(workspace: Workspace, collection: Collection, points: Points, layout: Layout, colour: str, asked: Asked | None, clusters: Clusters | None) -> Painting:
    """Return the colours; where they need a query and there is none, all chunks are alike, which is said."""
    if colour == CLUSTER and clusters is not None:
        return painting.by_cluster(clusters.labels, clusters.names)
    if colour in (SIMILARITY, CROSS):
        return _by_query(points, colour, asked)
    if colour == DISTORTION:
        return painting.by_distortion(_distortion(points, layout))
    if colour.startswith(FIELD):
        values = workspace.store.values(collection, colour.removeprefix(FIELD))
        return painting.by_field(colour.removeprefix(FIELD), [values.get(chunk_id) for chunk_id in points.chunk_ids])
    if colour in (DOCUMENT, FOLDER):
        return painting.by_document(points) if colour == DOCUMENT else painting.by_folder(points)
    return painting.by_length(points) if colour == LENGTH else painting.plain(points)


def _by_query(points: Points, colour: str, asked: Asked | None) -> Painting:
    if asked is None:
        st.caption(f":material/info: Ask something above: then the colours say the {colour}.")
    elif colour == SIMILARITY:
        return painting.by_similarity(points.metric, asked.similarities)
    else:
        scores = {hit.chunk_id: hit.cross_score for hit in asked.result.hits if hit.cross_score is not None}
        if scores:
            return painting.by_scores(f"cross-encoder score of the {plural(len(scores), 'hit')} that it read (logit, higher is better)", points, scores)
        st.caption(":material/info: Switch on *Rerank* above: the cross-encoder scores the first hits only, and those alone get a colour.")
    return painting.plain(points)


def _distortion(points: Points, layout: Layout) -> Floats:
    """Kept for as long as nothing changes: neighbours are known already where UMAP needed them."""
    kept = st.session_state.get("map-distortion")
    if kept is None or kept[0] != layout.key:
        with st.spinner("Comparing each chunk's neighbours with those on the map…", show_time=True):
            kept = (layout.key, np.asarray(distortion(layout.xy, true_neighbours(points, NEAREST).places, NEAREST), dtype=np.float32))
        st.session_state["map-distortion"] = kept
    found: Floats = kept[1]
    return found


def clusters_of(workspace: Workspace, collection: Collection, points: Points, layout: Layout, wanted: bool) -> tuple[Clusters | None, Projection | None]:
    """Return the clusters of the picture, or the work in progress; neither where they are not wanted."""
    if not wanted or len(points) < 2:
        return None, None
    kept = kept_clusters(projections(), points, layout)
    return (kept, None) if kept is not None else (None, ask_clusters(projections(), workspace, collection, points, layout))
