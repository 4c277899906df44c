"""Long work in the background: jobs that are watched and cancelled from anywhere, and the queue that runs them.

A queue belongs to the process, not to a page: a rerun or a closed tab ends nothing.
"""

from __future__ import annotations

import queue
import threading
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Generic, Literal, TypeVar

from core.errors import Cancelled, RankscopeError

State = Literal["waiting", "running", "done", "failed", "cancelled"]  # also what is kept on the disk
PATIENCE = 10.0  # seconds that the end of the process waits for the job that runs
_MEASURABLE = 0.02  # share of the work that must be done before the time left can be told

Item = TypeVar("Item")
Job = TypeVar("Job", bound="BackgroundJob")


class BackgroundJob(ABC):
    """A piece of work for a JobQueue. Its fields are written by the queue's worker thread, and may be read by any.

    A subclass implements ``run``, which calls ``check`` or ``report`` often so that it can be cancelled, and may keep
    on the disk how the work ended (``record_end``).
    """

    unexpected = "It broke off unexpectedly: the terminal shows why"  # ``error`` after an exception that is not ours

    def __init__(self, key: str) -> None:
        self.key = key
        self.state: State = "waiting"
        self.stage = ""  # what it is doing, in words
        self.share = 0.0  # of the work that is done, 0 to 1
        self.error = ""  # why it failed
        self._taken = False  # by the worker thread, or by who cancelled it while it waited
        self._taking = threading.Lock()
        self._cancel, self._leave, self._over = threading.Event(), threading.Event(), threading.Event()
        self._started = self._ended = 0.0

    @abstractmethod
    def run(self) -> None:
        """Do the work. Raises Cancelled when it was asked to stop, another RankscopeError when it cannot be done."""

    def record_end(self, state: State, error: str) -> None:  # noqa: B027  a hook: most jobs keep nothing
        """Keep how it ended, called once before the job counts as over. A RankscopeError makes the job a failed one."""

    @property
    def active(self) -> bool:
        """Whether it still waits or runs."""
        return self.state in ("waiting", "running")

    @property
    def cancelling(self) -> bool:
        """Whether it was cancelled and has not stopped yet."""
        return self.active and self._cancel.is_set()

    @property
    def interrupted(self) -> bool:
        """Whether it has to stop because the process ends, not because somebody cancelled it."""
        return self._leave.is_set() and not self._cancel.is_set()

    @property
    def seconds(self) -> float:
        """How long it has been running, or ran."""
        return (self._ended or time.monotonic()) - self._started if self._started else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Seconds until it is done, judged by the share that is done; None while that cannot be told."""
        if self.state == "done":
            return 0.0
        if self.state != "running" or self.share < _MEASURABLE:
            return None
        return self.seconds * (1 - self.share) / self.share

    def cancel(self) -> None:
        """Stop it: at once while it waits, at its next ``check`` while it runs. Does nothing when it is over."""
        self._cancel.set()
        self._end_waiting()

    def leave(self) -> None:
        """Stop it as ``cancel`` does, because the process ends."""
        self._leave.set()
        self._end_waiting()

    def check(self) -> None:
        """Raise Cancelled if it was asked to stop."""
        if self._cancel.is_set() or self._leave.is_set():
            raise Cancelled("cancelled")

    def report(self, share: float, stage: str = "") -> None:
        """Note the share that is done, 0 to 1, and what is being done. Raises Cancelled if it was asked to stop."""
        self.share, self.stage = share, stage
        self.check()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it is over. Raises TimeoutError if that takes longer."""
        if not self._over.wait(seconds):
            raise TimeoutError(f"The job {self.key!r} is not over after {seconds} seconds")

    def finish(self, state: State, error: str = "") -> None:
        """Set how it ended: for a job that is listed but needs no run, such as one that an earlier process has done."""
        self._taken = True
        self._ended = time.monotonic() if self._started else 0.0
        self.share = 1.0 if state == "done" else self.share
        self.error, self.state = error, state
        self._over.set()

    def reset(self) -> None:
        """Make a job that is over one that waits. It can then be added to its queue again."""
        for event in (self._cancel, self._leave, self._over):
            event.clear()
        self._started = self._ended = 0.0
        self.state, self.stage, self.share, self.error = "waiting", "", 0.0, ""
        self._taken = False

    def perform(self) -> None:
        """Run it to its end, unless it is over already: the queue calls this. Unexpected exceptions are passed on."""
        if not self._take():
            return
        self.state, self._started = "running", time.monotonic()
        state: State = "failed"
        error = self.unexpected
        try:
            self.run()
            state, error = "done", ""
        except Cancelled:
            state, error = "cancelled", ""
        except RankscopeError as failure:
            error = str(failure)
        finally:
            self._end(state, error)

    def _take(self) -> bool:
        """Tell whether the caller is the first to settle this job."""
        with self._taking:
            taken, self._taken = self._taken, True
        return not taken

    def _end_waiting(self) -> None:
        if self._take():
            self._end("cancelled", "")

    def _end(self, state: State, error: str) -> None:
        ended: tuple[State, str] = "failed", error or self.unexpected
        try:
            self.record_end(state, error)
            ended = state, error
        except RankscopeError as failure:
            ended = "failed", error or str(failure)
        finally:
            self.finish(*ended)


