"""The layout algorithms: PCA, UMAP and t-SNE, and the weights of the neighbours of a point.

PCA: Pearson, 1901; Hotelling, 1933. UMAP: McInnes, Healy and Melville, 2018. t-SNE: van der Maaten and Hinton,
Visualizing Data using t-SNE, 2008; van der Maaten, Accelerating t-SNE using Tree-Based Algorithms, 2014. UMAP and t-SNE
start from the PCA layout (Kobak and Linderman, 2021) and take nearest neighbours that are already known.
"""

from __future__ import annotations

import re
import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import TextIOBase
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from threadpoolctl import threadpool_limits

from core.errors import MapError
from core.projection.records import LayoutSettings
from core.records.search import Metric
from core.util.arrays import Float32Array, Float64Array
from core.util.progress import StageReport
from core.vectors.neighbors import Neighbours
from core.vectors.similarity import normalized_for, similarity_to_distance

_STEPS = 64  # of the search for sigma, as umap-learn has it
_CLOSE = 1e-5  # how near the sum of membership_strengths must come to what it shall be
_LEAST = 1e-3  # of the mean distance: sigma is never less
_SAME = 1e-6  # distance below which a neighbour is the point itself
_ROWS = 65_536  # points at once


def membership_strengths(distances: Float32Array) -> Float32Array:
    """Return how strongly points belong to their neighbours, shape (points, k), each in 0 to 1.

    ``distances`` has the same shape, never negative, the point itself left out. The strength is exp(-(distance - rho) / sigma),
    rho the distance of the nearest neighbour that is not the same, sigma such that a point's membership_strengths add up to log2(k + 1).
    """
    found = np.empty(distances.shape, dtype=np.float32)
    for first in range(0, len(distances), _ROWS):
        found[first : first + _ROWS] = _membership_strengths(distances[first : first + _ROWS].astype(np.float64))
    return found


def _membership_strengths(distances: Float64Array) -> Float64Array:
    rho = np.where(distances > 0, distances, np.inf).min(axis=1, initial=np.inf)
    beyond = np.maximum(distances - np.where(np.isfinite(rho), rho, 0.0)[:, None], 0.0)
    sigma = np.maximum(_sigmas(beyond, np.log2(distances.shape[1] + 1)), _LEAST * distances.mean(axis=1))
    return np.asarray(np.exp(-beyond / sigma[:, None]))


def _sigmas(beyond: Float64Array, target: float) -> Float64Array:
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
        middle[open_rows] = np.where(
            unbounded, middle[open_rows] * 2, (low[open_rows] + np.where(unbounded, 0.0, high[open_rows])) / 2
        )
    return middle


def place_by_neighbours(similarities: Float32Array, neighbour_xy: Float32Array, metric: Metric) -> Float32Array:
    """Return where points lie by their neighbours, shape (points, 2): the mean of these, weighted by strength.

    ``similarities`` has shape (points, k), highest first, ``neighbour_xy`` shape (points, k, 2). A point that is the same as
    some of its neighbours lies where they do. Each point's place depends on its own row alone.
    """
    if not similarities.shape[1]:
        return np.zeros((len(similarities), 2), dtype=np.float32)
    apart = similarity_to_distance(metric, similarities)
    same = apart <= _SAME if metric != "dot" else np.zeros(apart.shape, dtype=bool)
    weights = np.where(same.any(axis=1, keepdims=True), same, membership_strengths(apart)).astype(np.float64)
    weights /= weights.sum(axis=1, keepdims=True)
    xy = np.zeros((len(weights), 2))
    for neighbour in range(weights.shape[1]):  # in this order, however many points there are
        xy += weights[:, [neighbour]] * neighbour_xy[:, neighbour]
    return xy.astype(np.float32)


_BLOCK = 8192  # vectors at once
_NONE = 1e-10  # of the first component's spread: less is none


@dataclass(frozen=True)
class PcaPlane:
    """Where vectors fall on the plane of their two widest spreads: ``(vector - mean) @ axes``."""

    mean: Float32Array  # (dimension,)
    axes: Float32Array  # (dimension, 2), the second of length 0 where the vectors lie on a line

    def of(self, vectors: Float32Array, metric: Metric) -> Float32Array:
        """Return the places of vectors, shape (vectors, 2)."""
        xy = [(normalized_for(metric, block) - self.mean) @ self.axes for block in _blocks(vectors)]
        return np.concatenate(xy) if xy else np.empty((0, 2), dtype=np.float32)


