"""A query on a map: where it lies, its neighbours and similarities; retrieval within chosen chunks and by many queries."""

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
    meter: NeighbourOverlap
    similarities: Float32Array
    ranks_on_map: Int64Array


def place_query(points: Points, layout: Layout, vector: Float32Array, result: SearchResult) -> MapQuery:
    """Return the query with this ``vector`` and search ``result`` on ``layout``, compared with every chunk.

    Raises MapError where the layout is of other points or the vector has another dimension.
    """
    star = place_queries(points, layout, vector[None])[0]
    nearest, _ = nearest_to_query(points.vectors, points.metric, vector, NEAREST)
    return MapQuery(
        result,
        vector,
        star,
        compare_neighbours(nearest.tolist(), layout.xy, star, NEAREST),
        similarity_to_all(points.metric, points.vectors, vector),
        ranks_on_map(layout.xy, star),
    )


def search_within(
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


def retrieval_counts(points: Points, queries: Float32Array, top: int) -> tuple[np.ndarray, list[list[int]]]:
    """Return in the first ``top`` of how many queries, shape (queries, dimension), each chunk is, shape (chunks,), and the places of each query's."""
    places = nearest_neighbours_of(points.vectors, points.metric, queries, top).indices
    counts = np.bincount(places.ravel(), minlength=len(points)) if len(points) else np.zeros(0, dtype=np.int64)
    return counts, [row.tolist() for row in places]


def overlapping_chunks(points: Points, others: Points, places: Sequence[int]) -> list[int]:
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
        batch = store.chunks_by_id(collection, ids[first : first + 1000])
        held.update(zip(batch.ids, batch.texts, strict=True))
    return [held.get(chunk_id, "") for chunk_id in ids]
