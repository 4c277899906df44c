"""Files of judgments, line by line, as they are written: TREC and BEIR here, tables beside. What a line means is decided elsewhere.

- TREC: ``query-id 0 document grade``, between spaces or tabs (trec_eval's qrels).
- BEIR: a folder with ``queries.jsonl`` and ``qrels/*.tsv``, the latter with a header (Thakur et al., BEIR, 2021).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import DataError
from core.formats._part_evaluation_judged import MOST_GRADE, field_text
from core.formats.beir import QRELS, QUERIES, file_lines, file_rows
from core.records.judgments import free_split

_SCORES = ("score", "grade", "relevance")


@dataclass(frozen=True, slots=True)
class Line:
    """A judgment as a file has it. The query is named by ``query_id``, its text ``query``, or both; ``grade`` None: not judged."""

    about: str  # file and line, in words
    document: str  # name or id
    grade: int | None
    split: str = ""
    query_id: str = ""
    query: str = ""
    document_id: str = ""
    start: int | None = None
    end: int | None = None
    who: str = ""
    made: str | None = None  # ISO 8601; None where the file has no room for it
    note: str = ""
    origin: str = ""
    several: bool = False  # whether people may differ on it


def read_trec(path: Path) -> Iterator[Line]:
    """Yield the judgments of TREC qrels. Raises DataError, naming file and line."""
    for number, line in file_lines(path):
        about = f"{path}, line {number}"
        cells = [cell.strip() for cell in line.split("\t")] if line.count("\t") == 3 else line.split()
        if len(cells) != 4 or not all(cells):
            raise DataError(f"{about}, is not 'query-id 0 document grade' but has {len(cells)} columns: where an id holds a space, put tabs between the columns")
        yield Line(about, cells[2], read_grade(about, cells[3]), query_id=cells[0])


def read_beir_qrels(folder: Path) -> tuple[dict[str, str], list[Line]]:
    """Return the queries and judgments of a BEIR folder; its corpus is not looked at. Raises DataError, naming file and line."""
    queries = {row_id: field_text(row, "text") for _, row_id, row in file_rows(folder / QUERIES)}
    files = sorted((folder / QRELS).glob("*.tsv"))
    if not files:
        raise DataError(f"{folder / QRELS} holds no .tsv file, so that no query is judged: is this a BEIR folder?")
    return queries, [line for file in files for line in _beir_file(file)]


def _beir_file(file: Path) -> Iterator[Line]:
    for at, (number, text) in enumerate(file_lines(file)):
        about = f"{file}, line {number}"
        cells = [cell.strip() for cell in text.split("\t")]
        if at == 0:
            if cells[-1].lower() not in _SCORES:
                raise DataError(f"{about}, is not the header 'query-id, corpus-id, score' between tabs: add it")
            continue
        if len(cells) != 3 or not all(cells):
            raise DataError(f"{about}, is not 'query-id, corpus-id, score' between tabs: mend or leave out the line")
        yield Line(about, cells[1], read_grade(about, cells[2]), free_split(file.stem), cells[0])


def read_queries(path: Path) -> dict[str, str]:
    """Return query id to text of a .jsonl file (_id, text), or of lines 'id, text' between tabs. Raises DataError."""
    if path.suffix.lower() in (".jsonl", ".json"):
        return {row_id: field_text(row, "text") for _, row_id, row in file_rows(path)}
    queries: dict[str, str] = {}
    for number, line in file_lines(path):
        query_id, tab, text = line.partition("\t")
        if not tab or not query_id.strip() or not text.strip():
            raise DataError(f"{path}, line {number}, is not 'query-id, text' with a tab between: mend or leave out the line")
        if queries.setdefault(query_id.strip(), text.strip()) != text.strip():
            raise DataError(f"{path}, line {number}: the query {query_id.strip()!r} was there before, with another text: ids must differ")
    return queries


def read_grade(about: str, text: str) -> int:
    """Return a whole number; Quepid may write it with a decimal point. Raises DataError, beginning with ``about``."""
    if not re.fullmatch(r"[+-]?\d{1,6}(\.0+)?", text):
        raise DataError(f"{about}: the grade {text!r} is no whole number: mend or leave out the line")
    grade = int(float(text))
    if abs(grade) > MOST_GRADE:
        raise DataError(f"{about}: the grade {grade} is out of range: use at most {MOST_GRADE}")
    return grade
