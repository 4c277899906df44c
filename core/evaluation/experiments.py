"""Experiments as they are kept: a folder each, in ``experiments`` in the data folder.

====================  ======================================================================================
``experiment.json``   what was asked, with which models and revisions, on which data (a hash), and its state
``questions.json``    the queries and judgments, as they were
``answers.jsonl``     the candidates of each query, a line each, written one by one: a killed run is resumed
``values.json``       every system's value on every query, by measure
``runs/``             a TREC run file for each system, and the qrels
====================  ======================================================================================

Every file is replaced in one step, so that none is ever half written; only the last line of ``answers.jsonl`` can be,
and is left out then.
"""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.background import State
from core.errors import DataError, StoreError
from core.evaluation.results import Results
from core.evaluation.runner import Request, runs_of
from core.evaluation.systems import Candidates, parse_system
from core.formats.trec import write_runs
from core.judgments.relevance import JudgedQueries, JudgedSpan
from core.util.files import atomic_write, atomic_write_text

FOLDER = "experiments"
LOCK = "lock"
EXPERIMENT, QUERIES, CANDIDATES, VALUES = "experiment.json", "questions.json", "answers.jsonl", "values.json"
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]*")
_DELETING = ".gone-"  # begins the name of a folder that is being deleted


@dataclass(frozen=True)
class Experiment:
    """What an experiment's own file says. ``facts`` are models, revisions and the data's hash, known once it began."""

    id: str
    folder: Path
    request: Request
    created: str  # ISO 8601, UTC
    state: State = "waiting"
    error: str = ""
    facts: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """The name that it was given, or what it is about."""
        return self.request.name or f"{', '.join(self.request.collections)}: {len(self.request.systems)} systems"

    @property
    def data(self) -> str:
        """The hash of queries, judgments and chunks; empty while it has not begun."""
        return str((self.facts or {}).get("data", ""))

    def judged(self) -> JudgedQueries:
        """Return the queries and judgments. Raises DataError for a damaged file."""
        record = _read(self.folder / QUERIES)
        spans = {query: [JudgedSpan(**span) for span in judged] for query, judged in record["spans"].items()}
        return JudgedQueries(record["queries"], record["qrels"], spans, per_document=not spans)

    def candidates(self) -> list[Candidates]:
        """Return what was retrieved so far, without a half-written last line. Raises DataError."""
        path = self.folder / CANDIDATES
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            raise _damaged(path, error) from error
        return [Candidates.from_json(line) for line in text.split("\n")[:-1]]

    def mend(self) -> None:
        """Cut off a half-written last line. Raises StoreError."""
        path = self.folder / CANDIDATES
        with writable(self.folder):
            written = path.read_bytes() if path.exists() else b""
            complete = written[: written.rfind(b"\n") + 1]
            if len(complete) < len(written):
                with atomic_write(path) as temporary:
                    temporary.write_bytes(complete)

    def results(self) -> Results:
        """Return the figures. Raises DataError where it is not done, or a file is damaged."""
        if self.state != "done":
            raise DataError(
                f"The experiment {self.name!r} is {self.state}, so there are no figures yet: let it come to its end"
            )
        record, judged = _read(self.folder / VALUES), self.judged()
        systems = [parse_system(name, self.request.pool, self.request.corpora) for name in record["values"]]
        return Results(
            judged.queries,
            judged.qrels,
            runs_of(systems, self.candidates()),
            record["values"],
            record["judged"],
            self.notes,
            tuple(record["measures"]),
        )


def create(data: Path, request: Request) -> Experiment:
    """Make a waiting experiment in the data folder ``data``. Raises StoreError."""
    now = datetime.now(UTC)
    id_ = f"{now:%Y%m%d-%H%M%S-%f}-{uuid.uuid4().hex[:4]}"  # sorts by time
    experiment = Experiment(id_, data / FOLDER / id_, request, now.isoformat(timespec="seconds"))
    with writable(experiment.folder):
        experiment.folder.mkdir(parents=True)
    return save(experiment)


def save(experiment: Experiment, **changes: Any) -> Experiment:
    """Write an experiment's own file with ``changes`` to its fields; return it. Raises StoreError."""
    changed = replace(experiment, **changes)
    record = {name: value for name, value in asdict(changed).items() if name not in ("folder", "id")}
    with writable(changed.folder):
        atomic_write_text(changed.folder / EXPERIMENT, json.dumps(record, ensure_ascii=False, indent=2))
    return changed


def save_judged(experiment: Experiment, judged: JudgedQueries) -> None:
    """Keep the queries and judgments as they are now. Raises StoreError."""
    judged_spans = {} if judged.per_document else judged.spans
    spans = {query: [asdict(span) for span in spans] for query, spans in judged_spans.items()}
    record = {"queries": dict(judged.queries), "qrels": judged.qrels, "spans": spans}
    with writable(experiment.folder):
        atomic_write_text(experiment.folder / QUERIES, json.dumps(record, ensure_ascii=False))


def save_results(experiment: Experiment, results: Results) -> None:
    """Keep the figures and the run files. Raises StoreError or DataError."""
    record = {"measures": results.measures, "values": results.values, "judged": results.judged}
    write_runs(experiment.folder / "runs", {name: run.ranking for name, run in results.runs.items()}, results.qrels)
    with writable(experiment.folder):
        atomic_write_text(experiment.folder / VALUES, json.dumps(record, ensure_ascii=False))


def open_experiment(data: Path, id_: str) -> Experiment:
    """Return the experiment of that id. Raises DataError where there is none, or its file is damaged."""
    folder = _folder(data, id_)
    record = _read(folder / EXPERIMENT)
    try:
        request, notes = Request.from_json(record.pop("request")), tuple(record.pop("notes"))
        return Experiment(id_, folder, request, notes=notes, **record)
    except (TypeError, KeyError) as error:
        raise _damaged(folder / EXPERIMENT, error) from error


def experiments(data: Path) -> tuple[list[Experiment], list[str]]:
    """Return the experiments of a data folder, newest first, and what is wrong with those that cannot be read."""
    readable, problems = [], []
    for path in sorted((data / FOLDER).glob(f"[!.]*/{EXPERIMENT}"), reverse=True):
        try:
            readable.append(open_experiment(data, path.parent.name))
        except DataError as error:
            problems.append(str(error))
    return readable, problems


def delete(data: Path, id_: str) -> None:
    """Delete an experiment: it leaves the list in one step. Raises DataError or StoreError."""
    folder = _folder(data, id_)
    with writable(folder):
        shutil.rmtree(folder.rename(folder.with_name(f"{_DELETING}{id_}")))


def _folder(data: Path, id_: str) -> Path:
    """Return an experiment's folder. Ids come from addresses and may be anything. Raises DataError."""
    folder = data / FOLDER / id_
    if not _ID.fullmatch(id_) or not (folder / EXPERIMENT).exists():
        raise DataError(f"There is no experiment {id_!r}: it may have been deleted meanwhile")
    return folder


@contextmanager
def writable(folder: Path) -> Iterator[None]:
    """Raise what goes wrong with an experiment's files as StoreError."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The experiment in {folder} cannot be written ({error.strerror or error}): is the disk full?"
        ) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from error
    if not isinstance(record, dict):
        raise _damaged(path, "it holds no object")
    return record


def _damaged(path: Path, error: object) -> DataError:
    return DataError(f"{path} cannot be read ({error}): delete the experiment and run it again")
