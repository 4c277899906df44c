"""Chunks begin and end at user-perceived characters and syllables, whatever the tokens are."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
import pytest
import regex

from core.chunking.chunker import chunk_document
from core.records.document import Document
from core.records.search import ChunkSettings, Method, UnknownText
from core.text.words import syllable_ends
from core.util.arrays import Int64Array

FAMILY = "👨\u200d👩\u200d👧\u200d👦"
TEXTS = {
    "families": FAMILY * 60,
    "flags": "🇩🇪🇳🇱🇫🇷" * 60,
    "keycaps": "1\ufe0f\u20e3#\ufe0f\u20e3" * 60,
    "skin": "👍🏽👩🏿\u200d🚀" * 60,
    "flag of tags": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f" * 30,
    "conjuncts": "क्षत्रियस्त्री" * 40,
    "bengali": "ন্যায্যমূল্য" * 40,
    "tamil": "தமிழ்நாடு" * 40,
    "thai": "เรือออกจากท่าเรือทุกเช้าเวลาเจ็ดโมงและกลับมาตอนเที่ยงทำไม" * 10,
    "thai that is no words": "เกฃฅ์กำแกะ" * 40,
    "lao": "ຂ້ອຍຮັກພາສາລາວ" * 30,
    "khmer": "ខ្ញុំស្រលាញ់ភាសាខ្មែរ" * 20,
    "burmese": "ကျွန်တော်မြန်မာစကားပြောတယ်" * 20,
    "selectors": "葛\U000e0100城か\u3099。\ufe00く" * 40,
    "jamo": unicodedata.normalize("NFD", "한국어") * 60,
    "accents": "e\u0301\u0323" * 100,
    "space with an accent": "a \u0301b " * 60,
    "mixed": f"boat {FAMILY}🇩🇪 字कृष्ण ไทย" * 30,
}


class CharacterTokens:
    """So many tokens for each character that is no space, as a tokenizer of bytes has."""

    exact = False

    def __init__(self, each: int) -> None:
        self.each = each

    def starts(self, text: str, cuts: Int64Array) -> Int64Array:
        places = [at for at, character in enumerate(text) if not character.isspace()]
        return np.repeat(np.asarray(places, dtype=np.int64), self.each)

    def count(self, texts: Sequence[str]) -> Int64Array:
        return np.asarray([self.each * sum(not sign.isspace() for sign in text) for text in texts], dtype=np.int64)

    def unknown(self, texts: Sequence[str]) -> list[UnknownText | None]:
        return [None] * len(texts)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("method", ["structure", "sentences", "tokens"])
@pytest.mark.parametrize(("size", "each"), [(8, 1), (24, 3), (50, 1)])
def test_no_character_and_no_syllable_is_cut(text: str, method: Method, size: int, each: int) -> None:
    chunks = chunk_document(Document("a", text), ChunkSettings(size, size // 4, method), CharacterTokens(each))
    ends = np.cumsum([len(character) for character in regex.findall(r"\X", text)])
    covered = np.zeros(len(text), dtype=bool)
    for chunk in chunks:
        assert text[chunk.start : chunk.end] == chunk.text
        assert chunk.start == 0 or chunk.start in ends
        assert chunk.end in ends
        assert not regex.search(r"[\u0E40-\u0E44\u0EC0-\u0EC4]$", chunk.text)  # vowels before their consonant
        assert not regex.match(r"[\u0E30\u0E32\u0E33\u0E45\u0EB0\u0EB2\u0EB3]", chunk.text)
        assert chunk.tokens <= size or next(syllable_ends(chunk.text, 0, len(chunk.text))) == len(chunk.text)
        covered[chunk.start : chunk.end] = True
    assert all(text[place].isspace() for place in np.flatnonzero(~covered))


def test_thai_is_cut_between_words() -> None:
    text = "เรือออกจากท่าเรือทุกเช้า" * 10
    words = {"เรือ", "ออก", "จาก", "ท่าเรือ", "ทุก", "เช้า"}
    for chunk in chunk_document(Document("a", text), ChunkSettings(20, 0), CharacterTokens(1)):
        assert any(chunk.text.startswith(word) for word in words)
        assert any(chunk.text.endswith(word) for word in words)


def test_a_text_that_begins_with_a_mark_is_chunked_from_there() -> None:
    text = "\u0301abc\n\u0301def"
    assert [chunk.text for chunk in chunk_document(Document("a", text), ChunkSettings(8, 0), CharacterTokens(1))] == [
        text
    ]


def test_a_character_of_thousands_of_marks_is_cut() -> None:
    text = "b" + "\u0301" * 5000
    chunks = chunk_document(Document("a", text), ChunkSettings(50, 0), CharacterTokens(1))
    assert "".join(chunk.text for chunk in chunks) == text
    assert max(len(chunk.text) for chunk in chunks) < 300
