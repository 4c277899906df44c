"""Killed at any moment: the next start goes on with what was queued, and nothing is lost, doubled or done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.killing import torment, write_files
from core.errors import StoreError
from core.indexing._spool import Spool, queued_runs
from core.indexing.indexer import index
from core.indexing.jobs import IndexingJob, IndexingQueue
from core.loading.sources import PathSource, Source, Upload
from core.loading.tables import TableOptions
from core.settings import Settings
from core.util.arrays import Float32Array
from core.util.progress import DoneReport
from core.workspace import Workspace
from tests.support.fakes import FakeEncoder


def uploads(*texts: str) -> list[Upload]:
    return [Upload(f"{text}.txt", text.encode()) for text in texts]


def put_by(workspace: Workspace, *sources: Source) -> Path:
    """What a process leaves that was killed right after it queued a run."""
    spool = Spool.create(workspace.settings.data, workspace.open_or_create("c"), sources, "replace")
    spool.release()
    return spool.path


def taken_up(workspace: Workspace) -> list[IndexingJob]:
    jobs = IndexingQueue()
    jobs.resume(workspace)
    found = jobs.all()
    for job in found:
        job.wait(20)
    return found


def names(workspace: Workspace) -> list[str]:
    return [document.name for document in workspace.documents(workspace.store.collection("c"))]


def test_kill_9_at_random_moments_leaves_what_an_undisturbed_run_leaves(tmp_path: Path) -> None:
    write_files(tmp_path / "files", 60, seed=1)
    lives, (undisturbed, *rounds) = torment(tmp_path, tmp_path / "files", kills=3, seed=5, real=False)
    assert sum(not life.ended for life in lives) == 3
    assert (len(undisturbed.documents) > 50, undisturbed.leftovers) == (True, [])
    assert [undisturbed.differences(found) for found in rounds] == [[] for _ in rounds]
    assert [undisturbed.furthest(found) for found in rounds] == [0.0 for _ in rounds]


def test_what_was_queued_is_taken_up_by_the_next_start(
    workspace: Workspace, encoder: FakeEncoder, tmp_path: Path
) -> None:
    (tmp_path / "far.txt").write_text("moon")
    index(workspace, workspace.open_or_create("c"), uploads("red"))  # stored before the kill
    encoder.encoded.clear()
    put_by(workspace, *uploads("red", "blue"), PathSource(tmp_path / "far.txt", "far.txt"))
    [job] = taken_up(workspace)
    assert (job.state, job.resumed, job.collection, job.files) == ("done", True, "c", 3)
    assert sorted((outcome.name, outcome.status) for outcome in job.outcomes) == [
        ("blue.txt", "indexed"),
        ("far.txt", "indexed"),
        ("red.txt", "unchanged"),
    ]
    assert sorted(encoder.encoded) == ["blue", "moon"]
    assert queued_runs(workspace.settings.data) == []
    assert taken_up(workspace) == []


def test_two_processes_do_not_run_the_same_job(workspace: Workspace) -> None:
    jobs, other = IndexingQueue(), IndexingQueue()
    spool = Spool.create(workspace.settings.data, workspace.open_or_create("c"), uploads("red"), "replace")
    other.resume(workspace)
    assert other.all() == []  # somebody alive has it
    spool.release()
    jobs.resume(workspace)
    other.resume(workspace)
    assert (len(jobs.all()), other.all()) == (1, [])
    jobs.all()[0].wait(20)
    assert names(workspace) == ["red.txt"]


def test_what_was_not_put_by_completely_was_never_queued(workspace: Workspace) -> None:
    path = put_by(workspace, *uploads("red"))
    path.write_bytes(b"")  # killed before the transaction
    assert taken_up(workspace) == []
    assert list(path.parent.iterdir()) == []


def test_a_damaged_file_of_a_run_is_said_once(workspace: Workspace) -> None:
    path = put_by(workspace, *uploads("red"))
    path.write_bytes(b"nonsense " * 1000)
    [job] = taken_up(workspace)
    assert job.state == "failed"
    assert path.name in job.error
    assert "bring its files again" in job.error
    assert taken_up(workspace) == []


def test_a_full_disk_is_said_before_anything_is_queued(workspace: Workspace) -> None:
    collection = workspace.open_or_create("c")
    (workspace.settings.data / "jobs").write_text("in the way")
    with pytest.raises(StoreError, match=r"^The files for 'c' cannot be put by"):
        IndexingQueue().index(workspace, collection, uploads("red"), "replace")


def test_the_choice_of_columns_is_put_by_with_the_file(workspace: Workspace) -> None:
    table = Upload("t.csv", b"colour,place\nred,sea\nblue,tree\n", TableOptions(text=("place",), metadata=("colour",)))
    put_by(workspace, table)
    taken_up(workspace)
    document = workspace.documents(workspace.store.collection("c"))[0]
    text = workspace.document_store.document(document.document_id).text
    assert ("sea" in text, "red" in text) == (True, False)


def test_the_rest_of_a_run_is_left_to_the_next_start_when_the_program_ends(
    workspace: Workspace, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = IndexingQueue()
    real = encoder.encode_documents

    def while_the_program_ends(texts: list[str], progress: DoneReport | None = None) -> Float32Array:
        for job in jobs.all():
            job.leave()
        return real(texts, progress)

    monkeypatch.setattr(encoder, "encode_documents", while_the_program_ends)
    job = jobs.index(workspace, workspace.open_or_create("c"), uploads("red", "blue"), "replace")
    job.wait(20)
    monkeypatch.undo()
    assert names(workspace) == []
    assert [job.state for job in taken_up(workspace)] == ["done"]
    assert names(workspace) == ["blue.txt", "red.txt"]


def test_a_failed_file_can_be_tried_again_after_a_restart(tmp_path: Path, encoder: FakeEncoder) -> None:
    settings = Settings(tmp_path / "data", model="fake")
    late = tmp_path / "late.txt"
    workspace = Workspace.open(settings, loader=lambda model: encoder)
    put_by(workspace, *uploads("red"), Upload("bad.pdf", b"%PDF-1.7 nonsense"), PathSource(late, "late.txt"))
    jobs = IndexingQueue()
    jobs.resume(workspace)
    jobs.all()[0].wait(20)
    del jobs
    workspace.close()
    late.write_text("sea")
    workspace = Workspace.open(settings, loader=lambda model: encoder)
    jobs = IndexingQueue()
    jobs.resume(workspace)
    [job] = jobs.all()
    assert (job.state, job.retryable, job.resumed) == ("done", 2, False)
    jobs.retry(job)
    job.wait(20)
    assert sorted((outcome.name, outcome.status) for outcome in job.outcomes) == [
        ("bad.pdf", "failed"),
        ("late.txt", "indexed"),
        ("red.txt", "indexed"),
    ]
    assert (job.retryable, job.progress.files, job.progress.files_total) == (1, 2, 2)
    jobs.dismiss(job)
    assert queued_runs(settings.data) == []
    workspace.close()


def test_a_large_file_is_put_by_in_parts(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.indexing._spool.PART", 4)
    spool = Spool.create(
        workspace.settings.data,
        workspace.open_or_create("c"),
        [Upload("a.txt", b"red and blue"), Upload("none.txt", b"")],
        "replace",
    )
    assert [(source.name, source.size, source.read()) for source in spool.sources()] == [
        ("a.txt", 12, b"red and blue"),
        ("none.txt", 0, b""),
    ]
    assert len(spool._query("SELECT * FROM parts")) == 3
    spool.record_progress("failed", "", [], spool.sources()[1:])
    assert [source.name for source in spool.sources()] == ["none.txt"]
    assert spool._query("SELECT * FROM parts") == []
    spool.remove()
