"""What a model does not read: changing it changes nothing, changing what is read changes the answer."""

from __future__ import annotations

import numpy as np
import pytest

from core.models.bi_encoder import SentenceTransformerEncoder
from core.models.cross_encoder import SentenceTransformersCrossEncoder
from core.models.tokenization import first_unread
from core.samples.library import documents
from core.settings import BUILT_IN_MODEL, BUILT_IN_RERANKER

LONG = " ".join(document.text for document in documents()[:8])
CHINESE = "书籍是人类进步的阶梯。" * 60
QUERIES = ["How tall is it?", " ".join(["a question that is long"] * 80)]


@pytest.fixture(scope="module")
def encoder() -> SentenceTransformerEncoder:
    return SentenceTransformerEncoder.load(BUILT_IN_MODEL, "float32", "cpu")


@pytest.fixture(scope="module")
def reranker() -> SentenceTransformersCrossEncoder:
    return SentenceTransformersCrossEncoder.load(BUILT_IN_RERANKER, "float32", "cpu")


@pytest.mark.parametrize("text", [LONG[:4000], LONG[5000:9000], CHINESE])
@pytest.mark.parametrize("other", ["", "zebra quantum ", "。另外"])
def test_what_the_bi_encoder_does_not_read_changes_nothing(
    encoder: SentenceTransformerEncoder, text: str, other: str
) -> None:
    read = encoder.reads(text)
    assert 0 < read < len(text)
    whole, changed = encoder.encode_documents([text]), encoder.encode_documents([text[:read] + other])
    np.testing.assert_allclose(whole, changed, atol=2e-6)
    assert np.abs(whole - encoder.encode_documents([text[: read // 2] + " zebra" + text[read // 2 :]])).max() > 1e-4


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("text", [LONG[:4000], CHINESE])
def test_what_the_cross_encoder_does_not_read_changes_nothing(
    reranker: SentenceTransformersCrossEncoder, query: str, text: str
) -> None:
    read = reranker.reads(query, text)
    assert 0 < read < len(text)
    whole, changed, other = reranker.score(
        [(query, text), (query, text[:read] + " zebra quantum" * 200), (query, "zebra quantum " + text)]
    ).logits
    assert whole == pytest.approx(changed, abs=1e-4)
    assert abs(whole - other) > 1e-4


def test_the_models_read_different_lengths(
    encoder: SentenceTransformerEncoder, reranker: SentenceTransformersCrossEncoder
) -> None:
    assert encoder.reads(LONG) < reranker.reads("How tall is it?", LONG)
    assert reranker.reads(QUERIES[1], LONG) < reranker.reads(QUERIES[0], LONG)


def test_what_is_short_enough_is_read_to_its_end(
    encoder: SentenceTransformerEncoder, reranker: SentenceTransformersCrossEncoder
) -> None:
    for text in ("", "short", "a b c ", "书籍", "word" * 900 + " end"):
        assert encoder.reads(text) == len(text)
        assert reranker.reads("query", text) == len(text)


def test_a_word_that_is_read_in_part_counts_as_read() -> None:
    assert first_unread("embedding models", 5) == len("embedding ")
    assert first_unread("embedding", 5) == len("embedding")
    assert first_unread("书籍是", 1) == 1
