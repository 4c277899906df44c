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

import numpy as np
from scipy.sparse import coo_array, csr_array
from threadpoolctl import threadpool_limits

from core.errors import MapError
from core.projection.records import LayoutSettings
from core.records.search import Metric
from core.util.arrays import Float32Array, Float64Array, Int32Array
from core.util.progress import StageReport
from core.vectors.neighbors import Neighbours
from core.vectors.similarity import normalized_for, similarity_to_distance

_SIGMA_STEPS = 64  # of the bisection for sigma, as in umap-learn
_SIGMA_TOLERANCE = 1e-5  # of the sum of a point's strengths
_MIN_SIGMA = 1e-3  # times the mean distance
_SAME = 1e-6  # distance below which a neighbour counts as the point itself
_STRENGTH_ROWS = 65_536  # points computed at once
_PCA_ROWS = 8192  # vectors computed at once
_MIN_VARIANCE = 1e-10  # times that of the first component; a component below it is left out

UMAP_LOADING, UMAP_JOINING, UMAP_MOVING = "loading UMAP", "joining neighbours", "laying out by UMAP"
_UMAP_NOISE = 1e-4  # added to a start with an extent of 10: points in one position must part
_EPOCHS, _MIN_EPOCHS = ((2_000, 500), (10_000, 300)), 150  # (up to so many points, epochs)

TSNE_LOADING, TSNE_MOVING = "loading scikit-learn", "laying out by t-SNE"
TSNE_LIMIT = 20_000  # chunks: two minutes on one core, ten times as long as UMAP
TSNE_ITERATIONS = 1000
_TSNE_START = 1e-4  # standard deviation of the start along its first axis, as in scikit-learn
_TSNE_ITERATION = re.compile(r"Iteration (\d+):")


def membership_strengths(distances: Float32Array) -> Float32Array:
    """Return how strongly points belong to their neighbours, shape (points, k), each in 0 to 1.

    ``distances`` has the same shape, is never negative, and leaves the point itself out. The strength is
    exp(-(distance - rho) / sigma), with rho the distance of the nearest neighbour that is not 0 away, and sigma such
    that the strengths of a point add up to log2(k + 1) (McInnes, Healy and Melville, 2018).
    """
    strengths = np.empty(distances.shape, dtype=np.float32)
    for first in range(0, len(distances), _STRENGTH_ROWS):
        block = distances[first : first + _STRENGTH_ROWS].astype(np.float64)
        rho = np.where(block > 0, block, np.inf).min(axis=1, initial=np.inf)
        beyond = np.maximum(block - np.where(np.isfinite(rho), rho, 0.0)[:, None], 0.0)
        sigma = np.maximum(_sigmas(beyond, np.log2(block.shape[1] + 1)), _MIN_SIGMA * block.mean(axis=1))
        strengths[first : first + _STRENGTH_ROWS] = np.exp(-beyond / sigma[:, None])
    return strengths


def _sigmas(beyond: Float64Array, target: float) -> Float64Array:
    """Return the sigma of each row, shape (points,), for which its strengths add up to ``target``.

    By bisection, doubling while there is no upper bound. A row that is close enough does not change any more.
    """
    low, high, middle = np.zeros(len(beyond)), np.full(len(beyond), np.inf), np.ones(len(beyond))
    open_rows = np.arange(len(beyond))
    for _ in range(_SIGMA_STEPS):
        total = np.exp(-beyond[open_rows] / middle[open_rows, None]).sum(axis=1)
        still_open = np.abs(total - target) >= _SIGMA_TOLERANCE
        open_rows, above = open_rows[still_open], total[still_open] > target
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
    """Return the mean position of the neighbours of each point, weighted by strength, shape (points, 2).

    ``similarities`` has shape (points, k), highest first; ``neighbour_xy`` has shape (points, k, 2). A point that is
    the same as some of its neighbours lies where they do. A position depends on the point's own row alone.
    """
    if not similarities.shape[1]:
        return np.zeros((len(similarities), 2), dtype=np.float32)
    distances = similarity_to_distance(metric, similarities)
    same = distances <= _SAME if metric != "dot" else np.zeros(distances.shape, dtype=bool)
    weights = np.where(same.any(axis=1, keepdims=True), same, membership_strengths(distances)).astype(np.float64)
    weights /= weights.sum(axis=1, keepdims=True)
    xy = np.zeros((len(weights), 2))
    for column in range(weights.shape[1]):  # added in this order, so that a sum is the same beside other points
        xy += weights[:, [column]] * neighbour_xy[:, column]
    return xy.astype(np.float32)


