"""Collections with judged queries, in the layout of BEIR.

A folder with ``corpus.jsonl`` (``_id``, ``title``, ``text``), ``queries.jsonl`` (``_id``, ``text``) and
``qrels/test.tsv`` (a header line, then query id, document id and grade between tabs), as described by
Thakur et al., BEIR, 2021.
"""

from __future__ import annotations

import json
from collections.abc import Collection as Ids
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.errors import DataError
from core.util.formatting import plural

Qrels = dict[str, dict[str, int]]
MOST_GRADE = 1000
COLUMNS = 3
_SCORES = ("score", "grade", "relevance")  # what the last column of a header is called


@dataclass(frozen=True)
class JudgedCollection:
    """Documents, queries and which document answers which query how well (grade 0: not at all)."""

    name: str
    document_ids: list[str]
    texts: list[str]  # title and text
    queries: dict[str, str]  # those that are judged
    qrels: Qrels
    notes: tuple[str, ...] = ()  # what should be known of the files

    def first(self, queries: int) -> JudgedCollection:
        """Return the same with the first ``queries`` judged queries only."""
        kept = list(self.queries)[:queries]
        return replace(self, queries={q: self.queries[q] for q in kept}, qrels={q: self.qrels[q] for q in kept})


def read_beir(folder: Path, split: str = "test") -> JudgedCollection:
    """Read a collection. Raises DataError, naming file and line, for what is missing, cannot be read or contradicts itself.

    What can be read but should be known is counted in the result's ``notes``.
    """
    if not folder.is_dir():
        raise DataError(f"There is no folder {str(folder)!r}: give one with corpus.jsonl, queries.jsonl and qrels/{split}.tsv")
    documents = {row_id: joined_text(row) for _, row_id, row in _rows(folder / "corpus.jsonl")}
    if not documents:
        raise DataError(f"{folder / 'corpus.jsonl'} holds no documents: nothing can be ranked")
    every_query = {row_id: (about, field_text(row, "text")) for about, row_id, row in _rows(folder / "queries.jsonl")}
    qrels, notes = _read_qrels(folder / "qrels" / f"{split}.tsv", documents.keys(), every_query.keys())
    for query in qrels:
        about, text = every_query[query]
        if not text:
            raise DataError(f"{about}: the query {query!r} is judged and has no text: give it one, or take its judgments out")
    empty = sum(not text for text in documents.values())
    notes += [f"{plural(empty, 'document')} without text: they are ranked last, if at all"] if empty else []
    queries = {query: every_query[query][1] for query in qrels}
    return JudgedCollection(folder.resolve().name, list(documents), list(documents.values()), queries, qrels, tuple(notes))


def _rows(path: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """File and line in words, id, and object of every line; ids differ and hold no space, as runs and qrels need it."""
    seen: dict[str, int] = {}
    for number, line in _lines(path):
        about = f"{path}, line {number}"
        row_id, row = row_of(about, line)
        if row_id in seen:
            raise DataError(f"{about}: the _id {row_id!r} was there in line {seen[row_id]}: ids must differ")
        seen[row_id] = number
        yield about, row_id, row


def row_of(about: str, line: str) -> tuple[str, dict[str, Any]]:
    """Return the id and the object that a line holds; ``about`` names file and line. Raises DataError for an id that runs and qrels cannot carry."""
    try:
        row = json.loads(line)
        row_id = row["_id"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise DataError(f"{about}, is not a JSON object with an '_id': mend or leave out the line") from error
    if isinstance(row_id, bool) or not isinstance(row_id, str | int):
        raise DataError(f"{about}: the _id {row_id!r} is neither text nor a whole number: mend the line")
    row_id = str(row_id)
    if not row_id or any(map(str.isspace, row_id)) or not row_id.isprintable():
        raise DataError(f"{about}: the _id {row_id!r} is empty or holds a space, which runs and qrels cannot carry: rename it everywhere")
    return row_id, row


def _read_qrels(path: Path, documents: Ids[str], queries: Ids[str]) -> tuple[Qrels, list[str]]:
    """The judgments, and what should be known of them."""
    qrels: Qrels = {}
    header, again = False, 0
    for at, (number, line) in enumerate(_lines(path)):
        parts = line.split("\t")
        if at == 0 and parts[-1].strip().lower() in _SCORES:
            header = True
            continue
        try:
            query, document, grade = parts[0].strip(), parts[1].strip(), _grade(parts[2])
            if len(parts) != COLUMNS:
                raise ValueError(line)
        except (ValueError, IndexError) as error:
            raise DataError(
                f"{path}, line {number}, is not 'query-id, corpus-id, score' between tabs, "
                f"the score a whole number up to {MOST_GRADE}: mend or leave out the line"
            ) from error
        for kind, row_id, known in (("query", query, queries), ("document", document, documents)):
            if row_id not in known:
                raise DataError(
                    f"{path} judges the {kind} {row_id!r} in line {number}, which the collection does not hold: mend or leave out the line"
                )
        again += document in qrels.get(query, ())
        if qrels.setdefault(query, {}).setdefault(document, grade) != grade:
            raise DataError(f"{path}, line {number}: document {document!r} was judged for query {query!r} before, with another score: keep one")
    if not qrels:
        raise DataError(f"{path} holds no judgments: nothing can be measured")
    return qrels, _noted(path, qrels, header, again)


def _noted(path: Path, qrels: Qrels, header: bool, again: int) -> list[str]:
    nothing = sum(max(grades.values()) < 1 for grades in qrels.values())
    notes = [] if header else [f"{path.name} has no header: its first line was read as a judgment"]
    notes += [f"{plural(again, 'judgment')} given more than once, with the same score: counted once"] if again else []
    notes += [f"{plural(nothing, 'judged query', 'judged queries')} with nothing relevant: counted, as 0 for every system"] if nothing else []
    return notes


def _grade(text: str) -> int:
    grade = int(text)
    if abs(grade) > MOST_GRADE:
        raise ValueError(text)
    return grade


def _lines(path: Path) -> list[tuple[int, str]]:
    """The lines that hold something, with their numbers."""
    try:
        return [(number, line) for number, line in enumerate(path.read_text(encoding="utf-8-sig").split("\n"), 1) if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'}): is this a BEIR folder?") from error


def joined_text(row: dict[str, Any]) -> str:
    """Return what is read of a corpus entry: its title, a space, its text."""
    return f"{field_text(row, 'title')} {field_text(row, 'text')}".strip()


def field_text(row: dict[str, Any], name: str) -> str:
    """Return one field as clean text, empty where there is none."""
    return str(row.get(name) or "").encode("utf-8", "replace").decode("utf-8").strip()  # JSON can spell what is no text
