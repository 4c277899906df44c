"""The store: similarities by hand, ties, names, and a folder that chromadb alone can open."""

from __future__ import annotations

import subprocess
import sys
from math import sqrt
from pathlib import Path

import chromadb
import numpy as np
import pytest

from core.errors import BadName, CollectionExists, CollectionNotFound, ForeignCollection, StoreError
from core.records.search import Chunk, Collection, Metric
from core.store.vector_store import VectorStore
from tests.support.fakes import FakeEncoder


def chunk(number: int, text: str, document_id: str = "d") -> Chunk:
    return Chunk(
        f"id{number:03}", document_id, number * 10, number * 10 + len(text), text, len(text.split()), heading="Colours"
    )


def filled(
    store: VectorStore, metric: Metric = "cosine", texts: tuple[str, ...] = ("red green", "red", "blue")
) -> Collection:
    collection = store.create("colours", model="fake", revision="1", dimension=8, metric=metric)
    chunks = [chunk(number, text) for number, text in enumerate(texts)]
    store.add(collection, chunks, FakeEncoder().encode_documents(texts), {"d": "colours.txt"})
    return collection


@pytest.fixture
def store(tmp_path: Path) -> VectorStore:
    return VectorStore(tmp_path)


@pytest.mark.parametrize(
    ("metric", "scores"),
    [
        ("cosine", [("id001", 1.0), ("id000", 1 / sqrt(2)), ("id002", 0.0)]),
        ("dot", [("id000", 2.0), ("id001", 2.0), ("id002", 0.0)]),
        ("l2", [("id000", -sqrt(2)), ("id001", -1.0), ("id002", -sqrt(5))]),
    ],
)
def test_distances_become_similarities(store: VectorStore, metric: Metric, scores: list[tuple[str, float]]) -> None:
    collection = filled(store, metric)
    hits = store.query(collection, FakeEncoder().encode_query("red red"), 3)
    assert {hit.chunk_id: hit.bi_score for hit in hits} == pytest.approx(dict(scores), abs=1e-6)
    assert [hit.bi_score for hit in hits] == sorted((hit.bi_score for hit in hits), reverse=True)
    assert [hit.rank for hit in hits] == [1, 2, 3]


def test_ties_break_by_chunk_id(store: VectorStore) -> None:
    collection = filled(store, texts=("red", "red", "red", "blue"))
    assert [hit.chunk_id for hit in store.query(collection, FakeEncoder().encode_query("red"), 3)] == [
        "id000",
        "id001",
        "id002",
    ]


def test_a_hit_carries_all_that_was_stored(store: VectorStore) -> None:
    hit = store.query(filled(store), FakeEncoder().encode_query("blue"), 1)[0]
    assert (hit.text, hit.document, hit.document_id, hit.start, hit.end) == ("blue", "colours.txt", "d", 20, 24)
    assert (hit.page, hit.heading, hit.tokens) == (None, "Colours", 1)


def test_only_and_hidden_limit_a_search(store: VectorStore) -> None:
    collection = store.create("c", model="fake", revision="1", dimension=8)
    fake = FakeEncoder()
    chunks = [chunk(number, "red", f"d{number}") for number in range(4)]
    store.add(collection, chunks, fake.encode_documents(["red"] * 4), {f"d{n}": f"{n}.txt" for n in range(4)})

    def found(only: set[str] | None = None, hidden: tuple[str, ...] = ()) -> list[str]:
        return [hit.document_id for hit in store.query(collection, fake.encode_query("red"), 9, only, hidden)]

    assert found() == ["d0", "d1", "d2", "d3"]
    assert found(only={"d1", "d2"}) == ["d1", "d2"]
    assert found(hidden=("d0",)) == ["d1", "d2", "d3"]
    assert found(only={"d1", "d2"}, hidden=("d1",)) == ["d2"]
    assert found(only={"d1"}, hidden=("d1",)) == []
    assert found(only=set()) == []


