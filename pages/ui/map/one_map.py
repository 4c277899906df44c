"""The view of one map: the picture, a query in it, and a panel on the chunk or the region that is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import RankscopeError
from core.projection.placement import place_queries
from core.projection.plots import Overlay, add_highlight, add_neighbour_errors, add_selected_chunk, add_star
from core.projection.query import MapQuery
from core.projection.records import Layout, Points
from core.records.search import Collection
from core.samples.library import SAMPLE_COLLECTION
from core.util.formatting import plural
from core.workspace import Workspace
from pages.ui.collection_picker import query_input, show_examples
from pages.ui.map.component import Scene
from pages.ui.map.controls import CLUSTER, choose, color_points, open_clusters
from pages.ui.map.data import (
    SEARCH_LIMITED,
    drop_stale_choices,
    method_name,
    open_layout,
    open_points,
    opened_row,
    query_vector,
    remember_query,
    remove_search_limit,
    search_on_map,
    selected_rows,
    watch_projection,
)
from pages.ui.map.panel import nearest_chunks, offer_files, show_panel, show_quality
from pages.ui.page import show_error, show_info

SLOT = "one"
ZOOM_COUNT = "map-zoomed"  # in the session: how often "Zoom to the query" was pressed


def show_one_map(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Draw the view."""
    choice = choose(workspace, collections)
    collection = choice.collection
    _show_query_inputs(collection)
    try:
        points = open_points(workspace, collection)
        drop_stale_choices(SLOT, points)
        layout, job = open_layout(points, choice.settings)
        map_query = _search(workspace, collection, points, layout)
    except RankscopeError as error:
        show_error(error)
        return
    clusters = None
    # drawn even if empty: a container that comes and goes would make the browser build the picture below anew
    with st.container(key="map-notes"):
        if job is not None:
            watch_projection(job, method_name(choice.settings))
        elif choice.colour == CLUSTER:
            clusters, cluster_job = open_clusters(points, layout)
            if cluster_job is not None:
                watch_projection(cluster_job, "The clusters")
        colors = color_points(workspace, collection, points, layout, choice.colour, map_query, clusters)
    hit_count = int(st.session_state["hits"])
    scene = Scene(workspace, collection, SLOT, points, layout, colors, map_query, clusters, hit_count)
    scene.send_points()
    st.fragment(_show_picture)(scene)
    _show_sample_size(points, layout)
    offer_files(scene)
    show_quality(points, layout)


def _show_query_inputs(collection: Collection) -> None:
    query, hits, rerank, pool = st.columns([3.6, 0.8, 1.2, 0.9], vertical_alignment="bottom")
    with query:
        query_input(placeholder="Ask a question: a star shows where it lands")
    hits.number_input("Hits", 1, 50, key="hits", persist_state="session", help="How many hits are lit and numbered.")
    rerank.toggle(
        "Rerank",
        key="rerank",
        persist_state="session",
        help="Numbers and colours of the hits then follow the cross-encoder's order.",
    )
    pool.number_input(
        "Pool",
        1,
        1000,
        key="pool",
        persist_state="session",
        step=10,
        disabled=not st.session_state["rerank"],
        help="How many of the bi-encoder's first hits the cross-encoder reads.",
    )
    with st.container(key="map-examples"):  # drawn even if empty: see show_one_map
        if collection.name == SAMPLE_COLLECTION:
            show_examples(st.session_state["q"])


def _search(workspace: Workspace, collection: Collection, points: Points, layout: Layout) -> MapQuery | None:
    query = st.session_state["q"].strip()
    rows = selected_rows(SLOT, points) if st.session_state.get(SEARCH_LIMITED) else []
    with st.container(key="map-limits"):  # drawn even if empty: see show_one_map
        if rows:
            note, button = st.columns([5, 1], vertical_alignment="center")
            note.caption(f":material/filter_alt: Searching only in the {plural(len(rows), 'chosen chunk')}.")
            button.button("Search everywhere", on_click=remove_search_limit, width="stretch")
    return search_on_map(workspace, collection, points, layout, query, rows) if query else None


