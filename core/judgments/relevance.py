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
from typing import TYPE_CHECKING

from core.evaluation import metrics
from core.formats._part_evaluation_judged import Qrels
from core.judgments._part_evaluation_graded import Placed, SpanJudgment, covered

if TYPE_CHECKING:  # asked.py opens a data folder, which texts in memory do not need
    from core.formats._part_evaluation_judged import JudgedCollection
    from core.judgments.queries import JudgedQueries


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
        return Questions({query: self.queries[query] for query in kept}, qrels, {query: self.spans[query] for query in kept if query in self.spans})

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


def ndcg(chunks: Sequence[Placed], judgments: Sequence[SpanJudgment], depth: int = 10) -> float | None:
    """Return nDCG at ``depth`` of one query's ranked chunks against judged spans, None where nothing is judged relevant.

    ir_measures' own, over the units that the chunks count as: what Evaluate says of the same ranking.
    """
    grades: dict[str, int] = {}
    for span in judgments:
        grades[unit_of(span)] = max(span.grade, grades.get(unit_of(span), span.grade))
    if max(grades.values(), default=0) < 1:
        return None
    questions = Questions({"": ""}, {"": grades}, {"": judgments})
    places = [Place(chunk.document_id, "", chunk.start, chunk.end) for chunk in chunks]
    ranking = pooled((questions.units("", f"chunk {rank}", place) for rank, place in enumerate(places, 1)), depth)
    return metrics.per_query(questions.qrels, {"": ranking}, [f"nDCG@{depth}"])[f"nDCG@{depth}"][""]
