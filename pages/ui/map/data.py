"""State and data behind the map's views: points, layouts, searches, and what is opened or selected in a slot.

A slot is the name of one picture on the page; its state in the session is kept under that name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, TypeVar, cast

import streamlit as st

from core.errors import RankscopeError
from core.projection.cache import load_neighbours, save_neighbours
from core.projection.jobs import ProjectionJob, ProjectionQueue
from core.projection.points import read_points
from core.projection.query import MapQuery, place_query, search_within
from core.projection.records import METHODS, Layout, LayoutSettings, Points
from core.records.document import short_hash
from core.records.search import Collection, Hit, SearchResult
from core.retrieval.reading import query_notes, with_unknown
from core.retrieval.search import search
from core.settings import Settings
from core.util.arrays import Float32Array
from core.util.formatting import duration
from core.vectors.neighbors import Neighbours, nearest_neighbours
from core.workspace import Workspace
from pages.ui.hits import rerank_cached, show_context
from pages.ui.jobs import show_progress, time_left, watch
from pages.ui.page import show_error

Callback = Callable[[], None]
Event = Literal["clicked", "selected"]
T = TypeVar("T")
DIALOG_OPEN = "map-reading"  # in the session while the dialog is open
SEARCH_LIMITED = "map-only"  # in the session while the search is limited to the selected chunks
RECENT_QUERIES = "map-trail"  # in the session, newest last
MAX_RECENT_QUERIES = 8


def cached_in_session(name: str, key: object, compute: Callable[[], T]) -> T:
    """Return the result of ``compute``, kept in the session under ``name`` for as long as ``key`` is the same."""
    cached = st.session_state.get(name)
    if cached is None or cached[0] != key:
        cached = st.session_state[name] = (key, compute())
    return cast(T, cached[1])


def note_dialog_closed() -> None:
    """Note that the dialog is closed, by the user or because the whole page is drawn anew."""
    st.session_state.pop(DIALOG_OPEN, None)


def is_dialog_open() -> bool:
    """Return whether a chunk is shown in its document just now."""
    return DIALOG_OPEN in st.session_state


def open_dialog(workspace: Workspace, query: str, hit: Hit) -> None:
    """Show a chunk within the surrounding text of its document."""
    st.session_state[DIALOG_OPEN] = True
    _context_dialog(workspace, query, hit)


@st.dialog("In context", width="medium", on_dismiss=note_dialog_closed)
def _context_dialog(workspace: Workspace, query: str, hit: Hit) -> None:
    show_context(workspace, query, hit)


def on_event(event: Event, slot: str, linked_slots: Sequence[str] = ()) -> Callback:
    """Return the callback for a click on a point or a selection by lasso or box in the picture ``slot``.

    A new choice clears those in ``linked_slots``.
    """

    def callback() -> None:
        value = (st.session_state.get(f"picture-{slot}") or {}).get(event)
        if not isinstance(value, dict) or value.get("slot") != slot:
            return
        for linked in linked_slots:
            close_chunk(linked)
            clear_selection(linked)
        if event == "clicked":
            open_chunk(slot, value["id"])
        else:
            close_chunk(slot)
            st.session_state[f"selected-{slot}"] = list(value["ids"])

    return callback


def open_chunk(slot: str, chunk_id: str) -> None:
    """Make a chunk the opened one."""
    st.session_state[f"opened-{slot}"] = chunk_id


def close_chunk(slot: str) -> None:
    """Close the opened chunk, if there is one."""
    st.session_state.pop(f"opened-{slot}", None)


def clear_selection(slot: str) -> None:
    """Clear the selection, and search all chunks again."""
    st.session_state.pop(f"selected-{slot}", None)
    remove_search_limit()


def limit_search() -> None:
    """Limit the next searches to the selected chunks."""
    st.session_state[SEARCH_LIMITED] = True


def remove_search_limit() -> None:
    """Search all chunks again."""
    st.session_state.pop(SEARCH_LIMITED, None)


def opened_row(slot: str, points: Points) -> int | None:
    """Return the row of the opened chunk, None if there is none."""
    return points.row_of.get(st.session_state.get(f"opened-{slot}", ""))


def selected_rows(slot: str, points: Points) -> list[int]:
    """Return the rows of the selected chunks, sorted."""
    chunk_ids = st.session_state.get(f"selected-{slot}", ())
    return sorted(points.row_of[chunk_id] for chunk_id in chunk_ids if chunk_id in points.row_of)


def drop_stale_choices(slot: str, points: Points) -> None:
    """Forget what was opened or selected in a collection that this slot no longer shows."""
    if opened_row(slot, points) is None:
        close_chunk(slot)
    if not selected_rows(slot, points):
        clear_selection(slot)


def query_vector(workspace: Workspace, collection: Collection, query: str) -> Float32Array:
    """Return the query's vector by the collection's bi-encoder, shape (dimension,)."""
    return workspace.encoder(collection).encode_query(query)


def search_on_map(
    workspace: Workspace, collection: Collection, points: Points, layout: Layout, query: str, rows: Sequence[int] = ()
) -> MapQuery:
    """Search, rerank if that is switched on, and place the query; ``rows``, if any, limit the search to these chunks.

    Raises what searching and reranking raise.
    """
    hits, pool = int(st.session_state["hits"]), int(st.session_state["pool"]) if st.session_state["rerank"] else 0
    with st.spinner("Searching… (the first search loads the model)", show_time=True):
        vector = query_vector(workspace, collection, query)
        if rows:
            result = _with_reading(
                workspace, collection, search_within(workspace, points, query, vector, rows, max(hits, pool))
            )
        else:
            result = search(workspace, collection.name, query, max(hits, pool))
    if pool and result.hits:
        result = rerank_cached(workspace, result, pool)
    return place_query(points, layout, vector, result)


def _with_reading(workspace: Workspace, collection: Collection, result: SearchResult) -> SearchResult:
    """Return ``result`` with what the bi-encoder does not read or know of query and hits, as a search's."""
    encoder = workspace.encoder(collection)
    hits = with_unknown(result.hits, encoder.tokens)
    return replace(result, hits=tuple(hits), notes=query_notes(encoder, result.query))


