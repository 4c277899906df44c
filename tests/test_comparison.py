"""Comparing two models' orders, by hand: records, figures, judged spans, background work, pairs."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import exp, log2, sqrt
from queue import SimpleQueue
from typing import Any

import numpy as np
import pytest

from core.agreement import Agreement
from core.comparison import Comparison, QueryMove, trec_run
from core.comparison_plots import BM25_COLOUR, CROSS_COLOUR, DOWN, GRADES, SAME, UP, pool_chart, score_scatter, slope_chart
from core.errors import ModelError, RankscopeError
from core.evaluation.graded import JudgedSpan, covered, grade
from core.evaluation.units import ndcg
from core.models.cross_encoder import PairScores, Progress
from core.pairs import PairScore, score_pairs
from core.plots import BI_COLOUR
from core.records import Hit, SearchResult, Timings
from core.search import rerank
from core.tasks import Task
from core.wording import clip, move
from tests.fakes import FakeCrossEncoder, FakeEncoder

LETTERS = "abcdefghijklmnopqrstuvwxyz"
FOUR = (0.0, 2.0, 1.0, 3.0)  # logits of a, b, c, d: the cross-encoder's order is d, b, c, a
TWELVE = (*(-float(rank) for rank in range(1, 11)), 5.0, -20.0)  # a to j keep their order, k comes first, l last


class ReadingCrossEncoder(FakeCrossEncoder):
    """The logit is the number that a text begins with."""

    def score(self, pairs: Sequence[tuple[str, str]], progress: Progress | None = None) -> PairScores:
        logits = np.asarray([float(text.split()[0]) for _, text in pairs], dtype=np.float32)
        return PairScores(logits, (1 / (1 + np.exp(-logits))).astype(np.float32))


def result(logits: Sequence[float], ids: str = "") -> SearchResult:
    """What the bi-encoder found: chunk a (or the first of ``ids``) with similarity 0.99, then b with 0.98 ..."""
    names = list(ids or LETTERS) if len(logits) <= len(LETTERS) else [f"{at:03}" for at in range(len(logits))]
    hits = tuple(
        Hit(rank, name, f"{name}.txt", f"document-{name}", None, None, 0, 10, f"{logit} of {name}", 3, 1 - rank / 100, rank)
        for rank, (name, logit) in enumerate(zip(names, logits, strict=False), 1)
    )
    return SearchResult("query", "collection", "fake", "cosine", hits, Timings(1, 2, 3))


def compared(logits: Sequence[float], pool: int | None = None, ids: str = "") -> Comparison:
    """Everything is read by the cross-encoder, and looked at with a pool of ``pool``."""
    return Comparison.at(rerank(result(logits, ids), ReadingCrossEncoder(), max(1, len(logits))), len(logits) if pool is None else pool)


def ids(hits: Sequence[Hit]) -> str:
    return "".join(hit.chunk_id for hit in hits)


# ---- one query


@pytest.mark.parametrize(
    ("pool", "hits", "unseen"), [(1, "a", "dbc"), (2, "ba", "dc"), (3, "bca", "d"), (4, "dbca", ""), (1000, "dbca", ""), (0, "", "dbca")]
)
def test_a_smaller_pool_holds_the_bi_encoders_first_in_the_cross_encoders_order(pool: int, hits: str, unseen: str) -> None:
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
def test_who_entered_who_left_and_who_was_missed(logits: Sequence[float], pool: int, entered: str, left: str, missed: str) -> None:
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
    assert trec_run([("q1", pool), ("q2", one)], "mine", "bi") == (
        "q1 Q0 a 1 0.990000 mine\n"
        "q1 Q0 b 2 0.980000 mine\n"
        "q1 Q0 c 3 0.970000 mine\n"
        "q2 Q0 a 1 0.990000 mine\n"
    )  # fmt: skip
    assert trec_run([("q1", pool), ("q2", one)], "mine", "cross") == (
        "q1 Q0 b 1 2.000000 mine\n"
        "q1 Q0 c 2 1.000000 mine\n"
        "q1 Q0 a 3 0.000000 mine\n"
        "q2 Q0 a 1 -0.123457 mine\n"
    )  # fmt: skip


# ---- figures


def lines(figure: Any) -> dict[str, Any]:
    """The slopes by chunk id."""
    return {trace.customdata[0][0]: trace for trace in figure.data if trace.mode == "lines+markers"}


def labels(figure: Any) -> list[Any]:
    return [trace for trace in figure.data if trace.mode == "text"]


def test_a_slope_leads_from_the_bi_encoders_rank_to_the_cross_encoders() -> None:
    figure = slope_chart(compared(FOUR), "cosine", 10)
    slopes = lines(figure)
    assert len(figure.data) == 4 + 2  # a line a hit, and the labels of either side
    assert {name: (list(line.x), list(line.y)) for name, line in slopes.items()} == {
        "a": ([0, 1], [1, 4]), "b": ([0, 1], [2, 2]), "c": ([0, 1], [3, 3]), "d": ([0, 1], [4, 1]),
    }  # fmt: skip
    assert {name: line.line.color for name, line in slopes.items()} == {"a": DOWN, "b": SAME, "c": SAME, "d": UP}
    low, high = figure.layout.yaxis.range
    assert low > 4 > 1 > high  # rank 1 is at the top


def test_a_slopes_ends_are_labelled_with_rank_and_move() -> None:
    left, right = labels(slope_chart(compared(FOUR), "cosine", 10))
    assert [(y, text.rsplit("  ", 1)) for y, text in zip(left.y, left.text, strict=True)] == [
        (rank, [f"{name}.txt: {FOUR[rank - 1]} of {name}", f"<b>{rank}</b>"]) for rank, name in enumerate("abcd", 1)
    ]
    assert list(right.y) == [1, 2, 3, 4]
    assert [text.split("  ")[-1] for text in right.text] == ["d.txt: 3.0 of d", "b.txt: 2.0 of b", "c.txt: 1.0 of c", "a.txt: 0.0 of a"]
    assert [("up 3" in text, "down 3" in text) for text in right.text] == [(True, False), (False, False), (False, False), (False, True)]


def test_a_slopes_hover_text_names_both_ranks_and_scores() -> None:
    hover = lines(slope_chart(compared(FOUR), "dot", 10, {"d": 7}))["d"].hovertemplate
    for part in ("d.txt", "rank 4, dot product 0.960", "rank 1, score +3.00 (probability 0.95)", "up 3, BM25's rank 7", "3.0 of d"):
        assert part in hover
    without = tuple(replace(hit, cross_probability=None) for hit in compared(FOUR).hits)
    assert "probability" not in lines(slope_chart(Comparison(without, ()), "dot", 10))["d"].hovertemplate


@pytest.mark.parametrize(("shown", "drawn"), [(1, "ad"), (2, "abd"), (3, "abcd"), (50, "abcd")])
def test_the_first_of_either_order_are_drawn(shown: int, drawn: str) -> None:
    assert "".join(sorted(lines(slope_chart(compared(FOUR), "cosine", shown)))) == drawn


def test_fifty_hits_are_drawn_with_a_line_under_the_tenth() -> None:
    figure = slope_chart(compared(tuple(range(50))), "cosine", 50)
    assert len(figure.data) == 50 + 2
    assert [len(side.y) for side in labels(figure)] == [50, 50]
    assert [shape.y0 for shape in figure.layout.shapes] == [10.5]
    assert figure.layout.height > 50 * 12  # room for the labels
    assert max(figure.layout.yaxis.range) > 50
    assert figure.to_json()
    top = slope_chart(compared(tuple(range(50))), "cosine", 10)  # in reverse: no hit is in both tops
    assert len(lines(top)) == 20
    assert max(top.layout.yaxis.range) > 50


def test_hits_that_cross_the_line_are_thick() -> None:
    slopes = lines(slope_chart(compared(TWELVE), "cosine", 50))
    widths = {name: line.line.width for name, line in slopes.items()}
    assert {name for name, width in widths.items() if width == max(widths.values())} == {"k", "j"}
    assert min(widths.values()) < max(widths.values())


def test_bm25_is_a_third_column_at_the_far_left() -> None:
    figure = slope_chart(compared(FOUR), "cosine", 10, {"a": 2, "d": 99, "elsewhere": 1})
    slopes = lines(figure)
    assert [len(slopes[name].x) for name in "abcd"] == [3, 2, 2, 3]  # BM25 found a and d only
    assert slopes["a"].x[0] < 0
    assert list(slopes["a"].y) == [2, 1, 4]
    assert list(slopes["d"].y) == [4, 4, 1]  # rank 99 at the end of a chart of 4
    assert list(slopes["a"].marker.color) == [BM25_COLOUR, BI_COLOUR, CROSS_COLOUR]
    assert [note.text for note in figure.layout.annotations if "BM25" in note.text] != []
    assert [note.text for note in slope_chart(compared(FOUR), "cosine", 10).layout.annotations if "BM25" in note.text] == []


def test_a_comparison_of_nothing_is_an_empty_chart() -> None:
    figure = slope_chart(Comparison((), ()), "cosine", 10)
    assert lines(figure) == {}
    assert figure.to_json()


EVIL = replace(compared((1,)).hits[0], document="<b>x</b>", text="<i>y</i> %{x} %{customdata[0]} & <script>")


def test_what_a_document_says_is_neither_markup_nor_template_in_a_chart() -> None:
    comparison = Comparison((EVIL,), ())
    slopes = slope_chart(comparison, "cosine", 10)
    hovers = [lines(slopes)["a"].hovertemplate, score_scatter(comparison, "cosine").data[-1].hovertemplate[0]]
    for hover in hovers:
        assert "&lt;b&gt;x&lt;/b&gt;" in hover
        assert "&lt;i&gt;y&lt;/i&gt;" in hover
        assert "&amp; &lt;script&gt;" in hover
        assert "%{" not in hover
    for side in labels(slopes):
        (text,) = side.text
        assert "&lt;i&gt;" in text
        assert "<i>" not in text
        assert "<b>x" not in text


def test_a_document_called_like_a_template_is_none_in_a_chart() -> None:
    named = replace(EVIL, document="%{y}%{x}.txt")
    assert "%{" not in lines(slope_chart(Comparison((named,), ()), "cosine", 10))["a"].hovertemplate


@pytest.mark.parametrize(
    ("document", "text", "shown"),
    [
        pytest.param("folder/a.txt", "## A heading\nand its text", "a.txt: A heading and its text", id="short"),
        pytest.param("my_long_report_of_the_second_quarter_of_2024_final.pdf", "words", "my_long_report", id="long-name"),
        pytest.param("giant-panda-zh.md", "大熊猫生活在中国西南部的山地森林里主要以竹子为食每天要吃很多" * 3, "大熊猫", id="no-spaces"),
    ],
)
def test_a_label_begins_with_the_name_and_the_text(document: str, text: str, shown: str) -> None:
    figure = slope_chart(Comparison((replace(EVIL, document=document, text=text),), ()), "cosine", 10)
    assert all(shown in side.text[0] for side in labels(figure))


def test_a_hover_text_shows_a_text_without_spaces() -> None:
    figure = slope_chart(Comparison((replace(EVIL, text="大熊猫" * 200),), ()), "cosine", 10)
    assert "大熊猫" in lines(figure)["a"].hovertemplate


def points(figure: Any) -> Any:
    (found,) = (trace for trace in figure.data if trace.type == "scatter")
    return found


def axis(figure: Any, reference: str) -> Any:
    """The axis that a trace's ``xaxis`` or ``yaxis`` names: ``x3`` is layout.xaxis3."""
    return figure.layout[f"{reference[0]}axis{reference[1:]}"]


