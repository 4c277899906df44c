"""No file, however broken, gets past the loading room with anything but a LoadingError that helps."""

from __future__ import annotations

import random
import zipfile

import pytest

from core.errors import LoadingError
from core.loading._encoding import clean_text
from core.loading.loader import load
from core.records.document import Document, Span
from tests.support.broken import ADVICE, CASES, FILES, Broken, with_part

VALID = [
    "guide.docx",
    "slides.pptx",
    "levels.xlsx",
    "guide.html",
    "handbook.pdf",
    "gulls.pdf",
    "buoys.pdf",
    "locked.pdf",
]
OTHERS = [
    "guide.odt", "levels.ods", "slides.odp", "guide.rtf", "harbour.epub", "harbour.tex", "gauge.ipynb", "gauge.eml",
    "watch.mbox", "watch.srt", "watch.vtt",
    "stations.csv", "stations.tsv", "stations.json", "stations.jsonl",
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.what}: {case.name}")
def test_a_broken_file_is_told_from_its_neighbours(case: Broken) -> None:
    with pytest.raises(LoadingError) as caught:
        load(case.name, case.data)
    message = str(caught.value)
    assert type(caught.value) is case.error
    assert message.startswith(f"{case.name} ")
    assert case.says in message
    assert any(advice in message for advice in ADVICE)
    assert "\n" not in message
    assert len(message) < 300


def test_a_utf_16_file_without_its_mark_is_read() -> None:
    assert (
        load("a.txt", "The lamp burns from dusk to dawn.".encode("utf-16-le")).text
        == "The lamp burns from dusk to dawn."
    )


def variants(data: bytes, chance: random.Random) -> list[bytes]:
    """Some ways in which a file goes bad: cut, holed, flipped, doubled, shuffled."""
    length = len(data)
    flipped = bytearray(data)
    for _ in range(chance.choice((1, 5, 50))):
        flipped[chance.randrange(length)] = chance.randrange(256)
    start, end = sorted(chance.sample(range(length), 2))
    holed = data[:start] + bytes(end - start) + data[end:]
    return [
        data[: chance.randrange(1, length)],
        data[chance.randrange(length) :],
        bytes(flipped),
        holed,
        data[:start] + data[end:],
        data[:end] + data[start:],
    ]


def load_or_refuse(name: str, data: bytes) -> Document | None:
    """The document, None for a LoadingError that names the file; any other exception fails the test."""
    try:
        return load(name, data)
    except LoadingError as error:
        if not str(error).startswith(f"{name} "):
            raise
        return None


@pytest.mark.parametrize("name", VALID + OTHERS)
def test_nothing_but_loading_errors_comes_out(name: str) -> None:
    chance, data = random.Random(name), (FILES / name).read_bytes()
    for broken in [variant for _ in range(6) for variant in variants(data, chance)]:
        document = load_or_refuse(name, broken)
        if document:
            assert document.text == clean_text(document.text)
            spans: list[Span] = [*document.pages, *document.headings, *document.rows, *document.times, *document.tables]
            assert all(0 <= span.start <= span.end <= len(document.text) for span in spans)


@pytest.mark.parametrize(
    "name", ["guide.docx", "slides.pptx", "levels.xlsx", "guide.odt", "levels.ods", "slides.odp", "harbour.epub"]
)
def test_garbled_parts_of_a_whole_archive(name: str) -> None:
    chance = random.Random(name)
    with zipfile.ZipFile(FILES / name) as archive:
        parts = {
            member: archive.read(member) for member in archive.namelist() if member.endswith(("xml", "rels", "opf"))
        }
    for member in chance.sample(sorted(parts), min(8, len(parts))):
        for broken in variants(parts[member], chance):
            load_or_refuse(name, with_part(name, member, broken))


@pytest.mark.parametrize(
    "ending",
    [
        ".pdf",
        ".docx",
        ".pptx",
        ".xlsx",
        ".html",
        ".md",
        ".txt",
        "",
        *(name[name.rindex(".") :] for name in OTHERS),
        ".py",
    ],
)
def test_every_kind_of_content_under_every_ending(ending: str) -> None:
    for name in [*VALID, *OTHERS, "guide.doc", "locked.docx", "scan.pdf"]:
        load_or_refuse(f"a{ending}", (FILES / name).read_bytes())