def remember_query(query: str) -> list[str]:
    """Add a query to the recent ones and return those before it, newest first."""
    recent = cast(list[str], st.session_state.setdefault(RECENT_QUERIES, []))
    if query in recent:
        recent.remove(query)
    recent.append(query)
    del recent[:-MAX_RECENT_QUERIES]
    return recent[-2::-1]


@st.cache_resource(show_spinner=False)
def projections() -> ProjectionQueue:
    """Return the queue of layouts, one for all visitors."""
    return ProjectionQueue(Settings.from_environment().data)


def open_points(workspace: Workspace, collection: Collection) -> Points:
    """Return the points of a collection, with a spinner while they are read. Raises what ``read_points`` raises."""
    names = [f"{key} {name}" for key, name in sorted(workspace.document_store.names(collection.key).items())]
    version = workspace.version(collection)
    key = short_hash(workspace.settings.data, collection.key, collection.name, version, *names)
    with st.spinner(f"Reading the vectors of {collection.name}…", show_time=True):
        return _points(workspace, collection, key)


@st.cache_resource(max_entries=4, show_spinner=False)
def _points(_workspace: Workspace, _collection: Collection, key: str) -> Points:  # noqa: ARG001 - the cache's key
    """Keep the points in memory while the collection does not change: 100,000 ids are slow to read at each click."""
    return read_points(_workspace, _collection)


def open_layout(points: Points, settings: LayoutSettings) -> tuple[Layout, ProjectionJob | None]:
    """Return the layout with these settings, or, while it is computed, the one by PCA and the job in progress.

    Raises MapError.
    """
    job = projections().request_layout(points, settings)
    if job.state == "done":
        return job.layout(), None
    return projections().request_layout(points, settings.with_method("pca")).layout(), job


def true_neighbours(points: Points, k: int) -> Neighbours:
    """Return the ``k`` nearest neighbours of every chunk in the full space, from the disk if UMAP stored as many."""
    data = projections().data
    neighbours = load_neighbours(data, points.digest, k)
    if neighbours is None:
        neighbours = nearest_neighbours(points.vectors, points.metric, k)
        save_neighbours(data, points.digest, neighbours)
    return neighbours


def watch_projection(job: ProjectionJob, name: str) -> None:
    """Draw the progress of a layout or of its clusters; once it is done, the page runs again and shows the result.

    The page does not run while the dialog is open, since that would close it.
    """
    awaited = [] if job.state in ("failed", "cancelled") else [job]
    watch(lambda: [job], lambda job: _draw_job(job, name), awaited=awaited, postpone=is_dialog_open)


def _draw_job(job: ProjectionJob, name: str) -> None:
    if job.active:
        stage = "waiting for the map before it" if job.state == "waiting" else job.stage or "beginning"
        elapsed = f"{duration(job.seconds)} so far{time_left(job)}"
        show_progress(job, f"{name}: {stage}, {elapsed}. Until then this is PCA's picture.", key=f"cancel-{name}")
    elif job.state == "done":
        if is_dialog_open():
            st.caption(f"{name}: done, drawn once the dialog is closed.")
    else:
        if job.state == "failed":
            show_error(f"{name} was not computed: {job.error}")
        else:
            st.caption(
                f"{name} was cancelled: this is PCA's picture. Change a setting, or press the button, to compute it."
            )
        if st.button(f"Compute {name}", icon=":material/refresh:", key=f"again-{name}"):
            _retry(job)


def _retry(job: ProjectionJob) -> None:
    try:
        projections().retry(job)
    except RankscopeError as error:
        show_error(error)
    else:
        st.rerun()


def method_name(settings: LayoutSettings) -> str:
    """Return the name of a layout method on the page."""
    return METHODS[settings.method]
