"""Layouts in a process of their own: shared, in turn, cancelled; errors are kept, and no process is left behind."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import core
from core.errors import MapError
from core.projection import _worker
from core.projection._files import FOLDER
from core.projection._worker import layout_task
from core.projection._worker_process import UNEXPECTED, WorkerProcess
from core.projection.cache import layout_path, load_layout, save_layout
from core.projection.jobs import ProjectionQueue
from core.projection.layouts import compute_layout
from core.projection.points import points_folder, save_points
from core.projection.records import LayoutSettings
from core.util.progress import StageReport, silent
from tests.support.points_maker import heaps, points_of

ROOT = Path(core.__file__).parents[1]
PCA, UMAP = LayoutSettings("pca"), LayoutSettings("umap")
POINTS = points_of(heaps(40))


class SlowProcess(WorkerProcess):
    """A worker that lays out by PCA, whatever is asked for, when it is let go on."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.tasks: list[Mapping[str, Any]] = []
        self.error = ""
        self.killed = False

    @property
    def alive(self) -> bool:
        return not self.killed

    def perform(self, task: Mapping[str, Any], report: StageReport, data: Path) -> None:
        self.tasks.append(task)
        report("at it", 0.25)
        assert self.go.wait(20)
        if self.killed:
            raise MapError("killed")
        if task["name"] == "layout":
            save_layout(data, replace(compute_layout(POINTS, PCA), settings=LayoutSettings(**task["settings"])))
        if self.error:
            raise MapError(self.error)

    def kill(self) -> None:
        self.killed = True
        self.go.set()

    def close(self) -> None:
        """There is no process."""


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[SlowProcess]:
    """The workers that are started."""
    started: list[SlowProcess] = []

    def start() -> SlowProcess:
        started.append(SlowProcess())
        return started[-1]

    monkeypatch.setattr(WorkerProcess, "start", start)
    return started


@pytest.fixture
def projections(tmp_path: Path) -> Iterator[ProjectionQueue]:
    queue = ProjectionQueue(tmp_path)
    yield queue
    queue.close()