def test_the_two_scores_have_an_axis_each() -> None:
    figure = score_scatter(compared(FOUR), "cosine")
    cloud = points(figure)
    assert {row[0]: (x, y) for row, x, y in zip(cloud.customdata, cloud.x, cloud.y, strict=True)} == {
        "a": (0.99, 0), "b": (0.98, 2), "c": (0.97, 1), "d": (0.96, 3),
    }  # fmt: skip
    x, y = axis(figure, cloud.xaxis), axis(figure, cloud.yaxis)
    assert x.title.text != y.title.text
    assert "cosine similarity" in x.title.text
    assert "cosine" not in y.title.text
    assert "logit" in y.title.text
    for trace in figure.data:  # the distributions lie along the axis of the score that they are of
        if trace.type == "histogram":
            along, own = (trace.xaxis, cloud.xaxis) if trace.x is not None else (trace.yaxis, cloud.yaxis)
            assert axis(figure, along).matches == own or axis(figure, own).matches == along
            assert list(trace.x if trace.x is not None else trace.y) == list(cloud.x if trace.x is not None else cloud.y)
    for letter, axes in (("x", figure.select_xaxes()), ("y", figure.select_yaxes())):  # and none follows one of the other score
        assert [found.matches for found in axes if found.matches and not found.matches.startswith(letter)] == []


