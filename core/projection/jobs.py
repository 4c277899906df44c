"""Layouts and clusters in the background, one after the other, in a process of their own.

Who requests a layout that somebody has requested before gets the same job. What is done is kept on the disk; the
latest layouts are in memory too.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from pathlib import Path

from core.background import BackgroundJob, JobQueue
from core.errors import MapError
from core.projection._worker import Task, clusters_task, layout_task
from core.projection._worker_process import UNEXPECTED, WorkerProcess
from core.projection.cache import clusters_key, layout_path, load_layout, save_layout
from core.projection.layouts import compute_layout
from core.projection.points import is_saved, save_points
from core.projection.records import Layout, LayoutSettings, Points, layout_key

MEMORY_LIMIT = 8  # layouts: some 1 MB each of 100,000 chunks
JOB_LIMIT = 100  # jobs that are remembered


class _SharedProcess:
    """The worker process of a queue, started when a task needs it and kept for the next one."""

    def __init__(self) -> None:
        self.process: WorkerProcess | None = None

    def get(self) -> WorkerProcess:
        """Return a living process. Raises MapError where none can be started."""
        if self.process and not self.process.alive:
            self.process.close()
            self.process = None
        self.process = self.process or WorkerProcess.start()
        return self.process

    def kill(self) -> None:
        """End it at once."""
        if self.process:
            self.process.kill()


class ProjectionJob(BackgroundJob):
    """A task for the worker process; its result is in the data folder ``data`` when the job is done."""

    unexpected = UNEXPECTED

    def __init__(self, key: str, task: Task, data: Path, shared: _SharedProcess, layout: Layout | None = None) -> None:
        super().__init__(key)
        self.task = task
        self.data = data
        self._shared = shared
        self._process: WorkerProcess | None = None  # while it performs the task
        self._layout = layout

    def run(self) -> None:
        """Have the task performed."""
        self.check()
        self._process = self._shared.get()
        try:
            self.check()
            self._process.perform(self.task, self._report, self.data)
        except MapError:
            self.check()  # the process may have been killed to cancel the job
            raise
        finally:
            self._process = None

    def _report(self, stage: str, share: float) -> None:
        self.stage, self.share = stage, max(self.share, share)

    def cancel(self) -> None:
        """End it at once; nothing of it is kept."""
        super().cancel()
        self._kill()

    def leave(self) -> None:
        """End it at once, because the process ends."""
        super().leave()
        self._kill()

    def _kill(self) -> None:
        if process := self._process:
            process.kill()

    def layout(self) -> Layout:
        """Return the layout. Raises MapError where it is not done, or was removed meanwhile."""
        if self.state != "done":
            raise MapError(self.error or f"The map is not drawn: it is {self.state}. Ask for it again")
        self._layout = self._layout or load_layout(self.data, self.key)
        if self._layout is None:
            raise MapError("The map was drawn, but it is gone from the disk: ask for it again")
        return self._layout


class ProjectionQueue(JobQueue[ProjectionJob]):
    """The layouts and clusters of one data folder. One task runs at a time: two would take twice as long each."""

    def __init__(self, data: Path) -> None:
        super().__init__("map", JOB_LIMIT)
        self.data = data
        self._shared = _SharedProcess()
        self._changing = threading.RLock()
        self._layouts: OrderedDict[str, Layout] = OrderedDict()  # the latest, by key
        weakref.finalize(self, self._shared.kill)

    def cached_layout(self, points: Points, settings: LayoutSettings) -> Layout | None:
        """Return the layout of these points if it is in memory or on the disk, else None."""
        key = layout_key(points.digest, settings)
        with self._changing:
            layout = self._layouts.get(key)
        layout = layout or load_layout(self.data, key)
        if layout:
            self._remember(key, layout)
        return layout

    def request_layout(self, points: Points, settings: LayoutSettings, retry: bool = False) -> ProjectionJob:
        """Return the job that makes this layout, queued if nobody has requested it; PCA is done when this returns.

        One that failed or was cancelled is returned as it is, unless ``retry``. Raises MapError.
        """
        key = layout_key(points.digest, settings)
        layout = self.cached_layout(points, settings)
        if layout is None and settings.method == "pca":
            layout = compute_layout(points, settings)
            save_layout(self.data, layout)
            self._remember(key, layout)
        task = layout_task(self.data, points, settings)
        if layout:
            return self._add_done(key, task, layout)
        if not is_saved(self.data, points):
            save_points(self.data, points)
        return self.start(key, task, retry)

    def request_clusters(self, points: Points, layout: Layout, retry: bool = False) -> ProjectionJob:
        """Return the job that finds and names the clusters of ``layout``, queued if nobody has requested them.

        When it is done ``load_clusters`` returns them. One that failed or was cancelled is returned as it is, unless
        ``retry``. Raises MapError where nothing can be kept.
        """
        if not is_saved(self.data, points):
            save_points(self.data, points)
        if not layout_path(self.data, layout.key).exists():
            save_layout(self.data, layout)
        return self.start(f"clusters-{clusters_key(layout)}", clusters_task(self.data, points, layout), retry)

    def start(self, key: str, task: Task, retry: bool = False) -> ProjectionJob:
        """Return the job of that key, queued with ``task`` if there is none.

        One that failed or was cancelled runs again if ``retry``. One that is done runs again: its result was looked for
        and not found.
        """
        with self._changing:
            job = self.get(key)
            if job and (job.active or (job.state in ("failed", "cancelled") and not retry)):
                return job
            return self.add(ProjectionJob(key, task, self.data, self._shared))

    def retry(self, job: ProjectionJob) -> ProjectionJob:
        """Return a job that does what one does that failed, was cancelled, or whose result is gone."""
        return self.start(job.key, job.task, retry=True)

    def _add_done(self, key: str, task: Task, layout: Layout) -> ProjectionJob:
        with self._changing:
            job = self.get(key)
            if job is None or job.state != "done":
                job = ProjectionJob(key, task, self.data, self._shared, layout)
                job.finish("done")
                self.add(job)
            return job

    def _remember(self, key: str, layout: Layout) -> None:
        with self._changing:
            self._layouts[key] = layout
            self._layouts.move_to_end(key)
            while len(self._layouts) > MEMORY_LIMIT:
                self._layouts.popitem(last=False)
