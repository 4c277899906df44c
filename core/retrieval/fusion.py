"""Several rankings or scores of the same candidates put together into one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.util.arrays import AnyFloatArray, Float64Array

RRF_K = 60  # the constant of reciprocal rank fusion, as its authors chose it


def reciprocal_rank_fusion(rankings: Sequence[Sequence[int]], k: int = RRF_K) -> dict[int, float]:
    """Return each candidate of any ranking (best first) with the sum of 1 / (k + rank) over the rankings that have it.

    (Cormack, Clarke and Büttcher, Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
    Methods, 2009.)
    """
    fused: dict[int, float] = {}
    for ranking in rankings:
        for rank, candidate in enumerate(ranking, 1):
            fused[candidate] = fused.get(candidate, 0.0) + 1 / (k + rank)
    return fused


def standardised_sum(*scores: AnyFloatArray) -> Float64Array:
    """Return the sum of several scores of the same candidates, each standardised first to mean 0 and deviation 1.

    So scores on different scales weigh the same; one that is the same for all candidates adds nothing.
    (CombSUM of Fox and Shaw, Combination of Multiple Searches, 1994, with standardised scores.)
    """
    total = np.zeros(len(scores[0]))
    for values in scores:
        deviation = values.std()
        if deviation > 1e-9 * np.abs(values).max():  # what rounding leaves of equal scores is no difference
            total += (values - values.mean()) / deviation
    return total
