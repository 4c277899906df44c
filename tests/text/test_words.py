"""Words of every script, and places at which neither a character nor a syllable is cut."""

from __future__ import annotations

import time

import pytest

from core.text.words import bigrams, character_start, segment, syllable_ends, tokenize, unspaced_word_starts, words_of

FAMILY = "👨\u200d👩\u200d👧\u200d👦"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The dog’s l'amour'", ["The", "dog’s", "l'amour"]),
        ("iPhone手机 2", ["iPhone", "手机", "2"]),
        ("ラーメンを", ["ラーメンを"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("क्\u200dष", ["क्\u200dष"]),  # a joiner belongs to its word
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ('צה"ל', ['צה"ל']),
        ("col·lecció a·b", ["col·lecció", "a", "b"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        ("か\u3099く", ["か\u3099く"]),
        ("ไทยLatin", ["ไทย", "Latin"]),
        ("កខ\u200bគឃ", ["កខ", "គឃ"]),  # a zero width space parts words
        (f"{FAMILY} ❤\ufe0f", []),
        ("1,000", ["1", "000"]),
        ("", []),
    ],
)
def test_tokens_are_words_and_runs_without_spaces(text: str, tokens: list[str]) -> None:
    assert [match[0] for match in tokenize(text)] == tokens


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("เรือออกจากท่าเรือ", ["เรือ", "ออก", "จาก", "ท่าเรือ"]),
        ("ພາສາລາວ", ["ພາສາ", "ລາວ"]),
        ("ស្រលាញ់ភាសាខ្មែរ", ["ស្រលាញ់", "ភាសាខ្មែរ"]),
        ("မြန်မာစကားပြောတယ်", ["မြန်မာ", "စကားပြော", "တယ်"]),
        ("我们喜欢苹果", ["我们", "喜欢", "苹果"]),
        ("ꦱꦧꦼꦤ꧀", ["ꦱ", "ꦧꦼ", "ꦤ꧀"]),  # no dictionary of Javanese: characters with their signs
        ("字", ["字"]),
    ],
)
def test_runs_without_spaces_are_segmented(run: str, words: list[str]) -> None:
    assert segment(run) == words


def test_words_have_their_places() -> None:
    text = "In ท่าเรือ, เรือออก"
    assert [(text[word.start : word.end], word.spaced) for word in words_of(text)] == [
        ("In", True),
        ("ท่าเรือ", False),
        ("เรือ", False),
        ("ออก", False),
    ]
    assert unspaced_word_starts(text) == [text.index("ออก")]


def test_a_long_run_is_segmented_as_its_parts_are() -> None:
    sentence = "เรือออกจากท่าเรือทุกเช้าเวลาเจ็ดโมงและกลับมาตอนเที่ยง"
    assert segment(sentence * 1000) == segment(sentence) * 1000


@pytest.mark.parametrize("unit", ["ก", "เแ", "字", "ក្", "က"])
def test_time_is_linear_in_runs_that_are_no_words(unit: str) -> None:
    run = unit * 100_000
    started = time.perf_counter()
    assert "".join(segment(run)) == run
    assert time.perf_counter() - started < 10


def test_bigrams_are_of_characters_with_their_marks() -> None:
    assert bigrams("かき\u3099く") == ["かき\u3099", "き\u3099く"]
    assert bigrams("字") == ["字"]


def test_syllables_are_not_cut() -> None:
    assert list(syllable_ends("เรือทำ", 0, 6)) == [3, 4, 6]
    assert list(syllable_ends(f"🇩🇪🇳🇱{FAMILY}1\ufe0f\u20e3", 0, 99)) == [2, 4, 11, 14]
    assert list(syllable_ends("क्षकि", 0, 5)) == [3, 5]


@pytest.mark.parametrize(
    ("text", "at", "start"),
    [
        ("ab", 1, 1),
        ("ae\u0301", 2, 1),
        (f"a{FAMILY}", 4, 1),
        ("a🇩🇪🇳🇱🇫🇷", 4, 3),
        ("ab", 0, 0),
        ("ab", 2, 2),
        ("字字", 1, 1),
    ],
)
def test_offsets_move_back_to_a_characters_start(text: str, at: int, start: int) -> None:
    assert character_start(text, at) == start
