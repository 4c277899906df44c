"""Terms of a text: stems for English, folded words for other languages, bigrams of ideographs."""

from __future__ import annotations

import pytest

from core.retrieval.bm25 import Bm25
from core.text.analyzers import english_terms, fold_case_and_accents, looks_english, terms, terms_for

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
    ("one", "other"),
    [
        ("كِتَاب", "كتاب"),
        ("كتـــاب", "كتاب"),  # tatweel
        ("שָׁלוֹם", "שלום"),
        ("cafe\u0301", "CAFÉ"),
        ("Tiếng", "tieng"),
        ("می\u200cخواهم", "میخواهم"),  # with and without the joiner that parts Persian prefixes
        ("क़लम", "कलम"),  # nukta
        ("Donau\u00adschiff", "donauschiff"),
        ("ｶﾞｽ", "ガス"),
        ("пам'ять", "пам'ять"),
    ],
)
def test_optional_marks_do_not_part_words(one: str, other: str) -> None:
    assert fold_case_and_accents(one) == fold_case_and_accents(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("दिन", "दान"),  # vowel signs
        ("पका", "पक्का"),
        ("कर्म", "करम"),  # virama
        ("ปู", "ปุ"),  # vowels below, which are combining marks
        ("ม้า", "มา"),  # a tone
        ("がく", "かく"),
        ("မြ", "မ"),
        ("খাল", "খল"),
    ],
)
def test_marks_that_are_letters_tell_words_apart(one: str, other: str) -> None:
    assert fold_case_and_accents(one) != fold_case_and_accents(other)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("เรือออกจากท่าเรือ", ["เรือ", "ออก", "ท่าเรือ"]),
        ("ຂ້ອຍຮັກພາສາລາວ", ["ຂ້ອຍ", "ຮັກ", "ພາສາ", "ລາວ"]),
        ("ខ្ញុំស្រលាញ់ភាសាខ្មែរ", ["ខ្ញុំ", "ស្រលាញ់", "ភាសាខ្មែរ"]),
        ("हिन्दी में किताब", ["हिन्दी", "किताब"]),
        ("葛\U000e0100城", ["葛城"]),  # a variation selector
        ("❤\ufe0f", []),
    ],
)
def test_terms_of_scripts_without_spaces_are_words(text: str, wanted: list[str]) -> None:
    assert terms(text) == wanted


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
