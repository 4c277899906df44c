"""One map: the picture, the query in it, and what is known of the chunk or the region that was chosen."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import RankscopeError
from core.projection.placement import place_queries
from core.projection.plots import HEIGHT, Overlay, add_highlight, add_neighbour_errors, add_selected_chunk, add_star
from core.projection.query import MapQuery
from core.projection.records import Layout, Points
from core.records.search import Collection
from core.samples.library import SAMPLE_COLLECTION
from core.util.formatting import plural
from core.workspace import Workspace
from pages.ui.collection_picker import show_examples
from pages.ui.map import panel
from pages.ui.map.component import Scene, draw_picture
from pages.ui.map.controls import CLUSTER, choose, clusters_of, paint
from pages.ui.map.data import (
    ONLY,
    ask,
    caught_here,
    forget_others,
    method_name,
    on_caught,
    on_clicked,
    open_layout,
    open_points,
    opened_here,
    query_vector,
    remember,
    search_everywhere,
    watch_projection,
)
from pages.ui.map.panel import offer_files, show_trust
from pages.ui.page import show_error, show_info

SLOT = "one"
ZOOMED = "map-zoomed"  # in the session: how often it was asked for


def show_one(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Draw the view."""
    wish = choose(workspace, collections)
    _question(wish.collection)
    try:
        points = open_points(workspace, wish.collection)
        forget_others(points)
        layout, work = open_layout(points, wish.settings)
        asked = _asked(workspace, wish.collection, points, layout)
    except RankscopeError as error:
        show_error(error)
        return
    # there even if empty: what comes and goes in it must not put the picture up anew
    with st.container(key="map-notes"):
        if work is not None:
            watch_projection(work, method_name(wish.settings))
        clusters, grouping = clusters_of(points, layout, wish.colour == CLUSTER and work is None)
        if grouping is not None:
            watch_projection(grouping, "The clusters")
        painting = paint(workspace, wish.collection, points, layout, wish.colour, asked, clusters)
    scene = Scene(workspace, wish.collection, points, layout, painting, asked, clusters, int(st.session_state["hits"]))
    scene.send(SLOT)
    st.fragment(_show)(scene)
    _say_size(points, layout)
    offer_files(scene)
    show_trust(points, layout)


def _question(collection: Collection) -> None:
    """What is asked. What comes and goes stands in a place of its own, so that the picture below stays where it is."""
    one, two, three, four = st.columns([3.6, 0.8, 1.2, 0.9], vertical_alignment="bottom")
    one.text_input(
        "Query",
        key="q",
        persist_state="session",
        placeholder="Ask a question: a star shows where it lands",
        icon=":material/search:",
    )
    two.number_input("Hits", 1, 50, key="hits", persist_state="session", help="How many hits are lit and numbered.")
    three.toggle(
        "Rerank",
        key="rerank",
        persist_state="session",
        help="Numbers and colours of the hits then follow the cross-encoder's order.",
    )
    four.number_input(
        "Pool",
        1,
        1000,
        key="pool",
        persist_state="session",
        step=10,
        disabled=not st.session_state["rerank"],
        help="How many of the bi-encoder's first hits the cross-encoder reads.",
    )
    with st.container(key="map-examples"):
        if collection.name == SAMPLE_COLLECTION:
            show_examples(st.session_state["q"])


def _asked(workspace: Workspace, collection: Collection, points: Points, layout: Layout) -> MapQuery | None:
    query = st.session_state["q"].strip()
    only = caught_here(SLOT, points) if st.session_state.get(ONLY) else []
    with st.container(key="map-limits"):
        _say_limit(only)
    return ask(workspace, collection, points, layout, query, only) if query else None


def _say_limit(only: list[int]) -> None:
    if only:
        said, button = st.columns([5, 1], vertical_alignment="center")
        said.caption(f":material/filter_alt: Searching only in the {plural(len(only), 'chosen chunk')}.")
        button.button("Search everywhere", on_click=search_everywhere, width="stretch")


