"""Judgments from files onto a collection's documents, and out into files."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from core.errors import DataError, SettingsError
from core.exchange._part_exchange_qrels_in import Matching
from core.exchange._part_exchange_qrels_out import (
    best_by_document,
    queries_beside,
    write_beir,
    write_csv,
    write_quepid,
    write_trec,
)
from core.formats._part_exchange_qrels_lines import Line, read_beir_qrels, read_queries, read_trec
from core.formats.beir import QRELS, QUERIES
from core.formats.judgment_tables import read_csv, read_quepid
from core.judgments.queries import qrels_for, splits_for
from core.records.judgments import EVERYTHING, SAMPLES, SHARED, Judgment, free_split
from core.records.search import Collection
from core.store._part_judging_steps import now
from core.util.formatting import plural
from core.workspace import Workspace

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
    workspace: Workspace, collection: Collection, path: Path, form: Format | None = None, *, queries: Path | None = None, split: str | None = None, who: str = ""
) -> Moved:
    """Bring judgments onto a collection's documents, which are named by name or id; one on the same span is replaced. ``undo`` takes it back.

    They go into ``split``; None is the one that the file names, else one called like the file. Those of the split
    ``judged`` hold for every collection with the documents, all others belong to this one. ``queries`` is a file with the
    queries' texts, for TREC. Raises DataError, before anything is stored, for what contradicts itself or cannot be read.
    """
    if split in (SAMPLES, EVERYTHING):
        raise SettingsError(f"Nothing can be imported into {split!r}, which is a name of ours: choose another, or {SHARED!r}")
    if not path.exists():
        raise DataError(f"There is no file or folder {str(path)!r}: check the path")
    form = form or guess_format(path)
    texts, lines = _read(path, form, queries)
    here = workspace.judgments.queries(collection.key)
    origin = "" if form == "csv" else f"{_CALLED[form]} {path.name}"
    into = split or (SHARED if form == "csv" else free_split(path.stem))
    matching = Matching(str(path), workspace.documents(collection), {**here, **texts}, here, into, split is not None, who.strip(), now(), origin)
    found = matching.match(lines)
    asked = matching.asked
    workspace.judgments.take(collection.key, asked, found, f"import of {plural(len(found), 'judgment')} from {path.name}")
    return Moved(str(path), form, tuple(sorted({judgment.split for judgment in found})), len(asked), len(found), matching.notes)


def _read(path: Path, form: Format, queries: Path | None) -> tuple[dict[str, str], list[Line]]:
    """The queries that the file or its companion tells, and its lines."""
    if (form == "beir") != path.is_dir():
        raise DataError(f"{path} is {'a folder' if path.is_dir() else 'a file'}: BEIR's are folders with {QUERIES} and {QRELS}/*.tsv, the others files")
    if form == "beir":
        return read_beir_qrels(path)
    if form == "trec":
        beside = queries_beside(path)
        told = queries or (beside if beside.is_file() else None)
        return (read_queries(told) if told else {}), list(read_trec(path))
    return {}, list(read_quepid(path) if form == "quepid" else read_csv(path))


def export_judgments(workspace: Workspace, collection: Collection, path: Path, form: Format | None = None, *, split: str | None = None) -> Moved:
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
    notes = () if judged.per_document else (f"{plural(judged.judgments, 'judged span')} became {plural(written, 'judged document')}: the highest grade of each; csv keeps spans",)
    return Moved(str(path), form, (judged.split,), len(judged.queries), written, notes)


def _export_csv(workspace: Workspace, collection: Collection, path: Path, split: str | None) -> Moved:
    stored = workspace.judgments.judgments(collection.key, None if split == EVERYTHING else split)
    queries = workspace.judgments.queries(collection.key)
    if SAMPLES in splits_for(workspace, collection) and (split in (SAMPLES, EVERYTHING) or not stored):
        built_in = qrels_for(workspace, collection, SAMPLES)
        queries |= built_in.queries
        spans = ((query_id, one) for query_id, found in built_in.spans.items() for one in found)
        stored += [Judgment(SAMPLES, query_id, one.document_id, one.start, one.end, one.grade, "sample library") for query_id, one in spans]
    elif not stored:
        qrels_for(workspace, collection, split)  # says that nothing is judged, or which splits there are
    names = workspace.shelf.names(collection.key)
    write_csv(path, queries, stored, names)
    asked = {(judgment.split, judgment.query_id) for judgment in stored}
    return Moved(str(path), "csv", tuple(sorted({judgment.split for judgment in stored})), len(asked), len(stored))
