"""The groups that a picture shows, found by HDBSCAN."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.spatial import Delaunay, QhullError, cKDTree

from core.projection.records import Floats, Places
from core.util.formatting import plural

DIRECT = 10_000  # points: of more, only pairs that lie near each other are looked at
SAMPLES = 5  # points of a neighbourhood whose width tells how dense it is there
NEIGHBOURS = 10  # of each point, with the triangles between all: the pairs that are looked at
NOISE = -1
_TWIN = 1e-9  # the distance of points in one place: a graph holds none of length 0
Labels = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Clusters:
    """``labels``, shape (chunks,): which cluster each chunk is in, NOISE for none; they are numbered by size, largest first.

    Of each cluster: ``terms`` that tell it from the others (there may be none), ``sizes`` in chunks,
    and ``centres``, shape (clusters, 2), the median of its chunks' places, where its label is drawn.
    """

    labels: Labels
    terms: tuple[tuple[str, ...], ...]
    sizes: tuple[int, ...]
    centres: Floats

    @classmethod
    def of(cls, labels: Labels, xy: Floats, terms: tuple[tuple[str, ...], ...]) -> Clusters:
        """Add sizes and centres; ``xy`` has shape (chunks, 2)."""
        held = [np.flatnonzero(labels == number) for number in range(len(terms))]
        centres = np.asarray([np.median(xy[places], axis=0) for places in held], dtype=np.float32).reshape(len(held), 2)
        return cls(labels, terms, tuple(len(places) for places in held), centres)

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def names(self) -> tuple[str, ...]:
        """A label for each: its terms, or its number where no word is its own."""
        return tuple(", ".join(words) or f"cluster {number}" for number, words in enumerate(self.terms, 1))

    def name(self, place: int) -> str:
        """Return the label of the cluster that a chunk is in, empty for none."""
        number = int(self.labels[place])
        return "" if number == NOISE else self.names[number]

    @property
    def words(self) -> str:
        """What was found, in a sentence."""
        if not self.sizes:
            return "No group of chunks stands out from the others on this map."
        loose = len(self.labels) - sum(self.sizes)
        rest = f"; {plural(loose, 'chunk')} in between {'belongs' if loose == 1 else 'belong'} to none" if loose else ""
        return f"{plural(len(self), 'cluster')} of at least {plural(smallest_cluster(len(self.labels)), 'chunk')}, found on the map as drawn{rest}."


def smallest_cluster(points: int) -> int:
    """Return how many points make a cluster at least: half the square root of all, so that a map of any size has a few dozens at most."""
    return max(3, round(sqrt(points) / 2))


def find_clusters(xy: Floats) -> Labels:
    """Return the cluster of each point of a picture, shape (points,), numbered by size (ties by their first point), NOISE for none.

    HDBSCAN (Campello, Moulavi and Sander, 2013) as scikit-learn has it. The picture is clustered and not the full space, since
    that is what people see: a label drawn on the map must stand on what looks like one group, and names what lies there.
    """
    least = smallest_cluster(len(xy))
    if len(xy) < 2 * least:  # not even two groups
        return np.full(len(xy), NOISE, dtype=np.int32)
    return _by_size(_labels(np.asarray(xy, dtype=np.float64), least))


def _labels(flat: npt.NDArray[np.float64], least: int) -> Places:
    """Clusters in the order in which scikit-learn names them.

    Among all pairs its time grows with the square of the points. Among neighbours and the edges of Delaunay's triangles, which hold the
    minimum spanning tree of plain distances and all but a few edges of the tree that HDBSCAN needs, it does not:
    at 100,000 points 3 s instead of 42 s, and the same labels (adjusted Rand index .9998).
    """
    from sklearn.cluster import HDBSCAN

    samples = min(SAMPLES, least)
    if len(flat) <= DIRECT:
        found = HDBSCAN(min_cluster_size=least, min_samples=samples, algorithm="kd_tree", copy=True).fit_predict(flat)
    else:  # a point is not among its own neighbours here
        found = HDBSCAN(min_cluster_size=least, min_samples=samples - 1, metric="precomputed", copy=True).fit_predict(_near_pairs(flat))
    return np.asarray(found, dtype=np.int64)


def _near_pairs(flat: npt.NDArray[np.float64]) -> csr_array:
    """The distances of pairs that lie near each other, which together join all points: a symmetric matrix."""
    many = len(flat)
    near = cKDTree(flat).query(flat, NEIGHBOURS + 1, workers=-1)[1]
    pairs = np.concatenate([np.column_stack([np.repeat(np.arange(many), NEIGHBOURS + 1), near.ravel()]), _joining(flat)])
    codes = np.unique(pairs.min(axis=1) * many + pairs.max(axis=1))
    one, other = codes // many, codes % many
    one, other = one[one < other], other[one < other]
    apart = np.maximum(np.hypot(*(flat[one] - flat[other]).T), _TWIN)
    both = np.concatenate([one, other]), np.concatenate([other, one])
    return csr_array((np.concatenate([apart, apart]), both), shape=(many, many))


def _joining(flat: npt.NDArray[np.float64]) -> Places:
    """Pairs that join all points, shape (pairs, 2)."""
    try:
        found = Delaunay(flat)
    except QhullError:  # all points on one line: each is joined with the next
        order = np.lexsort(flat.T)
        return np.column_stack([order[:-1], order[1:]])
    corners = found.simplices.astype(np.int64)
    return np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]], found.coplanar[:, [0, 2]]])  # the last: twins


def _by_size(labels: Places) -> Labels:
    """The same clusters, the largest first."""
    names, firsts, sizes = np.unique(labels, return_index=True, return_counts=True)
    kept = names != NOISE
    order = np.lexsort((firsts[kept], -sizes[kept]))
    number = {int(name): at for at, name in enumerate(names[kept][order])} | {NOISE: NOISE}
    return np.asarray([number[int(label)] for label in labels], dtype=np.int32)
