"""Indexing runs as the Library page shows them: taken up after a restart, tried again, dismissed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.indexing._spool import Spool, queued
from core.loading.sources import PathSource, Upload
from core.settings import Settings
from core.workspace import Workspace
from pages.ui.page import jobs

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    st.cache_resource.clear()
    yield
    finished()
    st.cache_resource.clear()


def finished() -> None:
    for job in jobs().all():
        job.wait(60)


def press(page: AppTest, label: str) -> None:
    next(button for button in page.button if button.label == label).click().run()
    finished()
    page.run()
    assert not page.exception


def test_a_run_is_taken_up_after_a_restart_and_what_failed_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, late = tmp_path / "data", tmp_path / "late.txt"
    monkeypatch.setenv("RANKSCOPE_DATA", str(data))
    workspace = Workspace.open(Settings(data))
    collection = workspace.open_or_create("colours")
    Spool.create(
        data, collection, [Upload("red.txt", b"Red is a colour."), PathSource(late, "late.txt")], "replace"
    ).release()
    page = AppTest.from_file(str(ROOT / "pages" / "library.py"), default_timeout=60).run()
    finished()
    page.run()
    assert not page.exception
    assert any(text.value == "colours: 1 failed, 1 indexed" for text in page.text)
    assert any(caption.value.startswith("1 chunk embedded. Taken up after a restart") for caption in page.caption)
    late.write_text("Blue is another.")
    press(page, "Retry 1 file")
    assert any(text.value == "colours: 2 indexed" for text in page.text)
    assert not any(button.label.startswith("Retry") for button in page.button)
    assert queued(data) == []
    assert [document.name for document in workspace.documents(collection)] == ["late.txt", "red.txt"]
    press(page, "Dismiss")
    assert not any(text.value.startswith("colours:") for text in page.text)
    workspace.close()
