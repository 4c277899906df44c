"""The collections in the Library: their cards, what a card's menu does, and import of a collection from elsewhere."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import streamlit as st

from core.errors import RankscopeError
from core.records.search import METHODS, METRICS, Collection, CollectionOptions, StoredDocument, measure_name
from core.util.formatting import file_size, plural
from core.workspace import Workspace
from pages.ui.library.preview import choose_chunking, chunking_text
from pages.ui.library.transfers import UNWRITABLE, exports_folder, start_copy, start_export, start_import
from pages.ui.page import literal, show_error

OPENED = "shelf"  # session key: the collection whose documents are shown
NEXT = "shelf-next"  # session key: the one to show from the next run on, as a widget's own key cannot be set after it
MAX_NAMED = 8  # documents that the dialog 'Delete?' names
MAX_CARDS = 9  # more of them scroll
CARDS_HEIGHT = 640  # pixels
RENAME, COPY, EXPORT, DELETE = "Rename…", "Copy with other settings…", "Export", "Delete…"
IMPORT_HELP = (
    "An export of Rankscope comes back with its vectors, to the same rankings. A BEIR data set (corpus.jsonl, "
    "queries.jsonl, qrels) is indexed and keeps its queries and judgments. A folder of Chroma's that another program "
    "made is copied, never written to."
)


def show_cards(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Draw a card for each collection; most entries of its menu open a dialog."""
    place = st.container(height=CARDS_HEIGHT if len(collections) > MAX_CARDS else "content", border=False)
    with place, st.grid(3, min_column_width=240, gap="small"):
        for collection in collections.values():
            with st.container(border=True, key=f"card-{collection.key}"):
                _show_card(workspace, collection)


def _show_card(workspace: Workspace, collection: Collection) -> None:
    documents = workspace.document_store.count(collection.key)
    opened = st.session_state.get(OPENED) == collection.name
    size = _size(collection.key, workspace.version(collection), documents, workspace, collection)
    st.html(card_html(collection, documents, size, opened=opened))
    with st.container(horizontal=True):
        st.button(
            "Open",
            key=f"open-{collection.key}",
            disabled=opened,
            icon=":material/folder_open:",
            on_click=_open,
            args=[collection.name],
        )
        options = [DELETE] if collection.foreign else [RENAME, COPY, EXPORT, DELETE]
        action = st.menu_button("More", options, key=f"more-{collection.key}", icon=":material/more_horiz:")
    if action:
        _run_action(workspace, collection, action)


def _run_action(workspace: Workspace, collection: Collection, action: str) -> None:
    if action == RENAME:
        _rename_dialog(workspace, collection)
    elif action == COPY:
        _copy_dialog(workspace, collection)
    elif action == DELETE:
        ask_to_delete(workspace, collection)
    else:
        try:
            start_export(workspace, collection)
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
def _size(key: str, version: str, documents: int, _workspace: Workspace, _collection: Collection) -> int | None:  # noqa: ARG001
    """Return a collection's bytes on disk, None if unknown; measured anew when its chunks or documents change."""
    try:
        return _workspace.size_on_disk(_collection)
    except RankscopeError:
        return None


def card_html(collection: Collection, documents: int, size: int | None, *, opened: bool) -> str:
    """Return a card as HTML: name, size, model and chunking."""
    amounts = [
        plural(documents, "document"),
        plural(collection.chunks, "chunk"),
        *([f"about {file_size(size)}"] if size is not None else []),
    ]
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
    details = "".join(f"<div>{escape(line)}</div>" for line in lines)
    return (
        f'<div class="rs-card{" rs-opened" if opened else ""}">'
        f'<div class="rs-document" dir="auto">{escape(collection.name)}</div>'
        f'<div class="rs-faint">{details}</div></div>'
    )


@st.dialog("Rename")
def _rename_dialog(workspace: Workspace, collection: Collection) -> None:
    """Ask for a new name and rename the collection."""
    name = st.text_input("New name", collection.name, key="rename-to").strip()
    if st.button("Rename", type="primary", disabled=name == collection.name):
        try:
            renamed = workspace.rename(collection.name, name)
        except RankscopeError as error:
            show_error(error)
            return
        st.session_state[NEXT] = renamed.name
        st.rerun()


