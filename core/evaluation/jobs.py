"""One run in the background: watched, cancelled, and taken up again.

It is an experiment on the disk before it is queued, and every answer is written as soon as it is there. Killed, it goes
on at the next start where it stood, unless documents or a model have changed since: then its figures would be of two
different things, and it is said to have failed.
"""

from __future__ import annotations

import threading
import time
import weakref
from contextlib import suppress
from dataclasses import replace
from typing import Any, TextIO

from filelock import FileLock, Timeout

from core.errors import DataError, RankscopeError
from core.evaluation.experiments import (
    LOCK,
    Experiment,
    State,
    create,
    delete,
    experiments,
    open_experiment,
    save,
    save_questions,
    save_results,
    writable,
)
from core.evaluation.results import Results
from core.evaluation.runner import Plan, Request, plan
from core.util.formatting import plural
from core.util.progress import Cancelled
from core.workspace import Workspace

UNEXPECTED = "It broke off unexpectedly: the terminal shows why. What was answered before is kept, and it can go on"
CHANGED = "The documents or a model have changed since this run began, so that its figures would be of two different things: run it anew"


class Evaluating:
    """A run that somebody may watch. ``experiment`` is its state on the disk, the other fields say how far it is."""

    def __init__(self, workspace: Workspace, experiment: Experiment, turn: threading.Lock) -> None:
        self.experiment = experiment
        self.stage = "waiting for the runs before it"
        self.done = 0
        self.total = 0
        self._workspace = workspace
        # one run at a time: two would slow one another down, and their milliseconds would be worth nothing
        self._turn = turn
        self._began = self._asking = time.monotonic()
        self._before = 0  # answers that were there already
        self._cancel = threading.Event()
        self._stop = threading.Event()
        self._over = threading.Event()
        self._lock = FileLock(experiment.folder / LOCK, timeout=0, thread_local=False)

    @property
    def active(self) -> bool:
        """Whether it still waits or runs."""
        return not self._over.is_set()

    @property
    def share(self) -> float:
        """How much of the queries is answered, 0 to 1."""
        return self.done / self.total if self.total else 0.0

    @property
    def left(self) -> float | None:
        """Seconds that it will still take, None while that cannot be told."""
        fresh = self.done - self._before
        return (
            None
            if fresh < 1 or not self.active
            else (time.monotonic() - self._asking) / fresh * (self.total - self.done)
        )

    @property
    def cancelling(self) -> bool:
        """Whether it was asked to stop and has not stopped yet."""
        return self.active and self._cancel.is_set()

    def cancel(self) -> None:
        """Ask it to stop after the query that it is at; what is answered is kept."""
        self._cancel.set()

    def stop(self) -> None:
        """Stop as ``cancel`` does, because the program ends: the next start goes on."""
        self._stop.set()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it is over. Raises TimeoutError if that takes longer."""
        if not self._over.wait(seconds):
            raise TimeoutError(f"The experiment {self.experiment.name!r} is not over after {seconds} seconds")

    def begin(self) -> bool:
        """Start, in a thread of its own; False where another process has the run."""
        try:
            self._lock.acquire()
        except Timeout:
            return False
        threading.Thread(target=self._run, daemon=True, name="evaluation").start()
        return True

    def _run(self) -> None:
        try:
            while not self._turn.acquire(timeout=0.1):
                self._check()
            try:
                self._perform()
            finally:
                self._turn.release()
        except Cancelled:
            self._end("cancelled" if self._cancel.is_set() else "running")
        except RankscopeError as error:
            self._end("failed", str(error))
        finally:
            if not self._over.is_set():
                self._end("failed", UNEXPECTED)

    def _perform(self) -> None:
        self.experiment = save(self.experiment, state="running", error="")
        self.stage = "opening collections and models"
        again = (self.experiment.folder / "questions.json").exists()
        made = plan(self._workspace, self.experiment.request, self.experiment.questions() if again else None)
        if again and made.data != self.experiment.data:
            raise DataError(CHANGED)
        if not again:
            self.experiment = save(self.experiment, facts=dict(made.facts), notes=made.notes)
            save_questions(self.experiment, made.questions)
        self._check()
        self._answer(made)
        self.stage = "measuring"
        results = Results.of(made.questions, made.systems, self.experiment.answers(), self.experiment.request.measures)
        save_results(self.experiment, results)
        self._end(
            "done",
            notes=(*made.notes, *results.notes),
            seconds=self.experiment.seconds + time.monotonic() - self._began,
        )

    def _answer(self, made: Plan) -> None:
        self.experiment.mend()
        held = {(answer.ground, answer.query) for answer in self.experiment.answers()}
        self.total, self.done, self._before = made.asking.total, len(held), len(held)
        made.asking.prepare(self._hear)
        self._asking = time.monotonic()
        with self._file() as file:
            for answer in made.asking.answers(done=held):
                with writable(self.experiment.folder):
                    file.write(answer.as_line() + "\n")
                    file.flush()
                self.done += 1
                self.stage = f"{self.done:,} of {plural(self.total, 'query', 'queries')} answered"
                self._check()

    def _file(self) -> TextIO:
        with writable(self.experiment.folder):
            return (self.experiment.folder / "answers.jsonl").open("a", encoding="utf-8")

    def _hear(self, line: str) -> None:
        self.stage = line
        self._check()

    def _check(self) -> None:
        if self._cancel.is_set() or self._stop.is_set():
            raise Cancelled("cancelled")

    def _end(self, state: State, error: str = "", **more: Any) -> None:
        try:
            self.experiment = save(self.experiment, state=state, error=error, **more)
        except RankscopeError as full:
            self.experiment = replace(self.experiment, state="failed", error=error or str(full))
        finally:
            self._lock.release()
            self._over.set()


PATIENCE = 120.0  # seconds that deleting waits for a run to stop
LEAVING = 10.0  # seconds that the end of the program waits for one


class Evaluations:
    """The runs of one data folder. It belongs to the process, not to a page: a rerun or a closed tab ends nothing."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._runs: dict[str, Evaluating] = {}
        weakref.finalize(self, _end, self._runs)  # at the program's end too

    def all(self) -> list[Evaluating]:
        """Return the runs of this process, newest first."""
        return [run for _, run in sorted(self._runs.items(), reverse=True)]

    def get(self, id_: str) -> Evaluating | None:
        """Return the run of an experiment, None where this process never had it."""
        return self._runs.get(id_)

    def start(self, request: Request) -> Evaluating:
        """Put a run by and begin it. Raises SettingsError for what cannot be asked, StoreError where it cannot be put by."""
        request.parsed()
        with self._lock:
            run = self._begin(create(self._workspace.settings.data, request))
        assert run is not None  # nobody else knows of it yet
        return run

    def again(self, id_: str) -> Evaluating | None:
        """Go on with a run that failed or was cancelled; None where another process has it. Raises DataError where it is gone."""
        with self._lock:
            there = self._runs.get(id_)
            if there and there.active:
                return there
            return self._begin(open_experiment(self._workspace.settings.data, id_))

    def resume(self) -> None:
        """Take up the runs of the data folder that a process left when it died."""
        with self._lock:
            for experiment in experiments(self._workspace.settings.data)[0]:
                if experiment.state in ("waiting", "running") and experiment.id not in self._runs:
                    self._begin(experiment)

    def forget(self, id_: str) -> None:
        """Delete an experiment; one that is under way is stopped first. Raises DataError or StoreError."""
        run = self._runs.get(id_)
        if run and run.active:
            run.cancel()
            run.wait(PATIENCE)
        delete(self._workspace.settings.data, id_)
        self._runs.pop(id_, None)

    def _begin(self, experiment: Experiment) -> Evaluating | None:
        run = Evaluating(self._workspace, experiment, self._turn)
        if not run.begin():
            return None
        self._runs[experiment.id] = run
        return run


def _end(runs: dict[str, Evaluating]) -> None:
    """Leave what is not done to the next start; models must not compute while the program goes down."""
    active = [run for run in runs.values() if run.active]
    for run in active:
        run.stop()
    for run in active:
        with suppress(TimeoutError):
            run.wait(LEAVING)
