"""The Compare page as a visitor uses it, without a browser. Which hit wins depends on the models, and is not tested."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.samples.library import SAMPLE_COLLECTION, questions
from core.samples.pairs import KINDS, trick_pairs
from pages.ui.page import literal
from tests.support.pages import address, html, opened, press, said

pytestmark = pytest.mark.usefixtures("loaded_samples")

COMPARE, SEARCH = "pages/compare.py", "pages/search.py"
QUERY = "Which planet is the hottest?"  # not one of the judged questions
JUDGED = questions()[0].question
PAIRS = len(trick_pairs())


def metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def charts(page: AppTest) -> int:
    return len(page.get("plotly_chart"))


def written(page: AppTest) -> str:
    return "\n".join(element.value for element in (*page.markdown, *page.caption))


def tables(page: AppTest) -> list[Any]:
    return [table.value for table in page.dataframe]


# ---- one query


def test_a_first_visit_compares_the_models_on_an_example() -> None:
    page = opened(COMPARE)
    assert page.text_input(key="q").value == "When did Voyager 2 reach interstellar space?"
    shown = metrics(page)
    assert re.fullmatch(r"([0-9]|10) of 10", shown["Overlap at 10"])
    assert -1 <= float(shown["Kendall's τ-b"]) <= 1
    assert 0 <= float(shown["Rank-biased overlap"]) <= 1
    assert "Over all 50" in written(page)
    assert charts(page) == 3  # slopes, scores, the pool's effect
    assert {"Rerank 50 pairs", "Retrieve from 444 chunks", "To rerank all 444"} <= set(shown)
    assert (said(page), address(page)["collection"]) == ("", [SAMPLE_COLLECTION])
    assert "view" not in address(page)  # it is the usual one
    assert [button.label for button in page.download_button] == [
        "Hits as CSV",
        "TREC run, bi-encoder",
        "TREC run, cross-encoder",
    ]


@pytest.mark.parametrize("pairs", ["2", "3"])
def test_a_pool_of_few_pairs_is_compared(pairs: str) -> None:
    """With two pairs there is no smaller pool to choose: the slider is left out."""
    page = opened(COMPARE, q=QUERY, deepest=pairs)
    assert said(page) == ""
    assert len(page.slider) == (1 if pairs == "3" else 0)
    assert f"Over all {pairs}" in written(page)


def test_a_judged_question_has_ndcg_and_another_has_not() -> None:
    judged = {"nDCG@10, bi", "nDCG@10, cross"}
    page = opened(COMPARE, q=JUDGED)
    assert judged <= set(metrics(page))
    assert all(0 <= float(metrics(page)[name]) <= 1 for name in judged)
    assert "judged grades" in written(page)
    page.text_input(key="q").set_value(QUERY).run()
    assert not judged & set(metrics(page))
    assert "judged grades" not in written(page)


@pytest.mark.parametrize("query", ["", "  "])
def test_an_empty_query_says_what_to_do(query: str) -> None:
    page = opened(COMPARE, collection=SAMPLE_COLLECTION, q=query)
    assert literal("Type a question: both models then rank the 444 chunks of sample-library.") in said(page)
    assert (charts(page), metrics(page)) == (0, {})


def test_the_slider_shows_a_smaller_pool_without_scoring_again() -> None:
    page = opened(COMPARE, q=QUERY, deepest="50", depth="50")
    assert "a pool of all **50** hits" in written(page)
    kept, cost = dict(page.session_state["reranked"]), metrics(page)["Rerank 50 pairs"]
    page.slider(key="depth").set_value(10).run()
    assert re.search(r"(With a|A) pool of \*\*10\*\*", written(page))
    assert "Over all 10" in written(page)
    assert metrics(page)["Overlap at 10"] == "10 of 10"  # in another order, but the same ten
    assert metrics(page)["Rerank 50 pairs"] == cost  # milliseconds that were measured once
    after = page.session_state["reranked"]
    assert list(after) == list(kept)
    assert all(after[key] is kept[key] for key in kept)
    assert address(page)["depth"] == ["10"]
    page.slider(key="depth").set_value(4).run()
    assert metrics(page)["Overlap at 4"] == "4 of 4"


def test_a_smaller_pool_names_what_it_misses() -> None:
    """What two hits cannot hold of a top 10: eight at least, each listed with its ranks."""
    page = opened(COMPARE, q=QUERY, deepest="50", depth="2")
    assert "Never seen with a pool of 2" in written(page)
    found = re.search(r"never sees \*\*(\d+) hits?\*\*", written(page))
    assert found
    assert 8 <= int(found[1]) <= 10
    before = [int(rank[1]) for line in html(page, "rs-line") if (rank := re.search(r"(\d+) → \d+ ·", line))]
    assert sum(rank > 2 for rank in before) == int(found[1])  # the other lines are of the two hits that were read


def test_other_pairs_to_score_are_looked_at_whole() -> None:
    page = opened(COMPARE, q=QUERY, deepest="50", depth="10")
    page.selectbox(key="deepest").set_value(20).run()
    assert "a pool of all **20** hits" in written(page)
    assert "Rerank 20 pairs" in metrics(page)
    assert (page.slider(key="depth").max, page.slider(key="depth").value) == (20, 20)
    assert not page.exception


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("view", "nonsense", "There is no view “nonsense” of this page"),
        ("view", "*b* <i>", "There is no view “*b* <i>” of this page"),
        ("collection", "no such", "There is no collection “no such”"),
        ("deepest", "1", "asks for 1 pairs"),
        ("deepest", "99999", "asks for 99999 pairs"),
        ("deepest", "many", "deepest=many"),
        ("bm25", "yes", "bm25=yes"),
    ],
)
def test_an_unusable_address_is_explained(name: str, value: str, message: str) -> None:
    page = opened(COMPARE, **({"q": "", name: value} if name == "deepest" else {"q": QUERY, name: value}))
    assert literal(message) in said(page)
    assert value not in address(page).get(name, [])
    assert charts(page) == (0 if name == "deepest" else 3)


@pytest.mark.parametrize(("asked", "depth"), [("1", 2), ("0", 2), ("-7", 2), ("999", 20), ("7", 7)])
def test_a_depth_of_the_address_stays_within_the_pool(asked: str, depth: int) -> None:
    page = opened(COMPARE, q=QUERY, deepest="20", depth=asked)
    assert page.slider(key="depth").value == depth
    assert address(page)["depth"] == [str(depth)]


def test_an_unusual_number_of_pairs_and_lines_can_be_asked_for() -> None:
    page = opened(COMPARE, q=QUERY, deepest="7", lines="3")
    assert (page.selectbox(key="deepest").value, page.selectbox(key="lines").value) == (7, 3)
    assert "Rerank 7 pairs" in metrics(page)
    assert "Overlap at 7" in metrics(page)
    assert "the first 3 of either order" in written(page)


@pytest.mark.parametrize("lines", ["0", "-5"])
def test_no_lines_cannot_be_asked_for(lines: str) -> None:
    page = opened(COMPARE, q=QUERY, deepest="7", lines=lines)
    assert int(page.selectbox(key="lines").value or 0) > 0


def test_bm25_is_drawn_when_it_is_wanted() -> None:
    def heads(page: AppTest) -> bool:
        notes = [
            note["text"]
            for chart in page.get("plotly_chart")
            for note in json.loads(chart.proto.spec)["layout"].get("annotations", [])
        ]
        return "<b>BM25</b>" in notes

    page = opened(COMPARE, q=QUERY)
    assert not heads(page)
    page.toggle(key="bm25").set_value(True).run()
    assert heads(page)
    assert address(page)["bm25"] == ["1"]
    page.text_input(key="q").set_value("qqqq zzzz").run()  # no chunk has those words
    assert not page.exception
    assert charts(page) == 3


@pytest.mark.usefixtures("no_reranker")
def test_without_a_cross_encoder_there_is_an_error_that_names_it() -> None:
    for view in ("One query", "Pairs"):
        page = opened(COMPARE, q=QUERY, view=view)
        assert literal("'/nowhere'") in said(page)
        assert charts(page) == 0


@pytest.mark.usefixtures("no_reranker")
def test_without_a_cross_encoder_many_queries_say_so() -> None:
    page = opened(COMPARE, view="Many queries")
    next(button for button in page.button if button.label.startswith("Compare ")).click().run()
    assert literal("'/nowhere'") in said(page)
    assert not page.exception


# ---- pairs


def lines(page: AppTest) -> list[str]:
    """The scores of the own pair's two sentences."""
    return html(page, "rs-verdict")[:2]


