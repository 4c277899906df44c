"""Judging as a visitor does: on Search, on Compare, and text after text on the judging page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.indexing.indexer import index
from core.loading.sources import Upload
from core.records.judgments import GRADES
from core.settings import Settings
from core.workspace import Workspace
from pages.ui.page import literal
from tests.support.pages import cards, html, opened, press, said

COMPARE, SEARCH = "pages/compare.py", "pages/search.py"
TEXTS = {
    "red.txt": b"Red is the colour of *blood*.",
    "blue.txt": b"Blue is the colour of the sky.",
    "sea.txt": b"The sea is green <b>here</b>.",
}
QUERY = "Which colour has the sky?"


@pytest.fixture(scope="module", autouse=True)
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two collections of the same three one-chunk documents; models stay loaded from test to test."""
    folder = tmp_path_factory.mktemp("library")
    built = Workspace.open(Settings(folder))
    for name in ("colours", "again"):
        index(built, built.open_or_create(name), [Upload(called, text) for called, text in TEXTS.items()])
    built.close()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("RANKSCOPE_PRECISION", "RANKSCOPE_DEVICE", "RANKSCOPE_MODEL", "RANKSCOPE_RERANKER"):
            patch.delenv(name, raising=False)
        yield folder
    st.cache_resource.clear()


