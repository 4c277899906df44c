"""Out, away, in again: the same rankings, nothing embedded, and nothing half there. Copies and other names."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core.errors import (
    BadName,
    Cancelled,
    CollectionExists,
    CollectionNotFound,
    ExchangeError,
    ForeignCollection,
    ModelMismatch,
    SettingsError,
)
from core.exchange.bundle import export_bundle, import_bundle
from core.exchange.copying import copy_collection
from core.exchange.writer import group_by_chunks
from core.indexing.indexer import index
from core.loading.sources import PreparedSource, Upload
from core.records.document import Document
from core.records.judgments import Judgment
from core.records.search import CollectionOptions, Hit, Metric
from core.retrieval.search import search
from core.settings import Settings
from core.util.arrays import Float32Array
from core.util.progress import Progress
from core.workspace import Workspace
from tests.support.fakes import AXES, FakeCrossEncoder, FakeEncoder

# hits asked for, so that HNSW looks everywhere: two builds of its graph may miss different neighbours, above all by dot
# product
EXACT = 150


class NoisyEncoder(FakeEncoder):
    """The fake encoder plus noise from each text's hash, so that no two texts tie and the order of hits is defined."""

    def _vector(self, text: str) -> Float32Array:
        noise = np.frombuffer(hashlib.sha256(text.encode()).digest()[: len(AXES)], dtype=np.uint8)
        return (super()._vector(text) + noise / 1024).astype(np.float32)


@pytest.fixture
def encoder() -> FakeEncoder:
    return NoisyEncoder()


def elsewhere(folder: Path, encoder: FakeEncoder | None = None) -> Workspace:
    settings = Settings(folder, model="fake", reranker="fake-cross")
    return Workspace.open(
        settings, loader=lambda model: encoder or NoisyEncoder(), reranker_loader=lambda model: FakeCrossEncoder()
    )


def colours(workspace: Workspace, documents: int = 60, metric: Metric = "cosine", name: str = "colours") -> None:
    """Documents of random words, of several chunks each, with pages, rows and metadata."""
    chance = random.Random(5)
    uploads: list[PreparedSource | Upload] = []
    for number in range(documents):
        words = [chance.choice([*AXES, "the", "of", "and"]) for _ in range(chance.randint(5, 60))]
        uploads.append(Upload(f"{number:03}.md", f"# Title {number}\n\n{' '.join(words)}".encode()))
    told = Document("told", "sun moon", size=9, metadata={"author": "Ada", "year": 1843, "cited": True, "weight": 0.1})
    uploads.append(PreparedSource("told.txt", 9, lambda: told))
    index(workspace, workspace.create(name, CollectionOptions(metric=metric, size=16, overlap=4)), uploads)


def rankings(workspace: Workspace, name: str) -> list[tuple[Hit, ...]]:
    chance = random.Random(9)
    queries = [" ".join(chance.choice(AXES) for _ in range(chance.randint(1, 6))) for _ in range(50)]
    return [search(workspace, name, query, EXACT).hits[:10] for query in queries]


def assert_same_hits(ours: list[tuple[Hit, ...]], theirs: list[tuple[Hit, ...]]) -> None:
    """Assert the same hits in the same order, in every field; scores agree within float32 precision at length 1."""
    for one, other in zip(ours, theirs, strict=True):
        assert [hit.chunk_id for hit in one] == [hit.chunk_id for hit in other]
        assert [
            (hit.text, hit.document, hit.start, hit.end, hit.page, hit.heading, hit.tokens, hit.metadata) for hit in one
        ] == [
            (hit.text, hit.document, hit.start, hit.end, hit.page, hit.heading, hit.tokens, hit.metadata)
            for hit in other
        ]
        assert [hit.bi_score for hit in one] == pytest.approx([hit.bi_score for hit in other], abs=1e-6)


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_out_wiped_and_in_again_ranks_the_same(
    workspace: Workspace, encoder: FakeEncoder, tmp_path: Path, metric: Metric
) -> None:
    colours(workspace, metric=metric)
    before, original = rankings(workspace, "colours"), workspace.store.collection("colours")
    documents = {document.name: document.document_id for document in workspace.documents(original)}
    workspace.judgments.add(
        original.key,
        {"q1": "red?", "q2": "not judged"},
        [Judgment("test", "q1", documents["told.txt"], 0, 3, 2, "by hand")],
    )
    written = export_bundle(workspace, "colours", tmp_path / "colours.zip")
    assert (written.documents, written.chunks, written.queries, written.judgments) == (61, original.chunks, 2, 1)
    workspace.delete_collection("colours")
    assert workspace.judgments.queries(original.key) == {}
    encoder.encoded.clear()

    result = import_bundle(workspace, tmp_path / "colours.zip")
    assert encoder.encoded == []
    assert (result.documents, result.queries, result.judgments) == (61, 2, 1)
    assert_same_hits(before, rankings(workspace, "colours"))
    again = workspace.store.collection("colours")
    assert again.key != original.key
    assert (again.model, again.revision, again.dimension, again.metric, again.chunking, again.chunks) == (
        original.model,
        original.revision,
        original.dimension,
        original.metric,
        original.chunking,
        original.chunks,
    )
    listed = {
        document.name: (document.document_id, document.chunks, document.size, dict(document.metadata))
        for document in workspace.documents(again)
    }
    assert {name: row[0] for name, row in listed.items()} == documents
    assert listed["told.txt"] == (
        documents["told.txt"],
        1,
        9,
        {"author": "Ada", "year": 1843, "cited": True, "weight": 0.1},
    )
    assert workspace.judgments.queries(again.key) == {"q1": "red?", "q2": "not judged"}
    assert workspace.judgments.judgments(again.key, "test") == [
        Judgment("test", "q1", documents["told.txt"], 0, 3, 2, "by hand")
    ]
    stored = workspace.document_store.document(documents["000.md"])
    assert [heading.title for heading in stored.headings] == ["Title 0"]


