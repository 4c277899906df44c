"""The true nearest neighbours in the full space: every pair is looked at, none is guessed.

Similarities are those of double precision, rounded to single, however many are computed at once; how that stays quick is told in join.py.
"""

from __future__ import annotations

import numpy as np

from core.projection.records import Floats, Neighbours, Places, Report, silent
from core.records.search import Metric
from core.vectors._blocks import Basis, Screen
from core.vectors._part_projection_halved import Halved
from core.vectors._part_projection_join import STAGE as STAGE
from core.vectors._part_projection_join import Join
from core.vectors.similarity import paired

_BLOCK = 8192
_EPS = 1e-5  # by which a similarity in single precision may miss, of vectors of length 1


def nearest(vectors: Floats, metric: Metric, k: int, report: Report | None = None) -> Neighbours:
    """Return the ``k`` nearest neighbours of each vector, shape (vectors, dimension), or all others where there are fewer.

    100,000 vectors of 384 dimensions take some 400 MB beside themselves.
    """
    k = min(k, len(vectors) - 1)
    if k < 1:
        return _nobody(len(vectors))
    screen = Screen(vectors, Basis.of(vectors, metric))
    halved = Halved.of(screen.vectors) if metric == "cosine" else None
    return Join(metric, k, vectors, vectors, screen, screen, halved).run(report or silent)


def nearest_among(vectors: Floats, metric: Metric, queries: Floats, k: int, report: Report | None = None) -> Neighbours:
    """Return the ``k`` of ``vectors`` that are nearest to each of ``queries``, shape (queries, dimension), or all where there are fewer."""
    k = min(k, len(vectors))
    if k < 1 or not len(queries):
        return _nobody(len(queries))
    basis = Basis.of(vectors, metric)
    return Join(metric, k, queries, vectors, Screen(queries, basis), Screen(vectors, basis)).run(report or silent)


def nearest_to(vectors: Floats, metric: Metric, query: Floats, k: int) -> tuple[Places, Floats]:
    """Return the places of the ``k`` vectors nearest to ``query``, shape (dimension,), and their similarities, best first, ties by place."""
    k = min(k, len(vectors))
    if k < 1:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    rough, miss = _roughly(vectors, metric, np.asarray(query, dtype=np.float32))
    least = np.partition(rough - miss, len(rough) - k)[len(rough) - k]
    places = np.flatnonzero(rough + miss >= least)
    found = paired(metric, vectors, places, np.broadcast_to(query, (len(places), len(query))), np.arange(len(places)))
    order = np.lexsort((places, -found))[:k]
    return places[order], found[order]


def _roughly(vectors: Floats, metric: Metric, query: Floats) -> tuple[Floats, Floats]:
    """What sorts as the similarities do, in single precision, and by how much it may miss; arrays of shape (vectors,)."""
    products, squares = np.empty(len(vectors), np.float32), np.empty(len(vectors), np.float32)
    for first in range(0, len(vectors), _BLOCK):
        block = np.asarray(vectors[first : first + _BLOCK])
        products[first : first + _BLOCK] = block @ query
        squares[first : first + _BLOCK] = np.einsum("ij,ij->i", block, block)
    own = float(query @ query)
    if metric == "l2":
        return 2 * products - squares, _EPS * (squares + own)
    sizes = np.sqrt(squares * own)
    if metric == "dot":
        return products, _EPS * sizes
    return products / np.maximum(sizes, np.finfo(np.float32).tiny), np.full_like(sizes, _EPS)


def _nobody(many: int) -> Neighbours:
    return Neighbours(np.empty((many, 0), np.int32), np.empty((many, 0), np.float32))
