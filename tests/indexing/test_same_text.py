"""Files of one text are one document: each of their names finds it, also after one of them has a new text."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from core.errors import DocumentNotFound
from core.indexing.indexer import index
from core.library.document_view import open_document
from core.loading.sources import Upload
from core.records.search import OnChange
from core.retrieval.search import search
from core.store.documents import DocumentStore
from core.workspace import Workspace


def bring(workspace: Workspace, files: dict[str, str], on_change: OnChange = "replace") -> list[tuple[str, str]]:
    uploads = [Upload(name, text.encode()) for name, text in files.items()]
    outcomes = index(workspace, workspace.open_or_create("c"), uploads, on_change)
    return [(outcome.name, outcome.status) for outcome in outcomes]


def texts(workspace: Workspace) -> dict[str, tuple[str, tuple[str, ...]]]:
    """The text and the other names of each document, by its name."""
    return {
        document.name: (workspace.document_store.document(document.document_id).text, document.also)
        for document in workspace.documents(workspace.store.collection("c"))
    }


def test_each_name_finds_the_document(workspace: Workspace) -> None:
    bring(workspace, {"a.txt": "red", "in/b.txt": "red", "c.txt": "red", "d.txt": "blue"})
    assert texts(workspace) == {"a.txt": ("red", ("c.txt", "in/b.txt")), "d.txt": ("blue", ())}
    collection = workspace.store.collection("c")
    assert open_document(workspace, collection, "in/b.txt").document.text == "red"
    assert [hit.text for hit in search(workspace, "c", "red", documents=["c.txt"]).hits] == ["red"]
    with pytest.raises(DocumentNotFound):
        open_document(workspace, collection, "b.txt")


def test_a_name_finds_its_document_however_its_letters_are_composed(workspace: Workspace) -> None:
    bring(workspace, {"caf\u00e9.txt": "red"})
    assert open_document(workspace, workspace.store.collection("c"), "cafe\u0301.txt").document.text == "red"


def test_a_copy_keeps_the_text_when_the_other_file_changes_in_a_later_run(workspace: Workspace) -> None:
    bring(workspace, {"a.txt": "red", "b.txt": "red", "c.txt": "red"})
    assert bring(workspace, {"a.txt": "green"}) == [("a.txt", "replaced")]
    assert texts(workspace) == {"a.txt": ("green", ()), "b.txt": ("red", ("c.txt",))}
    assert {hit.document for hit in search(workspace, "c", "red").hits} == {"a.txt", "b.txt"}
    assert bring(workspace, {"a.txt": "green", "b.txt": "red"}) == [("a.txt", "unchanged"), ("b.txt", "unchanged")]


def test_a_copy_that_comes_in_the_same_run_is_told_once(workspace: Workspace) -> None:
    bring(workspace, {"a.txt": "red", "b.txt": "red"})
    assert sorted(bring(workspace, {"a.txt": "green", "b.txt": "red"})) == [
        ("a.txt", "replaced"),
        ("b.txt", "unchanged"),
    ]
    assert texts(workspace) == {"a.txt": ("green", ()), "b.txt": ("red", ())}


def test_a_copy_that_changes_is_a_document_of_its_own(workspace: Workspace) -> None:
    bring(workspace, {"a.txt": "red", "b.txt": "red"})
    assert bring(workspace, {"b.txt": "blue"}) == [("b.txt", "indexed")]
    assert texts(workspace) == {"a.txt": ("red", ()), "b.txt": ("blue", ())}


def test_a_copy_that_becomes_a_copy_of_another_is_found_there(workspace: Workspace) -> None:
    bring(workspace, {"a.txt": "red", "b.txt": "red", "c.txt": "blue"})
    assert bring(workspace, {"b.txt": "blue"}) == [("b.txt", "duplicate")]
    assert texts(workspace) == {"a.txt": ("red", ()), "c.txt": ("blue", ("b.txt",))}


def test_both_files_change(workspace: Workspace) -> None:
    bring(workspace, {"a.txt": "red", "b.txt": "red"})
    bring(workspace, {"a.txt": "green", "b.txt": "blue"})
    assert texts(workspace) == {"a.txt": ("green", ()), "b.txt": ("blue", ())}


def test_a_deleted_document_takes_its_names_along(workspace: Workspace) -> None:
    bring(workspace, {"a.txt": "red", "b.txt": "red", "c.txt": "blue"})
    collection = workspace.store.collection("c")
    workspace.delete_documents(collection, [workspace.document_store.find(collection.key, "b.txt").document_id])
    assert texts(workspace) == {"c.txt": ("blue", ())}
    assert bring(workspace, {"b.txt": "red"}) == [("b.txt", "indexed")]


def test_data_from_before_open_without_other_names(tmp_path: Path) -> None:
    path = tmp_path / "rankscope.sqlite3"
    DocumentStore(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE aliases")
    store = DocumentStore(path)
    assert store.documents("c") == []
    store.close()
