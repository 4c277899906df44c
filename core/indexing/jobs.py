"""Work that outlasts a click: one after the other, in the background, watched and cancelled from any page.

A run is put by on the disk before it is queued. Killed, it goes on at the next start; what failed or was
cancelled stays there to be tried again, until it is dismissed.
"""

from __future__ import annotations

import itertools
import queue
import threading
import weakref
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import RankscopeError, StoreError
from core.indexing._spool import Spool, State, can_be_kept, queued
from core.indexing.indexer import Indexer
from core.loading.sources import Source
from core.records.search import Collection, OnChange
from core.util.progress import Cancelled, Outcome, Progress, Report
from core.workspace import Workspace


@dataclass
class Run:
    """The files that are left to be indexed, and where they go. Without a ``spool`` they die with the process."""

    workspace: Workspace
    key: str  # of the collection
    name: str  # of the collection, when it was last seen
    on_change: OnChange
    left: list[Source]
    spool: Spool | None = None

    @classmethod
    def new(cls, workspace: Workspace, collection: Collection, sources: Sequence[Source], on_change: OnChange) -> Run:
        """Put a run by on the disk. Raises StoreError."""
        spool = Spool.create(workspace.settings.data, collection, sources, on_change) if can_be_kept(sources) else None
        return cls(
            workspace, collection.key, collection.name, on_change, spool.sources() if spool else list(sources), spool
        )

    @classmethod
    def of(cls, workspace: Workspace, spool: Spool) -> Run:
        """Return a run that was put by before."""
        key, name = spool.collection()
        return cls(workspace, key, name, spool.on_change(), spool.sources(), spool)

    def index(self, report: Report, outcomes: list[Outcome]) -> None:
        """Index what is left; ``outcomes`` are of what was settled before, and grow. Raises RankscopeError."""
        collection = self.workspace.by_key(self.key, self.name)
        brought = [outcome.name for outcome in outcomes]
        Indexer(self.workspace, collection, self.on_change, report, outcomes, brought).run(self.left)

    def end(self, state: State, error: str, outcomes: Sequence[Outcome]) -> None:
        """Note how it ended, and keep no file that need not be tried again: all of them where the run broke off."""
        if state != "failed":
            undone = [outcome.name for outcome in outcomes if outcome.status in ("failed", "cancelled")]
            self.left = [source for source in self.left if any(_came_of(name, source.name) for name in undone)]
        if self.spool and self.left:
            self.spool.note(state, error, outcomes, self.left)
        else:
            self.drop()

    def again(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """Get ready to index what is left; return the outcomes of the other files."""
        names = {source.name for source in self.left}
        settled = [outcome for outcome in outcomes if not any(_came_of(outcome.name, name) for name in names)]
        if self.spool:
            self.spool.note("waiting", "", settled, self.left)
        return settled

    def drop(self) -> None:
        """Forget the files."""
        self.left = []
        if self.spool:
            self.spool.remove()
            self.spool = None

    def release(self) -> None:
        """Leave the rest to another process, or to the next start."""
        if self.spool:
            self.spool.release()
            self.spool = None


def _came_of(name: str, source: str) -> bool:
    """Whether an outcome's name is that of a source, or of a file in that archive."""
    return name == source or name.startswith(f"{source}/")


PATIENCE = 10.0  # seconds that the end of the program waits for a run to stop
UNEXPECTED = "It broke off unexpectedly: the terminal shows why. What was stored before is safe"


@dataclass(eq=False)
class Job:
    """An indexing run that somebody may watch. Its fields are written by the worker alone."""

    number: int
    collection: str
    files: int
    state: State = "waiting"
    progress: Progress = field(default_factory=Progress)
    outcomes: list[Outcome] = field(default_factory=list)
    error: str = ""
    resumed: bool = False  # the program ended in the middle of it, and was started again
    run: Run | None = field(default=None, repr=False)
    over: threading.Event = field(default_factory=threading.Event, repr=False)
    _cancel: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def active(self) -> bool:
        """Whether it still waits or runs."""
        return self.state in ("waiting", "running")

    @property
    def cancelling(self) -> bool:
        """Whether it was asked to stop and has not stopped yet."""
        return self.active and self._cancel.is_set()

    @property
    def again(self) -> int:
        """How many files can be tried again: they failed, were cancelled, or the run broke off."""
        return 0 if self.active or self.run is None else len(self.run.left)

    def cancel(self) -> None:
        """Ask it to stop: it does so within a few batches, and keeps what is stored."""
        self._cancel.set()
        if self.active and self.run and self.run.spool:
            with suppress(StoreError):  # it may end at this very moment
                self.run.spool.note_cancelled()

    def restart(self, run: Run) -> None:
        """Wait again, for what was left. Raises StoreError."""
        self.outcomes = run.again(self.outcomes)
        self.files, self.progress = len(run.left), Progress(files_total=len(run.left))
        self.state, self.error, self.resumed = "waiting", "", False
        self._cancel.clear()
        self.over.clear()

    def hear(self, progress: Progress) -> None:
        """Take the run's progress. Raises Cancelled if it was asked to stop."""
        self.progress = progress
        if self._cancel.is_set() and progress.files < progress.files_total:
            raise Cancelled("cancelled")


class Jobs:
    """The queue. It belongs to the process, not to a page: a rerun or a closed tab ends nothing."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._jobs: list[Job] = []
        self._worker = _Worker()
        weakref.finalize(self, _end, self._worker, self._jobs)  # at the program's end too

    def all(self) -> list[Job]:
        """Return the jobs, newest first."""
        return list(reversed(self._jobs))

    def index(
        self, workspace: Workspace, collection: Collection, sources: Sequence[Source], on_change: OnChange
    ) -> Job:
        """Queue an indexing run and return it at once; it outlives the process. Raises StoreError where it cannot be put by."""
        run = Run.new(workspace, collection, sources, on_change)
        with self._lock:
            return self._list(run)

    def retry(self, job: Job) -> None:
        """Queue what a finished job left to be tried again. Raises StoreError."""
        with self._lock:
            if job.again and job.run:
                job.restart(job.run)
                self._worker.put(job)

    def dismiss(self, job: Job) -> None:
        """Take a finished job off the list, and forget the files that could have been tried again."""
        with self._lock:
            if not job.active and job in self._jobs:
                self._jobs.remove(job)
                if job.run:
                    job.run.drop()

    def resume(self, workspace: Workspace) -> None:
        """Take up the runs of a data folder that no living process has; those that are over are listed only."""
        with self._lock:
            ours = {job.run.spool.path for job in self._jobs if job.run and job.run.spool}
            for path in queued(workspace.settings.data):
                if path not in ours:
                    self._take_up(workspace, path)

    def wait(self, job: Job, seconds: float | None = None) -> None:
        """Wait until ``job`` is over. Raises TimeoutError if that takes longer."""
        if not job.over.wait(seconds):
            raise TimeoutError(f"The job for {job.collection} is not over after {seconds} seconds")

    def _list(
        self,
        run: Run,
        state: State = "waiting",
        error: str = "",
        outcomes: Sequence[Outcome] = (),
        resumed: bool = False,
    ) -> Job:
        files = len(run.left)
        job = Job(
            next(self._numbers),
            run.name,
            files,
            state,
            Progress(files_total=files),
            list(outcomes),
            error,
            resumed,
            run,
        )
        self._jobs.append(job)
        if job.active:
            self._worker.put(job)
        else:
            job.over.set()
        return job

    def _take_up(self, workspace: Workspace, path: Path) -> None:
        try:
            spool = Spool.claim(path)
            if spool is None:
                return
            run, (state, error, outcomes) = Run.of(workspace, spool), spool.noted()
        except StoreError as damaged:
            job = Job(next(self._numbers), "A run from before", 0, "failed", error=str(damaged))
            job.over.set()
            self._jobs.append(job)
            return
        if state == "cancelled" and not outcomes:
            outcomes = [
                Outcome(source.name, "cancelled", message="the program ended before it was looked at again")
                for source in run.left
            ]
        self._list(run, state, error, outcomes, resumed=state == "waiting")


class _Worker:
    """One thread that performs jobs, one after the other. It dies with the program, which need not wait for the queue."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._waiting: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._begun = False

    def put(self, job: Job) -> None:
        """Queue a job."""
        self._waiting.put(job)
        if not self._begun:
            self._begun = True
            self._begin()

    def end(self) -> None:
        """Stop at the next batch; jobs that wait are not begun."""
        self.stop.set()
        self._waiting.put(None)

    def _begin(self) -> None:
        threading.Thread(target=self._work, daemon=True, name="indexing").start()

    def _work(self) -> None:
        done = False
        try:
            while job := self._waiting.get():
                self._perform(job)
            done = True
        finally:
            if not done:  # an error that nobody foresaw ends the thread, and is printed; the other jobs go on
                self._begin()

    def _perform(self, job: Job) -> None:
        assert job.run is not None
        job.state = "running"
        end: State = "failed"
        try:
            if not self.stop.is_set():
                job.run.index(lambda progress: self._hear(job, progress), job.outcomes)
            end = (
                "cancelled"
                if self.stop.is_set() or any(outcome.status == "cancelled" for outcome in job.outcomes)
                else "done"
            )
        except RankscopeError as error:
            job.error = str(error)
        finally:
            if end == "failed" and not job.error:
                job.error = UNEXPECTED
            self._settle(job, job.run, end)

    def _hear(self, job: Job, progress: Progress) -> None:
        job.hear(progress)
        if self.stop.is_set() and progress.files < progress.files_total:
            raise Cancelled("the program ends")

    def _settle(self, job: Job, run: Run, end: State) -> None:
        try:
            if self.stop.is_set() and end == "cancelled":
                run.release()
            else:
                run.end(end, job.error, job.outcomes)
        except RankscopeError as error:
            end, job.error = "failed", job.error or str(error)
        finally:
            job.state = end
            job.over.set()


def _end(worker: _Worker, jobs: list[Job]) -> None:
    """Leave what is not done to the next start."""
    worker.end()
    for job in jobs:
        if job.active:
            job.over.wait(PATIENCE)
        elif job.run:
            job.run.release()
