"""How every page begins, and what all visitors share."""

from __future__ import annotations

import re

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from core.errors import RankscopeError
from core.indexing.jobs import Jobs
from core.settings import Settings, quiet_environment
from core.workspace import Workspace

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
# Streamlit replaces these when the backslashes are gone: emoji and icons between colons, arrows and dashes
# between spaces, addresses of pages and people.
_LATE = re.compile(r"(:(?=[\w+/-]+:)|(?<!\S)[<>~=-](?=[<>=-]{1,2}(?!\S))|https?:(?=//)|www(?=\.)|@)", re.IGNORECASE)
_WORD_JOINER = "\u2060"  # invisible, no line break


def literal(text: str) -> str:
    """Return ``text`` as Markdown that shows exactly ``text``."""
    return _PUNCTUATION.sub(r"\\\1", _LATE.sub(rf"\1{_WORD_JOINER}", text))


def show_error(error: object) -> None:
    """Show what went wrong, word for word."""
    st.error(literal(str(error)), icon=":material/error:")


def show_warning(text: str) -> None:
    """Show what is not as it was asked for, word for word."""
    st.warning(literal(text), icon=":material/warning:")


def show_info(text: str) -> None:
    """Show what there is to know or to do, word for word."""
    st.info(literal(text), icon=":material/info:")


STYLE = """<style>
.block-container { padding-top: 3.2rem; padding-bottom: 4rem; max-width: 1500px; }
.rs-hit { line-height: 1.5; }
.rs-head { display: flex; gap: .75rem; align-items: baseline; }
.rs-from { flex: 1; min-width: 0; }
.rs-rank { font-size: 1.35rem; font-weight: 700; min-width: 1.2em; font-variant-numeric: tabular-nums; }
.rs-document { font-weight: 600; overflow-wrap: anywhere; }
.rs-place { margin-left: .6rem; opacity: .75; overflow-wrap: anywhere; }
.rs-score { white-space: nowrap; font-variant-numeric: tabular-nums; }
.rs-score b { font-size: 1.1rem; }
.rs-move { white-space: nowrap; font-weight: 600; font-variant-numeric: tabular-nums; border-radius: 3px; padding: 0 .45em; background: rgba(128,128,128,.16); }
.rs-up { background: rgba(13,148,136,.2); }
.rs-down { background: rgba(217,119,6,.22); }
.rs-cross b { color: #b4470f; }
.rs-verdict { padding: .1em .5em; border-radius: 3px; }
.rs-line { margin-bottom: .6rem; line-height: 1.45; }
.rs-track { height: 6px; border-radius: 3px; background: rgba(128,128,128,.22); margin: .35rem 0 .6rem; }
.rs-bar { height: 6px; border-radius: 3px; background: #2f6fdd; }
.rs-text { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext; max-width: 90ch; margin-inline: 0 auto; }
.rs-text mark { background: rgba(255, 196, 0, .38); color: inherit; border-radius: 3px; padding: 0 .1em; }
.rs-syntax { opacity: .35; }
.rs-heading { font-weight: 600; }
.rs-chunk { background: rgba(47,111,221,.14); border-radius: 3px; }
.rs-cutting { max-width: none; line-height: 1.65; }
.rs-cut { box-decoration-break: clone; -webkit-box-decoration-break: clone; padding: .12em 0; border-radius: 2px; }
.rs-cut-a { background: rgba(47,111,221,.16); }
.rs-cut-b { background: rgba(230,159,0,.2); }
.rs-cut-shared { background: repeating-linear-gradient(135deg, rgba(47,111,221,.24) 0 7px, rgba(230,159,0,.3) 7px 14px); }
.rs-cut:hover { outline: 2px solid rgba(128,128,128,.7); }
.rs-figures { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.rs-figures td, .rs-figures th { padding: .2rem 1.2rem .2rem 0; text-align: start; border-bottom: 1px solid rgba(128,128,128,.25); }
.rs-unread { opacity: .42; text-decoration: line-through; text-decoration-thickness: 1px; }
.rs-number { display: inline-block; font-size: .72rem; font-weight: 700; line-height: 1; padding: .2em .4em; margin: 0 .3em 0 .15em; border-radius: 3px; border-left: 3px solid currentColor; background: rgba(128,128,128,.22); font-variant-numeric: tabular-nums; vertical-align: .1em; }
.rs-carried { display: inline-block; font-size: .85em; opacity: .75; padding: 0 .4em; margin-inline-end: .3em; border: 1px dashed currentColor; border-radius: 3px; }
.rs-faint { opacity: .65; }
.rs-times { display: flex; gap: .25rem 1.4rem; flex-wrap: wrap; font-variant-numeric: tabular-nums; }
.rs-times span b { font-weight: 600; }
.rs-meta { font-size: .85rem; margin-top: .35rem; overflow-wrap: anywhere; }
.rs-card { line-height: 1.55; overflow-wrap: anywhere; }
.rs-card .rs-document { font-size: 1.05rem; margin-bottom: .15rem; }
.rs-card .rs-faint { font-size: .88rem; }
.rs-opened .rs-document { color: #2f6fdd; }
.rs-twins > div { margin-bottom: .35rem; }
[class*="st-key-map-hidden-"] { display: none; }
[class*="st-key-map-list-"] button { justify-content: flex-start; text-align: start; min-height: 1.7rem; padding-block: .1rem; }
[class*="st-key-map-list-"] { row-gap: .15rem; }
.st-key-examples { row-gap: 0; }
.st-key-examples button { min-height: 1.9rem; padding-block: 0; text-decoration: underline dotted; text-underline-offset: .25em; }
</style>"""

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
