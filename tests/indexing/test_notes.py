"""What a document's text lacks is said wherever the document is: outcomes, list, reader, copies, exports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.exchange.bundle import export_bundle, import_bundle
from core.exchange.copying import copy_collection
from core.indexing import indexer
from core.indexing.indexer import index
from core.library.document_view import open_document
from core.loading.sources import PreparedSource, Upload
from core.records.document import Document
from core.records.search import CollectionOptions
from core.store.documents import decode_document, encode_marks
from core.util.progress import FileOutcome
from core.workspace import Workspace
from pages.ui.jobs import outcome_table

NOTES = ("page 2 of 4 holds no text", "3 pictures without a description")


def lacking(name: str = "a.pdf", text: str = "red sun") -> PreparedSource:
    return PreparedSource(name, 9, lambda: Document(name, text, notes=NOTES))


def notes(workspace: Workspace, collection: str = "c") -> dict[str, tuple[str, ...]]:
    documents = workspace.documents(workspace.store.collection(collection))
    return {document.name: document.notes for document in documents}


@pytest.fixture
def indexed(workspace: Workspace) -> Workspace:
    outcomes = index(workspace, workspace.open_or_create("c"), [lacking(), Upload("b.txt", b"blue")])
    assert [outcome.notes for outcome in outcomes] == [NOTES, ()]
    return workspace


def test_the_list_and_the_reader_have_them(indexed: Workspace) -> None:
    assert notes(indexed) == {"a.pdf": NOTES, "b.txt": ()}
    assert open_document(indexed, indexed.store.collection("c"), "a.pdf").document.notes == NOTES


def test_so_do_the_outcomes_of_an_unchanged_file_and_of_a_duplicate(indexed: Workspace) -> None:
    collection = indexed.store.collection("c")
    again, copy = index(indexed, collection, [lacking(), lacking("copy.pdf")])
    assert (again.status, again.notes) == ("unchanged", NOTES)
    assert (copy.status, copy.notes) == ("duplicate", NOTES)


def test_a_loader_that_finds_more_replaces_them(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    collection = workspace.open_or_create("c")
    index(workspace, collection, [Upload("a.txt", b"red sun")])
    monkeypatch.setattr(indexer, "file_fingerprint", lambda *_: "of another version")
    monkeypatch.setattr(indexer, "load_source", lambda *_: Document("a.txt", "red sun\n", notes=NOTES))
    text = open_document(workspace, collection, "a.txt").document.text
    monkeypatch.setattr(indexer, "load_source", lambda *_: Document("a.txt", text, notes=NOTES))
    [outcome] = index(workspace, collection, [Upload("a.txt", b"red sun")])
    assert (outcome.status, outcome.notes) == ("unchanged", NOTES)
    assert notes(workspace) == {"a.txt": NOTES}


def test_copies_and_exports_keep_them(indexed: Workspace, tmp_path: Path) -> None:
    copy_collection(indexed, "c", "same")
    copy_collection(indexed, "c", "smaller", CollectionOptions(size=8))
    export_bundle(indexed, "c", tmp_path / "c.zip")
    import_bundle(indexed, tmp_path / "c.zip", "back")
    for name in ("same", "smaller", "back"):
        assert notes(indexed, name) == {"a.pdf": NOTES, "b.txt": ()}


def test_marks_of_an_earlier_version_have_none() -> None:
    marks = json.loads(encode_marks(Document("a", "red", notes=NOTES)))
    assert decode_document("a", "red", json.dumps(marks)).notes == NOTES
    del marks["notes"]
    assert decode_document("a", "red", json.dumps(marks)).notes == ()


def test_message_and_notes_stand_on_one_line() -> None:
    outcome = FileOutcome("a.pdf", "kept beside", 1, "as a (2).pdf", notes=NOTES)
    assert outcome.remarks == "as a (2).pdf; page 2 of 4 holds no text; 3 pictures without a description"
    assert outcome_table([outcome])["what happened"].tolist() == [outcome.remarks]
