"""BM25 over a collection's chunks, indexed again when the chunks change."""

from __future__ import annotations

import streamlit as st

from core.records.search import Collection
from core.retrieval.bm25 import Bm25
from core.workspace import Workspace

DEPTH = 200  # ranks that are returned at most


@st.cache_resource(max_entries=4, show_spinner="Counting words for BM25…")
def _index(_workspace: Workspace, _collection: Collection, key: str, version: str) -> Bm25:  # noqa: ARG001 - the cache's key
    return Bm25.of_collection(_workspace, _collection)


def bm25_ranks(workspace: Workspace, collection: Collection, query: str) -> dict[str, int]:
    """Return the ranks of the first chunks that share a term with the query, by chunk id. Raises StoreError."""
    index = _index(workspace, collection, collection.key, workspace.version(collection))
    return {chunk_id: rank for rank, chunk_id in enumerate(index.rank(query, DEPTH), 1)}
