"""Import from Chroma collections of other programs: the folder stays unchanged and the vectors are kept."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path
from typing import Any

import chromadb
import numpy as np
import pytest
from chromadb.config import Settings as ChromaSettings

from core.errors import CollectionExists, CollectionNotFound, ExchangeError, ModelMismatch, SettingsError, StoreError
from core.exchange.chroma_import import (
    ChromaCollectionInfo,
    choose_collection,
    collection_info,
    import_chroma_collection,
    is_chroma_folder,
    open_chroma_copy,
)
from core.exchange.copying import copy_collection
from core.records.search import CollectionOptions, Metric
from core.retrieval.search import search
from core.workspace import Workspace
from tests.support.fakes import FakeEncoder

TEXTS = ["red sun", "blue sea", "green tree", "red red", "moon"]
METADATAS: list[dict[str, Any] | None] = [
    {"source": "a.pdf", "page": 0},
    {"source": "b.pdf", "page": 4},
    None,
    {"source": "a.pdf", "page": 1, "tags": ["x", "y"]},
    {"colour": "none"},
]


def write(
    folder: Path,
    name: str = "notes",
    space: str = "cosine",
    dimension: int = 8,
    texts: list[str] | None = None,
    metadatas: Any = None,
) -> None:
    """A collection as another program would make it."""
    texts = TEXTS if texts is None else texts
    client: Any = chromadb.PersistentClient(str(folder), settings=ChromaSettings(anonymized_telemetry=False))
    configuration = {"hnsw": {"space": space}}
    made = client.create_collection(name, configuration=configuration, embedding_function=None)
    vectors = FakeEncoder().encode_documents(texts)[:, :dimension]
    made.add(
        ids=[f"id-{number}" for number in range(len(texts))],
        embeddings=vectors,
        documents=texts,
        metadatas=METADATAS if metadatas is None else metadatas,
    )
    client.close()


@pytest.fixture
def chroma_folder(tmp_path: Path) -> Path:
    write(tmp_path / "theirs")
    return tmp_path / "theirs"


def state(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
            path.stat().st_mtime_ns,
        )
        for path in [folder, *folder.rglob("*")]
    }


def test_chunks_vectors_and_texts_come_over_and_nothing_is_written_there(
    workspace: Workspace, encoder: FakeEncoder, chroma_folder: Path
) -> None:
    before = state(chroma_folder)
    with open_chroma_copy(chroma_folder) as store:
        result = import_chroma_collection(workspace, store, choose_collection("there", store, None), "mine", "fake")
    assert state(chroma_folder) == before
    assert (result.documents, result.collection.chunks, result.collection.metric, result.collection.model) == (
        4,
        5,
        "cosine",
        "fake",
    )
    assert result.notes == ()
    assert sorted(encoder.encoded) == sorted(TEXTS)  # the sample that shows whether the model is the right one
    hits = {hit.chunk_id: hit for hit in search(workspace, "mine", "red", 10).hits}
    assert [hit for hit in hits if hits[hit].bi_score > 0.5] == ["id-3", "id-0"]
    assert hits["id-3"].bi_score == pytest.approx(1.0)
    assert hits["id-0"].bi_score == pytest.approx(2**-0.5)
    documents = {
        document.name: workspace.document_store.document(document.document_id).text
        for document in workspace.documents(result.collection)
    }
    assert documents == {"a.pdf": "red sun\n\nred red", "b.pdf": "blue sea", "id-2": "green tree", "id-4": "moon"}
    assert {hit.chunk_id: (hit.document, hit.start, hit.end, hit.tokens) for hit in hits.values()} == {
        "id-0": ("a.pdf", 0, 7, 2),
        "id-3": ("a.pdf", 9, 16, 2),
        "id-1": ("b.pdf", 0, 8, 2),
        "id-2": ("id-2", 0, 10, 2),
        "id-4": ("id-4", 0, 4, 1),
    }
    assert hits["id-3"].metadata == {"source": "a.pdf", "page": 1, "tags": "x, y"}
    assert hits["id-4"].metadata == {"colour": "none"}


@pytest.mark.parametrize(("space", "metric"), [("cosine", "cosine"), ("ip", "dot"), ("l2", "l2")])
def test_a_folder_is_listed(tmp_path: Path, space: str, metric: Metric) -> None:
    write(tmp_path / "theirs", "beta", space)
    chromadb.PersistentClient(str(tmp_path / "theirs")).create_collection(
        "alpha", metadata={"title": "not ours", "dimension": "many", "model": 7}, embedding_function=None
    )
    with open_chroma_copy(tmp_path / "theirs") as store:
        assert [collection_info(store, collection) for collection in store.collections()] == [
            ChromaCollectionInfo("alpha", 0, 0, "l2", "", False),
            ChromaCollectionInfo("beta", 5, 8, metric, "", False),
        ]
        with pytest.raises(
            SettingsError,
            match=rf"2 collections.*--from.*alpha: 0 chunks, 0 dimensions, l2; beta: 5 chunks, 8 dimensions, {metric}",
        ):
            choose_collection("there", store, None)
        with pytest.raises(CollectionNotFound, match="there holds no collection 'c'"):
            choose_collection("there", store, "c")


def test_what_is_missing_is_asked_for(workspace: Workspace, chroma_folder: Path, tmp_path: Path) -> None:
    write(chroma_folder, "vectors", texts=["", " "], metadatas=[None, {"source": "a"}])
    chromadb.PersistentClient(str(chroma_folder)).create_collection("empty", embedding_function=None)
    with open_chroma_copy(chroma_folder) as store:
        with pytest.raises(SettingsError, match=r"'notes' needs the model .*8 dimensions, cosine.*--model"):
            import_chroma_collection(workspace, store, choose_collection("there", store, "notes"), "mine")
        with pytest.raises(ExchangeError, match="'vectors' holds vectors but no texts"):
            import_chroma_collection(workspace, store, choose_collection("there", store, "vectors"), "mine", "fake")
        with pytest.raises(ExchangeError, match="'empty' is empty"):
            import_chroma_collection(workspace, store, choose_collection("there", store, "empty"), "mine", "fake")
    assert workspace.store.collections() == []


def test_an_embedding_function_that_cannot_be_had_is_only_quoted(workspace: Workspace, chroma_folder: Path) -> None:
    with sqlite3.connect(chroma_folder / "chroma.sqlite3") as database:
        (schema,) = database.execute("SELECT schema_str FROM collections").fetchone()
        known = (
            '"type":"known","name":"openai","config":{"api_key_env_var":"KEY","model_name":"text-embedding-3-small"}'
        )
        changed = schema.replace('"type":"legacy"', known)
        assert changed != schema
        database.execute("UPDATE collections SET schema_str = ?", [changed])
    database.close()
    message = "it says 'openai text-embedding-3-small'"
    with open_chroma_copy(chroma_folder) as store, pytest.raises(SettingsError, match=message):
        import_chroma_collection(workspace, store, choose_collection("there", store, None), "mine")


def test_vectors_of_another_length_are_refused_with_both_numbers(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path / "theirs", dimension=5)
    with (
        open_chroma_copy(tmp_path / "theirs") as store,
        pytest.raises(ModelMismatch, match=r"5 dimensions.*fake makes vectors of 8"),
    ):
        import_chroma_collection(workspace, store, choose_collection("there", store, None), "mine", "fake")


def test_another_model_of_the_same_length_is_doubted(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    client = chromadb.PersistentClient(str(folder))
    made = client.create_collection("notes", embedding_function=None)
    made.add(ids=["a", "b"], embeddings=np.eye(8, dtype=np.float32)[:2], documents=["sun", "moon"])
    with open_chroma_copy(folder) as store:
        result = import_chroma_collection(workspace, store, choose_collection("there", store, None), "mine", "fake")
    assert result.notes == (
        "fake makes other vectors of the first texts (mean cosine 0.00 to those that are there): "
        "is it the right model?",
    )


def test_chunks_without_text_and_too_long_ones_are_counted(workspace: Workspace, tmp_path: Path) -> None:
    texts = ["red", "", "word " * 300 + "red", "   "]
    write(tmp_path / "theirs", texts=texts, metadatas=[{"file": "a"}] * 4)
    with open_chroma_copy(tmp_path / "theirs") as store:
        result = import_chroma_collection(workspace, store, choose_collection("there", store, None), "mine", "fake")
    assert result.notes == ("2 chunks without a text left out", "1 chunk longer than the 254 tokens that fake reads")
    assert (result.documents, result.collection.chunks) == (1, 2)


def test_the_same_text_twice_is_one_document_with_both_chunks(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path / "theirs", texts=["red", "red", "blue"], metadatas=[None, None, None])
    with open_chroma_copy(tmp_path / "theirs") as store:
        result = import_chroma_collection(workspace, store, choose_collection("there", store, None), "mine", "fake")
    assert {document.name: document.chunks for document in workspace.documents(result.collection)} == {
        "id-0": 2,
        "id-2": 1,
    }
    assert {hit.chunk_id for hit in search(workspace, "mine", "red", 2).hits} == {"id-0", "id-1"}


def test_many_chunks_come_in_groups(workspace: Workspace, tmp_path: Path) -> None:
    texts = [f"red {number}" for number in range(4500)]
    write(tmp_path / "theirs", texts=texts, metadatas=[{"source": f"{number // 3}.txt"} for number in range(4500)])
    with open_chroma_copy(tmp_path / "theirs") as store:
        result = import_chroma_collection(workspace, store, choose_collection("there", store, None), "mine", "fake")
    assert (result.documents, result.collection.chunks) == (1500, 4500)
    document = next(one for one in workspace.documents(result.collection) if one.name == "1499.txt")
    assert workspace.document_store.document(document.document_id).text == "red 4497\n\nred 4498\n\nred 4499"


def test_a_collection_in_our_own_folder_is_brought_in_the_same_way(workspace: Workspace) -> None:
    workspace.create("ours")
    write(workspace.settings.data)
    origin = choose_collection("the data folder", workspace.store, "notes")
    assert import_chroma_collection(workspace, workspace.store, origin, "mine", "fake").collection.chunks == 5
    assert search(workspace, "mine", "blue", 1).hits[0].document == "b.pdf"
    with pytest.raises(CollectionExists):
        import_chroma_collection(workspace, workspace.store, origin, "ours", "fake")
    with pytest.raises(ExchangeError, match="'ours' was made by Rankscope"):
        choose_collection("the data folder", workspace.store, "ours")
    with pytest.raises(ExchangeError, match="another program"):
        copy_collection(workspace, "notes", "copy")


def test_what_was_brought_in_can_be_cut_anew(workspace: Workspace, chroma_folder: Path) -> None:
    with open_chroma_copy(chroma_folder) as store:
        import_chroma_collection(workspace, store, choose_collection("there", store, None), "mine", "fake")
    copied = copy_collection(workspace, "mine", "again", CollectionOptions(size=64)).collection
    assert (copied.chunks, len(workspace.documents(copied))) == (4, 4)


def test_folders_that_are_not_chromas(tmp_path: Path) -> None:
    (tmp_path / "chroma.sqlite3").write_bytes(b"no database" * 99)
    assert is_chroma_folder(tmp_path)
    with pytest.raises(StoreError), open_chroma_copy(tmp_path):
        pass
    assert not is_chroma_folder(tmp_path / "nowhere")
