"""How far two orders agree, computed by hand. A letter is a chunk."""

from __future__ import annotations

from itertools import combinations, permutations

import pytest

from core.retrieval.comparison import Agreement, agreement, kendall_tau, rank_biased_overlap

TWELVE = "abcdefghijkl"


@pytest.mark.parametrize(
    ("first", "second", "tau"),
    [
        ("abc", "abc", 1),
        ("abc", "cba", -1),
        ("abc", "bac", 1 / 3),  # 2 pairs as before, 1 turned round
        ("abc", "bca", -1 / 3),
        ("cab", "acb", 1 / 3),  # nothing depends on the names
        ("ab", "ba", -1),
        ("abcd", "dbca", -2 / 3),  # only b before c stays of 6 pairs: (1 - 5) / 6
        (TWELVE, TWELVE[::-1], -1),
        ("a", "a", 1),
        ("", "", 1),
    ],
)
def test_kendalls_tau_by_hand(first: str, second: str, tau: float) -> None:
    assert kendall_tau(first, second) == pytest.approx(tau)


@pytest.mark.parametrize("second", ["".join(order) for order in permutations("abcd")])
def test_kendalls_tau_counts_pairs(second: str) -> None:
    kept = sum(second.index(one) < second.index(two) for one, two in combinations("abcd", 2))
    assert kendall_tau("abcd", second) == pytest.approx((kept - (6 - kept)) / 6)


def test_rank_biased_overlap_spelled_out() -> None:
    """With A(d), the share of the first d that both orders hold, over n ranks:

    rbo = A(n) p**n + (1 - p) / p * sum of A(d) p**d over d from 1 to n.
    The tops of "abcd" and "cdab" share nothing at depths 1 and 2, a and c of three at depth 3, all at depth 4.
    """
    shares, p = (0, 0, 2 / 3, 1), 0.5
    by_hand = shares[-1] * p**4 + (1 - p) / p * (shares[0] * p + shares[1] * p**2 + shares[2] * p**3 + shares[3] * p**4)
    assert by_hand == pytest.approx(5 / 24)
    assert rank_biased_overlap("abcd", "cdab", p) == pytest.approx(5 / 24)


@pytest.mark.parametrize(
    ("first", "second", "p", "rbo"),
    [
        ("abc", "abc", 0.5, 1),
        ("abc", "abc", 0.9, 1),
        (TWELVE, TWELVE, 0.98, 1),
        ("ab", "ba", 0.5, 0.5),  # 1 * 0.25 + 1 * (0 * 0.5 + 1 * 0.25)
        ("abc", "bac", 0.5, 0.5),  # 1 * 0.125 + 1 * (0 * 0.5 + 1 * 0.25 + 1 * 0.125)
        ("abc", "bac", 0.9, 0.9),  # of a swap at the top only the first rank's weight, 1 - p, is lost
        ("abc", "acb", 0.5, 0.875),  # 1 * 0.125 + 1 * (1 * 0.5 + 0.5 * 0.25 + 1 * 0.125): lower down it costs less
        ("ab", "cd", 0.5, 0),
        ("ab", "ac", 0.5, 0.75),  # 0.5 * 0.25 + 1 * (1 * 0.5 + 0.5 * 0.25)
        ("a", "b", 0.9, 0),
        ("a", "a", 0.9, 1),
        ("", "", 0.9, 1),
    ],
)
def test_rank_biased_overlap_by_hand(first: str, second: str, p: float, rbo: float) -> None:
    assert rank_biased_overlap(first, second, p) == pytest.approx(rbo)
    assert rank_biased_overlap(second, first, p) == pytest.approx(rbo)


def test_the_persistence_is_nine_tenths_unless_told_otherwise() -> None:
    assert rank_biased_overlap("abc", "bac") == pytest.approx(0.9)
    assert agreement("abc", "bac").rbo == pytest.approx(0.9)


def test_the_top_weighs_more_than_the_end() -> None:
    swapped_first, swapped_last = "ba" + TWELVE[2:], TWELVE[:-2] + "lk"
    assert agreement(TWELVE, swapped_first).tau == agreement(TWELVE, swapped_last).tau
    assert agreement(TWELVE, swapped_first).rbo < agreement(TWELVE, swapped_last).rbo


@pytest.mark.parametrize(
    ("first", "second", "overlap", "top"),
    [
        (TWELVE, TWELVE, 10, 10),
        (TWELVE, "ba" + TWELVE[2:], 10, 10),  # the order inside the top does not count
        (TWELVE, TWELVE[::-1], 8, 10),  # all but the first two and the last two
        (TWELVE, "k" + TWELVE[:10] + "l", 9, 10),
        (TWELVE[:10], TWELVE[9::-1], 10, 10),
        ("abcdefghi", "ihgfedcba", 9, 9),
        ("abc", "cba", 3, 3),
    ],
)
def test_the_overlap_of_the_top_tens(first: str, second: str, overlap: int, top: int) -> None:
    found = agreement(first, second)
    assert (found.overlap, found.top) == (overlap, top)


def test_one_hit_agrees_with_itself_and_none_with_none() -> None:
    assert agreement(["a"], ["a"]) == Agreement(tau=1, rbo=1, overlap=1, top=1)
    assert agreement([], []) == Agreement(tau=1, rbo=1, overlap=0, top=0)


@pytest.mark.parametrize(
    ("first", "second"), [("ab", "ac"), ("ab", "a"), ("a", "ab"), ("", "a"), ("aa", "aa"), ("ab", "aa"), ("aab", "abb")]
)
def test_orders_of_other_ids_cannot_agree(first: str, second: str) -> None:
    with pytest.raises(ValueError, match="the same ids, each once"):
        agreement(first, second)
