"""The trick pairs keep their promises."""

from __future__ import annotations

from collections import Counter

import pytest

from core.samples.library import documents
from core.samples.pairs import KINDS, Passage, TrickPair, trick_pairs

TEXTS = {document.name: document.text for document in documents()}
PAIRS = trick_pairs()
SENTENCE_ENDS = (".", "!", "?", '"')


def check_is_a_whole_sentence(passage: Passage) -> None:
    text = TEXTS[passage.document]
    assert text[passage.start : passage.end] == passage.text
    assert 6 <= len(passage.text.split()) <= 45
    assert "\n" not in passage.text
    assert passage.text == passage.text.strip()
    assert passage.text.endswith(".")
    assert text[: passage.start].endswith(("\n", "- ", *(f"{end} " for end in SENTENCE_ENDS)))
    assert text[passage.end : passage.end + 1] in {"", " ", "\n"}


def test_there_are_enough_pairs_of_every_kind() -> None:
    kinds = Counter(pair.kind for pair in PAIRS)
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) >= 8


def test_ids_and_queries_are_unique() -> None:
    assert len({pair.id for pair in PAIRS}) == len(PAIRS)
    assert len({pair.query for pair in PAIRS}) == len(PAIRS)
    assert all(pair.id.startswith(f"{pair.kind}-") for pair in PAIRS)


def test_few_pairs_are_in_other_languages() -> None:
    languages = Counter(pair.language for pair in PAIRS)
    assert set(languages) == {"en", "es", "fr", "de"}
    assert len(PAIRS) - languages["en"] <= 6


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.id)
def test_a_pair_holds_two_sentences_of_the_library(pair: TrickPair) -> None:
    check_is_a_whole_sentence(pair.right)
    check_is_a_whole_sentence(pair.wrong)
    assert pair.right.text != pair.wrong.text
    for passage in (pair.right, pair.wrong):
        name = passage.document.removesuffix(".md")
        assert name.endswith(f"-{pair.language}") == (pair.language != "en")
    assert pair.query.endswith("?")
    assert 5 <= len(pair.query.removesuffix(" ?").split()) <= 14
    assert pair.why.endswith(".")


def test_the_pairs_are_read_once() -> None:
    assert trick_pairs() is PAIRS
