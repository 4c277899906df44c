"""The pages as a visitor uses them, without a browser: through app.py and each alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.indexing.indexer import index
from core.indexing.jobs import IndexingQueue
from core.loading.sources import Upload
from core.samples.library import EXAMPLES, SAMPLE_COLLECTION, questions
from core.settings import Settings
from core.workspace import Workspace
from pages.ui.page import jobs, literal
from tests.support.fakes import FakeEncoder

ROOT = Path(__file__).parents[2]
EVIL = "# <script>alert(1)</script>\n\n**bold** $x^2$ :red[hi] <img src=x onerror=alert(1)> [link](javascript:alert(1))"
EVIL_NAME = "<b>*bold*</b> $y$ :red[x].md"
ODD = "odd *name* $a$ <b>"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test has a server's memory of its own; background work ends with it."""
    for name in ("RANKSCOPE_PRECISION", "RANKSCOPE_DEVICE", "RANKSCOPE_MODEL"):
        monkeypatch.delenv(name, raising=False)
    st.cache_resource.clear()
    yield
    wait()
    st.cache_resource.clear()


@pytest.fixture
def _samples(sample_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample library. For reading only."""
    monkeypatch.setenv("RANKSCOPE_DATA", str(sample_data))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small library: a collection of two plain documents, and one whose names and texts are full of markup."""
    folder = tmp_path_factory.mktemp("library")
    opened = Workspace.open(Settings(folder))
    index(
        opened,
        opened.open_or_create("colours"),
        [Upload("red.txt", b"Red is a colour."), Upload("blue.txt", b"Blue is the sky.")],
    )
    index(opened, opened.open_or_create(ODD), [Upload(EVIL_NAME, EVIL.encode())])
    opened.close()
    return folder


@pytest.fixture
def own(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the small library, to be changed."""
    folder = tmp_path / "data"
    shutil.copytree(library, folder)
    monkeypatch.setenv("RANKSCOPE_DATA", str(folder))
    return folder


def wait() -> None:
    held: IndexingQueue = jobs()
    for job in held.all():
        job.wait(60)


def opened(script: str = "app.py", **parameters: str | list[str]) -> AppTest:
    page = AppTest.from_file(str(ROOT / script), default_timeout=60)
    for name, value in parameters.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


def html(page: AppTest, holding: str) -> list[str]:
    return [element.body for element in page.html if holding in element.body and "<style>" not in element.body]


def cards(page: AppTest) -> list[str]:
    """The HTML of the hits, best first."""
    return html(page, "rs-hit")


def said(page: AppTest) -> str:
    return "\n".join(alert.value for alert in (*page.error, *page.warning, *page.info))


def address(page: AppTest) -> dict[str, list[str]]:
    found = page.query_params
    return {name: [found[name]] if isinstance(found[name], str) else found[name] for name in found}


@pytest.mark.usefixtures("_samples")
@pytest.mark.parametrize("script", ["app.py", "pages/search.py"])
def test_a_first_visit_shows_the_hits_of_an_example(script: str) -> None:
    page = opened(script)
    assert page.text_input(key="q").value == "When did Voyager 2 reach interstellar space?"
    assert len(cards(page)) == 10
    assert "voyager-2.md" in cards(page)[0]
    assert "<mark>Voyager</mark>" in cards(page)[0]
    assert address(page) == {
        "q": ["When did Voyager 2 reach interstellar space?"],
        "collection": [SAMPLE_COLLECTION],
        "hits": ["10"],
    }


@pytest.mark.usefixtures("_samples")
def test_an_address_gives_query_hits_and_filter() -> None:
    wanted = ["space/venus.md", "space/voyager-1.md"]
    page = opened(q="the hottest planet", collection=SAMPLE_COLLECTION, hits="3", documents=wanted)
    assert page.text_input(key="q").value == "the hottest planet"
    assert page.multiselect(key="documents").value == wanted
    assert len(cards(page)) == 3
    assert "space/venus.md" in cards(page)[0]
    assert all("space/venus.md" in card or "space/voyager-1.md" in card for card in cards(page))
    assert said(page) == ""


@pytest.mark.usefixtures("_samples")
@pytest.mark.parametrize(
    ("name", "value", "shown", "message"),
    [
        ("hits", "many", 10, "hits=many"),
        ("hits", "9999", 100, "asks for 9999 hits"),
        ("hits", "0", 1, "asks for 0 hits"),
        ("hits", "9" * 50, 10, "hits=999"),
        ("collection", "no *such*", 10, "There is no collection “no *such*”"),
        ("documents", "no _such_.txt", 10, "Not in sample-library, so not in the filter either: no _such_.txt"),
    ],
)
def test_an_unusable_address_is_explained(name: str, value: str, shown: int, message: str) -> None:
    page = opened(q="bread", **{name: value})
    assert literal(message) in said(page)
    assert len(cards(page)) == shown
    assert value not in address(page).get(name, [])


@pytest.mark.usefixtures("_samples")
def test_the_address_of_an_empty_query_stays_one() -> None:
    page = opened()
    page.text_input(key="q").set_value("  ").run()
    assert cards(page) == []
    assert literal("Type a question to search the 444 chunks") in said(page)
    page.text_input(key="q").set_value("").run()
    again = opened(**{name: values[0] for name, values in address(page).items()})
    assert (again.text_input(key="q").value, cards(again)) == ("", [])


@pytest.mark.usefixtures("_samples")
def test_a_clicked_example_is_asked() -> None:
    page = opened()
    example = next(question for question in questions() if question.id == EXAMPLES[1])
    page.button(key=f"example-{example.id}").click().run()
    assert page.text_input(key="q").value == example.question
    assert address(page)["q"] == [example.question]
    assert "amazon-river.md" in cards(page)[0]
    assert any(example.why in caption.value for caption in page.caption)


@pytest.mark.usefixtures("_samples")
def test_settings_outlive_a_visit_to_another_page() -> None:
    page = opened()
    page.text_input(key="q").set_value("tea").run()
    page.number_input(key="hits").set_value(4).run()
    page.multiselect(key="documents").set_value(["food-and-cooking/green-tea.md"]).run()
    shown = cards(page)
    page.switch_page("pages/library.py").run()
    assert page.title[0].value == "Library"
    page.switch_page("pages/search.py").run()
    assert (page.text_input(key="q").value, page.number_input(key="hits").value) == ("tea", 4)
    assert cards(page) == shown


@pytest.mark.usefixtures("own")
def test_another_collection_drops_the_filter() -> None:
    page = opened(q="red", collection="colours", documents=["blue.txt"])
    assert ["blue.txt" in card for card in cards(page)] == [True]
    page.selectbox(key="collection").set_value(ODD).run()
    assert page.multiselect(key="documents").value == []
    assert len(cards(page)) == 1
    assert said(page) == ""


@pytest.mark.usefixtures("own")
def test_what_a_document_says_is_never_markup() -> None:
    page = opened(q="**bold** <i>", collection=ODD)
    (card,) = cards(page)
    for markup in ("<script", "<img", "<b>*bold*"):
        assert markup not in card
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in card
    assert "&lt;b&gt;*bold*&lt;/b&gt; $y$ :red[x].md" in card
    assert "**<mark>bold</mark>** $x^2$ :red[hi]" in card
    page.button(key="context-1").click().run()
    (shown,) = html(page, "rs-chunk")
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert any(EVIL_NAME in text.value for text in page.text)


@pytest.mark.usefixtures("own")
def test_names_are_shown_word_for_word() -> None:
    page = opened(collection=ODD)
    assert [info.value for info in page.info] == [
        "Type a question to search the 1 chunk of odd \\*name\\* \\$a\\$ \\<b\\>\\."
    ]


@pytest.mark.usefixtures("_samples")
@pytest.mark.parametrize("script", ["app.py", "pages/library.py"])
def test_an_unusable_setting_is_a_plain_error(script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANKSCOPE_PRECISION", "int8")
    page = opened(script)
    assert [error.value for error in page.error] == [
        literal("RANKSCOPE_PRECISION is 'int8': use one of auto, float32, bfloat16")
    ]
    assert page.text_input.len == page.button.len == 0


def test_a_model_that_cannot_be_loaded_is_an_error_and_the_app_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANKSCOPE_DATA", str(tmp_path))
    monkeypatch.setenv("RANKSCOPE_MODEL", "/no/*such*/model")
    page = opened()
    assert [error.value for error in page.error] == [
        literal("There is no model folder '/no/*such*/model': check the path, or use the built-in model")
    ]
    assert "nothing to search yet" in said(page)
    page.switch_page("pages/library.py").run()
    assert "There are no collections yet" in said(page)
    next(button for button in page.button if button.label == "Add the sample library").click().run()
    assert literal("no model folder '/no/*such*/model'") in said(page)
    page.file_uploader[0].set_value([("a.txt", b"red", "text/plain")]).run()
    assert literal("no model folder '/no/*such*/model'") in said(page)
    assert next(button for button in page.button if button.label == "Index 1 file").disabled
    page.text_input(key="new-model").set_value("all-MiniLM-L6-v2").run()
    assert not next(button for button in page.button if button.label == "Index 1 file").disabled
    assert not page.exception


def test_a_collection_whose_model_is_gone_is_an_error_and_others_are_searched(own: Path) -> None:
    encoder = FakeEncoder()
    encoder.model = "/no/such/model"
    opened_ = Workspace.open(Settings(own), loader=lambda model: encoder)
    index(opened_, opened_.open_or_create("lost"), [Upload("red.txt", b"red")])
    opened_.close()
    page = opened(q="red", collection="lost")
    assert literal("There is no model folder '/no/such/model'") in said(page)
    assert cards(page) == []
    page.selectbox(key="collection").set_value("colours").run()
    assert (said(page), len(cards(page))) == ("", 2)


def shelf(own: Path) -> dict[str, list[str]]:
    """Collections and their documents, as another process sees them."""
    seen = Workspace.open(Settings(own))
    held = {
        collection.name: [document.name for document in seen.documents(collection)]
        for collection in seen.store.collections()
    }
    seen.close()
    return held


def press(page: AppTest, label: str) -> AppTest:
    found = [button for button in page.button if button.label == label]
    assert len(found) == 1, [button.label for button in page.button]
    found[0].click().run()
    assert not page.exception
    return page


def names(page: AppTest) -> list[str]:
    """The documents that the Library lists."""
    tables = [table.value for table in page.dataframe if "document" in table.value]
    return list(tables[0]["document"]) if tables else []


@pytest.mark.parametrize("script", ["app.py", "pages/library.py"])
@pytest.mark.usefixtures("own")
def test_the_library_lists_documents(script: str) -> None:
    page = opened(script)
    if script == "app.py":
        page.switch_page("pages/library.py").run()
    assert page.selectbox(key="shelf").options == ["colours", ODD]
    assert names(page) == ["blue.txt", "red.txt"]
    page.selectbox(key="shelf").set_value(ODD).run()
    assert names(page) == [EVIL_NAME]
    assert any("all-MiniLM-L6-v2" in text.value for text in page.text)


def asks_to_delete(documents: int) -> None:
    """A page that is nothing but the question: a dialog's buttons are out of AppTest's reach on a page that opens it by a click."""
    from pages.ui.library.collections import ask_to_delete
    from pages.ui.page import begin_page

    workspace = begin_page("Test")
    for collection in workspace.store.collections():
        if collection.name == "colours":
            ask_to_delete(workspace, collection, workspace.documents(collection)[:documents] or None)


@pytest.mark.parametrize(
    ("documents", "question", "left"),
    [
        (1, "deletes 1 document.", {"colours": ["red.txt"], ODD: [EVIL_NAME]}),
        (0, "deletes the collection colours with 2 chunks.", {ODD: [EVIL_NAME]}),
    ],
)
def test_deleting_asks_first(documents: int, question: str, left: dict[str, list[str]], own: Path) -> None:
    before = shelf(own)
    page = AppTest.from_function(asks_to_delete, args=(documents,), default_timeout=60).run()
    assert any(question in text.value for text in page.text)
    press(page, "Keep")
    assert shelf(own) == before
    press(page, "Delete")
    assert shelf(own) == left


def test_the_page_opens_the_question(own: Path) -> None:
    page = press(opened("pages/library.py"), "Delete this collection")
    assert any("deletes the collection colours with 2 chunks" in text.value for text in page.text)
    assert list(shelf(own)) == ["colours", ODD]


def test_ticks_do_not_move_to_other_documents(own: Path) -> None:
    page = opened("pages/library.py")
    table = next(table for table in page.dataframe if "document" in table.value)
    assert table.key
    page.session_state[table.key] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    page.run()
    assert [button.label for button in page.button if "document" in button.label] == ["Delete 1 document"]
    workspace = Workspace.open(Settings(own))
    colours = workspace.store.collection("colours")
    workspace.delete_documents(colours, [workspace.shelf.find(colours.key, "blue.txt").document_id])
    workspace.close()
    page.run()
    assert names(page) == ["red.txt"]
    assert [button.label for button in page.button if "document" in button.label] == ["Delete documents"]


def test_uploads_are_indexed_into_a_new_collection(own: Path) -> None:
    page = opened("pages/library.py")
    page.selectbox(key="into").set_value("New collection…").run()
    page.file_uploader[0].set_value(
        [("sun.txt", b"The sun shines.", "text/plain"), ("*bad*.pdf", b"%PDF-1.4", "application/pdf")]
    ).run()
    press(page, "Index 2 files")
    assert "no name yet" in said(page)
    page.text_input(key="new-name").set_value(" *stars* ")
    press(page, "Index 2 files")
    wait()
    page.run()
    assert any(text.value == "*stars*: 1 failed, 1 indexed" for text in page.text)
    assert any(text.value.startswith("✗ *bad*.pdf") for text in page.text)
    assert shelf(own)["*stars*"] == ["sun.txt"]
    assert (page.selectbox(key="into").value, page.selectbox(key="shelf").value, names(page)) == (
        "*stars*",
        "*stars*",
        ["sun.txt"],
    )
    press(page, "Dismiss")
    assert not any("failed" in text.value for text in page.text)


def test_a_first_start_brings_the_samples_in_and_an_emptied_library_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANKSCOPE_DATA", str(tmp_path))
    page = opened("pages/library.py")
    assert page.selectbox(key="shelf").options == [SAMPLE_COLLECTION]
    press(page, "Cancel")
    wait()
    page.run()
    workspace = Workspace.open(Settings(tmp_path))
    workspace.delete_collection(SAMPLE_COLLECTION)
    workspace.close()
    page.run()
    assert "There are no collections yet" in said(page)
    page = opened()
    assert "nothing to search yet" in said(page)
    assert cards(page) == []
