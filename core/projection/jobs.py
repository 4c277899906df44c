"""Layouts in the background, one after the other, each in a process of its own; watched and cancelled from any page.

Who asks for a picture that somebody has asked for gets the same job. What is done is kept on the disk and, the latest, in memory.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from pathlib import Path
from typing import Any

from core.projection._part_projection_job import Projection
from core.projection._part_projection_kept_points import is_kept, keep_points
from core.projection._part_projection_layout_task import layout_task
from core.projection._part_projection_line import Line
from core.projection.cache import keep_layout, kept_layout
from core.projection.layouts import lay_out
from core.projection.records import Layout, LayoutSettings, Points, layout_key

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
