"""BM25 over a collection's chunks, kept while the collection stays as it is."""

from __future__ import annotations

import streamlit as st

from core.records.search import Collection
from core.retrieval.bm25 import Bm25, best
from core.workspace import Workspace

DEEP = 200  # ranks that are given out


@st.cache_resource(max_entries=4, show_spinner="Counting words for BM25…")
def _index(_workspace: Workspace, _collection: Collection, key: str, chunks: int) -> tuple[list[str], Bm25]:  # noqa: ARG001
    found = _workspace.store.texts(_collection, _workspace.shelf.hidden(_collection.key))
    return list(found), Bm25.over(list(found.values()))


def bm25_ranks(workspace: Workspace, collection: Collection, query: str) -> dict[str, int]:
    """Return the rank of each of BM25's first chunks, by chunk id; those that share a word with the query."""
    ids, index = _index(workspace, collection, collection.key, collection.chunks)
    scores = index.scores(query)
    return {ids[at]: rank for rank, at in enumerate(best(scores, ids, DEEP), 1) if scores[at] > 0}
