"""One piece of the map's work in the background, as whoever waits for it sees it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from core.errors import MapError
from core.projection._worker_process import Child
from core.projection.cache import kept_layout
from core.projection.records import Layout

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
        return self.seconds * (1 - self.share) / self.share if self.state == "running" and self.share >= _TELLING else None

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
