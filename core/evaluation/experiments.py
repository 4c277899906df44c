"""Experiments as they are kept: a folder each, in ``experiments`` in the data folder.

==================  =======================================================================================
``experiment.json``  what was asked, with which models and revisions, on which data (a hash), and how it ended
``questions.json``   the queries and judgments, as they were
``answers.jsonl``    what the stages made of each query, a line each, written one by one: a killed run goes on
``values.json``      every system's value on every query, by measure
``runs/``            a TREC run file for each system, and the judgments
==================  =======================================================================================

A file is written beside its place and then put there, so that none is ever there by half; of ``answers.jsonl`` the last
line alone can be, and is then left out.
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
from typing import Any, Literal

from core.errors import DataError, StoreError
from core.evaluation.results import Results
from core.evaluation.runner import Request, runs_of
from core.evaluation.systems import Answer, parse_system
from core.formats.trec import write_runs
from core.judgments.relevance import JudgedSpan, Questions
from core.util.files import atomic_write, atomic_write_text

FOLDER = "experiments"
LOCK = "lock"
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]*")
_GONE = ".gone-"  # begins the name of a folder that is being deleted
State = Literal["waiting", "running", "done", "failed", "cancelled"]


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

    def questions(self) -> Questions:
        """Return the queries and judgments. Raises DataError for a damaged file."""
        held = _read(self.folder / "questions.json")
        spans = {query: [JudgedSpan(**span) for span in found] for query, found in held["spans"].items()}
        return Questions(held["queries"], held["qrels"], spans)

    def answers(self) -> list[Answer]:
        """Return what was answered so far; a last line that was written by half is left out. Raises DataError."""
        return [Answer.of_line(line) for line in self._lines()]

    def _lines(self) -> list[str]:
        try:
            text = (self.folder / "answers.jsonl").read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            raise _damaged(self.folder / "answers.jsonl", error) from error
        return text.split("\n")[:-1]

    def mend(self) -> None:
        """Cut off a last line that was written by half. Raises StoreError."""
        with writable(self.folder):
            path = self.folder / "answers.jsonl"
            held = path.read_bytes() if path.exists() else b""
            whole = held[: held.rfind(b"\n") + 1]
            if len(whole) < len(held):
                with atomic_write(path) as temporary:
                    temporary.write_bytes(whole)

    def results(self) -> Results:
        """Return the figures. Raises DataError where it is not done, or a file is damaged."""
        if self.state != "done":
            raise DataError(
                f"The experiment {self.name!r} is {self.state}, so there are no figures yet: let it come to its end"
            )
        held, questions = _read(self.folder / "values.json"), self.questions()
        runs = runs_of(
            [parse_system(name, self.request.pool, self.request.grounds) for name in held["values"]], self.answers()
        )
        return Results(
            questions.queries,
            questions.qrels,
            runs,
            held["values"],
            held["judged"],
            self.notes,
            tuple(held["measures"]),
        )


def create(data: Path, request: Request) -> Experiment:
    """Make a waiting experiment in the data folder ``data``. Raises StoreError."""
    now = datetime.now(UTC)
    id_ = f"{now:%Y%m%d-%H%M%S-%f}-{uuid.uuid4().hex[:4]}"  # sorts by time
    made = Experiment(id_, data / FOLDER / id_, request, now.isoformat(timespec="seconds"))
    with writable(made.folder):
        made.folder.mkdir(parents=True)
    save(made)
    return made


def save(experiment: Experiment, **changed: Any) -> Experiment:
    """Write an experiment's own file with what has ``changed``; return it. Raises StoreError."""
    made = replace(experiment, **changed)
    held = {name: value for name, value in asdict(made).items() if name not in ("folder", "id")}
    with writable(made.folder):
        atomic_write_text(made.folder / "experiment.json", json.dumps(held, ensure_ascii=False, indent=2))
    return made


def save_questions(experiment: Experiment, questions: Questions) -> None:
    """Keep the queries and judgments as they are now. Raises StoreError."""
    spans = {
        query: [asdict(span) for span in found if isinstance(span, JudgedSpan)]
        for query, found in questions.spans.items()
    }
    held = {"queries": dict(questions.queries), "qrels": questions.qrels, "spans": spans}
    with writable(experiment.folder):
        atomic_write_text(experiment.folder / "questions.json", json.dumps(held, ensure_ascii=False))


def save_results(experiment: Experiment, results: Results) -> None:
    """Keep the figures and the run files. Raises StoreError or DataError."""
    held = {"measures": results.measures, "values": results.values, "judged": results.judged}
    write_runs(experiment.folder / "runs", {name: run.ranking for name, run in results.runs.items()}, results.qrels)
    with writable(experiment.folder):
        atomic_write_text(experiment.folder / "values.json", json.dumps(held, ensure_ascii=False))


def open_experiment(data: Path, id_: str) -> Experiment:
    """Return the experiment of that id. Raises DataError where there is none, or its file is damaged."""
    folder = _folder(data, id_)
    held = _read(folder / "experiment.json")
    try:
        return Experiment(id_, folder, Request.of(held.pop("request")), notes=tuple(held.pop("notes")), **held)
    except (TypeError, KeyError) as error:
        raise _damaged(folder / "experiment.json", error) from error


def experiments(data: Path) -> tuple[list[Experiment], list[str]]:
    """Return the experiments of a data folder, newest first, and what is wrong with those that cannot be read."""
    found, wrong = [], []
    for folder in sorted((data / FOLDER).glob("[!.]*/experiment.json"), reverse=True):
        try:
            found.append(open_experiment(data, folder.parent.name))
        except DataError as error:
            wrong.append(str(error))
    return found, wrong


def delete(data: Path, id_: str) -> None:
    """Delete an experiment: it is gone from the list in one step. Raises DataError or StoreError."""
    folder = _folder(data, id_)
    with writable(folder):
        gone = folder.rename(folder.with_name(f"{_GONE}{id_}"))
        shutil.rmtree(gone)


def _folder(data: Path, id_: str) -> Path:
    """An experiment's folder. Ids come from addresses, and may be anything."""
    folder = data / FOLDER / id_
    if not _ID.fullmatch(id_) or not (folder / "experiment.json").exists():
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
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from error
    if not isinstance(held, dict):
        raise _damaged(path, "it holds no object")
    return held


def _damaged(path: Path, error: object) -> DataError:
    return DataError(f"{path} cannot be read ({error}): delete the experiment and run it again")
