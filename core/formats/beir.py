"""BEIR data sets: ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/SPLIT.tsv``, in a folder or a ZIP.

The format of Thakur et al. (BEIR: a heterogeneous benchmark for zero-shot evaluation of information retrieval models,
2021). Import and evaluation share this reader; what does not fit is refused with its file and line.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

from core.errors import DataError, ExchangeError
from core.formats.lines import MAX_GRADE, JudgmentLine, numbered_lines
from core.records.document import Document, Value
from core.records.judgments import Qrels, free_split
from core.util.files import atomic_write
from core.util.formatting import plural

CORPUS, QUERIES, QRELS = "corpus.jsonl", "queries.jsonl", "qrels"
_LAYOUT = f"a BEIR folder holds {CORPUS}, {QUERIES} and {QRELS}/*.tsv"
HEADER = "query-id\tcorpus-id\tscore\n"
_SCORE_NAMES = ("score", "grade", "relevance")  # what the last column of a header is called


@dataclass(frozen=True)
class BeirDataset:
    """A data set: documents and queries by id, and for each split its qrels, query id to document id to grade.

    A document's text is its title, a space, and its text; both may be empty. Every judged query has a text.
    """

    name: str
    documents: dict[str, Document]
    queries: dict[str, str]
    qrels: dict[str, Qrels]
    notes: tuple[str, ...] = ()  # what was accepted, but should be known

    @property
    def document_ids(self) -> list[str]:
        """The ids of the documents, in the order of the corpus."""
        return list(self.documents)

    @property
    def texts(self) -> list[str]:
        """The texts of the documents, in the order of the corpus."""
        return [document.text for document in self.documents.values()]

    def judged_queries(self, split: str) -> dict[str, str]:
        """Return the texts of the queries that are judged in a split, by id, in the order of its qrels."""
        return {query_id: self.queries[query_id] for query_id in self.qrels[split]}

    def evaluation_notes(self, split: str) -> tuple[str, ...]:
        """Return ``notes``, and what else should be known before systems are measured on a split."""
        irrelevant = sum(max(grades.values()) < 1 for grades in self.qrels[split].values())
        empty = sum(not document.text for document in self.documents.values())
        notes = list(self.notes)
        if irrelevant:
            queries = plural(irrelevant, "judged query", "judged queries")
            notes.append(f"{queries} with nothing relevant: counted, as 0 for every system")
        if empty:
            notes.append(f"{plural(empty, 'document')} without text: they are ranked last, if at all")
        return tuple(notes)


def is_beir(path: Path) -> bool:
    """Whether a folder or a ZIP has a BEIR corpus in it."""
    if path.is_dir():
        return (path / CORPUS).is_file()
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(Path(name).name == CORPUS for name in archive.namelist())


def read_beir(path: Path, split: str | None = None) -> BeirDataset:
    """Read the folder or ZIP ``path`` with the qrels of one split, None for all there are.

    Raises DataError, naming file and line, for what is missing, cannot be read or contradicts itself.
    """
    with _open_folder(path) as folder:
        documents = {row_id: _document(row_id, row) for _, row_id, row in _json_rows(folder / CORPUS)}
        if not documents:
            raise DataError(f"{folder / CORPUS} holds no documents: is this a BEIR folder?")
        locations, queries = {}, {}
        for location, row_id, row in _json_rows(folder / QUERIES):
            locations[row_id], queries[row_id] = location, _field_text(row, "text")
        notes: list[str] = []
        repeated = 0
        qrels: dict[str, Qrels] = {}
        for file in _qrels_files(folder) if split is None else [folder / QRELS / f"{split}.tsv"]:
            lines, header_notes = _read_qrels(file)
            notes += header_notes
            of_split = qrels[file.name.removesuffix(".tsv")] = _qrels(lines, queries, documents)
            repeated += len(lines) - sum(map(len, of_split.values()))
        for query_id in (query_id for of_split in qrels.values() for query_id in of_split):
            if not queries[query_id]:
                raise DataError(
                    f"{locations[query_id]}: the query {query_id!r} is judged and has no text: "
                    "give it one, or take its judgments out"
                )
    if repeated:
        notes.append(f"{plural(repeated, 'judgment')} given more than once, with the same score: counted once")
    return BeirDataset(path.stem if path.is_file() else path.resolve().name, documents, queries, qrels, tuple(notes))


def read_beir_judgments(folder: Path) -> tuple[dict[str, str], list[JudgmentLine], tuple[str, ...]]:
    """Return the queries, the judgments of all splits, and notes on them; the corpus is not read.

    Raises DataError, naming file and line.
    """
    queries = read_queries(folder / QUERIES)
    lines: list[JudgmentLine] = []
    notes: list[str] = []
    for file in _qrels_files(folder):
        of_split, header_notes = _read_qrels(file)
        lines += of_split
        notes += header_notes
    return queries, lines, tuple(notes)


def read_queries(file: Traversable) -> dict[str, str]:
    """Return query id to text of a file in the format of ``queries.jsonl``. Raises DataError, naming file and line."""
    return {row_id: _field_text(row, "text") for _, row_id, row in _json_rows(file)}


def write_beir(
    folder: Path,
    texts: Iterable[tuple[str, str]],
    queries: Mapping[str, str],
    qrels: Mapping[str, Mapping[str, int]],
    split: str = "test",
) -> None:
    """Write a data set into a new folder: document ids with texts, queries by id, and the qrels of one split.

    The folder appears when it is complete. Raises ExchangeError if it exists or cannot be written.
    """
    refuse_existing([folder])
    try:
        with atomic_write(folder) as temporary:
            (temporary / QRELS).mkdir(parents=True)
            _write_rows(temporary / CORPUS, ({"_id": name, "title": "", "text": text} for name, text in texts))
            _write_rows(temporary / QUERIES, ({"_id": name, "text": text} for name, text in queries.items()))
            lines = (
                f"{query}\t{document}\t{grade}\n"
                for query, grades in qrels.items()
                for document, grade in grades.items()
            )
            (temporary / QRELS / f"{split}.tsv").write_text("".join([HEADER, *lines]), encoding="utf-8")
    except OSError as error:
        raise ExchangeError(f"{folder} cannot be written ({error.strerror or error}): choose another place") from error


def refuse_existing(paths: Iterable[Path]) -> None:
    """Raise ExchangeError if one of the paths exists."""
    for path in paths:
        if path.exists():
            raise ExchangeError(f"{path} exists already: choose another name or remove it first")


def _write_rows(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@contextmanager
def _open_folder(path: Path) -> Iterator[Traversable]:
    """Yield the folder that holds the corpus, on disk or in a ZIP."""
    if path.is_dir():
        yield path
        return
    if not path.exists():
        raise DataError(f"There is no folder {str(path)!r}: give one with {CORPUS}, {QUERIES} and {QRELS}/*.tsv")
    try:
        with zipfile.ZipFile(path) as archive:
            corpus = next((name for name in archive.namelist() if Path(name).name == CORPUS), CORPUS)
            if any(member.flag_bits & 1 for member in archive.infolist()):
                raise DataError(f"{path} is locked with a password: unlock it first")
            yield zipfile.Path(archive, corpus.removesuffix(CORPUS))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DataError(f"{path} is damaged or was cut off ({error}): fetch it again") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}): check the path") from error


def _json_rows(file: Traversable) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Yield location, id and object of every line; ids must differ, and be such that runs and qrels can carry them."""
    seen: dict[str, int] = {}
    for number, line in numbered_lines(file, _LAYOUT):
        location = f"{file}, line {number}"
        try:
            row = json.loads(line)
            row_id = row["_id"]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise DataError(f"{location}, is not a JSON object with an '_id': mend or leave out the line") from error
        if isinstance(row_id, bool) or not isinstance(row_id, str | int):
            raise DataError(f"{location}: the _id {row_id!r} is neither text nor a whole number: mend the line")
        row_id = str(row_id)
        if not row_id or any(map(str.isspace, row_id)) or not row_id.isprintable():
            raise DataError(
                f"{location}: the _id {row_id!r} is empty or holds a space, which runs and qrels cannot carry: "
                "rename it everywhere"
            )
        if row_id in seen:
            raise DataError(f"{location}: the _id {row_id!r} was there in line {seen[row_id]}: ids must differ")
        seen[row_id] = number
        yield location, row_id, row


