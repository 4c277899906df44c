"""Near-duplicates: by hand, against brute force, and in the shell."""

from __future__ import annotations

import json
from math import sqrt
from pathlib import Path

import numpy as np
import pytest

from core.cli.main import main
from core.errors import QueryError
from core.indexing.indexer import index
from core.library.duplicates import duplicate_steps, find_duplicates, most_steps
from core.loading.sources import Upload
from core.vectors.near_duplicates import BLOCK, group_near_duplicates, step_count
from core.vectors.similarity import unit_vectors
from core.workspace import Workspace

FILES = {
    "a.txt": b"red green",
    "b.txt": b"Red   GREEN",
    "c.txt": b"red green stone blue",
    "d.txt": b"sun",
    "e.txt": b"moon moon",
    "f.txt": b"moon",
}


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    index(workspace, workspace.open_or_create("c"), [Upload(name, data) for name, data in FILES.items()])
    return workspace


def groups(workspace: Workspace, threshold: float) -> list[list[str]]:
    return [
        [twin.document for twin in group]
        for group in find_duplicates(workspace, workspace.store.collection("c"), threshold).groups
    ]


def test_equal_texts_and_near_vectors_are_grouped(filled: Workspace) -> None:
    assert groups(filled, 1.0) == [["a.txt", "b.txt"], ["e.txt", "f.txt"]]
    # the cosine to c.txt is 2 / sqrt(2 * 4)
    assert groups(filled, 0.7) == [["a.txt", "b.txt", "c.txt"], ["e.txt", "f.txt"]]
    assert groups(filled, 0.71) == [["a.txt", "b.txt"], ["e.txt", "f.txt"]]


def test_a_twin_says_how_alike_it_is_to_the_first(filled: Workspace) -> None:
    found = find_duplicates(filled, filled.store.collection("c"), 0.7)
    (first, same, near), (one, other) = found.groups
    assert [(round(twin.similarity, 5), twin.exact) for twin in (first, same)] == [(1.0, True)] * 2
    assert (round(near.similarity, 5), near.exact) == (round(1 / sqrt(2), 5), False)
    assert (round(other.similarity, 5), other.exact, other.text) == (1.0, False, "moon")
    assert (one.document, one.start, one.end) == ("e.txt", 0, 9)
    assert (found.chunks, found.spare, found.threshold) == (6, 3, 0.7)


def test_deleted_documents_and_empty_collections_have_none(filled: Workspace) -> None:
    collection = filled.store.collection("c")
    filled.delete_documents(
        collection, [filled.document_store.find(collection.key, name).document_id for name in ("a.txt", "e.txt")]
    )
    assert groups(filled, 0.9) == []
    empty = filled.open_or_create("empty")
    found = find_duplicates(filled, empty)
    assert (found.groups, found.chunks) == ((), 0)


def test_it_can_be_watched_and_ends_with_what_was_found(filled: Workspace) -> None:
    steps = list(duplicate_steps(filled, filled.store.collection("c")))
    assert len(steps) <= most_steps(6)
    assert [step.share for step in steps] == sorted(step.share for step in steps)
    assert [step.found is None for step in steps] == [True] * (len(steps) - 1) + [False]
    assert steps[-1].share == 1


@pytest.mark.parametrize("threshold", [0.49, 1.01, -1.0])
def test_a_threshold_out_of_range_is_refused(filled: Workspace, threshold: float) -> None:
    with pytest.raises(QueryError, match=f"The threshold {threshold} is out of range"):
        find_duplicates(filled, filled.store.collection("c"), threshold)


def test_joining_by_blocks_is_what_all_pairs_give() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((2 * BLOCK + 100, 24), dtype=np.float32) * np.linspace(2, 0.1, 24, dtype=np.float32)
    for at in range(0, 60, 3):  # chains across the blocks, and within them
        vectors[[at + BLOCK, 2 * BLOCK + at]] = vectors[at] + 0.1 * rng.standard_normal((2, 24), dtype=np.float32)
    unit = unit_vectors(vectors)
    steps = list(group_near_duplicates(unit, 0.97))
    assert len(steps) == step_count(len(unit)) == 3
    assert steps[-1].share == 1
    one, other = np.nonzero(np.triu(unit @ unit.T, 1) >= 0.97)
    parent = list(range(len(unit)))

    def root(at: int) -> int:
        while parent[at] != at:
            at = parent[at]
        return at

    for left, right in zip(one.tolist(), other.tolist(), strict=True):
        parent[root(left)] = root(right)
    expected = [root(at) for at in range(len(unit))]
    pairs = set(zip(expected, steps[-1].labels.tolist(), strict=True))
    assert len(pairs) == len(set(expected)) == len(set(steps[-1].labels.tolist()))
    assert len(set(expected)) < len(unit) - 30


def test_a_block_where_all_are_alike_is_one_group() -> None:
    same = unit_vectors(np.ones((3000, 8), dtype=np.float32))
    assert len(set(list(group_near_duplicates(same, 1.0))[-1].labels.tolist())) == 1
    apart = unit_vectors(np.vstack([np.eye(8, dtype=np.float32), np.zeros((2, 8), dtype=np.float32)]))
    assert len(set(list(group_near_duplicates(apart, 0.5))[-1].labels.tolist())) == 10


def test_the_shell_lists_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANKSCOPE_DATA", str(tmp_path / "data"))
    for name, text in {
        "a.txt": "Boil the water.",
        "b.txt": "boil  the water.",
        "c.txt": "The bicycle has two tyres.",
    }.items():
        (tmp_path / name).write_text(text)
    assert main(["index", *(str(tmp_path / f"{name}.txt") for name in "abc"), "--collection", "c"]) == 0
    capsys.readouterr()
    assert main(["duplicates", "c", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [[twin["document"] for twin in group] for group in found["groups"]] == [["a.txt", "b.txt"]]
    assert (found["threshold"], found["chunks"], found["spare"]) == (0.95, 3, 1)
    assert main(["duplicates", "c"]) == 0
    out = capsys.readouterr().out
    assert "same text   b.txt, characters 0 to 16" in out
    assert "1 group among 3 chunks at a cosine of 0.95 or more; 1 chunk could go" in out
    assert main(["duplicates", "c", "--threshold", "2"]) == 2
    assert "The threshold 2.0 is out of range" in capsys.readouterr().err
