"""The preview's pieces, limits and figures, by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.chunking.chunker import Chunker
from core.chunking.preview import Segment, chunking_statistics, reading_limits, segments
from core.cli.main import main
from core.records.document import Document
from core.records.search import Chunk, ChunkSettings
from tests.support.fakes import FakeCrossEncoder, FakeEncoder, WordTokens

WORDS = WordTokens()


def chunk(start: int, end: int, carried: str = "") -> Chunk:
    return Chunk(f"{start}", "d", start, end, "x" * (end - start), 1, carried=carried)


def test_pieces_have_no_gaps_and_know_their_chunks() -> None:
    chunks = [chunk(0, 10), chunk(8, 20), chunk(22, 30)]
    assert segments(chunks, 0, 30) == [
        Segment(0, 8, (0,)),
        Segment(8, 10, (0, 1)),
        Segment(10, 20, (1,)),
        Segment(20, 22, ()),
        Segment(22, 30, (2,)),
    ]
    assert segments(chunks, 9, 21) == [Segment(9, 10, (0, 1)), Segment(10, 20, (1,)), Segment(20, 21, ())]
    assert segments([], 0, 5) == [Segment(0, 5, ())]
    assert segments(chunks, 5, 5) == []


def test_pieces_say_whose_model_does_not_read_them() -> None:
    chunks = [chunk(0, 10), chunk(8, 20)]
    found = segments(chunks, 0, 20, [9, 12])
    assert [(piece.start, piece.chunks, piece.unread) for piece in found] == [
        (0, (0,), ()),
        (8, (0, 1), ()),
        (9, (0, 1), (0,)),
        (10, (1,), ()),
        (12, (1,), (1,)),
    ]


def test_limits_count_the_carried_header() -> None:
    chunks = [chunk(0, 10), chunk(10, 20, "ab"), chunk(20, 30)]
    assert reading_limits(chunks, lambda text: min(len(text), 7)) == [7, 14, 27]
    assert reading_limits(chunks, len) == [10, 20, 30]
    assert reading_limits([chunk(10, 20, "header")], lambda _: 3) == [10]


def test_figures_by_hand() -> None:
    encoder = FakeEncoder()
    chunker = Chunker(Document("a", "A b c d e f. G h i j k l m n o p. Q."), WORDS, encoder)
    chunks = chunker.chunk(ChunkSettings(8, 0, "tokens"))
    assert [held.text for held in chunks] == ["A b c d e f. G", "h i j k l m n o", "p. Q."]
    found = chunking_statistics(chunker, chunks, 6)
    assert (found.chunks, found.tokens, found.cut_in_sentence, found.unread_tokens) == (3, (8, 8, 4), 2, 4)
    assert found.seconds(8) == 2.0
    assert found.bytes_on_disk(8) == 3 * (2 * 8 * 4 + 2000) + 9 * found.text_bytes
    assert found.text_bytes == found.characters == 14 + 15 + 5
    whole = chunker.chunk(ChunkSettings(16, 0, "sentences"))
    assert chunking_statistics(chunker, whole, 6).cut_in_sentence == 0


def test_chunks_in_the_shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.models.registry.SentenceTransformerEncoder.load", lambda *_: FakeEncoder())
    monkeypatch.setattr("core.models.registry.SentenceTransformersCrossEncoder.load", lambda *_: FakeCrossEncoder())
    file = tmp_path / "notes.md"
    file.write_text("# Sun\n\nThe sun is red. It is a star.\n\n# Sea\n\nThe sea is blue.", encoding="utf-8")
    assert (
        main(["chunks", str(file), "--chunking", "sections", "--chunk-size", "20", "--query", "the sun", "--json"]) == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert [(held["heading"], held["tokens"]) for held in found["chunks"]] == [("Sun", 12), ("Sea", 7)]
    assert found["chunks"][0]["bi_reads_to"] == found["chunks"][0]["cross_reads_to"] == found["chunks"][0]["end"]
    assert (found["cut_in_sentence"], found["chunking"]["method"], found["model_reads_tokens"]) == (0, "sections", 254)
    assert main(["chunks", str(file), "--chunk-size", "20"]) == 0
    assert "notes.md: 2 chunks" in capsys.readouterr().out
    assert main(["chunks", str(tmp_path / "none.md")]) == 1
    assert "none.md" in capsys.readouterr().err
