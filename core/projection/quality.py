"""Measure how well a layout preserves the neighbourhoods of the full space.

Trustworthiness and continuity are those of Venna and Kaski (Neighborhood Preservation in Nonlinear Projection Methods,
2001), defined as in scikit-learn but for ties, as those of equal vectors. The rank of a point is 1 and the number of
the others that are strictly nearer, so that a point is a stranger only if it is strictly further away than the k-th
nearest. Of points that tie for the k-th place in the full space, those count as neighbours that the map has nearest,
since equal vectors stand for one another. Of points that tie for it on the map each counts with an equal share: a map
that puts strangers onto one place says of all of them that they are near.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from core.records.search import Metric
from core.util.arrays import AnyFloatArray, AnyIntArray, Float32Array, Float64Array, Int64Array
from core.vectors.similarity import normalized_for

EXACT_LIMIT = 5_000  # points; of more, a sample is averaged
SAMPLE = 2_000  # points of it: the standard error of the mean is then about .002
BLOCK = 8_000_000  # distances computed at once: 64 MB
_VECTOR_ROWS = 8192  # vectors converted at once
_SEED = 42
_ROUNDING = 32  # units in the last place of a row's largest distance
_TIE = 1 + 1e-9  # two ways to compute one distance may differ by their rounding


def _full_space_distances(
    vectors: Float32Array, metric: Metric, rows: Int64Array, precision: type[np.floating[Any]]
) -> AnyFloatArray:
    """Return values that sort as the full-space distances of ``rows`` to all points, shape (rows, points).

    They are infinite from a point to itself. In double precision the ranks are exact; in single precision, for a
    sample, points may be swapped whose distances differ by rounding only.
    """
    left = vectors[rows].astype(precision)
    distances = np.empty((len(rows), len(vectors)), dtype=precision)
    for first in range(0, len(vectors), _VECTOR_ROWS):
        right = vectors[first : first + _VECTOR_ROWS].astype(precision, copy=False)
        products = left @ right.T
        if metric == "l2":
            # |a - b|² / 2 but for |a|² / 2, which is the same for the whole row
            products -= np.square(right).sum(axis=1) / 2
        distances[:, first : first + _VECTOR_ROWS] = -products
    distances[np.arange(len(rows)), rows] = np.inf
    return distances


def _layout_distances(xy: Float64Array, rows: Int64Array) -> Float64Array:
    """Return the squared layout distances of ``rows`` to all points, shape (rows, points), infinite to themselves."""
    x, y = np.ascontiguousarray(xy.T)
    squared = np.empty((len(rows), len(xy)))
    for out, row in zip(squared, rows.tolist(), strict=True):  # one by one, so that it stays in the processor's cache
        np.square(x - x[row], out=out)
        out += np.square(y - y[row])
        out[row] = np.inf
    return squared


def _rank_excess(near: AnyFloatArray, ranked: AnyFloatArray, k: int, *, share: bool) -> float:
    """Return by how much the ranks by ``ranked`` of the ``k`` points nearest by ``near`` exceed ``k``, over all rows.

    Both are distances of shape (rows, points). Where more points tie for the k-th place than there is room for, each
    counts with an equal ``share`` of it, or else those with the lowest ranks count. Ranks are from 1, and those of
    equal distances are equal. One row at a time stays in the processor's cache.
    """
    columns = np.argpartition(near, k - 1, axis=1)[:, :k]
    tolerances = [_rounding(distances) for distances in (near, ranked)]
    bounds = np.take_along_axis(near, columns, axis=1).max(axis=1) + tolerances[0]
    tied = np.count_nonzero(near <= bounds[:, None], axis=1) > k
    total = 0.0
    for row in range(len(near)):
        limit, tolerance = float(bounds[row]), float(tolerances[1][row])
        if tied[row]:
            total += _tied_excess(near[row], ranked[row], k, (limit, float(tolerances[0][row]), tolerance), share)
            continue
        for column in columns[row].tolist():
            nearer = np.count_nonzero(ranked[row] < ranked[row, column] - tolerance)
            total += max(int(nearer) + 1 - k, 0)
    return total


def _tied_excess(
    near: AnyFloatArray, ranked: AnyFloatArray, k: int, limits: tuple[float, float, float], share: bool
) -> float:
    """Return ``_rank_excess`` of one row with ties for the k-th place; ``limits``: the bound and both tolerances."""
    bound, near_tolerance, tolerance = limits
    excess = np.maximum(np.searchsorted(np.sort(ranked), ranked - tolerance) + 1 - k, 0)
    is_near = near < bound - 2 * near_tolerance
    sure = excess[is_near]
    tied = np.sort(excess[~is_near & (near <= bound)])
    room = k - len(sure)
    return float(sure.sum()) + float(tied.mean() * room if share else tied[:room].sum())


def _rounding(distances: AnyFloatArray) -> AnyFloatArray:
    """Return what equal distances of a row may differ by, since they are computed in another order, shape (rows,)."""
    largest = np.max(np.abs(distances), axis=1, where=np.isfinite(distances), initial=0.0)
    rounding: AnyFloatArray = _ROUNDING * np.finfo(distances.dtype).eps * largest
    return rounding


@dataclass(frozen=True, slots=True)
class LayoutQuality:
    """Trustworthiness and continuity: 1 is perfect, and a random layout gives about 0.5.

    ``sampled`` of ``total`` points were averaged, with ``k`` neighbours each.
    """

    trustworthiness: float
    continuity: float
    k: int
    sampled: int
    total: int

    @property
    def exact(self) -> bool:
        """Whether all points were averaged, and not a sample."""
        return self.sampled == self.total

    @property
    def words(self) -> str:
        """What the two figures mean, in three sentences."""
        how = "over all chunks" if self.exact else f"on {self.sampled:,} of {self.total:,} chunks, drawn at random"
        return (
            f"Trustworthiness {self.trustworthiness:.2f}: {_TRUST[_grade(self.trustworthiness)]}. "
            f"Continuity {self.continuity:.2f}: {_CONTINUITY[_grade(self.continuity)]}. "
            f"1 is perfect, 0.5 is what chance gives; measured with the {self.k} nearest neighbours {how}."
        )


_TRUST = (
    "what lies close together on the map is nearly always close in the full space",
    "what lies close together on the map is mostly close in the full space, with some strangers in between",
    "many neighbours on the map are strangers in the full space: look at the scores before you believe the picture",
)
_CONTINUITY = (
    "what belongs together is hardly ever torn apart",
    "some of what belongs together was torn apart",
    "much of what belongs together was torn apart: two far places may hold the same subject",
)


def _grade(figure: float) -> int:
    return 0 if figure >= 0.95 else 1 if figure >= 0.85 else 2


def measure_quality(
    vectors: Float32Array, metric: Metric, xy: Float32Array, k: int = 10, sample: int | None = None
) -> LayoutQuality | None:
    """Return trustworthiness and continuity of the layout ``xy`` (points, 2) of ``vectors`` (points, dimension).

    All points are averaged up to EXACT_LIMIT, of more a seeded sample of SAMPLE; ``sample`` overrides that number.
    ``k`` is lowered to less than half of the points, as the definition demands. None under 4 points.
    """
    total = len(vectors)
    if total < 4:
        return None
    k = max(1, min(k, (total - 1) // 2))
    sampled = min(total, sample or (total if total <= EXACT_LIMIT else SAMPLE))
    sample_rows: Int64Array = np.arange(total)
    precision: type[np.floating[Any]] = np.float64
    if sampled < total:
        sample_rows = np.sort(np.random.default_rng(_SEED).choice(total, sampled, replace=False))
        precision = np.float32
    normalized, xy64 = normalized_for(metric, vectors), np.asarray(xy, dtype=np.float64)
    false_excess = missed_excess = 0.0
    step = max(1, BLOCK // total)
    for first in range(0, sampled, step):
        rows = sample_rows[first : first + step]
        full_space = _full_space_distances(normalized, metric, rows, precision)
        on_map = _layout_distances(xy64, rows)
        false_excess += _rank_excess(on_map, full_space, k, share=True)
        missed_excess += _rank_excess(full_space, on_map, k, share=False)
    scale = 2.0 / (sampled * k * (2.0 * total - 3.0 * k - 1.0))
    return LayoutQuality(1.0 - scale * false_excess, 1.0 - scale * missed_excess, k, sampled, total)


def distortion(
    xy: Float32Array,
    neighbours: AnyIntArray,
    k: int = 10,
    vectors: Float32Array | None = None,
    metric: Metric = "cosine",
) -> Float32Array:
    """Return the share of each point's true ``k`` nearest that are not its ``k`` nearest on the map, shape (points,).

    ``xy`` has shape (points, 2); ``neighbours`` are rows, nearest first, without the point itself, shape
    (points, at least k), or all that there are. What is as far away as the k-th nearest on the map counts as near.
    With the ``vectors`` (points, dimension) a point on the map that is as near in the full space as the k-th of the
    true neighbours stands for one that is missed: equal vectors are interchangeable.
    """
    k = min(k, neighbours.shape[1])
    if not k:
        return np.zeros(len(xy), dtype=np.float32)
    xy64 = np.asarray(xy, dtype=np.float64)
    # the first is the point itself, or one in its position
    on_map, near = cKDTree(xy64).query(xy64, k + 1, workers=-1)
    distances = np.sqrt(np.square(xy64[neighbours[:, :k]] - xy64[:, None]).sum(axis=2))
    missed = np.count_nonzero(distances > on_map[:, -1:] * _TIE, axis=1)
    if vectors is not None:
        normalized = normalized_for(metric, vectors)
        for first in range(0, len(xy), _VECTOR_ROWS):
            rows = np.arange(first, min(first + _VECTOR_ROWS, len(xy)))
            missed[rows] -= np.minimum(
                missed[rows], _equal_neighbours(normalized, metric, rows, near, neighbours[:, :k])
            )
    return np.asarray(missed / k, dtype=np.float32)


def _equal_neighbours(
    vectors: Float32Array, metric: Metric, rows: Int64Array, near: Int64Array, neighbours: AnyIntArray
) -> Int64Array:
    """Return how many of the points ``near`` on the map tie with the last of the true neighbours, shape (rows,)."""
    last = _distances_between(vectors, metric, rows, neighbours[rows, -1])
    count = np.zeros(len(rows), dtype=np.int64)
    for column in near[rows].T:
        others = _distances_between(vectors, metric, rows, column)
        is_new = (column != rows) & (neighbours[rows] != column[:, None]).all(axis=1)
        scale = np.maximum(np.abs(last), np.abs(others))
        count += is_new & (others <= last + _ROUNDING * np.finfo(np.float32).eps * scale)
    return count


def _distances_between(vectors: Float32Array, metric: Metric, rows: Int64Array, others: AnyIntArray) -> Float64Array:
    """Return values that sort as the distances of ``rows`` to as many ``others``, shape (rows,)."""
    left, right = vectors[rows].astype(np.float64), vectors[others].astype(np.float64)
    if metric == "l2":
        squared: Float64Array = np.square(left - right).sum(axis=1)
        return squared
    products: Float64Array = -(left * right).sum(axis=1)
    return products


@dataclass(frozen=True, slots=True)
class NeighbourOverlap:
    """A query's nearest chunks in the full space compared with its nearest on the map, as rows of ``Points``.

    ``kept`` are near in both, ``missed`` in the full space only (both best first), ``false`` on the map only (nearest
    first). ``ranks`` are those of ``missed`` by distance on the map, from 1, equal ones of equal distances.
    """

    kept: tuple[int, ...]
    missed: tuple[int, ...]
    false: tuple[int, ...]
    ranks: tuple[int, ...]

    @property
    def k(self) -> int:
        """How many neighbours were compared."""
        return len(self.kept) + len(self.missed)

    @property
    def sentence(self) -> str:
        """The overlap in words: ``6 of your 10 nearest chunks are among the 10 nearest on screen``."""
        if self.k == 0:
            return "There is no chunk to be near"
        if self.k == 1:
            return f"Your nearest chunk is {'' if self.kept else 'not '}the nearest on screen"
        verb = "is" if len(self.kept) == 1 else "are"
        return f"{len(self.kept)} of your {self.k} nearest chunks {verb} among the {self.k} nearest on screen"

    @property
    def words(self) -> str:
        """What the overlap means, in a sentence."""
        if not self.missed:
            return "Here the map shows the truth: what lies around the star is what is most similar to the query."
        far = f"{self.ranks[0]:,}{_ordinal_suffix(self.ranks[0])}"
        return (
            "Two dimensions cannot hold every neighbourhood of the full space: "
            f"chunks that only look near lie around the star, and the best that it lost is the {far} nearest on screen."
        )

    def as_json(self, ids: Sequence[str]) -> dict[str, Any]:
        """Return a plain dictionary with chunk ids; ``ids`` are those of all chunks, in the order of ``Points``."""
        return {
            "k": self.k,
            "sentence": self.sentence,
            "kept": [ids[row] for row in self.kept],
            "missed": [
                {"chunk_id": ids[row], "rank_on_screen": rank}
                for row, rank in zip(self.missed, self.ranks, strict=True)
            ],
            "false": [ids[row] for row in self.false],
        }


def compare_neighbours(
    nearest: Sequence[int],
    xy: Float32Array,
    star: npt.ArrayLike,
    k: int = 10,
    similarities: AnyFloatArray | None = None,
) -> NeighbourOverlap:
    """Compare a query's ``nearest`` rows, best first, with those nearest to its position ``star`` (2,) on the map.

    ``xy`` has shape (points, 2). ``k`` of each are compared, or as many as there are. Of rows that tie for the k-th
    place on the map those are taken that are near in the full space, and with ``similarities`` to all points (points,)
    of those that tie for it in the full space the ones that the map has nearest.
    """
    k = min(k, len(nearest), len(xy))
    distances = _squared_distances(xy, star)
    true = [int(row) for row in nearest[:k]]
    if similarities is not None and k:
        least = similarities[true[-1]]
        tolerance = _ROUNDING * np.finfo(similarities.dtype).eps * np.abs(similarities).max()
        better = [row for row in true if similarities[row] > least + tolerance]
        tied = np.flatnonzero(np.abs(similarities - least) <= tolerance)
        tied = tied[np.argsort(distances[tied], kind="stable")]
        true = better + [int(row) for row in tied if row not in better][: k - len(better)]
    ordered = np.sort(distances)
    ranks = np.searchsorted(ordered, distances) + 1  # how many are strictly nearer, and one
    is_true = np.isin(np.arange(len(xy)), true)
    on_map = np.lexsort((~is_true, distances))[:k].tolist()
    missed = [row for row in true if ranks[row] > k]
    return NeighbourOverlap(
        kept=tuple(row for row in true if ranks[row] <= k),
        missed=tuple(missed),
        false=tuple(row for row in on_map if not is_true[row]),
        ranks=tuple(int(ranks[row]) for row in missed),
    )


def ranks_on_map(xy: Float32Array, star: npt.ArrayLike) -> Int64Array:
    """Return the rank of each point by distance from ``star`` (2,), shape (points,), from 1; ties by row."""
    squared = _squared_distances(xy, star)
    ranks = np.empty(len(squared), dtype=np.int64)
    ranks[np.argsort(squared, kind="stable")] = np.arange(1, len(squared) + 1)
    return ranks


def _squared_distances(xy: Float32Array, star: npt.ArrayLike) -> Float64Array:
    squared: Float64Array = np.square(np.asarray(xy, dtype=np.float64) - np.asarray(star, dtype=np.float64)).sum(axis=1)
    return squared


def _ordinal_suffix(number: int) -> str:
    """Return the suffix of an ordinal: 1st, 2nd, 3rd, 11th."""
    return "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
