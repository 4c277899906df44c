"""Judgments on spans of documents, and what they say about ranked chunks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

SHARE = 0.45  # half, less the white space between two chunks


class Placed(Protocol):
    """A chunk, or anything else that covers the characters from ``start`` up to, not including, ``end`` of a document."""

    @property
    def document_id(self) -> str:
        """The document, known by its content."""
        ...

    @property
    def start(self) -> int:
        """First character."""
        ...

    @property
    def end(self) -> int:
        """One past the last."""
        ...


class SpanJudgment(Placed, Protocol):
    """How well a span of a document answers a query; grade 0 means that it only looks so."""

    @property
    def grade(self) -> int:
        """0 and up; below 0 counts as 0."""
        ...


@dataclass(frozen=True, slots=True)
class JudgedSpan:
    """A judgment on a span, with the name that its document has in the collection at hand."""

    document_id: str
    document: str
    start: int
    end: int
    grade: int


def holds(chunk: Placed, judged: Placed) -> bool:
    """Whether a chunk counts as the judged span: both share at least ``SHARE`` of the shorter of the two.

    So a chunk counts if it holds half of the span, as a page does of a judged sentence, and if half of it lies in
    the span, as a sentence does in a judged page. By that no judgment is lost on another way to cut, as long as the
    chunks together hold all text but white space: of the chunks that touch a span one holds it whole, or lies in it
    whole, or two part it between them and one of these has half, but for the white space where they part. That is
    what the 5% are for; with exactly half, a span parted in its middle would count for neither.
    """
    if chunk.document_id != judged.document_id:
        return False
    shared = min(chunk.end, judged.end) - max(chunk.start, judged.start)
    return shared > 0 and shared >= SHARE * min(chunk.end - chunk.start, judged.end - judged.start)


def covered(chunk: Placed, judgments: Sequence[SpanJudgment]) -> list[int]:
    """Return the places of the judgments that count for a chunk."""
    return [at for at, judged in enumerate(judgments) if holds(chunk, judged)]


def grade(chunk: Placed, judgments: Sequence[SpanJudgment]) -> int | None:
    """Return the best grade of those that count for a chunk, None where none does."""
    return max((judgments[at].grade for at in covered(chunk, judgments)), default=None)

