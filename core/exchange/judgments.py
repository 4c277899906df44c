"""Judgments of a collection, imported from files and exported to files: TREC, BEIR, Quepid, and our own CSV."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

from core.errors import DataError, ExchangeError, SettingsError
from core.formats.beir import QRELS, QUERIES, read_beir_judgments, refuse_existing, write_beir
from core.formats.judgment_tables import csv_text, quepid_text, read_csv, read_quepid
from core.formats.lines import JudgmentFormat, JudgmentLine
from core.formats.trec import qrels_text, read_queries, read_trec
from core.judgments.queries import DEFAULT_SPLIT, judged_queries_for, splits_for
from core.judgments.relevance import JudgedQueries
from core.records.judgments import (
    EVERYTHING,
    RESERVED,
    SAMPLES,
    SHARED,
    Judgment,
    Qrels,
    free_split,
    normalise_query,
    query_id_of,
)
from core.records.search import Collection, StoredDocument
from core.store.judgments import now
from core.util.files import atomic_write
from core.util.formatting import clip, plural
from core.workspace import Workspace

NAMED = 3  # unknown documents that a note names
_FORMAT_NAMES = {"trec": "TREC", "beir": "BEIR", "quepid": "Quepid"}


@dataclass(frozen=True)
class JudgmentTransfer:
    """What was imported or exported; ``notes`` are remarks for the person."""

    file: str
    format: JudgmentFormat
    splits: tuple[str, ...]
    queries: int
    judgments: int
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return a plain dictionary for ``--json``."""
        return asdict(self)


def guess_format(path: Path) -> JudgmentFormat:
    """Return the format of a path: BEIR for a folder, Quepid's or our own for a .csv by its header, else TREC."""
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
    file_format: JudgmentFormat | None = None,
    *,
    queries: Path | None = None,
    split: str | None = None,
    who: str = "",
) -> JudgmentTransfer:
    """Import judgments on a collection's documents, which the file names by name or id; ``undo`` takes them back.

    A judgment on the same query and span is replaced. They go into ``split``; None is the one that the file names, else
    one called like the file. Those of the split ``judged`` hold for every collection with the documents, all others
    belong to this one. ``queries`` is a file with the queries' texts, for TREC. Raises SettingsError for a split with a
    reserved name, and DataError, before anything is stored, for what contradicts itself or cannot be read.
    """
    if split in (SAMPLES, EVERYTHING):
        raise SettingsError(
            f"Nothing can be imported into {split!r}, which is a name of ours: choose another, or {SHARED!r}"
        )
    if not path.exists():
        raise DataError(f"There is no file or folder {str(path)!r}: check the path")
    file_format = file_format or guess_format(path)
    file_queries, lines, notes = _read(path, file_format, queries)
    stored_queries = workspace.judgments.queries(collection.key)
    matcher = JudgmentMatcher(
        str(path),
        workspace.documents(collection),
        {**stored_queries, **file_queries},
        stored_queries,
        split or (SHARED if file_format == "csv" else free_split(path.stem)),
        force_split=split is not None,
        who=who.strip(),
        made=now(),
        origin="" if file_format == "csv" else f"{_FORMAT_NAMES[file_format]} {path.name}",
    )
    judgments = matcher.match(lines)
    workspace.judgments.import_judgments(
        collection.key,
        matcher.matched_queries,
        judgments,
        f"import of {plural(len(judgments), 'judgment')} from {path.name}",
    )
    splits = tuple(sorted({judgment.split for judgment in judgments}))
    return JudgmentTransfer(
        str(path), file_format, splits, len(matcher.matched_queries), len(judgments), (*notes, *matcher.notes)
    )


def _read(
    path: Path, file_format: JudgmentFormat, queries: Path | None
) -> tuple[dict[str, str], Iterable[JudgmentLine], tuple[str, ...]]:
    """Return the queries in the file or beside it, its judgments, and notes on how it was read."""
    if (file_format == "beir") != path.is_dir():
        raise DataError(
            f"{path} is {'a folder' if path.is_dir() else 'a file'}: "
            f"BEIR's are folders with {QUERIES} and {QRELS}/*.tsv, the others files"
        )
    if file_format == "beir":
        return read_beir_judgments(path)
    if file_format == "trec":
        beside = _queries_beside(path)
        queries = queries or (beside if beside.is_file() else None)
        return read_queries(queries) if queries else {}, read_trec(path), ()
    return {}, read_quepid(path) if file_format == "quepid" else read_csv(path), ()


def _queries_beside(path: Path) -> Path:
    """Return where the queries' texts of a file of TREC qrels are: in ``NAME.queries.tsv`` beside it."""
    return path.with_name(f"{path.stem}.queries.tsv")


