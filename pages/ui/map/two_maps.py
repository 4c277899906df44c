"""The view of two collections with the same documents, side by side: what is chosen in one is marked in the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core.errors import RankscopeError
from core.projection import coloring
from core.projection.plots import Overlay, add_highlight, add_selected_chunk
from core.projection.query import overlapping_chunks
from core.projection.records import LayoutSettings
from core.records.search import Collection
from core.util.formatting import plural
from core.workspace import Workspace
from pages.ui.collection_picker import query_input
from pages.ui.map.component import Scene
from pages.ui.map.controls import choose
from pages.ui.map.data import (
    drop_stale_choices,
    method_name,
    open_layout,
    open_points,
    opened_row,
    search_on_map,
    selected_rows,
    watch_projection,
)
from pages.ui.map.panel import show_panel
from pages.ui.page import literal, show_error, show_info

SLOTS = ("left", "right")
HEIGHT = 520  # pixels


def show_two_maps(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Draw the view."""
    choice = choose(workspace, collections, with_colour=False)
    others = _collections_sharing_documents(workspace, collections, choice.collection)
    if not others:
        show_info(
            f"No other collection holds documents of {choice.collection.name}. Index the same files once more with "
            "another model or another way to cut: on the Library page, 'Copy' does that."
        )
        return
    if st.session_state.get("map-other") not in others:
        st.session_state["map-other"] = others[0]
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        query = query_input(placeholder="Ask a question: a star shows where it lands on either map").strip()
    other = collections[right.selectbox("Beside it", others, key="map-other", persist_state="session")]
    try:
        scenes = _scenes(workspace, (choice.collection, other), choice.settings, query)
    except RankscopeError as error:
        show_error(error)
        return
    for scene in scenes:
        scene.send_points()
    st.fragment(_show_pictures)(scenes)


def _collections_sharing_documents(
    workspace: Workspace, collections: Mapping[str, Collection], collection: Collection
) -> list[str]:
    """Return the names of the other collections that hold at least one of the same documents."""
    ids = {document.document_id for document in workspace.documents(collection)}
    return [
        other.name
        for other in collections.values()
        if other.key != collection.key and any(document.document_id in ids for document in workspace.documents(other))
    ]


def _scenes(
    workspace: Workspace, collections: Sequence[Collection], settings: LayoutSettings, query: str
) -> list[Scene]:
    """Return both maps, the same documents or folders in the same colours."""
    points_of_both = [open_points(workspace, collection) for collection in collections]
    colorings, hit_count, scenes = coloring.shared_categories(*points_of_both), int(st.session_state["hits"]), []
    for slot, collection, points, colors in zip(SLOTS, collections, points_of_both, colorings, strict=True):
        drop_stale_choices(slot, points)
        layout, job = open_layout(points, settings)
        with st.container(key=f"map-notes-{slot}"):  # drawn even if empty: see one_map.py
            if job is not None:
                watch_projection(job, f"{method_name(settings)} of {collection.name}")
        map_query = search_on_map(workspace, collection, points, layout, query) if query else None
        scenes.append(
            Scene(workspace, collection, slot, points, layout, colors, map_query, hit_count=hit_count, legend=False)
        )
    return scenes


def _show_pictures(scenes: list[Scene]) -> None:
    """Draw both pictures and the panel of the one in which something is chosen: a fragment."""
    chosen = next((scene for scene in scenes if _chosen_rows(scene)), None)
    for scene, column in zip(scenes, st.columns(2, gap="medium"), strict=True):
        collection, overlay = scene.collection, scene.overlay()
        if chosen is not None:
            _mark_chosen(overlay, scene, chosen)
        with column:
            st.markdown(f"**{literal(collection.name)}**")
            chunks = plural(len(scene.points), "chunk")
            st.caption(f"{chunks} of {collection.chunking.size} tokens, {literal(collection.model)}")
            scene.draw(overlay, height=HEIGHT, linked_slots=SLOTS)
            if scene.map_query is not None:
                st.caption(f"{literal(scene.map_query.overlap.sentence)}.")
    if chosen is not None:
        show_panel(chosen)
        return
    st.caption(f"The same {scenes[0].coloring.title} has the same colour in both.")
    st.caption(
        ":material/touch_app: Click a chunk, or catch some by lasso, in either map: the same text lights up in the "
        "other."
    )


def _chosen_rows(scene: Scene) -> list[int]:
    """Return the row of the opened chunk, or the rows of the selected ones."""
    row = opened_row(scene.slot, scene.points)
    return selected_rows(scene.slot, scene.points) if row is None else [row]


def _mark_chosen(overlay: Overlay, scene: Scene, chosen: Scene) -> None:
    """Mark the chunks that are chosen in the scene ``chosen``, in the other scene those with overlapping spans."""
    rows, points, xy = _chosen_rows(chosen), scene.points, scene.layout.xy
    if scene is not chosen:
        add_highlight(overlay, points, xy, overlapping_chunks(chosen.points, points, rows), "the same text", size=12)
    elif opened_row(chosen.slot, points) is not None:
        add_selected_chunk(overlay, points, xy, rows[0], [])
    else:
        add_highlight(overlay, points, xy, rows, "chosen", size=12)
