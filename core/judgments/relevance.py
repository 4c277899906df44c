"""Judged queries, and which judgments a ranked chunk counts for.

Chunks are ranked, but documents or spans of them are judged. To be measured, a ranking of chunks becomes a ranking of
*units*, the things that qrels grade: where whole documents are judged, each chunk counts as its document; where spans
are judged, as the judged spans that it matches, or else as an unjudged unit of its own. A unit takes the rank of the
first chunk that counts as it, and later chunks add nothing (max-pooling: the best chunk speaks for the unit). So
overlapping chunks gain nothing twice, and judgments made under one chunking hold under every other.

A chunk that matches several judged spans counts as all of them, best grade first; spans of grade 0 count only where it
matches none of a higher grade, since one good sentence makes the chunk good.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from core.records.judgments import Qrels

if TYPE_CHECKING:
    from core.formats.beir import BeirDataset

LEAST_OVERLAP = 0.45  # of the shorter text: half, less the white space between two chunks


class TextSpan(Protocol):
    """A chunk, or anything else that covers the characters ``start`` up to, not including, ``end`` of a document."""

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


@dataclass(frozen=True, slots=True)
class NamedSpan:
    """The characters ``start`` up to ``end`` of a document, with the name that it has in the collection."""

    document_id: str
    document: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class JudgedSpan(NamedSpan):
    """How well a span of a document answers a query: 1 and up is relevant; 0 or less only looks so."""

    grade: int

    @property
    def unit(self) -> str:
        """The span's id in qrels and rankings."""
        return f"{self.document_id}:{self.start}-{self.end}"


@dataclass(frozen=True)
class JudgedQueries:
    """Judged queries by id, with their qrels: query id to unit to grade.

    ``spans`` are the judged spans of each query, by document and position; of a BEIR data set, whose documents are
    judged, there are none. ``per_document`` says that every judgment is on a whole document: units are document ids
    then, and the ids of judged spans otherwise.
    """

    queries: Mapping[str, str]
    qrels: Qrels
    spans: Mapping[str, Sequence[JudgedSpan]] = field(default_factory=dict)
    per_document: bool = True
    split: str = ""

    @classmethod
    def of_dataset(cls, dataset: BeirDataset, split: str) -> JudgedQueries:
        """Return those of one split of a data set, whose documents are judged."""
        return cls(dataset.judged_queries(split), dataset.qrels[split], split=split)

    @classmethod
    def of_spans(
        cls,
        queries: Mapping[str, str],
        spans: Mapping[str, Sequence[JudgedSpan]],
        *,
        per_document: bool = False,
        split: str = "",
    ) -> JudgedQueries:
        """Return queries with judged spans; of several judgments on one unit the highest grade counts."""
        qrels: Qrels = {query: {} for query in queries}
        for query, judged in spans.items():
            for span in judged:
                unit = span.document_id if per_document else span.unit
                qrels[query][unit] = max(span.grade, qrels[query].get(unit, span.grade))
        return cls(queries, qrels, spans, per_document, split)

    @property
    def judgments(self) -> int:
        """How many spans are judged, all queries together."""
        return sum(map(len, self.spans.values()))

    def first(self, limit: int | None) -> JudgedQueries:
        """Return the first ``limit`` queries only, all for None."""
        kept = list(self.queries)[:limit]
        return JudgedQueries(
            {query: self.queries[query] for query in kept},
            {query: self.qrels[query] for query in kept},
            {query: self.spans[query] for query in kept if query in self.spans},
            self.per_document,
            self.split,
        )

    def units(self, query: str, candidate: str, span: TextSpan) -> tuple[str, ...]:
        """Return the units, at least one, that a candidate counts as for a query, best grade first."""
        if self.per_document:
            return (span.document_id,)
        judged = self.spans[query]
        matched = sorted((judged[index] for index in matches(span, judged)), key=lambda one: (-one.grade, one.unit))
        relevant = [one for one in matched if one.grade > 0]
        return tuple(one.unit for one in relevant or matched) or (candidate,)


def counts_as(one: TextSpan, other: TextSpan) -> bool:
    """Return whether a chunk counts as a judged span: both share at least 45% of the shorter of the two.

    So a chunk counts if it has half of the span, as a page does of a judged sentence, and if half of it lies in the
    span, as a sentence does in a judged page. No judgment is lost under another chunking, as long as its chunks
    together cover all text but white space: of the chunks that touch a span, one contains it or lies in it, or two
    divide it and one of these has half, less the white space between them. That is what the missing 5% are for: with
    exactly half, a span that is divided in its middle would match neither.
    """
    if one.document_id != other.document_id:
        return False
    shared = min(one.end, other.end) - max(one.start, other.start)
    return shared > 0 and shared >= LEAST_OVERLAP * min(one.end - one.start, other.end - other.start)


def matches(chunk: TextSpan, judged: Sequence[TextSpan]) -> list[int]:
    """Return the indices of the judged spans that a chunk counts as."""
    return [index for index, span in enumerate(judged) if counts_as(chunk, span)]


def grade(chunk: TextSpan, judged: Sequence[JudgedSpan]) -> int | None:
    """Return the best grade of the judged spans that a chunk counts as, None where there is none."""
    return max((judged[index].grade for index in matches(chunk, judged)), default=None)


def unit_ranking(candidates: Iterable[Sequence[str]], limit: int | None = None) -> list[str]:
    """Return the ranking of units that a ranking of candidates gives, each unit once, at its best rank.

    ``candidates`` are the units that each candidate counts as, best first. ``limit`` None returns all units.
    """
    ranking: dict[str, None] = {}
    for units in candidates:
        ranking.update(dict.fromkeys(units))
        if limit is not None and len(ranking) >= limit:
            break
    return list(ranking)[:limit]
