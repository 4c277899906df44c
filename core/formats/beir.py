"""BEIR data sets, in a folder or a ZIP, read strictly: what does not fit is named with its file and line."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from core.errors import DataError
from core.formats._part_evaluation_judged import MOST_GRADE, field_text, joined_text, row_of
from core.records.document import Document, Value
from core.records.judgments import free_split
from core.store.judgments import Judgment

CORPUS, QUERIES, QRELS = "corpus.jsonl", "queries.jsonl", "qrels"
_SCORES = ("score", "grade", "relevance")  # what the last column of a header is called


@dataclass
class BeirData:
    """A data set: documents and queries by their ids, and the judgments of every split, on whole documents."""

    name: str
    documents: dict[str, Document] = field(default_factory=dict)
    queries: dict[str, str] = field(default_factory=dict)
    judgments: list[Judgment] = field(default_factory=list)


def is_beir(path: Path) -> bool:
    """Whether a folder or a ZIP has a BEIR corpus in it."""
    if path.is_dir():
        return (path / CORPUS).is_file()
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(Path(name).name == CORPUS for name in archive.namelist())


def read_beir_data(path: Path) -> BeirData:
    """Read a data set. Raises DataError, naming file and line, for what is missing or does not fit."""
    with _opened(path) as folder:
        data = BeirData(path.stem if path.is_file() else path.resolve().name)
        _read_corpus(folder / CORPUS, data)
        if not data.documents:
            raise DataError(f"{folder / CORPUS} holds no documents: nothing can be brought in")
        for about, row_id, row in file_rows(folder / QUERIES):
            text = field_text(row, "text")
            if not text:
                raise DataError(f"{about}: the query {row_id!r} has no text: give it one or leave it out")
            data.queries[row_id] = text
        for file in _qrels_files(folder):
            _read_qrels(file, data)
    return data


@contextmanager
def _opened(path: Path) -> Iterator[Traversable]:
    """The folder that holds the corpus, on disk or in a ZIP."""
    if path.is_dir():
        yield path
        return
    try:
        with zipfile.ZipFile(path) as archive:
            inside = next((name for name in archive.namelist() if Path(name).name == CORPUS), CORPUS)
            if any(held.flag_bits & 1 for held in archive.infolist()):
                raise DataError(f"{path} is locked with a password: unlock it first")
            yield zipfile.Path(archive, inside.removesuffix(CORPUS))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DataError(f"{path} is damaged or was cut off ({error}): fetch it again") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}): check the path") from error


def _read_corpus(file: Traversable, data: BeirData) -> None:
    for _, row_id, row in file_rows(file):
        text, title, extra = joined_text(row), field_text(row, "title"), row.get("metadata")
        kept: dict[str, Value] = {key: value for key, value in extra.items() if isinstance(value, Value)} if isinstance(extra, dict) else {}
        metadata = {**kept, **({"title": title} if title else {})}
        data.documents[row_id] = Document(row_id, text, size=len(text.encode()), metadata=metadata)


def file_rows(file: Traversable) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """File and line in words, id, and object of every line; ids differ and hold no space."""
    seen: set[str] = set()
    for number, line in file_lines(file):
        about = f"{file}, line {number}"
        row_id, row = row_of(about, line)
        if row_id in seen:
            raise DataError(f"{about}: the _id {row_id!r} was there before: ids must differ")
        seen.add(row_id)
        yield about, row_id, row


def _qrels_files(folder: Traversable) -> list[Traversable]:
    qrels = folder / QRELS
    files = sorted((file for file in qrels.iterdir() if file.name.endswith(".tsv")), key=lambda file: file.name) if qrels.is_dir() else []
    if not files:
        raise DataError(f"{qrels} holds no .tsv file, so that no query is judged: is this a BEIR folder?")
    return files


def _read_qrels(file: Traversable, data: BeirData) -> None:
    """Judgments of one split, which is called as its file."""
    split = free_split(file.name.removesuffix(".tsv"))
    grades: dict[tuple[str, str], int] = {}
    for at, (number, line) in enumerate(file_lines(file)):
        about = f"{file}, line {number}"
        cells = [cell.strip() for cell in line.split("\t")]
        if at == 0:
            if cells[-1].lower() not in _SCORES:
                raise DataError(f"{about}, is not the header 'query-id, corpus-id, score' between tabs: add it")
            continue
        query, document, grade = _judgment(about, cells, data)
        if grades.setdefault((query, document), grade) != grade:
            raise DataError(f"{about}: document {document!r} was judged for query {query!r} before, with another score: keep one")
    if not grades:
        raise DataError(f"{file} holds no judgments: fill or remove it")
    best: dict[tuple[str, str], Judgment] = {}
    for (query, document), grade in grades.items():
        held = data.documents[document]  # two ids of one text are one document here: the better grade is kept
        judgment = Judgment(split, query, held.id, 0, len(held.text), grade, f"BEIR {data.name}")
        best[query, held.id] = max(best.get((query, held.id), judgment), judgment, key=lambda one: one.grade)
    data.judgments += best.values()


def _judgment(about: str, cells: list[str], data: BeirData) -> tuple[str, str, int]:
    try:
        query, document, score = cells
        grade = int(score)
    except ValueError as error:
        raise DataError(f"{about}, is not 'query-id, corpus-id, score' between tabs, the score a whole number: mend or leave out the line") from error
    if abs(grade) > MOST_GRADE:
        raise DataError(f"{about}: the score {grade} is out of range: use at most {MOST_GRADE}")
    for kind, row_id, known, where in (("query", query, data.queries, QUERIES), ("document", document, data.documents, CORPUS)):
        if row_id not in known:
            raise DataError(f"{about}: the {kind} {row_id!r} is not in {where}: mend or leave out the line")
    return query, document, grade


def file_lines(file: Traversable) -> Iterator[tuple[int, str]]:
    """The lines that hold something, with their numbers."""
    try:
        with file.open("rb") as opened:
            for number, raw in enumerate(opened, 1):
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except FileNotFoundError as error:
        raise DataError(f"{file} is missing: a BEIR folder holds {CORPUS}, {QUERIES} and {QRELS}/*.tsv") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not in UTF-8: convert it") from error
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror or error}): check that you may read it") from error
