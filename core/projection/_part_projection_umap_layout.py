"""UMAP by umap-learn, from neighbours that are known already and from a picture that stands already.

McInnes, Healy and Melville, 2018. The start is the PCA picture: as good as UMAP's own spectral start for the shape of the
whole (Kobak and Linderman, Initialization is critical for preserving global data structure in both t-SNE and UMAP, 2021),
and the points glide from where they stood. One thread moves the points, so that a seed gives one picture.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array

from core.projection._part_projection_placing_weights import strengths
from core.projection.records import Floats, LayoutSettings, Neighbours, Report

LOADING, JOINING, MOVING = "loading UMAP", "joining neighbours", "laying out by UMAP"
_NOISE = 1e-4  # of the start's extent of 10: points of one place must part
_EPOCHS, _LEAST_EPOCHS = ((2_000, 500), (10_000, 300)), 150


def epochs_for(points: int) -> int:
    """Return how often all points are moved.

    Up to 2,000 points as often as umap-learn does it, beyond that less: more often from this start wins less than .005
    of trustworthiness (benchmarks/README.md), and time is what large maps cost.
    """
    return next((epochs for most, epochs in _EPOCHS if points <= most), _LEAST_EPOCHS)


def umap_xy(apart: Floats, neighbours: Neighbours, start: Floats, settings: LayoutSettings, report: Report) -> Floats:
    """Return UMAP's picture, shape (points, 2).

    ``apart`` are the distances to the neighbours, shape (points, k), the points themselves left out: UMAP's ``n_neighbors`` counts
    them, and is k + 1. ``start`` has shape (points, 2).
    """
    report(LOADING, 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells that TensorFlow is not here
        from umap.umap_ import find_ab_params, simplicial_set_embedding
    report(JOINING, 0.0)
    graph = fuzzy_graph(apart, neighbours.places)
    chance = np.random.RandomState(settings.seed)
    epochs = epochs_for(len(start))
    a, b = find_ab_params(1.0, settings.min_dist)
    report(MOVING, 0.0)
    xy, _ = simplicial_set_embedding(
        data=start,  # only its length is asked for
        graph=graph,
        n_components=2,
        initial_alpha=1.0,
        a=a,
        b=b,
        gamma=1.0,
        negative_sample_rate=5,
        n_epochs=epochs,
        init=_start(start, chance),
        random_state=chance,
        metric="euclidean",
        metric_kwds={},
        densmap=False,
        densmap_kwds={},
        output_dens=False,
        parallel=False,
        tqdm_kwds={"disable": False, "file": _Ear(report), "bar_format": "{n_fmt}/{total_fmt}", "mininterval": 0.2},
    )
    return np.asarray(xy - xy.mean(axis=0, dtype=np.float64), dtype=np.float32)


def fuzzy_graph(apart: Floats, places: npt.NDArray[np.int32]) -> Any:
    """Return how strongly points belong together, a sparse array of shape (points, points).

    What a belongs to b and b to a are joined as a probabilistic sum: s + t - st.
    """
    many, k = places.shape
    rows = np.repeat(np.arange(many, dtype=np.int32), k)
    one_way = coo_array((strengths(apart).ravel(), (rows, places.ravel())), shape=(many, many)).tocsr()
    other_way = one_way.T.tocsr()
    return (one_way + other_way - one_way.multiply(other_way)).tocoo()


def _start(xy: Floats, chance: np.random.RandomState) -> Floats:
    """The picture with an extent of 10 each way, as umap-learn wants it, and no two points in one place."""
    extent = np.ptp(xy, axis=0)
    scaled = 10 * (xy - xy.min(axis=0)) / np.where(extent > 0, extent, 1)
    return np.asarray(scaled + chance.normal(scale=_NOISE, size=xy.shape), dtype=np.float32)


class _Ear:
    """A file that hears a progress bar: what is written to it looks like 12/200."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def write(self, said: str) -> int:
        """Tell how far it is."""
        done, _, total = said.strip().partition("/")
        if done.isdigit() and total.isdigit():
            self._report(MOVING, int(done) / max(int(total), 1))
        return len(said)

    def flush(self) -> None:
        """Nothing waits."""
