"""The ways to cut: sentences, tokens, pages, rows, sections, meaning; and the header that a table's rows carry."""

from __future__ import annotations

import numpy as np
import pytest

from core.chunking.chunker import Chunker, chunk_document
from core.chunking.semantic import block_distances, sentence_distances
from core.errors import SettingsError
from core.loading._markdown import markdown_headings, markdown_tables
from core.records.document import Document, Page, Row
from core.records.search import METHOD_HELP, METHODS, Chunk, ChunkSettings, Method
from core.samples.library import documents
from core.text.boundaries import find_breaks
from tests.chunking.test_chunker import check
from tests.support.fakes import FakeEncoder, WordTokens

WORDS = WordTokens()


def cut(document: Document, method: Method, size: int = 8, overlap: int = 0, **more: int) -> list[Chunk]:
    return chunk_document(document, ChunkSettings(size, overlap, method, **more), WORDS, FakeEncoder())


def texts(document: Document, method: Method, size: int = 8, overlap: int = 0, **more: int) -> list[str]:
    return [chunk.text for chunk in cut(document, method, size, overlap, **more)]


def markdown(text: str) -> Document:
    return Document("a", text, headings=markdown_headings(text), tables=markdown_tables(text))


def test_sentences_are_filled_up_and_never_cut() -> None:
    document = Document("a", "A b c. D e.\n\nF g h i. J k l m.")
    assert texts(document, "sentences", 10) == ["A b c. D e.", "F g h i. J k l m."]
    assert texts(document, "sentences", 12, 6) == ["A b c. D e.\n\nF g h i.", "F g h i. J k l m."]


def test_a_sentence_over_the_budget_is_cut_at_words() -> None:
    assert texts(Document("a", "A b c d e f g h i j. K l."), "sentences") == ["A b c d e f g h", "i j. K l."]


def test_fixed_tokens_heed_nothing_but_words() -> None:
    document = markdown("# A b c\n\nd e. F g h i j k l m n o")
    assert texts(document, "tokens") == ["# A b c\n\nd e. F", "g h i j k l m n", "o"]


def test_the_overlap_of_fixed_tokens_is_what_was_asked_for() -> None:
    words = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"]
    assert texts(Document("a", " ".join(words)), "tokens", 8, 2) == ["a b c d e f g h", "g h i j k l m n"]


def test_a_page_is_a_chunk_and_a_long_page_several() -> None:
    pages = ["One two. Three.", "A b c d e f.\n\nG h i j k.", "   ", "Last."]
    text, spans = "", []
    for number, page in enumerate(pages, 1):
        spans.append(Page(len(text), len(text) + len(page), number))
        text += page + "\n\n"
    chunks = cut(Document("a", text, tuple(spans)), "pages")
    assert [(chunk.text, chunk.page) for chunk in chunks] == [
        ("One two. Three.", 1),
        ("A b c d e f.", 2),
        ("G h i j k.", 2),
        ("Last.", 4),
    ]
    assert texts(Document("a", "No pages. At all."), "pages") == ["No pages. At all."]


def test_a_section_is_a_chunk_and_an_empty_heading_joins_the_next() -> None:
    document = markdown("Before.\n\n# Top\n\n## Under\n\nA b c.\n\n## Next\n\nD.")
    assert texts(document, "sections", 20) == ["Before.", "# Top\n\n## Under\n\nA b c.", "## Next\n\nD."]


TABLE = "Before it.\n\n| k | v |\n| - | - |\n| a | 1 |\n| b | 2 |\n| c | 3 |\n\nAfter it."


def test_rows_carry_the_header_and_the_first_begins_with_it() -> None:
    chunks = cut(markdown(TABLE), "rows", 30)
    assert [chunk.read for chunk in chunks] == [
        "Before it.",
        "| k | v |\n| - | - |\n| a | 1 |",
        "| k | v |\n| b | 2 |",
        "| k | v |\n| c | 3 |",
        "After it.",
    ]
    assert [chunk.carried for chunk in chunks] == ["", "", "| k | v |", "| k | v |", ""]
    assert [chunk.tokens for chunk in chunks] == [3, 15, 10, 10, 3]
    assert [chunk.text for chunk in cut(markdown(TABLE), "rows", 30, rows=2)][1:3] == [
        "| k | v |\n| - | - |\n| a | 1 |\n| b | 2 |",
        "| c | 3 |",
    ]


