"""Import of BEIR data sets: ids, queries and judgments are kept; malformed input is reported with its line."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from core.errors import Cancelled, CollectionExists, DataError
from core.exchange.copying import copy_collection
from core.exchange.importer import import_beir
from core.formats.beir import is_beir, read_beir
from core.records.document import short_hash
from core.records.judgments import Judgment
from core.records.search import CollectionOptions
from core.retrieval.search import search
from core.util.progress import Progress
from core.workspace import Workspace

CORPUS: list[dict[str, object]] = [
    {
        "_id": "007",
        "title": "Red things",
        "text": "red red sun",
        "metadata": {"url": "u/7", "year": 1999, "tags": ["a"]},
    },
    {"_id": "MED-10", "title": "", "text": "blue sea"},
    {"_id": 3, "text": "green tree"},
    {"_id": "same", "title": "", "text": "blue sea"},
    {"_id": "empty", "title": "", "text": " "},
]
QUERIES: list[dict[str, object]] = [
    {"_id": "q1", "text": "red?"},
    {"_id": "q2", "text": "blue?"},
    {"_id": "q3", "text": "nobody judged this"},
]
TEST = "query-id\tcorpus-id\tscore\nq1\t007\t2\nq1\tMED-10\t0\nq2\tsame\t1\nq2\tMED-10\t2\nq2\tempty\t1\n"
TRAIN = "query-id\tcorpus-id\tscore\nq1\t3\t1\n"


def lines(rows: Sequence[Mapping[str, object]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "tiny"
    (made / "qrels").mkdir(parents=True)
    (made / "corpus.jsonl").write_text(lines(CORPUS))
    (made / "queries.jsonl").write_text(lines(QUERIES))
    (made / "qrels" / "test.tsv").write_text(TEST)
    (made / "qrels" / "train.tsv").write_text(TRAIN)
    return made


def zipped(folder: Path, inside: str = "tiny/") -> Path:
    file = folder.with_name("packed.zip")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, inside + path.relative_to(folder).as_posix())
    return file


def document_id(text: str) -> str:
    return short_hash("document", text)


EXPECTED = [
    Judgment("test", "q1", document_id("Red things red red sun"), 0, 22, 2, "BEIR tiny"),
    Judgment("test", "q1", document_id("blue sea"), 0, 8, 0, "BEIR tiny"),
    Judgment("test", "q2", document_id("blue sea"), 0, 8, 2, "BEIR tiny"),
    Judgment("test", "q2", document_id(""), 0, 0, 1, "BEIR tiny"),
    Judgment("train", "q1", document_id("green tree"), 0, 10, 1, "BEIR tiny"),
]


def sorted_(judgments: list[Judgment]) -> list[Judgment]:
    return sorted(judgments, key=lambda one: (one.split, one.query_id, one.document_id))


def test_a_folder_becomes_a_collection_with_its_judgments(workspace: Workspace, folder: Path) -> None:
    result = import_beir(workspace, folder, options=CollectionOptions(metric="dot", size=64))
    collection = result.collection
    assert (collection.name, collection.metric, collection.chunking.size, collection.chunks) == ("tiny", "dot", 64, 3)
    assert (result.documents, result.queries, result.judgments) == (3, 3, 5)
    assert [note.partition(" left out")[0].partition(" held")[0] for note in result.notes] == [
        "1 document without text",
        "1 document with the same text as another",
    ]
    listed = {document.name: dict(document.metadata) for document in workspace.documents(collection)}
    assert listed == {"007": {"url": "u/7", "year": 1999, "title": "Red things"}, "3": {}, "MED-10": {}}
    (hit, *_) = search(workspace, "tiny", "red", 3).hits
    assert (hit.document, hit.text, hit.metadata["title"]) == ("007", "Red things red red sun", "Red things")
    assert workspace.judgments.queries(collection.key) == {"q1": "red?", "q2": "blue?", "q3": "nobody judged this"}
    assert workspace.judgments.splits(collection.key) == ["test", "train"]
    assert workspace.judgments.judgments(collection.key) == sorted_(EXPECTED)
    assert workspace.judgments.judgments(collection.key, "train") == EXPECTED[-1:]


@pytest.mark.parametrize("inside", ["tiny/", "", "deep/er/"])
def test_a_zip_is_as_good(workspace: Workspace, folder: Path, inside: str) -> None:
    file = zipped(folder, inside)
    assert is_beir(file)
    result = import_beir(workspace, file)
    assert (result.collection.name, result.documents, result.queries, result.judgments) == ("packed", 3, 3, 5)


def test_judgments_survive_another_way_to_cut_and_go_with_their_collection(workspace: Workspace, folder: Path) -> None:
    collection = import_beir(workspace, folder, "a").collection
    copied = copy_collection(workspace, "a", "b", CollectionOptions(size=8)).collection
    assert (
        workspace.judgments.judgments(copied.key) == workspace.judgments.judgments(collection.key) == sorted_(EXPECTED)
    )
    workspace.delete_collection("a")
    assert workspace.judgments.judgments(collection.key) == []
    assert len(workspace.judgments.judgments(copied.key)) == 5


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("corpus.jsonl", None, r"corpus.jsonl is missing"),
        ("queries.jsonl", None, r"queries.jsonl is missing"),
        ("qrels/test.tsv", "", r"test.tsv holds no judgments"),
        ("qrels/test.tsv", TEST.splitlines()[0], r"test.tsv holds no judgments"),
        ("corpus.jsonl", lines(CORPUS) + "{\n", r"corpus.jsonl, line 6, is not a JSON object"),
        ("corpus.jsonl", '{"text": "no id"}\n', r"corpus.jsonl, line 1, is not a JSON object with an '_id'"),
        ("corpus.jsonl", '\n{"_id": null, "text": "red"}\n', r"corpus.jsonl, line 2: the _id None"),
        ("corpus.jsonl", '{"_id": true, "text": "red"}\n', r"corpus.jsonl, line 1: the _id True"),
        (
            "corpus.jsonl",
            lines([*CORPUS, {"_id": "3", "text": "red"}]),
            r"corpus.jsonl, line 6: the _id '3' was there in line 3: ids must differ",
        ),
        (
            "corpus.jsonl",
            '{"_id": "a b", "text": "red"}\n',
            r"corpus.jsonl, line 1: the _id 'a b' is empty or holds a space",
        ),
        ("corpus.jsonl", '{"_id": "", "text": "red"}\n', r"corpus.jsonl, line 1: the _id '' is empty"),
        ("corpus.jsonl", b'{"_id": "a", "text": "\xff"}\n', r"corpus.jsonl is not in UTF-8"),
        (
            "queries.jsonl",
            lines([*QUERIES, {"_id": "q1", "text": "?"}]),
            r"queries.jsonl, line 4: the _id 'q1' was there in line 1: ids must differ",
        ),
        (
            "queries.jsonl",
            lines([QUERIES[0], {"_id": "q2"}]),
            r"queries.jsonl, line 2: the query 'q2' is judged and has no text",
        ),
        (
            "qrels/test.tsv",
            "query-id\tcorpus-id\trel\n" + TRAIN,
            r"test.tsv, line 1, is not 'query-id, corpus-id, score'",
        ),
        ("qrels/test.tsv", TEST + "q9\t007\t1\n", r"test.tsv, line 7: the query 'q9' is not in queries.jsonl"),
        ("qrels/test.tsv", TEST + "q1\t7\t1\n", r"test.tsv, line 7: the document '7' is not in corpus.jsonl"),
        ("qrels/test.tsv", TEST + "q1\t007\n", r"test.tsv, line 7, is not 'query-id, corpus-id, score'"),
        ("qrels/test.tsv", TEST + "q1\t007\t1.5\n", r"test.tsv, line 7, is not"),
        ("qrels/test.tsv", TEST + "q1\t007\tmany\n", r"test.tsv, line 7, is not"),
        (
            "qrels/test.tsv",
            TEST + "q1\t007\t9999\n",
            r"test.tsv, line 7, is not .*, the score a whole number up to 1000",
        ),
        ("qrels/test.tsv", TEST + "q1\t007\t1\n", r"test.tsv, line 7: document '007' was judged for query 'q1' before"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_what_does_not_fit_is_named_and_nothing_is_stored(
    workspace: Workspace, folder: Path, file: str, content: str | bytes | None, words: str, packed: bool
) -> None:
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    path = zipped(folder) if packed else folder
    with pytest.raises(DataError, match=words) as caught:
        import_beir(workspace, path, "new")
    assert str(caught.value).startswith(str(path))
    assert workspace.store.collections() == []
    assert not (workspace.settings.data / "arriving").exists()


@pytest.mark.parametrize("packed", [False, True])
def test_qrels_without_a_header_are_imported_and_evaluated_alike(
    workspace: Workspace, folder: Path, packed: bool
) -> None:
    with_header = read_beir(folder)
    header, _, rows = TEST.partition("\n")
    (folder / "qrels" / "test.tsv").write_text(rows)
    path = zipped(folder) if packed else folder
    note = "test.tsv has no header: its first line was read as a judgment"

    result = import_beir(workspace, path, "tiny")
    assert result.notes[0] == note
    assert [(one.split, one.query_id, one.document_id, one.grade) for one in EXPECTED] == [
        (one.split, one.query_id, one.document_id, one.grade)
        for one in sorted_(workspace.judgments.judgments(result.collection.key))
    ]

    evaluated = read_beir(path, "test")
    assert evaluated.qrels == {"test": with_header.qrels["test"]}
    assert evaluated.evaluation_notes("test")[0] == note
    assert header.split("\t")[-1] == "score"


def test_a_query_without_text_is_left_out_where_nothing_is_judged_for_it(workspace: Workspace, folder: Path) -> None:
    (folder / "queries.jsonl").write_text(lines([*QUERIES, {"_id": "q4"}]))
    result = import_beir(workspace, folder)
    assert (result.queries, result.judgments) == (3, 5)
    assert result.notes[-1] == "1 query without text left out: nothing is judged for them"
    assert list(workspace.judgments.queries(result.collection.key)) == ["q1", "q2", "q3"]


def test_folders_that_lack_everything(workspace: Workspace, folder: Path) -> None:
    for file in (folder / "qrels").iterdir():
        file.unlink()
    with pytest.raises(DataError, match=r"qrels holds no .tsv file"):
        import_beir(workspace, folder)
    (folder / "qrels" / "test.tsv").write_text(TEST)
    (folder / "corpus.jsonl").write_text("")
    with pytest.raises(DataError, match="holds no documents"):
        import_beir(workspace, folder)


def test_a_cut_zip_is_damaged(workspace: Workspace, folder: Path) -> None:
    file = zipped(folder)
    with zipfile.ZipFile(file) as archive:
        at = archive.getinfo("tiny/corpus.jsonl").header_offset + 60
    data = bytearray(file.read_bytes())
    data[at] ^= 255
    file.write_bytes(data)
    with pytest.raises(DataError, match=r"packed.zip is damaged"):
        import_beir(workspace, file)
    file.write_bytes(bytes(data)[:200])
    assert not is_beir(file)


def test_names_that_are_taken_and_a_change_of_mind(workspace: Workspace, folder: Path) -> None:
    def stop(progress: Progress) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        import_beir(workspace, folder, report=stop)
    assert workspace.store.collections() == []
    import_beir(workspace, folder)
    with pytest.raises(CollectionExists, match="'tiny'"):
        import_beir(workspace, folder)


def test_windows_line_ends_a_mark_and_line_separators_in_texts(folder: Path) -> None:
    (folder / "corpus.jsonl").write_bytes(
        b"\xef\xbb\xbf" + '{"_id": "1", "text": "one\u2028two"}\r\n{"_id": "2", "text": "x"}\r\n'.encode()
    )
    (folder / "qrels" / "train.tsv").unlink()
    (folder / "qrels" / "test.tsv").write_bytes(b"query-id\tcorpus-id\tscore\r\nq1\t2\t1\r\n")
    data = read_beir(folder)
    assert {name: document.text for name, document in data.documents.items()} == {"1": "one\u2028two", "2": "x"}
    assert data.qrels == {"test": {"q1": {"2": 1}}}
