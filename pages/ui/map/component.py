"""The card at the mouse: texts come one at a time, when they are asked for."""

from __future__ import annotations

import streamlit as st

from core.errors import RankscopeError
from core.util.formatting import clip, plural
from core.workspace import Workspace
from pages.ui.map._part_map_picture import draw_card

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
            "collection": name, "id": hit.chunk_id, "document": hit.document, "text": clip(hit.text, LONGEST),
            "place": " · ".join(part for part in (f"page {hit.page}" if hit.page else "", hit.heading or "", plural(hit.tokens, "token")) if part),
        }
        for hit in hits
    ]
