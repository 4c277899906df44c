"""Two systems on the same queries: a paired significance test, a confidence interval, and an effect size.

The test is the paired randomisation test (Smucker, Allan and Carterette, A comparison of statistical significance tests
for information retrieval evaluation, 2007): were the two systems alike, each query's difference could as well have the
other sign. The p value is the share of all assignments of signs whose mean is at least as far from 0 as the observed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from core.errors import DataError
from core.util.arrays import Float64Array
from core.util.formatting import plural

EXACT = 20  # differences other than 0 up to which all assignments of signs are tried: 1,048,576
DRAWS = 100_000  # random assignments of signs, for more differences
RESAMPLES = 10_000  # of queries, for an interval
BLOCK = 2000  # assignments at once: bounds the memory
LEVEL = 0.95  # of an interval
ALPHA = 0.05  # a smaller p value is called significant
ROUNDING = 1e-9  # a smaller difference is none
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
        return "unchanged" if abs(self.difference) <= ROUNDING else "helped" if self.difference > 0 else "hurt"


@dataclass(frozen=True, slots=True)
class Interval:
    """The 95% confidence interval of a mean; of a single value both ends are that value."""

    low: float
    high: float


@dataclass(frozen=True)
class Paired:
    """A second system against a first one, on ``n`` queries.

    ``p`` is corrected where several systems were compared (Holm), ``raw`` is not. ``d`` is Cohen's d of paired data:
    the mean difference divided by the differences' standard deviation; None where they are all equal.
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
    exact: bool  # all assignments of signs were tried
    compared: int = 1  # systems that p is corrected for

    @property
    def difference(self) -> float:
        """The mean difference; positive: the second system is better."""
        return self.after - self.before

    @property
    def significant(self) -> bool:
        """Whether p is below 0.05."""
        return self.p < ALPHA

    @property
    def words(self) -> str:
        """The comparison in a sentence."""
        if not self.better and not self.worse:
            return f"the same on {'the one question' if self.n == 1 else f'all {self.n} questions'}"
        counts = f"better on {self.better} of {plural(self.n, 'question')}, worse on {self.worse}"
        return f"{counts}; a difference this large would come up by luck {odds(self.p)}"

    @property
    def size(self) -> str:
        """How large the effect is, in a word.

        By Cohen's rule of thumb (Statistical Power Analysis, 1988): from 0.2 small, 0.5 medium, 0.8 large.
        """
        if self.d is None:
            return "no effect" if abs(self.difference) <= ROUNDING else "the same on every question"
        d = abs(self.d)
        return "next to none" if d < 0.2 else "small" if d < 0.5 else "medium" if d < 0.8 else "large"


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
    """Return the second system against the first, both query id to value; the same values give the same numbers.

    Raises DataError unless both have the same queries, one at least.
    """
    paired = changes(before, after)
    if not paired:
        raise DataError("No query is judged, so no system can be compared: judge some first")
    differences = np.asarray([change.difference for change in sorted(paired, key=lambda change: change.query)])
    differences[np.abs(differences) <= ROUNDING] = 0.0
    p, exact = randomisation(differences, seed)
    deviation = float(differences.std(ddof=1)) if len(differences) > 1 else 0.0
    d = float(differences.mean()) / deviation if deviation > ROUNDING else None
    first, second = (sum(values.values()) / len(paired) for values in (before, after))
    better, worse = int((differences > 0).sum()), int((differences < 0).sum())
    return Paired(len(paired), first, second, bootstrap(differences, seed), better, worse, p, p, d, exact)


def compare_all(
    first: Mapping[str, float], others: Mapping[str, Mapping[str, float]], seed: int = SEED
) -> dict[str, Paired]:
    """Return each of ``others`` against ``first``, p values corrected for several comparisons (Holm)."""
    compared = {name: compare(first, values, seed) for name, values in others.items()}
    corrected = holm([paired.raw for paired in compared.values()])
    return {
        name: replace(paired, p=p, compared=len(compared))
        for (name, paired), p in zip(compared.items(), corrected, strict=True)
    }


def randomisation(differences: Float64Array, seed: int = SEED) -> tuple[float, bool]:
    """Return the two-sided p value of the mean of paired differences, shape (n,), and whether it is exact.

    For up to 20 differences other than 0 all assignments of signs are tried; for more, 100,000 random ones, with the
    observed signs counted as one of them, so that p is never 0 (Phipson and Smyth, Permutation p-values should never be
    zero, 2010).
    """
    nonzero = differences[differences != 0]
    observed = abs(float(nonzero.sum())) - 1e-12 * max(1, len(nonzero))
    if len(nonzero) <= EXACT:
        sums = np.zeros(1)
        for difference in nonzero:
            sums = np.concatenate([sums + difference, sums - difference])
        return float((np.abs(sums) >= observed).mean()), True
    random, as_far = np.random.default_rng(seed), 0
    for _ in range(0, DRAWS, BLOCK):
        signs = random.integers(0, 2, (BLOCK, len(nonzero)), dtype=np.int8) * 2 - 1
        as_far += int((np.abs(signs @ nonzero) >= observed).sum())
    return (as_far + 1) / (DRAWS + 1), False


def bootstrap(values: Sequence[float] | Float64Array, seed: int = SEED) -> Interval:
    """Return the 95% percentile interval of the mean of ``values``, shape (n,), over 10,000 seeded resamples.

    (Efron, Bootstrap methods, 1979; for retrieval Sakai, Evaluating evaluation metrics based on the bootstrap, 2006.)
    """
    sample = np.asarray(values, dtype=np.float64)
    if len(sample) < 2:
        mean = float(sample.mean()) if len(sample) else 0.0
        return Interval(mean, mean)
    random = np.random.default_rng(seed)
    step = max(1, min(RESAMPLES, 2_000_000 // len(sample)))
    means = [
        sample[random.integers(0, len(sample), (min(step, RESAMPLES - done), len(sample)))].mean(axis=1)
        for done in range(0, RESAMPLES, step)
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def holm(ps: Sequence[float]) -> list[float]:
    """Return p values corrected for several tests, in their order.

    The smallest is multiplied by how many there are, the next by one less, and so on; none falls below the one before
    it. (Holm, A simple sequentially rejective multiple test procedure, 1979.)
    """
    corrected, least = [0.0] * len(ps), 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=lambda index: ps[index])):
        least = max(least, min(1.0, ps[index] * (len(ps) - rank)))
        corrected[index] = least
    return corrected
