"""The sample library, which a first start indexes by itself."""

from __future__ import annotations

import streamlit as st

from core.errors import RankscopeError
from core.samples import library as samples
from core.workspace import Workspace
from pages.ui._part_notices import show_error
from pages.ui.page import jobs


@st.cache_resource(show_spinner=False)
def _offered() -> list[str]:
    """Remembers, for as long as the app runs, that the samples were brought in: a person may delete them."""
    return []


def offer_samples(workspace: Workspace) -> None:
    """Index the sample library if there is no collection at all, or if a killed first start left it empty."""
    if _offered():
        return
    _offered().append(samples.SAMPLE_COLLECTION)
    found = {collection.name: collection for collection in workspace.store.collections()}
    coming = any(job.active and job.collection == samples.SAMPLE_COLLECTION for job in jobs().all())
    interrupted = samples.SAMPLE_COLLECTION in found and not found[samples.SAMPLE_COLLECTION].chunks and not coming
    if not found or interrupted:
        add_samples(workspace)


def add_samples(workspace: Workspace) -> bool:
    """Queue the indexing of the sample library; where that fails, say why and return False."""
    try:
        with st.spinner("Loading the model for the sample library…"):
            collection = workspace.open_or_create(samples.SAMPLE_COLLECTION)
        jobs().index(workspace, collection, samples.sources(), "replace")
    except RankscopeError as error:
        show_error(error)
        return False
    return True