def test_the_sample_library_comes_back_the_same(samples_workspace: Workspace, tmp_path: Path) -> None:
    from core.samples import library as samples

    queries = [question.question for question in samples.questions()][:10]
    name = samples.SAMPLE_COLLECTION
    export_bundle(samples_workspace, name, tmp_path / "samples.zip")
    other = Workspace.open(Settings(tmp_path / "other"))
    import_bundle(other, tmp_path / "samples.zip")
    assert_same_hits(
        [search(samples_workspace, name, query, 10).hits for query in queries],
        [search(other, name, query, 10).hits for query in queries],
    )
    other.close()


def test_a_large_collection_goes_in_groups(workspace: Workspace, tmp_path: Path) -> None:
    uploads = [Upload(f"{number}.txt", f"red {number} {'word ' * 3000}".encode()) for number in range(150)]
    index(workspace, workspace.create("large", CollectionOptions(size=100, overlap=0)), uploads)
    heard: list[Progress] = []
    export_bundle(workspace, "large", tmp_path / "large.zip", heard.append)
    assert len(heard) > 1
    assert (heard[-1].files, heard[-1].files_total, heard[-1].share) == (150, 150, 1.0)
    heard.clear()
    result = import_bundle(workspace, tmp_path / "large.zip", "again", report=heard.append)
    assert result.collection.chunks == workspace.store.collection("large").chunks > 4000
    assert (len(heard) > 1, heard[-1].files, heard[-1].share) == (True, 150, 1.0)


def test_groups_keep_documents_whole() -> None:
    assert [len(group) for group in group_by_chunks([900, 900, 900, 5000, 1], lambda chunks: chunks)] == [2, 1, 1, 1]


def with_changes(file: Path, changes: dict[str, bytes | None]) -> Path:
    """The same ZIP with parts replaced, or (None) left out."""
    other = file.with_name("changed.zip")
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(other, "w") as made:
        for name in archive.namelist():
            data = changes.get(name, archive.read(name))
            if data is not None:
                made.writestr(name, data)
    return other


@pytest.fixture
def bundle(workspace: Workspace, tmp_path: Path) -> Path:
    colours(workspace, 5)
    export_bundle(workspace, "colours", tmp_path / "colours.zip")
    return tmp_path / "colours.zip"


def manifest(bundle: Path, **changes: object) -> bytes:
    with zipfile.ZipFile(bundle) as archive:
        values = {**json.loads(archive.read("manifest.json")), **changes}
    return json.dumps({key: value for key, value in values.items() if value is not None}).encode()


def part(bundle: Path, name: str) -> bytes:
    with zipfile.ZipFile(bundle) as archive:
        return archive.read(name)


