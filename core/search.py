"""A query into ranked hits, with the time of every stage."""

from __future__ import annotations

import time
from collections.abc import Sequence

from core.errors import QueryError
from core.records import SearchResult, Timings
from core.workspace import Workspace

MOST_HITS = 1000
LONGEST_QUERY = 10_000  # characters


def search(
    workspace: Workspace, collection_name: str, query: str, top_k: int = 10, documents: Sequence[str] = ()
) -> SearchResult:
    """Return the ``top_k`` chunks of a collection that are most similar to ``query``.

    ``documents`` (names or ids) limits the search to those; empty means all. The model is loaded
    before the clock starts.

    Raises QueryError for an empty query or a number of hits out of range, CollectionNotFound,
    DocumentNotFound, ModelMismatch.
    """
    query = query.strip()
    if not query:
        raise QueryError("The query is empty: type a question or a few words")
    if len(query) > LONGEST_QUERY:
        raise QueryError(f"The query has {len(query):,} characters: use at most {LONGEST_QUERY:,}")
    if not 1 <= top_k <= MOST_HITS:
        raise QueryError(f"{top_k} hits cannot be shown: ask for 1 to {MOST_HITS:,}")
    collection = workspace.store.collection(collection_name)
    encoder = workspace.encoder(collection)
    only = [workspace.shelf.find(collection.key, name).document_id for name in documents] if documents else None
    started = time.perf_counter()
    vector = encoder.encode_query(query)
    encoded = time.perf_counter()
    hits = workspace.store.query(collection, vector, top_k, only, workspace.shelf.hidden(collection.key))
    done = time.perf_counter()
    return SearchResult(
        query=query,
        collection=collection.name,
        model=collection.model,
        metric=collection.metric,
        hits=tuple(hits),
        timings=Timings((encoded - started) * 1e3, (done - encoded) * 1e3, (done - started) * 1e3),
        documents=tuple(documents),
    )
