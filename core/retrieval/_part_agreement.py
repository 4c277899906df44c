"""How far two rankings of the same candidates agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

TOP = 10
PERSISTENCE = 0.9  # of the reader whom rank-biased overlap imagines: the first 10 ranks weigh 86%


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two rankings of the same candidates, in three numbers."""

    tau: float  # -1 to 1
    rbo: float  # 0 to 1
    overlap: int  # of the two top tens
    top: int  # 10, fewer if there are fewer candidates


def agreement(first: Sequence[str], second: Sequence[str]) -> Agreement:
    """Return how far two orders of the same ids agree.

    Raises ValueError if they do not hold the same ids, each once.
    """
    if len(first) != len(second) or set(first) != set(second) or len(set(first)) != len(first):
        raise ValueError("agreement needs two orders of the same ids, each once")
    top = min(TOP, len(first))
    overlap = len(set(first[:top]) & set(second[:top]))
    return Agreement(kendall_tau(first, second), rank_biased_overlap(first, second), overlap, top)


def kendall_tau(first: Sequence[str], second: Sequence[str]) -> float:
    """Return Kendall's tau-b: the share of pairs in the same order less the share in opposite order, -1 to 1.

    1 for a single id, which cannot be out of order. (Kendall, The treatment of ties in ranking problems, 1945;
    without ties, as here, it is tau.)
    """
    from scipy.stats import kendalltau

    if len(first) < 2:
        return 1.0
    place = {id_: at for at, id_ in enumerate(second)}
    return float(kendalltau(np.arange(len(first)), [place[id_] for id_ in first], variant="b").statistic)


def rank_biased_overlap(first: Sequence[str], second: Sequence[str], p: float = PERSISTENCE) -> float:
    """Return the extrapolated rank-biased overlap of two rankings of equal length, 0 to 1.

    The overlap of the two tops, averaged over all depths with weights that fall by ``p`` a rank; what lies
    beyond the last rank is taken to agree as the last does. (Webber, Moffat and Zobel, A Similarity Measure
    for Indefinite Rankings, 2010, equation 32 for lists of one length.)
    """
    if not first:
        return 1.0
    seen_first: set[str] = set()
    seen_second: set[str] = set()
    total, shared = 0.0, 0
    for depth, (one, two) in enumerate(zip(first, second, strict=True), 1):
        seen_first.add(one)
        seen_second.add(two)
        shared += (one in seen_second) + (two in seen_first) - (one == two)
        total += p**depth * shared / depth
    return shared / len(first) * p ** len(first) + (1 - p) / p * total
