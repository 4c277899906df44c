"""Library: documents in, watched while they are indexed; the collections and what is in them."""

from __future__ import annotations

import streamlit as st

from core.samples.library import SAMPLE_COLLECTION
from pages.ui.collection_picker import index_samples, index_samples_on_first_start
from pages.ui.jobs import show_indexing
from pages.ui.library.collections import NEXT, OPENED, offer_import, show_cards
from pages.ui.library.documents import READING, show_collection
from pages.ui.library.reader import show_reader
from pages.ui.library.transfers import show_transfers
from pages.ui.library.upload import show_upload
from pages.ui.page import begin_page, jobs, show_info

workspace = begin_page("Library")

st.title("Library", anchor=False)
index_samples_on_first_start(workspace)
collections = {collection.name: collection for collection in workspace.store.collections()}
read_in, document_id = st.session_state.get(READING, ("", ""))
if read_in in collections:
    show_reader(workspace, collections[read_in], document_id)
    st.stop()
show_upload(workspace, collections)
if jobs().all():
    show_indexing()

st.subheader("Collections", anchor=False, divider="gray")
if (
    SAMPLE_COLLECTION not in collections
    and st.button("Add the sample library", icon=":material/add:")
    and index_samples(workspace)
):
    st.rerun()
offer_import(workspace)
show_transfers()
if not collections:
    show_info("There are no collections yet: drop files above and press Index.")
    st.stop()
if NEXT in st.session_state:
    st.session_state[OPENED] = st.session_state.pop(NEXT)
if st.session_state.get(OPENED) not in collections:
    st.session_state[OPENED] = next(iter(collections))
show_cards(workspace, collections)
st.subheader("Documents", anchor=False, divider="gray")
name = st.selectbox("Collection", list(collections), key=OPENED, persist_state="session", width=420)
show_collection(workspace, collections[name])
