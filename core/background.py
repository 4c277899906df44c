"""Long work of a page in the background: watched by a fragment, cancelled by a click."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from core.errors import RankscopeError

Result = TypeVar("Result")


class Task(Generic[Result]):
    """Items computed one after the other in a thread of its own; what is done so far can be seen at any time."""

    def __init__(self, work: Iterable[Result], total: int) -> None:
        self.total = total
        self.done: list[Result] = []
        self.error = ""  # what broke it, known when it is no longer active
        self._cancel = threading.Event()
        self._thread = threading.Thread(target=self._run, args=[work], daemon=True, name="task")

    @classmethod
    def start(cls, work: Callable[[], Iterable[Result]], total: int) -> Task[Result]:
        """Begin at once and return; ``work`` yields ``total`` results."""
        task = cls(work(), total)
        task._thread.start()
        return task

    @property
    def active(self) -> bool:
        """Whether it still runs."""
        return self._thread.is_alive()

    @property
    def cancelled(self) -> bool:
        """Whether it was stopped before its end."""
        return self._cancel.is_set() and len(self.done) < self.total

    def cancel(self) -> None:
        """Ask it to stop after the item that it is at; what is done is kept."""
        self._cancel.set()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it is over."""
        self._thread.join(seconds)

    def _run(self, work: Iterable[Result]) -> None:
        self.error = "It broke off unexpectedly: the terminal shows why. What was done before is kept"
        try:
            for result in work:
                self.done.append(result)
                if self._cancel.is_set():
                    break
            self.error = ""
        except RankscopeError as error:
            self.error = str(error)
