"""Documents in and out of the Library: the list, deletion, uploads, the first start."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.samples.library import SAMPLE_COLLECTION
from core.settings import Settings
from core.workspace import Workspace
from tests.support.pages import EVIL_NAME, ODD, cards, names, opened, press, said, shelf, wait

pytestmark = pytest.mark.usefixtures("fresh_server")


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
    """A page that is nothing but the dialog: AppTest cannot reach the buttons of a dialog that a click has opened."""
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
    workspace.delete_documents(colours, [workspace.document_store.find(colours.key, "blue.txt").document_id])
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
