"""Background jobs: queued, watched, cancelled; an error is kept, not lost."""

from __future__ import annotations

import threading

import pytest

from core.jobs import Jobs
from core.models.bi_encoder import Progress, Vectors
from core.sources import Upload
from core.workspace import Workspace
from tests.fakes import FakeEncoder


@pytest.fixture
def gate(encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Holds the encoder back until it is set."""
    event = threading.Event()
    real = encoder.encode_documents

    def waits(texts: list[str], progress: Progress | None = None) -> Vectors:
        assert event.wait(20)
        return real(texts, progress)

    monkeypatch.setattr(encoder, "encode_documents", waits)
    return event


def uploads(*texts: str) -> list[Upload]:
    return [Upload(f"{text}.txt", text.encode()) for text in texts]


def test_a_job_runs_in_the_background_and_ends_with_outcomes(workspace: Workspace, gate: threading.Event) -> None:
    jobs = Jobs()
    collection = workspace.open_or_create("c")
    first = jobs.index(workspace, collection, uploads("red", "blue"), "replace")
    second = jobs.index(workspace, collection, uploads("sun"), "replace")
    assert (first.active, second.state) == (True, "waiting")
    assert jobs.all() == [second, first]
    gate.set()
    jobs.wait(second, 20)
    assert (first.state, second.state, first.error) == ("done", "done", "")
    assert [outcome.status for outcome in first.outcomes] == ["indexed", "indexed"]
    assert (first.progress.files, first.progress.share) == (2, 1.0)
    jobs.dismiss(first)
    assert jobs.all() == [second]


def test_a_job_is_cancelled_while_it_runs_and_while_it_waits(workspace: Workspace, gate: threading.Event) -> None:
    jobs = Jobs()
    collection = workspace.open_or_create("c")
    first = jobs.index(workspace, collection, uploads("red"), "replace")
    second = jobs.index(workspace, collection, uploads("blue"), "replace")
    first.cancel()
    second.cancel()
    assert first.cancelling
    gate.set()
    jobs.wait(second, 20)
    assert (first.state, second.state) == ("cancelled", "cancelled")
    assert workspace.documents(collection) == []


def test_what_breaks_a_job_is_said(workspace: Workspace) -> None:
    jobs = Jobs()
    collection = workspace.open_or_create("c")
    workspace.delete_collection("c")
    job = jobs.index(workspace, collection, uploads("red"), "replace")
    jobs.wait(job, 20)
    assert job.state == "failed"
    assert "deleted meanwhile" in job.error
    assert workspace.shelf.unfinished() == []


def test_an_active_job_is_not_dismissed(workspace: Workspace, gate: threading.Event) -> None:
    jobs = Jobs()
    job = jobs.index(workspace, workspace.open_or_create("c"), uploads("red"), "replace")
    jobs.dismiss(job)
    assert jobs.all() == [job]
    gate.set()
    jobs.wait(job, 20)