@pytest.mark.parametrize(("metric", "name"), [("dot", "dot product"), ("l2", "negative Euclidean distance")])
def test_the_similarity_is_called_by_its_name(metric: Any, name: str) -> None:
    figure = score_scatter(compared(FOUR), metric)
    assert name in axis(figure, points(figure).xaxis).title.text


def test_grades_colour_the_points() -> None:
    comparison = compared(FOUR)  # d, b, c, a
    graded = score_scatter(comparison, "cosine", {"d": 3, "b": 0, "c": None})
    assert list(points(graded).marker.color) == [GRADES[3], GRADES[0], GRADES[None], GRADES[None]]
    assert len({GRADES[grade] for grade in (None, 0, 1, 2, 3)}) == 5
    assert list(points(score_scatter(compared(TWELVE), "cosine")).marker.color) == [CROSS_COLOUR] * 10 + [SAME] * 2


def test_even_odds_are_marked_for_a_model_with_probabilities_only() -> None:
    def marks(comparison: Comparison) -> list[str]:
        return [note.text for note in score_scatter(comparison, "cosine").layout.annotations if "0.5" in note.text]

    assert len(marks(compared(FOUR))) == 1
    assert marks(Comparison(tuple(replace(hit, cross_probability=None) for hit in compared(FOUR).hits), ())) == []


