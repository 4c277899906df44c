"""Indexing: idempotent, one bad file never stops the others, and killed anywhere nothing is half there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from core.errors import (
    Cancelled,
    CollectionNotFound,
    ModelMismatch,
    SettingsError,
    SettingsMismatch,
    StoreBusy,
    StoreError,
)
from core.indexing.indexer import index
from core.loading.sources import Upload, walk
from core.records.search import Chunk, Collection, CollectionOptions, OnChange
from core.retrieval.search import search
from core.settings import Settings
from core.store.vector_store import VectorStore
from core.util.progress import Progress
from core.workspace import Workspace
from tests.support.fakes import FakeEncoder


def bring(
    workspace: Workspace, files: dict[str, str | bytes], on_change: OnChange = "replace"
) -> list[tuple[str, str]]:
    uploads = [Upload(name, text.encode() if isinstance(text, str) else text) for name, text in files.items()]
    collection = workspace.open_or_create("c")
    return [(outcome.name, outcome.status) for outcome in index(workspace, collection, uploads, on_change)]


def there(workspace: Workspace) -> dict[str, str]:
    """Document name to text, as found by a search for everything."""
    hits = search(workspace, "c", "red green blue sun moon sea tree stone", 1000).hits
    assert len({hit.chunk_id for hit in hits}) == len(hits)
    listed = {document.name for document in workspace.documents(workspace.store.collection("c"))}
    assert {hit.document for hit in hits} == listed
    return {hit.document: hit.text for hit in hits}


def test_the_same_file_again_changes_nothing(workspace: Workspace, encoder: FakeEncoder) -> None:
    assert bring(workspace, {"a.txt": "red", "b.txt": "blue"}) == [("a.txt", "indexed"), ("b.txt", "indexed")]
    before = workspace.documents(workspace.store.collection("c"))
    encoder.encoded.clear()
    assert bring(workspace, {"a.txt": "red", "b.txt": "blue"}) == [("a.txt", "unchanged"), ("b.txt", "unchanged")]
    assert encoder.encoded == []
    assert workspace.documents(workspace.store.collection("c")) == before


def test_a_changed_file_replaces_the_old_version(workspace: Workspace) -> None:
    bring(workspace, {"a.txt": "red", "b.txt": "blue"})
    assert bring(workspace, {"a.txt": "green"}) == [("a.txt", "replaced")]
    assert there(workspace) == {"a.txt": "green", "b.txt": "blue"}
    assert workspace.store.collection("c").chunks == 2


def test_or_stands_beside_it(workspace: Workspace) -> None:
    bring(workspace, {"a.txt": "red"})
    assert bring(workspace, {"a.txt": "green"}, "keep") == [("a.txt", "kept beside")]
    assert bring(workspace, {"a.txt": "blue"}, "keep") == [("a.txt", "kept beside")]
    assert bring(workspace, {"a.txt": "green"}, "keep") == [("a.txt", "unchanged")]
    assert there(workspace) == {"a.txt": "red", "a (2).txt": "green", "a (3).txt": "blue"}


def test_the_same_text_under_another_name_is_held_once(workspace: Workspace) -> None:
    assert bring(workspace, {"a.txt": "red", "copy.txt": "red"}) == [("copy.txt", "duplicate"), ("a.txt", "indexed")]
    assert there(workspace) == {"a.txt": "red"}


def test_a_file_that_became_a_copy_of_another_is_gone_under_its_name(workspace: Workspace) -> None:
    bring(workspace, {"a.txt": "red", "b.txt": "blue"})
    assert bring(workspace, {"b.txt": "red"}) == [("b.txt", "duplicate")]
    assert there(workspace) == {"a.txt": "red"}


def test_two_files_of_one_name_in_one_run_are_both_kept(workspace: Workspace) -> None:
    uploads = [Upload("readme.txt", b"red"), Upload("readme.txt", b"blue")]
    outcomes = index(workspace, workspace.open_or_create("c"), uploads)
    assert [outcome.status for outcome in outcomes] == ["indexed", "kept beside"]
    assert there(workspace) == {"readme.txt": "red", "readme (2).txt": "blue"}


@pytest.mark.parametrize("on_change", ["replace", "keep"])
def test_also_where_the_first_of_them_is_unchanged(workspace: Workspace, on_change: OnChange) -> None:
    collection = workspace.open_or_create("c")
    index(workspace, collection, [Upload("readme.txt", b"red")])
    both = [Upload("readme.txt", b"red"), Upload("readme.txt", b"blue")]
    for statuses in (["unchanged", "kept beside"], ["unchanged", "unchanged"]):  # the second time nothing is new
        assert [outcome.status for outcome in index(workspace, collection, both, on_change)] == statuses
        assert there(workspace) == {"readme.txt": "red", "readme (2).txt": "blue"}


def test_a_file_that_has_the_name_of_one_kept_beside_another_replaces_nothing(workspace: Workspace) -> None:
    three = [Upload("a.txt", b"red"), Upload("a.txt", b"blue"), Upload("a (2).txt", b"sun")]
    for _ in range(2):
        index(workspace, workspace.open_or_create("c"), three)
        assert there(workspace) == {"a.txt": "red", "a (2).txt": "blue", "a (2) (2).txt": "sun"}


@pytest.mark.parametrize("names", [("a.txt", "b.txt"), ("b.txt", "a.txt")])
@pytest.mark.parametrize("new", ["green", "sun"])  # a text of its own, or one that another file has
def test_a_renamed_file_is_not_lost_where_its_old_name_says_something_else(
    workspace: Workspace, encoder: FakeEncoder, names: tuple[str, str], new: str
) -> None:
    old, renamed = names
    bring(workspace, {old: "red", "0.txt": "sun"})
    encoder.encoded.clear()
    outcomes = bring(workspace, dict(sorted({old: new, renamed: "red"}.items())))
    assert there(workspace) == {"0.txt": "sun", renamed: "red"} | ({old: new} if new == "green" else {})
    assert (renamed, "indexed") in outcomes
    assert len(outcomes) == 2
    assert workspace.document_store.unfinished() == []
    if new == "green":
        assert encoder.encoded == ["green"]


def test_one_bad_file_never_stops_the_others(workspace: Workspace) -> None:
    files: dict[str, str | bytes] = {"a.txt": "red", "bad.pdf": b"%PDF-1.7 nonsense", "empty.txt": "", "b.txt": "blue"}
    assert sorted(bring(workspace, files)) == [
        ("a.txt", "indexed"),
        ("b.txt", "indexed"),
        ("bad.pdf", "failed"),
        ("empty.txt", "failed"),
    ]
    assert there(workspace) == {"a.txt": "red", "b.txt": "blue"}


def test_many_documents_go_in_groups(workspace: Workspace) -> None:
    files: dict[str, str | bytes] = {f"{number}.txt": f"red {number} " + "word " * 300 for number in range(300)}
    bring(workspace, files)
    collection = workspace.store.collection("c")
    documents = workspace.documents(collection)
    assert len(documents) == 300
    assert sum(document.chunks for document in documents) == collection.chunks == 600


def test_cancel_keeps_what_is_stored_and_nothing_half(workspace: Workspace) -> None:
    def report(progress: Progress) -> None:
        if progress.chunks > 700:
            raise Cancelled("enough")

    uploads = [Upload(f"{number:03}.txt", (f"red {number} " + "word " * 300).encode()) for number in range(600)]
    outcomes = index(workspace, workspace.open_or_create("c"), uploads, report=report)
    stored = [outcome.name for outcome in outcomes if outcome.status == "indexed"]
    assert len(outcomes) == 600
    assert 200 < len(stored) < 400
    assert {outcome.status for outcome in outcomes} == {"indexed", "cancelled"}
    assert [document.name for document in workspace.documents(workspace.store.collection("c"))] == stored


def test_progress_adds_up(workspace: Workspace) -> None:
    heard: list[Progress] = []
    uploads = [Upload(f"{number}.txt", f"red {number}".encode()) for number in range(5)]
    index(workspace, workspace.open_or_create("c"), uploads, report=heard.append)
    assert (heard[-1].files, heard[-1].files_total, heard[-1].chunks, heard[-1].share) == (5, 5, 5, 1.0)
    assert all(before.share <= after.share for before, after in pairwise(heard))


def test_a_document_half_added_is_not_found_and_removed_at_the_next_start(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(workspace, {"a.txt": "red"})
    real = VectorStore.add

    def dies_after_adding(self: VectorStore, collection: Collection, chunks: list[Chunk], *rest: object) -> None:
        real(self, collection, chunks, *rest)  # type: ignore[arg-type]  # passed on as given
        raise KeyboardInterrupt

    monkeypatch.setattr(VectorStore, "add", dies_after_adding)
    with pytest.raises(KeyboardInterrupt):
        bring(workspace, {"a.txt": "green", "b.txt": "blue"})
    monkeypatch.undo()
    assert workspace.store.collection("c").chunks == 3  # the chunks are in Chroma ...
    assert there(workspace) == {"a.txt": "red"}  # ... and not to be found
    workspace.remove_unfinished()
    assert workspace.store.collection("c").chunks == 1
    assert bring(workspace, {"a.txt": "green", "b.txt": "blue"}) == [("a.txt", "replaced"), ("b.txt", "indexed")]
    assert there(workspace) == {"a.txt": "green", "b.txt": "blue"}


def test_a_failed_store_leaves_the_old_version(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    bring(workspace, {"a.txt": "red"})

    def fails(*_: object) -> None:
        raise StoreError("disk full")

    monkeypatch.setattr(VectorStore, "add", fails)
    with pytest.raises(StoreError, match="disk full"):
        bring(workspace, {"a.txt": "green"})
    monkeypatch.undo()
    assert there(workspace) == {"a.txt": "red"}
    assert workspace.document_store.unfinished() == []


KILLED = """
import sys, time
from pathlib import Path
from core.indexing.indexer import index
from core.settings import Settings
from core.loading.sources import walk
from core.store.vector_store import VectorStore
from core.workspace import Workspace
from tests.support.fakes import FakeEncoder

