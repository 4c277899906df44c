"""Measure how well a layout preserves the neighbourhoods of the full space.

Trustworthiness and continuity are those of Venna and Kaski (Neighborhood Preservation in Nonlinear Projection Methods, 2001),
with scikit-learn's definitions: ranks are counted among all other points, each tied point has a rank of its own (ties by place).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from core.records.search import Metric
from core.util.arrays import AnyFloatArray, Float32Array, Float64Array, Int64Array
from core.vectors.similarity import normalized_for

_STEP = 8192  # vectors converted at once


def _full_space_distances(
    vectors: Float32Array, metric: Metric, of: Int64Array, precision: type[np.floating[Any]]
) -> AnyFloatArray:
    """Return values that sort as the full-space distances of the rows ``of`` to all points; infinite to themselves.

    Double precision gives the ranks to the last one; single precision, for a sample, may swap points that are as near as rounding goes.
    """
    ours = vectors[of].astype(precision)
    apart = np.empty((len(of), len(vectors)), dtype=precision)
    for first in range(0, len(vectors), _STEP):
        theirs = vectors[first : first + _STEP].astype(precision, copy=False)
        products = ours @ theirs.T
        if metric == "l2":
            # |a - b|² / 2 but for |a|² / 2, which is the same for the whole row
            products -= np.square(theirs).sum(axis=1) / 2
        apart[:, first : first + _STEP] = -products
    apart[np.arange(len(of)), of] = np.inf
    return apart


def _layout_distances(flat: Float64Array, of: Int64Array) -> Float64Array:
    """Return the squared layout distances of the rows ``of`` to all points; infinite to themselves."""
    across, down = np.ascontiguousarray(flat.T)
    apart = np.empty((len(of), len(flat)))
    for row, place in zip(apart, of.tolist(), strict=True):  # one row stays in the processor's cache
        np.square(across - across[place], out=row)
        row += np.square(down - down[place])
        row[place] = np.inf
    return apart


def _k_smallest(apart: AnyFloatArray, k: int) -> Int64Array:
    """Return the columns of the ``k`` smallest values of each row, unordered, ties by column."""
    places = np.argpartition(apart, k - 1, axis=1)[:, :k]
    bounds = np.take_along_axis(apart, places, axis=1).max(axis=1)
    for row in np.flatnonzero(np.count_nonzero(apart <= bounds[:, None], axis=1) > k):
        near = np.flatnonzero(apart[row] <= bounds[row])
        places[row] = near[np.argsort(apart[row, near], kind="stable")][:k]
    return places


def _rank_excess(apart: AnyFloatArray, places: Int64Array, k: int) -> int:
    """By how much the ranks of these places exceed ``k``, summed; ranks by distance from 1, ties by place.

    Row by row: one row stays in the processor's cache while it is counted k times.
    """
    total = 0
    for row, ours in zip(apart, places.tolist(), strict=True):
        for place in ours:
            nearer = np.count_nonzero(row < row[place]) + np.count_nonzero(row[:place] == row[place])
            total += max(int(nearer) + 1 - k, 0)
    return total


@dataclass(frozen=True, slots=True)
class NeighbourOverlap:
    """Places in ``Points``: ``kept`` are truly near and near on screen, ``missed`` truly near only (both best first), ``false`` near on screen only (nearest first).

    ``ranks`` tells of each of ``missed`` the how-many-th nearest it is on screen, from 1; ties by place.
    """

    kept: tuple[int, ...]
    missed: tuple[int, ...]
    false: tuple[int, ...]
    ranks: tuple[int, ...]

    @property
    def k(self) -> int:
        """How many true neighbours were looked at."""
        return len(self.kept) + len(self.missed)

    @property
    def sentence(self) -> str:
        """The figure in words: ``6 of your 10 nearest chunks are among the 10 nearest on screen``."""
        if self.k == 0:
            return "There is no chunk to be near"
        if self.k == 1:
            return f"Your nearest chunk is {'' if self.kept else 'not '}the nearest on screen"
        return f"{len(self.kept)} of your {self.k} nearest chunks {'is' if len(self.kept) == 1 else 'are'} among the {self.k} nearest on screen"

    @property
    def words(self) -> str:
        """What it means, in a sentence."""
        if not self.missed:
            return "Here the map shows the truth: what lies around the star is what is most similar to the query."
        far = f"{self.ranks[0]:,}{_ordinal_suffix(self.ranks[0])}"
        return (
            "Two dimensions cannot hold every neighbourhood of the full space: "
            f"chunks that only look near lie around the star, and the best that it lost is the {far} nearest on screen."
        )

    def as_json(self, ids: Sequence[str]) -> dict[str, Any]:
        """Return a plain dictionary with chunk ids; ``ids`` are all chunks' in the order of ``Points``."""
        return {
            "k": self.k,
            "sentence": self.sentence,
            "kept": [ids[place] for place in self.kept],
            "missed": [
                {"chunk_id": ids[place], "rank_on_screen": rank}
                for place, rank in zip(self.missed, self.ranks, strict=True)
            ],
            "false": [ids[place] for place in self.false],
        }


