"""t-SNE by scikit-learn, from neighbours that are known already and from the PCA picture.

van der Maaten and Hinton, Visualizing Data using t-SNE, 2008; van der Maaten, Accelerating t-SNE using Tree-Based Algorithms, 2014;
for the start: Kobak and Linderman, 2021.
"""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from io import TextIOBase

import numpy as np
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from core.projection.records import Floats, LayoutSettings, Neighbours, Report

LIMIT = 20_000  # chunks: two minutes on one core, ten times as long as UMAP
LOADING, MOVING = "loading scikit-learn", "laying out by t-SNE"
ITERATIONS = 1000
_SPREAD = 1e-4  # of the start, along its first axis: scikit-learn's own
_SAID = re.compile(r"Iteration (\d+):")


def perplexity_for(points: int, settings: LayoutSettings) -> float:
    """Return the perplexity that so many points can have: fewer points have fewer neighbours."""
    return min(float(settings.perplexity), (points - 1) / 3)


def neighbours_for(points: int, settings: LayoutSettings) -> int:
    """Return how many neighbours of each point it heeds."""
    return min(points - 1, int(3 * perplexity_for(points, settings) + 1))


def tsne_xy(apart: Floats, neighbours: Neighbours, start: Floats, settings: LayoutSettings, report: Report) -> Floats:
    """Return t-SNE's picture, shape (points, 2).

    ``apart`` are the distances to the neighbours, shape (points, k), nearest first, the points themselves left out;
    k is what ``neighbours_for`` says. ``start`` has shape (points, 2).
    """
    report(LOADING, 0.0)
    from sklearn.manifold import TSNE

    many, k = neighbours.places.shape
    own = np.arange(many)[:, None]
    columns = np.hstack([own, neighbours.places]).astype(np.int32).ravel()
    data = np.hstack([np.zeros((many, 1), np.float32), apart]).ravel()
    graph = csr_array((data, columns, np.arange(0, data.size + 1, k + 1)), shape=(many, many))
    chance = np.random.RandomState(settings.seed)
    wide = float(start[:, 0].std()) or 1.0
    begin = start / wide * _SPREAD + chance.normal(scale=_SPREAD / 100, size=start.shape)
    model = TSNE(perplexity=perplexity_for(many, settings), metric="precomputed", init=begin.astype(np.float32), random_state=chance, max_iter=ITERATIONS, verbose=2)
    report(MOVING, 0.0)
    with redirect_stdout(_Ear(report)), threadpool_limits(1, user_api="openmp"):  # more threads add up in another order each time
        xy = model.fit_transform(graph)
    return np.asarray(xy - xy.mean(axis=0, dtype=np.float64), dtype=np.float32)


class _Ear(TextIOBase):
    """Hears what scikit-learn prints."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def write(self, said: str) -> int:
        """Tell how far it is."""
        if match := _SAID.search(said):
            self._report(MOVING, int(match[1]) / ITERATIONS)
        return len(said)


