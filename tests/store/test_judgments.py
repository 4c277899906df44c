"""Judging, taking back, and what becomes of judgments when collections come and go."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from core.errors import DataError, DocumentNotFound, StoreError
from core.exchange.bundle import export_bundle
from core.exchange.copying import copy_collection
from core.indexing.indexer import index
from core.judgments.pooling import pool_of
from core.loading.sources import Upload
from core.records.judgments import SHARED, Judgment, free_split, normalise_query, query_id_of
from core.records.search import CollectionOptions, Hit
from core.settings import Settings
from core.store.judgments import MAX_UNDO_STEPS, JudgmentStore
from core.workspace import Workspace
from tests.support.fakes import FakeEncoder

TEXT = "red sun. green sea. blue moon."
RED = query_id_of("red?")


@pytest.fixture
def document(workspace: Workspace) -> str:
    """The id of the only document of the collection ``one``."""
    index(workspace, workspace.create("one"), [Upload("a.txt", TEXT.encode())])
    return workspace.documents(workspace.store.collection("one"))[0].document_id


def grades(workspace: Workspace, name: str, query: str = "red?") -> dict[tuple[int, int], int]:
    held = workspace.judgments.for_query(workspace.store.collection(name).key, query)
    return {(one.start, one.end): one.grade for one in held}


def unused(workspace: Workspace) -> int:
    """Return how many judgments were made here on documents that no collection has."""
    of_none = "collection = '' AND document_id NOT IN (SELECT document_id FROM entries)"
    return int(workspace.judgments._database.select(f"SELECT count(*) FROM judgments WHERE {of_none}")[0][0])


def test_a_judgment_says_who_when_and_why(workspace: Workspace, document: str) -> None:
    made = workspace.judgments.judge(" Red? ", document, 0, 8, 3, who=" Ann ", note=" names it ")
    assert made == Judgment(SHARED, RED, document, 0, 8, 3, "", "Ann", made.made, "names it")
    assert made.made.endswith("+00:00")
    key = workspace.store.collection("one").key
    assert (
        workspace.judgments.judgments(key)
        == workspace.judgments.judgments(key, SHARED)
        == workspace.judgments.for_query(key, "red?")
        == [made]
    )
    assert (workspace.judgments.queries(key), workspace.judgments.splits(key)) == ({RED: "Red?"}, [SHARED])
    assert workspace.judgments.judgments(key, "test") == []


def test_spellings_of_one_query_are_one(workspace: Workspace, document: str) -> None:
    workspace.judgments.judge("Où est\tle café ?", document, 0, 8, 1)
    workspace.judgments.judge("OU\u0300 est le  cafe\u0301 ?", document, 0, 8, 2)
    assert grades(workspace, "one", "où est le café ?") == {(0, 8): 2}
    # as it was first asked
    assert list(workspace.judgments.queries(workspace.store.collection("one").key).values()) == ["Où est\tle café ?"]
    assert normalise_query("where is it?") != normalise_query("where is it")


def test_another_grade_keeps_the_note_and_another_note_replaces_it(workspace: Workspace, document: str) -> None:
    workspace.judgments.judge("red?", document, 0, 8, 3, who="Ann", note="why")
    assert workspace.judgments.judge("red?", document, 0, 8, 2, who="Bob").note == "why"
    assert workspace.judgments.judge("red?", document, 0, 8, 2, note="").note == ""


@pytest.mark.parametrize(
    ("query", "start", "end", "grade", "words"),
    [
        ("red?", 0, 8, 4, "4 is no grade: use 0 (not relevant), 1 (related), 2 (relevant), 3 (perfect)"),
        ("red?", 0, 8, -1, "-1 is no grade"),
        (" \n", 0, 8, 1, "The query is empty"),
        ("red?", 8, 8, 1, "The characters 8 to 8 cannot be judged"),
        ("red?", -1, 8, 1, "cannot be judged"),
        ("red?", 0, 31, 1, "has 30"),
    ],
)
def test_what_cannot_be_judged_is_named(
    workspace: Workspace, document: str, query: str, start: int, end: int, grade: int, words: str
) -> None:
    with pytest.raises(DataError) as caught:
        workspace.judgments.judge(query, document, start, end, grade)
    assert words in str(caught.value)
    assert workspace.judgments.last_step is None


def test_a_document_that_is_not_here_cannot_be_judged(workspace: Workspace, document: str) -> None:
    with pytest.raises(DocumentNotFound, match="no document 'other'"):
        workspace.judgments.judge("red?", "other", 0, 8, 1)


def test_steps_are_undone_one_by_one_with_what_they_overwrote(workspace: Workspace, document: str) -> None:
    judgments, states = workspace.judgments, []
    for step in (
        lambda: judgments.judge("red?", document, 0, 8, 3, who="Ann", note="first"),
        lambda: judgments.judge("red?", document, 9, 19, 0),
        lambda: judgments.judge("red?", document, 0, 8, 1, who="Bob"),
        lambda: judgments.clear("RED?", document, 0, 8),
        lambda: judgments.judge("blue?", document, 0, 8, 2),
        lambda: judgments.clear("red?"),
    ):
        states.append(judgments.judgments(workspace.store.collection("one").key))
        step()
    assert [one.query_id for one in judgments.judgments(workspace.store.collection("one").key)] == [
        query_id_of("blue?")
    ]
    words = []
    for state in reversed(states):
        undone = judgments.undo()
        assert undone is not None
        words.append((undone.what, undone.judgments))
        assert judgments.judgments(workspace.store.collection("one").key) == state
    assert words[0] == ("1 grade taken back for “red?”", 1)
    assert words[-1] == ("grade 3 for “red?”", 1)
    assert (judgments.undo(), judgments.last_step) == (None, None)


def test_clearing_nothing_is_no_step(workspace: Workspace, document: str) -> None:
    assert workspace.judgments.clear("red?", document, 0, 8) == 0
    assert workspace.judgments.last_step is None


def test_steps_are_kept_up_to_a_number(workspace: Workspace, document: str) -> None:
    for number in range(MAX_UNDO_STEPS + 3):
        workspace.judgments.judge("red?", document, 0, 8, number % 4)
    undone = 0
    while workspace.judgments.undo():
        undone += 1
    assert undone == MAX_UNDO_STEPS
    assert grades(workspace, "one") == {(0, 8): 2}  # the third, which is too long ago


def test_another_process_sees_and_undoes_it(workspace: Workspace, document: str, tmp_path: Path) -> None:
    workspace.judgments.judge("red?", document, 0, 8, 3)
    other = Workspace.open(Settings(tmp_path / "data", model="fake"), loader=lambda _: FakeEncoder())
    assert grades(other, "one") == {(0, 8): 3}
    other.judgments.undo()
    assert grades(workspace, "one") == {}
    other.close()


def test_a_judgment_holds_in_every_collection_with_the_document_and_in_no_other(
    workspace: Workspace, document: str
) -> None:
    copy_collection(workspace, "one", "finer", CollectionOptions(size=8, overlap=0))
    index(workspace, workspace.create("again"), [Upload("other name.txt", TEXT.encode()), Upload("b.txt", b"blue")])
    index(workspace, workspace.create("stranger"), [Upload("a.txt", b"other words")])
    key = workspace.store.collection("finer").key
    workspace.judgments.judge("red?", document, 0, 8, 3)
    assert [grades(workspace, name) for name in ("one", "finer", "again", "stranger")] == [{(0, 8): 3}] * 3 + [{}]
    assert workspace.judgments.splits(workspace.store.collection("stranger").key) == []
    workspace.delete_collection("one")
    workspace.delete_documents(workspace.store.collection("again"), [document])
    assert [grades(workspace, name) for name in ("finer", "again")] == [{(0, 8): 3}, {}]
    assert unused(workspace) == 0
    workspace.delete_collection("finer")
    assert (workspace.judgments.judgments(key), unused(workspace)) == ([], 1)


def test_what_nobody_uses_waits_for_the_document_until_it_is_dropped(workspace: Workspace, document: str) -> None:
    workspace.judgments.judge("red?", document, 0, 8, 3)
    workspace.delete_collection("one")
    index(workspace, workspace.create("later"), [Upload("a.txt", TEXT.encode())])
    assert grades(workspace, "later") == {(0, 8): 3}
    workspace.judgments.judge("blue?", document, 0, 8, 1)
    assert workspace.judgments.drop_unused() == 0
    workspace.delete_collection("later")
    assert workspace.judgments.drop_unused() == 2
    assert (workspace.judgments.undo(), unused(workspace)) == (None, 0)
    assert workspace.judgments._database.select("SELECT * FROM queries") == []


def test_what_came_with_a_collection_stays_apart_from_what_was_judged_here(workspace: Workspace, document: str) -> None:
    held = workspace.store.collection("one")
    theirs = Judgment("test", "q1", document, 0, 30, 1, "BEIR tiny")
    workspace.judgments.add(held.key, {"q1": "red?", "q2": "nobody judged this"}, [theirs])
    ours = workspace.judgments.judge("RED?", document, 0, 8, 3)
    assert workspace.judgments.queries(held.key) == {"q1": "red?", "q2": "nobody judged this", RED: "RED?"}
    assert workspace.judgments.splits(held.key) == [SHARED, "test"]
    assert workspace.judgments.for_query(held.key, "red?") == workspace.judgments.judgments(held.key) == [ours, theirs]
    index(workspace, workspace.create("two"), [Upload("a.txt", TEXT.encode())])
    assert workspace.judgments.judgments(workspace.store.collection("two").key) == [ours]
    copied = copy_collection(workspace, "one", "three").collection
    assert workspace.judgments.judgments(copied.key) == [ours, theirs]
    workspace.judgments.clear("red?")
    assert workspace.judgments.judgments(held.key) == [theirs]


def test_an_export_takes_judgments_along_and_the_newer_stays(
    workspace: Workspace, document: str, tmp_path: Path
) -> None:
    from core.exchange.bundle import import_bundle

    workspace.judgments.judge("red?", document, 0, 8, 3, who="Ann", note="why")
    written = export_bundle(workspace, "one", tmp_path / "one.zip")
    assert (written.queries, written.judgments) == (1, 1)
    before = workspace.judgments.judgments(workspace.store.collection("one").key)
    other = Workspace.open(Settings(tmp_path / "other", model="fake"), loader=lambda _: FakeEncoder())
    brought = import_bundle(other, tmp_path / "one.zip")
    assert other.judgments.judgments(brought.collection.key) == before
    assert other.judgments.queries(brought.collection.key) == {RED: "red?"}
    other.judgments._database.connection.execute("UPDATE judgments SET grade = 1, made = '2999-01-01'")
    other.judgments._database.connection.commit()
    import_bundle(other, tmp_path / "one.zip", "again")
    assert grades(other, "one") == grades(other, "again") == {(0, 8): 1}
    other.close()


def test_an_export_from_before_judgments_said_who_made_them_comes_in(
    workspace: Workspace, document: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.exchange import _bundle_format as parts
    from core.exchange import bundle as taking_out
    from core.exchange.bundle import import_bundle

    held = Judgment("test", "q1", document, 0, 30, 1, "BEIR tiny")
    workspace.judgments.add(workspace.store.collection("one").key, {"q1": "red?"}, [held])
    for module in (parts, taking_out):
        monkeypatch.setattr(module, "JUDGMENTS", parts.JUDGMENTS_V1)
    export_bundle(workspace, "one", tmp_path / "one.zip")
    brought = import_bundle(workspace, tmp_path / "one.zip", "again")
    assert workspace.judgments.judgments(brought.collection.key) == [held]


OLD = """
CREATE TABLE queries (
    collection TEXT NOT NULL, query_id TEXT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (collection, query_id)) WITHOUT ROWID;