def _document(row_id: str, row: Mapping[str, object]) -> Document:
    """Return a corpus entry as a document; its title and its simple metadata become the document's metadata."""
    title, extra = _field_text(row, "title"), row.get("metadata")
    text = f"{title} {_field_text(row, 'text')}".strip()
    metadata: dict[str, Value] = {}
    if isinstance(extra, dict):
        metadata = {key: value for key, value in extra.items() if isinstance(value, Value)}
    if title:
        metadata["title"] = title
    return Document(row_id, text, size=len(text.encode()), metadata=metadata)


def _field_text(row: Mapping[str, object], name: str) -> str:
    """Return a field as text, empty where there is none; lone surrogates, which JSON can spell, become ``?``."""
    return str(row.get(name) or "").encode("utf-8", "replace").decode("utf-8").strip()


def _qrels_files(folder: Traversable) -> list[Traversable]:
    qrels = folder / QRELS
    files = [file for file in qrels.iterdir() if file.name.endswith(".tsv")] if qrels.is_dir() else []
    if not files:
        raise DataError(f"{qrels} holds no .tsv file, so that no query is judged: is this a BEIR folder?")
    return sorted(files, key=lambda file: file.name)


def _read_qrels(file: Traversable) -> tuple[list[JudgmentLine], list[str]]:
    """Return the judgments of a file, and a note where it has no header; their split is named like the file."""
    split = free_split(file.name.removesuffix(".tsv"))
    lines: list[JudgmentLine] = []
    has_header = False
    for index, (number, text) in enumerate(numbered_lines(file, _LAYOUT)):
        cells = [cell.strip() for cell in text.split("\t")]
        if index == 0 and cells[-1].lower() in _SCORE_NAMES:
            has_header = True
            continue
        location = f"{file}, line {number}"
        try:
            query_id, document_id, score = cells
            grade = int(score)
            if not query_id or not document_id or abs(grade) > MAX_GRADE:
                raise ValueError(text)
        except ValueError as error:
            raise DataError(
                f"{location}, is not 'query-id, corpus-id, score' between tabs, "
                f"the score a whole number up to {MAX_GRADE}: mend or leave out the line"
            ) from error
        lines.append(JudgmentLine(location, document_id, grade, split, query_id))
    if not lines:
        raise DataError(f"{file} holds no judgments: fill or remove it")
    return lines, [] if has_header else [f"{file.name} has no header: its first line was read as a judgment"]


def _qrels(lines: Iterable[JudgmentLine], queries: Mapping[str, str], documents: Mapping[str, Document]) -> Qrels:
    """Return the grades by query and document. Raises DataError for unknown ids and for contradictions."""
    qrels: Qrels = {}
    for line in lines:
        for kind, row_id, known, source in (
            ("query", line.query_id, queries, QUERIES),
            ("document", line.document, documents, CORPUS),
        ):
            if row_id not in known:
                raise DataError(
                    f"{line.location}: the {kind} {row_id!r} is not in {source}: mend or leave out the line"
                )
        assert line.grade is not None  # _read_qrels sets it
        if qrels.setdefault(line.query_id, {}).setdefault(line.document, line.grade) != line.grade:
            raise DataError(
                f"{line.location}: document {line.document!r} was judged for query {line.query_id!r} before, "
                "with another score: keep one"
            )
    return qrels
