"""Background jobs: queued, watched, cancelled; an error is kept, not lost."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from core.indexing._spool import queued_runs
from core.indexing.jobs import IndexingQueue
from core.loading.sources import PathSource, Upload
from core.util.arrays import Float32Array
from core.util.progress import DoneReport
from core.workspace import Workspace
from tests.support.fakes import FakeEncoder


@pytest.fixture
def gate(encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Holds the encoder back until it is set."""
    event = threading.Event()
    real = encoder.encode_documents

    def waits(texts: list[str], progress: DoneReport | None = None) -> Float32Array:
        assert event.wait(20)
        return real(texts, progress)

    monkeypatch.setattr(encoder, "encode_documents", waits)
    return event


def uploads(*texts: str) -> list[Upload]:
    return [Upload(f"{text}.txt", text.encode()) for text in texts]


def test_a_job_runs_in_the_background_and_ends_with_outcomes(workspace: Workspace, gate: threading.Event) -> None:
    jobs = IndexingQueue()
    collection = workspace.open_or_create("c")
    first = jobs.index(workspace, collection, uploads("red", "blue"), "replace")
    second = jobs.index(workspace, collection, uploads("sun"), "replace")
    assert (first.active, second.state) == (True, "waiting")
    assert jobs.all() == [second, first]
    gate.set()
    second.wait(20)
    assert (first.state, second.state, first.error) == ("done", "done", "")
    assert [outcome.status for outcome in first.outcomes] == ["indexed", "indexed"]
    assert (first.progress.files, first.progress.share) == (2, 1.0)
    jobs.dismiss(first)
    assert jobs.all() == [second]


def test_a_job_is_cancelled_while_it_runs_and_while_it_waits(workspace: Workspace, gate: threading.Event) -> None:
    jobs = IndexingQueue()
    collection = workspace.open_or_create("c")
    first = jobs.index(workspace, collection, uploads("red"), "replace")
    second = jobs.index(workspace, collection, uploads("blue"), "replace")
    while first.state == "waiting":
        time.sleep(0.01)
    first.cancel()
    second.cancel()
    assert (first.cancelling, second.state, second.retryable) == (True, "cancelled", 1)
    assert [(outcome.name, outcome.status) for outcome in second.outcomes] == [("blue.txt", "cancelled")]
    gate.set()
    first.wait(20)
    assert (first.state, second.state) == ("cancelled", "cancelled")
    assert workspace.documents(collection) == []


def test_what_breaks_a_job_is_said(workspace: Workspace) -> None:
    jobs = IndexingQueue()
    collection = workspace.open_or_create("c")
    workspace.delete_collection("c")
    job = jobs.index(workspace, collection, uploads("red"), "replace")
    job.wait(20)
    assert job.state == "failed"
    assert "deleted meanwhile" in job.error
    assert workspace.document_store.unfinished() == []


def test_an_active_job_is_not_dismissed(workspace: Workspace, gate: threading.Event) -> None:
    jobs = IndexingQueue()
    job = jobs.index(workspace, workspace.open_or_create("c"), uploads("red"), "replace")
    jobs.dismiss(job)
    assert jobs.all() == [job]
    gate.set()
    job.wait(20)


def test_a_collection_made_anew_under_its_name_gets_nothing_of_the_old_ones_job(
    workspace: Workspace, gate: threading.Event
) -> None:
    jobs = IndexingQueue()
    job = jobs.index(workspace, workspace.open_or_create("c"), uploads("red"), "replace")
    while job.progress.current != "red.txt":  # it is at work
        time.sleep(0.01)
    workspace.delete_collection("c")
    workspace.open_or_create("c")
    gate.set()
    job.wait(20)
    assert job.state == "failed"
    assert job.error.startswith("The collection 'c' was deleted meanwhile, and the one of that name is another")
    assert workspace.store.collection("c").chunks == 0
    assert workspace.document_store.unfinished() == []


def test_a_job_follows_a_collection_that_is_renamed(workspace: Workspace, gate: threading.Event) -> None:
    jobs = IndexingQueue()
    job = jobs.index(workspace, workspace.open_or_create("c"), uploads("red"), "replace")
    workspace.rename("c", "colours")
    gate.set()
    job.wait(20)
    assert (job.state, job.error) == ("done", "")
    assert [document.name for document in workspace.documents(workspace.store.collection("colours"))] == ["red.txt"]


