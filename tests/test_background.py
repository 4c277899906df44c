"""Work in the background: results that are seen as they come, jobs one after the other, cancelled, broken off."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from types import SimpleNamespace

import pytest

from core.background import BackgroundJob, IterableJob, JobQueue, State
from core.errors import ModelError, RankscopeError, StoreError


@dataclass
class Steps:
    """Work that does an item when it is told to, and reports when it comes to the next: those before are done then."""

    count: int

    def __post_init__(self) -> None:
        self._reached: SimpleQueue[int] = SimpleQueue()
        self._go = threading.Semaphore(0)

    def work(self) -> Iterator[int]:
        for item in range(self.count):
            self._reached.put(item)
            assert self._go.acquire(timeout=20)
            yield item

    def until(self, item: int) -> None:
        """Let the items before ``item`` be done."""
        while self._reached.get(timeout=20) < item:
            self._go.release()

    def finish(self) -> None:
        self._go.release(self.count)


class Recorded(BackgroundJob):
    """A job that does ``work`` and notes what it was told of its end."""

    def __init__(self, key: str, work: Callable[[Recorded], object] = lambda job: None) -> None:
        super().__init__(key)
        self.work = work
        self.ends: list[tuple[State, str]] = []

    def run(self) -> None:
        self.work(self)

    def record_end(self, state: State, error: str) -> None:
        self.ends.append((state, error))


class Held(Recorded):
    """A job that runs until it is let go on or asked to stop."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.running, self.go_on = threading.Event(), threading.Event()

    def run(self) -> None:
        self.running.set()
        for _ in range(2000):
            self.check()
            if self.go_on.wait(0.01):
                return
        raise AssertionError("nobody let it go on")

    def until_running(self) -> Held:
        assert self.running.wait(20)
        return self


@pytest.fixture
def queue() -> Iterator[JobQueue[BackgroundJob]]:
    jobs: JobQueue[BackgroundJob] = JobQueue("test")
    yield jobs
    jobs.close()


def started(queue: JobQueue[BackgroundJob], work: Callable[[], Iterable[int]], total: int) -> IterableJob[int]:
    job = IterableJob("items", work, total)
    queue.add(job)
    return job


def test_results_are_seen_as_they_come(queue: JobQueue[BackgroundJob]) -> None:
    steps = Steps(3)
    job = started(queue, steps.work, 3)
    assert (job.active, job.results, job.total) == (True, [], 3)
    steps.until(2)
    assert (job.state, job.results, job.share) == ("running", [0, 1], 2 / 3)
    steps.finish()
    job.wait(20)
    assert (job.state, job.active, job.results, job.share, job.error) == ("done", False, [0, 1, 2], 1, "")


def test_a_cancelled_job_keeps_the_results_so_far(queue: JobQueue[BackgroundJob]) -> None:
    steps = Steps(4)
    job = started(queue, steps.work, 4)
    steps.until(1)
    job.cancel()
    assert job.cancelling
    steps.finish()
    job.wait(20)
    # the item that it was at is done
    assert (job.state, job.active, job.cancelling, job.results, job.error) == ("cancelled", False, False, [0, 1], "")


def test_a_job_cancelled_at_its_last_item_is_done(queue: JobQueue[BackgroundJob]) -> None:
    steps = Steps(2)
    job = started(queue, steps.work, 2)
    steps.until(1)
    job.cancel()
    steps.finish()
    job.wait(20)
    assert (job.state, job.results) == ("done", [0, 1])


def test_a_job_that_is_over_cannot_be_cancelled(queue: JobQueue[BackgroundJob]) -> None:
    job = started(queue, lambda: [1, 2], 2)
    job.wait(20)
    job.cancel()
    assert (job.results, job.state) == ([1, 2], "done")


def test_a_job_of_nothing_is_done(queue: JobQueue[BackgroundJob]) -> None:
    job = started(queue, list, 0)
    job.wait(20)
    assert (job.active, job.results, job.error, job.state) == (False, [], "", "done")


def breaks(error: BaseException) -> Iterator[int]:
    yield 1
    raise error


def test_an_error_of_ours_is_the_jobs(queue: JobQueue[BackgroundJob]) -> None:
    job = started(queue, lambda: breaks(ModelError("The model is gone")), 3)
    job.wait(20)
    assert (job.active, job.results, job.error, job.state) == (False, [1], "The model is gone", "failed")
    assert issubclass(ModelError, RankscopeError)


@pytest.mark.parametrize("unexpected", [ZeroDivisionError("by zero"), SystemExit(3)])
def test_an_unexpected_exception_fails_one_job_and_is_shown_in_the_terminal(
    queue: JobQueue[BackgroundJob], monkeypatch: pytest.MonkeyPatch, unexpected: BaseException
) -> None:
    shown: list[BaseException | None] = []
    # pytest has its own there
    monkeypatch.setattr(threading, "excepthook", lambda broken: shown.append(broken.exc_value))
    job = started(queue, lambda: breaks(unexpected), 3)
    following = queue.add(Recorded("following"))
    job.wait(20)
    following.wait(20)
    assert (job.active, job.results, job.state, following.state) == (False, [1], "failed", "done")
    assert job.error.startswith("It broke off unexpectedly")
    for _ in range(200):
        if shown:
            break
        time.sleep(0.01)  # the thread ends after its job
    assert shown == [unexpected]


