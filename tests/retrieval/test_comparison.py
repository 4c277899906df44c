"""Comparing two models' orders, by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from core.formats.trec import hits_run_text
from core.retrieval.comparison import Agreement, Comparison, QueryMove
from core.retrieval.search import rerank
from core.util.formatting import clip, rank_change
from tests.support.comparing import FOUR, TWELVE, ReadingCrossEncoder, compared, ids, result


@pytest.mark.parametrize(
    ("pool", "hits", "unseen"),
    [(1, "a", "dbc"), (2, "ba", "dc"), (3, "bca", "d"), (4, "dbca", ""), (1000, "dbca", ""), (0, "", "dbca")],
)
def test_a_smaller_pool_holds_the_bi_encoders_first_in_the_cross_encoders_order(
    pool: int, hits: str, unseen: str
) -> None:
    found = compared(FOUR, pool)
    assert (ids(found.hits), ids(found.unseen)) == (hits, unseen)
    assert [(hit.rank, hit.cross_rank) for hit in found.hits] == [(rank, rank) for rank in range(1, len(hits) + 1)]
    assert ids(found.by_bi) == "abcd"[: len(hits)]


@pytest.mark.parametrize("logits", [FOUR, TWELVE, (1.0,) * 6, (3.0, 3.0, -1.0, 3.0, -1.0)])
def test_a_smaller_pool_is_what_a_search_with_it_would_give(logits: Sequence[float]) -> None:
    for pool in range(1, len(logits) + 1):
        searched = rerank(result(logits), ReadingCrossEncoder(), pool)
        assert compared(logits, pool).hits == searched.hits[:pool]


def test_hits_that_were_never_read_are_not_compared() -> None:
    found = Comparison.at(rerank(result(FOUR), ReadingCrossEncoder(), 3), 4)
    assert (ids(found.hits), ids(found.unseen), ids(found.missed)) == ("bca", "", "")
    assert Comparison.at(result(FOUR), 4) == Comparison((), ())


def test_ties_break_by_chunk_id() -> None:
    found = compared((1, 1, 1, 2), ids="zyxw")
    assert ids(found.hits) == "wxyz"
    assert ids(compared((1, 1, 1, 2), 3, ids="zyxw").hits) == "xyz"


@pytest.mark.parametrize(
    ("logits", "pool", "risers", "fallers"),
    [
        (FOUR, 4, "d", "a"),  # d from 4 to 1, a from 1 to 4; b and c stay
        (FOUR, 3, "bc", "a"),  # b and c both rise by one: the better rank first
        ((4, 3, 2, 1), 4, "", ""),
        ((1, 2, 3, 4, 5, 6), 6, "fed", "abc"),  # three of each, furthest first
        ((3, 4, 1, 2), 4, "bd", "ac"),  # a and c both fall by one: the bi-encoder's better rank first
        ((1,), 1, "", ""),
    ],
)
def test_risers_and_fallers_furthest_first(logits: Sequence[float], pool: int, risers: str, fallers: str) -> None:
    found = compared(logits, pool)
    assert (ids(found.risers()), ids(found.fallers())) == (risers, fallers)
    assert (ids(found.risers(1)), ids(found.fallers(1))) == (risers[:1], fallers[:1])


@pytest.mark.parametrize(
    ("logits", "pool", "entered", "left", "missed"),
    [
        (TWELVE, 12, "k", "j", ""),
        (TWELVE, 11, "k", "j", ""),
        (TWELVE, 10, "", "", "k"),  # the cross-encoder would have put k first
        (TWELVE, 5, "", "", "kfghi"),  # its top 10 is k and a to i
        (FOUR, 4, "", "", ""),
        (FOUR, 2, "", "", "dc"),
        (tuple(range(20)), 20, "tsrqponmlk", "abcdefghij", ""),
        (tuple(range(20)), 12, "lk", "ab", "tsrqponm"),
        ((1,) * 12, 11, "", "", ""),  # l ties with all, and its id is the last
    ],
)
def test_who_entered_who_left_and_who_was_missed(
    logits: Sequence[float], pool: int, entered: str, left: str, missed: str
) -> None:
    found = compared(logits, pool)
    assert (ids(found.entered), ids(found.left), ids(found.missed)) == (entered, left, missed)


def test_the_agreement_is_that_of_the_pool() -> None:
    assert compared(FOUR, 4).agreement.tau == pytest.approx(-2 / 3)  # abcd, dbca: of 6 pairs only b before c stays
    assert compared(FOUR, 3).agreement.tau == pytest.approx(-1 / 3)  # abc, bca
    assert compared(FOUR, 1).agreement == Agreement(1, 1, 1, 1)
    assert (compared(TWELVE).agreement.overlap, compared(TWELVE, 10).agreement.overlap) == (9, 10)


def test_a_querys_line_says_how_far_its_order_moved() -> None:
    table = [
        (FOUR, -2 / 3, QueryMove("q", 0, overlap=4, new_first=True, furthest=3)),
        ((4, 3, 2, 1), 1, QueryMove("q", 0, overlap=4, new_first=False, furthest=0)),
        ((4, 1, 2, 3), 0, QueryMove("q", 0, overlap=4, new_first=False, furthest=2)),  # d past b and c
        (TWELVE, 1 - 2 * 10 / 66, QueryMove("q", 0, overlap=9, new_first=True, furthest=10)),  # k past ten of 66 pairs
        ((), 1, QueryMove("q", 0, overlap=0, new_first=False, furthest=0)),
    ]
    for logits, tau, line in table:
        found = QueryMove.of("q", compared(logits))
        assert found.tau == pytest.approx(tau)
        assert replace(found, tau=0) == line
    judged = QueryMove.of("q", compared(FOUR), (0.25, 0.5))
    assert (judged.bi_ndcg, judged.cross_ndcg) == (0.25, 0.5)


def test_a_rise_that_ends_below_the_top_ten_is_not_the_furthest() -> None:
    """The last of 20 comes to rank 11; nothing else rises."""
    logits = (*(100.0 - at for at in range(10)), *(-1.0 - at for at in range(9)), 50.0)
    found = compared(logits)
    assert [(hit.chunk_id, hit.rank, hit.moved) for hit in found.risers()] == [("t", 11, 9)]
    assert QueryMove.of("q", found).furthest == 0


def test_a_trec_run_line_by_line() -> None:
    pool = compared(FOUR, 3).hits
    one = compared((-0.1234567,)).hits
    assert hits_run_text([("q1", pool), ("q2", one)], "mine", "bi") == (
        "q1 Q0 a 1 0.990000 mine\n"
        "q1 Q0 b 2 0.980000 mine\n"
        "q1 Q0 c 3 0.970000 mine\n"
        "q2 Q0 a 1 0.990000 mine\n"
    )  # fmt: skip
    assert hits_run_text([("q1", pool), ("q2", one)], "mine", "cross") == (
        "q1 Q0 b 1 2.000000 mine\n"
        "q1 Q0 c 2 1.000000 mine\n"
        "q1 Q0 a 3 0.000000 mine\n"
        "q2 Q0 a 1 -0.123457 mine\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("places", "words"), [(7, "up 7"), (1, "up 1"), (0, "same"), (-1, "down 1"), (-49, "down 49"), (None, "")]
)
def test_a_move_in_words(places: int | None, words: str) -> None:
    assert rank_change(places) == words


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("", 5, ""),
        ("one", 3, "one"),
        ("one\n  two", 7, "one two"),
        ("one two three", 9, "one two…"),
        ("one two three", 8, "one two…"),
        ("threehundred", 6, "three…"),
        ("a threehundred", 6, "a thr…"),  # the last space is too far back
        ("大熊猫和小熊猫", 4, "大熊猫…"),
    ],
)
def test_a_clipped_text_is_one_line_of_so_many_characters(text: str, most: int, shown: str) -> None:
    assert clip(text, most) == shown
    assert len(clip(text, most)) <= most
