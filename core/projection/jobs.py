"""Layouts in the background, one after the other, each in a process of its own; watched and cancelled from any page.

Who asks for a picture that somebody has asked for gets the same job. What is done is kept on the disk and, the latest, in memory.
"""

from __future__ import annotations

import queue
import threading
import time
import weakref
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from core.errors import MapError
from core.projection._worker import layout_task
from core.projection._worker_process import UNEXPECTED, Child
from core.projection.cache import clusters_key, keep_layout, kept_layout, layout_path
from core.projection.layouts import lay_out
from core.projection.points import is_kept, keep_points
from core.projection.records import Layout, LayoutSettings, Points, layout_key
from core.records.search import Collection

if TYPE_CHECKING:
    from core.workspace import Workspace

State = Literal["waiting", "running", "done", "failed", "cancelled"]
_TELLING = 0.02  # of the work must be done before it can be told how long the rest will take


@dataclass(eq=False)
class Projection:
    """Work that somebody may watch. Its fields are written by the queue alone."""

    key: str
    task: dict[str, Any] = field(repr=False)
    data: Path = field(repr=False)
    state: State = "waiting"
    stage: str = ""  # in words
    share: float = 0.0  # that is done, 0 to 1
    error: str = ""  # what broke it
    over: threading.Event = field(default_factory=threading.Event, repr=False)
    _begun: float = 0.0
    _ended: float = 0.0
    _cancel: threading.Event = field(default_factory=threading.Event, repr=False)
    _child: Child | None = field(default=None, repr=False)
    _layout: Layout | None = field(default=None, repr=False)

    @property
    def active(self) -> bool:
        """Whether it still waits or runs."""
        return self.state in ("waiting", "running")

    @property
    def seconds(self) -> float:
        """How long it has been running, or ran."""
        return (self._ended or time.monotonic()) - self._begun if self._begun else 0.0

    @property
    def left(self) -> float | None:
        """Seconds that it is likely to take yet, None until that can be told."""
        if self.state == "done":
            return 0.0
        return (
            self.seconds * (1 - self.share) / self.share if self.state == "running" and self.share >= _TELLING else None
        )

    def cancel(self) -> None:
        """End it at once; nothing of it is kept."""
        self._cancel.set()
        if child := self._child:
            child.kill()

    @property
    def cancelling(self) -> bool:
        """Whether it was asked to end."""
        return self._cancel.is_set()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it is over. Raises TimeoutError if that takes longer."""
        if not self.over.wait(seconds):
            raise TimeoutError(f"The map's work {self.key} is not over after {seconds} seconds")

    def layout(self) -> Layout:
        """Return what came of it. Raises MapError where it is not done, or was removed meanwhile."""
        if self.state != "done":
            raise MapError(self.error or f"The map is not drawn: it is {self.state}. Ask for it again")
        self._layout = self._layout or kept_layout(self.data, self.key)
        if self._layout is None:
            raise MapError("The map was drawn, but it is gone from the disk: ask for it again")
        return self._layout

    def perform(self, child: Child) -> None:
        """Have the task performed, to its end. The queue calls it."""
        self.state, self._begun, self._child = "running", time.monotonic(), child
        if self._cancel.is_set():
            child.kill()
        self.error = child.perform(self.task, self._hear, self.data)
        self.settle("cancelled" if self._cancel.is_set() and self.error else "failed" if self.error else "done")

    def _hear(self, stage: str, share: float) -> None:
        self.stage, self.share = stage, max(self.share, share)

    def settle(self, state: State, layout: Layout | None = None) -> None:
        """Note how it ended."""
        self._layout = layout
        if state == "cancelled":
            self.error = ""
        if state == "done":
            self.share = 1.0
        self._ended = time.monotonic() if self._begun else 0.0
        self.state, self._child = state, None
        self.over.set()


class Line:
    """One thread that performs jobs, one after the other. It dies with the program, and its process with it."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Projection | None] = queue.SimpleQueue()
        self._child: Child | None = None
        self._ended = False
        self._begun = False

    def put(self, job: Projection) -> None:
        """Queue a job. The caller sees to it that no two threads do so at once."""
        self._waiting.put(job)
        if not self._begun:
            self._begun = True
            self._begin()

    def end(self) -> None:
        """Stop at once; jobs that wait are not begun."""
        self._ended = True
        self._waiting.put(None)
        if self._child:
            self._child.kill()

    def _begin(self) -> None:
        threading.Thread(target=self._work, daemon=True, name="map").start()

    def _work(self) -> None:
        done = False
        try:
            while (job := self._waiting.get()) and not self._ended:
                self._perform(job)
            done = True
        finally:
            if not done:  # an error that nobody foresaw ends the thread, and is printed; the other jobs go on
                self._begin()

    def _perform(self, job: Projection) -> None:
        if job.cancelling:
            job.settle("cancelled")
            return
        try:
            job.perform(self._worker())
        except MapError as error:
            job.error = str(error)
        finally:
            if job.active:
                job.error = job.error or UNEXPECTED
                job.settle("failed")

    def _worker(self) -> Child:
        """The process that is at hand, or a new one."""
        if self._child and self._child.alive:
            return self._child
        if self._child:
            self._child.close()
        self._child = Child.start()
        return self._child