def fit_pca(vectors: Float32Array, metric: Metric) -> PcaPlane:
    """Return the plane of the two eigenvectors of the covariance with the largest eigenvalues (Pearson, 1901; Hotelling, 1933).

    ``vectors`` has shape (vectors, dimension), at least one. The largest entry of each axis is positive, so that
    the same vectors give the same picture. Raises MapError for numbers that are not finite.
    """
    many, dimension = vectors.shape
    mean = (
        sum(
            (normalized_for(metric, block).sum(axis=0, dtype=np.float64) for block in _blocks(vectors)),
            np.zeros(dimension),
        )
        / many
    )
    if not np.isfinite(mean).all():
        raise MapError("Some vectors of this collection hold numbers that are not finite: index its documents again")
    centre = mean.astype(np.float32)
    # several threads would wait for each other: beside other work that takes five times as long
    with threadpool_limits(1, user_api="blas"):
        values, vectors_of = (
            _by_places(vectors, metric, centre) if many < dimension else _by_dimensions(vectors, metric, centre)
        )
    axes = np.zeros((dimension, 2))
    for at in range(min(2, len(values))):
        if values[at] > _NONE * values[0] and values[at] > 0:
            axes[:, at] = vectors_of[:, at] * np.sign(vectors_of[np.abs(vectors_of[:, at]).argmax(), at])
    return PcaPlane(centre, axes.astype(np.float32))


def _blocks(vectors: Float32Array) -> list[Float32Array]:
    return [vectors[first : first + _BLOCK] for first in range(0, len(vectors), _BLOCK)]


def _by_dimensions(vectors: Float32Array, metric: Metric, centre: Float32Array) -> tuple[Float64Array, Float64Array]:
    """Eigenvalues and unit eigenvectors of the covariance, largest first."""
    scatter = np.zeros((vectors.shape[1], vectors.shape[1]))
    for block in _blocks(vectors):
        spread = normalized_for(metric, block) - centre
        scatter += spread.T @ spread
    values, axes = np.linalg.eigh(scatter / len(vectors))
    return values[::-1], axes[:, ::-1]


def _by_places(vectors: Float32Array, metric: Metric, centre: Float32Array) -> tuple[Float64Array, Float64Array]:
    """The same of fewer vectors than dimensions, by the products of the vectors: the eigenvalues that are not 0 are the same."""
    spread = (normalized_for(metric, vectors) - centre).astype(np.float64)
    values, shares = np.linalg.eigh(spread @ spread.T / len(vectors))
    axes = spread.T @ shares[:, ::-1]
    sizes = np.sqrt(np.einsum("ij,ij->j", axes, axes))
    return values[::-1], axes / np.maximum(sizes, np.finfo(np.float64).tiny)


UMAP_LOADING, UMAP_JOINING, UMAP_MOVING = "loading UMAP", "joining neighbours", "laying out by UMAP"
_NOISE = 1e-4  # of the start's extent of 10: points of one place must part
_EPOCHS, _LEAST_EPOCHS = ((2_000, 500), (10_000, 300)), 150


def umap_epochs(points: int) -> int:
    """Return how often all points are moved.

    Up to 2,000 points as often as umap-learn does it, beyond that less: more often from this start wins less than .005
    of trustworthiness (benchmarks/README.md), and time is what large maps cost.
    """
    return next((epochs for most, epochs in _EPOCHS if points <= most), _LEAST_EPOCHS)


def umap(
    apart: Float32Array, neighbours: Neighbours, start: Float32Array, settings: LayoutSettings, report: StageReport
) -> Float32Array:
    """Return UMAP's picture, shape (points, 2).

    ``apart`` are the distances to the neighbours, shape (points, k), the points themselves left out: UMAP's ``n_neighbors`` counts
    them, and is k + 1. ``start`` has shape (points, 2).
    """
    report(UMAP_LOADING, 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells that TensorFlow is not here
        from umap.umap_ import find_ab_params, simplicial_set_embedding
    report(UMAP_JOINING, 0.0)
    graph = fuzzy_graph(apart, neighbours.indices)
    chance = np.random.RandomState(settings.seed)
    epochs = umap_epochs(len(start))
    a, b = find_ab_params(1.0, settings.min_dist)
    report(UMAP_MOVING, 0.0)
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
        tqdm_kwds={
            "disable": False,
            "file": _UmapProgress(report),
            "bar_format": "{n_fmt}/{total_fmt}",
            "mininterval": 0.2,
        },
    )
    return np.asarray(xy - xy.mean(axis=0, dtype=np.float64), dtype=np.float32)


