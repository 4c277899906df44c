"""BM25 on the pages: the ranking that Evaluate measures, and always of the chunks that are there now."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import streamlit as st

from core.evaluation.corpora import CollectionCorpus, InMemoryCorpus
from core.indexing.indexer import index
from core.loading.sources import Upload
from core.records.search import Collection
from core.samples import library as samples
from core.workspace import Workspace
from pages.ui.bm25 import bm25_ranks
from pages.ui.evaluate.judge import rankings

TEXTS = {
    "tide.txt": "The moon is pulling the sea towards it, and so the tide comes in.",
    "dough.txt": "The yeast turns sugar into gas, and that is what makes the dough rise.",
    "rope.txt": "All of them were at the rope, and they pulled and pulled for an hour.",
}


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


@pytest.fixture
def collection(workspace: Workspace) -> Collection:
    """Three English documents of one chunk each."""
    made = workspace.open_or_create("texts")
    index(workspace, made, [Upload(name, text.encode()) for name, text in TEXTS.items()])
    return workspace.store.collection("texts")


def evaluated(workspace: Workspace, collection: Collection, queries: list[str], depth: int) -> list[list[str]]:
    """The rankings that Evaluate measures, of the collection and of its texts in memory, which must be the same."""
    corpus = CollectionCorpus.open(workspace, collection)
    corpus.prepare(["bm25"], lambda _line: None)
    found = [list(corpus.retrieve("bm25", query, depth).ids) for query in queries]
    texts = workspace.store.texts(collection)
    memory = InMemoryCorpus("memory", texts, {}, None)
    memory.prepare(["bm25"], lambda _line: None)
    assert [list(memory.retrieve("bm25", query, depth).ids) for query in queries] == found
    return found


@pytest.mark.parametrize(
    ("query", "documents"),
    [
        # by the stem "pull": twice in a text of ordinary length, once in another
        ("pulls", ["rope.txt", "tide.txt"]),
        ("rising", ["dough.txt"]),
        ("the of and", []),
    ],
)
def test_compare_judge_and_evaluate_rank_alike(
    workspace: Workspace, collection: Collection, query: str, documents: list[str]
) -> None:
    ranks = bm25_ranks(workspace, collection, query)
    hits = rankings(workspace, collection, query, ["bm25"], 10)["bm25"]
    assert [hit.document for hit in hits] == documents
    assert [hit.chunk_id for hit in hits] == list(ranks) == evaluated(workspace, collection, [query], 10)[0]
    assert list(ranks.values()) == list(range(1, len(documents) + 1))


def test_the_sample_library_is_ranked_alike(samples_workspace: Workspace) -> None:
    collection = samples_workspace.store.collection(samples.SAMPLE_COLLECTION)
    questions = [question.question for question in samples.questions()]
    pages = [list(bm25_ranks(samples_workspace, collection, question))[:10] for question in questions]
    assert pages == evaluated(samples_workspace, collection, questions, 10)
    assert len(questions) == 72


def test_a_replaced_document_is_ranked_by_its_new_text(workspace: Workspace, collection: Collection) -> None:
    (old,) = bm25_ranks(workspace, collection, "yeast")
    index(workspace, collection, [Upload("dough.txt", b"The baker is the one who knows when the oven is hot.")])
    after = workspace.store.collection("texts")
    assert after.chunks == collection.chunks
    assert bm25_ranks(workspace, after, "yeast") == {}
    (new,) = bm25_ranks(workspace, after, "oven")
    assert new != old
