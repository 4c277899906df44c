"""Work that outlasts a click: one after the other, in the background, watched and cancelled from any page."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

from core.errors import RankscopeError
from core.indexing import Indexer, OnChange
from core.progress import Cancelled, Outcome, Progress
from core.records import Collection
from core.sources import Source
from core.workspace import Workspace

State = Literal["waiting", "running", "done", "failed", "cancelled"]


@dataclass
class Job:
    """An indexing run that somebody may watch. Its fields are written by the worker alone."""

    number: int
    collection: str
    files: int
    state: State = "waiting"
    progress: Progress = field(default_factory=Progress)
    outcomes: list[Outcome] = field(default_factory=list)
    error: str = ""
    _cancel: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def active(self) -> bool:
        """Whether it still waits or runs."""
        return self.state in ("waiting", "running")

    @property
    def cancelling(self) -> bool:
        """Whether it was asked to stop and has not stopped yet."""
        return self.active and self._cancel.is_set()

    def cancel(self) -> None:
        """Ask it to stop: it does so within a few batches, and keeps what is stored."""
        self._cancel.set()

    def hear(self, progress: Progress) -> None:
        """Take the run's progress. Raises Cancelled if it was asked to stop."""
        self.progress = progress
        if self._cancel.is_set() and progress.files < progress.files_total:
            raise Cancelled("cancelled")


class Jobs:
    """The queue. It belongs to the process, not to a page: a rerun or a closed tab ends nothing."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="indexing")
        self._jobs: list[Job] = []
        self._futures: dict[int, Future[None]] = {}

    def all(self) -> list[Job]:
        """Return the jobs, newest first."""
        return list(reversed(self._jobs))

    def dismiss(self, job: Job) -> None:
        """Take a finished job off the list."""
        if not job.active and job in self._jobs:
            self._jobs.remove(job)
            self._futures.pop(job.number, None)

    def index(self, workspace: Workspace, collection: Collection, sources: Sequence[Source], on_change: OnChange) -> Job:
        """Queue an indexing run and return it at once."""
        job = Job(next(self._numbers), collection.name, len(sources), progress=Progress(files_total=len(sources)))
        indexer = Indexer(workspace, collection, on_change, job.hear, job.outcomes)
        self._jobs.append(job)
        self._futures[job.number] = self._worker.submit(_run, job, lambda: indexer.run(sources))
        return job

    def wait(self, job: Job, seconds: float | None = None) -> None:
        """Wait until ``job`` is over; what broke it unexpectedly is raised here."""
        self._futures[job.number].result(seconds)


def _run(job: Job, work: Callable[[], object]) -> None:
    job.state = "running"
    end: State = "failed"
    try:
        work()
        end = "cancelled" if any(outcome.status == "cancelled" for outcome in job.outcomes) else "done"
    except RankscopeError as error:
        job.error = str(error)
    finally:
        if end == "failed" and not job.error:
            job.error = "It broke off unexpectedly: the terminal shows why. What was stored before is safe"
        job.state = end
