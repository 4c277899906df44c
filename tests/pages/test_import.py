"""Bringing a whole collection in on the Library page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.exchange.bundle import export_bundle
from core.settings import Settings
from core.workspace import Workspace
from pages.ui.library.transfers import transfers
from tests.support.pages import opened, press, said, shelf

pytestmark = pytest.mark.usefixtures("fresh_server")


def finish() -> None:
    for job in transfers().all():
        job.wait(60)


def test_a_beir_folder_becomes_a_collection(own: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text(
        json.dumps({"_id": "d1", "title": "", "text": "The sun is red."}) + "\n", encoding="utf-8"
    )
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q1", "text": "red?"}) + "\n", encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\n", encoding="utf-8")
    page = opened("pages/library.py")
    page.text_input(key="import-path-0").set_value(str(folder)).run()
    page.text_input(key="import-name-0").set_value("suns").run()
    press(page, "Bring in")
    finish()
    page.run()
    assert shelf(own)["suns"] == ["d1"]
    assert any("Bringing in suns: done" in text.value for text in page.text)
    assert page.text_input(key="import-path-1").value == ""
    assert not page.exception


def test_notes_on_an_import_are_shown(own: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text('{"_id": "d1", "text": "The sun is red."}\n', encoding="utf-8")
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "red?"}\n', encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("q1\td1\t1\n", encoding="utf-8")
    page = opened("pages/library.py")
    page.text_input(key="import-path-0").set_value(str(folder)).run()
    press(page, "Bring in")
    finish()
    page.run()
    assert shelf(own)["set"] == ["d1"]
    assert any("has no header: its first line was read as a judgment" in text.value for text in page.text)
    assert not page.exception


def test_an_export_comes_back_and_a_wrong_path_is_said(own: Path, tmp_path: Path) -> None:
    there = Workspace.open(Settings(own))
    export_bundle(there, "colours", tmp_path / "colours.zip")
    there.close()
    page = opened("pages/library.py")
    page.text_input(key="import-path-0").set_value(str(tmp_path / "colours.zip")).run()
    page.text_input(key="import-name-0").set_value("again").run()
    press(page, "Bring in")
    finish()
    assert shelf(own)["again"] == shelf(own)["colours"]
    page.text_input(key="import-path-1").set_value("/no/such/folder").run()
    press(page, "Bring in")
    finish()
    page.run()
    assert "There is no file or folder" in said(page)
    assert not page.exception