def numbers(line: str) -> list[str]:
    return re.findall(r"[+-]?\d+\.\d+", line)


def test_the_own_pair_is_scored_by_both_models() -> None:
    page = opened(COMPARE, view="Pairs")
    for line in lines(page):
        assert re.search(r"bi-encoder <b>-?[01]\.\d{3}</b> <span class='rs-faint'>cosine", line)
        assert re.search(r"cross-encoder <b>[+-]\d+\.\d\d</b> <span class='rs-faint'>score", line)
        assert re.search(r"probability</span> [01]\.\d\d", line)
    assert sum(line.count("prefers this") for line in lines(page)) == 2  # each model prefers one
    assert said(page) == ""


def test_an_edited_pair_is_scored_anew() -> None:
    page = opened(COMPARE, view="Pairs")
    before = lines(page)
    page.text_area(key="pair-first").set_value("Bread rises because yeast makes gas.").run()
    assert lines(page)[0] != before[0]
    assert numbers(lines(page)[1]) == numbers(before[1])
    assert "◀ prefers this" in lines(page)[1]  # a sentence on bread does not answer a question on moons
    page.text_area(key="pair-second").set_value(" ").run()
    assert literal("Fill in the question and both sentences.") in said(page)
    assert any(header.value == "A gallery of tricky pairs" for header in page.subheader)


