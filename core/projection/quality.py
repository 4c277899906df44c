"""How far a picture can be trusted: which neighbourhoods it keeps, makes up, and tears.

Trustworthiness and continuity are those of Venna and Kaski (Neighborhood Preservation in Nonlinear Projection Methods, 2001),
with scikit-learn's definitions: ranks are counted among all other points, each tied point has a rank of its own (ties by place).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from core.projection._part_projection_meter import Meter as Meter
from core.projection._part_projection_meter import read_meter as read_meter
from core.projection._part_projection_ranks import excess, firsts, shown_apart, true_apart
from core.projection.records import Floats
from core.records.search import Metric
from core.vectors.near_duplicates import normalised

EXACT = 5_000  # points: of more, a sample is averaged
SAMPLE = 2_000  # points of it: the standard error of the mean is then about .002
BLOCK = 8_000_000  # distances computed at once: 64 MB
_SEED = 42
_TIED = 1 + 1e-9  # two ways to compute one distance may differ by their rounding


@dataclass(frozen=True, slots=True)
class Trust:
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


def measure_trust(vectors: Floats, metric: Metric, xy: Floats, k: int = 10, sample: int | None = None) -> Trust | None:
    """Return trustworthiness and continuity of the picture ``xy``, shape (points, 2), of ``vectors``, shape (points, dimension).

    Over all points up to EXACT, else over SAMPLE of them drawn with a seed; ``sample`` says how many to draw instead.
    ``k`` is lowered where it is not less than half of the points, as the definition demands; under 4 points there is no figure.
    """
    many = len(vectors)
    if many < 4:
        return None
    k = max(1, min(k, (many - 1) // 2))
    drawn = min(many, sample or (many if many <= EXACT else SAMPLE))
    chosen = np.arange(many) if drawn == many else np.sort(np.random.default_rng(_SEED).choice(many, drawn, replace=False))
    held = normalised(vectors) if metric == "cosine" else vectors
    flat = np.asarray(xy, dtype=np.float64)
    false = torn = 0
    step = max(1, BLOCK // many)
    for first in range(0, drawn, step):
        of = chosen[first : first + step]
        true, seen = true_apart(held, metric, of, np.float64 if drawn == many else np.float32), shown_apart(flat, of)
        false += excess(true, firsts(seen, k), k)
        torn += excess(seen, firsts(true, k), k)
    scale = 2.0 / (drawn * k * (2.0 * many - 3.0 * k - 1.0))
    return Trust(1.0 - scale * false, 1.0 - scale * torn, k, drawn, many)


def distortion(xy: Floats, neighbour_places: npt.NDArray[np.integer], k: int = 10) -> Floats:
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
