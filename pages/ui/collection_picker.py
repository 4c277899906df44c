"""The top of every page that searches: which collections there are, the page's URL parameters, the query, the view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core.errors import RankscopeError
from core.records.search import Collection
from core.samples.library import EXAMPLES, SAMPLE_COLLECTION, Question, questions, sources
from core.workspace import Workspace
from pages.ui.jobs import show_indexing_briefly
from pages.ui.page import jobs, show_error, show_info, show_warning
from pages.ui.url_state import Value, is_in_new_address, read_address


def searchable_collections(workspace: Workspace) -> dict[str, Collection]:
    """Return the collections that have chunks, by name; if there is none, say what to do and stop the page."""
    index_samples_on_first_start(workspace)
    indexing = any(job.active for job in jobs().all())
    if indexing or any(job.error for job in jobs().all()):
        show_indexing_briefly()
    collections = {collection.name: collection for collection in workspace.store.collections() if collection.chunks}
    if not collections:
        if indexing:
            show_info(
                "There is something to search as soon as the first documents are indexed: "
                "this page then shows it by itself."
            )
        else:
            show_info("There is nothing to search yet. Bring your own documents, or the sample library.")
            st.page_link("pages/library.py", label="Go to the Library", icon=":material/library_books:")
        st.stop()
    return collections


def index_samples_on_first_start(workspace: Workspace) -> None:
    """Index the sample library if there is no collection at all, or if a killed first start left it empty.

    Tried once while the app runs, because a person may delete the samples.
    """
    tried = _samples_tried()
    if tried:
        return
    tried.append(SAMPLE_COLLECTION)
    collections = {collection.name: collection for collection in workspace.store.collections()}
    queued = any(job.active and job.collection == SAMPLE_COLLECTION for job in jobs().all())
    interrupted = SAMPLE_COLLECTION in collections and not collections[SAMPLE_COLLECTION].chunks and not queued
    if not collections or interrupted:
        index_samples(workspace)


@st.cache_resource(show_spinner=False)
def _samples_tried() -> list[str]:
    """Return the list that is empty until the samples were indexed, or found to be there, since the app started."""
    return []


def index_samples(workspace: Workspace) -> bool:
    """Queue the indexing of the sample library; if that fails, show why and return False."""
    try:
        with st.spinner("Loading the model for the sample library…"):
            collection = workspace.open_or_create(SAMPLE_COLLECTION)
        jobs().index(workspace, collection, sources(), "replace")
    except RankscopeError as error:
        show_error(error)
        return False
    return True


def read_parameters(collections: Mapping[str, Collection], more: Mapping[str, Value]) -> dict[str, Value]:
    """Read the URL's parameters into the session state, corrected where they name what does not exist.

    Return the defaults of all parameters. ``more`` are the defaults of the page's own parameters, beside the query
    and the collection.
    """
    default_collection = SAMPLE_COLLECTION if SAMPLE_COLLECTION in collections else next(iter(collections))
    # the first example is shown at a first visit alone: a URL with parameters but without q means no query
    first_visit = default_collection == SAMPLE_COLLECTION and not st.query_params
    defaults: dict[str, Value] = {
        "q": _examples()[0].question if first_visit else "",
        "collection": default_collection,
        **more,
    }
    for parameter in read_address(defaults):
        show_warning(f"The address says {parameter}, which cannot be read: it is passed over.")
    if (name := st.session_state["collection"]) not in collections:
        show_warning(f"There is no collection “{name}” with documents in it; this is {default_collection}.")
        st.session_state["collection"] = default_collection
        for key in ("documents", "where"):
            if key in st.session_state:
                st.session_state[key] = []
    return defaults


def clamp_parameter(key: str, low: int, high: int, what: str) -> None:
    """Bring a number of the URL into its bounds; show a warning if it was outside."""
    value = st.session_state[key]
    if not low <= value <= high:
        st.session_state[key] = min(max(value, low), high)
        show_warning(f"The address asks for {value} {what}; a page shows {low} to {high}.")


def choose_view(views: Sequence[str], key: str = "view") -> str:
    """Draw the choice of a page's view and return it; warn if the URL names a view that does not exist."""
    if st.session_state[key] not in views:
        if is_in_new_address(key):  # else it is the view of another page
            show_warning(f"There is no view “{st.session_state[key]}” of this page: it shows {', '.join(views)}.")
        st.session_state[key] = views[0]
    return str(
        st.segmented_control(
            "View", views, key=key, persist_state="session", label_visibility="collapsed", required=True
        )
    )


def query_input(key: str = "q", placeholder: str = "Ask a question, or type a few words") -> str:
    """Draw the field for a query and return what is typed."""
    return st.text_input(
        "Query",
        key=key,
        persist_state="session",
        placeholder=placeholder,
        icon=":material/search:",
    )


def queries_input(key: str, height: int = 140) -> list[str]:
    """Draw the field for several queries, one a line, and return the different ones in their order."""
    text = st.text_area(
        "Queries, one a line", key=key, persist_state="session", placeholder="one query a line", height=height
    )
    return list(dict.fromkeys(line.strip() for line in (text or "").splitlines() if line.strip()))


def show_examples(query: str) -> None:
    """Draw the example questions as buttons; if ``query`` is a sample question, say why it is easy or hard."""
    with st.container(horizontal=True, gap="small", key="examples", vertical_alignment="center"):
        st.caption("Try:", width="content")
        for example in _examples():
            st.button(
                example.question,
                key=f"example-{example.id}",
                on_click=_set_query,
                args=[example.question],
                type="tertiary",
                help=example.kind,
            )
    sample = next((question for question in questions() if question.question == query.strip()), None)
    if sample:
        st.caption(f":material/lightbulb: **{sample.kind}**: {sample.why}")


def _examples() -> list[Question]:
    by_id = {question.id: question for question in questions()}
    return [by_id[example] for example in EXAMPLES]


def _set_query(question: str) -> None:
    st.session_state["q"] = question
