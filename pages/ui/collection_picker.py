"""What every page that asks a collection begins with: which collections there are, and which one is asked."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.errors import RankscopeError
from core.records.search import Collection
from core.samples import library as samples
from core.samples.library import EXAMPLES, SAMPLE_COLLECTION, Question, questions
from core.workspace import Workspace
from pages.ui.jobs import show_jobs
from pages.ui.page import jobs, show_error, show_info, show_warning
from pages.ui.url_state import Value, read_address


def _examples() -> list[Question]:
    by_id = {question.id: question for question in questions()}
    return [by_id[example] for example in EXAMPLES]


def first_example() -> str:
    """Return the question that a first start shows."""
    return _examples()[0].question


def show_examples(query: str) -> None:
    """Draw the examples as buttons, and say of the one that was asked why it is easy or hard."""
    with st.container(horizontal=True, gap="small", key="examples", vertical_alignment="center"):
        st.caption("Try:", width="content")
        for example in _examples():
            st.button(
                example.question,
                key=f"example-{example.id}",
                on_click=_ask,
                args=[example.question],
                type="tertiary",
                help=example.kind,
            )
    asked = next((question for question in questions() if question.question == query.strip()), None)
    if asked:
        st.caption(f":material/lightbulb: **{asked.kind}**: {asked.why}")


def _ask(question: str) -> None:
    st.session_state["q"] = question


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
        show_info(
            "There is something to search as soon as the first documents are indexed: this page then shows it by itself."
        )
    else:
        show_info("There is nothing to search yet. Bring your own documents, or the sample library.")
        st.page_link("pages/library.py", label="Go to the Library", icon=":material/library_books:")


def read_question(collections: Mapping[str, Collection], more: Mapping[str, Value]) -> dict[str, Value]:
    """Put the address into the session state, mended where it asks for what there is not; return all defaults.

    ``more`` are the page's own parameters beside the query, the collection and the filter by document.
    """
    usual = SAMPLE_COLLECTION if SAMPLE_COLLECTION in collections else next(iter(collections))
    # an address without q means no query
    first_query = first_example() if usual == SAMPLE_COLLECTION and not st.query_params else ""
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