def compare_neighbours(
    places_true: Sequence[int], xy: Float32Array, star: npt.ArrayLike, k: int = 10
) -> NeighbourOverlap:
    """Compare the true ``k`` nearest of a query, ``places_true`` best first, with the ``k`` nearest to its ``star`` (2,) in ``xy`` (points, 2).

    Where fewer are given or there, k is as many.
    """
    k = min(k, len(places_true), len(xy))
    true = [int(place) for place in places_true[:k]]
    order = ranks_on_map(xy, star)
    near = np.argsort(order, kind="stable")[:k].tolist()
    missed = [place for place in true if order[place] > k]
    return NeighbourOverlap(
        kept=tuple(place for place in true if order[place] <= k),
        missed=tuple(missed),
        false=tuple(place for place in near if place not in set(true)),
        ranks=tuple(int(order[place]) for place in missed),
    )


def ranks_on_map(xy: Float32Array, star: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the how-many-th nearest to ``star`` (2,) each point is on screen, shape (points,), from 1; ties by place."""
    apart = np.square(np.asarray(xy, dtype=np.float64) - np.asarray(star, dtype=np.float64)).sum(axis=1)
    ranks = np.empty(len(apart), dtype=np.int64)
    ranks[np.argsort(apart, kind="stable")] = np.arange(1, len(apart) + 1)
    return ranks


def _ordinal_suffix(number: int) -> str:
    """Return the suffix of an ordinal: 1st, 2nd, 3rd, 11th."""
    return "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


EXACT = 5_000  # points: of more, a sample is averaged
SAMPLE = 2_000  # points of it: the standard error of the mean is then about .002
BLOCK = 8_000_000  # distances computed at once: 64 MB
_SEED = 42
_TIED = 1 + 1e-9  # two ways to compute one distance may differ by their rounding


@dataclass(frozen=True, slots=True)
class LayoutQuality:
    """Of both figures 1 is perfect and about one half is what chance gives; ``points`` of ``of`` were averaged, with ``k`` neighbours each."""

    trustworthiness: float
    continuity: float
    k: int
    points: int
    of: int

    @property
    def exact(self) -> bool:
        """Whether every point was averaged; else they are estimates from a seeded sample, whose ranks are exact."""
        return self.points == self.of

    @property
    def words(self) -> str:
        """What the figures mean, in three sentences."""
        how = "over all chunks" if self.exact else f"on {self.points:,} of {self.of:,} chunks, drawn at random"
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
    """Return trustworthiness and continuity of the picture ``xy``, shape (points, 2), of ``vectors``, shape (points, dimension).

    Over all points up to EXACT, else over SAMPLE of them drawn with a seed; ``sample`` says how many to draw instead.
    ``k`` is lowered where it is not less than half of the points, as the definition demands; under 4 points there is no figure.
    """
    many = len(vectors)
    if many < 4:
        return None
    k = max(1, min(k, (many - 1) // 2))
    drawn = min(many, sample or (many if many <= EXACT else SAMPLE))
    chosen = (
        np.arange(many) if drawn == many else np.sort(np.random.default_rng(_SEED).choice(many, drawn, replace=False))
    )
    held = normalized_for(metric, vectors)
    flat = np.asarray(xy, dtype=np.float64)
    false = torn = 0
    step = max(1, BLOCK // many)
    for first in range(0, drawn, step):
        of = chosen[first : first + step]
        true, seen = (
            _full_space_distances(held, metric, of, np.float64 if drawn == many else np.float32),
            _layout_distances(flat, of),
        )
        false += _rank_excess(true, _k_smallest(seen, k), k)
        torn += _rank_excess(seen, _k_smallest(true, k), k)
    scale = 2.0 / (drawn * k * (2.0 * many - 3.0 * k - 1.0))
    return LayoutQuality(1.0 - scale * false, 1.0 - scale * torn, k, drawn, many)


def distortion(xy: Float32Array, neighbour_places: npt.NDArray[np.integer], k: int = 10) -> Float32Array:
    """Return for each point the share of its true ``k`` nearest that are not among the ``k`` nearest on screen, shape (points,): 0 is good.

    ``neighbour_places`` has shape (points, at least k), best first, the point itself left out; of a narrower one all are taken.
    What lies exactly as far as the k-th nearest on screen counts as near.
    """
    k = min(k, neighbour_places.shape[1])
    if not k:
        return np.zeros(len(xy), dtype=np.float32)
    flat = np.asarray(xy, dtype=np.float64)
    reach = cKDTree(flat).query(flat, [k + 1], workers=-1)[0]  # the first is the point itself, or its twin
    gone = flat[neighbour_places[:, :k]] - flat[:, None]
    return np.asarray((np.sqrt(np.square(gone).sum(axis=2)) > reach * _TIED).mean(axis=1), dtype=np.float32)
