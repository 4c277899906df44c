"""The reader of the Library: a document's text a page or part at a time, its chunks tinted."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.chunking.preview import segments
from core.errors import RankscopeError
from core.library.document_view import Opened, Window, open_document, unknown_in_chunks
from core.models.tokenization import unreadable_chunks_note
from core.records.search import Collection, UnknownText
from core.util.formatting import clip, plural
from core.workspace import Workspace
from pages.ui.html import chunking_html, metadata_html
from pages.ui.library.documents import READING
from pages.ui.page import literal, show_error, show_warning

HEIGHT = 640  # pixels
MAX_UNSCROLLED = 15  # chunks; a table of more gets a fixed height


def show_reader(workspace: Workspace, collection: Collection, document_id: str) -> None:
    """Draw a document's text beside the list of its chunks."""
    st.button("Back to the documents", icon=":material/arrow_back:", on_click=_close)
    try:
        opened = _opened(collection.key, document_id, workspace, collection)
    except RankscopeError as error:
        show_error(error)
        return
    document, chunks = opened.document, opened.chunks
    st.subheader(literal(document.name), anchor=False)
    paged = f"{plural(len(document.pages), 'page')} · " if document.pages else ""
    st.caption(
        f"{paged}{plural(len(document.text), 'character')} · {plural(len(chunks), 'chunk')}. "
        "Neighbouring chunks are tinted in turn; what two of them share is striped."
    )
    if opened.metadata:
        st.html(metadata_html(opened.metadata))
    if document.notes:
        show_warning(f"What this text lacks, or has elsewhere than its file: {'; '.join(document.notes)}.")
    unknown = _unknown(collection.key, document_id, workspace, collection, opened)
    for note in unreadable_chunks_note(collection.model, unknown):
        show_warning(f"{note}.")
    left, right = st.columns([3, 2], gap="large")
    with right:
        _list_chunks(opened, document_id, unknown)
    with left:
        _show_window(opened, _choose_window(opened, document_id), unknown)


def _close() -> None:
    st.session_state.pop(READING, None)


@st.cache_resource(max_entries=4, show_spinner="Opening the document…")
def _opened(key: str, document_id: str, _workspace: Workspace, _collection: Collection) -> Opened:  # noqa: ARG001
    """Return a document opened. Never stale: in one collection another text or chunking is another document."""
    return open_document(_workspace, _collection, document_id)


@st.cache_resource(max_entries=4, show_spinner="Looking for words that the model does not know…")
def _unknown(
    key: str,  # noqa: ARG001 - the cache's key
    document_id: str,  # noqa: ARG001
    _workspace: Workspace,
    _collection: Collection,
    _opened: Opened,
) -> list[UnknownText | None]:
    """Return for every chunk what of it the model does not know; nothing where there is no model to tell."""
    try:
        return unknown_in_chunks(_workspace, _collection, _opened)
    except RankscopeError:
        return [None] * len(_opened.chunks)


def _choose_window(opened: Opened, document_id: str) -> Window:
    windows = opened.windows
    if len(windows) == 1:
        return windows[0]
    number = st.pagination(len(windows), key=_window_key(document_id))
    window = windows[number - 1]
    pages = opened.document.pages
    page = f"page {window.page} of {pages[-1].number} · " if window.page is not None else ""
    part = f"part {number} of {len(windows)} · " if len(windows) != len(pages) else ""  # a long page takes several
    st.caption(f"{part}{page}characters {window.start:,} to {window.end:,} of {len(opened.document.text):,}")
    return window


def _show_window(opened: Opened, window: Window, unknown: Sequence[UnknownText | None]) -> None:
    with st.container(height=HEIGHT, border=True):
        pieces = segments(opened.chunks, window.start, window.end)
        st.html(chunking_html(opened.document.text, opened.chunks, pieces, unknown))


def _window_key(document_id: str) -> str:
    return f"window-{document_id}"


def _list_chunks(opened: Opened, document_id: str, unknown: Sequence[UnknownText | None]) -> None:
    st.caption("Tick a chunk to go to its place in the text.")
    chunks = opened.chunks
    table = pd.DataFrame(
        {
            "chunk": range(1, len(chunks) + 1),
            **({"page": [chunk.page for chunk in chunks]} if opened.document.pages else {}),
            "tokens": [chunk.tokens for chunk in chunks],
            **({"words unknown": [one.unknown_words if one else 0 for one in unknown]} if any(unknown) else {}),
            "begins": [clip(chunk.text[:200], 80) for chunk in chunks],
            "heading": [chunk.heading or "" for chunk in chunks],
        }
    )
    key = f"chunks-{document_id}"
    st.dataframe(
        table,
        hide_index=True,
        height=HEIGHT if len(chunks) > MAX_UNSCROLLED else "auto",
        on_select=lambda: _go_to(opened, document_id, key),
        selection_mode="single-row",
        key=key,
        column_config={
            "chunk": st.column_config.NumberColumn(width="small"),
            "page": st.column_config.NumberColumn(width="small"),
            "tokens": st.column_config.NumberColumn(width="small"),
        },
    )


def _go_to(opened: Opened, document_id: str, key: str) -> None:
    """Show the window in which the selected chunk begins."""
    rows = st.session_state[key]["selection"]["rows"]
    if rows and rows[0] < len(opened.chunks):
        start = opened.chunks[rows[0]].start
        windows = opened.windows
        st.session_state[_window_key(document_id)] = next(
            number for number, window in enumerate(windows, 1) if start < window.end or number == len(windows)
        )