def fuzzy_graph(apart: Float32Array, places: npt.NDArray[np.int32]) -> Any:
    """Return how strongly points belong together, a sparse array of shape (points, points).

    What a belongs to b and b to a are joined as a probabilistic sum: s + t - st.
    """
    many, k = places.shape
    rows = np.repeat(np.arange(many, dtype=np.int32), k)
    one_way = coo_array((membership_strengths(apart).ravel(), (rows, places.ravel())), shape=(many, many)).tocsr()
    other_way = one_way.T.tocsr()
    return (one_way + other_way - one_way.multiply(other_way)).tocoo()


def _start(xy: Float32Array, chance: np.random.RandomState) -> Float32Array:
    """The picture with an extent of 10 each way, as umap-learn wants it, and no two points in one place."""
    extent = np.ptp(xy, axis=0)
    scaled = 10 * (xy - xy.min(axis=0)) / np.where(extent > 0, extent, 1)
    return np.asarray(scaled + chance.normal(scale=_NOISE, size=xy.shape), dtype=np.float32)


class _UmapProgress:
    """A file that hears a progress bar: what is written to it looks like 12/200."""

    def __init__(self, report: StageReport) -> None:
        self._report = report

    def write(self, said: str) -> int:
        """Tell how far it is."""
        done, _, total = said.strip().partition("/")
        if done.isdigit() and total.isdigit():
            self._report(UMAP_MOVING, int(done) / max(int(total), 1))
        return len(said)

    def flush(self) -> None:
        """Nothing waits."""


TSNE_LIMIT = 20_000  # chunks: two minutes on one core, ten times as long as UMAP
TSNE_LOADING, TSNE_MOVING = "loading scikit-learn", "laying out by t-SNE"
TSNE_ITERATIONS = 1000
_SPREAD = 1e-4  # of the start, along its first axis: scikit-learn's own
_SAID = re.compile(r"Iteration (\d+):")


def tsne_perplexity(points: int, settings: LayoutSettings) -> float:
    """Return the perplexity that so many points can have: fewer points have fewer neighbours."""
    return min(float(settings.perplexity), (points - 1) / 3)


def tsne_neighbours(points: int, settings: LayoutSettings) -> int:
    """Return how many neighbours of each point it heeds."""
    return min(points - 1, int(3 * tsne_perplexity(points, settings) + 1))


def tsne(
    apart: Float32Array, neighbours: Neighbours, start: Float32Array, settings: LayoutSettings, report: StageReport
) -> Float32Array:
    """Return t-SNE's picture, shape (points, 2).

    ``apart`` are the distances to the neighbours, shape (points, k), nearest first, the points themselves left out;
    k is what ``tsne_neighbours`` says. ``start`` has shape (points, 2).
    """
    report(TSNE_LOADING, 0.0)
    from sklearn.manifold import TSNE

    many, k = neighbours.indices.shape
    own = np.arange(many)[:, None]
    columns = np.hstack([own, neighbours.indices]).astype(np.int32).ravel()
    data = np.hstack([np.zeros((many, 1), np.float32), apart]).ravel()
    graph = csr_array((data, columns, np.arange(0, data.size + 1, k + 1)), shape=(many, many))
    chance = np.random.RandomState(settings.seed)
    wide = float(start[:, 0].std()) or 1.0
    begin = start / wide * _SPREAD + chance.normal(scale=_SPREAD / 100, size=start.shape)
    model = TSNE(
        perplexity=tsne_perplexity(many, settings),
        metric="precomputed",
        init=begin.astype(np.float32),
        random_state=chance,
        max_iter=TSNE_ITERATIONS,
        verbose=2,
    )
    report(TSNE_MOVING, 0.0)
    # more threads add up in another order each time
    with redirect_stdout(_TsneProgress(report)), threadpool_limits(1, user_api="openmp"):
        xy = model.fit_transform(graph)
    return np.asarray(xy - xy.mean(axis=0, dtype=np.float64), dtype=np.float32)


class _TsneProgress(TextIOBase):
    """Hears what scikit-learn prints."""

    def __init__(self, report: StageReport) -> None:
        self._report = report

    def write(self, said: str) -> int:
        """Tell how far it is."""
        if match := _SAID.search(said):
            self._report(TSNE_MOVING, int(match[1]) / TSNE_ITERATIONS)
        return len(said)