CREATE TABLE judgments (
    collection TEXT NOT NULL, split TEXT NOT NULL, query_id TEXT NOT NULL, document_id TEXT NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL, grade INTEGER NOT NULL, origin TEXT NOT NULL,
    PRIMARY KEY (collection, split, query_id, document_id, start, end)) WITHOUT ROWID;
"""


def test_an_older_data_folder_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    settings = Settings(folder, model="fake")
    first = Workspace.open(settings, loader=lambda _: FakeEncoder())
    index(first, first.create("one"), [Upload("a.txt", TEXT.encode())])
    key, document_id = first.store.collection("one").key, first.documents(first.store.collection("one"))[0].document_id
    first.close()
    db = sqlite3.connect(folder / "rankscope.sqlite3")
    for table in ("queries", "judgments", "judging_steps"):
        db.execute(f"DROP TABLE {table}")
    db.executescript(OLD)
    db.execute("INSERT INTO queries VALUES (?, 'q1', 'Red?')", [key])
    db.execute("INSERT INTO judgments VALUES (?, 'test', 'q1', ?, 0, 30, 2, 'BEIR old')", [key, document_id])
    db.commit()
    db.close()
    for _ in range(2):
        again = Workspace.open(settings, loader=lambda _: FakeEncoder())
        assert (
            again.judgments.judgments(key, "test")
            == again.judgments.for_query(key, "red?")[-1:]
            == [Judgment("test", "q1", document_id, 0, 30, 2, "BEIR old")]
        )
        again.judgments.judge("red?", document_id, 0, 8, 3)
        assert again.judgments.splits(key) == [SHARED, "test"]
        again.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite3").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match=r"x\.sqlite3 cannot be opened"):
        JudgmentStore(tmp_path / "x.sqlite3")


def test_a_write_that_fails_is_told_and_nothing_is_half_done(workspace: Workspace, document: str) -> None:
    workspace.judgments._database.connection.execute("DROP TABLE judging_steps")
    with pytest.raises(StoreError, match="cannot be written"):
        workspace.judgments.judge("red?", document, 0, 8, 3)
    assert grades(workspace, "one") == {}


def test_names_of_ours_are_kept_free() -> None:
    assert [free_split(name) for name in ("test", "judged", "samples", "everything")] == [
        "test",
        "judged-imported",
        "samples-imported",
        "everything-imported",
    ]


# ---- pools


def hit(name: str, rank: int = 1) -> Hit:
    return Hit(rank, name, f"{name}.txt", name, None, None, 0, 10, name, 1, 0.5, rank)


def test_a_pool_holds_each_text_once_and_knows_who_found_it() -> None:
    pool = pool_of("q", {"bi": [hit("a"), hit("b"), hit("c")], "bm25": [hit("b"), hit("d")]}, 2)
    assert pool.systems == ("bi", "bm25")
    assert pool.ranks == {"a": {"bi": 1}, "b": {"bi": 2, "bm25": 1}, "d": {"bm25": 2}}
    assert sorted(one.chunk_id for one in pool.hits) == ["a", "b", "d"]
    assert [[one.chunk_id for one in pool.found_by(system)] for system in pool.systems] == [["a", "b"], ["b", "d"]]


def test_the_order_is_the_querys_alone() -> None:
    names = [f"{number}" for number in range(20)]
    order = [one.chunk_id for one in pool_of("Red?", {"bi": [hit(name) for name in names]}, 20).hits]
    turned = pool_of("red?", {"x": [hit("more")], "bi": [hit(name) for name in reversed(names)]}, 20)
    assert [one.chunk_id for one in turned.hits if one.chunk_id != "more"] == order != names
    assert [one.chunk_id for one in pool_of("blue?", {"bi": [hit(name) for name in names]}, 20).hits] != order