def until(condition: Callable[[], bool]) -> None:
    for _ in range(2000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to that")


def test_a_layout_is_made_in_the_background_and_kept(
    projections: ProjectionQueue, processes: list[SlowProcess]
) -> None:
    assert projections.cached_layout(POINTS, UMAP) is None
    job = projections.request_layout(POINTS, UMAP)
    until(lambda: job.share > 0)
    assert (job.state, job.active, job.stage, job.share) == ("running", True, "at it", 0.25)
    earlier, left, later = job.seconds, job.seconds_left, job.seconds
    assert left is not None
    assert 3 * earlier <= left <= 3 * later  # a quarter is done
    with pytest.raises(MapError, match="it is running"):
        job.layout()
    processes[0].go.set()
    job.wait(20)
    assert (job.state, job.active, job.share, job.seconds_left, job.error) == ("done", False, 1.0, 0.0, "")
    kept = projections.cached_layout(POINTS, UMAP)
    assert kept is not None
    assert kept.xy.tolist() == job.layout().xy.tolist()
    assert projections.cached_layout(POINTS, UMAP) is kept  # from memory
    assert projections.request_layout(POINTS, UMAP) is job


def test_two_visitors_share_a_job_and_the_next_one_waits(
    projections: ProjectionQueue, processes: list[SlowProcess]
) -> None:
    first, shared = projections.request_layout(POINTS, UMAP), projections.request_layout(POINTS, UMAP)
    second = projections.request_layout(POINTS, replace(UMAP, seed=1))
    assert shared is first
    until(lambda: first.share > 0)
    assert (second.state, second.seconds, second.seconds_left) == ("waiting", 0.0, None)
    assert projections.all() == [second, first]
    processes[0].go.set()
    second.wait(20)
    assert (first.state, second.state) == ("done", "done")
    assert [task["settings"]["seed"] for task in processes[0].tasks] == [42, 1]  # by one process
    assert len(processes) == 1


def test_jobs_are_cancelled_while_they_run_and_while_they_wait(
    projections: ProjectionQueue, processes: list[SlowProcess]
) -> None:
    first, second = projections.request_layout(POINTS, UMAP), projections.request_layout(POINTS, replace(UMAP, seed=1))
    until(lambda: first.share > 0)
    second.cancel()
    assert (first.state, second.state) == ("running", "cancelled")
    first.cancel()
    first.wait(20)
    assert (first.state, second.state, first.error) == ("cancelled", "cancelled", "")
    assert projections.request_layout(POINTS, UMAP) is first  # nobody wanted it again
    again = projections.retry(first)
    assert again is not first
    until(lambda: again.share > 0)
    processes[1].go.set()
    again.wait(20)
    assert projections.request_layout(POINTS, UMAP).state == "done"
    assert [len(child.tasks) for child in processes] == [1, 1]


def test_a_failed_job_has_the_error_of_its_task(projections: ProjectionQueue, processes: list[SlowProcess]) -> None:
    job = projections.request_layout(POINTS, UMAP)
    until(lambda: bool(processes))
    processes[0].error = "the moon is full"
    processes[0].go.set()
    job.wait(20)
    assert (job.state, job.error, job.seconds_left) == ("failed", "the moon is full", None)
    with pytest.raises(MapError, match="the moon is full"):
        job.layout()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_unexpected_error_ends_one_job_not_the_queue(
    projections: ProjectionQueue, processes: list[SlowProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(SlowProcess, "perform", lambda *_: 1 / 0)
        first = projections.request_layout(POINTS, UMAP)
        first.wait(20)
    # the broken thread is gone, the next one is there
    until(lambda: sum(thread.name == "map" for thread in threading.enumerate()) == 1)
    assert (first.state, first.error) == ("failed", UNEXPECTED)
    second = projections.request_layout(POINTS, UMAP, retry=True)
    until(lambda: second.share > 0)
    second.cancel()
    second.wait(20)
    assert second.state == "cancelled"
    third = projections.retry(second)
    until(lambda: third.share > 0)
    processes[-1].go.set()
    third.wait(20)
    assert third.state == "done"


def test_what_is_gone_from_the_disk_is_made_again(
    projections: ProjectionQueue, processes: list[SlowProcess], tmp_path: Path
) -> None:
    job = projections.request_layout(POINTS, UMAP)
    until(lambda: bool(processes))
    processes[0].go.set()
    job.wait(20)
    layout_path(tmp_path, job.key).unlink()
    with pytest.raises(MapError, match="gone from the disk"):
        job.layout()
    again = projections.request_layout(POINTS, UMAP)
    again.wait(20)
    assert again is not job
    assert len(again.layout().xy) == 40


def test_pca_needs_no_process(projections: ProjectionQueue, processes: list[SlowProcess], tmp_path: Path) -> None:
    job = projections.request_layout(POINTS, PCA)
    assert (job.state, len(job.layout().xy), processes) == ("done", 40, [])
    assert load_layout(tmp_path, job.key) is not None
    assert projections.cached_layout(POINTS, PCA) is job.layout()


def test_the_queue_ends_with_its_owner(tmp_path: Path, processes: list[SlowProcess]) -> None:
    queue = ProjectionQueue(tmp_path)
    job = queue.request_layout(POINTS, UMAP)
    until(lambda: job.share > 0)
    del queue
    gc.collect()
    job.wait(20)
    assert processes[0].killed


# With real processes


def test_a_real_worker_lays_out_reports_and_says_what_went_wrong(tmp_path: Path) -> None:
    projections = ProjectionQueue(tmp_path)
    gone = points_of(heaps(41))
    save_points(tmp_path, gone)
    task = layout_task(tmp_path, gone, UMAP)
    (points_folder(tmp_path, "key") / f"{gone.digest}.npy").unlink()
    failed, done = projections.start("gone", task), projections.request_layout(POINTS, UMAP)
    done.wait(120)
    assert (failed.state, done.state, done.error) == ("failed", "done", "")
    assert "gone or damaged" in failed.error
    assert done.layout().xy.tobytes() == compute_layout(POINTS, UMAP).xy.tobytes()
    assert done.stage == "done"
    child = projections._shared.process
    assert child is not None
    assert child.alive
    slow = projections.start("slow", layout_task(tmp_path, save_points(tmp_path, points_of(heaps(3000))), UMAP))
    until(lambda: slow.share > 0)
    half = tmp_path / FOLDER / "layouts" / f".x.{child.process.pid}-1.tmp"
    half.touch()
    slow.cancel()
    slow.wait(20)
    assert (slow.state, child.alive, half.exists()) == ("cancelled", False, False)
    projections.close()


PARENT = """
import json, os, sys, time
from core.projection._worker_process import WorkerProcess
child = WorkerProcess.start()
print(child.process.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_a_worker_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker_id = int(parent.stdout.readline())
    os.kill(worker_id, 0)  # it lives
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    until(
        lambda: (
            not Path(f"/proc/{worker_id}").exists()
            if Path("/proc").exists()
            else subprocess.run(["ps", "-p", str(worker_id)]).returncode != 0
        )
    )


def test_a_worker_that_dies_is_noticed(tmp_path: Path) -> None:
    child = WorkerProcess.start()
    child.kill()
    with pytest.raises(MapError, match="signal 9"):
        child.perform({"name": "layout"}, silent, tmp_path)
    child.close()
    lost = WorkerProcess.start()
    with pytest.raises(MapError, match=f"^{UNEXPECTED}$"):
        lost.perform({"name": "no such task"}, silent, tmp_path)
    lost.close()


def test_a_worker_waits_for_more_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = iter([{"done": True}, {"error": "no memory"}])
    monkeypatch.setattr(_worker, "IDLE", 0.2)
    monkeypatch.setattr(_worker, "_perform", lambda task, out: next(told))
    monkeypatch.setattr(
        _worker, "_read_tasks", lambda tasks: [tasks.put('{"name": "one"}'), tasks.put('{"name": "two"}')]
    )
    monkeypatch.setattr(_worker, "_redirect_output", lambda: sys.stdout)
    monkeypatch.setattr(_worker, "_NICENESS", 0)
    assert _worker.main() == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"done": True},
        {"error": "no memory"},
    ]