def test_an_edited_pair_outlives_another_view_and_another_page() -> None:
    page = opened("app.py")
    page.switch_page("pages/compare.py").run()
    page.segmented_control(key="view").set_value("Pairs").run()
    page.text_area(key="pair-first").set_value("Bread rises.").run()
    page.segmented_control(key="view").set_value("One query").run()
    page.segmented_control(key="view").set_value("Pairs").run()
    assert page.text_area(key="pair-first").value == "Bread rises."
    page.switch_page("pages/search.py").run()
    page.switch_page("pages/compare.py").run()
    assert page.text_area(key="pair-first").value == "Bread rises."
    assert not page.exception


def test_of_two_equal_sentences_none_is_preferred() -> None:
    page = opened(COMPARE, view="Pairs")
    page.text_area(key="pair-first").set_value("Io has volcanoes.")
    page.text_area(key="pair-second").set_value("Io has volcanoes.").run()
    assert not any("prefers this" in line for line in lines(page))


def test_what_is_typed_into_a_pair_is_never_markup() -> None:
    page = opened(COMPARE, view="Pairs")
    page.text_area(key="pair-first").set_value("<script>alert(1)</script> **b** $x$").run()
    assert not page.exception
    assert not any("<script>" in element.body for element in page.html)


def test_the_gallery_counts_and_lists_the_tricky_pairs() -> None:
    page = opened(COMPARE, view="Pairs")
    (totals,) = tables(page)
    assert list(totals["kind"]) == [*KINDS, "all"]
    assert totals["pairs"].iloc[-1] == PAIRS == totals["pairs"].iloc[:-1].sum()
    right = {model: int(totals[f"{model} right"].iloc[-1]) for model in ("bi-encoder", "cross-encoder")}
    assert all(0 <= count <= PAIRS for count in right.values())

    def listed() -> int:
        return len(html(page, "answers it"))

    assert listed() == PAIRS - right["bi-encoder"]  # those that fool it are shown first
    page.segmented_control(key="pair-filter").set_value("Cross-encoder fooled").run()
    assert listed() == PAIRS - right["cross-encoder"]
    page.segmented_control(key="pair-filter").set_value("All").run()
    assert listed() == len(html(page, "only looks so")) == PAIRS
    page.selectbox(key="pair-kind").set_value("dates").run()
    assert listed() == sum(pair.kind == "dates" for pair in trick_pairs())