@dataclass
class JudgmentMatcher:
    """Matches the judgments of a file with the documents and queries of a collection.

    Lines without a split go into ``split``, with ``force_split`` all lines do.
    """

    file: str
    documents: Sequence[StoredDocument]
    queries: Mapping[str, str]  # text by id, of the file and of the collection
    stored_queries: Mapping[str, str]  # text by id, of the collection alone
    split: str
    force_split: bool = False
    who: str = ""  # for lines that do not name a rater; so are time and origin
    made: str = ""
    origin: str = ""
    matched_queries: dict[str, str] = field(default_factory=dict)  # text by id
    _judgments: dict[tuple[str, str, str, int, int], tuple[Judgment, str]] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)
    _unknown_documents: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._by_id = {document.document_id: document for document in self.documents}
        self._by_name: dict[str, list[StoredDocument]] = {}
        for document in self.documents:
            self._by_name.setdefault(document.name, []).append(document)

    def match(self, lines: Iterable[JudgmentLine]) -> list[Judgment]:
        """Return the judgments. Raises DataError for lines that contradict others, and where none can be imported."""
        for line in lines:
            if line.split == SAMPLES and not self.force_split:
                self._counts["samples"] += 1
            elif line.grade is None:
                self._counts["unrated"] += 1
            else:
                self._add(line, line.grade)
        if not self._judgments:
            raise DataError(
                f"{self.file} has no judgment that can be brought in: {'; '.join(self.notes) or 'it holds none'}"
            )
        return [judgment for judgment, _ in self._judgments.values()]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out or merged, in words."""
        notes = []
        if self._unknown_documents:
            names = ", ".join(clip(name, 60) for name in list(self._unknown_documents)[:NAMED])
            more = ", …" if len(self._unknown_documents) > NAMED else ""
            lines = self._unknown_documents.total()
            verb = "names" if lines == 1 else "name"
            notes.append(f"{plural(lines, 'line')} {verb} documents that are not here: {names}{more}")
        for kind, words in (
            ("unrated", "without a grade"),
            ("repeated", "said what another one says"),
            ("differing", "rated by several people: the highest grade counts"),
            ("samples", "of the sample library, whose judgments are built in"),
        ):
            if self._counts[kind]:
                notes.append(f"{plural(self._counts[kind], 'line')} {words}")
        return tuple(notes)

    def _add(self, line: JudgmentLine, grade: int) -> None:
        document = self._document(line)
        if document is None:
            self._unknown_documents[line.document or line.document_id] += 1
            return
        start, end = (0, document.characters) if line.start is None or line.end is None else (line.start, line.end)
        if not 0 <= start < end <= document.characters:
            raise DataError(
                f"{line.location}: the characters {start} to {end} are not in {document.name!r}, "
                f"which has {document.characters:,}: is it another text?"
            )
        if self.force_split or not line.split:
            split = self.split
        else:
            split = line.split if line.split == SHARED else free_split(line.split)
        judgment = Judgment(
            split,
            self._query_id(line, split),
            document.document_id,
            start,
            end,
            grade,
            line.origin or self.origin,
            line.who or self.who,
            self.made if line.made is None else line.made,
            line.note,
        )
        earlier, location = self._judgments.setdefault(judgment.key, (judgment, line.location))
        if earlier is judgment:
            return
        if line.several_raters:
            self._counts["differing"] += 1
            self._judgments[judgment.key] = (max(earlier, judgment, key=lambda one: one.grade), location)
        elif earlier.grade == grade:
            self._counts["repeated"] += 1
        else:
            raise DataError(
                f"{line.location}: {line.document or line.document_id!r} has grade {grade} "
                f"for the query {line.query or line.query_id!r}, and grade {earlier.grade} in {location}: keep one"
            )

    def _document(self, line: JudgmentLine) -> StoredDocument | None:
        if line.document_id:
            return self._by_id.get(line.document_id)  # a document of the same name may have another text
        named = self._by_name.get(line.document, [])
        if len(named) > 1:
            raise DataError(f"{line.location}: {len(named)} documents are called {line.document!r}: name one by its id")
        return named[0] if named else self._by_id.get(line.document)

    def _query_id(self, line: JudgmentLine, split: str) -> str:
        """Return the id of the line's query, and note its text in ``matched_queries``."""
        text = line.query or self.queries.get(line.query_id, "")
        if not normalise_query(text):
            if line.query_id:
                problem = f"nobody says what the query {line.query_id!r} asks: give the queries' texts too"
            else:
                problem = "the query is empty"
            raise DataError(f"{line.location}: {problem}")
        query_id = query_id_of(text) if split == SHARED or not line.query_id else line.query_id
        if not query_id.isprintable() or any(map(str.isspace, query_id)):
            raise DataError(
                f"{line.location}: the query id {query_id!r} holds a space, which runs and qrels cannot carry: "
                "rename it"
            )
        known = self.matched_queries.get(query_id) or (
            text if split == SHARED else self.stored_queries.get(query_id, text)
        )
        if normalise_query(known) != normalise_query(text):
            raise DataError(
                f"{line.location}: the query {query_id!r} asks {clip(text, 80)!r} here "
                f"and {clip(known, 80)!r} elsewhere: give one of them another id"
            )
        self.matched_queries.setdefault(query_id, known)
        return query_id