@dataclass(frozen=True)
class PcaPlane:
    """The plane of the first two principal components: a vector lies at ``(vector - mean) @ axes``."""

    mean: Float32Array  # (dimension,)
    axes: Float32Array  # (dimension, 2); the second has length 0 where the vectors lie on a line

    def project(self, vectors: Float32Array, metric: Metric) -> Float32Array:
        """Return the positions of vectors, shape (vectors, 2)."""
        xy = [(normalized_for(metric, block) - self.mean) @ self.axes for block in _blocks(vectors)]
        return np.concatenate(xy) if xy else np.empty((0, 2), dtype=np.float32)


def fit_pca(vectors: Float32Array, metric: Metric) -> PcaPlane:
    """Return the plane of the two eigenvectors of the covariance with the largest eigenvalues.

    ``vectors`` has shape (vectors, dimension), with at least one row. The largest entry of each axis is positive, so
    that the same vectors give the same layout. Raises MapError for numbers that are not finite.
    """
    count, dimension = vectors.shape
    total = np.zeros(dimension)
    for block in _blocks(vectors):
        total += normalized_for(metric, block).sum(axis=0, dtype=np.float64)
    if not np.isfinite(total).all():
        raise MapError("Some vectors of this collection hold numbers that are not finite: index its documents again")
    mean = (total / count).astype(np.float32)
    # several threads would wait for each other: beside other work that takes five times as long
    with threadpool_limits(1, user_api="blas"):
        values, components = (_gram_pca if count < dimension else _covariance_pca)(vectors, metric, mean)
    axes = np.zeros((dimension, 2))
    for index in range(min(2, len(values))):
        if values[index] > _MIN_VARIANCE * values[0] and values[index] > 0:
            axis = components[:, index]
            axes[:, index] = axis * np.sign(axis[np.abs(axis).argmax()])
    return PcaPlane(mean, axes.astype(np.float32))


def _blocks(vectors: Float32Array) -> list[Float32Array]:
    return [vectors[first : first + _PCA_ROWS] for first in range(0, len(vectors), _PCA_ROWS)]


def _covariance_pca(vectors: Float32Array, metric: Metric, mean: Float32Array) -> tuple[Float64Array, Float64Array]:
    """Return the eigenvalues and unit eigenvectors (columns) of the covariance, largest first."""
    scatter = np.zeros((vectors.shape[1], vectors.shape[1]))
    for block in _blocks(vectors):
        centred = normalized_for(metric, block) - mean
        scatter += centred.T @ centred
    values, axes = np.linalg.eigh(scatter / len(vectors))
    return values[::-1], axes[:, ::-1]


def _gram_pca(vectors: Float32Array, metric: Metric, mean: Float32Array) -> tuple[Float64Array, Float64Array]:
    """Return the same for fewer vectors than dimensions, from their Gram matrix with the same nonzero eigenvalues."""
    centred = (normalized_for(metric, vectors) - mean).astype(np.float64)
    values, eigenvectors = np.linalg.eigh(centred @ centred.T / len(vectors))
    axes = centred.T @ eigenvectors[:, ::-1]
    lengths = np.sqrt(np.einsum("ij,ij->j", axes, axes))
    return values[::-1], axes / np.maximum(lengths, np.finfo(np.float64).tiny)


def umap_epochs(points: int) -> int:
    """Return how many epochs UMAP takes.

    Up to 2,000 points as many as in umap-learn, beyond that fewer: from this start, more of them win less than .005
    of trustworthiness (benchmarks/README.md) at a high cost in time.
    """
    return next((epochs for limit, epochs in _EPOCHS if points <= limit), _MIN_EPOCHS)


