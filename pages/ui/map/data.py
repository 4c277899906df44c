"""The points of a collection and where they lie: at once by PCA, by UMAP or t-SNE as soon as that is computed."""

from __future__ import annotations

import streamlit as st

from core.errors import RankscopeError
from core.projection._part_projection_job import Projection
from core.projection.cache import keep_neighbours, kept_neighbours
from core.projection.jobs import Projections
from core.projection.points import read_points
from core.projection.records import METHODS, Layout, LayoutSettings, Neighbours, Points
from core.records.search import Collection, short_hash
from core.settings import Settings
from core.util.formatting import duration
from core.vectors.neighbors import nearest
from core.workspace import Workspace
from pages.ui._part_notices import show_error
from pages.ui.map._part_map_reading import is_reading

POLL = 0.7  # seconds


@st.cache_resource(show_spinner=False)
def projections() -> Projections:
    """Return the queue of layouts, one for all visitors."""
    return Projections(Settings.from_environment().data)


def open_points(workspace: Workspace, collection: Collection) -> Points:
    """Return the points of a collection; the first time that takes a while, which is shown. Raises what ``read_points`` raises."""
    names = workspace.shelf.names(collection.key)
    told = short_hash(workspace.settings.data, workspace.store.version(collection), *sorted(workspace.shelf.hidden(collection.key)), *(f"{key} {name}" for key, name in sorted(names.items())))
    with st.spinner(f"Reading the vectors of {collection.name}…", show_time=True):
        return _points(workspace, collection, collection.key, collection.name, told)


@st.cache_resource(max_entries=4, show_spinner=False)
def _points(_workspace: Workspace, _collection: Collection, key: str, name: str, told: str) -> Points:  # noqa: ARG001  # what they are known by
    """Kept in memory for as long as the collection does not change: 100,000 ids are not read again at each click."""
    return read_points(_workspace, _collection)


def open_layout(points: Points, settings: LayoutSettings) -> tuple[Layout, Projection | None]:
    """Return the layout that is asked for, or, while it is being computed, the one by PCA and the work in progress.

    Raises MapError.
    """
    work = projections().ask(points, settings)
    if work.state == "done":
        return work.layout(), None
    return projections().ask(points, settings.by("pca")).layout(), work


def true_neighbours(points: Points, k: int) -> Neighbours:
    """Return the nearest neighbours of every chunk in the full space, from the disk where UMAP needed as many."""
    data = projections().data
    found = kept_neighbours(data, points.digest, k)
    if found is None:
        found = nearest(points.vectors, points.metric, k)
        keep_neighbours(data, points.digest, found)
    return found


def watch(work: Projection, name: str) -> None:
    """Show how far a layout is, anew every moment; when it is over, the page is drawn with it."""
    st.fragment(_draw, run_every=POLL if work.active else None)(work, name)


def _draw(work: Projection, name: str) -> None:
    if work.state == "done":
        if not is_reading():
            st.rerun()
        st.caption(f"{name}: done, drawn once the dialog is closed.")
        return
    if not work.active:
        _say_why_not(work, name)
        return
    bar, button = st.columns([6, 1], vertical_alignment="center")
    left = "" if work.left is None else f", about {duration(work.left)} left"
    stage = "waiting for the map before it" if work.state == "waiting" else work.stage or "beginning"
    bar.progress(min(max(work.share, 0.0), 1.0), text=f"{name}: {stage}, {duration(work.seconds)} so far{left}. Until then this is PCA's picture.")
    button.button("Cancel", key=f"cancel-{name}", on_click=work.cancel, width="stretch")


def _say_why_not(work: Projection, name: str) -> None:
    if work.state == "failed":
        show_error(f"{name} was not computed: {work.error}")
    else:
        st.caption(f"{name} was cancelled: this is PCA's picture. Change a setting, or press the button, to compute it.")
    st.button(f"Compute {name}", icon=":material/refresh:", key=f"again-{name}", on_click=_again, args=[work])


def _again(work: Projection) -> None:
    try:
        projections().again(work)
    except RankscopeError as error:
        show_error(error)


def method_name(settings: LayoutSettings) -> str:
    """Return what a method is called on the page."""
    return METHODS[settings.method]
