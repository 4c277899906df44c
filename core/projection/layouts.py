"""Compute two-dimensional layouts by PCA, UMAP or t-SNE; the same points and settings give the same layout."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from core.errors import MapError
from core.projection import _algorithms
from core.projection._algorithms import PcaPlane, fit_pca, place_by_neighbours
from core.projection.cache import load_neighbours, save_neighbours
from core.projection.records import Layout, LayoutSettings, Points
from core.records.document import short_hash
from core.util.arrays import Float32Array, Int64Array
from core.util.progress import StageReport, silent
from core.vectors.neighbors import STAGE as SEARCHING
from core.vectors.neighbors import Neighbours, nearest_neighbours, nearest_neighbours_of
from core.vectors.similarity import similarity_to_distance

PCA_ONLY = 3  # up to so many points are laid out by PCA: UMAP and t-SNE need neighbourhoods
PLACING_NEIGHBOURS = 15  # fitted chunks that place one that was not fitted
PCA_STAGE, PLACING = "drawing by PCA", "placing the rest"


class StageProgress:
    """Turns the progress of single stages into that of a whole layout.

    ``costs`` are the seconds that each stage is likely to take, in the order of the stages.
    """

    def __init__(self, report: StageReport, costs: Mapping[str, float]) -> None:
        self._seconds: dict[str, float] = {}
        self._report = report
        self._costs = costs
        self._stage = ""
        self._since = time.perf_counter()

    def report(self, stage: str, share: float) -> None:
        """Report the share of the whole when ``share`` of ``stage`` is done; all stages before it are done."""
        self._count()
        self._stage = stage
        names = list(self._costs)
        total = sum(self._costs.values()) or 1.0
        done = sum(self._costs[name] for name in names[: names.index(stage)]) if stage in names else 0.0
        self._report(stage, (done + share * self._costs.get(stage, 0.0)) / total)

    def end(self) -> dict[str, float]:
        """Report that all is done, and return how many seconds each stage took."""
        self._count()
        self._report("done", 1.0)
        return {stage: round(seconds, 3) for stage, seconds in self._seconds.items()}

    def _count(self) -> None:
        """Add the time since the last report to the stage in progress."""
        now = time.perf_counter()
        if self._stage:
            self._seconds[self._stage] = self._seconds.get(self._stage, 0.0) + now - self._since
        self._since = now


def sample_by_document(document_ids: Sequence[str], limit: int, seed: int) -> Int64Array:
    """Return the rows of at most ``limit`` chunks, sorted; all rows where there are no more.

    A sample stratified by document: one chunk of each document, while there are no more documents than ``limit``, and
    beyond it a share by the document's size (largest remainders). ``seed`` draws the chunks of a document.
    """
    count = len(document_ids)
    if count <= limit:
        return np.arange(count)
    shuffled = np.random.default_rng(seed).permutation(count)
    documents = np.unique(np.asarray(document_ids, dtype=object), return_inverse=True)[1]
    shuffled_documents = documents[shuffled]
    sizes = np.bincount(documents)
    if len(sizes) > limit:
        quotas = np.zeros(len(sizes), dtype=np.int64)
        quotas[np.random.default_rng(seed).permutation(len(sizes))[:limit]] = 1
    else:
        quotas = _quotas(sizes, limit)
    by_document = np.argsort(shuffled_documents, kind="stable")
    first = np.cumsum(sizes) - sizes
    rank = np.empty(count, dtype=np.int64)  # of each shuffled chunk within its document, from 0
    rank[by_document] = np.arange(count) - np.repeat(first, sizes)
    return np.asarray(np.sort(shuffled[rank < quotas[shuffled_documents]]), dtype=np.int64)


def _quotas(sizes: Int64Array, limit: int) -> Int64Array:
    """Return how many chunks of each document are drawn: one, and of the others in proportion to its size."""
    exact = (sizes - 1) * ((limit - len(sizes)) / max(int(sizes.sum()) - len(sizes), 1))
    quotas: Int64Array = 1 + np.floor(exact).astype(np.int64)
    remaining = limit - int(quotas.sum())
    quotas[np.argsort(np.floor(exact) - exact, kind="stable")[:remaining]] += 1
    return quotas


def compute_layout(
    points: Points,
    settings: LayoutSettings,
    neighbours: Neighbours | None = None,
    report: StageReport | None = None,
    keep_in: Path | None = None,
) -> Layout:
    """Return the layout of ``points`` by ``settings``.

    ``neighbours`` of all points spare the search for them, if they are as many as ``neighbours_needed`` says. With
    the data folder ``keep_in`` they are loaded from there, or saved there.
    Raises MapError where there are no points, or vectors that are not finite.
    """
    if not len(points):
        raise MapError(
            f"The collection {points.collection!r} has no chunks to draw: add documents to it on the Library page"
        )
    progress = StageProgress(report or silent, _costs(len(points), points.vectors.shape[1], settings))
    progress.report(PCA_STAGE, 0.0)
    plane = fit_pca(points.vectors, points.metric)
    if settings.method == "pca" or len(points) <= PCA_ONLY:
        xy, fitted = plane.project(points.vectors, points.metric), np.arange(len(points))
    else:
        fitted = sample_by_document(points.document_ids, fit_limit(settings), settings.seed)
        sampled = len(fitted) < len(points)
        vectors = points.vectors[fitted] if sampled else points.vectors
        k = neighbours_needed(len(fitted), settings)
        if sampled or neighbours is None or neighbours.indices.shape[1] < k:
            digest = short_hash(points.digest, fitted.tobytes().hex()) if sampled else points.digest
            neighbours = load_neighbours(keep_in, digest, k) if keep_in else None
            if neighbours is None:
                neighbours = nearest_neighbours(vectors, points.metric, k, progress.report)
                if keep_in:
                    save_neighbours(keep_in, digest, neighbours)
        neighbours = Neighbours(neighbours.indices[:, :k], neighbours.similarities[:, :k])
        algorithm = _algorithms.umap if settings.method == "umap" else _algorithms.tsne
        xy = algorithm(
            similarity_to_distance(points.metric, neighbours.similarities, vectors),
            neighbours,
            plane.project(vectors, points.metric),
            settings,
            progress.report,
        )
        if sampled:
            xy = _with_rest(points, fitted, vectors, xy, progress.report)
    if not np.isfinite(xy).all():
        raise MapError(
            f"The picture of {points.collection!r} came out without some places: choose other settings, or PCA"
        )
    if settings.method != "pca":
        plane = PcaPlane(np.empty(0, dtype=np.float32), np.empty((0, 2), dtype=np.float32))
    is_fitted = np.zeros(len(points), dtype=bool)
    is_fitted[fitted] = True
    return Layout(settings, points.digest, xy, is_fitted, plane.mean, plane.axes, progress.end())


def fit_limit(settings: LayoutSettings) -> int:
    """Return how many chunks are laid out at most; the others are placed by their neighbours among these."""
    return min(settings.limit, _algorithms.TSNE_LIMIT) if settings.method == "tsne" else settings.limit


def neighbours_needed(points: int, settings: LayoutSettings) -> int:
    """Return how many neighbours of each of so many points a method uses, the point itself left out.

    UMAP's ``n_neighbors`` counts the point itself, and is lowered to half of the points where these are few.
    """
    if settings.method == "tsne":
        return _algorithms.tsne_neighbours(points, settings)
    return min(settings.n_neighbors, max(3, points // 2), points) - 1 if settings.method == "umap" else 0


def _with_rest(
    points: Points, fitted: Int64Array, vectors: Float32Array, fitted_xy: Float32Array, report: StageReport
) -> Float32Array:
    """Return the layout of all points, those not ``fitted`` placed by their neighbours among the fitted ones."""
    rest = np.setdiff1d(np.arange(len(points)), fitted)
    xy = np.empty((len(points), 2), dtype=np.float32)
    xy[fitted] = fitted_xy
    neighbours = nearest_neighbours_of(
        vectors, points.metric, points.vectors[rest], PLACING_NEIGHBOURS, lambda _, share: report(PLACING, share)
    )
    xy[rest] = place_by_neighbours(neighbours.similarities, fitted_xy[neighbours.indices], points.metric)
    return xy


def _costs(points: int, dimension: int, settings: LayoutSettings) -> dict[str, float]:
    """Return the seconds that each stage is likely to take, measured on two cores; only their proportions matter."""
    fitted = min(points, fit_limit(settings))
    costs = {PCA_STAGE: 1e-8 * points * dimension, SEARCHING: 4e-12 * fitted * fitted * dimension + 1e-5 * fitted}
    if settings.method == "umap":
        costs |= {
            _algorithms.UMAP_LOADING: 2.5,
            _algorithms.UMAP_JOINING: 5e-6 * fitted,
            _algorithms.UMAP_MOVING: 1.0 + 1.75e-6 * fitted * _algorithms.umap_epochs(fitted),
        }
    else:
        costs |= {_algorithms.TSNE_LOADING: 1.0, _algorithms.TSNE_MOVING: 6e-3 * fitted}
    return costs | {PLACING: 8e-12 * (points - fitted) * fitted * dimension}
