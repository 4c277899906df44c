"""Hits on a page: their cards, the text around them, and reranking with a progress bar."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import DocumentNotFound
from core.models.cross_encoder import CrossEncoder
from core.records.document import short_hash
from core.records.search import Hit, SearchResult
from core.retrieval.search import rerank
from core.text.excerpts import context
from core.util.formatting import clip, plural
from core.workspace import Workspace
from pages.ui.html import context_html, hit_card
from pages.ui.page import show_error, show_warning

CACHE_KEY = "reranked"  # in the session state: the last few reranked results
MAX_CACHED = 4
BAR_INTERVAL = 0.15  # seconds between two updates of the progress bar


def show_hit(workspace: Workspace, result: SearchResult, hit: Hit, below: Callable[[], None] | None = None) -> None:
    """Draw one hit with its button 'Show in context', and what ``below`` draws under it."""
    with st.container(border=True, key=f"hit-{hit.rank}"):
        st.html(hit_card(hit, result.query, result.metric, max(hit.bi_score for hit in result.hits)))
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            if st.button("Show in context", key=f"context-{hit.chunk_id}", icon=":material/article:", type="tertiary"):
                open_context_dialog(workspace, result.query, hit)
            st.caption(f"characters {hit.start:,} to {hit.end:,} · {plural(hit.tokens, 'token')}", width="content")
        if below:
            below()


def show_notes(result: SearchResult) -> None:
    """Warn of what the models did not read of the query, or of the hits, and of words that they do not know."""
    for note in (*result.notes, *result.rerank_notes):
        show_warning(f"{note}.")


def show_unread(noted: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Warn of queries that a model does not read in full: of each what is not read. The first is quoted."""
    if noted:
        query, notes = noted[0]
        others = f" So with {plural(len(noted) - 1, 'more query', 'more queries')}." if noted[1:] else ""
        show_warning(f"“{clip(query, 60)}”: {'; '.join(notes)}.{others}")


def show_provisional_hits(place: DeltaGenerator, result: SearchResult) -> None:
    """Draw the bi-encoder's hits without buttons, to be read while the cross-encoder reranks them."""
    with place.container():
        for hit in result.hits:
            with st.container(border=True):
                st.html(hit_card(hit, result.query, result.metric, result.hits[0].bi_score))


@st.dialog("In context", width="medium")
def open_context_dialog(workspace: Workspace, query: str, hit: Hit) -> None:
    """Open a dialog that shows a chunk inside its document's surrounding text."""
    show_context(workspace, query, hit)


def show_context(workspace: Workspace, query: str, hit: Hit) -> None:
    """Draw a chunk inside its document's surrounding text."""
    try:
        document = workspace.document_store.document(hit.document_id)
    except DocumentNotFound as error:
        show_error(error)
        return
    page = f", page {hit.page} of {document.pages[-1].number}" if hit.page and document.pages else ""
    st.text(f"{hit.document}{page}")
    st.caption(f"The tinted chunk is characters {hit.start:,} to {hit.end:,} of {len(document.text):,}.")
    with st.container(height=480, border=True):
        st.html(context_html(context(document, hit.start, hit.end), query))


def load_reranker(workspace: Workspace) -> CrossEncoder:
    """Return the cross-encoder, loading it the first time. Raises ModelUnavailable or ModelError."""
    if workspace.models.has_reranker():
        return workspace.models.reranker()
    with st.spinner("Loading the cross-encoder…", show_time=True):
        return workspace.models.reranker()


def rerank_cached(workspace: Workspace, result: SearchResult, pool: int) -> SearchResult:
    """Return ``result`` with its first ``pool`` hits reranked, from the session's cache where it is there.

    A progress bar shows how many pairs have been scored. Raises ModelUnavailable or ModelError.
    """
    cache: dict[str, SearchResult] = st.session_state.setdefault(CACHE_KEY, {})
    key = _cache_key(workspace, result, pool)
    if key not in cache:
        reranker = load_reranker(workspace)
        total = min(pool, len(result.hits))
        bar = st.progress(0.0, text=f"Reranking: the cross-encoder reads {total} pairs…")
        last_update = time.monotonic()

        def report(done: int) -> None:
            nonlocal last_update
            if time.monotonic() - last_update > BAR_INTERVAL:
                last_update = time.monotonic()
                bar.progress(done / total, text=f"Reranking: {done} of {total} pairs read")

        try:
            cache[key] = rerank(result, reranker, pool, report)
        finally:
            bar.empty()
        while len(cache) > MAX_CACHED:
            cache.pop(next(iter(cache)))
    return cache[key]


def is_rerank_cached(workspace: Workspace, result: SearchResult, pool: int) -> bool:
    """Return whether ``rerank_cached`` would return at once."""
    return _cache_key(workspace, result, pool) in st.session_state.get(CACHE_KEY, {})


def _cache_key(workspace: Workspace, result: SearchResult, pool: int) -> str:
    """Hash the hits with their scores too, so that the hits of a changed collection are reranked anew.

    Two collections may have the same hits, with the same scores, but a result names its own.
    """
    return short_hash(
        workspace.settings.reranker,
        result.collection,
        result.model,
        *result.documents,
        *(condition.words for condition in result.filters),
        result.query,
        pool,
        result.metric,
        *(f"{hit.chunk_id} {hit.bi_score}" for hit in result.hits),
    )
