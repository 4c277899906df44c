"""Is it luck? Two systems on the same queries: a paired test, an interval, an effect, and what to call them.

The test is the paired randomisation test (Smucker, Allan and Carterette, A comparison of statistical significance tests
for information retrieval evaluation, 2007): were the two systems alike, each query's difference could as well have the
other sign. The p value is the share of all ways to choose the signs whose mean is at least as far from 0 as the one seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from core.errors import DataError
from core.util.arrays import Float64Array
from core.util.formatting import plural

EXACT = 20  # differences other than 0: all 1,048,576 ways to choose their signs are tried
DRAWS = 100_000  # of signs, for more differences
RESAMPLES = 10_000  # of queries, for an interval
BLOCK = 2000  # draws at once: bounds the memory
LEVEL = 0.95  # of an interval
LUCK = 0.05  # a p value below this is called more than luck
SAME = 1e-9  # a smaller difference is rounding
SEED = 20
Verdict = Literal["helped", "hurt", "unchanged"]


@dataclass(frozen=True, slots=True)
class Change:
    """One query under two systems."""

    query: str  # id
    before: float
    after: float

    @property
    def difference(self) -> float:
        """How much better the second system is; negative: worse."""
        return self.after - self.before

    @property
    def verdict(self) -> Verdict:
        """What the second system did to the query."""
        return "unchanged" if abs(self.difference) <= SAME else "helped" if self.difference > 0 else "hurt"


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the mean lies in 95 of 100 cases; a single value has none, and both ends are that value."""

    low: float
    high: float


@dataclass(frozen=True)
class Paired:
    """A second system against a first one, on ``n`` queries. ``p`` is corrected where several systems were compared (Holm), ``raw`` is not.

    ``d`` is Cohen's d of paired data: the mean difference in units of the differences' standard deviation; None where they are all alike.
    """

    n: int
    before: float  # the first system's mean
    after: float
    interval: Interval  # of the mean difference
    better: int  # queries
    worse: int
    raw: float
    p: float
    d: float | None
    exact: bool  # all ways to choose the signs were tried
    compared: int = 1  # systems that p is corrected for

    @property
    def difference(self) -> float:
        """The mean difference; positive: the second system is better."""
        return self.after - self.before

    @property
    def more_than_luck(self) -> bool:
        """Whether p is below 0.05."""
        return self.p < LUCK

    @property
    def words(self) -> str:
        """The comparison in a sentence."""
        if not self.better and not self.worse:
            return f"the same on {'the one question' if self.n == 1 else f'all {self.n} questions'}"
        counts = f"better on {self.better} of {plural(self.n, 'question')}, worse on {self.worse}"
        return f"{counts}; a difference this large would come up by luck {odds(self.p)}"

    @property
    def size(self) -> str:
        """How large the effect is, by Cohen's own rule of thumb (Statistical Power Analysis, 1988): 0.2 small, 0.5 medium, 0.8 large."""
        if self.d is None:
            return "no effect" if abs(self.difference) <= SAME else "the same on every question"
        at = abs(self.d)
        return "next to none" if at < 0.2 else "small" if at < 0.5 else "medium" if at < 0.8 else "large"


def odds(p: float) -> str:
    """Return a p value as a frequency of whole numbers, off by a twentieth at most: ``3 times in 1,000``."""
    if p > 0.995:
        return "nearly always"
    for base in (100, 1000, 10_000):
        times = round(p * base)
        if times and (abs(times - p * base) <= 0.05 * p * base or base == 10_000):
            return f"{'once' if times == 1 else f'{times:,} times'} in {base:,}"
    return "less than once in 10,000"


def changes(before: Mapping[str, float], after: Mapping[str, float]) -> list[Change]:
    """Return what the second system did to each query, hurt most first, ties by query id.

    Raises DataError unless both have the same queries.
    """
    if before.keys() != after.keys():
        raise DataError("Two systems can be compared on the same queries only: measure both on the same ones")
    return sorted(
        (Change(query, value, after[query]) for query, value in before.items()),
        key=lambda change: (change.difference, change.query),
    )


