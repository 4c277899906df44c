"""Judgments from files onto a collection's documents, and out into files."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, get_args

from core.errors import DataError, ExchangeError, SettingsError
from core.formats.beir import QRELS, QUERIES, refuse, write_folder
from core.formats.judgment_tables import CSV_COLUMNS, read_csv, read_quepid
from core.formats.trec import Line, read_beir_qrels, read_queries, read_trec
from core.judgments.queries import USUAL, qrels_for, splits_for
from core.judgments.relevance import JudgedQueries
from core.records.judgments import (
    EVERYTHING,
    RESERVED,
    SAMPLES,
    SHARED,
    Judgment,
    free_split,
    normalise_query,
    query_id_of,
)
from core.records.search import Collection, StoredDocument
from core.store.judgments import now
from core.util.csv_safety import armoured, is_formula
from core.util.files import atomic_write
from core.util.formatting import clip, plural
from core.workspace import Workspace

NAMED = 3  # documents that a note names


@dataclass
class Matching:
    """What a collection has, and what is made of a file's lines; ``into`` is the split they go into where they name none, or whatever they name."""

    file: str
    documents: Sequence[StoredDocument]
    queries: Mapping[str, str]  # text by id, of the file and of the collection
    here: Mapping[str, str]  # text by id, of the collection alone
    into: str
    always: bool = False  # whether every line goes there
    who: str = ""
    made: str = ""
    origin: str = ""
    asked: dict[str, str] = field(default_factory=dict)
    judged: dict[tuple[str, str, str, int, int], tuple[Judgment, str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    missing: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_id = {document.document_id: document for document in self.documents}
        self._by_name: dict[str, list[StoredDocument]] = {}
        for document in self.documents:
            self._by_name.setdefault(document.name, []).append(document)

    def match(self, lines: Iterable[Line]) -> list[Judgment]:
        """Return the judgments. Raises DataError for lines that contradict others or themselves, and where nothing is left."""
        for line in lines:
            self.counts["lines"] += 1
            if line.split == SAMPLES and not self.always:
                self.counts["samples"] += 1
            elif line.grade is None:
                self.counts["unrated"] += 1
            else:
                self._add(line, line.grade)
        if not self.judged:
            raise DataError(
                f"{self.file} has no judgment that can be brought in: {'; '.join(self.notes) or 'it holds none'}"
            )
        return [judgment for judgment, _ in self.judged.values()]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was passed over, in words."""
        said = []
        if self.missing:
            named = ", ".join(clip(name, 60) for name in list(self.missing)[:NAMED])
            lines = sum(self.missing.values())
            more = ", …" if len(self.missing) > NAMED else ""
            said.append(
                f"{plural(lines, 'line')} {'names' if lines == 1 else 'name'} documents that are not here: {named}{more}"
            )
        for what, words in (
            ("unrated", "without a grade"),
            ("again", "said what another one says"),
            ("differ", "rated by several people: the highest grade counts"),
            ("samples", "of the sample library, whose judgments are built in"),
        ):
            if self.counts[what]:
                said.append(f"{plural(self.counts[what], 'line')} {words}")
        return tuple(said)

    def _add(self, line: Line, grade: int) -> None:
        document = self._document(line)
        if document is None:
            name = line.document or line.document_id
            self.missing[name] = self.missing.get(name, 0) + 1
            return
        start, end = (0, document.characters) if line.start is None or line.end is None else (line.start, line.end)
        if not 0 <= start < end <= document.characters:
            raise DataError(
                f"{line.about}: the characters {start} to {end} are not in {document.name!r}, which has {document.characters:,}: is it another text?"
            )
        split = (
            self.into
            if self.always or not line.split
            else line.split
            if line.split == SHARED
            else free_split(line.split)
        )
        made = self.made if line.made is None else line.made
        judgment = Judgment(
            split,
            self._query(line, split),
            document.document_id,
            start,
            end,
            grade,
            line.origin or self.origin,
            line.who or self.who,
            made,
            line.note,
        )
        self._keep(line, judgment)

    def _keep(self, line: Line, judgment: Judgment) -> None:
        """Keep a judgment unless it was there; two that differ are an error, but where people may differ."""
        there, about = self.judged.get(judgment.key, (judgment, line.about))
        if there is judgment:
            self.judged[judgment.key] = (judgment, line.about)
        elif line.several:
            self.counts["differ"] += 1
            self.judged[judgment.key] = (max(there, judgment, key=lambda one: one.grade), about)
        elif there.grade == judgment.grade:
            self.counts["again"] += 1
        else:
            raise DataError(
                f"{line.about}: {line.document or line.document_id!r} has grade {judgment.grade} for the query {line.query or line.query_id!r}, "
                f"and grade {there.grade} in {about}: keep one"
            )

    def _document(self, line: Line) -> StoredDocument | None:
        if line.document_id:
            return self._by_id.get(line.document_id)  # of the same name it may be another text
        named = self._by_name.get(line.document, [])
        if len(named) > 1:
            raise DataError(f"{line.about}: {len(named)} documents are called {line.document!r}: name one by its id")
        return named[0] if named else self._by_id.get(line.document)

    def _query(self, line: Line, split: str) -> str:
        """The id of the line's query, whose text is noted."""
        text = line.query or self.queries.get(line.query_id, "")
        if not normalise_query(text):
            what = (
                f"nobody says what the query {line.query_id!r} asks: give the queries' texts too"
                if line.query_id
                else "the query is empty"
            )
            raise DataError(f"{line.about}: {what}")
        query_id = query_id_of(text) if split == SHARED or not line.query_id else line.query_id
        if not query_id.isprintable() or any(map(str.isspace, query_id)):
            raise DataError(
                f"{line.about}: the query id {query_id!r} holds a space, which runs and qrels cannot carry: rename it"
            )
        there = self.asked.get(query_id) or (text if split == SHARED else self.here.get(query_id, text))
        if normalise_query(there) != normalise_query(text):
            raise DataError(
                f"{line.about}: the query {query_id!r} asks {clip(text, 80)!r} here and {clip(there, 80)!r} elsewhere: give one of them another id"
            )
        self.asked.setdefault(query_id, there)
        return query_id


Qrels = dict[str, dict[str, int]]


def best_by_document(judged: JudgedQueries) -> Qrels:
    """Return query id to document id to the highest grade of its judged spans."""
    best: Qrels = {}
    for query_id, spans in judged.spans.items():
        grades = best.setdefault(query_id, {})
        for span in spans:
            grades[span.document_id] = max(span.grade, grades.get(span.document_id, span.grade))
    return best


def names_in_files(names: Mapping[str, str]) -> dict[str, str]:
    """Return how documents are named where an id holds no space: by their names if all of these serve, else by their ids."""
    serve = len(set(names.values())) == len(names) and all(
        name.isprintable() and name and not any(map(str.isspace, name)) for name in names.values()
    )
    return dict(names) if serve else {document_id: document_id for document_id in names}


def write_trec(path: Path, judged: JudgedQueries, names: Mapping[str, str]) -> None:
    """Write qrels, and the queries' texts beside them as ``NAME.queries.tsv``. Raises ExchangeError."""
    called = names_in_files(names)
    lines = [
        f"{query} 0 {called.get(document, document)} {grade}\n"
        for query, grades in best_by_document(judged).items()
        for document, grade in grades.items()
    ]
    queries = [f"{query}\t{' '.join(text.split())}\n" for query, text in judged.queries.items()]
    _write({path: "".join(lines), queries_beside(path): "".join(queries)})


def queries_beside(path: Path) -> Path:
    """Return where the queries' texts of a file of TREC qrels lie."""
    return path.with_name(f"{path.stem}.queries.tsv")


def write_quepid(path: Path, judged: JudgedQueries, names: Mapping[str, str]) -> None:
    """Write ``query,docid,rating`` as Quepid does, a space before what a spreadsheet would run as a formula. Raises ExchangeError."""
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["query", "docid", "rating"])
    for query, grades in best_by_document(judged).items():
        text = " ".join(judged.queries[query].split())
        writer.writerows(
            [f" {text}" if is_formula(text) else text, names.get(document, document), grade]
            for document, grade in grades.items()
        )
    _write({path: table.getvalue()})


def write_csv(path: Path, queries: Mapping[str, str], judgments: Sequence[Judgment], names: Mapping[str, str]) -> None:
    """Write everything that is known of judgments, a line each. Raises ExchangeError."""
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for judgment in judgments:
        row = {
            **asdict(judgment),
            "query": queries.get(judgment.query_id, ""),
            "document": names.get(judgment.document_id, ""),
        }
        writer.writerow({name: armoured(row[name]) for name in CSV_COLUMNS})
    _write({path: table.getvalue()})


def write_beir(folder: Path, workspace: Workspace, collection: Collection, judged: JudgedQueries) -> None:
    """Write a whole BEIR folder, the documents' texts too, so that it can be measured anywhere. Raises ExchangeError."""
    names = workspace.shelf.names(collection.key)
    called = names_in_files(names)
    split = USUAL if judged.split in RESERVED else judged.split
    qrels = {
        query: {called[document]: grade for document, grade in grades.items() if document in names}
        for query, grades in best_by_document(judged).items()
    }
    texts = ((called[document_id], workspace.shelf.document(document_id).text) for document_id in names)
    write_folder(folder, texts, judged.queries, qrels, split)


def _write(files: Mapping[Path, str]) -> None:
    """Write new files; none replaces its path before all are written. Raises ExchangeError."""
    refuse(files)
    try:
        with ExitStack() as stack:
            for path, text in files.items():
                stack.enter_context(atomic_write(path)).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise ExchangeError(
            f"{next(iter(files))} cannot be written ({error.strerror or error}): choose another place"
        ) from error


Format = Literal["trec", "beir", "quepid", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)
_CALLED = {"trec": "TREC", "beir": "BEIR", "quepid": "Quepid", "csv": "CSV"}


@dataclass(frozen=True)
class Moved:
    """What came in or went out; ``notes`` say what a person should know of it."""

    file: str
    format: Format
    splits: tuple[str, ...]
    queries: int
    judgments: int
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return a plain dictionary for ``--json``."""
        return asdict(self)


def guess_format(path: Path) -> Format:
    """Return the format that a path looks like: a folder is BEIR's, a .csv Quepid's or ours by its header, else TREC."""
    if path.is_dir() or (not path.exists() and not path.suffix):
        return "beir"
    if path.suffix.lower() != ".csv":
        return "trec"
    if not path.is_file():
        return "csv"
    with path.open("rb") as file:
        header = file.readline().lower()
    return "csv" if b"grade" in header and (b"document_id" in header or b"start" in header) else "quepid"


def import_judgments(
    workspace: Workspace,
    collection: Collection,
    path: Path,
    form: Format | None = None,
    *,
    queries: Path | None = None,
    split: str | None = None,
    who: str = "",
) -> Moved:
    """Bring judgments onto a collection's documents, which are named by name or id; one on the same span is replaced. ``undo`` takes it back.

    They go into ``split``; None is the one that the file names, else one called like the file. Those of the split
    ``judged`` hold for every collection with the documents, all others belong to this one. ``queries`` is a file with the
    queries' texts, for TREC. Raises DataError, before anything is stored, for what contradicts itself or cannot be read.
    """
    if split in (SAMPLES, EVERYTHING):
        raise SettingsError(
            f"Nothing can be imported into {split!r}, which is a name of ours: choose another, or {SHARED!r}"
        )
    if not path.exists():
        raise DataError(f"There is no file or folder {str(path)!r}: check the path")
    form = form or guess_format(path)
    texts, lines = _read(path, form, queries)
    here = workspace.judgments.queries(collection.key)
    origin = "" if form == "csv" else f"{_CALLED[form]} {path.name}"
    into = split or (SHARED if form == "csv" else free_split(path.stem))
    matching = Matching(
        str(path),
        workspace.documents(collection),
        {**here, **texts},
        here,
        into,
        split is not None,
        who.strip(),
        now(),
        origin,
    )
    found = matching.match(lines)
    asked = matching.asked
    workspace.judgments.take(
        collection.key, asked, found, f"import of {plural(len(found), 'judgment')} from {path.name}"
    )
    return Moved(
        str(path), form, tuple(sorted({judgment.split for judgment in found})), len(asked), len(found), matching.notes
    )


def _read(path: Path, form: Format, queries: Path | None) -> tuple[dict[str, str], list[Line]]:
    """The queries that the file or its companion tells, and its lines."""
    if (form == "beir") != path.is_dir():
        raise DataError(
            f"{path} is {'a folder' if path.is_dir() else 'a file'}: BEIR's are folders with {QUERIES} and {QRELS}/*.tsv, the others files"
        )
    if form == "beir":
        return read_beir_qrels(path)
    if form == "trec":
        beside = queries_beside(path)
        told = queries or (beside if beside.is_file() else None)
        return (read_queries(told) if told else {}), list(read_trec(path))
    return {}, list(read_quepid(path) if form == "quepid" else read_csv(path))


def export_judgments(
    workspace: Workspace, collection: Collection, path: Path, form: Format | None = None, *, split: str | None = None
) -> Moved:
    """Write judgments into a new file, a new folder for BEIR.

    ``split`` None is the usual one, and all that is stored for CSV. Only CSV has room for spans: elsewhere a document
    gets the highest grade of its judged spans. Raises DataError where nothing is judged, ExchangeError where ``path``
    exists or cannot be written.
    """
    form = form or guess_format(path)
    if form == "csv":
        return _export_csv(workspace, collection, path, split)
    judged, names = qrels_for(workspace, collection, split), workspace.shelf.names(collection.key)
    if form == "beir":
        write_beir(path, workspace, collection, judged)
    elif form == "trec":
        write_trec(path, judged, names)
    else:
        write_quepid(path, judged, names)
    written = sum(map(len, best_by_document(judged).values()))
    notes = (
        ()
        if judged.per_document
        else (
            f"{plural(judged.judgments, 'judged span')} became {plural(written, 'judged document')}: the highest grade of each; csv keeps spans",
        )
    )
    return Moved(str(path), form, (judged.split,), len(judged.queries), written, notes)


def _export_csv(workspace: Workspace, collection: Collection, path: Path, split: str | None) -> Moved:
    stored = workspace.judgments.judgments(collection.key, None if split == EVERYTHING else split)
    queries = workspace.judgments.queries(collection.key)
    if SAMPLES in splits_for(workspace, collection) and (split in (SAMPLES, EVERYTHING) or not stored):
        built_in = qrels_for(workspace, collection, SAMPLES)
        queries |= built_in.queries
        spans = ((query_id, one) for query_id, found in built_in.spans.items() for one in found)
        stored += [
            Judgment(SAMPLES, query_id, one.document_id, one.start, one.end, one.grade, "sample library")
            for query_id, one in spans
        ]
    elif not stored:
        qrels_for(workspace, collection, split)  # says that nothing is judged, or which splits there are
    names = workspace.shelf.names(collection.key)
    write_csv(path, queries, stored, names)
    asked = {(judgment.split, judgment.query_id) for judgment in stored}
    return Moved(str(path), "csv", tuple(sorted({judgment.split for judgment in stored})), len(asked), len(stored))