fake = FakeEncoder()
workspace = Workspace.open(Settings(Path(sys.argv[1]), model="fake"), loader=lambda model: fake)
real = VectorStore.add
def slow(self, *rest):
    real(self, *rest)
    print("added", flush=True)
    time.sleep(0.2)
VectorStore.add = slow
index(workspace, workspace.open_or_create("c"), walk([Path(sys.argv[2])]))
"""


@pytest.mark.parametrize("groups", [1, 3])
def test_kill_9_at_any_moment_loses_and_doubles_nothing(tmp_path: Path, groups: int) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for number in range(600):
        (files / f"{number:03}.txt").write_text(f"red {number} " + "word " * 300)
    data = tmp_path / "data"
    run = subprocess.Popen([sys.executable, "-c", KILLED, str(data), str(files)], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    for _ in range(groups):  # the last group's chunks are in Chroma, and its documents still marked as being added
        assert run.stdout.readline() == "added\n"
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    run.stdout.close()
    workspace = Workspace.open(Settings(data, model="fake"), loader=lambda model: FakeEncoder())
    collection = workspace.store.collection("c")
    assert collection.chunks == sum(document.chunks for document in workspace.documents(collection))
    assert len(workspace.documents(collection)) < 600
    index(workspace, collection, walk([files]))
    assert len(workspace.documents(collection)) == 600
    assert workspace.store.collection("c").chunks == 1200
    workspace.close()


def test_a_writer_waits_for_its_turn(workspace: Workspace) -> None:
    program = (
        "import sys, time; from filelock import FileLock\n"
        f"with FileLock({str(workspace.settings.data / 'rankscope.lock')!r}):\n"
        "    print('held', flush=True); time.sleep(30)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(StoreBusy, match="Another process"), workspace.write_lock(timeout=0.1):
            pass
        other.kill()
    with workspace.write_lock(timeout=1):
        pass


def test_deleting_documents_and_collections(workspace: Workspace) -> None:
    bring(workspace, {"a.txt": "red", "b.txt": "blue"})
    collection = workspace.store.collection("c")
    gone = workspace.document_store.find(collection.key, "a.txt")
    workspace.delete_documents(collection, [gone.document_id])
    assert there(workspace) == {"b.txt": "blue"}
    workspace.delete_collection("c")
    with pytest.raises(CollectionNotFound):
        workspace.store.collection("c")
    assert workspace.document_store.documents(collection.key) == []
    with pytest.raises(CollectionNotFound):
        workspace.delete_collection("c")


def test_a_text_stays_while_any_collection_holds_it(workspace: Workspace) -> None:
    bring(workspace, {"a.txt": "red"})
    other = workspace.open_or_create("other")
    index(workspace, other, [Upload("a.txt", b"red")])
    document_id = workspace.documents(other)[0].document_id
    workspace.delete_collection("c")
    assert workspace.document_store.document(document_id).text == "red"
    workspace.delete_collection("other")
    with pytest.raises(StoreError):
        workspace.document_store.document(document_id)


def test_settings_are_fixed_when_a_collection_is_made(workspace: Workspace) -> None:
    workspace.open_or_create("c", CollectionOptions(metric="dot", size=50))
    assert workspace.open_or_create("c").metric == "dot"
    for wanted, words in (
        (CollectionOptions(metric="cosine"), "dot, not cosine"),
        (CollectionOptions(size=60), "50, not 60"),
        (CollectionOptions("other"), "fake, not other"),
        (CollectionOptions(method="rows"), "structure, not rows"),
    ):
        with pytest.raises(SettingsMismatch, match=words):
            workspace.open_or_create("c", wanted)
    with pytest.raises(SettingsError, match="at most 254"):
        workspace.open_or_create("long", CollectionOptions(size=255))


def test_a_model_that_reads_little_gets_smaller_chunks_by_default(workspace: Workspace, encoder: FakeEncoder) -> None:
    encoder.budget = 126
    chunking = workspace.create("c").chunking
    assert (chunking.size, chunking.overlap) == (126, 25)


def test_another_revision_of_the_model_is_refused_by_name(workspace: Workspace, encoder: FakeEncoder) -> None:
    bring(workspace, {"a.txt": "red"})
    encoder.revision = "2"
    with pytest.raises(ModelMismatch, match=r"revision 1 .*revision 2"):
        search(workspace, "c", "red")


def test_two_processes_index_into_one_folder(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from core.indexing.indexer import index; from core.settings import "
        "Settings\n"
        "from core.loading.sources import Upload; from core.workspace import Workspace; from tests.support.fakes "
        "import FakeEncoder\n"
        "fake = FakeEncoder(); w = Workspace.open(Settings(Path(sys.argv[1]), model='fake'), loader=lambda m: fake)\n"
        "for n in range(5): index(w, w.store.collection('c'), [Upload(f'{sys.argv[2]}{n}.txt', f'red {sys.argv[2]} "
        "{n}'.encode())])"
    )
    opened = Workspace.open(Settings(tmp_path, model="fake"), loader=lambda model: FakeEncoder())
    opened.open_or_create("c")
    runs = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path), name]) for name in "xy"]
    deadline = time.monotonic() + 120
    while any(run.poll() is None for run in runs) and time.monotonic() < deadline:
        search(opened, "c", "red")
        time.sleep(0.05)
    assert [run.returncode for run in runs] == [0, 0]
    assert len(there(opened)) == 10
    opened.close()
