"""A chunk that is read inside its document, over the map. Drawing the page anew closes a dialog, so what is done meanwhile waits."""

from __future__ import annotations

import streamlit as st

from core.records.search import Hit
from core.workspace import Workspace
from pages.ui.hits import in_context

_READING = "map-reading"  # in the session: whether the dialog is open


def note_closed() -> None:
    """Note that the dialog is closed: by its reader, or by the page that is drawn from its top."""
    st.session_state.pop(_READING, None)


def is_reading() -> bool:
    """Tell whether somebody reads a chunk in its document just now."""
    return _READING in st.session_state


def read_in_document(workspace: Workspace, query: str, hit: Hit) -> None:
    """Open a chunk inside its document's surrounding text."""
    st.session_state[_READING] = True
    _opened(workspace, query, hit)


@st.dialog("In context", width="medium", on_dismiss=note_closed)
def _opened(workspace: Workspace, query: str, hit: Hit) -> None:
    in_context(workspace, query, hit)
