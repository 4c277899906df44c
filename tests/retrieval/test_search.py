"""Search end to end: ranks by hand with the fake, the truth with the real model."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from core.errors import CollectionNotFound, DocumentNotFound, QueryError
from core.indexing.indexer import index
from core.loading.sources import Upload
from core.retrieval.search import search
from core.samples.library import SAMPLE_COLLECTION, questions
from core.workspace import Workspace

FILES = {"one.txt": b"red", "two.txt": b"red green", "three.txt": b"red green blue sun", "four.txt": b"sea"}


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    index(workspace, workspace.open_or_create("c"), [Upload(name, data) for name, data in FILES.items()])
    return workspace


def test_hits_are_ranked_by_the_cosine(filled: Workspace) -> None:
    result = search(filled, "c", "  red ", 3)
    assert [(hit.rank, hit.document) for hit in result.hits] == [(1, "one.txt"), (2, "two.txt"), (3, "three.txt")]
    assert [hit.bi_score for hit in result.hits] == pytest.approx([1.0, 1 / sqrt(2), 0.5], abs=1e-6)
    assert (result.query, result.collection, result.model, result.metric) == ("red", "c", "fake", "cosine")
    assert result.timings.total >= result.timings.encode + result.timings.retrieve - 1e-6


def test_the_filter_takes_names_and_ids(filled: Workspace) -> None:
    collection = filled.store.collection("c")
    two = filled.document_store.find(collection.key, "two.txt")
    result = search(filled, "c", "red", 10, ["four.txt", two.document_id])
    assert [hit.document for hit in result.hits] == ["two.txt", "four.txt"]
    with pytest.raises(DocumentNotFound, match=r"none\.txt"):
        search(filled, "c", "red", 10, ["none.txt"])


@pytest.mark.parametrize(("query", "top_k"), [("", 10), (" \n", 10), ("red", 0), ("red", 1001), ("x" * 10_001, 10)])
def test_impossible_searches_are_refused(filled: Workspace, query: str, top_k: int) -> None:
    with pytest.raises(QueryError):
        search(filled, "c", query, top_k)


def test_an_unknown_collection_is_named(filled: Workspace) -> None:
    with pytest.raises(CollectionNotFound, match="'d'"):
        search(filled, "d", "red")


def test_the_json_object_has_the_promised_keys(filled: Workspace) -> None:
    printed = search(filled, "c", "red", 1).as_json()
    assert set(printed) == {"query", "collection", "model", "metric", "filters", "notes", "hits", "timings_ms"}
    promised = {"rank", "chunk_id", "document", "page", "heading", "start", "end", "text", "bi_score", "bi_rank"}
    assert promised <= set(printed["hits"][0])
    assert set(printed["timings_ms"]) == {"encode", "retrieve", "total"}


def test_the_real_model_finds_what_exact_search_finds(samples_workspace: Workspace) -> None:
    """The index against brute force over the very vectors that Chroma holds."""
    collection = samples_workspace.store.collection(SAMPLE_COLLECTION)
    encoder = samples_workspace.encoder(collection)
    import chromadb

    held = chromadb.PersistentClient(str(samples_workspace.settings.data)).get_collection(SAMPLE_COLLECTION)
    everything = held.get(include=["embeddings"])
    vectors = np.asarray(everything["embeddings"])
    for question in questions()[::6]:
        order = np.argsort(-vectors @ encoder.encode_query(question.question), kind="stable")[:10]
        found = [hit.chunk_id for hit in search(samples_workspace, SAMPLE_COLLECTION, question.question).hits]
        assert len(set(found) & {everything["ids"][at] for at in order}) >= 9


def test_easy_questions_are_answered_and_hard_ones_show_the_models_weakness(samples_workspace: Workspace) -> None:
    def first_rank(question: str, answers: set[str]) -> int:
        hits = search(samples_workspace, SAMPLE_COLLECTION, question, 50).hits
        return next(hit.rank for hit in hits if hit.document in answers)

    easy = [question for question in questions() if question.kind == "easy"]
    ranks = [first_rank(q.question, {j.document for j in q.judgments if j.grade == 3}) for q in easy]
    assert np.mean([rank == 1 for rank in ranks]) >= 0.8
