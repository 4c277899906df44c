"""Two maps side by side, of two collections over the same documents: what is chosen in one lights up in the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from core.errors import RankscopeError
from core.projection import coloring as painting
from core.projection.plots import Overlay, add_highlight, add_selected_chunk
from core.projection.query import overlapping_chunks
from core.projection.records import LayoutSettings
from core.records.search import Collection
from core.util.formatting import plural
from core.workspace import Workspace
from pages.ui.map.component import Called, Scene, draw_picture
from pages.ui.map.controls import choose
from pages.ui.map.data import (
    ask,
    caught_here,
    close_chunk,
    forget_others,
    let_go,
    method_name,
    open_layout,
    open_points,
    opened_here,
    told,
    watch_projection,
)
from pages.ui.map.panel import show_panel
from pages.ui.page import literal, show_error, show_info

SLOTS = ("left", "right")
HEIGHT = 520  # pixels


@dataclass(frozen=True)
class Side(Scene):
    """One of the two maps."""

    slot: str = ""


def show_two(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Draw the view."""
    wish = choose(workspace, collections, with_colour=False)
    others = _sharing(workspace, collections, wish.collection)
    if not others:
        show_info(
            f"No other collection holds documents of {wish.collection.name}. Index the same files once more with another model or another way to cut: "
            "on the Library page, 'Copy' does that."
        )
        return
    st.session_state.setdefault("map-other", others[0])
    if st.session_state["map-other"] not in others:
        st.session_state["map-other"] = others[0]
    one, two = st.columns([3, 2], vertical_alignment="bottom")
    one.text_input(
        "Query",
        key="q",
        persist_state="session",
        placeholder="Ask a question: a star shows where it lands on either map",
        icon=":material/search:",
    )
    other = collections[two.selectbox("Beside it", others, key="map-other", persist_state="session")]
    try:
        sides = _sides(workspace, (wish.collection, other), wish.settings)
    except RankscopeError as error:
        show_error(error)
        return
    for side in sides:
        side.send(side.slot)
    st.fragment(_show)(sides)


def _sharing(workspace: Workspace, collections: Mapping[str, Collection], collection: Collection) -> list[str]:
    """The names of the collections that hold at least one of the same documents."""
    own = {document.document_id for document in workspace.documents(collection)}
    return [
        other.name
        for other in collections.values()
        if other.key != collection.key and any(document.document_id in own for document in workspace.documents(other))
    ]


def _sides(workspace: Workspace, collections: Sequence[Collection], settings: LayoutSettings) -> list[Side]:
    """Both, the same documents or folders in the same colours."""
    held = [open_points(workspace, collection) for collection in collections]
    query, sides = st.session_state["q"].strip(), []
    for slot, collection, points, colours in zip(SLOTS, collections, held, painting.alike(*held), strict=True):
        forget_others(points, slot)
        layout, work = open_layout(points, settings)
        with st.container(key=f"map-notes-{slot}"):  # there even if empty: see one.py
            if work is not None:
                watch_projection(work, f"{method_name(settings)} of {collection.name}")
        asked = ask(workspace, collection, points, layout, query) if query else None
        sides.append(
            Side(
                workspace, collection, points, layout, colours, asked, None, int(st.session_state["hits"]), False, slot
            )
        )
    return sides


def _show(sides: list[Side]) -> None:
    """Both pictures; what is chosen in one is looked for in the other by document and span."""
    chosen = next(
        (
            side
            for side in sides
            if opened_here(side.slot, side.points) is not None or caught_here(side.slot, side.points)
        ),
        None,
    )
    for side, column in zip(sides, st.columns(2, gap="medium"), strict=True):
        overlay = side.overlay()
        if chosen is not None:
            _light(overlay, side, chosen)
        with column:
            st.markdown(f"**{literal(side.collection.name)}**")
            st.caption(
                f"{plural(len(side.points), 'chunk')} of {side.collection.chunking.size} tokens, {literal(side.collection.model)}"
            )
            draw_picture(
                side.slot,
                side.key,
                side.collection.name,
                overlay,
                HEIGHT,
                f"{side.collection.name}-map",
                _on(side, "clicked"),
                _on(side, "caught"),
            )
            if side.asked is not None:
                st.caption(f"{literal(side.asked.meter.sentence)}.")
    if chosen is None:
        st.caption(f"The same {sides[0].painting.title} has the same colour in both.")
        st.caption(
            ":material/touch_app: Click a chunk, or catch some by lasso, in either map: the same text lights up in the other."
        )
        return
    show_panel(chosen, chosen.slot)


def _light(overlay: Overlay, side: Side, chosen: Side) -> None:
    place = opened_here(chosen.slot, chosen.points)
    places = [place] if place is not None else caught_here(chosen.slot, chosen.points)
    if side is not chosen:
        add_highlight(
            overlay,
            side.points,
            side.layout.xy,
            overlapping_chunks(chosen.points, side.points, places),
            "the same text",
            size=12,
        )
    elif place is not None:
        add_selected_chunk(overlay, side.points, side.layout.xy, place, [])
    else:
        add_highlight(overlay, side.points, side.layout.xy, places, "chosen", size=12)


def _on(side: Side, event: str) -> Called:
    """What a click or a catch does: it is the choice of this map, and ends that of the other."""

    def note() -> None:
        said = told(side.slot, event)
        if said is None:
            return
        for slot in SLOTS:
            close_chunk(slot)
            let_go(slot)
        name, value = ("opened", said["id"]) if event == "clicked" else ("caught", list(said["ids"]))
        st.session_state[f"{name}-{side.slot}"] = value

    return note