@pytest.fixture(autouse=True)
def workspace(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A copy of the library, to be judged, as the page's own process sees it."""
    folder = tmp_path / "data"
    shutil.copytree(library, folder)
    monkeypatch.setenv("RANKSCOPE_DATA", str(folder))
    st.cache_resource.clear()
    held = Workspace.open(Settings(folder))
    yield held
    held.close()
    st.cache_resource.clear()


def given(workspace: Workspace, name: str = "colours", query: str = QUERY) -> dict[str, int]:
    """Document to grade."""
    held = workspace.store.collection(name)
    names = workspace.document_store.names(held.key)
    return {names[one.document_id]: one.grade for one in workspace.judgments.for_query(held.key, query)}


def grades(page: AppTest) -> list[Any]:
    """What the grades' buttons show, from hit to hit."""
    return [control.value for control in page.segmented_control if control.key and control.key.startswith("grade-")]


def grade(page: AppTest, hit: int, value: int | None) -> AppTest:
    control = [control for control in page.segmented_control if control.key and control.key.startswith("grade-")][hit]
    control.set_value(value).run()
    assert not page.exception
    return page


def captions(page: AppTest) -> str:
    return "\n".join(caption.value for caption in page.caption)


def switch(page: AppTest) -> AppTest:
    page.toggle(key="judge").set_value(True).run()
    assert not page.exception
    return page


def test_search_is_calm_until_the_switch_is_turned(workspace: Workspace) -> None:
    page = opened(SEARCH, q=QUERY, collection="colours")
    assert grades(page) == []
    assert "judge" not in page.query_params
    switch(page)
    assert grades(page) == [None] * 3
    assert captions(page).count("not judged") == 3
    assert [f"{number} {word}" for number, word in GRADES.items()] == page.segmented_control[0].options
    assert len(cards(page)) == 3


def test_a_grade_on_search_is_kept_changed_and_taken_back(workspace: Workspace) -> None:
    page = switch(opened(SEARCH, q=QUERY, collection="colours"))
    page.text_input(key="judge-who").set_value("Ann *A*").run()
    first = "blue.txt" if "blue.txt" in cards(page)[0] else "other"
    grade(page, 0, 3)
    assert given(workspace) == {first: 3} == {"blue.txt": 3}
    assert workspace.judgments.for_query(workspace.store.collection("colours").key, QUERY)[0].who == "Ann *A*"
    assert literal("Ann *A*") in captions(page)
    grade(page, 0, 1)
    grade(page, 1, 0)
    assert sorted(given(workspace).values()) == [0, 1]
    press(page, "Undo")
    press(page, "Undo")
    assert (given(workspace), grades(page)) == ({"blue.txt": 3}, [3, None, None])
    grade(page, 0, None)
    assert given(workspace) == {}
    press(page, "Undo")
    press(page, "Undo")
    assert given(workspace) == {}
    assert next(button for button in page.button if button.label == "Undo").disabled


def test_a_grade_holds_in_the_other_collection_and_on_compare(workspace: Workspace) -> None:
    grade(switch(opened(SEARCH, q=QUERY, collection="colours")), 0, 3)
    assert given(workspace, "again") == {"blue.txt": 3}
    page = opened(COMPARE, q=QUERY, collection="again")
    assert {"nDCG@10, bi", "nDCG@10, cross"} <= {metric.label for metric in page.metric}
    switch(page)
    assert sorted(str(value) for value in grades(page)) == ["3", "None", "None"]
    assert "1 judged span of this query" in captions(page)
    grade(page, grades(page).index(None), 0)
    assert sorted(given(workspace, "again").values()) == [0, 3]
    press(page, "Use these grades in the figures of this page")


def test_without_grades_compare_says_what_is_needed() -> None:
    page = switch(opened(COMPARE, q=QUERY, collection="colours"))
    assert "0 judged spans of this query" in captions(page)
    assert not [metric for metric in page.metric if "nDCG" in metric.label]


def test_a_judgment_on_overlapping_text_is_said(workspace: Workspace) -> None:
    held = workspace.store.collection("colours")
    blue = workspace.document_store.find(held.key, "blue.txt").document_id
    workspace.judgments.judge(QUERY, blue, 0, 20, 2)
    page = switch(opened(SEARCH, q=QUERY, collection="colours"))
    assert grades(page) == [None] * 3
    assert "counts as 2, by another judgment on this text" in captions(page)


def test_a_grade_that_cannot_be_kept_is_an_error(workspace: Workspace) -> None:
    page = switch(opened(SEARCH, q=QUERY, collection="colours"))
    assert "blue.txt" in cards(page)[0]
    for name in ("colours", "again"):
        held = workspace.store.collection(name)
        workspace.delete_documents(held, [workspace.document_store.find(held.key, "blue.txt").document_id])
    grade(page, 0, 3)
    assert "There is no document" in said(page)
    assert given(workspace) == {}
    assert grades(page) == [None] * 2
    page.run()
    assert said(page) == ""


# ---- the judging page


def judging() -> None:
    """A page that is nothing but the view."""
    from pages.ui.collection_picker import searchable_collections
    from pages.ui.evaluate.judge import show_judging
    from pages.ui.page import begin_page

    workspace = begin_page("Test")
    show_judging(workspace, searchable_collections(workspace))


def pooled(query: str = QUERY, state: Mapping[str, object] | None = None) -> AppTest:
    page = AppTest.from_function(judging, default_timeout=60)
    for key, value in {"collection": "colours", "judging-q": query, **(state or {})}.items():
        page.session_state[key] = value
    page.run()
    assert not page.exception
    return page


def progress(page: AppTest) -> str:
    (bar,) = page.get("progress")
    return str(bar.proto.text)


def shown(page: AppTest) -> list[str]:
    """The documents of the texts that are shown."""
    return [name for card in html(page, "rs-hit") for name in TEXTS if name in card]


def test_nothing_asked_says_what_to_do() -> None:
    page = pooled("")
    assert "Type a query" in said(page)
    page = pooled(state={"judging-systems": []})
    assert "Choose at least one system" in said(page)


def test_texts_come_one_by_one_and_who_found_them_is_told_at_the_end(workspace: Workspace) -> None:
    page = pooled()
    page.text_input(key="judge-who").set_value("Ann").run()
    judged: dict[str, int] = {}
    for number in (2, 0):
        assert progress(page) == f"judged {len(judged)} of 3"
        (name,) = shown(page)
        assert not page.metric
        assert "cosine" not in html(page, "rs-hit")[0]
        assert "<b>here" not in html(page, "rs-hit")[0]
        note = next(field for field in page.text_input if field.label == "Note")
        note.set_value("because").run()
        press(page, f"{number} {GRADES[number]}")
        judged[name] = number
    assert given(workspace) == judged
    assert {one.note for one in workspace.judgments.for_query(workspace.store.collection("colours").key, QUERY)} == {
        "because"
    }
    press(page, "Skip")
    assert progress(page) == "judged 2 of 3, 1 skipped"
    press(page, "Judge the 1 skipped")
    last = shown(page)
    press(page, "Undo")
    assert progress(page) == "judged 1 of 3"
    assert set(shown(page)) <= {*TEXTS} - {next(iter(judged))}
    for number in (0, 1):
        press(page, f"{number} {GRADES[number]}")
    assert progress(page) == "judged 3 of 3"
    assert len(given(workspace)) == 3
    assert last
    assert [metric.label for metric in page.metric] == [
        "bi-encoder",
        "BM25",
        "bi-encoder, reranked by the cross-encoder",
    ]
    (table,) = [frame.value for frame in page.dataframe]
    assert list(table["grade"]) == sorted(table["grade"], reverse=True)
    assert {"rank, bi", "rank, bm25", "rank, bi+cross"} < set(table.columns)
    assert sorted(table["rank, bi"]) == [1, 2, 3]
    page.toggle(key="judging-change").set_value(True).run()
    assert len(grades(page)) == 3


def test_the_order_is_the_same_at_every_visit_and_grades_are_remembered(workspace: Workspace) -> None:
    first = shown(pooled())
    assert shown(pooled(state={"collection": "again"})) == first or len(first) == 1
    press(page := pooled(), "3 perfect")
    assert progress(page) == "judged 1 of 3"
    assert progress(pooled(state={"collection": "again"})) == "judged 1 of 3"


def test_the_pool_is_made_again_when_a_document_is_replaced(workspace: Workspace) -> None:
    page = pooled()
    colours = workspace.store.collection("colours")
    index(workspace, colours, [Upload("sea.txt", b"The sky is dark blue by night.")])
    assert workspace.store.collection("colours").chunks == colours.chunks
    page.run()
    texts = []
    for _ in TEXTS:
        texts += html(page, "rs-hit")
        press(page, "1 related")
    assert any("by night" in text for text in texts)
    assert not any("green" in text for text in texts)


def test_a_list_of_queries_is_gone_through(workspace: Workspace) -> None:
    page = pooled(state={"judging-mode": "A list of mine", "judging-list": f"{QUERY}\n\n What is red? \n{QUERY}"})
    assert page.selectbox(key="judging-at").options == [f"1. {QUERY}", "2. What is red?"]
    for _ in range(3):
        press(page, "1 related")
    press(page, "Next query")
    assert page.selectbox(key="judging-at").value == "What is red?"
    assert progress(page) == "judged 0 of 3"
    for _ in range(3):
        press(page, "0 not relevant")
    assert not [button for button in page.button if button.label == "Next query"]
    assert [metric.value for metric in page.metric] == ["–", "–", "–"]  # nothing relevant, so no figure


def test_the_judged_queries_are_a_list_too(workspace: Workspace) -> None:
    page = pooled(state={"judging-mode": "Judged queries"})
    assert "Nothing is judged in colours yet" in captions(page)
    blue = workspace.document_store.find(workspace.store.collection("colours").key, "blue.txt").document_id
    workspace.judgments.judge(QUERY, blue, 0, 30, 3)
    page = pooled(state={"judging-mode": "Judged queries"})
    assert progress(page) == "judged 1 of 3"
    assert "blue.txt" not in shown(page)


def test_a_model_that_is_gone_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANKSCOPE_RERANKER", "/nowhere")
    st.cache_resource.clear()
    page = pooled()
    assert "nowhere" in said(page)
    page = pooled(state={"judging-systems": ["bi", "bm25"]})
    assert progress(page) == "judged 0 of 3"
