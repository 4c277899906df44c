"""Many queries on one map: where is asked, and what never comes up."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

from core.errors import RankscopeError
from core.projection import coloring as painting
from core.projection.placement import place_queries
from core.projection.plots import HEIGHT, Overlay, add_highlight, add_star
from core.projection.query import retrieval_counts
from core.projection.records import Points
from core.records.search import Collection
from core.samples.library import SAMPLE_COLLECTION, questions
from core.util.arrays import Float32Array
from core.util.formatting import plural
from core.workspace import Workspace
from pages.ui.map.component import Scene, draw_picture
from pages.ui.map.controls import choose
from pages.ui.map.data import (
    forget_others,
    method_name,
    on_caught,
    on_clicked,
    open_layout,
    open_points,
    watch_projection,
)
from pages.ui.map.panel import show_panel
from pages.ui.page import literal, show_error, show_info

SLOT = "many"
MOST = 500  # queries
TOP = 10  # of each query's ranking
OWN, SAMPLES, JUDGED = "my own list", "the sample questions", "the judged queries"


def show_many(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Draw the view."""
    wish = choose(workspace, collections, with_colour=False)
    queries = _queries(workspace, wish.collection)
    if not queries:
        show_info(
            "Paste some queries, one a line: the map then shows where they land, and which chunks none of them finds."
        )
        return
    try:
        points = open_points(workspace, wish.collection)
        forget_others(points, SLOT)
        layout, work = open_layout(points, wish.settings)
        vectors = _vectors(workspace, wish.collection, queries)
    except RankscopeError as error:
        show_error(error)
        return
    with st.container(key="map-notes"):  # there even if empty: see one.py
        if work is not None:
            watch_projection(work, method_name(wish.settings))
    counts, found = retrieval_counts(points, vectors, TOP)
    colours = painting.by_query_count(counts, TOP)
    scene = Scene(workspace, wish.collection, points, layout, colours, None, None)
    scene.send(SLOT)
    _say_reach(points, counts, len(queries))
    stars = place_queries(points, layout, vectors)

    def draw() -> None:
        picture, beside = st.columns([2.6, 1], gap="medium")
        with beside:
            chosen = _list(queries)
            show_panel(scene, SLOT)
        overlay = Overlay()
        if chosen is None:
            _all_stars(overlay, stars)
        else:
            add_highlight(overlay, points, layout.xy, found[chosen], f"the first {TOP} of the chosen query", size=11)
            add_star(overlay, stars[chosen], "the chosen query", label=queries[chosen])
        with picture:
            draw_picture(
                SLOT,
                scene.key,
                wish.collection.name,
                overlay,
                HEIGHT,
                f"{wish.collection.name}-queries",
                on_clicked(SLOT),
                on_caught(SLOT),
            )

    st.fragment(draw)()
    _list_unfound(points, counts)


def _queries(workspace: Workspace, collection: Collection) -> list[str]:
    """The queries to place, each once."""
    judged = list(workspace.judgments.queries(collection.key).values())
    sources = [*([SAMPLES] if collection.name == SAMPLE_COLLECTION else []), *([JUDGED] if judged else []), OWN]
    source = (
        st.segmented_control("Queries", sources, key="map-source", default=sources[0], required=True)
        if len(sources) > 1
        else OWN
    )
    if source == OWN:
        text = st.text_area("Queries, one a line", key="map-queries", persist_state="session", height=120)
        judged = [line.strip() for line in text.splitlines() if line.strip()]
    elif source == SAMPLES:
        judged = [question.question for question in questions()]
    queries = list(dict.fromkeys(judged))
    if len(queries) > MOST:
        st.caption(f"The first {MOST} of {len(queries):,} queries.")
    return queries[:MOST]


def _vectors(workspace: Workspace, collection: Collection, queries: list[str]) -> Float32Array:
    """The queries' vectors, shape (queries, dimension), kept for the same list."""
    kept = st.session_state.get("map-vectors")
    key = (collection.key, tuple(queries))
    if kept is None or kept[0] != key:
        encoder = workspace.encoder(collection)
        with st.spinner(f"Encoding {plural(len(queries), 'query', 'queries')}…", show_time=True):
            kept = (key, np.stack([encoder.encode_query(query) for query in queries]).astype(np.float32))
        st.session_state["map-vectors"] = kept
    vectors: Float32Array = kept[1]
    return vectors


def _say_reach(points: Points, counts: np.ndarray, queries: int) -> None:
    found = int((counts > 0).sum())
    st.markdown(
        f"The {plural(queries, 'query', 'queries')} bring up **{plural(found, 'chunk')} of {len(points):,}** ({found / max(len(points), 1):.0%}) "
        f"among their first {TOP}; the grey ones never come up. Open stars: where each query lands."
    )


def _all_stars(overlay: Overlay, stars: Float32Array) -> None:
    for star in stars:
        add_star(overlay, star, "queries", faint=True)


def _list(queries: list[str]) -> int | None:
    """Return which query was ticked."""
    table = st.dataframe(
        {"query": queries},
        hide_index=True,
        height=250,
        on_select="rerun",
        selection_mode="single-row",
        key="map-chosen-query",
    )
    rows = table["selection"]["rows"]
    return rows[0] if rows and rows[0] < len(queries) else None


def _list_unfound(points: Points, counts: np.ndarray) -> None:
    """Documents of which no chunk ever comes up."""
    reached = {document for document, count in zip(points.documents, counts, strict=True) if count}
    never = sorted(set(points.documents) - reached)
    if never:
        with st.expander(f"{plural(len(never), 'document')} of which no chunk comes up"):
            st.markdown("\n".join(f"- {literal(name)}" for name in never[:200]))
    else:
        st.caption("Of every document some chunk comes up.")
