"""Dialogs that rename a collection, or copy it with other settings."""

from __future__ import annotations

import streamlit as st

from core._part_arrivals import refuse_taken
from core._part_wanted import Wanted
from core.errors import RankscopeError
from core.records.search import METRICS, Collection, measure_name
from core.workspace import Workspace
from pages.ui._part_notices import literal, show_error
from pages.ui.library._part_library_errands import begin_copy
from pages.ui.library._part_preview_cutting import choose_cutting, in_words

OPENED = "shelf"  # the session's key for the collection whose documents are shown
NEXT = "shelf-next"  # the one to be shown from the next run on: a widget's own value cannot be set behind it


@st.dialog("Rename")
def ask_for_name(workspace: Workspace, collection: Collection) -> None:
    """Give a collection another name."""
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
def ask_for_copy(workspace: Workspace, collection: Collection) -> None:
    """Make a collection once more from its stored documents; nothing has to be brought again."""
    st.caption(f"The documents of {literal(collection.name)} are indexed once more, from the texts that are stored. Queries and judgments come along.")
    name = st.text_input("Name of the copy", f"{collection.name} copy", key="copy-to").strip()
    left, right = st.columns(2, gap="medium")
    model = left.text_input("Bi-encoder", collection.model, key="copy-model", help="The built-in model, a folder, or a Hugging Face id.").strip()
    metric = right.selectbox("Similarity measure", METRICS, METRICS.index(collection.metric), format_func=measure_name, key="copy-metric")
    cutting = collection.chunking
    st.caption(f"Cut now: {literal(in_words(cutting))}.")
    if st.toggle("Cut in another way", key="copy-cut"):
        try:
            with st.spinner("Loading the model…"):
                cutting = choose_cutting("copy", workspace.catalog.get(model or collection.model).budget)
        except RankscopeError as error:
            show_error(error)
            return
    other = cutting != collection.chunking
    wanted = Wanted(
        model if model not in ("", collection.model) else None, metric if metric != collection.metric else None,
        *((cutting.size, cutting.overlap, cutting.method, cutting.rows, cutting.percentile) if other else ()),
    )
    if st.button("Copy", type="primary"):
        try:
            refuse_taken(workspace, name)
        except RankscopeError as error:
            show_error(error)
            return
        begin_copy(workspace, collection, name, wanted)
        st.rerun()