# ---- many queries


def pasted(text: str) -> AppTest:
    page = opened(COMPARE, view="Many queries")
    page.toggle(key="many-samples").set_value(False).run()
    page.text_area(key="many-queries").set_value(text).run()
    return page


def finished(page: AppTest) -> AppTest:
    """The page when its background work is over."""
    task = page.session_state["many-task"]
    task.wait(120)
    assert not task.active
    page.run()
    assert not page.exception
    return page


def test_the_sample_questions_are_offered_and_nothing_runs_by_itself() -> None:
    page = opened(COMPARE, view="Many queries")
    assert [button.label for button in page.button] == [f"Compare {len(questions())} queries"]
    assert literal("Nothing was compared yet") in said(page)
    page.toggle(key="many-samples").set_value(False).run()
    assert [(button.label, button.disabled) for button in page.button] == [("Compare 0 queries", True)]


def test_a_pasted_list_runs_to_its_end() -> None:
    page = pasted(f"{QUERY}\n\n  How does bread rise? \n{QUERY}\n")
    finished(press(page, "Compare 2 queries"))
    (table,) = tables(page)
    assert sorted(table["query"]) == sorted([QUERY, "How does bread rise?"])
    assert table["Kendall's τ-b"].is_monotonic_increasing  # most changed first
    assert table["overlap at 10"].between(0, 10).all()
    assert (table["furthest rise"] >= 0).all()
    assert "nDCG@10 bi" not in table  # nobody judged these
    assert said(page) == ""
    assert [button.label for button in page.download_button] == [
        "Table as CSV",
        "TREC run, bi-encoder",
        "TREC run, cross-encoder",
    ]


def test_a_judged_query_has_its_ndcg_in_the_table_and_a_ticked_row_is_opened() -> None:
    page = pasted(f"{JUDGED}\n{QUERY}")
    finished(press(page, "Compare 2 queries"))
    (table,) = tables(page)
    by_query = table.set_index("query")
    assert 0 <= by_query.loc[JUDGED, "nDCG@10 cross"] <= 1
    assert by_query["change"].isna().tolist() == [query != JUDGED for query in by_query.index]
    assert {"Mean nDCG@10, bi-encoder", "Mean nDCG@10, cross-encoder", "Queries better / worse"} <= set(metrics(page))
    assert charts(page) == 0
    for row, query in enumerate(table["query"]):
        page.session_state["many-table"] = {"selection": {"rows": [row], "columns": [], "cells": []}}
        page.run()
        assert not page.exception
        assert charts(page) == 1
        assert f"#### {literal(query)}" in written(page)
        assert "Kendall's τ-b" in metrics(page)


def test_one_query_is_one_query() -> None:
    page = pasted(QUERY)
    assert [button.label for button in page.button] == ["Compare 1 query"]


def test_cancelling_keeps_what_is_done() -> None:
    page = opened(COMPARE, view="Many queries")
    press(page, f"Compare {len(questions())} queries")
    press(page, "Cancel")
    finished(page)
    (table,) = tables(page)
    assert 1 <= len(table) < len(questions())
    assert not any(button.label == "Cancel" for button in page.button)


def test_a_query_that_cannot_be_searched_is_an_error_and_the_others_are_kept() -> None:
    page = pasted(f"{QUERY}\n{'x' * 10_001}\nnever reached")
    finished(press(page, "Compare 3 queries"))
    assert literal("The query has 10,001 characters") in said(page)
    assert [list(table["query"]) for table in tables(page)] == [[QUERY]]


# ---- reranking on the Search page
