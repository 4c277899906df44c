"""How every page begins, and what all visitors share."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from core.errors import RankscopeError
from core.indexing.jobs import Jobs
from core.settings import Settings, quiet_environment
from core.workspace import Workspace
from pages.ui._part_notices import show_error
from pages.ui._part_style import STYLE

_BEGAN = "page-began"
ICON = "🔎"  # an emoji: the browser would fetch a material icon from Google's servers


def begin_page(title: str) -> Workspace:
    """Set up the page and return the opened data folder; stop with a plain message where that fails.

    Called first by every page.
    """
    _have_app_run()
    st.set_page_config(page_title=f"{title} · Rankscope", page_icon=ICON, layout="wide")
    st.html(STYLE)
    quiet_environment()
    try:
        workspace = _workspace()
        jobs().resume(workspace)
    except RankscopeError as error:
        show_error(error)
        st.stop()
    return workspace


def _have_app_run() -> None:
    """Start again with app.py where Streamlit ran the page alone.

    Where a server's first visitor comes by a deep link, as after a restart with a page still open, Streamlit has not yet met
    ``st.navigation``, takes the folder pages for its old way of many pages, and lists them by their files' names until the tab is loaded again.
    Only a visit's first run starts again: a later one may answer a click, which would be lost.
    """
    first = not st.session_state.get(_BEGAN)
    st.session_state[_BEGAN] = True
    if first and PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


@st.cache_resource(show_spinner="Opening the data folder…")
def _workspace() -> Workspace:
    return Workspace.open(Settings.from_environment())


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    """Return the queue of indexing runs, one for all visitors."""
    return Jobs()
