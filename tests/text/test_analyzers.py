"""Terms of a text: stems for English, folded words for other languages, bigrams of ideographs."""

from __future__ import annotations

import pytest

from core.retrieval.bm25 import Bm25
from core.text.analyzers import english_terms, looks_english, terms, terms_for, tokenize

ENGLISH = [
    "The moon pulls the sea towards it, and so the tide comes in twice a day.",
    "Yeast turns sugar into gas, which makes the dough rise.",
]
GERMAN = [
    "Der Mond zieht das Meer zu sich heran, und so kommt zweimal am Tag die Flut.",
    "Die Hefe macht aus dem Zucker ein Gas, das den Teig aufgehen lässt.",
]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("cities City", ["citi", "citi"]),
        ("running runs ran", ["run", "run", "ran"]),
        ("The dog's naïve café", ["dog", "naiv", "cafe"]),
        ("it’s what they don't say", ["don", "say"]),
        ("北京市 buses", ["北京", "京市", "buse"]),
        ("", []),
        ("the of and", []),
    ],
)
def test_words_become_stems(text: str, wanted: list[str]) -> None:
    assert english_terms(text) == wanted


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The dog’s l'amour'", ["The", "dog’s", "l'amour"]),
        ("iPhone手机 2", ["iPhone", "手机", "2"]),
        ("ラーメンを", ["ラーメンを"]),
        ("हिन्दी", ["हिन्दी"]),
        ("", []),
    ],
)
def test_tokens_are_words_and_runs_of_ideographs(text: str, tokens: list[str]) -> None:
    assert [match[0] for match in tokenize(text)] == tokens


def test_other_languages_are_left_as_they_are() -> None:
    assert looks_english(ENGLISH)
    assert not looks_english(GERMAN)
    assert not looks_english([])
    assert not looks_english(["", "123 456"])
    assert not looks_english(["red green", "cat dog"])  # no sentences: nobody can tell
    assert terms_for(ENGLISH) is english_terms
    assert terms_for(GERMAN) is terms


def test_a_stem_finds_what_a_folded_word_does_not() -> None:
    texts = dict(zip("ab", ENGLISH, strict=True))
    stemmed, folded = Bm25.build(texts), Bm25.build(texts, terms)
    assert stemmed.analyzer is english_terms
    assert list(stemmed.rank("pulling", 2)) == ["a"]
    assert folded.scores("pulling")[0] == 0
