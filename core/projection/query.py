"""A query on the map: how similar every chunk is to it, and what it finds among some of them only."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from core.projection.records import Points
from core.records.search import SearchResult, Timings
from core.store.vector_store import VectorStore
from core.util.arrays import Float32Array
from core.vectors.similarity import pairwise_similarity
from core.workspace import Workspace


def search_among(
    workspace: Workspace, points: Points, query: str, vector: Float32Array, places: Sequence[int], top_k: int
) -> SearchResult:
    """Return the ``top_k`` of the chunks at ``places`` that are most similar to the query: all are compared, no index is asked.

    Raises CollectionNotFound where the collection is gone.
    """
    started = time.perf_counter()
    collection = workspace.store.collection(points.collection)
    chosen = np.asarray(places, dtype=np.int64)
    found = pairwise_similarity(
        points.metric, np.asarray(points.vectors[chosen]), np.broadcast_to(vector, (len(chosen), len(vector)))
    )
    order = sorted(range(len(chosen)), key=lambda at: (-float(found[at]), points.chunk_ids[chosen[at]]))[:top_k]
    hits = workspace.store.hits(collection, {points.chunk_ids[chosen[at]]: float(found[at]) for at in order})
    took = (time.perf_counter() - started) * 1e3
    return SearchResult(query, points.collection, points.model, points.metric, tuple(hits), Timings(0.0, took, took))


def found_by(points: Points, queries: Float32Array, top: int) -> tuple[np.ndarray, list[list[int]]]:
    """Return in the first ``top`` of how many queries, shape (queries, dimension), each chunk is, shape (chunks,), and the places of each query's."""
    from core.vectors.neighbors import nearest_neighbours_of

    places = nearest_neighbours_of(points.vectors, points.metric, queries, top).places
    counts = np.bincount(places.ravel(), minlength=len(points)) if len(points) else np.zeros(0, dtype=np.int64)
    return counts, [row.tolist() for row in places]


def covering(points: Points, others: Points, places: Sequence[int]) -> list[int]:
    """Return the places in ``others`` of the chunks that share text with the chunks at ``places``: the same document, spans that overlap."""
    by_document: dict[str, list[int]] = {}
    for at, document_id in enumerate(others.document_ids):
        by_document.setdefault(document_id, []).append(at)
    found: set[int] = set()
    for place in places:
        start, end = points.starts[place], points.ends[place]
        same = by_document.get(points.document_ids[place], ())
        found.update(at for at in same if others.starts[at] < end and others.ends[at] > start)
    return sorted(found)


def texts_of(store: VectorStore, points: Points, places: Sequence[int]) -> list[str]:
    """Return the texts of the chunks at ``places``, in that order; empty for one that is gone."""
    collection = store.collection(points.collection)
    ids = [points.chunk_ids[place] for place in places]
    held: dict[str, str] = {}
    for first in range(0, len(ids), 1000):
        batch = store.picked(collection, ids[first : first + 1000])
        held.update(zip(batch.ids, batch.texts, strict=True))
    return [held.get(chunk_id, "") for chunk_id in ids]
