"""Collections with judged queries, in the layout of BEIR.

A folder with ``corpus.jsonl`` (``_id``, ``title``, ``text``), ``queries.jsonl`` (``_id``, ``text``) and
``qrels/test.tsv`` (a header line, then query id, document id and grade between tabs), as described by
Thakur et al., BEIR, 2021.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.errors import DataError

Qrels = dict[str, dict[str, int]]
MOST_GRADE = 1000


@dataclass(frozen=True)
class JudgedCollection:
    """Documents, queries and which document answers which query how well (grade 0: not at all)."""

    name: str
    document_ids: list[str]
    texts: list[str]  # title and text
    queries: dict[str, str]  # those that are judged
    qrels: Qrels

    def first(self, queries: int) -> JudgedCollection:
        """Return the same with the first ``queries`` judged queries only."""
        kept = list(self.queries)[:queries]
        return replace(self, queries={q: self.queries[q] for q in kept}, qrels={q: self.qrels[q] for q in kept})


def read_beir(folder: Path, split: str = "test") -> JudgedCollection:
    """Read a collection. Raises DataError, naming file and line, for what is missing or cannot be read."""
    if not folder.is_dir():
        raise DataError(f"There is no folder {str(folder)!r}: give one with corpus.jsonl, queries.jsonl and qrels/{split}.tsv")
    documents = {row_id: joined_text(row) for row_id, row in _rows(folder / "corpus.jsonl")}
    every_query = {row_id: field_text(row, "text") for row_id, row in _rows(folder / "queries.jsonl")}
    qrels = _qrels(folder / "qrels" / f"{split}.tsv")
    for query, grades in qrels.items():
        unknown = next((document for document in grades if document not in documents), None)
        if query not in every_query or unknown is not None:
            what = f"document {unknown!r}" if query in every_query else f"query {query!r}"
            raise DataError(f"{folder / 'qrels' / f'{split}.tsv'} judges the {what}, which the collection does not hold: mend the file")
    return JudgedCollection(folder.name, list(documents), list(documents.values()), {query: every_query[query] for query in qrels}, qrels)


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in _lines(path):
        try:
            row = json.loads(line)
            yield str(row["_id"]), row
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise DataError(f"{path}, line {number}, is not a JSON object with an '_id': mend or leave out the line") from error


def _qrels(path: Path) -> Qrels:
    qrels: Qrels = {}
    for at, (number, line) in enumerate(_lines(path)):
        parts = line.split("\t")
        if at == 0 and parts[-1].strip().lower() in ("score", "grade", "relevance"):
            continue
        try:
            query, document, grade = parts
            qrels.setdefault(query, {})[document] = _grade(grade)
        except ValueError as error:
            raise DataError(f"{path}, line {number}, is not 'query-id, corpus-id, score' between tabs: mend or leave out the line") from error
    if not qrels:
        raise DataError(f"{path} holds no judgments: nothing can be measured")
    return qrels


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
