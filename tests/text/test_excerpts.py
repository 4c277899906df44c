"""What is marked in a chunk, and the text around it."""

from __future__ import annotations

import pytest

from core.records.document import Document
from core.text.analyzers import fold, query_words
from core.text.excerpts import context, mark, unwrap


def marked(text: str, query: str) -> list[str]:
    pieces = mark(text, query)
    assert "".join(piece.text for piece in pieces) == text
    return [piece.text for piece in pieces if piece.marked]


@pytest.mark.parametrize(
    ("text", "query", "wanted"),
    [
        ("The Moon and moons; moonlight.", "Which moon is it?", ["Moon", "moons"]),
        ("Elizabeth's reign", "elizabeth", ["Elizabeth's"]),
        ("Café CAFE cafés", "café", ["Café", "CAFE", "cafés"]),
        ("the of and", "what is the of and", []),
        ("glass and glasses", "glass", ["glass"]),
        ("我们喜欢苹果和香蕉", "苹果", ["苹果"]),
        ("元朝的运河很长", "运河通到哪里", ["运河"]),
        ("القهوة في اليمن", "تاريخ القهوة", ["القهوة"]),
        ("<b>red</b>", "red", ["red"]),
        ("हिन्दी में, दही नहीं, नदी", "हिन्दी", ["हिन्दी"]),
        ("किताबें और किताब", "किताब", ["किताब"]),
        ("படகு மணிக்கு. செலவு அதிகம்", "தமிழ் செலவு", ["செலவு"]),
        ("বাংলা ভাষা ও বাংলাদেশ", "বাংলা", ["বাংলা"]),
        ("เรือออกจากท่าเรือทุกเช้า", "ท่าเรือ", ["ท่าเรือ"]),
        ("เรือออกจากท่าเรือทุกเช้า", "เรือ", ["เรือ"]),
        ("ພາສາລາວ", "ລາວ", ["ລາວ"]),
        ("ស្រលាញ់ភាសាខ្មែរ", "ភាសា", []),  # part of a word
        ("မြန်မာစကားပြောတယ်", "မြန်မာ", ["မြန်မာ"]),
        ("كَتَبَ الوَلَدُ", "الولد", ["الوَلَدُ"]),
        ("الولد", "الوَلَدُ", ["الولد"]),
        ("שָׁלוֹם עולם", "שלום", ["שָׁלוֹם"]),
        ("cafe\u0301s, Tiê\u0301ng Viê\u0323t", "café tiếng", ["cafe\u0301s", "Tiê\u0301ng"]),
        ("ラーメンを食べる", "ﾗｰﾒﾝ", ["ラーメン"]),
        ("这本书的书名", "书名的历史", ["书名"]),  # 的 is in nearly every sentence
        ("東京都に住んでいます", "東京に住んでいる人", ["東京", "住んで"]),
        ("nothing here", "", []),
        ("", "red", []),
    ],
)
def test_the_querys_words_are_marked(text: str, query: str, wanted: list[str]) -> None:
    assert marked(text, query) == wanted


def test_words_are_folded() -> None:
    assert [fold(word) for word in ("Planets", "glass", "bus", "Ägypten", "dog’s")] == [
        "planet",
        "glass",
        "bus",
        "agypten",
        "dog",
    ]
    assert query_words("Who stayed in orbit?") == {"stayed", "orbit"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a line\nthat goes on", "a line that goes on"),
        ("end.\n\nNew one", "end.\n\nNew one"),
        ("# Head\ntext", "# Head\ntext"),
        ("| a |\n| b |", "| a |\n| b |"),
        ("x\n- item\n- other", "x\n- item\n- other"),
        ("a\nb\nc", "a b c"),
    ],
)
def test_lines_of_a_paragraph_are_joined_for_the_eye(text: str, shown: str) -> None:
    assert unwrap(text) == shown
    assert len(unwrap(text)) == len(text)


def test_context_is_cut_at_the_documents_ends() -> None:
    document = Document("a", "0123456789")
    middle = context(document, 4, 6, 2, 3)
    assert (middle.before, middle.chunk, middle.after, middle.cut_before, middle.cut_after) == (
        "23",
        "45",
        "678",
        True,
        True,
    )
    whole = context(document, 0, 10)
    assert (whole.before, whole.chunk, whole.after, whole.cut_before, whole.cut_after) == (
        "",
        "0123456789",
        "",
        False,
        False,
    )


def test_a_small_word_of_another_language_counts_where_it_means_something_in_english() -> None:
    assert query_words("Who won the war?") == {"won", "war"}
    assert query_words("world war") == {"world", "war"}
    assert query_words("Do stars die?") == {"star", "die"}
    assert query_words("Wie lange war der Krieg?") == {"lange", "krieg"}
    assert query_words("capital de España") == {"capital", "espana"}
    assert query_words("¿Con quién se casó?") == {"quien", "caso"}
