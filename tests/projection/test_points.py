"""The map's points: every visible chunk, read once and cached until the collection changes."""

from __future__ import annotations

from pathlib import Path

import chromadb
import numpy as np
import pytest

from core.errors import ForeignCollection, MapError
from core.indexing.indexer import index
from core.loading.sources import Upload
from core.projection import points as points_module
from core.projection._files import atomic_map_write
from core.projection.points import is_saved, load_current_points, load_points, points_folder, read_points, save_points
from core.projection.records import Points
from core.records.search import Collection
from core.settings import Settings
from core.workspace import Workspace
from tests.support.fakes import FakeEncoder
from tests.support.points_maker import heaps, points_of


@pytest.fixture
def colours(workspace: Workspace) -> Collection:
    """Three documents of a chunk each."""
    collection = workspace.open_or_create("colours")
    index(workspace, collection, [Upload(f"{text}.txt", text.encode()) for text in ("red", "green green", "blue sea")])
    return collection


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The collections that were read through Chroma."""
    names: list[str] = []
    real = points_module._read

    def read(workspace: Workspace, collection: Collection) -> Points:
        names.append(collection.name)
        return real(workspace, collection)

    monkeypatch.setattr(points_module, "_read", read)
    return names


def test_points_are_the_stored_chunks_sorted_by_id(workspace: Workspace, colours: Collection) -> None:
    points = read_points(workspace, colours)
    assert list(points.chunk_ids) == sorted(workspace.store.texts(colours))
    rows = {name: row for row, name in enumerate(points.documents)}
    assert set(rows) == {"red.txt", "green green.txt", "blue sea.txt"}
    sea = rows["blue sea.txt"]
    assert (points.starts[sea], points.ends[sea], points.tokens[sea]) == (0, 8, 2)
    assert points.document_ids[sea] == workspace.document_store.find(colours.key, "blue sea.txt").document_id
    assert points.vectors[sea] == pytest.approx(FakeEncoder().encode_query("blue sea"), abs=1e-6)
    assert (points.collection, points.key, points.metric, points.model) == ("colours", colours.key, "cosine", "fake")
    assert points.row_of[points.chunk_ids[sea]] == sea
    with pytest.raises(ValueError, match="read-only"):
        points.vectors[0, 0] = 1


def test_points_are_read_again_only_after_a_change(workspace: Workspace, colours: Collection, reads: list[str]) -> None:
    first = read_points(workspace, colours)
    assert read_points(workspace, colours).digest == first.digest
    index(workspace, colours, [Upload("sun.txt", b"sun")])
    second = read_points(workspace, colours)
    assert (len(first), len(second), first.digest == second.digest) == (3, 4, False)
    workspace.delete_documents(colours, [workspace.document_store.find(colours.key, "sun.txt").document_id])
    third = read_points(workspace, colours)
    assert (third.digest, third.chunk_ids) == (first.digest, first.chunk_ids)
    assert len(reads) == 3
    assert len(list(points_folder(workspace.settings.data, colours.key).glob("*.npy"))) == 1


def test_another_process_uses_the_cached_points(workspace: Workspace, colours: Collection, reads: list[str]) -> None:
    first = read_points(workspace, colours)
    other = Workspace.open(workspace.settings, loader=lambda model: FakeEncoder())
    assert read_points(other, other.store.collection("colours")).chunk_ids == first.chunk_ids
    index(other, other.store.collection("colours"), [Upload("moon.txt", b"moon")])
    other.close()
    assert len(read_points(workspace, colours)) == 4
    assert len(reads) == 2


def test_hidden_documents_are_left_out(workspace: Workspace, colours: Collection) -> None:
    before = read_points(workspace, colours)
    workspace.document_store.finish(colours.key, [], [before.document_ids[1]])
    after = read_points(workspace, colours)
    assert after.chunk_ids == (before.chunk_ids[0], before.chunk_ids[2])
    assert after.vectors.tolist() == before.vectors[[0, 2]].tolist()


def test_new_names_need_no_reading(workspace: Workspace, colours: Collection, reads: list[str]) -> None:
    before = read_points(workspace, colours)
    workspace.document_store.finish(colours.key, [], [], {before.document_ids[0]: "other.txt"})
    after = read_points(workspace, workspace.rename("colours", "paints"))
    assert (after.collection, after.documents[0], after.documents[1:]) == ("paints", "other.txt", before.documents[1:])
    assert len(reads) == 1


def test_an_empty_collection_has_no_points(workspace: Workspace) -> None:
    points = read_points(workspace, workspace.open_or_create("empty"))
    assert (len(points), points.vectors.shape) == (0, (0, 8))
    assert len(read_points(workspace, workspace.open_or_create("empty"))) == 0


def test_points_of_deleted_collections_are_removed(workspace: Workspace, colours: Collection) -> None:
    read_points(workspace, colours)
    workspace.delete_collection("colours")
    read_points(workspace, workspace.open_or_create("new"))
    assert not points_folder(workspace.settings.data, colours.key).exists()


@pytest.mark.parametrize("ending", [".npy", ".npz"])
def test_damaged_files_are_written_again(workspace: Workspace, colours: Collection, ending: str) -> None:
    points = read_points(workspace, colours)
    path = points_folder(workspace.settings.data, colours.key) / f"{points.digest}{ending}"
    vectors = points.vectors.tolist()
    path.write_bytes(b"nonsense")
    assert read_points(workspace, colours).vectors.tolist() == vectors
    path.unlink()
    assert read_points(workspace, colours).chunk_ids == points.chunk_ids


def test_reading_gives_up_when_the_collection_keeps_changing(
    workspace: Workspace, colours: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = iter(range(100))
    monkeypatch.setattr(Workspace, "version", lambda *_: str(next(versions)))
    with pytest.raises(MapError, match=r"'colours' is being written"):
        read_points(workspace, colours)


def test_a_foreign_collection_is_refused(tmp_path: Path) -> None:
    theirs = chromadb.PersistentClient(path=str(tmp_path)).create_collection("theirs", embedding_function=None)
    theirs.add(ids=["a"], embeddings=np.array([[1, 0]], dtype=np.float32), documents=["red"])
    workspace = Workspace.open(Settings(tmp_path))
    with pytest.raises(ForeignCollection, match="do not name their documents"):
        read_points(workspace, workspace.store.collection("theirs"))
    workspace.close()


def test_loading_points_that_are_gone_fails(tmp_path: Path) -> None:
    points = points_of(heaps(5))
    saved = save_points(tmp_path, points)
    assert is_saved(tmp_path, points)
    assert (saved.chunk_ids, saved.documents, saved.vectors.tolist()) == (
        points.chunk_ids,
        points.documents,
        points.vectors.tolist(),
    )
    assert load_current_points(tmp_path, "key", "some version") is None
    with pytest.raises(MapError, match="open the map again"):
        load_points(tmp_path, "key", "another")


def _fail_while_writing(path: Path) -> None:
    with atomic_map_write(path) as temporary:
        temporary.write_text("new")
        raise ZeroDivisionError


def test_a_file_is_written_completely_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "x"
    with atomic_map_write(path) as temporary:
        temporary.write_text("old")
    with pytest.raises(ZeroDivisionError):
        _fail_while_writing(path)
    assert (path.read_text(), [file.name for file in path.parent.iterdir()]) == ("old", ["x"])
    with pytest.raises(MapError, match="cannot be written"), atomic_map_write(path / "under a file"):
        pass