class IterableJob(BackgroundJob, Generic[Item]):
    """Work that yields its results one by one. ``results`` has those so far, also when it is cancelled or fails."""

    unexpected = f"{BackgroundJob.unexpected}. What was done before is kept"

    def __init__(self, key: str, work: Callable[[], Iterable[Item]], total: int) -> None:
        """``total`` is how many results ``work`` yields, at most."""
        super().__init__(key)
        self.results: list[Item] = []
        self.total = total
        self._work = work

    def run(self) -> None:
        """Collect the results; a cancelled job stops after the one that it is at."""
        self.check()
        for result in self._work():
            self.results.append(result)
            self.share = min(len(self.results) / self.total, 1.0) if self.total else 1.0
            if len(self.results) < self.total:
                self.check()


class JobQueue(Generic[Job]):
    """Jobs run by one thread, one after the other, and the list of them. Threads may share it.

    When the queue is garbage-collected, or the process ends, jobs that wait are ended and the one that runs is asked
    to stop.
    """

    def __init__(self, name: str, limit: int | None = None) -> None:
        """``name`` is the thread's. Beyond ``limit`` listed jobs, the oldest that are over are forgotten."""
        self._limit = limit
        self._lock = threading.RLock()
        self._jobs: dict[str, Job] = {}  # by key, in the order in which they were added
        self._worker: _Worker[Job] = _Worker(name)
        self.close = weakref.finalize(self, _close, self._worker, self._jobs)  # at the end of the process too

    def all(self) -> list[Job]:
        """Return the jobs, newest first."""
        with self._lock:
            return list(reversed(self._jobs.values()))

    def get(self, key: str) -> Job | None:
        """Return the job of that key, None where there is none."""
        return self._jobs.get(key)

    def add(self, job: Job) -> Job:
        """List a job, in place of another one of its key, and run it when those before it are over; return it."""
        with self._lock:
            if self._jobs.get(job.key) is not job:
                self._jobs.pop(job.key, None)
                self._jobs[job.key] = job
            if self._limit is not None:
                finished = [key for key, other in self._jobs.items() if not other.active]
                for key in finished[: max(len(self._jobs) - self._limit, 0)]:
                    del self._jobs[key]
            if job.active:
                self._worker.put(job)
        return job

    def remove(self, job: Job) -> bool:
        """Take a job that is over off the list; tell whether it was there and over."""
        with self._lock:
            if job.active or self._jobs.get(job.key) is not job:
                return False
            del self._jobs[job.key]
            return True


class _Worker(Generic[Job]):
    """The thread of a queue, begun with the first job. It dies with the process, which need not wait for the queue."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._begun = False

    def put(self, job: Job) -> None:
        """Queue a job. The caller sees to it that no two threads do so at once."""
        self._waiting.put(job)
        if not self._begun:
            self._begun = True
            self._begin()

    def end(self) -> None:
        """Let the thread end after the jobs that are queued."""
        self._waiting.put(None)

    def _begin(self) -> None:
        threading.Thread(target=self._work, daemon=True, name=self._name).start()

    def _work(self) -> None:
        ended = False
        try:
            while job := self._waiting.get():
                job.perform()
            ended = True
        finally:
            if not ended:  # an unexpected exception ends this thread and is printed; the other jobs get a new one
                self._begin()


def _close(worker: _Worker[Job], jobs: dict[str, Job]) -> None:
    """Stop everything, and wait for the job that runs: models must not compute while the interpreter shuts down."""
    listed = list(jobs.values())
    for job in listed:
        job.leave()
    worker.end()
    for job in listed:
        if job.active:
            with suppress(TimeoutError):
                job.wait(PATIENCE)
