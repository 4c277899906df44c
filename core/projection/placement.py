"""Where a query lands on a map that is drawn already.

By PCA it lies where a chunk of the same vector would. UMAP and t-SNE have no such rule: the query is led to where its truly
nearest chunks are, as the pulling half of UMAP's cross-entropy would lead it (McInnes, Healy and Melville, 2018), with their membership
membership_strengths and with all chunks held fast. The pushing half, by which chunks keep each other apart, is left out: a query takes no room, and with it
the star comes to lie farther from what it is most similar to. What was measured stands in benchmarks/README.md.
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

NEIGHBOURS = 10  # chunks that pull at a query
MANY = 25  # queries from which on it pays to prepare the search for their neighbours
_STEPS = 30
_SAME = 1e-6  # distance below which a chunk is as the query


def place_queries(points: Points, layout: Layout, queries: Float32Array) -> Float32Array:
    """Return where queries, shape (queries, dimension), lie in ``layout``, shape (queries, 2).

    Each place depends on that query and the collection alone, to the last digit. Raises MapError where the picture is of other points,
    or the queries are of another dimension.
    """
    asked = np.asarray(queries, dtype=np.float32)
    if len(points) != len(layout.xy):
        raise MapError(
            f"The map shows {len(layout.xy):,} chunks and the collection {points.collection!r} has {len(points):,}: open the map again"
        )
    if asked.ndim != 2 or asked.shape[1] != points.vectors.shape[1]:
        raise MapError(
            f"The queries have the shape {asked.shape} and the chunks {points.vectors.shape[1]} dimensions: use the model of the collection"
        )
    if not len(asked) or not len(points):
        return np.zeros((len(asked), 2), dtype=np.float32)
    if layout.axes.size:
        plane = PcaPlane(layout.mean, layout.axes)
        # one by one: products of many round otherwise
        return np.concatenate([plane.of(asked[[at]], points.metric) for at in range(len(asked))])
    found = _nearest(points, asked)
    reach = layout.spacing or 1.0
    pulls = zip(found.similarities, layout.xy[found.indices], strict=True)
    return np.stack([_led(similarities, xy, points.metric, reach) for similarities, xy in pulls])


def _nearest(points: Points, queries: Float32Array) -> Neighbours:
    if len(queries) >= MANY:
        return nearest_neighbours_of(points.vectors, points.metric, queries, NEIGHBOURS)
    found = [nearest_to_query(points.vectors, points.metric, query, NEIGHBOURS) for query in queries]
    return Neighbours(
        np.stack([places for places, _ in found]).astype(np.int32),
        np.stack([similarities for _, similarities in found]),
    )


def _led(similarities: Float32Array, xy: Float32Array, metric: Metric, reach: float) -> Float32Array:
    """Where one query lies by its neighbours: similarities of shape (k,), best first, and their places (k, 2)."""
    middle: Float32Array = place_by_neighbours(similarities[None], xy[None], metric)[0]
    apart = similarity_to_distance(metric, similarities[None])
    if metric != "dot" and apart[0, 0] <= _SAME:  # a chunk's own text: it lies on the chunk
        return middle
    pulling = membership_strengths(apart)[0].astype(np.float64)
    return np.asarray(_descend(pulling, xy.astype(np.float64), middle.astype(np.float64), reach), dtype=np.float32)


def _descend(pulling: Float64Array, xy: Float64Array, middle: Float64Array, reach: float) -> Float64Array:
    """The place y where sum(pulling * log(1 + |y - xy|² / reach²)) is least, of those that downhill ways from ``middle`` and from each neighbour lead to.

    The logarithm lets go of neighbours that landed far away: where they are in two camps, the star stands in the stronger one and not
    in the empty middle. That needs a start in each. Each step goes to the mean weighted by 1 / (reach² + distance²), which is never uphill
    (iteratively reweighted least squares; Holland and Welsch, 1977).
    """
    places = np.concatenate([middle[None], xy])
    for _ in range(_STEPS):
        weights = pulling / (reach**2 + _squares(places, xy))
        places = (weights @ xy) / weights.sum(axis=1, keepdims=True)
    strains = np.log1p(_squares(places, xy) / reach**2) @ pulling
    return np.asarray(places[strains.argmin()])


def _squares(places: Float64Array, xy: Float64Array) -> Float64Array:
    """Squared distances of places to neighbours, shape (places, neighbours)."""
    return np.asarray(np.square(places[:, None] - xy).sum(axis=2))
