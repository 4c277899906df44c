"""Which judged spans a chunk counts as, and nDCG over them, by hand."""

from __future__ import annotations

from dataclasses import replace
from math import log2

import pytest

from core.evaluation.metrics import ndcg
from core.judgments.relevance import JudgedSpan, grade, matches
from core.records.search import Hit
from tests.support.comparing import compared

HIT = compared((1,)).hits[0]


def chunk(start: int, end: int, document: str = "a.txt") -> Hit:
    return replace(
        HIT,
        chunk_id=f"{document}-{start}-{end}",
        document=document,
        document_id=f"id of {document}",
        start=start,
        end=end,
    )


def judged(document: str, start: int, end: int, grade: int) -> JudgedSpan:
    return JudgedSpan(f"id of {document}", "whatever it is called", start, end, grade)


JUDGED = (judged("a.txt", 0, 10, 3), judged("a.txt", 20, 30, 1), judged("b.txt", 0, 10, 0))
IDEAL = 3 / log2(2) + 1 / log2(3)  # grade 3 at rank 1, grade 1 at rank 2, grade 0 at rank 3


@pytest.mark.parametrize(
    ("hit", "held", "best"),
    [
        (chunk(0, 10), [0], 3),
        (chunk(5, 20), [0], 3),  # half of the first span
        (chunk(6, 20), [], None),
        (chunk(0, 5), [0], 3),
        (chunk(0, 4), [0], 3),  # less than half of the span, but lies in it
        (chunk(7, 13), [0], 3),  # half of it lies in it
        (chunk(8, 15), [], None),  # 2 of 7 characters
        (chunk(14, 24), [], None),  # 4 of 10
        (chunk(3, 8), [0], 3),  # from its middle
        (chunk(0, 40), [0, 1], 3),
        (chunk(25, 100), [1], 1),
        (chunk(10, 20), [], None),
        (chunk(100, 200), [], None),
        (chunk(0, 10, "b.txt"), [2], 0),
        (chunk(0, 40, "c.txt"), [], None),
    ],
)
def test_a_chunk_has_the_best_grade_of_the_spans_that_it_shares_half_with(
    hit: Hit, held: list[int], best: int | None
) -> None:
    assert matches(hit, JUDGED) == held
    assert grade(hit, JUDGED) == best
    assert (matches(hit, ()), grade(hit, ())) == ([], None)


@pytest.mark.parametrize(
    ("hits", "gained"),
    [
        ([], 0),
        ([chunk(0, 10), chunk(20, 30)], IDEAL),
        ([chunk(20, 30), chunk(0, 10)], 1 / log2(2) + 3 / log2(3)),
        ([chunk(0, 10)], 3),
        ([chunk(0, 10), chunk(0, 12), chunk(20, 30)], IDEAL),  # the same span twice counts once, and takes one rank
        ([chunk(0, 12), chunk(5, 30)], IDEAL),  # of the second chunk only what is new
        ([chunk(50, 60), chunk(0, 10, "b.txt"), chunk(0, 10)], 3 / log2(4)),  # not judged; judged 0
        ([chunk(0, 40, "c.txt"), chunk(20, 30, "b.txt")], 0),  # judged in another document
        ([chunk(0, 40)], IDEAL),  # a chunk with both spans stands for both, one after the other
        ([chunk(100 + at, 101 + at) for at in range(9)] + [chunk(0, 10)], 3 / log2(11)),
        ([chunk(100 + at, 101 + at) for at in range(10)] + [chunk(0, 10)], 0),  # rank 11
    ],
)
def test_ndcg_by_hand(hits: list[Hit], gained: float) -> None:
    assert ndcg(hits, JUDGED) == pytest.approx(gained / IDEAL)


def test_ndcg_at_another_depth() -> None:
    hits = [chunk(20, 30), chunk(0, 10)]
    assert ndcg(hits, JUDGED, 1) == pytest.approx(1 / 3)  # the ideal has rank 1 only, too
    assert ndcg(hits, JUDGED, 2) == pytest.approx((1 + 3 / log2(3)) / IDEAL)


def test_nothing_relevant_has_no_ndcg() -> None:
    assert ndcg([chunk(0, 10)], ()) is None
    assert ndcg([chunk(0, 10)], [judged("a.txt", 0, 10, 0)]) is None
