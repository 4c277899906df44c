"""The sample library: short documents on subjects that a class enjoys, with judged questions.

``questions.jsonl`` holds a question a line: what makes it easy or hard (``kind``, ``why``) and
judgments graded 0 (looks relevant, is not) to 3 (answers it) on spans of the documents' text.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from core.loading.loader import load
from core.loading.sources import PathSource, Upload, walk
from core.records.document import Document

SAMPLE_COLLECTION = "sample-library"
EXAMPLES = ("space-physics-01", "earth-food-04", "history-tech-05", "animals-body-03", "languages-01", "languages-09")


@dataclass(frozen=True, slots=True)
class Judgment:
    """How well a span of a document answers a question: grade 0 to 3."""

    document: str  # name
    start: int
    end: int
    grade: int


@dataclass(frozen=True, slots=True)
class Question:
    """A judged question of the sample library."""

    id: str
    question: str
    language: str  # ISO 639-1, of the question
    kind: str  # easy, paraphrase, near-identical, negation, numbers, dates, roles, names, cross-lingual
    why: str
    judgments: tuple[Judgment, ...]


def sources() -> list[Upload]:
    """Return the sample documents as files to be indexed, named ``subject/name.md`` without the installation's path."""
    from pathlib import Path

    found = walk([Path(str(files("core.samples") / "documents"))])
    return [Upload(source.name, source.read()) for source in found if isinstance(source, PathSource)]


def documents() -> list[Document]:
    """Return the sample documents, loaded."""
    return [load(source.name, source.read()) for source in sources()]


@cache
def questions() -> tuple[Question, ...]:
    """Return the judged questions."""
    lines = (files("core.samples") / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(_question(json.loads(line)) for line in lines)


@cache
def judged_documents() -> frozenset[str]:
    """Return the names of the documents that questions are judged on."""
    return frozenset(judgment.document for question in questions() for judgment in question.judgments)


@cache
def document_id(name: str) -> str:
    """Return the id of a sample document, which is a hash of its text: judgments hold wherever it is."""
    return load(name, (files("core.samples") / "documents" / name).read_bytes()).id


def _question(held: dict[str, object]) -> Question:
    judgments = held.pop("judgments")
    assert isinstance(judgments, list)
    kept = [Judgment(j["document"], j["start"], j["end"], j["grade"]) for j in judgments]
    return Question(judgments=tuple(kept), **held)  # type: ignore[arg-type]  # the shipped file's fields are tested
