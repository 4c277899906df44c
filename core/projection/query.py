"""A query on a map: its position, neighbours and similarities; retrieval among chosen chunks, and by many queries."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.projection.placement import place_queries
from core.projection.quality import NeighbourOverlap, compare_neighbours, ranks_on_map
from core.projection.records import Layout, Points
from core.records.search import SearchResult, Timings
from core.store.vector_store import VectorStore
from core.util.arrays import Float32Array, Int64Array
from core.vectors.neighbors import nearest_neighbours_of, nearest_to_query
from core.vectors.similarity import pairwise_similarity, similarity_to_all
from core.workspace import Workspace

NEAREST = 10  # neighbours of a query that are compared with its neighbours on the map


@dataclass(frozen=True)
class MapQuery:
    """A query on a map. ``vector`` has shape (dimension,), ``star``, its position, shape (2,).

    ``similarities`` to every chunk and ``ranks_on_map``, the chunks' ranks by distance from ``star`` (from 1), have
    shape (chunks,).
    """

    result: SearchResult
    vector: Float32Array
    star: Float32Array
    overlap: NeighbourOverlap
    similarities: Float32Array
    ranks_on_map: Int64Array


def place_query(points: Points, layout: Layout, vector: Float32Array, result: SearchResult) -> MapQuery:
    """Return the query with this ``vector`` and search ``result`` on ``layout``, compared with every chunk.

    Raises MapError where the layout is of other points or the vector has another dimension.
    """
    star = place_queries(points, layout, vector[None])[0]
    nearest, _ = nearest_to_query(points.vectors, points.metric, vector, NEAREST)
    similarities = similarity_to_all(points.metric, points.vectors, vector)
    return MapQuery(
        result,
        vector,
        star,
        compare_neighbours(nearest.tolist(), layout.xy, star, NEAREST, similarities),
        similarities,
        ranks_on_map(layout.xy, star),
    )


def search_within(
    workspace: Workspace, points: Points, query: str, vector: Float32Array, rows: Sequence[int], top_k: int
) -> SearchResult:
    """Return the ``top_k`` of the chunks at ``rows`` that are most similar to the query, by an exact search.

    Raises CollectionNotFound where the collection is gone.
    """
    started = time.perf_counter()
    collection = workspace.store.collection(points.collection)
    vectors = np.asarray(points.vectors[np.asarray(rows, dtype=np.int64)])
    similarities = pairwise_similarity(points.metric, vectors, np.broadcast_to(vector, vectors.shape)).tolist()
    scores = {points.chunk_ids[row]: similarity for row, similarity in zip(rows, similarities, strict=True)}
    best = sorted(scores, key=lambda chunk_id: (-scores[chunk_id], chunk_id))[:top_k]
    hits = workspace.store.hits(collection, {chunk_id: scores[chunk_id] for chunk_id in best})
    elapsed = (time.perf_counter() - started) * 1e3
    timings = Timings(0.0, elapsed, elapsed)
    return SearchResult(query, points.collection, points.model, points.metric, tuple(hits), timings)


def retrieval_counts(points: Points, queries: Float32Array, top: int) -> tuple[Int64Array, list[list[int]]]:
    """Return how many queries retrieve each chunk among their ``top`` nearest, and the rows that each query retrieves.

    ``queries`` has shape (queries, dimension); the counts have shape (chunks,).
    """
    rows = nearest_neighbours_of(points.vectors, points.metric, queries, top).indices
    counts = np.bincount(rows.ravel(), minlength=len(points)) if len(points) else np.zeros(0, dtype=np.int64)
    return counts, rows.tolist()


def overlapping_chunks(points: Points, others: Points, rows: Sequence[int]) -> list[int]:
    """Return the rows of ``others`` whose spans overlap those at ``rows`` in the same document, sorted."""
    by_document: dict[str, list[int]] = {}
    for other_row, document_id in enumerate(others.document_ids):
        by_document.setdefault(document_id, []).append(other_row)
    overlapping: set[int] = set()
    for row in rows:
        start, end = points.starts[row], points.ends[row]
        candidates = by_document.get(points.document_ids[row], ())
        overlapping.update(other for other in candidates if others.starts[other] < end and others.ends[other] > start)
    return sorted(overlapping)


def texts_of(store: VectorStore, points: Points, rows: Sequence[int]) -> list[str]:
    """Return the texts of the chunks at ``rows``, in that order; empty for a deleted one."""
    collection = store.collection(points.collection)
    ids = [points.chunk_ids[row] for row in rows]
    texts: dict[str, str] = {}
    for first in range(0, len(ids), 1000):
        batch = store.chunks_by_id(collection, ids[first : first + 1000])
        texts.update(zip(batch.ids, batch.texts, strict=True))
    return [texts.get(chunk_id, "") for chunk_id in ids]
