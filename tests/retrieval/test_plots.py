"""The charts of two models' orders: what is drawn where, and that no document's text is markup in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from core.retrieval.comparison import Comparison
from core.retrieval.plots import GRADES, pool_chart, score_scatter, slope_chart
from core.util.theme import BI_COLOUR, BM25_COLOUR, CROSS_COLOUR, DOWN, SAME, UP
from tests.support.comparing import FOUR, TWELVE, compared


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
    assert [text.split("  ")[-1] for text in right.text] == [
        "d.txt: 3.0 of d",
        "b.txt: 2.0 of b",
        "c.txt: 1.0 of c",
        "a.txt: 0.0 of a",
    ]
    assert [("up 3" in text, "down 3" in text) for text in right.text] == [
        (True, False),
        (False, False),
        (False, False),
        (False, True),
    ]


def test_a_slopes_hover_text_names_both_ranks_and_scores() -> None:
    hover = lines(slope_chart(compared(FOUR), "dot", 10, {"d": 7}))["d"].hovertemplate
    for part in (
        "d.txt",
        "rank 4, dot product 0.960",
        "rank 1, score +3.00 (probability 0.95)",
        "up 3, BM25's rank 7",
        "3.0 of d",
    ):
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
    assert [
        note.text for note in slope_chart(compared(FOUR), "cosine", 10).layout.annotations if "BM25" in note.text
    ] == []


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
        pytest.param(
            "my_long_report_of_the_second_quarter_of_2024_final.pdf", "words", "my_long_report", id="long-name"
        ),
        pytest.param(
            "giant-panda-zh.md",
            "大熊猫生活在中国西南部的山地森林里主要以竹子为食每天要吃很多" * 3,
            "大熊猫",
            id="no-spaces",
        ),
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
            assert list(trace.x if trace.x is not None else trace.y) == list(
                cloud.x if trace.x is not None else cloud.y
            )
    # and none follows one of the other score
    for letter, axes in (("x", figure.select_xaxes()), ("y", figure.select_yaxes())):
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
        # k is the 11th, j not of the top
        (TWELVE, 12, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10]),
    ],
)
def test_the_pool_chart_climbs_where_a_hit_of_the_top_comes_in(
    logits: Sequence[float], deepest: int, x: list[int], y: list[int]
) -> None:
    figure = pool_chart(compared(logits).hits[:10], deepest, 3)
    (steps,) = figure.data
    assert (list(steps.x), list(steps.y)) == (x, y)
    assert steps.line.shape == "hv"  # level until the next rank, then up
    assert [(shape.x0, shape.x1) for shape in figure.layout.shapes] == [(3, 3)]
    assert all(low <= high for low, high in pairwise(steps.y))
    assert f"the top {len(logits[:10])}" in figure.layout.yaxis.title.text