def umap(
    distances: Float32Array, neighbours: Neighbours, start: Float32Array, settings: LayoutSettings, report: StageReport
) -> Float32Array:
    """Return the UMAP layout, shape (points, 2), centred.

    ``distances`` to the neighbours have shape (points, k), without the points themselves; UMAP's ``n_neighbors``
    counts them, and is k + 1. ``start`` has shape (points, 2).
    """
    report(UMAP_LOADING, 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that TensorFlow is not installed
        from umap.umap_ import find_ab_params, simplicial_set_embedding
    report(UMAP_JOINING, 0.0)
    graph = fuzzy_graph(distances, neighbours.indices)
    random = np.random.RandomState(settings.seed)
    a, b = find_ab_params(1.0, settings.min_dist)
    report(UMAP_MOVING, 0.0)
    extent = np.ptp(start, axis=0)  # umap-learn scales its start to an extent of 10 in each direction
    scaled = 10 * (start - start.min(axis=0)) / np.where(extent > 0, extent, 1)
    xy, _ = simplicial_set_embedding(
        data=start,  # only its length is used
        graph=graph,
        n_components=2,
        initial_alpha=1.0,
        a=a,
        b=b,
        gamma=1.0,
        negative_sample_rate=5,
        n_epochs=umap_epochs(len(start)),
        init=np.asarray(scaled + random.normal(scale=_UMAP_NOISE, size=start.shape), dtype=np.float32),
        random_state=random,
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


def fuzzy_graph(distances: Float32Array, indices: Int32Array) -> coo_array:
    """Return how strongly points belong together, a sparse array of shape (points, points).

    ``distances`` and ``indices`` of the neighbours have shape (points, k). The strengths s and t of the two directions
    are joined as a probabilistic sum, s + t - st.
    """
    count, k = indices.shape
    rows = np.repeat(np.arange(count, dtype=np.int32), k)
    strengths = membership_strengths(distances).ravel()
    directed = coo_array((strengths, (rows, indices.ravel())), shape=(count, count)).tocsr()
    reverse = directed.T.tocsr()
    return (directed + reverse - directed.multiply(reverse)).tocoo()


class _UmapProgress(TextIOBase):
    """A file that reports the progress bar that is written to it, as in 12/200."""

    def __init__(self, report: StageReport) -> None:
        self._report = report

    def write(self, text: str) -> int:
        """Report the share of epochs that are done."""
        done, _, total = text.strip().partition("/")
        if done.isdigit() and total.isdigit():
            self._report(UMAP_MOVING, int(done) / max(int(total), 1))
        return len(text)


def tsne_perplexity(points: int, settings: LayoutSettings) -> float:
    """Return the perplexity, lowered to a third of the other points where these are few."""
    return min(float(settings.perplexity), (points - 1) / 3)


def tsne_neighbours(points: int, settings: LayoutSettings) -> int:
    """Return how many neighbours of each point t-SNE uses."""
    return min(points - 1, int(3 * tsne_perplexity(points, settings) + 1))


def tsne(
    distances: Float32Array, neighbours: Neighbours, start: Float32Array, settings: LayoutSettings, report: StageReport
) -> Float32Array:
    """Return the t-SNE layout, shape (points, 2), centred.

    ``distances`` to the neighbours have shape (points, k), nearest first, without the points themselves; k is that of
    ``tsne_neighbours``. ``start`` has shape (points, 2).
    """
    report(TSNE_LOADING, 0.0)
    from sklearn.manifold import TSNE

    count, k = neighbours.indices.shape
    columns = np.hstack([np.arange(count)[:, None], neighbours.indices]).astype(np.int32).ravel()
    data = np.hstack([np.zeros((count, 1), np.float32), distances]).ravel()
    graph = csr_array((data, columns, np.arange(0, data.size + 1, k + 1)), shape=(count, count))
    random = np.random.RandomState(settings.seed)
    deviation = float(start[:, 0].std()) or 1.0
    init = start / deviation * _TSNE_START + random.normal(scale=_TSNE_START / 100, size=start.shape)
    model = TSNE(
        perplexity=tsne_perplexity(count, settings),
        metric="precomputed",
        init=init.astype(np.float32),
        random_state=random,
        max_iter=TSNE_ITERATIONS,
        verbose=2,
    )
    report(TSNE_MOVING, 0.0)
    # several threads would add up in another order each time
    with redirect_stdout(_TsneProgress(report)), threadpool_limits(1, user_api="openmp"):
        xy = model.fit_transform(graph)
    return np.asarray(xy - xy.mean(axis=0, dtype=np.float64), dtype=np.float32)


class _TsneProgress(TextIOBase):
    """A file that reports the iterations that scikit-learn prints to it."""

    def __init__(self, report: StageReport) -> None:
        self._report = report

    def write(self, text: str) -> int:
        """Report the share of iterations that are done."""
        if match := _TSNE_ITERATION.search(text):
            self._report(TSNE_MOVING, int(match[1]) / TSNE_ITERATIONS)
        return len(text)
