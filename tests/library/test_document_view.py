"""A document with its chunks, opened to be read."""

from __future__ import annotations

from core.indexing.indexer import index
from core.library.document_view import open_document
from core.loading.sources import Upload
from core.workspace import Workspace


def test_a_document_is_opened_by_its_name_or_its_id(workspace: Workspace) -> None:
    collection = workspace.create("c")
    index(workspace, collection, [Upload("harbour.md", b"red sun over the quay"), Upload("sea.md", b"blue sea")])
    by_name = open_document(workspace, collection, "harbour.md")
    by_id = open_document(
        workspace, collection, workspace.document_store.find(collection.key, "harbour.md").document_id
    )
    assert (by_name.document.name, by_name.document.text) == ("harbour.md", "red sun over the quay")
    assert [chunk.text for chunk in by_name.chunks] == ["red sun over the quay"]
    assert by_id == by_name
