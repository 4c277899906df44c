"""What a judgment is about, a whole document or a span of one, and which of those a ranked text counts as.

Chunks are ranked, documents or spans are judged. A ranking of chunks becomes one of *units*, in which each stands once,
at the best rank of a chunk that holds it (max-pooling): where whole documents are judged, the chunks' documents; where
spans are judged, the judged spans, and every chunk without one as a unit of its own, which nobody has judged.
So overlapping chunks are not paid twice for one span, and judgments made under one way to cut count under any other.
A chunk that holds several judged spans stands for all of them, best grade first; those of grade 0 count only where it
holds nothing better, since one good sentence makes the chunk good.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from core.records.judgments import Qrels

if TYPE_CHECKING:
    from core.formats.beir import JudgedCollection


@dataclass(frozen=True)
class JudgedQueries:
    """Judged queries by id, and for each of them its judged spans, by document and place.

    ``per_document`` says that every judgment is on a whole document: chunks then count for their documents.
    """

    split: str
    queries: dict[str, str]
    spans: dict[str, list[JudgedSpan]]
    per_document: bool

    @property
    def judgments(self) -> int:
        """How many spans are judged, all queries together."""
        return sum(map(len, self.spans.values()))


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


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ranked text stands: the characters ``start`` to ``end`` of a document."""

    document_id: str
    document: str  # name
    start: int
    end: int


@dataclass(frozen=True)
class Questions:
    """Judged queries. ``qrels`` are by unit; ``spans`` is empty where whole documents are judged, else it has the same queries."""

    queries: Mapping[str, str]
    qrels: Qrels
    spans: Mapping[str, Sequence[SpanJudgment]] = field(default_factory=dict)

    @classmethod
    def of_documents(cls, judged: JudgedCollection) -> Questions:
        """Return those of a collection whose documents are judged."""
        return cls(judged.queries, judged.qrels)

    @classmethod
    def of_spans(cls, judged: JudgedQueries) -> Questions:
        """Return those of a collection whose spans are judged; where all of them are whole documents, documents are."""
        unit = (lambda span: span.document_id) if judged.per_document else unit_of
        qrels: Qrels = {query: {} for query in judged.queries}
        for query, spans in judged.spans.items():
            for span in spans:
                qrels[query][unit(span)] = max(span.grade, qrels[query].get(unit(span), span.grade))
        return cls(judged.queries, qrels, {} if judged.per_document else judged.spans)

    @property
    def per_document(self) -> bool:
        """Whether whole documents are judged."""
        return not self.spans

    def first(self, queries: int | None) -> Questions:
        """Return the same with the first ``queries`` only, all for None."""
        kept = list(self.queries)[:queries]
        qrels = {query: self.qrels[query] for query in kept}
        return Questions(
            {query: self.queries[query] for query in kept},
            qrels,
            {query: self.spans[query] for query in kept if query in self.spans},
        )

    def units(self, query: str, candidate: str, place: Place) -> tuple[str, ...]:
        """Return what a ranked text counts as for a query, best first: one unit at least."""
        if self.per_document:
            return (place.document_id,)
        judged = self.spans[query]
        held = sorted((judged[at] for at in covered(place, judged)), key=lambda span: (-span.grade, unit_of(span)))
        relevant = [span for span in held if span.grade > 0]
        return tuple(unit_of(span) for span in relevant or held) or (candidate,)


def unit_of(span: SpanJudgment) -> str:
    """Return the id of a judged span."""
    return f"{span.document_id}:{span.start}-{span.end}"


def pooled(ranking: Iterable[Sequence[str]], most: int | None = None) -> list[str]:
    """Return the units of a ranking of texts, each once, where it comes first; the first ``most`` of them."""
    found: dict[str, None] = {}
    for units in ranking:
        found.update(dict.fromkeys(units))
        if most is not None and len(found) >= most:
            break
    return list(found)[:most]
