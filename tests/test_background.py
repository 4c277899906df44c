"""Work in the background: seen as it comes, cancelled, broken off."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from queue import SimpleQueue

import pytest

from core.background import Task
from core.errors import ModelError, RankscopeError


@dataclass
class Steps:
    """Work that does an item when it is told to, and says when it comes to the next: all before that is done then."""

    count: int

    def __post_init__(self) -> None:
        self._at: SimpleQueue[int] = SimpleQueue()
        self._go = threading.Semaphore(0)

    def work(self) -> Iterator[int]:
        for item in range(self.count):
            self._at.put(item)
            assert self._go.acquire(timeout=20)
            yield item

    def until(self, item: int) -> None:
        """Let the items before ``item`` be done."""
        while self._at.get(timeout=20) < item:
            self._go.release()

    def finish(self) -> None:
        self._go.release(self.count)


def test_results_are_seen_as_they_come() -> None:
    steps = Steps(3)
    task = Task.start(steps.work, 3)
    assert (task.active, task.done, task.total) == (True, [], 3)
    steps.until(2)
    assert (task.active, task.done) == (True, [0, 1])
    steps.finish()
    task.wait(20)
    assert (task.active, task.done, task.error, task.cancelled) == (False, [0, 1, 2], "", False)


def test_a_cancelled_task_keeps_what_is_done() -> None:
    steps = Steps(4)
    task = Task.start(steps.work, 4)
    steps.until(1)
    task.cancel()
    steps.finish()
    task.wait(20)
    # the item that it was at is done
    assert (task.active, task.done, task.error, task.cancelled) == (False, [0, 1], "", True)


def test_a_task_that_is_over_was_not_cancelled() -> None:
    task = Task.start(lambda: [1, 2], 2)
    task.wait(20)
    task.cancel()
    assert (task.done, task.cancelled) == ([1, 2], False)


def test_a_task_of_nothing_is_over() -> None:
    task: Task[int] = Task.start(lambda: [], 0)
    task.wait(20)
    assert (task.active, task.done, task.error, task.cancelled) == (False, [], "", False)


def breaks(error: Exception) -> Iterator[int]:
    yield 1
    raise error


def test_an_error_of_ours_is_the_tasks() -> None:
    task = Task.start(lambda: breaks(ModelError("The model is gone")), 3)
    task.wait(20)
    assert (task.active, task.done, task.error, task.cancelled) == (False, [1], "The model is gone", False)
    assert issubclass(ModelError, RankscopeError)


def test_an_unexpected_error_is_told_and_shown_in_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[BaseException | None] = []
    # pytest has its own there
    monkeypatch.setattr(threading, "excepthook", lambda broken: shown.append(broken.exc_value))
    unexpected = ZeroDivisionError("by zero")
    task = Task.start(lambda: breaks(unexpected), 3)
    task.wait(20)
    assert (task.active, task.done, task.cancelled) == (False, [1], False)
    assert task.error.startswith("It broke off unexpectedly")
    assert shown == [unexpected]
