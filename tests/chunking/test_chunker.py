"""Chunking: exact offsets, budgets, the order of breaks, and awful text."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import numpy as np
import pytest
from tokenizers import Tokenizer

from core.chunking.chunker import chunk_document
from core.errors import SettingsError
from core.loading._markdown import markdown_headings
from core.models.hub import built_in_folder
from core.models.tokenization import TokenCounter
from core.records.document import Document
from core.records.search import Chunk, ChunkSettings
from core.samples.library import documents
from core.text.boundaries import find_breaks
from core.util.arrays import Int64Array
from tests.support.fakes import WordTokens

WORDS = WordTokens()


@pytest.fixture(scope="module")
def minilm() -> TokenCounter:
    return TokenCounter(Tokenizer.from_file(str(built_in_folder() / "tokenizer.json")))


def texts(text: str, size: int, overlap: int = 0) -> list[str]:
    document = Document("a", text, headings=markdown_headings(text))
    return [chunk.text for chunk in chunk_document(document, ChunkSettings(size, overlap), WORDS)]


def check(document: Document, chunks: list[Chunk], settings: ChunkSettings, counter: TokenCounter) -> None:
    """What holds of every cutting."""
    covered = np.zeros(len(document.text), dtype=bool)
    for chunk in chunks:
        assert chunk.text == document.text[chunk.start : chunk.end]
        assert chunk.text == chunk.text.strip()
        assert chunk.tokens <= settings.size
        assert chunk.tokens == counter.count([chunk.read])[0]
        covered[chunk.start : chunk.end] = True
    missed = "".join(character for character, held in zip(document.text, covered, strict=True) if not held)
    assert not missed.strip()
    assert [chunk.start for chunk in chunks] == sorted({chunk.start for chunk in chunks})
    assert [chunk.end for chunk in chunks] == sorted({chunk.end for chunk in chunks})


def test_a_short_text_is_one_chunk() -> None:
    assert texts("One two three.", 8) == ["One two three."]


def test_paragraphs_are_kept_whole_before_sentences() -> None:
    assert texts("A b c. D e.\n\nF g h i. J k l m.", 8) == ["A b c. D e.", "F g h i.", "J k l m."]


def test_sentences_are_kept_whole_before_words() -> None:
    assert texts("A b c d. E f g h i j k l m n o p.", 8) == ["A b c d.", "E f g h i j k l", "m n o p."]


def test_a_heading_begins_a_chunk_once_the_one_before_is_not_short() -> None:
    assert texts("# A\n\none two three\n\n# B\n\nfour five", 12) == ["# A\n\none two three", "# B\n\nfour five"]
    assert texts("# A\n\none\n\n# B\n\nfour five", 16) == ["# A\n\none\n\n# B\n\nfour five"]


def test_an_abbreviation_and_an_initial_do_not_end_a_sentence() -> None:
    breaks = find_breaks("Dr. Watson met J. Moriarty. He ran. see fig. 3 there.")
    assert breaks.sentences.tolist() == [28]


def test_the_overlap_resumes_at_a_sentence_and_is_shared() -> None:
    assert texts("A b c d. E f g. H i j k l m.", 10, 4) == ["A b c d. E f g.", "E f g. H i j k l", "i j k l m."]


def test_overlap_never_reaches_back_over_a_heading() -> None:
    chunks = texts("# A\n\na b c d e f\n\n# B\n\ng h i", 12, 6)
    assert chunks == ["# A\n\na b c d e f", "# B\n\ng h i"]


def test_the_largest_overlap_still_moves_on() -> None:
    text = " ".join(f"w{number}" for number in range(40))
    chunks = texts(text, 8, 7)
    assert chunks[0] == "w0 w1 w2 w3 w4 w5 w6 w7"
    assert chunks[1] == "w1 w2 w3 w4 w5 w6 w7 w8"
    assert len(chunks) == 33


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("今天天气很好。我们去公园。", [0, 7]),
        ("«Ja.» Er ging.", [0, 6]),
        ("هل هذا صحيح؟ نعم، بالطبع.", [0, 13]),
        ("यह सच है। वह गया।", [0, 10]),
        ("No. It is 3.5 metres long.", [0]),
    ],
)
def test_sentences_of_many_scripts(text: str, begins: list[int]) -> None:
    assert sorted({0, *find_breaks(text).sentences.tolist()}) == begins


def test_ideographs_are_cut_between_but_never_before_punctuation(minilm: TokenCounter) -> None:
    text = "今天天气很好，" * 20
    document = Document("a", text)
    chunks = chunk_document(document, ChunkSettings(10, 0), minilm)
    check(document, chunks, ChunkSettings(10, 0), minilm)
    assert all(chunk.text[0] not in "，。" for chunk in chunks)
    assert chunks[0].text == "今天天气很好，"


def test_a_word_is_cut_only_if_it_alone_is_over_the_budget(minilm: TokenCounter) -> None:
    words = ["antidisestablishmentarianism", "supercalifragilisticexpialidocious", "x"] * 30
    text = " ".join(words)
    chunks = chunk_document(Document("a", text), ChunkSettings(16, 4), minilm)
    assert {word for chunk in chunks for word in chunk.text.split()} == set(words)
    long = "ab1c2" * 18  # one word of many tokens
    pieces = chunk_document(Document("a", f"start {long} end"), ChunkSettings(16, 0), minilm)
    assert len(pieces) > 3
    assert "".join("".join(piece.text.split()) for piece in pieces) == f"start{long}end"


def test_a_cut_inside_a_word_spares_graphemes() -> None:
    class Letters(WordTokens):
        def starts(self, text: str, cuts: Int64Array) -> Int64Array:
            return np.arange(len(text), dtype=np.int64)

    family = "👨‍👩‍👧"  # one grapheme of five code points
    chunks = chunk_document(Document("a", family * 12), ChunkSettings(8, 0), Letters())
    assert all(len(chunk.text) % len(family) == 0 for chunk in chunks)


def test_every_sample_document_is_cut_right(minilm: TokenCounter) -> None:
    for settings in (ChunkSettings(), ChunkSettings(32, 8), ChunkSettings(254, 200)):
        for document in documents():
            check(document, chunk_document(document, settings, minilm), settings, minilm)


def test_random_text_is_cut_right(minilm: TokenCounter) -> None:
    draw = random.Random(7)
    parts = [
        "word ",
        "Sentence. ",
        "\n\n",
        "\n",
        "## Head\n",
        "| a | b |\n",
        "漢字",
        "ไทย",
        "x" * 70,
        " ",
        "…",
        "e\u0301",
        "\u200b",
        "- item\n",
        "123,4 ",
    ]
    for _ in range(60):
        text = "".join(draw.choices(parts, k=draw.randint(1, 300)))
        document = Document("a", text, headings=markdown_headings(text))
        settings = ChunkSettings(draw.randint(8, 60), draw.randint(0, 7))
        check(document, chunk_document(document, settings, minilm), settings, minilm)


def test_a_tokenizer_whose_counts_do_not_add_up_is_still_kept_to_the_budget() -> None:
    class Sticky(WordTokens):
        """Counts two more for every text, as a tokenizer with a prefix might."""

        exact = False

        def count(self, texts: Sequence[str]) -> Int64Array:
            return super().count(texts) + 2

    chunks = chunk_document(Document("a", " ".join("abcdefghijklmnop")), ChunkSettings(8, 0), Sticky())
    assert max(chunk.tokens for chunk in chunks) <= 8
    assert "".join(chunk.text for chunk in chunks).replace(" ", "") == "abcdefghijklmnop"


def test_ids_depend_on_content_span_and_settings_only() -> None:
    def ids(name: str, text: str, settings: ChunkSettings) -> list[str]:
        return [chunk.id for chunk in chunk_document(Document(name, text), settings, WORDS)]

    text = "a b c d e f g h i j k l"
    assert ids("one", text, ChunkSettings(8, 0)) == ids("other", text, ChunkSettings(8, 0))
    assert not set(ids("one", text, ChunkSettings(8, 0))) & set(ids("one", text + " m", ChunkSettings(8, 0)))
    assert not set(ids("one", text, ChunkSettings(8, 0))) & set(ids("one", text, ChunkSettings(8, 1)))


AWFUL = {
    "one word": "a" * 1_000_000,
    "full stops": "." * 1_000_000,
    "spaced full stops": ". " * 500_000,
    "spaces": " " * 1_000_000 + "x",
    "one line": "no end in sight " * 60_000,
    "newlines": "\n" * 1_000_000 + "x",
    "a table": "| a | b | 123 |\n" * 60_000,
    "headings": "# a\n\nb\n\n" * 100_000,
    "quotes": '"' * 1_000_000,
    "zero width": "\u200b" * 300_000,
}


@pytest.mark.parametrize("name", AWFUL)
def test_awful_text_takes_linear_time_and_gives_bounded_chunks(name: str, minilm: TokenCounter) -> None:
    """No timing is asserted closely: anything quadratic in a million characters takes many minutes."""
    text = AWFUL[name]
    started = time.monotonic()
    chunks = chunk_document(Document("a", text, headings=markdown_headings(text)), ChunkSettings(), minilm)
    assert time.monotonic() - started < 60
    assert chunks
    assert max(chunk.tokens for chunk in chunks) <= 200
    assert max(chunk.end - chunk.start for chunk in chunks) < 15_000


@pytest.mark.parametrize(("size", "overlap"), [(7, 0), (200, 200), (200, -1)])
def test_impossible_settings_are_refused(size: int, overlap: int) -> None:
    with pytest.raises(SettingsError, match=str(overlap if size == 200 else size)):
        ChunkSettings(size, overlap)


def test_page_and_heading_of_a_chunk() -> None:
    from core.records.document import Page

    text = "# Top\n\na b c d e f g\n\n## Under\n\nh i j k l m n"
    document = Document("a", text, (Page(0, 20, 1), Page(20, len(text), 2)), markdown_headings(text))
    first, second = chunk_document(document, ChunkSettings(12, 0), WORDS)
    assert (first.page, first.heading) == (1, "Top")
    assert (second.page, second.heading) == (2, "Top › Under")
