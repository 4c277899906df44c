"""Reranking on a page: with progress, and once for the same hits, whatever else is clicked."""

from __future__ import annotations

import time

import streamlit as st

from core.models.cross_encoder import CrossEncoder
from core.records.search import SearchResult, short_hash
from core.retrieval.search import rerank
from core.workspace import Workspace

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
    return short_hash(workspace.settings.reranker, result.query, pool, result.metric, *(f"{hit.chunk_id} {hit.bi_score}" for hit in result.hits))