def test_a_collection_says_everything_that_a_query_needs(store: VectorStore) -> None:
    made = store.create(
        "notes", model="m", revision="r", dimension=8, metric="dot", query_prompt="q: ", document_prompt="d: "
    )
    again = store.collection("notes")
    assert again == made
    assert (again.model, again.revision, again.dimension, again.metric) == ("m", "r", 8, "dot")
    assert (again.query_prompt, again.document_prompt, again.chunking.size, again.foreign) == ("q: ", "d: ", 200, False)


@pytest.mark.parametrize("name", ["Été 2024", "图书馆", "a", "x" * 100, "مكتبة"])
def test_any_visible_name_will_do(store: VectorStore, name: str) -> None:
    store.create(name, model="m", revision="r", dimension=8)
    assert store.collection(name).name == name
    assert [collection.name for collection in store.collections()] == [name]


@pytest.mark.parametrize("name", ["", "  ", " a", "x" * 101, "a\nb", "a\x00b"])
def test_impossible_names_are_refused(store: VectorStore, name: str) -> None:
    with pytest.raises(BadName):
        store.create(name, model="m", revision="r", dimension=8)


def test_missing_and_existing_collections_are_named(store: VectorStore) -> None:
    with pytest.raises(CollectionNotFound, match="nothing"):
        store.collection("nothing")
    store.create("there", model="m", revision="r", dimension=8)
    with pytest.raises(CollectionExists, match="there"):
        store.create("there", model="m", revision="r", dimension=8)


def test_a_wrong_dimension_names_both_numbers(store: VectorStore) -> None:
    with pytest.raises(StoreError, match=r"8.*3|3.*8"):
        store.query(filled(store), np.ones(3, dtype=np.float32), 1)


def test_an_unusable_folder_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match="RANKSCOPE_DATA"):
        VectorStore(tmp_path / "file" / "data")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "chroma.sqlite3").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match="broken"):
        VectorStore(tmp_path / "broken")


def test_chromadb_alone_opens_the_folder_and_finds_the_same(store: VectorStore, tmp_path: Path) -> None:
    collection = filled(store)
    ours = [hit.chunk_id for hit in store.query(collection, FakeEncoder().encode_query("red"), 3)]
    program = (
        f"import chromadb, sys; c = chromadb.PersistentClient({str(tmp_path)!r}).get_collection('colours')\n"
        "got = c.query(query_embeddings=[[1, 0, 0, 0, 0, 0, 0, 0]], n_results=3)\n"
        "print(*got['ids'][0]); print(got['documents'][0][0], got['metadatas'][0][0]['document'], "
        "c.configuration['hnsw']['space'])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    ids, rest = run.stdout.splitlines()
    assert ids.split() == ours
    assert rest == "red colours.txt cosine"


def test_what_another_process_writes_is_found(store: VectorStore, tmp_path: Path) -> None:
    collection = filled(store, texts=("red", "blue"))
    assert [hit.text for hit in store.query(collection, FakeEncoder().encode_query("green"), 9)] != ["green"]
    program = (
        f"import chromadb; c = chromadb.PersistentClient({str(tmp_path)!r}).get_collection('colours')\n"
        "c.add(ids=['new'], embeddings=[[0, 1, 0, 0, 0, 0, 0, 0]], documents=['green'],"
        " metadatas=[dict(document_id='n', document='n.txt', start=0, end=5, tokens=1)])\n"
        "c.delete(ids=['id000'])"
    )
    subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    hits = store.query(collection, FakeEncoder().encode_query("green"), 9)
    assert [hit.text for hit in hits] == ["green", "blue"]
    assert hits[0].bi_score == pytest.approx(1.0)


def test_collections_of_other_programs_are_listed_but_not_searched(store: VectorStore, tmp_path: Path) -> None:
    client = chromadb.PersistentClient(str(tmp_path))
    foreign = client.create_collection("foreign", embedding_function=None)
    foreign.add(ids=["a"], embeddings=np.ones((1, 8), dtype=np.float32), documents=["red"])
    collection = store.collection("foreign")
    assert (collection.foreign, collection.chunks, collection.metric, collection.model) == (True, 1, "l2", "")
    with pytest.raises(ForeignCollection, match="foreign"):
        store.query(collection, FakeEncoder().encode_query("red"), 1)