IN_MEMORY = 8  # layouts: some 1 MB each of 100,000 chunks
FINISHED = 100  # jobs that are remembered


class Projections:
    """The queue and what came of it, for one data folder. It belongs to the process: a rerun or a closed tab ends nothing.

    Threads may share it. One task runs at a time: two would take twice as long each.
    """

    def __init__(self, data: Path) -> None:
        self.data = data
        self._lock = threading.RLock()
        self._jobs: OrderedDict[str, Projection] = OrderedDict()
        self._layouts: OrderedDict[str, Layout] = OrderedDict()
        self._line = Line()
        self.end = weakref.finalize(self, self._line.end)  # at the program's end too: stops everything

    def kept(self, points: Points, settings: LayoutSettings) -> Layout | None:
        """Return the layout of these points if it is in memory or on the disk, else None."""
        key = layout_key(points.digest, settings)
        with self._lock:
            layout = self._layouts.get(key)
        layout = layout or kept_layout(self.data, key)
        if layout:
            self._remember(key, layout)
        return layout

    def ask(self, points: Points, settings: LayoutSettings, again: bool = False) -> Projection:
        """Return the job that makes this layout, begun if nobody has asked for it; PCA is done when this returns.

        One that failed or was cancelled is returned as it is, unless it shall be tried ``again``. Raises MapError.
        """
        key = layout_key(points.digest, settings)
        layout = self.kept(points, settings)
        if layout is None and settings.method == "pca":
            layout = lay_out(points, settings)
            keep_layout(self.data, layout)
            self._remember(key, layout)
        if layout:
            return self._done(key, layout)
        if not is_kept(self.data, points):
            keep_points(self.data, points)
        return self.start(key, layout_task(self.data, points, settings), again)

    def start(self, key: str, task: dict[str, Any], again: bool = False) -> Projection:
        """Return the job of that key, begun with ``task`` if there is none, or if it has failed and shall be tried ``again``.

        A task is what the worker takes: a dictionary with its ``name`` (see worker.py). One that is done and asked for once more runs once more:
        who asks has looked for its result and not found it.
        """
        with self._lock:
            job = self._jobs.get(key)
            if job and (job.active or (job.state in ("failed", "cancelled") and not again)):
                return job
            job = Projection(key, task, self.data)
            self._list(job)
            self._line.put(job)
            return job

    def again(self, job: Projection) -> Projection:
        """Return a job that does what one does that failed, was cancelled, or whose result is gone."""
        return self.start(job.key, job.task, again=True)

    def job(self, key: str) -> Projection | None:
        """Return the job of that key, None where there is none."""
        return self._jobs.get(key)

    def all(self) -> list[Projection]:
        """Return the jobs, newest first."""
        with self._lock:
            return list(reversed(self._jobs.values()))

    def _done(self, key: str, layout: Layout) -> Projection:
        with self._lock:
            job = self._jobs.get(key)
            if job is None or job.state != "done":
                job = Projection(key, {}, self.data)
                job.settle("done", layout)
                self._list(job)
            return job

    def _list(self, job: Projection) -> None:
        self._jobs[job.key] = job
        self._jobs.move_to_end(job.key)
        over = [key for key, other in self._jobs.items() if not other.active]
        for key in over[: max(len(self._jobs) - FINISHED, 0)]:
            del self._jobs[key]

    def _remember(self, key: str, layout: Layout) -> None:
        with self._lock:
            self._layouts[key] = layout
            self._layouts.move_to_end(key)
            while len(self._layouts) > IN_MEMORY:
                self._layouts.popitem(last=False)


def ask_clusters(
    projections: Projections,
    workspace: Workspace,
    collection: Collection,
    points: Points,
    layout: Layout,
    again: bool = False,
) -> Projection:
    """Return the job that finds and names the clusters of ``layout``, begun if nobody has asked for them.

    When it is done ``kept_clusters`` returns them. One that failed or was cancelled is returned as it is, unless it shall be tried ``again``.
    Raises MapError where nothing can be kept.
    """
    data = workspace.settings.data
    if not is_kept(data, points):
        keep_points(data, points)
    if not layout_path(data, layout.key).exists():
        keep_layout(data, layout)
    task = {
        "name": "clusters",
        "data": str(data.absolute()),
        "key": collection.key,
        "digest": points.digest,
        "layout": layout.key,
    }
    return projections.start(f"clusters-{clusters_key(layout)}", task, again)
