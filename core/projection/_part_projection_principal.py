"""Principal components: the flat picture that keeps as much of the spread as a flat picture can."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from core.errors import MapError
from core.projection.records import Floats
from core.records.search import Metric
from core.vectors.similarity import Numbers, unit

_BLOCK = 8192  # vectors at once
_NONE = 1e-10  # of the first component's spread: less is none


@dataclass(frozen=True)
class Plane:
    """Where vectors fall on the plane of their two widest spreads: ``(vector - mean) @ axes``."""

    mean: Floats  # (dimension,)
    axes: Floats  # (dimension, 2), the second of length 0 where the vectors lie on a line

    def of(self, vectors: Floats, metric: Metric) -> Floats:
        """Return the places of vectors, shape (vectors, 2)."""
        xy = [(as_compared(block, metric) - self.mean) @ self.axes for block in _blocks(vectors)]
        return np.concatenate(xy) if xy else np.empty((0, 2), dtype=np.float32)


def as_compared(vectors: Floats, metric: Metric) -> Floats:
    """Return vectors as the measure sees them: of length 1 for cosine, else as they are."""
    return unit(vectors) if metric == "cosine" else np.asarray(vectors)


def principal_plane(vectors: Floats, metric: Metric) -> Plane:
    """Return the plane of the two eigenvectors of the covariance with the largest eigenvalues (Pearson, 1901; Hotelling, 1933).

    ``vectors`` has shape (vectors, dimension), at least one. The largest entry of each axis is positive, so that
    the same vectors give the same picture. Raises MapError for numbers that are not finite.
    """
    many, dimension = vectors.shape
    mean = sum((as_compared(block, metric).sum(axis=0, dtype=np.float64) for block in _blocks(vectors)), np.zeros(dimension)) / many
    if not np.isfinite(mean).all():
        raise MapError("Some vectors of this collection hold numbers that are not finite: index its documents again")
    centre = mean.astype(np.float32)
    with threadpool_limits(1, user_api="blas"):  # several threads would wait for each other: beside other work that takes five times as long
        values, vectors_of = _by_places(vectors, metric, centre) if many < dimension else _by_dimensions(vectors, metric, centre)
    axes = np.zeros((dimension, 2))
    for at in range(min(2, len(values))):
        if values[at] > _NONE * values[0] and values[at] > 0:
            axes[:, at] = vectors_of[:, at] * np.sign(vectors_of[np.abs(vectors_of[:, at]).argmax(), at])
    return Plane(centre, axes.astype(np.float32))


def _blocks(vectors: Floats) -> list[Floats]:
    return [vectors[first : first + _BLOCK] for first in range(0, len(vectors), _BLOCK)]


def _by_dimensions(vectors: Floats, metric: Metric, centre: Floats) -> tuple[Numbers, Numbers]:
    """Eigenvalues and unit eigenvectors of the covariance, largest first."""
    scatter = np.zeros((vectors.shape[1], vectors.shape[1]))
    for block in _blocks(vectors):
        spread = as_compared(block, metric) - centre
        scatter += spread.T @ spread
    values, axes = np.linalg.eigh(scatter / len(vectors))
    return values[::-1], axes[:, ::-1]


def _by_places(vectors: Floats, metric: Metric, centre: Floats) -> tuple[Numbers, Numbers]:
    """The same of fewer vectors than dimensions, by the products of the vectors: the eigenvalues that are not 0 are the same."""
    spread = (as_compared(vectors, metric) - centre).astype(np.float64)
    values, shares = np.linalg.eigh(spread @ spread.T / len(vectors))
    axes = spread.T @ shares[:, ::-1]
    sizes = np.sqrt(np.einsum("ij,ij->j", axes, axes))
    return values[::-1], axes / np.maximum(sizes, np.finfo(np.float64).tiny)