@st.dialog("Copy with other settings", width="medium")
def _copy_dialog(workspace: Workspace, collection: Collection) -> None:
    """Ask for other settings and start a copy, which is indexed from the stored documents."""
    st.caption(
        f"The documents of {literal(collection.name)} are indexed once more, from the texts that are stored. "
        "Queries and judgments come along."
    )
    name = st.text_input("Name of the copy", f"{collection.name} copy", key="copy-to").strip()
    left, right = st.columns(2, gap="medium")
    model = left.text_input(
        "Bi-encoder", collection.model, key="copy-model", help="The built-in model, a folder, or a Hugging Face id."
    ).strip()
    metric = right.selectbox(
        "Similarity measure", METRICS, METRICS.index(collection.metric), format_func=measure_name, key="copy-metric"
    )
    chunking = collection.chunking
    st.caption(f"Cut now: {literal(chunking_text(chunking))}.")
    if st.toggle("Cut in another way", key="copy-cut"):
        try:
            with st.spinner("Loading the model…"):
                chunking = choose_chunking("copy", workspace.models.get(model or collection.model).budget)
        except RankscopeError as error:
            show_error(error)
            return
    options = CollectionOptions(
        model if model not in ("", collection.model) else None,
        metric if metric != collection.metric else None,
        *(
            (chunking.size, chunking.overlap, chunking.method, chunking.rows, chunking.percentile)
            if chunking != collection.chunking
            else ()
        ),
    )
    if st.button("Copy", type="primary"):
        try:
            workspace.check_name_is_free(name)
        except RankscopeError as error:
            show_error(error)
            return
        start_copy(workspace, collection, name, options)
        st.rerun()


@st.dialog("Delete?")
def ask_to_delete(
    workspace: Workspace, collection: Collection, documents: Sequence[StoredDocument] | None = None
) -> None:
    """Ask whether to delete documents of a collection, or the collection itself, and do it."""
    what = (
        plural(len(documents), "document")
        if documents
        else f"the collection {collection.name} with {plural(collection.chunks, 'chunk')}"
    )
    st.text(f"This deletes {what}. It cannot be undone; the files that were indexed stay where they are.")
    names = [f"· {document.name}" for document in (documents or [])[:MAX_NAMED]]
    more = len(documents or []) - len(names)
    if names:
        st.text("\n".join(names + ([f"and {more:,} more"] if more else [])))
    yes, no = st.columns(2)
    if no.button("Keep", width="stretch"):
        st.rerun()
    if yes.button("Delete", type="primary", width="stretch"):
        try:
            if documents:
                workspace.delete_documents(collection, [document.document_id for document in documents])
            else:
                workspace.delete_collection(collection.name)
        except RankscopeError as error:
            show_error(error)
            return
        st.rerun()


def offer_import(workspace: Workspace) -> None:
    """Draw the form that imports a collection."""
    number = st.session_state.setdefault("import-round", 0)
    with st.expander("Bring in a whole collection: an export, a BEIR data set, a Chroma folder"):
        st.caption(IMPORT_HELP)
        left, right = st.columns(2, gap="large")
        file = left.file_uploader("An export or a BEIR data set as a ZIP", type=["zip"], key=f"import-file-{number}")
        folder = left.text_input(
            "Or a file or folder on the machine where Rankscope runs",
            key=f"import-path-{number}",
            placeholder="/home/me/chroma",
        )
        name = right.text_input(
            "What it shall be called here", key=f"import-name-{number}", placeholder="as it was called"
        )
        model = right.text_input(
            "Model that made the vectors",
            key=f"import-model-{number}",
            placeholder="the one it names",
            help="A Chroma folder does not say which model made its vectors: name it. "
            "For a BEIR data set: the model that embeds it.",
        )
        origin = right.text_input(
            "Which collection of a Chroma folder", key=f"import-from-{number}", placeholder="the only one"
        )
        if not st.button("Bring in", icon=":material/move_to_inbox:", disabled=not (file or folder.strip())):
            return
        try:
            path = _write_upload(workspace, file.getvalue()) if file else Path(folder.strip()).expanduser()
        except OSError as error:
            show_error(UNWRITABLE.format(error.strerror))
            return
        start_import(workspace, path, name.strip(), model.strip(), origin.strip(), temporary=file is not None)
        st.session_state["import-round"] += 1  # an empty form
        st.rerun()


def _write_upload(workspace: Workspace, data: bytes) -> Path:
    """Write the upload to a file, which the import deletes. Raises OSError."""
    with tempfile.NamedTemporaryFile(dir=exports_folder(workspace.settings.data), suffix=".zip", delete=False) as file:
        file.write(data)
    return Path(file.name)