def export_judgments(
    workspace: Workspace,
    collection: Collection,
    path: Path,
    file_format: JudgmentFormat | None = None,
    *,
    split: str | None = None,
) -> JudgmentTransfer:
    """Write judgments into a new file, a new folder for BEIR.

    ``split`` None is the usual one, and all that is stored for CSV. Only CSV has room for spans: elsewhere a document
    gets the highest grade of its judged spans. Raises DataError where nothing is judged, ExchangeError where ``path``
    exists or cannot be written.
    """
    file_format = file_format or guess_format(path)
    if file_format == "csv":
        return _export_csv(workspace, collection, path, split)
    judged, names = judged_queries_for(workspace, collection, split), workspace.document_store.names(collection.key)
    qrels = highest_by_document(judged)
    if file_format == "beir":
        ids = _export_ids(names)
        write_beir(
            path,
            ((ids[document_id], workspace.document_store.document(document_id).text) for document_id in names),
            judged.queries,
            {
                query: _renamed({one: grades[one] for one in grades if one in names}, ids)
                for query, grades in qrels.items()
            },
            DEFAULT_SPLIT if judged.split in RESERVED else judged.split,
        )
    elif file_format == "trec":
        ids = _export_ids(names)
        text = qrels_text({query: _renamed(grades, ids) for query, grades in qrels.items()}, escape=False)
        queries = "".join(f"{query}\t{' '.join(text.split())}\n" for query, text in judged.queries.items())
        _write({path: text, _queries_beside(path): queries})
    else:
        ratings = (
            (judged.queries[query], names.get(document, document), grade)
            for query, grades in qrels.items()
            for document, grade in grades.items()
        )
        _write({path: quepid_text(ratings)})
    written = sum(map(len, qrels.values()))
    notes: tuple[str, ...] = ()
    if not judged.per_document:
        notes = (
            f"{plural(judged.judgments, 'judged span')} became {plural(written, 'judged document')}: "
            "the highest grade of each; csv keeps spans",
        )
    return JudgmentTransfer(str(path), file_format, (judged.split,), len(judged.queries), written, notes)


def _export_csv(workspace: Workspace, collection: Collection, path: Path, split: str | None) -> JudgmentTransfer:
    judgments = workspace.judgments.judgments(collection.key, None if split == EVERYTHING else split)
    queries = workspace.judgments.queries(collection.key)
    if SAMPLES in splits_for(workspace, collection) and (split in (SAMPLES, EVERYTHING) or not judgments):
        samples = judged_queries_for(workspace, collection, SAMPLES)
        queries |= samples.queries
        judgments += [
            Judgment(SAMPLES, query_id, span.document_id, span.start, span.end, span.grade, "sample library")
            for query_id, spans in samples.spans.items()
            for span in spans
        ]
    elif not judgments:
        judged_queries_for(workspace, collection, split)  # raises: nothing is judged, or there is no such split
    names = workspace.document_store.names(collection.key)
    rows = (
        {
            **asdict(judgment),
            "query": queries.get(judgment.query_id, ""),
            "document": names.get(judgment.document_id, ""),
        }
        for judgment in judgments
    )
    _write({path: csv_text(rows)})
    splits = tuple(sorted({judgment.split for judgment in judgments}))
    judged = {(judgment.split, judgment.query_id) for judgment in judgments}
    return JudgmentTransfer(str(path), "csv", splits, len(judged), len(judgments))


def highest_by_document(judged: JudgedQueries) -> Qrels:
    """Return query id to document id to the highest grade of its judged spans."""
    qrels: Qrels = {}
    for query_id, spans in judged.spans.items():
        grades = qrels.setdefault(query_id, {})
        for span in spans:
            grades[span.document_id] = max(span.grade, grades.get(span.document_id, span.grade))
    return qrels


def _export_ids(names: Mapping[str, str]) -> dict[str, str]:
    """Return the id of each document in formats whose ids hold no space, by document id.

    They are the documents' names if all of these are distinct and without spaces, else the document ids.
    """
    usable = len(set(names.values())) == len(names) and all(
        name.isprintable() and name and not any(map(str.isspace, name)) for name in names.values()
    )
    return dict(names) if usable else {document_id: document_id for document_id in names}


def _renamed(grades: Mapping[str, int], ids: Mapping[str, str]) -> dict[str, int]:
    return {ids.get(document, document): grade for document, grade in grades.items()}


def _write(files: Mapping[Path, str]) -> None:
    """Write new files; none replaces its path before all are written. Raises ExchangeError."""
    refuse_existing(files)
    try:
        with ExitStack() as stack:
            for path, text in files.items():
                stack.enter_context(atomic_write(path)).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise ExchangeError(
            f"{next(iter(files))} cannot be written ({error.strerror or error}): choose another place"
        ) from error
