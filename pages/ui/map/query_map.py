"""The view of many queries on one map: where they land, and which chunks none of them retrieves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

from core.errors import RankscopeError
from core.projection import coloring
from core.projection.placement import place_queries
from core.projection.plots import Overlay, add_highlight, add_star
from core.projection.query import retrieval_counts
from core.projection.records import Points
from core.records.search import Collection
from core.retrieval.reading import query_notes
from core.samples.library import SAMPLE_COLLECTION, questions
from core.util.arrays import Float32Array, Int64Array
from core.util.formatting import plural
from core.workspace import Workspace
from pages.ui.hits import show_unread
from pages.ui.map.component import Scene
from pages.ui.map.controls import choose
from pages.ui.map.data import (
    cached_in_session,
    drop_stale_choices,
    method_name,
    open_layout,
    open_points,
    watch_projection,
)
from pages.ui.map.panel import show_panel
from pages.ui.page import literal, show_error, show_info

SLOT = "many"
MAX_QUERIES = 500
TOP = 10  # of each query's ranking
OWN, SAMPLES, JUDGED = "my own list", "the sample questions", "the judged queries"


def show_query_map(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Draw the view."""
    choice = choose(workspace, collections, with_colour=False)
    collection = choice.collection
    queries = _choose_queries(workspace, collection)
    if not queries:
        show_info(
            "Paste some queries, one a line: the map then shows where they land, and which chunks none of them finds."
        )
        return
    try:
        points = open_points(workspace, collection)
        drop_stale_choices(SLOT, points)
        layout, job = open_layout(points, choice.settings)
        key = (collection.key, tuple(queries))
        vectors = cached_in_session("map-vectors", key, lambda: _encode(workspace, collection, queries))
        unread = cached_in_session("map-unread", key, lambda: _unread_queries(workspace, collection, queries))
    except RankscopeError as error:
        show_error(error)
        return
    with st.container(key="map-notes"):  # drawn even if empty: see one_map.py
        if job is not None:
            watch_projection(job, method_name(choice.settings))
    counts, retrieved = retrieval_counts(points, vectors, TOP)
    scene = Scene(workspace, collection, SLOT, points, layout, coloring.by_query_count(counts, TOP))
    scene.send_points()
    show_unread(unread)
    _show_coverage(points, counts, len(queries))
    stars = place_queries(points, layout, vectors)

    def draw() -> None:
        picture, beside = st.columns([2.6, 1], gap="medium")
        with beside:
            chosen = _show_queries(queries)
            show_panel(scene)
        overlay = Overlay()
        if chosen is None:
            for star in stars:
                add_star(overlay, star, "queries", faint=True)
        else:
            name = f"the first {TOP} of the chosen query"
            add_highlight(overlay, points, layout.xy, retrieved[chosen], name, size=11)
            add_star(overlay, stars[chosen], "the chosen query", label=queries[chosen])
        with picture:
            scene.draw(overlay, "queries")

    st.fragment(draw)()
    _show_unretrieved_documents(points, counts)


def _choose_queries(workspace: Workspace, collection: Collection) -> list[str]:
    """Draw the choice of queries and return the different ones, at most ``MAX_QUERIES``."""
    texts = list(workspace.judgments.queries(collection.key).values())
    sources = [*([SAMPLES] if collection.name == SAMPLE_COLLECTION else []), *([JUDGED] if texts else []), OWN]
    source = (
        st.segmented_control("Queries", sources, key="map-source", default=sources[0], required=True)
        if len(sources) > 1
        else OWN
    )
    if source == OWN:
        lines = st.text_area("Queries, one a line", key="map-queries", persist_state="session", height=120)
        texts = [line.strip() for line in lines.splitlines() if line.strip()]
    elif source == SAMPLES:
        texts = [question.question for question in questions()]
    queries = list(dict.fromkeys(texts))
    if len(queries) > MAX_QUERIES:
        st.caption(f"The first {MAX_QUERIES} of {len(queries):,} queries.")
    return queries[:MAX_QUERIES]


def _encode(workspace: Workspace, collection: Collection, queries: list[str]) -> Float32Array:
    """Return the queries' vectors, shape (queries, dimension)."""
    encoder = workspace.encoder(collection)
    with st.spinner(f"Encoding {plural(len(queries), 'query', 'queries')}…", show_time=True):
        return np.stack([encoder.encode_query(query) for query in queries]).astype(np.float32)


def _unread_queries(
    workspace: Workspace, collection: Collection, queries: list[str]
) -> list[tuple[str, tuple[str, ...]]]:
    """Return the queries of which the bi-encoder does not read all or does not know all words, each with its notes."""
    encoder = workspace.encoder(collection)
    return [(query, notes) for query in queries if (notes := query_notes(encoder, query))]


def _show_coverage(points: Points, counts: Int64Array, queries: int) -> None:
    retrieved = int((counts > 0).sum())
    share = retrieved / max(len(points), 1)
    st.markdown(
        f"The {plural(queries, 'query', 'queries')} bring up **{plural(retrieved, 'chunk')} of {len(points):,}** "
        f"({share:.0%}) among their first {TOP}; the grey ones never come up. Open stars: where each query lands."
    )


def _show_queries(queries: list[str]) -> int | None:
    """Draw the list of queries and return the index of the one that is ticked."""
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


def _show_unretrieved_documents(points: Points, counts: Int64Array) -> None:
    retrieved = {document for document, count in zip(points.documents, counts, strict=True) if count}
    unretrieved = sorted(set(points.documents) - retrieved)
    if unretrieved:
        with st.expander(f"{plural(len(unretrieved), 'document')} of which no chunk comes up"):
            st.markdown("\n".join(f"- {literal(name)}" for name in unretrieved[:200]))
    else:
        st.caption("Of every document some chunk comes up.")
