"""The points of a collection and where they lie: at once by PCA, by UMAP or t-SNE as soon as that is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import streamlit as st

from core.errors import RankscopeError
from core.projection.cache import load_neighbours, save_neighbours
from core.projection.jobs import ProjectionJob, ProjectionQueue
from core.projection.points import read_points
from core.projection.query import MapQuery, place_query, search_within
from core.projection.records import METHODS, Layout, LayoutSettings, Points
from core.records.document import short_hash
from core.records.search import Collection, Hit
from core.retrieval.search import search
from core.settings import Settings
from core.util.arrays import Float32Array
from core.util.formatting import duration
from core.vectors.neighbors import Neighbours, nearest_neighbours
from core.workspace import Workspace
from pages.ui.hits import rerank_cached, show_context
from pages.ui.jobs import show_progress, time_left, watch
from pages.ui.page import show_error

_READING = "map-reading"  # in the session: whether the dialog is open


def note_closed() -> None:
    """Note that the dialog is closed: by its reader, or by the page that is drawn from its top."""
    st.session_state.pop(_READING, None)


def is_reading() -> bool:
    """Tell whether somebody reads a chunk in its document just now."""
    return _READING in st.session_state


def read_in_document(workspace: Workspace, query: str, hit: Hit) -> None:
    """Open a chunk inside its document's surrounding text."""
    st.session_state[_READING] = True
    _opened(workspace, query, hit)


@st.dialog("In context", width="medium", on_dismiss=note_closed)
def _opened(workspace: Workspace, query: str, hit: Hit) -> None:
    show_context(workspace, query, hit)


ONLY = "map-only"  # whether the search is limited to the chosen chunks


def on_clicked(slot: str) -> Callable[[], None]:
    """Return what is to be done when a point of the map ``slot`` is clicked: it becomes the opened chunk."""

    def note() -> None:
        said = told(slot, "clicked")
        if said:
            open_chunk(slot, said["id"])

    return note


def on_caught(slot: str) -> Callable[[], None]:
    """Return what is to be done when points of the map ``slot`` were caught by lasso or box, or let go."""

    def note() -> None:
        said = told(slot, "caught")
        if said is not None:
            close_chunk(slot)
            st.session_state[f"caught-{slot}"] = list(said["ids"])

    return note


def told(slot: str, event: str) -> dict[str, Any] | None:
    """Return what the map ``slot`` told of an event while its callback runs, None where it told nothing."""
    state = st.session_state.get(f"picture-{slot}") or {}
    said = state.get(event)
    return said if isinstance(said, dict) and said.get("slot") == slot else None


def open_chunk(slot: str, chunk_id: str) -> None:
    """Make a chunk the opened one."""
    st.session_state[f"opened-{slot}"] = chunk_id


def close_chunk(slot: str) -> None:
    """Open no chunk."""
    st.session_state.pop(f"opened-{slot}", None)


def let_go(slot: str) -> None:
    """Choose no chunks."""
    st.session_state.pop(f"caught-{slot}", None)
    search_everywhere()


def search_here() -> None:
    """Limit the search to the chosen chunks."""
    st.session_state[ONLY] = True


def search_everywhere() -> None:
    """Take that limit off."""
    st.session_state.pop(ONLY, None)


def opened_here(slot: str, points: Points) -> int | None:
    """Return the place of the opened chunk, None where there is none."""
    return points.row_of.get(st.session_state.get(f"opened-{slot}", ""))


def caught_here(slot: str, points: Points) -> list[int]:
    """Return the places of the chunks that were caught, sorted."""
    return sorted(
        points.row_of[chunk_id] for chunk_id in st.session_state.get(f"caught-{slot}", ()) if chunk_id in points.row_of
    )


def forget_others(points: Points, slot: str = "one") -> None:
    """Let go of what was chosen in another collection."""
    if st.session_state.get(f"opened-{slot}") not in points.row_of:
        close_chunk(slot)
    if not caught_here(slot, points):
        let_go(slot)


TRAIL = "map-trail"  # in the session: queries of before, newest last
LONGEST_TRAIL = 8


