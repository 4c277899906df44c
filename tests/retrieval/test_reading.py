"""What the models do not read of a query or of the hits is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.indexing.indexer import index
from core.loading.sources import Upload
from core.models.bi_encoder import SentenceTransformerEncoder
from core.models.cross_encoder import SentenceTransformersCrossEncoder
from core.records.search import CollectionOptions
from core.retrieval.reading import query_notes, rerank_notes
from core.retrieval.search import rerank, search
from core.settings import BUILT_IN_MODEL, BUILT_IN_RERANKER, Settings
from core.workspace import Workspace
from tests.support.fakes import FakeCrossEncoder, FakeEncoder, LatinTokens

LONG = " ".join(["red"] * 254 + ["blue"] * 46)


def test_a_query_that_is_read_has_no_note() -> None:
    assert query_notes(FakeEncoder(), "red") == ()
    assert rerank_notes(FakeCrossEncoder(), "red", ["red", "blue"]) == ()


def test_the_end_of_a_long_query_is_told_and_quoted() -> None:
    (note,) = query_notes(FakeEncoder(), LONG)
    assert note.startswith("fake read the first 254 of the query's 300 tokens. Not read: “blue blue")
    assert note.endswith("…”")
    assert len(note) < 200


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("red เรือ sea", "fake does not know 1 of the query's 3 words: “เรือ”"),
        (
            "เรือ ราคา",
            "fake does not know 2 of the query's 2 words: “เรือ”, “ราคา”. It cannot read this query, so the scores mean "
            "nothing: use a collection of a multilingual model",
        ),
    ],
)
def test_unknown_words_of_a_query_are_named(query: str, wanted: str) -> None:
    encoder = FakeEncoder()
    encoder.tokens = LatinTokens()
    assert query_notes(encoder, query) == (wanted,)


def test_what_the_cross_encoder_cuts_is_told_of_query_and_chunks() -> None:
    reranker = FakeCrossEncoder()  # reads 512 words, 256 of the query at most
    (note,) = rerank_notes(reranker, " ".join(["sea"] * 300 + ["end"]), ["red", "red " * 210])
    assert "of the query's 301 tokens it read 256 beside 1 of the 2 chunks. Not read: “sea" in note
    (note,) = rerank_notes(reranker, "sea", ["red", "red " * 600])
    assert note.endswith("it did not read the end of 1 of the 2 chunks")


def test_a_search_tells_of_query_and_hits(tmp_path: Path) -> None:
    encoder = FakeEncoder()
    encoder.tokens = LatinTokens()
    workspace = Workspace.open(Settings(tmp_path), loader=lambda model: encoder)
    collection = workspace.open_or_create("c", CollectionOptions(model="fake"))
    outcomes = index(
        workspace, collection, [Upload("thai.txt", "เรือ ออก".encode()), Upload("red.txt", b"red green blue")]
    )
    assert [outcome.notes for outcome in outcomes] == [
        ("1 of 1 chunk is mostly words that fake does not know: it cannot read them; choose a multilingual model",),
        (),
    ]
    result = search(workspace, "c", "red ราคา", 2)
    assert [(hit.document, hit.unknown is not None and hit.unknown.mostly) for hit in result.hits] == [
        ("red.txt", False),
        ("thai.txt", True),
    ]
    reranked = rerank(result, FakeCrossEncoder())
    assert next(hit.unknown for hit in reranked.hits if hit.document == "thai.txt") is not None
    printed = reranked.as_json()
    assert printed["notes"] == ["fake does not know 1 of the query's 2 words: “ราคา”"]
    by_name = {hit["document"]: hit["unknown"] for hit in printed["hits"]}
    assert by_name["red.txt"] is None
    assert by_name["thai.txt"]["unknown_words"] == 2
    assert by_name["thai.txt"]["cannot_read"] is True


def test_the_built_in_models_tell_what_they_cut() -> None:
    encoder = SentenceTransformerEncoder.load(BUILT_IN_MODEL, "float32", "cpu")
    query = " ".join(f"word{number}" for number in range(400))
    (note,) = query_notes(encoder, query)
    rest = note.split("Not read: “")[1].rstrip("”… ")
    assert f"read the first {encoder.query_budget} of the query's " in note
    assert rest.split()[-2] in query
    changed = query[: encoder.reads_query(query)] + "entirely different words"
    assert abs(encoder.encode_query(query) - encoder.encode_query(changed)).max() < 2e-6
    reranker = SentenceTransformersCrossEncoder.load(BUILT_IN_RERANKER, "float32", "cpu")
    notes = rerank_notes(reranker, query, ["short", "a long text " * 300])
    assert len(notes) == 2
    reading = reranker.reads_pair(query, "short")
    one, other = reranker.score([(query, "short"), (query[: reading.query] + "entirely different", "short")]).logits
    assert one == pytest.approx(other, abs=1e-4)