def _show(scene: Scene) -> None:
    """The picture with what lies over it; a click draws this anew, and nothing else."""
    points, xy, asked = scene.points, scene.layout.xy, scene.asked
    switches = _switches(scene)
    overlay = scene.overlay(switches["names"])
    if lit := _word(scene, st.container(key="map-word-found")):
        add_highlight(overlay, points, xy, lit, f"contain “{st.session_state['map-word']}”")
    if asked is not None and switches["trail"]:
        _add_trail(overlay, scene)
    if asked is not None and switches["meter"]:
        add_neighbour_errors(overlay, points, xy, asked.star, asked.meter.false, asked.meter.missed)
    opened = opened_here(SLOT, points)
    if opened is not None:
        add_selected_chunk(overlay, points, xy, opened, list(panel.near_to(points, opened)))
    picture, beside = st.columns([2.6, 1], gap="medium")
    with picture:
        draw_picture(
            SLOT,
            scene.key,
            scene.collection.name,
            overlay,
            HEIGHT,
            f"{scene.collection.name}-map",
            on_clicked(SLOT),
            on_caught(SLOT),
            st.session_state.get(ZOOMED, 0),
        )
    with beside:
        panel.show_panel(scene, SLOT)


def _switches(scene: Scene) -> dict[str, bool]:
    """What lies over the points, as far as there is something to lie over them."""
    found = {"meter": False, "trail": False, "names": scene.clusters is not None}
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.text_input(
            "Light a word",
            key="map-word",
            placeholder="Light a word",
            label_visibility="collapsed",
            width=190,
            icon=":material/highlight:",
        )
        if scene.asked is not None:
            st.button(
                "Zoom to the query",
                icon=":material/my_location:",
                on_click=_zoom,
                help="A double click in the picture shows everything again.",
            )
            found["meter"] = st.toggle(
                "What it gets wrong",
                key="map-meter",
                value=True,
                help="Crosses: chunks that lie near the star and are not among the nearest in the full space. Dashed lines: chunks that are, and landed far away.",
            )
            found["trail"] = st.toggle(
                "Trail",
                key="map-trail-on",
                help="Open stars for the queries that you asked before, each where it alone would land.",
            )
        if scene.clusters is not None:
            found["names"] = st.toggle(
                "Names",
                value=scene.asked is None,
                key=f"map-names-{scene.asked is None}",
                help="The words that tell a cluster from the others.",
            )
    return found


def _zoom() -> None:
    st.session_state[ZOOMED] = st.session_state.get(ZOOMED, 0) + 1


def _word(scene: Scene, say: DeltaGenerator) -> list[int]:
    points = scene.points
    word = st.session_state.get("map-word", "").strip()
    if not word:
        return []
    found = scene.workspace.store.chunk_ids_containing(scene.collection, word)
    lit = sorted(points.row_of[chunk_id] for chunk_id in found if chunk_id in points.row_of)
    say.caption(
        f"{plural(len(lit), 'chunk')} of {len(points):,} contain “{word}”, lit in gold."
        if lit
        else f"No chunk contains “{word}”."
    )
    return lit


def _add_trail(overlay: Overlay, scene: Scene) -> None:
    for earlier in remember(st.session_state["q"].strip()):
        star = place_queries(
            scene.points, scene.layout, query_vector(scene.workspace, scene.collection, earlier)[None]
        )[0]
        add_star(overlay, star, "queries before", faint=True, label=earlier)


def _say_size(points: Points, layout: Layout) -> None:
    placed = int((~layout.fitted).sum())
    if placed:
        show_info(
            f"{int(layout.fitted.sum()):,} of the {len(points):,} chunks were laid out, a sample with chunks of every document; "
            f"the other {placed:,} were placed by their nearest neighbours among those."
        )