def query_vector(workspace: Workspace, collection: Collection, query: str) -> Float32Array:
    """Return the query as the collection's bi-encoder sees it, shape (dimension,)."""
    return workspace.encoder(collection).encode_query(query)


def ask(
    workspace: Workspace, collection: Collection, points: Points, layout: Layout, query: str, only: Sequence[int] = ()
) -> MapQuery:
    """Search, rerank where that is switched on, and place the query; ``only`` limits the search to the chunks at these places.

    Raises what searching and reranking raise.
    """
    hits, pool = int(st.session_state["hits"]), int(st.session_state["pool"]) if st.session_state["rerank"] else 0
    with st.spinner("Searching… (the first search loads the model)", show_time=True):
        vector = query_vector(workspace, collection, query)
        if only:
            result = search_within(workspace, points, query, vector, only, max(hits, pool))
        else:
            result = search(workspace, collection.name, query, max(hits, pool))
    if pool and result.hits:
        result = rerank_cached(workspace, result, pool)
    return place_query(points, layout, vector, result)


def remember(query: str) -> list[str]:
    """Note a query, and return those before it, newest first."""
    trail = cast(list[str], st.session_state.setdefault(TRAIL, []))
    if query in trail:
        trail.remove(query)
    trail.append(query)
    del trail[:-LONGEST_TRAIL]
    return trail[-2::-1]


@st.cache_resource(show_spinner=False)
def projections() -> ProjectionQueue:
    """Return the queue of layouts, one for all visitors."""
    return ProjectionQueue(Settings.from_environment().data)


def open_points(workspace: Workspace, collection: Collection) -> Points:
    """Return the points of a collection; the first time that takes a while, which is shown. Raises what ``read_points`` raises."""
    names = workspace.document_store.names(collection.key)
    told = short_hash(
        workspace.settings.data,
        workspace.version(collection),
        *(f"{key} {name}" for key, name in sorted(names.items())),
    )
    with st.spinner(f"Reading the vectors of {collection.name}…", show_time=True):
        return _points(workspace, collection, collection.key, collection.name, told)


@st.cache_resource(max_entries=4, show_spinner=False)
def _points(_workspace: Workspace, _collection: Collection, key: str, name: str, told: str) -> Points:  # noqa: ARG001  # what they are known by
    """Kept in memory for as long as the collection does not change: 100,000 ids are not read again at each click."""
    return read_points(_workspace, _collection)


def open_layout(points: Points, settings: LayoutSettings) -> tuple[Layout, ProjectionJob | None]:
    """Return the layout that is asked for, or, while it is being computed, the one by PCA and the work in progress.

    Raises MapError.
    """
    work = projections().request_layout(points, settings)
    if work.state == "done":
        return work.layout(), None
    return projections().request_layout(points, settings.with_method("pca")).layout(), work


def true_neighbours(points: Points, k: int) -> Neighbours:
    """Return the nearest neighbours of every chunk in the full space, from the disk where UMAP needed as many."""
    data = projections().data
    found = load_neighbours(data, points.digest, k)
    if found is None:
        found = nearest_neighbours(points.vectors, points.metric, k)
        save_neighbours(data, points.digest, found)
    return found


def watch_projection(job: ProjectionJob, name: str) -> None:
    """Draw how far a layout or its clusters are; when they are done the page is drawn with them.

    The page is not drawn while somebody reads a chunk in the dialog, which would close.
    """
    awaited = [] if job.state in ("failed", "cancelled") else [job]
    watch(lambda: [job], lambda job: _draw(job, name), awaited=awaited, postpone=is_reading)


def _draw(job: ProjectionJob, name: str) -> None:
    if job.active:
        stage = "waiting for the map before it" if job.state == "waiting" else job.stage or "beginning"
        so_far = f"{duration(job.seconds)} so far{time_left(job)}"
        show_progress(job, f"{name}: {stage}, {so_far}. Until then this is PCA's picture.", key=f"cancel-{name}")
    elif job.state == "done":
        if is_reading():
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
    """Return what a method is called on the page."""
    return METHODS[settings.method]