def compare(before: Mapping[str, float], after: Mapping[str, float], seed: int = SEED) -> Paired:
    """Return how the second system stands against the first, by query id. The same values always give the same numbers.

    Raises DataError unless both have the same queries, one at least.
    """
    found = changes(before, after)
    if not found:
        raise DataError("No query is judged, so no system can be compared: judge some first")
    differences = np.asarray([change.difference for change in sorted(found, key=lambda change: change.query)])
    differences[np.abs(differences) <= SAME] = 0.0
    p, exact = randomisation(differences, seed)
    spread = float(differences.std(ddof=1)) if len(differences) > 1 else 0.0
    d = float(differences.mean()) / spread if spread > SAME else None
    first, second = (sum(values.values()) / len(found) for values in (before, after))
    better, worse = int((differences > 0).sum()), int((differences < 0).sum())
    return Paired(len(found), first, second, bootstrap(differences, seed), better, worse, p, p, d, exact)


def compare_all(
    first: Mapping[str, float], others: Mapping[str, Mapping[str, float]], seed: int = SEED
) -> dict[str, Paired]:
    """Return each of ``others`` against ``first``, their p values corrected for being several."""
    found = {name: compare(first, values, seed) for name, values in others.items()}
    corrected = holm([one.raw for one in found.values()])
    return {
        name: replace(one, p=p, compared=len(found)) for (name, one), p in zip(found.items(), corrected, strict=True)
    }


def randomisation(differences: Float64Array, seed: int = SEED) -> tuple[float, bool]:
    """Return the two-sided p value of the mean of paired differences, shape (n,), and whether it is exact.

    Up to 20 differences other than 0 all signs are tried; for more, 100,000 seeded draws, the seen signs counted as one of them
    (so that p is never 0; Phipson and Smyth, Permutation p-values should never be zero, 2010).
    """
    moved = differences[differences != 0]
    seen = abs(float(moved.sum())) - 1e-12 * max(1, len(moved))
    if len(moved) <= EXACT:
        sums = np.zeros(1)
        for difference in moved:
            sums = np.concatenate([sums + difference, sums - difference])
        return float((np.abs(sums) >= seen).mean()), True
    random, hits = np.random.default_rng(seed), 0
    for _ in range(0, DRAWS, BLOCK):
        signs = random.integers(0, 2, (BLOCK, len(moved)), dtype=np.int8) * 2 - 1
        hits += int((np.abs(signs @ moved) >= seen).sum())
    return (hits + 1) / (DRAWS + 1), False


def bootstrap(values: Sequence[float] | Float64Array, seed: int = SEED) -> Interval:
    """Return the 95% percentile interval of the mean of ``values``, shape (n,), over 10,000 seeded resamples.

    (Efron, Bootstrap methods, 1979; for retrieval Sakai, Evaluating evaluation metrics based on the bootstrap, 2006.)
    """
    held = np.asarray(values, dtype=np.float64)
    if len(held) < 2:
        mean = float(held.mean()) if len(held) else 0.0
        return Interval(mean, mean)
    random = np.random.default_rng(seed)
    step = max(1, min(RESAMPLES, 2_000_000 // len(held)))
    means = [
        held[random.integers(0, len(held), (min(step, RESAMPLES - at), len(held)))].mean(axis=1)
        for at in range(0, RESAMPLES, step)
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def holm(ps: Sequence[float]) -> list[float]:
    """Return p values corrected for being several, in their order (Holm, A simple sequentially rejective multiple test procedure, 1979).

    The smallest is multiplied by how many there are, the next by one less, and so on, none falling below one before it.
    """
    corrected, least = [0.0] * len(ps), 0.0
    for rank, at in enumerate(sorted(range(len(ps)), key=lambda at: ps[at])):
        least = max(least, min(1.0, ps[at] * (len(ps) - rank)))
        corrected[at] = least
    return corrected