def test_what_was_cancelled_can_be_tried_again_without_being_brought_again(
    workspace: Workspace, gate: threading.Event
) -> None:
    jobs = IndexingQueue()
    collection = workspace.open_or_create("c")
    job = jobs.index(workspace, collection, uploads("red", "blue"), "replace")
    job.cancel()
    gate.set()
    job.wait(20)
    assert (job.state, job.retryable) == ("cancelled", 2)
    jobs.retry(job)
    job.wait(20)
    assert (job.state, job.retryable) == ("done", 0)
    assert [(outcome.name, outcome.status) for outcome in job.outcomes] == [
        ("red.txt", "indexed"),
        ("blue.txt", "indexed"),
    ]
    assert queued_runs(workspace.settings.data) == []


def test_a_cancelled_job_does_not_go_on_after_a_restart(workspace: Workspace, gate: threading.Event) -> None:
    jobs = IndexingQueue()
    collection = workspace.open_or_create("c")
    running, waiting = (jobs.index(workspace, collection, uploads(text), "replace") for text in ("red", "blue"))
    waiting.cancel()
    for job in (running, waiting):  # as a kill would
        assert job.spool is not None
        job.release()
    after = IndexingQueue()
    after.resume(workspace)
    gate.set()
    taken, cancelled = after.all()[::-1]
    taken.wait(20)
    waiting.wait(20)
    assert (taken.state, cancelled.state, cancelled.retryable) == ("done", "cancelled", 1)
    assert [document.name for document in workspace.documents(collection)] == ["red.txt"]
    after.dismiss(cancelled)
    assert queued_runs(workspace.settings.data) == []


def test_what_is_tried_again_and_cancelled_while_it_waits_can_still_be_tried_again(
    workspace: Workspace, gate: threading.Event, tmp_path: Path
) -> None:
    jobs = IndexingQueue()
    collection = workspace.open_or_create("c")
    gate.set()
    late = PathSource(tmp_path / "late.txt", "late.txt")
    job = jobs.index(workspace, collection, [*uploads("red"), late], "replace")
    job.wait(20)
    gate.clear()
    other = jobs.index(workspace, collection, uploads("blue"), "replace")
    jobs.retry(job)
    job.cancel()
    assert (job.state, job.retryable) == ("cancelled", 1)
    assert [(outcome.name, outcome.status) for outcome in job.outcomes] == [
        ("red.txt", "indexed"),
        ("late.txt", "cancelled"),
    ]
    late.path.write_text("sea")
    jobs.retry(job)
    gate.set()
    job.wait(20)
    assert (job.state, job.retryable, other.state) == ("done", 0, "done")
    assert [document.name for document in workspace.documents(collection)] == ["blue.txt", "late.txt", "red.txt"]


def test_files_of_one_name_stay_beside_each_other_when_one_is_tried_again(workspace: Workspace, tmp_path: Path) -> None:
    jobs = IndexingQueue()
    late = PathSource(tmp_path / "readme.txt", "readme.txt")
    job = jobs.index(workspace, workspace.open_or_create("c"), [Upload("readme.txt", b"red"), late], "replace")
    job.wait(20)
    assert [(outcome.name, outcome.status) for outcome in job.outcomes] == [
        ("readme.txt", "failed"),
        ("readme.txt", "indexed"),
    ]
    late.path.write_text("blue")
    jobs.retry(job)
    job.wait(20)
    assert [(outcome.name, outcome.status) for outcome in job.outcomes] == [
        ("readme.txt", "unchanged"),
        ("readme.txt", "kept beside"),
    ]
    assert [document.name for document in workspace.documents(workspace.store.collection("c"))] == [
        "readme (2).txt",
        "readme.txt",
    ]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_that_nobody_foresaw_ends_one_job_not_the_queue(
    workspace: Workspace, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = IndexingQueue()
    collection = workspace.open_or_create("c")

    def breaks(*_: object) -> Float32Array:
        monkeypatch.undo()
        raise ZeroDivisionError

    monkeypatch.setattr(encoder, "encode_documents", breaks)
    first = jobs.index(workspace, collection, uploads("red"), "replace")
    second = jobs.index(workspace, collection, uploads("blue"), "replace")
    first.wait(20)
    second.wait(20)
    assert (first.state, second.state, first.retryable) == ("failed", "done", 1)
    assert "unexpectedly" in first.error
    jobs.dismiss(first)
