"""Distances of some points to all, as matrices, and the ranks that they give: what trustworthiness and continuity count."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.projection.records import Floats, Places
from core.records.search import Metric

Doubles = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating[Any]]
_STEP = 8192  # vectors converted at once


def true_apart(vectors: Floats, metric: Metric, of: Places, precision: type[np.floating[Any]]) -> Numbers:
    """Something that grows with the true distance of some points to all, shape (some, points); infinite to themselves.

    Double precision gives the ranks to the last one; single precision, for a sample, may swap points that are as near as rounding goes.
    """
    ours = vectors[of].astype(precision)
    apart = np.empty((len(of), len(vectors)), dtype=precision)
    for first in range(0, len(vectors), _STEP):
        theirs = vectors[first : first + _STEP].astype(precision, copy=False)
        products = ours @ theirs.T
        if metric == "l2":
            products -= np.square(theirs).sum(axis=1) / 2  # |a - b|² / 2 but for |a|² / 2, which is the same for the whole row
        apart[:, first : first + _STEP] = -products
    apart[np.arange(len(of)), of] = np.inf
    return apart


def shown_apart(flat: Doubles, of: Places) -> Doubles:
    """The squared distances of some points to all in the picture, shape (some, points); infinite to themselves."""
    across, down = np.ascontiguousarray(flat.T)
    apart = np.empty((len(of), len(flat)))
    for row, place in zip(apart, of.tolist(), strict=True):  # one row stays in the processor's cache
        np.square(across - across[place], out=row)
        row += np.square(down - down[place])
        row[place] = np.inf
    return apart


def firsts(apart: Numbers, k: int) -> Places:
    """The places of the ``k`` smallest of each row, in no order, ties by place."""
    places = np.argpartition(apart, k - 1, axis=1)[:, :k]
    bounds = np.take_along_axis(apart, places, axis=1).max(axis=1)
    for row in np.flatnonzero(np.count_nonzero(apart <= bounds[:, None], axis=1) > k):
        near = np.flatnonzero(apart[row] <= bounds[row])
        places[row] = near[np.argsort(apart[row, near], kind="stable")][:k]
    return places


def excess(apart: Numbers, places: Places, k: int) -> int:
    """By how much the ranks of these places exceed ``k``, summed; ranks by distance from 1, ties by place.

    Row by row: one row stays in the processor's cache while it is counted k times.
    """
    total = 0
    for row, ours in zip(apart, places.tolist(), strict=True):
        for place in ours:
            nearer = np.count_nonzero(row < row[place]) + np.count_nonzero(row[:place] == row[place])
            total += max(int(nearer) + 1 - k, 0)
    return total