def test_records_are_rows_with_their_fields() -> None:
    text = "name: sun\nsize: 9\n\nname: sea\nsize: 4\n\n"
    rows = (Row(0, 17, {"size": 9}), Row(19, 36, {"size": 4}))
    found = cut(Document("a", text, rows=rows, metadata={"title": "things"}), "rows")
    assert [chunk.text for chunk in found] == ["name: sun\nsize: 9", "name: sea\nsize: 4"]
    assert [dict(chunk.metadata) for chunk in found] == [{"title": "things", "size": 9}, {"title": "things", "size": 4}]
    (both,) = cut(Document("a", text, rows=rows), "rows", 16, rows=2)
    assert both.metadata == {}


def test_a_chunk_that_begins_inside_a_table_carries_its_header_in_every_way_to_cut() -> None:
    text = "| k | v |\n| - | - |\n" + "".join(f"| r{at} | {at} |\n" for at in range(12))
    for method in ("structure", "tokens"):
        chunks = cut(markdown(text), method, 30)
        assert len(chunks) > 2
        assert not chunks[0].carried
        assert {chunk.carried for chunk in chunks[1:]} == {"| k | v |"}
        assert all(chunk.tokens <= 30 and chunk.tokens == WORDS.count([chunk.read])[0] for chunk in chunks)
        assert all(chunk.text == text[chunk.start : chunk.end] for chunk in chunks)


def test_a_header_longer_than_half_of_the_chunk_is_left_out() -> None:
    text = "| " + " | ".join("abcdefgh") + " |\n" + "| - " * 8 + "|\n| 1 2 3 |\n| 4 5 6 |\n"
    assert {chunk.carried for chunk in cut(markdown(text), "rows", 20)} == {""}


CHANGING = "The red sun. A red stone. Red it is. The sea is blue. Blue is the sea. A blue sea."


def test_meaning_breaks_where_the_subject_changes() -> None:
    assert texts(Document("a", CHANGING), "meaning", 50, percentile=90) == [
        "The red sun. A red stone. Red it is.",
        "The sea is blue. Blue is the sea. A blue sea.",
    ]


def test_block_distances_by_hand() -> None:
    east, north = [1.0, 0.0], [0.0, 1.0]
    found = block_distances(np.asarray([east, east, north, north], dtype=np.float32))
    # between 2 and 3 the blocks are (east, east) and (north, north); at the edges one of them is a single sentence
    np.testing.assert_allclose(found, [1 - 1 / np.sqrt(2), 1.0, 1 - 1 / np.sqrt(2)], atol=1e-6)


def test_a_lower_percentile_breaks_more_often() -> None:
    words = ["red", "sea", "tree", "moon"]
    document = Document("a", " ".join(f"The {words[at // 3 % 4]} is a {words[at * at % 4]}." for at in range(24)))
    chunker = Chunker(document, WORDS, FakeEncoder())
    few, many = (len(chunker.chunk(ChunkSettings(200, 0, "meaning", percentile=at))) for at in (95, 40))
    assert 1 < few < many
    assert chunker.distances() is chunker.distances()


def test_meaning_of_one_sentence_or_none() -> None:
    for text in ("One sentence.", "", "   "):
        found = sentence_distances(text, find_breaks(text), FakeEncoder())
        assert len(found.distances) == 0
        assert found.threshold(90) == float("inf")
        assert len(found.breaks(90)) == 0
    assert texts(Document("a", "One sentence."), "meaning") == ["One sentence."]


def test_meaning_without_a_model_is_refused() -> None:
    with pytest.raises(SettingsError, match="bi-encoder"):
        chunk_document(Document("a", "A b."), ChunkSettings(8, 0, "meaning"), WORDS)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("size", "overlap"), [(8, 0), (8, 7), (60, 15)])
def test_what_holds_of_every_cutting_holds_of_each_way(method: Method, size: int, overlap: int) -> None:
    settings = ChunkSettings(size, overlap, method, rows=2, percentile=70)
    for document in documents()[::5]:
        check(document, chunk_document(document, settings, WORDS, FakeEncoder()), settings, WORDS)  # type: ignore[arg-type]  # WordTokens replaces a TokenCounter


def test_ways_to_cut_have_ids_of_their_own() -> None:
    document = Document("a", CHANGING)
    ids = [cut(document, method, 60)[0].id for method in METHODS]
    assert len(set(ids)) == len(METHODS)
    assert cut(document, "meaning", 60, percentile=80)[0].id != cut(document, "meaning", 60, percentile=90)[0].id
    assert cut(document, "structure", 60, percentile=80)[0].id == cut(document, "structure", 60, percentile=90)[0].id


@pytest.mark.parametrize("wrong", [{"method": "magic"}, {"rows": 0}, {"percentile": 100}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=str(next(iter(wrong.values())))):
        ChunkSettings(**wrong)  # type: ignore[arg-type]  # wrong values on purpose


def test_every_method_is_explained() -> None:
    assert set(METHOD_HELP) == set(METHODS)
