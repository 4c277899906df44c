"""Files from the browser into a collection."""

from __future__ import annotations

import streamlit as st

from core.errors import RankscopeError
from core.indexing import OnChange
from core.records import METRICS, ChunkSettings, Collection, measure_name
from core.samples import SAMPLE_COLLECTION
from core.sources import Upload
from core.wanted import Wanted
from core.wording import plural
from core.workspace import Workspace
from pages.shared.notices import show_error
from pages.shared.page import jobs

NEW = "New collection…"
POLICIES: dict[OnChange, str] = {"replace": "replaces the old version", "keep": "is kept beside it"}


def show_upload(workspace: Workspace, collections: dict[str, Collection]) -> None:
    """Draw the drop zone and the choice of collection; the button queues the indexing."""
    st.session_state.setdefault("upload-round", 0)
    if "made-collection" in st.session_state:
        st.session_state["into"] = st.session_state.pop("made-collection")
    files = st.file_uploader(
        "Drop documents here: PDF, Word, PowerPoint, Excel, HTML, Markdown, plain text",
        accept_multiple_files=True,
        key=f"files-{st.session_state['upload-round']}",
    )
    left, right = st.columns(2, gap="large")
    with left:
        own = [name for name, collection in collections.items() if not collection.foreign]
        usual = next((name for name in own if name != SAMPLE_COLLECTION), NEW)  # own documents do not belong among the samples
        choice = st.selectbox("Into the collection", [*own, NEW], key="into", index=[*own, NEW].index(usual))
        name = st.text_input("Name of the new collection", key="new-name", placeholder="For example: manuals") if choice == NEW else choice
    with right:
        on_change = st.radio("A changed file of the same name", list(POLICIES), format_func=lambda policy: POLICIES[policy], horizontal=True, key="policy")
    made = _new_settings(workspace) if choice == NEW else None
    label = f"Index {plural(len(files), 'file')}" if files else "Index"
    if st.button(label, type="primary", disabled=not files, icon=":material/input:", help=None if files else "Drop files first."):
        _start(workspace, name.strip(), [Upload(file.name, file.getvalue()) for file in files], on_change, made)


def _new_settings(workspace: Workspace) -> Wanted:
    """The settings of a new collection, fixed when it is made."""
    usual = ChunkSettings()
    with st.expander("Settings of the new collection (fixed once it is made)"):
        first, second, third, fourth = st.columns([2, 2, 1, 1])
        model = first.text_input("Bi-encoder", workspace.settings.model, key="new-model", help="The built-in model, a folder, or a Hugging Face id.")
        metric = second.selectbox("Similarity measure", METRICS, format_func=measure_name, key="new-metric", help="Cosine compares directions only and suits nearly every model.")
        size = third.number_input("Chunk size", 8, 8000, usual.size, key="new-size", help="Most tokens in a chunk. The built-in model reads 254.")
        overlap = fourth.number_input("Overlap", 0, 4000, usual.overlap, key="new-overlap", help="Tokens that neighbouring chunks share.")
    return Wanted(model, metric, int(size), int(overlap))


def _start(
    workspace: Workspace, name: str, uploads: list[Upload], on_change: OnChange, made: Wanted | None
) -> None:
    if not name:
        show_error("The new collection has no name yet: type one above")
        return
    try:
        with st.spinner("Loading the model…"):
            collection = workspace.open_or_create(name, made)
    except RankscopeError as error:
        show_error(error)
        return
    jobs().index(workspace, collection, uploads, on_change)
    st.session_state["upload-round"] += 1  # an empty drop zone
    st.session_state["made-collection"] = st.session_state["shelf"] = collection.name
    st.rerun()
