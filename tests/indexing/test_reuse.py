"""A text that a model has read is not read again: in another collection, in a changed file, or twice in one run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.indexing._reuse import content_fingerprint, reusable_vectors
from core.indexing.indexer import index
from core.loading.sources import PathSource, Source, Upload, file_fingerprint, load_source
from core.loading.tables import TableOptions
from core.records.document import Document
from core.records.search import Collection, CollectionOptions
from core.util.progress import EmbeddingCounts, FileOutcome
from core.workspace import Workspace
from tests.support.fakes import FakeEncoder

SECTIONS = [
    f"# Part {number}\n\n{word} and {word} again" for number, word in enumerate(("red", "green", "blue", "sun"))
]


def bring(workspace: Workspace, collection: Collection, name: str, *sections: str) -> FileOutcome:
    return index(workspace, collection, [Upload(name, "\n\n".join(sections).encode())])[0]


def small(workspace: Workspace, name: str, **settings: object) -> Collection:
    """A collection that cuts each section into a chunk of its own."""
    return workspace.create(name, CollectionOptions(size=10, overlap=0, **settings))  # type: ignore[arg-type]  # any of the options


def vectors(workspace: Workspace, collection: Collection) -> dict[str, list[float]]:
    return {
        text: vector.tolist()
        for batch in workspace.store.batches(collection)
        for text, vector in zip(batch.texts, batch.vectors, strict=True)
    }


def test_of_a_changed_file_the_changed_chunk_alone_is_embedded(workspace: Workspace, encoder: FakeEncoder) -> None:
    collection = small(workspace, "c")
    assert bring(workspace, collection, "a.md", *SECTIONS).chunks == 4
    encoder.encoded.clear()
    changed = [*SECTIONS[:2], "# Part 2\n\nmoon and moon again", SECTIONS[3]]
    assert bring(workspace, collection, "a.md", *changed) == FileOutcome("a.md", "replaced", 4, "", reused=3)
    assert encoder.encoded == ["# Part 2\n\nmoon and moon again"]
    held = vectors(workspace, collection)
    assert held == {section: encoder._vector(section).tolist() for section in changed}


def test_another_collection_lends_its_vectors(workspace: Workspace, encoder: FakeEncoder) -> None:
    bring(workspace, small(workspace, "c"), "a.md", *SECTIONS)
    encoder.encoded.clear()
    other = small(workspace, "other")
    assert bring(workspace, other, "b.md", *SECTIONS[1:], "# More\n\nsea") == FileOutcome(
        "b.md", "indexed", 4, "", reused=3
    )
    assert encoder.encoded == ["# More\n\nsea"]
    assert vectors(workspace, other)[SECTIONS[1]] == encoder._vector(SECTIONS[1]).tolist()


@pytest.mark.parametrize(
    ("first", "second", "reused"),
    [("cosine", "cosine", 4), ("dot", "cosine", 4), ("dot", "l2", 4), ("cosine", "dot", 0), ("cosine", "l2", 0)],
)
def test_vectors_of_a_cosine_collection_are_for_cosine_alone(
    workspace: Workspace, first: str, second: str, reused: int
) -> None:
    bring(workspace, small(workspace, "c", metric=first), "a.md", *SECTIONS)
    assert bring(workspace, small(workspace, "other", metric=second), "a.md", *SECTIONS).reused == reused


@pytest.mark.parametrize(
    ("field", "value"), [("model", "another"), ("revision", "2"), ("document_prompt", "passage: ")]
)
def test_another_model_or_prompt_lends_nothing(
    workspace: Workspace, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch, field: str, value: str
) -> None:
    bring(workspace, small(workspace, "c"), "a.md", *SECTIONS)
    monkeypatch.setattr(encoder, field, value)
    assert bring(workspace, small(workspace, "other"), "a.md", *SECTIONS).reused == 0


def test_a_text_is_embedded_once_in_a_run(workspace: Workspace, encoder: FakeEncoder) -> None:
    collection = small(workspace, "c")
    texts = ["\n\n".join([SECTIONS[0], SECTIONS[number]]) for number in (1, 2, 3)]
    outcomes = index(
        workspace, collection, [Upload(f"{number}.md", text.encode()) for number, text in enumerate(texts)]
    )
    assert sorted(encoder.encoded) == sorted(SECTIONS)
    assert (EmbeddingCounts.of(outcomes), sum(outcome.chunks for outcome in outcomes)) == (
        EmbeddingCounts(embedded=4, reused=2),
        6,
    )


def test_what_is_deleted_lends_nothing(workspace: Workspace) -> None:
    collection = small(workspace, "c")
    bring(workspace, collection, "a.md", *SECTIONS)
    prints = {content_fingerprint(collection, section) for section in SECTIONS}
    assert reusable_vectors(workspace, collection, prints).keys() == prints
    workspace.delete_documents(collection, [workspace.documents(collection)[0].document_id])
    assert reusable_vectors(workspace, collection, prints) == {}
    assert workspace.document_store._database.select("SELECT * FROM contents") == []


def test_a_wrong_note_lends_nothing(workspace: Workspace) -> None:
    collection = small(workspace, "c")
    bring(workspace, collection, "a.md", *SECTIONS)
    [batch] = workspace.store.batches(collection)
    held, wrong = batch.ids[0], content_fingerprint(collection, "something else")
    workspace.document_store.record_contents(
        collection.key, [(workspace.documents(collection)[0].document_id, held, wrong)]
    )
    found = reusable_vectors(workspace, collection, {wrong})
    assert wrong not in found


def test_a_tables_header_belongs_to_what_was_read(workspace: Workspace, encoder: FakeEncoder) -> None:
    collection = workspace.create("c", CollectionOptions(size=60, overlap=0, method="rows"))
    rows = "".join(f"| {word} | {number} |\n" for number, word in enumerate(("red", "green", "blue")))
    bring(workspace, collection, "a.md", f"| colour | rank |\n|---|---|\n{rows}")
    encoder.encoded.clear()
    outcome = bring(workspace, collection, "b.md", f"| colour | place |\n|---|---|\n{rows}")
    assert outcome.reused == 0
    assert all("place" in text for text in encoder.encoded)
    encoder.encoded.clear()
    outcome = bring(workspace, collection, "c.md", f"| colour | rank |\n|---|---|\n{rows}| sun | 9 |\n")
    assert (outcome.reused, outcome.embedded) == (outcome.chunks - 1, 1)


def test_an_unchanged_file_is_not_even_loaded(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for file, word in zip(files, ("red", "blue"), strict=True):
        file.write_text(word)
    sources = [PathSource(file, file.name) for file in files]
    collection = workspace.create("c")
    index(workspace, collection, sources)
    files[1].write_text("sun")
    seen: list[str] = []

    def watched(source: Source, data: bytes) -> Document:
        seen.append(source.name)
        return load_source(source, data)

    monkeypatch.setattr("core.indexing.indexer.load_source", watched)
    assert [(outcome.name, outcome.status) for outcome in index(workspace, collection, sources)] == [
        ("a.txt", "unchanged"),
        ("b.txt", "replaced"),
    ]
    assert seen == ["b.txt"]


def test_a_files_print_knows_its_bytes_its_name_and_how_it_is_read() -> None:
    same = file_fingerprint("folder/a.csv", b"red")
    assert same == file_fingerprint("a.csv", b"red")
    others = {
        file_fingerprint("b.csv", b"red"),
        file_fingerprint("a.csv", b"blue"),
        file_fingerprint("a.csv", b"red", TableOptions(text=("x",))),
    }
    assert len(others | {same}) == 4


def test_contents_are_told_apart(workspace: Workspace) -> None:
    collection = workspace.create("c")
    assert content_fingerprint(collection, "red") == content_fingerprint(collection, "red")
    assert content_fingerprint(collection, "red") != content_fingerprint(collection, "red ")
    assert np.frombuffer(content_fingerprint(collection, "red"), np.uint8).shape == (16,)
