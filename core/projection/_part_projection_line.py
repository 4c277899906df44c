"""The line in which the map's work waits: one after the other, in a process of its own."""

from __future__ import annotations

import queue
import threading

from core.errors import MapError
from core.projection._part_projection_job import Projection
from core.projection._worker_process import UNEXPECTED, Child


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
