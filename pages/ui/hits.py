"""Hits as a page shows and gives them out."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import DocumentNotFound
from core.models.cross_encoder import CrossEncoder
from core.records.document import short_hash
from core.records.search import Hit, SearchResult
from core.retrieval.search import rerank
from core.text.excerpts import context
from core.util.csv_safety import disarmed
from core.workspace import Workspace
from pages.ui.html import context_html, hit_card
from pages.ui.page import show_error


def show_hit(workspace: Workspace, result: SearchResult, hit: Hit, below: Callable[[], None] | None = None) -> None:
    """Draw one hit with its button 'Show in context', and what ``below`` draws under it."""
    with st.container(border=True, key=f"hit-{hit.rank}"):
        st.html(hit_card(hit, result.query, result.metric, max(hit.bi_score for hit in result.hits)))
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            if st.button("Show in context", key=f"context-{hit.rank}", icon=":material/article:", type="tertiary"):
                show_context(workspace, result.query, hit)
            st.caption(f"characters {hit.start:,} to {hit.end:,} · {hit.tokens} tokens", width="content")
        if below:
            below()


def show_preview(place: DeltaGenerator, result: SearchResult) -> None:
    """Draw hits without their buttons: what can be read until the final order is there."""
    with place.container():
        for hit in result.hits:
            with st.container(border=True):
                st.html(hit_card(hit, result.query, result.metric, result.hits[0].bi_score))


@st.dialog("In context", width="medium")
def show_context(workspace: Workspace, query: str, hit: Hit) -> None:
    """Open a chunk inside its document's surrounding text."""
    in_context(workspace, query, hit)


def in_context(workspace: Workspace, query: str, hit: Hit) -> None:
    """Draw a chunk inside its document's surrounding text."""
    try:
        document = workspace.shelf.document(hit.document_id)
    except DocumentNotFound as error:
        show_error(error)
        return
    page = f", page {hit.page} of {document.pages[-1].number}" if hit.page and document.pages else ""
    st.text(f"{hit.document}{page}")
    st.caption(f"The tinted chunk is characters {hit.start:,} to {hit.end:,} of {len(document.text):,}.")
    with st.container(height=480, border=True):
        st.html(context_html(context(document, hit.start, hit.end), query))


def hits_csv(result: SearchResult) -> str:
    """Return the hits as CSV, a line each, with nothing that a spreadsheet would run."""
    rows = [{"query": result.query, "collection": result.collection, **hit.as_json()} for hit in result.hits]
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, list(rows[0]) if rows else [], quoting=csv.QUOTE_NONNUMERIC)
    writer.writeheader()
    writer.writerows({name: disarmed(cell) for name, cell in row.items()} for row in rows)
    return table.getvalue()


KEPT = "reranked"  # in the session: the last few results
MOST_KEPT = 4
INTERVAL = 0.15  # seconds between two updates of the bar


def reranker_of(workspace: Workspace) -> CrossEncoder:
    """Return the cross-encoder, loading it the first time. Raises ModelUnavailable or ModelError."""
    if workspace.catalog.has_reranker():
        return workspace.catalog.reranker()
    with st.spinner("Loading the cross-encoder…", show_time=True):
        return workspace.catalog.reranker()


def is_reranked(workspace: Workspace, result: SearchResult, pool: int) -> bool:
    """Whether ``reranked`` has the answer already."""
    return _key(workspace, result, pool) in st.session_state.get(KEPT, {})


def reranked(workspace: Workspace, result: SearchResult, pool: int) -> SearchResult:
    """Return ``result`` with its first ``pool`` hits reranked; a bar shows how far that is.

    Raises ModelUnavailable or ModelError.
    """
    kept: dict[str, SearchResult] = st.session_state.setdefault(KEPT, {})
    key = _key(workspace, result, pool)
    if key not in kept:
        reranker = reranker_of(workspace)
        total = min(pool, len(result.hits))
        bar = st.progress(0.0, text=f"Reranking: the cross-encoder reads {total} pairs…")
        last = time.monotonic()

        def report(done: int) -> None:
            nonlocal last
            if time.monotonic() - last > INTERVAL:
                last = time.monotonic()
                bar.progress(done / total, text=f"Reranking: {done} of {total} pairs read")

        try:
            kept[key] = rerank(result, reranker, pool, report)
        finally:
            bar.empty()
        while len(kept) > MOST_KEPT:
            kept.pop(next(iter(kept)))
    return kept[key]


def _key(workspace: Workspace, result: SearchResult, pool: int) -> str:
    """The hits themselves, so that a changed collection is read again."""
    return short_hash(
        workspace.settings.reranker,
        result.query,
        pool,
        result.metric,
        *(f"{hit.chunk_id} {hit.bi_score}" for hit in result.hits),
    )
