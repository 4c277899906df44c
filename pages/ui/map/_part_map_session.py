"""What was clicked and caught on a map: chunk ids in the session, since places shift."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.projection.records import Points

ONLY = "map-only"  # whether the search is limited to the chosen chunks


def on_clicked(slot: str) -> Callable[[], None]:
    """Return what is to be done when a point of the map ``slot`` is clicked: it becomes the opened chunk."""

    def note() -> None:
        said = told(slot, "clicked")
        if said:
            open_chunk(slot, said["id"])

    return note


def on_caught(slot: str) -> Callable[[], None]:
    """Return what is to be done when points of the map ``slot`` were caught by lasso or box, or let go."""

    def note() -> None:
        said = told(slot, "caught")
        if said is not None:
            close_chunk(slot)
            st.session_state[f"caught-{slot}"] = list(said["ids"])

    return note


def told(slot: str, event: str) -> dict[str, Any] | None:
    """Return what the map ``slot`` told of an event while its callback runs, None where it told nothing."""
    state = st.session_state.get(f"picture-{slot}") or {}
    said = state.get(event)
    return said if isinstance(said, dict) and said.get("slot") == slot else None


def open_chunk(slot: str, chunk_id: str) -> None:
    """Make a chunk the opened one."""
    st.session_state[f"opened-{slot}"] = chunk_id


def close_chunk(slot: str) -> None:
    """Open no chunk."""
    st.session_state.pop(f"opened-{slot}", None)


def let_go(slot: str) -> None:
    """Choose no chunks."""
    st.session_state.pop(f"caught-{slot}", None)
    search_everywhere()


def search_here() -> None:
    """Limit the search to the chosen chunks."""
    st.session_state[ONLY] = True


def search_everywhere() -> None:
    """Take that limit off."""
    st.session_state.pop(ONLY, None)


def opened_here(slot: str, points: Points) -> int | None:
    """Return the place of the opened chunk, None where there is none."""
    return points.place_of.get(st.session_state.get(f"opened-{slot}", ""))


def caught_here(slot: str, points: Points) -> list[int]:
    """Return the places of the chunks that were caught, sorted."""
    return sorted(points.place_of[chunk_id] for chunk_id in st.session_state.get(f"caught-{slot}", ()) if chunk_id in points.place_of)


def forget_others(points: Points, slot: str = "one") -> None:
    """Let go of what was chosen in another collection."""
    if st.session_state.get(f"opened-{slot}") not in points.place_of:
        close_chunk(slot)
    if not caught_here(slot, points):
        let_go(slot)