@pytest.mark.parametrize(
    ("logits", "deepest", "x", "y"),
    [
        (FOUR, 4, [0, 1, 2, 3, 4, 4], [0, 1, 2, 3, 4, 4]),
        (TWELVE, 12, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10]),  # k is the 11th, j not of the top
    ],
)
def test_the_pool_chart_climbs_where_a_hit_of_the_top_comes_in(logits: Sequence[float], deepest: int, x: list[int], y: list[int]) -> None:
    figure = pool_chart(compared(logits).hits[:10], deepest, 3)
    (steps,) = figure.data
    assert (list(steps.x), list(steps.y)) == (x, y)
    assert steps.line.shape == "hv"  # level until the next rank, then up
    assert [(shape.x0, shape.x1) for shape in figure.layout.shapes] == [(3, 3)]
    assert all(low <= high for low, high in pairwise(steps.y))
    assert f"the top {len(logits[:10])}" in figure.layout.yaxis.title.text


# ---- judged spans


def chunk(start: int, end: int, document: str = "a.txt") -> Hit:
    return replace(EVIL, chunk_id=f"{document}-{start}-{end}", document=document, document_id=f"id of {document}", start=start, end=end)


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
def test_a_chunk_has_the_best_grade_of_the_spans_that_it_shares_half_with(hit: Hit, held: list[int], best: int | None) -> None:
    assert covered(hit, JUDGED) == held
    assert grade(hit, JUDGED) == best
    assert (covered(hit, ()), grade(hit, ())) == ([], None)


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


# ---- background work


@dataclass
class Steps:
    """Work that does an item when it is told to, and says when it comes to the next: all before that is done then."""

    count: int

    def __post_init__(self) -> None:
        self._at: SimpleQueue[int] = SimpleQueue()
        self._go = threading.Semaphore(0)

    def work(self) -> Iterator[int]:
        for item in range(self.count):
            self._at.put(item)
            assert self._go.acquire(timeout=20)
            yield item

    def until(self, item: int) -> None:
        """Let the items before ``item`` be done."""
        while self._at.get(timeout=20) < item:
            self._go.release()

    def finish(self) -> None:
        self._go.release(self.count)


def test_results_are_seen_as_they_come() -> None:
    steps = Steps(3)
    task = Task.start(steps.work, 3)
    assert (task.active, task.done, task.total) == (True, [], 3)
    steps.until(2)
    assert (task.active, task.done) == (True, [0, 1])
    steps.finish()
    task.wait(20)
    assert (task.active, task.done, task.error, task.cancelled) == (False, [0, 1, 2], "", False)


def test_a_cancelled_task_keeps_what_is_done() -> None:
    steps = Steps(4)
    task = Task.start(steps.work, 4)
    steps.until(1)
    task.cancel()
    steps.finish()
    task.wait(20)
    assert (task.active, task.done, task.error, task.cancelled) == (False, [0, 1], "", True)  # the item that it was at is done


