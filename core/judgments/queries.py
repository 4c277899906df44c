"""What a collection is judged on: its splits, each with queries and judged spans, wherever the judgments come from.

Three sources are served alike: what was judged here (split ``judged``), what came with the collection or was
imported onto it (the splits of its files), and the sample library's own questions (split ``samples``), which hold
for every collection with those documents and are in no data folder. ``everything`` is all of it together: queries
of the same normalised text are one then, and of several judgments on one span the highest grade counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from core.errors import DataError
from core.judgments.relevance import JudgedQueries, JudgedSpan
from core.records.judgments import EVERYTHING, SAMPLES, normalise_query
from core.records.search import Collection
from core.samples import library as samples
from core.workspace import Workspace

USUAL = "test"  # the split that data sets are measured on
Span = tuple[str, int, int]  # document id, start, end


@dataclass(frozen=True, slots=True)
class _Query:
    """One query's judgments from one source."""

    id: str
    text: str
    grades: dict[Span, int]


def splits_for(workspace: Workspace, collection: Collection) -> list[str]:
    """Return the names of the splits that a collection is judged in, ``everything`` last where there are several."""
    found = workspace.judgments.splits(collection.key)
    found += [SAMPLES] if next(_samples(workspace.shelf.names(collection.key)), None) else []
    return [*found, EVERYTHING] if len(found) > 1 else found


def usual_split(workspace: Workspace, collection: Collection) -> str | None:
    """Return the split that is measured where none is named: ``test``, else ``everything``, else the only one; None where nothing is judged."""
    found = splits_for(workspace, collection)
    return USUAL if USUAL in found else found[-1] if found else None


def qrels_for(workspace: Workspace, collection: Collection, split: str | None = None) -> JudgedQueries:
    """Return the judged queries of a split, None for the usual one.

    Raises DataError where there are none, saying which splits there are.
    """
    found = splits_for(workspace, collection)
    asked = split or (usual_split(workspace, collection) or "")
    if not found:
        raise DataError(
            f"Nothing is judged in {collection.name!r} yet: judge hits of a search, or import judgments with 'python -m core judgments'"
        )
    if asked not in (*found, EVERYTHING):
        raise DataError(
            f"The collection {collection.name!r} has no judgments in a split {asked!r}: there are {', '.join(found)}"
        )
    documents = {document.document_id: document for document in workspace.documents(collection)}
    names = {document_id: document.name for document_id, document in documents.items()}
    read = [
        queried
        for one in (found if asked == EVERYTHING else [asked])
        for queried in _of_split(workspace, collection, one, names)
    ]
    merged = _merged(read) if asked == EVERYTHING else read
    spans = {queried.id: _spans(queried.grades, names) for queried in merged}
    whole = [
        one.start == 0 and one.end >= documents[one.document_id].characters
        for held in spans.values()
        for one in held
        if one.document_id in documents
    ]
    return JudgedQueries(asked, {queried.id: queried.text for queried in merged}, spans, bool(whole) and all(whole))


def spans_for(workspace: Workspace, collection: Collection, query: str) -> Sequence[JudgedSpan]:
    """Return what is judged about one query in a collection, in whatever split, the sample library's judgments too; empty where nothing is."""
    plain = normalise_query(query)
    grades = _highest(
        ((one.document_id, one.start, one.end), one.grade)
        for one in workspace.judgments.of_query(collection.key, plain)
    )
    sample = plain in _sample_questions()
    if not grades and not sample:
        return ()
    names = workspace.shelf.names(collection.key)
    if sample:
        more = [item for queried in _samples(names, plain) for item in queried.grades.items()]
        grades = _highest([*grades.items(), *more])
    return _spans(grades, names)


def _of_split(workspace: Workspace, collection: Collection, split: str, names: Mapping[str, str]) -> Iterator[_Query]:
    if split == SAMPLES:
        yield from _samples(names)
        return
    texts = workspace.judgments.queries(collection.key, split)
    grades: dict[str, dict[Span, int]] = {}
    for one in workspace.judgments.judgments(collection.key, split):
        grades.setdefault(one.query_id, {})[one.document_id, one.start, one.end] = one.grade
    for query_id, held in grades.items():
        if query_id in texts:  # deleted meanwhile otherwise
            yield _Query(query_id, texts[query_id], held)


def _samples(names: Mapping[str, str], plain: str | None = None) -> Iterator[_Query]:
    """The sample library's questions (None: all) on the documents of these ids, as far as they are judged there."""
    known = {name.rpartition("/")[2] for name in samples.judged_documents()}
    # spares all others the reading of the samples
    if not any(name.rpartition("/")[2] in known for name in names.values()):
        return
    for asked, question in _sample_questions().items():
        if plain in (None, asked):
            judged = ((samples.document_id(one.document), one.start, one.end, one.grade) for one in question.judgments)
            grades = {
                (document_id, start, end): grade for document_id, start, end, grade in judged if document_id in names
            }
            if grades:
                yield _Query(question.id, question.question, grades)


@cache
def _sample_questions() -> dict[str, samples.Question]:
    """By their normalised texts."""
    return {normalise_query(question.question): question for question in samples.questions()}


def _merged(read: Iterable[_Query]) -> list[_Query]:
    """One query for every normalised text, under the first id that it has, unless another text has that id."""
    by_text: dict[str, _Query] = {}
    taken: set[str] = set()
    for queried in read:
        plain = normalise_query(queried.text)
        if plain in by_text:
            there = by_text[plain]
            by_text[plain] = _Query(there.id, there.text, _highest([*there.grades.items(), *queried.grades.items()]))
            continue
        free = next(name for name in _names_for(queried.id) if name not in taken)
        taken.add(free)
        by_text[plain] = _Query(free, queried.text, queried.grades)
    return list(by_text.values())


def _names_for(query_id: str) -> Iterator[str]:
    """The id, then the id with a number behind it."""
    yield query_id
    number = 2
    while True:
        yield f"{query_id}-{number}"
        number += 1


def _highest(grades: Iterable[tuple[Span, int]]) -> dict[Span, int]:
    best: dict[Span, int] = {}
    for span, grade in grades:
        best[span] = max(grade, best.get(span, grade))
    return best


def _spans(grades: Mapping[Span, int], names: Mapping[str, str]) -> list[JudgedSpan]:
    """Spans by document and place; a document that is not here is called by its id."""
    found = [
        JudgedSpan(span[0], names.get(span[0], span[0]), span[1], span[2], grade) for span, grade in grades.items()
    ]
    return sorted(found, key=lambda one: (one.document, one.document_id, one.start, one.end))