def _show_picture(scene: Scene) -> None:
    """Draw the picture with what lies over it, and the panel: a fragment, so that a click draws only these anew."""
    points, xy, map_query = scene.points, scene.layout.xy, scene.map_query
    switches = _show_switches(scene)
    overlay = scene.overlay(switches.names)
    if rows := _rows_with_word(scene, st.container(key="map-word-found")):
        add_highlight(overlay, points, xy, rows, f"contain “{st.session_state['map-word']}”")
    if map_query is not None and switches.recent_queries:
        _add_recent_queries(overlay, scene)
    if map_query is not None and switches.errors:
        add_neighbour_errors(overlay, points, xy, map_query.star, map_query.overlap.false, map_query.overlap.missed)
    row = opened_row(SLOT, points)
    if row is not None:
        add_selected_chunk(overlay, points, xy, row, list(nearest_chunks(points, row)))
    picture, panel = st.columns([2.6, 1], gap="medium")
    with picture:
        scene.draw(overlay, zoom_count=st.session_state.get(ZOOM_COUNT, 0))
    with panel:
        show_panel(scene)


@dataclass(frozen=True)
class _Switches:
    errors: bool
    recent_queries: bool
    names: bool


def _show_switches(scene: Scene) -> _Switches:
    """Draw the switches for what lies over the points, those that have something to show."""
    errors, recent_queries, names = False, False, scene.clusters is not None
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.text_input(
            "Light a word",
            key="map-word",
            placeholder="Light a word",
            label_visibility="collapsed",
            width=190,
            icon=":material/highlight:",
        )
        if scene.map_query is not None:
            st.button(
                "Zoom to the query",
                icon=":material/my_location:",
                on_click=_zoom,
                help="A double click in the picture shows everything again.",
            )
            errors = st.toggle(
                "What it gets wrong",
                key="map-meter",
                value=True,
                help="Crosses: chunks that lie near the star and are not among the nearest in the full space. "
                "Dashed lines: chunks that are, and landed far away.",
            )
            recent_queries = st.toggle(
                "Trail",
                key="map-trail-on",
                help="Open stars for the queries that you asked before, each where it alone would land.",
            )
        if scene.clusters is not None:
            names = st.toggle(
                "Names",
                value=scene.map_query is None,
                key=f"map-names-{scene.map_query is None}",
                help="The words that tell a cluster from the others.",
            )
    return _Switches(errors, recent_queries, names)


def _zoom() -> None:
    st.session_state[ZOOM_COUNT] = st.session_state.get(ZOOM_COUNT, 0) + 1


def _rows_with_word(scene: Scene, note: DeltaGenerator) -> list[int]:
    """Return the rows of the chunks that contain the word to highlight, and say in ``note`` how many there are."""
    points = scene.points
    word = st.session_state.get("map-word", "").strip()
    if not word:
        return []
    chunk_ids = scene.workspace.store.chunk_ids_containing(scene.collection, word)
    rows = sorted(points.row_of[chunk_id] for chunk_id in chunk_ids if chunk_id in points.row_of)
    note.caption(
        f"{plural(len(rows), 'chunk')} of {len(points):,} contain “{word}”, lit in gold."
        if rows
        else f"No chunk contains “{word}”."
    )
    return rows


def _add_recent_queries(overlay: Overlay, scene: Scene) -> None:
    for query in remember_query(st.session_state["q"].strip()):
        vector = query_vector(scene.workspace, scene.collection, query)
        star = place_queries(scene.points, scene.layout, vector[None])[0]
        add_star(overlay, star, "queries before", faint=True, label=query)


def _show_sample_size(points: Points, layout: Layout) -> None:
    placed = int((~layout.fitted).sum())
    if placed:
        show_info(
            f"{int(layout.fitted.sum()):,} of the {len(points):,} chunks were laid out, a sample with chunks of every "
            f"document; the other {placed:,} were placed by their nearest neighbours among those."
        )
