"""Compute two-dimensional layouts by PCA, UMAP or t-SNE; the same points and settings give the same layout."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import MapError
from core.projection import _algorithms
from core.projection._algorithms import PcaPlane, fit_pca, place_by_neighbours
from core.projection.cache import load_neighbours, save_neighbours
from core.projection.records import Layout, LayoutSettings, Points
from core.records.document import short_hash
from core.records.search import Metric
from core.util.arrays import Float32Array, Int64Array
from core.util.progress import StageReport, silent
from core.vectors.neighbors import STAGE as SEARCHING
from core.vectors.neighbors import Neighbours, nearest_neighbours, nearest_neighbours_of
from core.vectors.similarity import similarity_to_distance


class StageProgress:
    """Puts the stages of a layout together to one whole. ``costs`` are seconds that each is likely to take, in their order."""

    def __init__(self, report: StageReport, costs: Mapping[str, float]) -> None:
        self._seconds: dict[str, float] = {}
        self._report = report
        self._costs = costs
        self._stage = ""
        self._since = time.perf_counter()

    def report(self, stage: str, share: float) -> None:
        """Hear that so much of a stage is done, and tell how much of the whole. Whatever was before a stage is over when it begins."""
        self._count()
        self._stage = stage
        names = list(self._costs)
        total = sum(self._costs.values()) or 1.0
        done = sum(self._costs[name] for name in names[: names.index(stage)]) if stage in names else 0.0
        self._report(stage, (done + share * self._costs.get(stage, 0.0)) / total)

    def end(self) -> dict[str, float]:
        """Hear that all is done, and return how many seconds each stage took."""
        self._count()
        self._report("done", 1.0)
        return {stage: round(seconds, 3) for stage, seconds in self._seconds.items()}

    def _count(self) -> None:
        now = time.perf_counter()
        if self._stage:
            self._seconds[self._stage] = self._seconds.get(self._stage, 0.0) + now - self._since
        self._since = now


def sample_by_document(document_ids: Sequence[str], limit: int, seed: int) -> Int64Array:
    """Return the places of at most ``limit`` chunks, sorted; all of them where there are no more.

    Every document keeps a chunk while there are no more documents than that, and beyond it a share by its size
    (what is left over goes to the largest remainders); which chunks these are is drawn by ``seed``.
    """
    many = len(document_ids)
    if many <= limit:
        return np.arange(many)
    shuffled = np.random.default_rng(seed).permutation(many)
    documents = np.unique(np.asarray(document_ids, dtype=object), return_inverse=True)[1]
    drawn = documents[shuffled]
    sizes = np.bincount(documents)
    if len(sizes) > limit:
        shares = np.zeros(len(sizes), dtype=np.int64)
        shares[np.random.default_rng(seed).permutation(len(sizes))[:limit]] = 1
    else:
        shares = _shares(sizes, limit)
    by_document = np.argsort(drawn, kind="stable")
    begin = np.cumsum(sizes) - sizes
    rank = np.empty(many, dtype=np.int64)
    rank[by_document] = np.arange(many) - np.repeat(begin, sizes)
    return np.asarray(np.sort(shuffled[rank < shares[drawn]]), dtype=np.int64)


def _shares(sizes: Int64Array, limit: int) -> Int64Array:
    """How many chunks of each document: one, and of the others in proportion."""
    beyond = (sizes - 1) * ((limit - len(sizes)) / max(int(sizes.sum()) - len(sizes), 1))
    shares: Int64Array = 1 + np.floor(beyond).astype(np.int64)
    left = limit - int(shares.sum())
    shares[np.argsort(np.floor(beyond) - beyond, kind="stable")[:left]] += 1
    return shares


BY_PCA = 3  # so few points are shown by PCA, whatever is asked for: there are no neighbourhoods to keep
PLACED_BY = 15  # fitted neighbours place a chunk that was not fitted
BEGINNING, PLACING = "drawing by PCA", "placing the rest"


def compute_layout(
    points: Points,
    settings: LayoutSettings,
    neighbours: Neighbours | None = None,
    report: StageReport | None = None,
    keep_in: Path | None = None,
) -> Layout:
    """Return where each chunk lies by ``settings``.

    ``neighbours`` of all points spare the search for them, if they are as many as ``neighbours_needed`` says.
    With ``keep_in``, a data folder, they are taken from there and kept there.
    Raises MapError where there are no points, or vectors that are not finite.
    """
    if not len(points):
        raise MapError(
            f"The collection {points.collection!r} has no chunks to draw: add documents to it on the Library page"
        )
    clock = StageProgress(report or silent, _costs(len(points), points.vectors.shape[1], settings))
    clock.report(BEGINNING, 0.0)
    plane = fit_pca(points.vectors, points.metric)
    if settings.method == "pca":
        return _layout(points, settings, plane.of(points.vectors, points.metric), clock, plane=plane)
    if len(points) <= BY_PCA:
        return _layout(points, settings, plane.of(points.vectors, points.metric), clock)
    fitted = sample_by_document(points.document_ids, fit_limit(settings), settings.seed)
    part = _Part.of(points, fitted, settings)
    found = _fitting(neighbours, part) if len(fitted) == len(points) else None
    found = found or _find(part, clock.report, keep_in)
    apart = similarity_to_distance(points.metric, found.similarities, part.vectors)
    start = plane.of(part.vectors, points.metric)
    xy = (_algorithms.umap if settings.method == "umap" else _algorithms.tsne)(
        apart, found, start, settings, clock.report
    )
    return _layout(points, settings, _with_rest(points, fitted, part.vectors, xy, clock.report), clock, fitted)


def fit_limit(settings: LayoutSettings) -> int:
    """Return how many chunks are laid out at most; the others are placed by them."""
    return min(settings.limit, _algorithms.TSNE_LIMIT) if settings.method == "tsne" else settings.limit


def neighbours_needed(points: int, settings: LayoutSettings) -> int:
    """Return how many neighbours of each of so many points a method heeds, the point itself left out.

    UMAP's ``n_neighbors`` counts the point itself, and is lowered to half of the points where these are few.
    """
    if settings.method == "tsne":
        return _algorithms.tsne_neighbours(points, settings)
    return min(settings.n_neighbors, max(3, points // 2), points) - 1 if settings.method == "umap" else 0


@dataclass(frozen=True)
class _Part:
    """The points that are laid out."""

    digest: str
    metric: Metric
    vectors: Float32Array
    k: int

    @classmethod
    def of(cls, points: Points, fitted: Int64Array, settings: LayoutSettings) -> _Part:
        k = neighbours_needed(len(fitted), settings)
        if len(fitted) == len(points):
            return cls(points.digest, points.metric, points.vectors, k)
        return cls(short_hash(points.digest, fitted.tobytes().hex()), points.metric, points.vectors[fitted], k)


def _fitting(neighbours: Neighbours | None, part: _Part) -> Neighbours | None:
    """So many of the neighbours as are needed, None where there are fewer."""
    if neighbours is None or neighbours.indices.shape[1] < part.k:
        return None
    return Neighbours(neighbours.indices[:, : part.k], neighbours.similarities[:, : part.k])


def _find(part: _Part, report: StageReport, keep_in: Path | None) -> Neighbours:
    """The neighbours, from the disk where they are there."""
    found = load_neighbours(keep_in, part.digest, part.k) if keep_in else None
    if found is None:
        found = nearest_neighbours(part.vectors, part.metric, part.k, report)
        if keep_in:
            save_neighbours(keep_in, part.digest, found)
    return found


def _with_rest(
    points: Points, fitted: Int64Array, vectors: Float32Array, xy: Float32Array, report: StageReport
) -> Float32Array:
    """The picture of all points: those that were not fitted lie by their neighbours among those that were."""
    if len(fitted) == len(points):
        return xy
    rest = np.setdiff1d(np.arange(len(points)), fitted)
    everything = np.empty((len(points), 2), dtype=np.float32)
    everything[fitted] = xy
    found = nearest_neighbours_of(
        vectors, points.metric, points.vectors[rest], PLACED_BY, lambda _, share: report(PLACING, share)
    )
    everything[rest] = place_by_neighbours(found.similarities, xy[found.indices], points.metric)
    return everything


def _layout(
    points: Points,
    settings: LayoutSettings,
    xy: Float32Array,
    clock: StageProgress,
    fitted: Int64Array | None = None,
    plane: PcaPlane | None = None,
) -> Layout:
    laid = np.zeros(len(points), dtype=bool)
    laid[fitted if fitted is not None else slice(None)] = True
    if not np.isfinite(xy).all():
        raise MapError(
            f"The picture of {points.collection!r} came out without some places: choose other settings, or PCA"
        )
    plane = plane or PcaPlane(np.empty(0, dtype=np.float32), np.empty((0, 2), dtype=np.float32))
    return Layout(settings, points.digest, xy, laid, plane.mean, plane.axes, clock.end())


def _costs(many: int, dimension: int, settings: LayoutSettings) -> dict[str, float]:
    """Seconds that each stage is likely to take, measured on two cores: what matters is how they compare."""
    fitted = min(many, fit_limit(settings))
    costs = {BEGINNING: 1e-8 * many * dimension, SEARCHING: 4e-12 * fitted * fitted * dimension + 1e-5 * fitted}
    if settings.method == "umap":
        costs |= {
            _algorithms.UMAP_LOADING: 2.5,
            _algorithms.UMAP_JOINING: 5e-6 * fitted,
            _algorithms.UMAP_MOVING: 1.0 + 1.75e-6 * fitted * _algorithms.umap_epochs(fitted),
        }
    else:
        costs |= {_algorithms.TSNE_LOADING: 1.0, _algorithms.TSNE_MOVING: 6e-3 * fitted}
    return costs | {PLACING: 8e-12 * (many - fitted) * fitted * dimension}
