"""The judged queries of a collection, wherever the judgments come from: its splits, each with queries and spans.

There are three sources: what was judged here (split ``judged``), what came with the collection or was imported into it
(the splits of those files), and the sample library's own questions (split ``samples``), which count in every collection
with those documents and are in no data folder. The split ``everything`` is all of it together: queries of the same
normalised text are one then, and of several judgments on one span the highest grade counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count

from core.errors import DataError
from core.judgments.relevance import JudgedQueries, JudgedSpan
from core.records.judgments import EVERYTHING, SAMPLES, normalise_query
from core.records.search import Collection
from core.samples import library as samples
from core.workspace import Workspace

DEFAULT_SPLIT = "test"  # what data sets are measured on
_SpanKey = tuple[str, int, int]  # document id, start, end


@dataclass(frozen=True, slots=True)
class _Query:
    """One query's judgments from one source."""

    id: str
    text: str
    grades: dict[_SpanKey, int]


def splits_for(workspace: Workspace, collection: Collection) -> list[str]:
    """Return the names of the splits that a collection is judged in, ``everything`` last where there are several."""
    splits = workspace.judgments.splits(collection.key)
    if next(_sample_queries(workspace.document_store.names(collection.key)), None):
        splits.append(SAMPLES)
    return [*splits, EVERYTHING] if len(splits) > 1 else splits


def default_split(workspace: Workspace, collection: Collection) -> str | None:
    """Return the split that is measured where none is named, None where nothing is judged.

    That is ``test``, else ``everything``, else the only one.
    """
    splits = splits_for(workspace, collection)
    return DEFAULT_SPLIT if DEFAULT_SPLIT in splits else splits[-1] if splits else None


def judged_queries_for(workspace: Workspace, collection: Collection, split: str | None = None) -> JudgedQueries:
    """Return the judged queries of a split, None for the default one.

    Raises DataError where there are none, saying which splits there are.
    """
    splits = splits_for(workspace, collection)
    if not splits:
        raise DataError(
            f"Nothing is judged in {collection.name!r} yet: judge hits of a search, "
            "or import judgments with 'python -m core judgments'"
        )
    split = split or default_split(workspace, collection)
    if split is None or split not in (*splits, EVERYTHING):
        raise DataError(
            f"The collection {collection.name!r} has no judgments in a split {split!r}: there are {', '.join(splits)}"
        )
    documents = {document.document_id: document for document in workspace.documents(collection)}
    names = {document_id: document.name for document_id, document in documents.items()}
    queries = [
        query
        for name in (splits if split == EVERYTHING else [split])
        for query in _split_queries(workspace, collection, name, names)
    ]
    if split == EVERYTHING:
        queries = _merge(queries)
    spans = {query.id: _judged_spans(query.grades, names) for query in queries}
    covers_document = [
        span.start == 0 and span.end >= documents[span.document_id].characters
        for judged in spans.values()
        for span in judged
        if span.document_id in documents
    ]
    return JudgedQueries.of_spans(
        {query.id: query.text for query in queries},
        spans,
        per_document=bool(covers_document) and all(covers_document),
        split=split,
    )


def spans_for(workspace: Workspace, collection: Collection, query: str) -> Sequence[JudgedSpan]:
    """Return the judged spans of one query in a collection, of all splits together; empty where nothing is judged."""
    normalised = normalise_query(query)
    grades = _highest(
        ((judgment.document_id, judgment.start, judgment.end), judgment.grade)
        for judgment in workspace.judgments.for_query(collection.key, normalised)
    )
    is_sample = normalised in _sample_questions()
    if not grades and not is_sample:
        return ()
    names = workspace.document_store.names(collection.key)
    if is_sample:
        samples_grades = [item for sample in _sample_queries(names, normalised) for item in sample.grades.items()]
        grades = _highest([*grades.items(), *samples_grades])
    return _judged_spans(grades, names)


def _split_queries(
    workspace: Workspace, collection: Collection, split: str, names: Mapping[str, str]
) -> Iterator[_Query]:
    if split == SAMPLES:
        yield from _sample_queries(names)
        return
    texts = workspace.judgments.queries(collection.key, split)
    grades: dict[str, dict[_SpanKey, int]] = {}
    for judgment in workspace.judgments.judgments(collection.key, split):
        span = (judgment.document_id, judgment.start, judgment.end)
        grades.setdefault(judgment.query_id, {})[span] = judgment.grade
    for query_id, by_span in grades.items():
        if query_id in texts:  # otherwise deleted meanwhile
            yield _Query(query_id, texts[query_id], by_span)


def _sample_queries(names: Mapping[str, str], only: str | None = None) -> Iterator[_Query]:
    """Yield the sample library's questions that are judged on the documents of ``names`` (document id to name).

    ``only`` is the normalised text of the one question that is wanted, None for all.
    """
    sample_names = {name.rpartition("/")[2] for name in samples.judged_documents()}
    # collections without such a name need not read the samples
    if not any(name.rpartition("/")[2] in sample_names for name in names.values()):
        return
    for normalised, question in _sample_questions().items():
        if only in (None, normalised):
            judged = ((samples.document_id(one.document), one.start, one.end, one.grade) for one in question.judgments)
            grades = {
                (document_id, start, end): grade for document_id, start, end, grade in judged if document_id in names
            }
            if grades:
                yield _Query(question.id, question.question, grades)


@cache
def _sample_questions() -> dict[str, samples.Question]:
    """Return the sample library's questions by their normalised texts."""
    return {normalise_query(question.question): question for question in samples.questions()}


def _merge(queries: Iterable[_Query]) -> list[_Query]:
    """Return one query for each normalised text, under its first id, numbered where another text has that id."""
    by_text: dict[str, _Query] = {}
    ids: set[str] = set()
    for query in queries:
        normalised = normalise_query(query.text)
        if first := by_text.get(normalised):
            grades = _highest([*first.grades.items(), *query.grades.items()])
            by_text[normalised] = _Query(first.id, first.text, grades)
            continue
        query_id = query.id
        numbers = count(2)
        while query_id in ids:
            query_id = f"{query.id}-{next(numbers)}"
        ids.add(query_id)
        by_text[normalised] = _Query(query_id, query.text, query.grades)
    return list(by_text.values())


def _highest(grades: Iterable[tuple[_SpanKey, int]]) -> dict[_SpanKey, int]:
    """Return the highest grade of each span."""
    highest: dict[_SpanKey, int] = {}
    for span, grade in grades:
        highest[span] = max(grade, highest.get(span, grade))
    return highest


def _judged_spans(grades: Mapping[_SpanKey, int], names: Mapping[str, str]) -> list[JudgedSpan]:
    """Return the spans by document and position; a document that is not in the collection is called by its id."""
    spans = [
        JudgedSpan(document_id, names.get(document_id, document_id), start, end, grade)
        for (document_id, start, end), grade in grades.items()
    ]
    return sorted(spans, key=lambda span: (span.document, span.document_id, span.start, span.end))