def test_jobs_run_one_after_the_other_and_are_listed_newest_first(queue: JobQueue[BackgroundJob]) -> None:
    order: list[str] = []
    first, rest = Held("a"), [Recorded(key, lambda job: order.append(job.key)) for key in "bc"]
    for job in (first, *rest):
        queue.add(job)
    first.until_running()
    assert [(job.key, job.state) for job in queue.all()] == [("c", "waiting"), ("b", "waiting"), ("a", "running")]
    assert (queue.get("b"), queue.get("d")) == (rest[0], None)
    first.go_on.set()
    rest[1].wait(20)
    assert (order, [job.state for job in queue.all()]) == (["b", "c"], ["done"] * 3)
    assert [job.ends for job in (first, *rest)] == [[("done", "")]] * 3


def test_a_job_cancelled_while_it_waits_is_over_at_once_and_never_runs(queue: JobQueue[BackgroundJob]) -> None:
    first, second = Held("a"), Recorded("b", lambda job: pytest.fail("it ran"))
    queue.add(first)
    queue.add(second)
    first.until_running()
    second.cancel()
    assert (second.state, second.ends, first.state) == ("cancelled", [("cancelled", "")], "running")
    first.cancel()
    first.wait(20)
    assert (first.state, first.ends) == ("cancelled", [("cancelled", "")])


def test_waiting_for_a_job_has_a_limit(queue: JobQueue[BackgroundJob]) -> None:
    job = Held("slow")
    queue.add(job)
    with pytest.raises(TimeoutError, match=r"'slow' is not over after 0\.01 seconds"):
        job.wait(0.01)


@pytest.mark.parametrize(
    ("work", "error"),
    [(lambda job: None, "The disk is full"), (lambda job: job.fail(), "The model is gone")],
)
def test_a_job_whose_end_cannot_be_kept_has_failed(
    queue: JobQueue[BackgroundJob], work: Callable[[Recorded], object], error: str
) -> None:
    class FullDisk(Recorded):
        def fail(self) -> None:
            raise ModelError("The model is gone")

        def record_end(self, state: State, error: str) -> None:
            raise StoreError("The disk is full")

    job = queue.add(FullDisk("a", work))
    job.wait(20)
    assert (job.state, job.error) == ("failed", error)  # what broke it first


def test_seconds_and_seconds_left_by_hand(queue: JobQueue[BackgroundJob], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("core.background.time", SimpleNamespace(monotonic=lambda: clock[0]))
    job = Held("a")
    assert (job.seconds, job.seconds_left) == (0, None)
    queue.add(job)
    job.until_running()
    clock[0] += 6
    job.report(0.01, "loading")
    assert (job.seconds, job.seconds_left) == (6, None)  # too early to tell
    job.report(0.25, "embedding")
    assert (job.seconds, job.seconds_left, job.stage) == (6, 18, "embedding")  # a quarter took 6 s
    job.go_on.set()
    job.wait(20)
    clock[0] += 50
    assert (job.seconds, job.seconds_left, job.share) == (6, 0, 1)


def test_only_the_latest_finished_jobs_are_listed() -> None:
    queue: JobQueue[Recorded] = JobQueue("test", limit=2)
    for key in "abc":
        queue.add(Recorded(key)).wait(20)
    assert [job.key for job in queue.all()] == ["c", "b"]
    last = Recorded("d")
    last.finish("failed", "before")
    queue.add(last)
    assert [job.key for job in queue.all()] == ["d", "c"]
    running, waiting = Held("e"), Recorded("f")
    queue.add(running)
    queue.add(waiting)
    running.until_running()
    queue.add(Held("g"))
    assert [job.key for job in queue.all()] == ["g", "f", "e"]  # none that is active goes
    assert (last.state, last.error, last.ends) == ("failed", "before", [])


def test_a_job_replaces_another_one_of_its_key(queue: JobQueue[BackgroundJob]) -> None:
    for key in "ab":
        queue.add(Recorded(key)).wait(20)
    again = queue.add(Recorded("a"))
    again.wait(20)
    assert [job.key for job in queue.all()] == ["a", "b"]
    assert queue.get("a") is again


def test_a_job_is_run_again_in_its_place(queue: JobQueue[BackgroundJob]) -> None:
    job = Recorded("a", lambda job: job.check())
    job.cancel()
    queue.add(job)
    queue.add(Recorded("b")).wait(20)
    assert job.state == "cancelled"
    job.reset()
    assert (job.state, job.active, job.cancelling) == ("waiting", True, False)
    queue.add(job)
    job.wait(20)
    assert (job.state, [other.key for other in queue.all()]) == ("done", ["b", "a"])


def test_only_jobs_that_are_over_are_removed(queue: JobQueue[BackgroundJob]) -> None:
    job = Held("a")
    queue.add(job)
    assert not queue.remove(job)
    job.go_on.set()
    job.wait(20)
    assert queue.remove(job)
    assert (queue.all(), queue.remove(job)) == ([], False)


def test_a_queue_that_goes_stops_its_jobs() -> None:
    queue: JobQueue[Recorded] = JobQueue("goes")
    first, second, cancelled = Held("a"), Recorded("b", lambda job: pytest.fail("it ran")), Held("c")
    for job in (first, second, cancelled):
        queue.add(job)
    first.until_running()
    cancelled.cancel()
    del queue, job
    gc.collect()
    assert [job.state for job in (first, second, cancelled)] == ["cancelled"] * 3
    assert [job.interrupted for job in (first, second, cancelled)] == [True, True, False]
    for thread in threading.enumerate():
        if thread.name == "goes":
            thread.join(20)
            assert not thread.is_alive()
