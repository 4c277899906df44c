"""Paired tests, intervals and effect sizes on values that can be computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import DataError
from core.evaluation.metrics import per_query
from core.evaluation.results import Results, reliability_warnings
from core.evaluation.runner import SystemRun
from core.evaluation.significance import Interval, bootstrap, changes, compare, compare_all, holm, odds, randomisation
from core.judgments.relevance import JudgedQueries


def scores(*values: float) -> dict[str, float]:
    return {f"q{at}": value for at, value in enumerate(values, 1)}


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        # of 8 ways to choose the signs of three, so many have a sum at least as far from 0
        ([1, 1, 1], 2 / 8),
        ([1, 1, -1], 8 / 8),  # |1|: every way gives 1 or 3
        ([1, 2, 3], 2 / 8),
        ([-1, 2, 3], 4 / 8),  # 4: itself, 6, and both reversed
        ([3, 2, -1], 4 / 8),
        ([0.5, 0, 0], 2 / 2),  # what did not change says nothing
        ([0, 0, 0], 1),
        ([0.1, 0.2, 0.3], 2 / 8),  # 0.1 + 0.2 is not 0.3, and it matters not
        ([0.1, 0.2, -0.3], 8 / 8),
    ],
)
def test_the_exact_p_value_of_a_few_queries(differences: list[float], p: float) -> None:
    found, exact = randomisation(np.asarray(differences, dtype=float))
    assert found == pytest.approx(p)
    assert exact


def test_many_queries_are_drawn_and_always_the_same() -> None:
    """25 differences of one sign: the true p is 2 of 2**25; one draw in 100,001 is the least that can be said."""
    p, exact = randomisation(np.full(25, 0.1))
    assert p == pytest.approx(1 / 100_001)
    assert not exact
    mixed = np.asarray([0.1, -0.1] * 15)
    assert randomisation(mixed) == randomisation(mixed)
    assert randomisation(mixed)[0] == 1
    tilted = np.asarray([0.1] * 18 + [-0.1] * 12)  # 18 or more of 30 heads, or 12 or fewer: 0.3616
    assert randomisation(tilted)[0] == pytest.approx(0.3616, abs=0.006)


def test_two_systems_by_hand() -> None:
    found = compare(scores(0.5, 0.5, 0.5, 1.0), scores(0.6, 0.7, 0.8, 1.0))
    assert (found.n, found.better, found.worse, found.exact) == (4, 3, 0, True)
    assert (found.before, found.after, found.difference) == pytest.approx((0.625, 0.775, 0.15))
    assert found.raw == found.p == pytest.approx(2 / 8)
    # differences .1 .2 .3 0: mean .15, squared deviations .0025 .0025 .0225 .0225 over 3: deviation .1291
    assert found.d == pytest.approx(0.15 / np.sqrt(0.05 / 3))
    assert found.size == "large"
    assert 0 <= found.interval.low < found.difference < found.interval.high <= 0.3
    assert (
        found.words
        == "better on 3 of 4 questions, worse on 0; a difference this large would come up by luck 25 times in 100"
    )
    assert not found.significant


def test_what_is_the_same_is_said_to_be() -> None:
    found = compare(scores(0.1, 0.2), scores(0.1, 0.2))
    assert (found.words, found.p, found.d, found.size, found.interval) == (
        "the same on all 2 questions",
        1,
        None,
        "no effect",
        Interval(0, 0),
    )
    rounding = compare(scores(0.3), scores(0.1 + 0.2))
    assert (rounding.better, rounding.worse, rounding.p) == (0, 0, 1)
    assert compare(scores(0.1, 0.2), scores(0.3, 0.4)).size == "the same on every question"


def test_one_query_has_no_spread() -> None:
    found = compare(scores(0.2), scores(0.5))
    assert (found.n, found.p, found.d) == (1, 1, None)
    assert found.interval.low == found.interval.high == pytest.approx(0.3)


@pytest.mark.parametrize(("first", "second"), [(scores(1), {"other": 1.0}), (scores(1), scores(1, 1)), ({}, {})])
def test_other_queries_cannot_be_compared(first: dict[str, float], second: dict[str, float]) -> None:
    with pytest.raises(DataError):
        compare(first, second)


@pytest.mark.parametrize(
    ("ps", "wanted"),
    [
        ([], []),
        ([0.03], [0.03]),
        ([0.01, 0.04], [0.02, 0.04]),
        ([0.04, 0.01], [0.04, 0.02]),
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),  # .01 * 3, .03 * 2, then .04 * 1 raised to the one before it
        ([0.5, 0.6], [1, 1]),
        ([0.02, 0.02, 0.02], [0.06, 0.06, 0.06]),
    ],
)
def test_holms_correction(ps: list[float], wanted: list[float]) -> None:
    assert holm(ps) == pytest.approx(wanted)


def test_several_systems_are_corrected_together() -> None:
    first = scores(0, 0, 0, 0)
    found = compare_all(first, {"better": scores(0.1, 0.2, 0.3, 0.4), "mixed": scores(0.1, -0.1, 0.1, -0.1)})
    assert [one.raw for one in found.values()] == pytest.approx([2 / 16, 1])
    assert [one.p for one in found.values()] == pytest.approx([4 / 16, 1])
    assert [one.compared for one in found.values()] == [2, 2]


def test_queries_are_sorted_by_hurt_most() -> None:
    found = changes({"a": 0.5, "b": 0.5, "c": 1.0, "d": 0.5}, {"a": 0.9, "b": 0.5, "c": 0.2, "d": 0.4})
    assert [(change.query, change.verdict) for change in found] == [
        ("c", "hurt"),
        ("d", "hurt"),
        ("b", "unchanged"),
        ("a", "helped"),
    ]
    assert found[0].difference == pytest.approx(-0.8)


def test_the_bootstrap_interval_holds_the_mean_and_narrows() -> None:
    few, many = [0.0, 1.0] * 5, [0.0, 1.0] * 200
    wide, narrow = bootstrap(few), bootstrap(many)
    assert wide == bootstrap(few)
    assert wide.low < 0.5 < wide.high
    # the mean of 400 coins: 0.5, give or take 1.96 * 0.5 / 20
    assert (narrow.low, narrow.high) == pytest.approx((0.451, 0.549), abs=0.01)
    assert bootstrap([]) == Interval(0, 0)


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (0.003, "3 times in 1,000"),
        (0.05, "5 times in 100"),
        (0.01, "once in 100"),
        (0.012, "12 times in 1,000"),
        (0.333, "33 times in 100"),
        (1.0, "nearly always"),
        (0.0001, "once in 10,000"),
        (0.00001, "less than once in 10,000"),
        (0.00247, "25 times in 10,000"),
    ],
)
def test_a_p_value_as_a_frequency(p: float, words: str) -> None:
    assert odds(p) == words


def test_worthless_figures_are_warned_of() -> None:
    assert reliability_warnings(25, {"bi": 0.6}) == []
    few = reliability_warnings(24, {"bi": 1.0})
    assert len(few) == 1
    assert "Only 24 queries are judged" in few[0]
    assert "Only 1 query is judged" in reliability_warnings(1, {})[0]
    unjudged = reliability_warnings(100, {"bi": 0.59, "bm25": 0.3, "good": 0.9})
    assert len(unjudged) == 1
    assert "bm25 30%, bi 59%" in unjudged[0]
    assert "good" not in unjudged[0]
    assert "no system could have" not in unjudged[0]
    assert "no system could have more than 10%" in reliability_warnings(100, {"bi": 0.1}, 0.1)[0]


def test_no_more_can_be_judged_than_came() -> None:
    # of 2 hits both may be judged, of 4 the 3 that are: (2/2 + 3/4) / 2; where nothing came, nothing is unjudged
    qrels = {"1": dict.fromkeys("abc", 1), "2": dict.fromkeys("abc", 1), "3": {"a": 0}}
    few = SystemRun({"1": ["a", "x"], "2": ["a", "x", "y", "z"], "3": []})
    judged = JudgedQueries(dict.fromkeys(qrels, "?"), qrels)
    results = Results.of_runs(judged, {"few": few}, ["nDCG@10"])
    assert results.judged == {"few": pytest.approx((1 / 2 + 1 / 4 + 0) / 3)}
    assert results.most_judged == pytest.approx((1 + 3 / 4) / 2)
    assert "judged are: few 38%." in results.warnings[1]
    only_judged = SystemRun({"1": ["a", "b"], "2": [], "3": []})
    assert len(Results.of_runs(judged, {"sure": only_judged}, ["nDCG@10"]).warnings) == 1  # of the few queries
    nothing = SystemRun({query: [] for query in qrels})
    assert len(Results.of_runs(judged, {"nothing": nothing}, ["nDCG@10"]).warnings) == 1
    # with 12 hits ten are looked at, of which 3, 3 and 1 may be judged: 7/30; the higher bound counts
    many = SystemRun({query: [f"{query}{rank}" for rank in range(12)] for query in qrels})
    assert Results.of_runs(judged, {"many": many}, ["nDCG@10"]).most_judged == pytest.approx(7 / 30)
    assert Results.of_runs(judged, {"many": many, "few": few}, ["nDCG@10"]).most_judged == pytest.approx(7 / 8)
    assert all(share <= results.most_judged for share in results.judged.values())


def test_grades_below_zero_count_as_none() -> None:
    qrels = {"1": {"a": 1, "b": -1}, "2": {"a": 0, "b": -2}, "3": {"a": 2, "b": -1, "c": 1}}
    run = {"1": ["b", "a"], "2": ["a", "b"], "3": ["b", "c", "a"]}
    values = per_query(qrels, run, ["nDCG@10", "RR@10", "P@5"])
    log2of3 = np.log2(3)
    assert values["nDCG@10"] == {
        "1": pytest.approx(1 / log2of3),
        "2": 0,
        "3": pytest.approx((1 / log2of3 + 2 / 2) / (2 + 1 / log2of3)),
    }
    assert values["RR@10"] == {"1": 0.5, "2": 0, "3": 0.5}
    assert values["P@5"] == {"1": 0.2, "2": 0, "3": 0.4}
