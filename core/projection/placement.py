"""Place queries on a layout that has been computed already.

On a PCA layout a query lies where a chunk with the same vector would. UMAP and t-SNE have no such rule: there a query
is moved to its truly nearest chunks, by the attractive part of UMAP's cross-entropy and its membership strengths
(McInnes, Healy and Melville, 2018), while all chunks stay where they are. The repulsive part, which keeps chunks apart,
is left out: with it a query comes to lie farther from what it is most similar to (benchmarks/README.md).
"""

from __future__ import annotations

import numpy as np

from core.errors import MapError
from core.projection._algorithms import PcaPlane, membership_strengths, place_by_neighbours
from core.projection.records import Layout, Points
from core.records.search import Metric
from core.util.arrays import Float32Array, Float64Array
from core.vectors.neighbors import Neighbours, nearest_neighbours_of, nearest_to_query
from core.vectors.similarity import similarity_to_distance

NEIGHBOURS = 10  # nearest chunks that place a query
BATCH_THRESHOLD = 25  # from so many queries on, preparing one search for all of them pays
_STEPS = 30
_SAME = 1e-6  # distance below which a query is the same as a chunk


def place_queries(points: Points, layout: Layout, queries: Float32Array) -> Float32Array:
    """Return the positions of queries, shape (queries, 2), in ``layout``; ``queries`` has shape (queries, dimension).

    A position depends on that query and the collection alone, to the last digit. Raises MapError where the layout is
    of other points, or the queries have another dimension.
    """
    queries = np.asarray(queries, dtype=np.float32)
    if len(points) != len(layout.xy):
        raise MapError(
            f"The map shows {len(layout.xy):,} chunks and the collection {points.collection!r} "
            f"has {len(points):,}: open the map again"
        )
    if queries.ndim != 2 or queries.shape[1] != points.vectors.shape[1]:
        raise MapError(
            f"The queries have the shape {queries.shape} and the chunks {points.vectors.shape[1]} dimensions: "
            "use the model of the collection"
        )
    if not len(queries) or not len(points):
        return np.zeros((len(queries), 2), dtype=np.float32)
    if layout.axes.size:
        plane = PcaPlane(layout.mean, layout.axes)
        # one by one: the product of a larger matrix rounds otherwise
        return np.concatenate([plane.project(query[None], points.metric) for query in queries])
    neighbours = _neighbours(points, queries)
    scale = layout.spacing or 1.0
    rows = zip(neighbours.similarities, layout.xy[neighbours.indices], strict=True)
    return np.stack([_place_query(similarities, xy, points.metric, scale) for similarities, xy in rows])


def _neighbours(points: Points, queries: Float32Array) -> Neighbours:
    if len(queries) >= BATCH_THRESHOLD:
        return nearest_neighbours_of(points.vectors, points.metric, queries, NEIGHBOURS)
    nearest = [nearest_to_query(points.vectors, points.metric, query, NEIGHBOURS) for query in queries]
    return Neighbours(
        np.stack([indices for indices, _ in nearest]).astype(np.int32),
        np.stack([similarities for _, similarities in nearest]),
    )


def _place_query(similarities: Float32Array, xy: Float32Array, metric: Metric, scale: float) -> Float32Array:
    """Return the position (2,) of a query from its neighbours' similarities (k,), best first, and positions (k, 2)."""
    mean: Float32Array = place_by_neighbours(similarities[None], xy[None], metric)[0]
    distances = similarity_to_distance(metric, similarities[None])
    if metric != "dot" and distances[0, 0] <= _SAME:  # the text of a chunk lies on that chunk
        return mean
    weights = membership_strengths(distances)[0].astype(np.float64)
    position = _minimize_attraction(weights, xy.astype(np.float64), mean.astype(np.float64), scale)
    return np.asarray(position, dtype=np.float32)


def _minimize_attraction(weights: Float64Array, xy: Float64Array, mean: Float64Array, scale: float) -> Float64Array:
    """Return the y, shape (2,), with the least sum(weights * log(1 + |y - xy|² / scale²)) that descent finds.

    Descent starts from ``mean`` and from each neighbour in ``xy``. The logarithm gives little weight to neighbours far
    away: where they lie in two groups, the query goes to the stronger group and not between the two, and that needs a
    start in each. A step goes to the mean weighted by 1 / (scale² + distance²), which never increases the sum
    (iteratively reweighted least squares; Holland and Welsch, 1977).
    """
    candidates = np.concatenate([mean[None], xy])
    for _ in range(_STEPS):
        step_weights = weights / (scale**2 + _squared_distances(candidates, xy))
        candidates = (step_weights @ xy) / step_weights.sum(axis=1, keepdims=True)
    losses = np.log1p(_squared_distances(candidates, xy) / scale**2) @ weights
    return np.asarray(candidates[losses.argmin()])


def _squared_distances(candidates: Float64Array, xy: Float64Array) -> Float64Array:
    """Return the squared distances of candidates to neighbours, shape (candidates, neighbours)."""
    return np.asarray(np.square(candidates[:, None] - xy).sum(axis=2))