def test_a_task_that_is_over_was_not_cancelled() -> None:
    task = Task.start(lambda: [1, 2], 2)
    task.wait(20)
    task.cancel()
    assert (task.done, task.cancelled) == ([1, 2], False)


def test_a_task_of_nothing_is_over() -> None:
    task: Task[int] = Task.start(lambda: [], 0)
    task.wait(20)
    assert (task.active, task.done, task.error, task.cancelled) == (False, [], "", False)


def breaks(error: Exception) -> Iterator[int]:
    yield 1
    raise error


def test_an_error_of_ours_is_the_tasks() -> None:
    task = Task.start(lambda: breaks(ModelError("The model is gone")), 3)
    task.wait(20)
    assert (task.active, task.done, task.error, task.cancelled) == (False, [1], "The model is gone", False)
    assert issubclass(ModelError, RankscopeError)


def test_an_unexpected_error_is_told_and_shown_in_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[BaseException | None] = []
    monkeypatch.setattr(threading, "excepthook", lambda broken: shown.append(broken.exc_value))  # pytest has its own there
    unexpected = ZeroDivisionError("by zero")
    task = Task.start(lambda: breaks(unexpected), 3)
    task.wait(20)
    assert (task.active, task.done, task.cancelled) == (False, [1], False)
    assert task.error.startswith("It broke off unexpectedly")
    assert shown == [unexpected]


# ---- pairs


class WithoutSigmoid(FakeCrossEncoder):
    def score(self, pairs: Sequence[tuple[str, str]], progress: Progress | None = None) -> PairScores:
        return replace(super().score(pairs, progress), probabilities=None)


TRIPLES = [
    ("red", "red red", "red green"),  # cosines 1 (length does not count) and 1/sqrt(2); logits 5 and 0
    ("red sun", "sea", "red sun stone stone"),  # cosines 0 and 2 / (sqrt(2) sqrt(6)); logits -5 and 0
    ("red", "red green blue sun", "sea red red"),  # cosines 1/2 and 2/sqrt(5); logits -2.5 and 1.667
]


def test_both_models_score_a_pair() -> None:
    encoder, reranker = FakeEncoder(), FakeCrossEncoder()
    found = score_pairs(encoder, reranker, TRIPLES)
    assert [score.cosine for score in found] == [pytest.approx(pair) for pair in [(1, 1 / sqrt(2)), (0, 1 / sqrt(3)), (1 / 2, 2 / sqrt(5))]]
    assert [score.logit for score in found] == [pytest.approx(pair, abs=1e-5) for pair in [(5, 0), (-5, 0), (-2.5, 5 / 3)]]
    assert [score.probability for score in found] == [pytest.approx((1 / (1 + exp(-one)), 1 / (1 + exp(-two)))) for one, two in [(5, 0), (-5, 0), (-2.5, 5 / 3)]]
    assert [(score.bi_prefers_first, score.cross_prefers_first) for score in found] == [(True, True), (False, False), (False, False)]
    assert reranker.read == [(query, text) for query, *texts in TRIPLES for text in texts]
    assert encoder.encoded == [text for _, *texts in TRIPLES for text in texts]


def test_the_models_may_prefer_different_texts() -> None:
    (score,) = score_pairs(FakeEncoder(), FakeCrossEncoder(), [("red sun moon", "red sun moon sea", "red")])
    assert score.cosine == pytest.approx((3 / sqrt(12), 1 / sqrt(3)))
    assert score.logit == pytest.approx((2.5, 5))
    assert (score.bi_prefers_first, score.cross_prefers_first) == (True, False)


def test_a_model_without_a_sigmoid_gives_pairs_no_probability() -> None:
    (score,) = score_pairs(FakeEncoder(), WithoutSigmoid(), TRIPLES[:1])
    assert score == PairScore(pytest.approx((1, 1 / sqrt(2))), (5, 0), None)  # type: ignore[arg-type]


def test_no_pairs_are_not_scored() -> None:
    encoder, reranker = FakeEncoder(), FakeCrossEncoder()
    assert score_pairs(encoder, reranker, []) == []
    assert (encoder.encoded, reranker.read) == ([], [])


@pytest.mark.parametrize(("places", "words"), [(7, "up 7"), (1, "up 1"), (0, "same"), (-1, "down 1"), (-49, "down 49"), (None, "")])
def test_a_move_in_words(places: int | None, words: str) -> None:
    assert move(places) == words


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
