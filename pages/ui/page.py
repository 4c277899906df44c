"""What every page is made of: its beginning, messages, tiles and charts, and the state that all visitors share."""

from __future__ import annotations

import re
from pathlib import Path

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.pages_manager import PagesManager

from core.errors import RankscopeError
from core.indexing.jobs import IndexingQueue
from core.settings import Settings, quiet_environment
from core.workspace import Workspace

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
# Streamlit replaces these after it has removed the backslashes: emoji and icons between colons, arrows and dashes
# between spaces, web and e-mail addresses.
_REPLACED_LATE = re.compile(
    r"(:(?=[\w+/-]+:)|(?<!\S)[<>~=-](?=[<>=-]{1,2}(?!\S))|https?:(?=//)|www(?=\.)|@)", re.IGNORECASE
)
_WORD_JOINER = "\u2060"  # invisible, no line break


def literal(text: str) -> str:
    """Return ``text`` as Markdown that shows exactly ``text``."""
    return _PUNCTUATION.sub(r"\\\1", _REPLACED_LATE.sub(rf"\1{_WORD_JOINER}", text))


def show_error(error: object) -> None:
    """Show an error message, its text taken literally."""
    st.error(literal(str(error)), icon=":material/error:")


def show_warning(text: str) -> None:
    """Show a warning, its text taken literally."""
    st.warning(literal(text), icon=":material/warning:")


def show_info(text: str) -> None:
    """Show a hint, its text taken literally."""
    st.info(literal(text), icon=":material/info:")


def show_tile(place: DeltaGenerator, name: str, value: str, caption: str, delta: str | None = None) -> None:
    """Draw a metric in a frame of its own, with a caption on how to read it."""
    with place.container(border=True, height="stretch"):
        st.metric(name, value, delta)
        st.caption(caption)


def show_chart(figure: go.Figure, key: str | None = None) -> None:
    """Draw a Plotly figure without its toolbar."""
    st.plotly_chart(figure, key=key, config={"displayModeBar": False})


_STYLE = f"<style>\n{Path(__file__).with_name('style.css').read_text(encoding='utf-8')}</style>"
_FIRST_RUN_DONE = "page-began"  # key in the session state
ICON = "🔎"  # an emoji: the browser would fetch a material icon from Google's servers


def begin_page(title: str) -> Workspace:
    """Set up the page and return the opened data folder; stop the page with a message where that fails.

    Every page calls this first.
    """
    _rerun_through_app()
    st.set_page_config(page_title=f"{title} · Rankscope", page_icon=ICON, layout="wide")
    st.html(_STYLE)
    quiet_environment()
    try:
        workspace = _workspace()
        jobs().resume(workspace)
    except RankscopeError as error:
        show_error(error)
        st.stop()
    return workspace


def _rerun_through_app() -> None:
    """Rerun through app.py where Streamlit ran the page's script alone.

    If a server's first visitor opens a deep link, as after a restart with a page still open, Streamlit has not seen
    ``st.navigation`` yet. It takes the folder ``pages`` for its older kind of multipage app, and lists the pages by
    their file names until the tab is reloaded. Only the first run of a session is repeated: a later one may answer a
    click, which would be lost.
    """
    first = not st.session_state.get(_FIRST_RUN_DONE)
    st.session_state[_FIRST_RUN_DONE] = True
    if first and PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


@st.cache_resource(show_spinner="Opening the data folder…")
def _workspace() -> Workspace:
    return Workspace.open(Settings.from_environment())


@st.cache_resource(show_spinner=False)
def jobs() -> IndexingQueue:
    """Return the queue of indexing jobs, which all visitors share."""
    return IndexingQueue()
