"""What every page that asks a collection begins with: which collections there are, and which one is asked."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.records.search import Collection
from core.samples.library import SAMPLE_COLLECTION
from core.workspace import Workspace
from pages.ui._part_examples import first_example
from pages.ui._part_notices import show_info, show_warning
from pages.ui._part_samples import offer_samples
from pages.ui.jobs import show_jobs
from pages.ui.page import jobs
from pages.ui.url_state import Value, read_address


def collections_to_ask(workspace: Workspace) -> dict[str, Collection]:
    """Return the collections that hold something, by name; where there is none, say what to do and stop the page."""
    offer_samples(workspace)
    indexing = any(job.active for job in jobs().all())
    if indexing or any(job.error for job in jobs().all()):
        show_jobs()
    collections = {collection.name: collection for collection in workspace.store.collections() if collection.chunks}
    if not collections:
        _say_what_to_do(indexing)
        st.stop()
    return collections


def _say_what_to_do(indexing: bool) -> None:
    if indexing:
        show_info("There is something to search as soon as the first documents are indexed: this page then shows it by itself.")
    else:
        show_info("There is nothing to search yet. Bring your own documents, or the sample library.")
        st.page_link("pages/library.py", label="Go to the Library", icon=":material/library_books:")


def read_question(collections: Mapping[str, Collection], more: Mapping[str, Value]) -> dict[str, Value]:
    """Put the address into the session state, mended where it asks for what there is not; return all defaults.

    ``more`` are the page's own parameters beside the query, the collection and the filter by document.
    """
    usual = SAMPLE_COLLECTION if SAMPLE_COLLECTION in collections else next(iter(collections))
    first_query = first_example() if usual == SAMPLE_COLLECTION and not st.query_params else ""  # an address without q means no query
    defaults: dict[str, Value] = {"q": first_query, "collection": usual, **more}
    for parameter in read_address(defaults):
        show_warning(f"The address says {parameter}, which cannot be read: it is passed over.")
    if (asked_for := st.session_state["collection"]) not in collections:
        show_warning(f"There is no collection “{asked_for}” with documents in it; this is {usual}.")
        st.session_state["collection"] = usual
        for key in ("documents", "where"):
            if key in st.session_state:
                st.session_state[key] = []
    return defaults


def keep_within(key: str, low: int, high: int, what: str) -> None:
    """Bring a number of the address into its bounds, and say so."""
    asked = st.session_state[key]
    if not low <= asked <= high:
        st.session_state[key] = min(max(asked, low), high)
        show_warning(f"The address asks for {asked} {what}; a page shows {low} to {high}.")
