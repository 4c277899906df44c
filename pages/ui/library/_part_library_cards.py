"""The collections, a card each: what they are made with, how much is in them, and what can be done with them."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import streamlit as st

from core.errors import RankscopeError
from core.records.search import METHODS, Collection, measure_name
from core.store._part_disk import size_on_disk
from core.util.formatting import file_size, plural
from core.workspace import Workspace
from pages.ui._part_notices import show_error
from pages.ui.library._part_library_changing import OPENED, ask_for_copy, ask_for_name
from pages.ui.library._part_library_deleting import ask_to_delete
from pages.ui.library._part_library_errands import UNWRITABLE, begin_export

MANY = 9  # cards; more of them scroll
TALL = 640  # pixels
RENAME, COPY, EXPORT, DELETE = "Rename…", "Copy with other settings…", "Export", "Delete…"


def show_cards(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Draw the cards; what a menu asks for opens a dialog."""
    place = st.container(height=TALL if len(collections) > MANY else "content", border=False)
    with place, st.grid(3, min_column_width=240, gap="small"):
        for collection in collections.values():
            with st.container(border=True, key=f"card-{collection.key}"):
                _draw(workspace, collection)


def _draw(workspace: Workspace, collection: Collection) -> None:
    documents = workspace.shelf.count(collection.key)
    opened = st.session_state.get(OPENED) == collection.name
    st.html(card_html(collection, documents, _size(collection.key, collection.chunks, documents, workspace, collection), opened=opened))
    with st.container(horizontal=True):
        st.button("Open", key=f"open-{collection.key}", disabled=opened, icon=":material/folder_open:", on_click=_open, args=[collection.name])
        options = [DELETE] if collection.foreign else [RENAME, COPY, EXPORT, DELETE]
        asked = st.menu_button("More", options, key=f"more-{collection.key}", icon=":material/more_horiz:")
    if asked:
        _perform(workspace, collection, asked)


def _perform(workspace: Workspace, collection: Collection, asked: str) -> None:
    if asked == RENAME:
        ask_for_name(workspace, collection)
    elif asked == COPY:
        ask_for_copy(workspace, collection)
    elif asked == DELETE:
        ask_to_delete(workspace, collection)
    else:
        try:
            begin_export(workspace, collection)
        except RankscopeError as error:
            show_error(error)
            return
        except OSError as error:
            show_error(UNWRITABLE.format(error.strerror))
            return
        st.rerun()


def _open(name: str) -> None:
    st.session_state[OPENED] = name


@st.cache_data(max_entries=200, show_spinner=False)
def _size(key: str, chunks: int, documents: int, _workspace: Workspace, _collection: Collection) -> int | None:  # noqa: ARG001
    """How much disk a collection takes, measured again when its chunks or documents are others; None where that cannot be told."""
    try:
        return size_on_disk(_workspace, _collection)
    except RankscopeError:
        return None


def card_html(collection: Collection, documents: int, size: int | None, *, opened: bool) -> str:
    """Return a card as HTML."""
    amounts = [plural(documents, "document"), plural(collection.chunks, "chunk"), *([f"about {file_size(size)}"] if size is not None else [])]
    lines = [" · ".join(amounts)]
    if collection.foreign:
        lines += ["made by another program"]
    else:
        chunking = collection.chunking
        lines += [
            f"{collection.model}, {collection.dimension} dimensions · {measure_name(collection.metric)}",
            f"{METHODS[chunking.method].partition(':')[0]} · at most {chunking.size} tokens, {chunking.overlap} shared",
            f"made {collection.created[:16].replace('T', ' ')} UTC",
        ]
    said = "".join(f"<div>{escape(line)}</div>" for line in lines)
    return f'<div class="rs-card{" rs-opened" if opened else ""}"><div class="rs-document" dir="auto">{escape(collection.name)}</div><div class="rs-faint">{said}</div></div>'
