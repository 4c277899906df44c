"""TREC's formats: qrels read and written, and runs written as trec_eval reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from core.errors import DataError
from core.formats import beir
from core.formats.lines import MAX_GRADE, JudgmentLine, numbered_lines
from core.records.judgments import Qrels, Run, as_scores
from core.records.search import Hit
from core.util.files import atomic_write_text

QRELS_FILE = "qrels.txt"
_UNSAFE = re.compile(r"[^-+@.,=()\w ]")  # in a file's name
_SPACE = re.compile(r"[\s%]|[^\x20-\U0010ffff]")


def read_trec(path: Path) -> Iterator[JudgmentLine]:
    """Yield the judgments of TREC qrels. Raises DataError, naming file and line."""
    for number, line in numbered_lines(path):
        location = f"{path}, line {number}"
        cells = [cell.strip() for cell in line.split("\t")] if line.count("\t") == 3 else line.split()
        if len(cells) != 4 or not all(cells):
            raise DataError(
                f"{location}, is not 'query-id 0 document grade' but has {len(cells)} columns: "
                "where an id holds a space, put tabs between the columns"
            )
        query_id, _, document, grade = cells
        yield JudgmentLine(location, document, parse_grade(location, grade), query_id=query_id)


def read_queries(path: Path) -> dict[str, str]:
    """Return query id to text of a .jsonl file (_id, text), or of lines 'id, text' between tabs. Raises DataError."""
    if path.suffix.lower() in (".jsonl", ".json"):
        return beir.read_queries(path)
    queries: dict[str, str] = {}
    for number, line in numbered_lines(path):
        query_id, _, text = (cell.strip() for cell in line.partition("\t"))
        if not query_id or not text:
            raise DataError(
                f"{path}, line {number}, is not 'query-id, text' with a tab between: mend or leave out the line"
            )
        if queries.setdefault(query_id, text) != text:
            raise DataError(
                f"{path}, line {number}: the query {query_id!r} was there before, with another text: ids must differ"
            )
    return queries


def parse_grade(location: str, text: str) -> int:
    """Return a grade: a whole number, which Quepid may write as ``2.0``.

    Raises DataError, beginning with ``location``.
    """
    if not re.fullmatch(r"[+-]?\d{1,6}(\.0+)?", text):
        raise DataError(f"{location}: the grade {text!r} is no whole number: mend or leave out the line")
    grade = int(float(text))
    if abs(grade) > MAX_GRADE:
        raise DataError(f"{location}: the grade {grade} is out of range: use at most {MAX_GRADE}")
    return grade


def run_text(run: Run, tag: str) -> str:
    """Return rankings as a TREC run: query id, Q0, id, rank, score, tag between spaces.

    The score is the ranking's length for its first id and 1 for its last: ties are broken already, and trec_eval, which
    heeds scores alone, breaks them its own way. A query without results has no line.
    """
    scored = ((query, [(id_, f"{score:g}") for id_, score in as_scores(run[query]).items()]) for query in run)
    return _run_lines(scored, tag)


def hits_run_text(results: Iterable[tuple[str, Sequence[Hit]]], tag: str, model: str) -> str:
    """Return query ids with their hits as a TREC run of chunk ids, with a model's own scores.

    ``model`` is ``bi`` or ``cross``: whose order and scores.
    """
    if model == "bi":
        scored = (
            (query, [(hit.chunk_id, f"{hit.bi_score:.6f}") for hit in sorted(hits, key=lambda hit: hit.bi_rank)])
            for query, hits in results
        )
    else:
        scored = ((query, [(hit.chunk_id, f"{hit.cross_score:.6f}") for hit in hits]) for query, hits in results)
    return _run_lines(scored, tag)


def _run_lines(scored: Iterable[tuple[str, Sequence[tuple[str, str]]]], tag: str) -> str:
    name = trec_id(tag)
    return "".join(
        f"{trec_id(query)} Q0 {trec_id(id_)} {rank} {score} {name}\n"
        for query, ranking in scored
        for rank, (id_, score) in enumerate(ranking, 1)
    )


def qrels_text(qrels: Qrels, *, escape: bool = True) -> str:
    """Return judgments as TREC qrels: query id, 0, id, grade between spaces.

    ``escape`` writes ids as ``trec_id`` does; without it they must hold no white space.
    """
    written = trec_id if escape else str
    return "".join(
        f"{written(query)} 0 {written(id_)} {grade}\n"
        for query, grades in qrels.items()
        for id_, grade in grades.items()
    )


def trec_id(text: str) -> str:
    """Return an id with white space, which would split it, percent-encoded: a space as ``%20``."""
    return _SPACE.sub(lambda match: quote(match[0], safe=""), text) or "%"


def run_file_name(system: str) -> str:
    """Return the name of a system's run file."""
    return f"{_UNSAFE.sub('_', system)}.run"


def write_runs(folder: Path, runs: Mapping[str, Run], qrels: Qrels) -> list[Path]:
    """Write a run file for each system, and the qrels, into ``folder``, which is made if need be; return their paths.

    Systems whose files would have one name get their number before it. Raises DataError where they cannot be written.
    """
    names = [run_file_name(system) for system in runs]
    texts = {
        f"{number}-{name}" if names.count(name) > 1 else name: run_text(run, system)
        for number, (name, (system, run)) in enumerate(zip(names, runs.items(), strict=True), 1)
    }
    texts[QRELS_FILE] = qrels_text(qrels)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            atomic_write_text(folder / name, text)
    except OSError as error:
        raise DataError(
            f"The runs cannot be written into {folder} ({error.strerror or error}): name another folder"
        ) from error
    return [folder / name for name in texts]
