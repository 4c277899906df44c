"""Library: documents in, watched while they are indexed; the collections and what is in them."""

from __future__ import annotations

import streamlit as st

from core.samples import SAMPLE_COLLECTION
from pages.shared.notices import show_info
from pages.shared.page import begin_page, jobs
from pages.shared.progress import show_jobs
from pages.shared.samples import add_samples, offer_samples
from pages.shared.shelves import show_collection
from pages.shared.upload import show_upload

workspace = begin_page("Library")

st.title("Library", anchor=False)
offer_samples(workspace)
collections = {collection.name: collection for collection in workspace.store.collections()}
show_upload(workspace, collections)
if jobs().all():
    show_jobs()

st.subheader("Collections", anchor=False, divider="gray")
if SAMPLE_COLLECTION not in collections and st.button("Add the sample library", icon=":material/add:") and add_samples(workspace):
    st.rerun()
if not collections:
    show_info("There are no collections yet: drop files above and press Index.")
    st.stop()
if st.session_state.get("shelf") not in collections:
    st.session_state["shelf"] = next(iter(collections))
name = st.selectbox("Collection", list(collections), key="shelf", persist_state="session", width=420)
show_collection(workspace, collections[name])
