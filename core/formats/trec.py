"""Runs and judgments as TREC's programs read them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from core.errors import DataError
from core.formats.beir import MOST_GRADE, QRELS, QUERIES, field_text, file_lines, file_rows
from core.records.judgments import Qrels, Run, as_scores, free_split
from core.records.search import Hit

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
            raise DataError(
                f"{about}, is not 'query-id 0 document grade' but has {len(cells)} columns: where an id holds a space, put tabs between the columns"
            )
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
            raise DataError(
                f"{path}, line {number}, is not 'query-id, text' with a tab between: mend or leave out the line"
            )
        if queries.setdefault(query_id.strip(), text.strip()) != text.strip():
            raise DataError(
                f"{path}, line {number}: the query {query_id.strip()!r} was there before, with another text: ids must differ"
            )
    return queries


def read_grade(about: str, text: str) -> int:
    """Return a whole number; Quepid may write it with a decimal point. Raises DataError, beginning with ``about``."""
    if not re.fullmatch(r"[+-]?\d{1,6}(\.0+)?", text):
        raise DataError(f"{about}: the grade {text!r} is no whole number: mend or leave out the line")
    grade = int(float(text))
    if abs(grade) > MOST_GRADE:
        raise DataError(f"{about}: the grade {grade} is out of range: use at most {MOST_GRADE}")
    return grade


QRELS_FILE = "qrels.txt"
_UNSAFE = re.compile(r"[^-+@.,=()\w ]")  # in a file's name
_SPACE = re.compile(r"[\s%]|[^\x20-\U0010ffff]")


def run_text(run: Run, tag: str) -> str:
    """Return rankings as a TREC run: query id, Q0, id, rank, score, tag between spaces.

    The score is the ranking's length for its first id and 1 for its last: ties are broken already, and trec_eval, which
    heeds scores alone, breaks them its own way. A query without results has no line.
    """
    name = trec_id(tag)
    lines = (
        f"{trec_id(query)} Q0 {trec_id(id_)} {rank} {score:g} {name}\n"
        for query, ranking in run.items()
        for rank, (id_, score) in enumerate(as_scores(ranking).items(), 1)
    )
    return "".join(lines)


def qrels_text(qrels: Qrels) -> str:
    """Return judgments as TREC qrels: query id, 0, id, grade between spaces."""
    return "".join(
        f"{trec_id(query)} 0 {trec_id(id_)} {grade}\n"
        for query, grades in qrels.items()
        for id_, grade in grades.items()
    )


def trec_id(text: str) -> str:
    """Return an id without white space, which would part it: such signs are written as in an address, ``%20`` for a space."""
    return _SPACE.sub(lambda found: quote(found[0], safe=""), text) or "%"


def run_file(system: str) -> str:
    """Return what a system's run file is called."""
    return f"{_UNSAFE.sub('_', system)}.run"


def write_runs(folder: Path, runs: Mapping[str, Run], qrels: Qrels) -> list[Path]:
    """Write a run file for each system and the judgments into ``folder``, which is made if need be; return their paths.

    Raises DataError where that cannot be done.
    """
    texts = {_free(run_file(name), at, runs): run_text(run, name) for at, (name, run) in enumerate(runs.items())}
    texts[QRELS_FILE] = qrels_text(qrels)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_text(folder / name, text)
    except OSError as error:
        raise DataError(
            f"The runs cannot be written into {folder} ({error.strerror or error}): name another folder"
        ) from error
    return [folder / name for name in texts]


def write_text(path: Path, text: str) -> None:
    """Write a file in one step: it is never there by half. Raises OSError."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _free(name: str, at: int, runs: Sequence[str] | Mapping[str, Run]) -> str:
    """A file's name; a number is put before one that several systems would have."""
    same = [run_file(system) for system in runs].count(name)
    return f"{at + 1}-{name}" if same > 1 else name


def trec_run(results: Sequence[tuple[str, Sequence[Hit]]], tag: str, model: str) -> str:
    """Return rankings as a TREC run: query id, Q0, chunk id, rank, score, tag.

    ``model`` is ``bi`` or ``cross``: whose order and scores.
    """
    lines = []
    for query_id, hits in results:
        for rank, hit in enumerate(sorted(hits, key=lambda hit: hit.bi_rank) if model == "bi" else hits, 1):
            score = hit.bi_score if model == "bi" else hit.cross_score
            lines.append(f"{query_id} Q0 {hit.chunk_id} {rank} {score:.6f} {tag}")
    return "".join(f"{line}\n" for line in lines)
