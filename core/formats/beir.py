"""BEIR data sets, in a folder or a ZIP, read strictly: what does not fit is named with its file and line."""

from __future__ import annotations

import json
import shutil
import zipfile
import zlib
from collections.abc import Collection as Ids
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from core.errors import DataError, ExchangeError
from core.records.document import Document, Value
from core.records.judgments import Judgment, Qrels, free_split
from core.util.formatting import plural

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
        raise DataError(
            f"There is no folder {str(folder)!r}: give one with corpus.jsonl, queries.jsonl and qrels/{split}.tsv"
        )
    documents = {row_id: joined_text(row) for _, row_id, row in _rows(folder / "corpus.jsonl")}
    if not documents:
        raise DataError(f"{folder / 'corpus.jsonl'} holds no documents: nothing can be ranked")
    every_query = {row_id: (about, field_text(row, "text")) for about, row_id, row in _rows(folder / "queries.jsonl")}
    qrels, notes = _read_qrels(folder / "qrels" / f"{split}.tsv", documents.keys(), every_query.keys())
    for query in qrels:
        about, text = every_query[query]
        if not text:
            raise DataError(
                f"{about}: the query {query!r} is judged and has no text: give it one, or take its judgments out"
            )
    empty = sum(not text for text in documents.values())
    notes += [f"{plural(empty, 'document')} without text: they are ranked last, if at all"] if empty else []
    queries = {query: every_query[query][1] for query in qrels}
    return JudgedCollection(
        folder.resolve().name, list(documents), list(documents.values()), queries, qrels, tuple(notes)
    )


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
        raise DataError(
            f"{about}: the _id {row_id!r} is empty or holds a space, which runs and qrels cannot carry: rename it everywhere"
        )
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
            raise DataError(
                f"{path}, line {number}: document {document!r} was judged for query {query!r} before, with another score: keep one"
            )
    if not qrels:
        raise DataError(f"{path} holds no judgments: nothing can be measured")
    return qrels, _noted(path, qrels, header, again)


def _noted(path: Path, qrels: Qrels, header: bool, again: int) -> list[str]:
    nothing = sum(max(grades.values()) < 1 for grades in qrels.values())
    notes = [] if header else [f"{path.name} has no header: its first line was read as a judgment"]
    notes += [f"{plural(again, 'judgment')} given more than once, with the same score: counted once"] if again else []
    notes += (
        [f"{plural(nothing, 'judged query', 'judged queries')} with nothing relevant: counted, as 0 for every system"]
        if nothing
        else []
    )
    return notes


def _grade(text: str) -> int:
    grade = int(text)
    if abs(grade) > MOST_GRADE:
        raise ValueError(text)
    return grade


def _lines(path: Path) -> list[tuple[int, str]]:
    """The lines that hold something, with their numbers."""
    try:
        return [
            (number, line)
            for number, line in enumerate(path.read_text(encoding="utf-8-sig").split("\n"), 1)
            if line.strip()
        ]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path} cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'}): is this a BEIR folder?"
        ) from error


def joined_text(row: dict[str, Any]) -> str:
    """Return what is read of a corpus entry: its title, a space, its text."""
    return f"{field_text(row, 'title')} {field_text(row, 'text')}".strip()


def field_text(row: dict[str, Any], name: str) -> str:
    """Return one field as clean text, empty where there is none."""
    return str(row.get(name) or "").encode("utf-8", "replace").decode("utf-8").strip()  # JSON can spell what is no text


CORPUS, QUERIES, QRELS = "corpus.jsonl", "queries.jsonl", "qrels"


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
            _read_qrels_file(file, data)
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
        kept: dict[str, Value] = (
            {key: value for key, value in extra.items() if isinstance(value, Value)} if isinstance(extra, dict) else {}
        )
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
    files = (
        sorted((file for file in qrels.iterdir() if file.name.endswith(".tsv")), key=lambda file: file.name)
        if qrels.is_dir()
        else []
    )
    if not files:
        raise DataError(f"{qrels} holds no .tsv file, so that no query is judged: is this a BEIR folder?")
    return files


def _read_qrels_file(file: Traversable, data: BeirData) -> None:
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
            raise DataError(
                f"{about}: document {document!r} was judged for query {query!r} before, with another score: keep one"
            )
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
        raise DataError(
            f"{about}, is not 'query-id, corpus-id, score' between tabs, the score a whole number: mend or leave out the line"
        ) from error
    if abs(grade) > MOST_GRADE:
        raise DataError(f"{about}: the score {grade} is out of range: use at most {MOST_GRADE}")
    for kind, row_id, known, where in (
        ("query", query, data.queries, QUERIES),
        ("document", document, data.documents, CORPUS),
    ):
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


HEADER = "query-id\tcorpus-id\tscore\n"


def write_folder(
    folder: Path,
    texts: Iterable[tuple[str, str]],
    queries: Mapping[str, str],
    qrels: Mapping[str, Mapping[str, int]],
    split: str = "test",
) -> None:
    """Write a data set: ids with texts, queries by their ids, and ``qrels``, query id to document id to grade.

    Nothing is there under the folder's name until all of it is. Raises ExchangeError if the name is taken or cannot be written to.
    """
    refuse([folder])
    partial = folder.with_name(f"{folder.name}.part")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        (partial / QRELS).mkdir(parents=True)
        _write_rows(partial / CORPUS, ({"_id": name, "title": "", "text": text} for name, text in texts))
        _write_rows(partial / QUERIES, ({"_id": name, "text": text} for name, text in queries.items()))
        lines = (
            f"{query}\t{document}\t{grade}\n" for query, grades in qrels.items() for document, grade in grades.items()
        )
        (partial / QRELS / f"{split}.tsv").write_text("".join([HEADER, *lines]), encoding="utf-8")
        partial.replace(folder)
    except OSError as error:
        raise ExchangeError(f"{folder} cannot be written ({error.strerror or error}): choose another place") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def refuse(paths: Iterable[Path]) -> None:
    """Raise ExchangeError if something is at one of the paths already."""
    for path in paths:
        if path.exists():
            raise ExchangeError(f"{path} exists already: choose another name or remove it first")


def _write_rows(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
