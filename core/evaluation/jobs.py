"""One run in the background: watched, cancelled, and taken up again.

It is an experiment on the disk before it is queued, and every answer is written as soon as it is there. Killed, it goes
on at the next start where it stood, unless documents or a model have changed since: then its figures would be of two
different things, and it is said to have failed.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any, TextIO

from filelock import FileLock, Timeout

from core.errors import DataError, RankscopeError
from core.evaluation._part_evaluation_planning import Plan, plan
from core.evaluation.experiments import LOCK, Experiment, State, save, save_questions, save_results, writable
from core.evaluation.results import Results
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
        self._turn = turn  # one run at a time: two would slow one another down, and their milliseconds would be worth nothing
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
        return None if fresh < 1 or not self.active else (time.monotonic() - self._asking) / fresh * (self.total - self.done)

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
        self._end("done", notes=(*made.notes, *results.notes), seconds=self.experiment.seconds + time.monotonic() - self._began)

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