def test_damaged_bundles_are_refused_and_leave_nothing(workspace: Workspace, bundle: Path, tmp_path: Path) -> None:
    chunks = bytearray(part(bundle, "chunks.parquet"))
    chunks[len(chunks) // 2] ^= 1
    cases: list[tuple[dict[str, bytes | None], str]] = [
        ({"chunks.parquet": bytes(chunks)}, r"chunks.parquet is not what its manifest.json says \(SHA-256\)"),
        ({"chunks.parquet": part(bundle, "chunks.parquet")[:-9]}, "chunks.parquet is not what"),
        ({"documents.parquet": None}, "lacks documents.parquet"),
        ({"manifest.json": None}, "holds no manifest.json"),
        ({"manifest.json": b"{"}, "not JSON"),
        ({"manifest.json": b"[]"}, "does not say"),
        ({"manifest.json": manifest(bundle, format="other")}, "not a bundle"),
        ({"manifest.json": manifest(bundle, schema=99)}, "version 99"),
        ({"manifest.json": manifest(bundle, model=None)}, "'model'"),
        ({"manifest.json": manifest(bundle, dimension=9)}, "the columns of chunks.parquet"),
        ({"manifest.json": manifest(bundle, dimension=0)}, "0 dimensions"),
        ({"manifest.json": manifest(bundle, metric="angle")}, "'angle'"),
        ({"manifest.json": manifest(bundle, parts={})}, "lacks documents.parquet"),
    ]
    for changes, words in cases:
        file = with_changes(bundle, changes)
        with pytest.raises(ExchangeError, match=words) as caught:
            import_bundle(workspace, file, "new")
        assert str(caught.value).startswith(str(file))
        assert [collection.name for collection in workspace.store.collections()] == ["colours"]
        assert list((workspace.settings.data / "arriving").iterdir()) == []
    for size in (0, 100, bundle.stat().st_size // 2, bundle.stat().st_size - 10):
        (tmp_path / "cut.zip").write_bytes(bundle.read_bytes()[:size])
        with pytest.raises(ExchangeError, match="cut off"):
            import_bundle(workspace, tmp_path / "cut.zip", "new")
    with pytest.raises(ExchangeError, match=r"nowhere.zip cannot be unpacked"):
        import_bundle(workspace, tmp_path / "nowhere.zip", "new")


def test_a_byte_changed_anywhere_is_noticed(workspace: Workspace, bundle: Path, tmp_path: Path) -> None:
    whole, chance = bundle.read_bytes(), random.Random(3)
    with zipfile.ZipFile(bundle) as archive:
        # inside the two large parts
        starts = [(info.header_offset + 60, info.file_size - 60) for info in archive.infolist()[:2]]
    for start, size in starts * 5:
        at = start + chance.randrange(size)
        (tmp_path / "changed.zip").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(ExchangeError, match=r"changed.zip"):
            import_bundle(workspace, tmp_path / "changed.zip", "new")


def test_parts_that_do_not_fit_together(workspace: Workspace, bundle: Path, tmp_path: Path) -> None:
    """Another collection's chunks, with hashes that are right."""
    workspace.delete_collection("colours")
    colours(workspace, 6)
    export_bundle(workspace, "colours", tmp_path / "other.zip")
    values = json.loads(part(bundle, "manifest.json"))
    values["parts"]["chunks.parquet"] = json.loads(part(tmp_path / "other.zip", "manifest.json"))["parts"][
        "chunks.parquet"
    ]
    file = with_changes(
        bundle,
        {
            "chunks.parquet": part(tmp_path / "other.zip", "chunks.parquet"),
            "manifest.json": json.dumps(values).encode(),
        },
    )
    with pytest.raises(ExchangeError, match="the chunks are not those of its documents"):
        import_bundle(workspace, file, "new")
    assert [collection.name for collection in workspace.store.collections()] == ["colours"]
    assert workspace.document_store.unfinished() == []


def test_names_and_files_that_are_taken(workspace: Workspace, bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(CollectionExists, match="'colours'"):
        import_bundle(workspace, bundle)
    with pytest.raises(BadName):
        import_bundle(workspace, bundle, " ")
    with pytest.raises(ExchangeError, match=r"colours.zip exists already"):
        export_bundle(workspace, "colours", bundle)
    with pytest.raises(ExchangeError, match="cannot be written"):
        export_bundle(workspace, "colours", tmp_path / "no" / "folder.zip")
    with pytest.raises(CollectionNotFound):
        export_bundle(workspace, "nothing", tmp_path / "x.zip")
    assert sorted(file.name for file in tmp_path.glob("*.zip*")) == ["colours.zip"]


def test_a_model_in_another_place_must_be_the_same(workspace: Workspace, bundle: Path) -> None:
    assert import_bundle(workspace, bundle, "there", model="fake").collection.model == "fake"

    class Newer(NoisyEncoder):
        revision = "2"

    other = elsewhere(workspace.settings.data, Newer())
    with pytest.raises(ModelMismatch, match=r"fake revision 1 \(8 dimensions\).*revision 2 \(8 dimensions\)"):
        import_bundle(other, bundle, "new", model="fake")
    other.close()


def test_cancelled_in_the_middle_leaves_nothing(workspace: Workspace, bundle: Path, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        raise Cancelled("enough")

    texts = workspace.document_store.document
    with pytest.raises(Cancelled):
        import_bundle(workspace, bundle, "new", report=stop)
    with pytest.raises(Cancelled):
        copy_collection(workspace, "colours", "new", report=stop)
    with pytest.raises(Cancelled):
        copy_collection(workspace, "colours", "new", CollectionOptions(size=32), report=stop)
    with pytest.raises(Cancelled):
        export_bundle(workspace, "colours", tmp_path / "new.zip", stop)
    assert [collection.name for collection in workspace.store.collections()] == ["colours"]
    assert list(tmp_path.glob("new*")) == []
    assert all(texts(document.document_id) for document in workspace.documents(workspace.store.collection("colours")))


def test_killed_in_the_middle_leaves_nothing(workspace: Workspace, bundle: Path) -> None:
    program = (
        "import os, sys\nfrom pathlib import Path\n"
        "from core.exchange.bundle import import_bundle\nfrom tests.exchange.test_bundle import elsewhere\n"
        "import_bundle(elsewhere(Path(sys.argv[1])), Path(sys.argv[2]), 'new', report=lambda progress: os._exit(9))"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(workspace.settings.data), str(bundle)], check=False)
    assert killed.returncode == 9
    (left,) = (workspace.settings.data / "arriving").iterdir()
    assert workspace.store.collection(f"rankscope-arriving-{left.name}").chunks > 0
    assert [collection.name for collection in workspace.store.collections()] == ["colours"]
    again = elsewhere(workspace.settings.data)
    with pytest.raises(CollectionNotFound):
        again.store.collection(f"rankscope-arriving-{left.name}")
    assert list((workspace.settings.data / "arriving").iterdir()) == []
    assert import_bundle(again, bundle, "new").documents == 6
    again.close()


def test_what_arrives_right_now_is_left_alone(workspace: Workspace, bundle: Path) -> None:
    def look(progress: Progress) -> None:
        elsewhere(workspace.settings.data).close()

    assert import_bundle(workspace, bundle, "new", report=look).documents == 6
    assert_same_hits(rankings(workspace, "colours"), rankings(workspace, "new"))


def test_a_copy_follows_the_original(workspace: Workspace, encoder: FakeEncoder) -> None:
    colours(workspace)
    original = workspace.store.collection("colours")
    workspace.judgments.add(original.key, {"q": "red?"}, [Judgment("dev", "q", "d", 0, 3, 1)])
    encoder.encoded.clear()
    copied = copy_collection(workspace, "colours", "same").collection
    assert encoder.encoded == []
    assert (copied.model, copied.metric, copied.chunking, copied.chunks) == (
        original.model,
        original.metric,
        original.chunking,
        original.chunks,
    )
    assert workspace.judgments.judgments(copied.key) == [Judgment("dev", "q", "d", 0, 3, 1)]
    assert_same_hits(rankings(workspace, "colours"), rankings(workspace, "same"))
    with pytest.raises(CollectionExists):
        copy_collection(workspace, "colours", "same")


@pytest.mark.parametrize("there", ["dot", "l2"])
def test_another_measure_needs_no_embedding(workspace: Workspace, encoder: FakeEncoder, there: Metric) -> None:
    colours(workspace, metric=there)
    for metric in ("cosine", "dot", "l2"):
        colours(workspace, metric=metric, name=f"fresh {metric}")
        encoder.encoded.clear()
        copy_collection(workspace, "colours", metric, CollectionOptions(metric=metric))
        assert encoder.encoded == []
        assert_same_hits(rankings(workspace, f"fresh {metric}"), rankings(workspace, metric))


def test_from_cosine_vectors_are_taken_over_only_if_the_models_have_length_1(
    workspace: Workspace, encoder: FakeEncoder, tmp_path: Path
) -> None:
    colours(workspace)
    fresh = elsewhere(tmp_path / "fresh", encoder)  # where nothing can lend it vectors, nor it lend any
    colours(fresh, metric="dot", name="fresh")
    encoder.encoded.clear()
    copied = copy_collection(workspace, "colours", "copied", CollectionOptions(metric="dot")).collection
    assert len(encoder.encoded) >= copied.chunks  # Chroma keeps vectors of length 1 only, and the fake's are longer
    assert_same_hits(rankings(fresh, "fresh"), rankings(workspace, "copied"))
    fresh.close()

    class Unit(NoisyEncoder):
        def _vector(self, text: str) -> Float32Array:
            vector = super()._vector(text)
            return (vector / np.linalg.norm(vector)).astype(np.float32)

    unit = Unit()
    other = elsewhere(tmp_path / "unit", unit)
    colours(other)
    colours(other, metric="dot", name="fresh")
    unit.encoded.clear()
    copy_collection(other, "colours", "copied", CollectionOptions(metric="dot"))
    assert len(unit.encoded) == 8  # the sample that shows the length
    assert_same_hits(rankings(other, "fresh"), rankings(other, "copied"))
    other.close()


def test_another_way_to_cut_comes_from_the_stored_documents(workspace: Workspace) -> None:
    colours(workspace)
    copied = copy_collection(workspace, "colours", "larger", CollectionOptions(size=64)).collection
    assert (copied.chunking.size, copied.chunking.overlap, copied.metric) == (64, 12, "cosine")
    assert copied.chunks < workspace.store.collection("colours").chunks
    names = [
        [
            (one.name, one.document_id, dict(one.metadata))
            for one in workspace.documents(workspace.store.collection(name))
        ]
        for name in ("colours", "larger")
    ]
    assert names[0] == names[1]
    for hit in search(workspace, "larger", "red sea", 10).hits:
        assert hit.text == workspace.document_store.document(hit.document_id).text[hit.start : hit.end]
    with pytest.raises(SettingsError, match="at most 254"):
        copy_collection(workspace, "colours", "huge", CollectionOptions(size=999))
    assert {collection.name for collection in workspace.store.collections()} == {"colours", "larger"}


def test_a_newer_revision_of_the_model_embeds_anew(workspace: Workspace) -> None:
    colours(workspace, 5)

    class Newer(NoisyEncoder):
        revision = "2"
        budget = 12

    newer = Newer()
    other = elsewhere(workspace.settings.data, newer)
    assert copy_collection(other, "colours", "kept").collection.revision == "1"
    assert newer.encoded == []
    copied = copy_collection(other, "colours", "new", CollectionOptions(model="fake")).collection
    assert (copied.revision, copied.chunking.size, copied.chunking.overlap) == ("2", 12, 2)
    assert len(newer.encoded) == copied.chunks
    other.close()


@pytest.mark.parametrize("name", ["Été 2024", "b", "fine-name"])
def test_another_name_changes_nothing_else(workspace: Workspace, name: str) -> None:
    colours(workspace, 5)
    original, before = workspace.store.collection("colours"), rankings(workspace, "colours")
    workspace.judgments.add(original.key, {"q": "red?"}, [])
    renamed = workspace.rename("colours", name)
    assert (renamed.name, renamed.key, renamed.metric, renamed.chunking, renamed.created) == (
        name,
        original.key,
        original.metric,
        original.chunking,
        original.created,
    )
    assert_same_hits(before, rankings(workspace, name))
    assert [collection.name for collection in workspace.store.collections()] == [name]
    assert workspace.judgments.queries(renamed.key) == {"q": "red?"}
    with pytest.raises(CollectionNotFound):
        workspace.store.collection("colours")
    assert workspace.rename(name, "colours").key == original.key
    assert workspace.rename("colours", "colours").key == original.key


def test_names_that_cannot_be_given(workspace: Workspace) -> None:
    workspace.create("a b")
    workspace.create("c d")
    with pytest.raises(CollectionExists, match="'c d'"):
        workspace.rename("a b", "c d")
    with pytest.raises(BadName):
        workspace.rename("a b", "")
    with pytest.raises(CollectionNotFound):
        workspace.rename("nothing", "x y")
    with workspace.store._chroma.client("test", writes=True) as client:
        client.create_collection("foreign", embedding_function=None)
    with pytest.raises(ForeignCollection, match="foreign"):
        workspace.rename("foreign", "mine")


def test_the_size_on_disk_is_what_the_files_say(workspace: Workspace) -> None:
    colours(workspace, 20)
    data = workspace.settings.data
    chroma = (data / "chroma.sqlite3").stat().st_size + sum(file.stat().st_size for file in data.glob("*/*.bin"))
    texts = sum(workspace.document_store.size(collection.key) for collection in workspace.store.collections())
    assert workspace.size_on_disk(workspace.store.collection("colours")) == pytest.approx(chroma + texts, rel=0.05)
    copy_collection(workspace, "colours", "again")
    sizes = [workspace.size_on_disk(collection) for collection in workspace.store.collections()]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)
    assert workspace.size_on_disk(workspace.create("empty")) < min(sizes) / 2
