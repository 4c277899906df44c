"""How strongly a point belongs to each of its neighbours, and where in a picture that puts it.

UMAP's membership strengths: McInnes, Healy and Melville, UMAP: Uniform Manifold Approximation and Projection for
Dimension Reduction, 2018, section 3.1 and algorithm 3.
"""

from __future__ import annotations

import numpy as np

from core.projection.records import Floats
from core.records.search import Metric
from core.vectors.similarity import Numbers, distances

_STEPS = 64  # of the search for sigma, as umap-learn has it
_CLOSE = 1e-5  # how near the sum of strengths must come to what it shall be
_LEAST = 1e-3  # of the mean distance: sigma is never less
_SAME = 1e-6  # distance below which a neighbour is the point itself
_ROWS = 65_536  # points at once


def strengths(distances: Floats) -> Floats:
    """Return how strongly points belong to their neighbours, shape (points, k), each in 0 to 1.

    ``distances`` has the same shape, never negative, the point itself left out. The strength is exp(-(distance - rho) / sigma),
    rho the distance of the nearest neighbour that is not the same, sigma such that a point's strengths add up to log2(k + 1).
    """
    found = np.empty(distances.shape, dtype=np.float32)
    for first in range(0, len(distances), _ROWS):
        found[first : first + _ROWS] = _strengths(distances[first : first + _ROWS].astype(np.float64))
    return found


def _strengths(distances: Numbers) -> Numbers:
    rho = np.where(distances > 0, distances, np.inf).min(axis=1, initial=np.inf)
    beyond = np.maximum(distances - np.where(np.isfinite(rho), rho, 0.0)[:, None], 0.0)
    sigma = np.maximum(_sigmas(beyond, np.log2(distances.shape[1] + 1)), _LEAST * distances.mean(axis=1))
    return np.asarray(np.exp(-beyond / sigma[:, None]))


def _sigmas(beyond: Numbers, target: float) -> Numbers:
    """Bisection, doubling while there is no upper end; a row that is close enough is left alone."""
    low, high, middle = np.zeros(len(beyond)), np.full(len(beyond), np.inf), np.ones(len(beyond))
    open_rows = np.arange(len(beyond))
    for _ in range(_STEPS):
        total = np.exp(-beyond[open_rows] / middle[open_rows, None]).sum(axis=1)
        undone = np.abs(total - target) >= _CLOSE
        open_rows, above = open_rows[undone], total[undone] > target
        if not len(open_rows):
            break
        high[open_rows[above]] = middle[open_rows[above]]
        low[open_rows[~above]] = middle[open_rows[~above]]
        unbounded = np.isinf(high[open_rows])
        middle[open_rows] = np.where(unbounded, middle[open_rows] * 2, (low[open_rows] + np.where(unbounded, 0.0, high[open_rows])) / 2)
    return middle


def place_by_neighbours(similarities: Floats, neighbour_xy: Floats, metric: Metric) -> Floats:
    """Return where points lie by their neighbours, shape (points, 2): the mean of these, weighted by strength.

    ``similarities`` has shape (points, k), highest first, ``neighbour_xy`` shape (points, k, 2). A point that is the same as
    some of its neighbours lies where they do. Each point's place depends on its own row alone.
    """
    if not similarities.shape[1]:
        return np.zeros((len(similarities), 2), dtype=np.float32)
    apart = distances(metric, similarities)
    same = apart <= _SAME if metric != "dot" else np.zeros(apart.shape, dtype=bool)
    weights = np.where(same.any(axis=1, keepdims=True), same, strengths(apart)).astype(np.float64)
    weights /= weights.sum(axis=1, keepdims=True)
    xy = np.zeros((len(weights), 2))
    for neighbour in range(weights.shape[1]):  # in this order, however many points there are
        xy += weights[:, [neighbour]] * neighbour_xy[:, neighbour]
    return xy.astype(np.float32)
