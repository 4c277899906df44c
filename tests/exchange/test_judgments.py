"""Import and export of judgments (TREC, BEIR, Quepid, CSV); malformed files are reported and nothing is imported."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from core.cli.main import main
from core.errors import DataError, ExchangeError, SettingsError
from core.exchange.judgments import JudgmentTransfer, export_judgments, guess_format, import_judgments
from core.formats.beir import read_beir
from core.formats.lines import JudgmentFormat
from core.indexing.indexer import index
from core.judgments.queries import judged_queries_for, splits_for
from core.loading.sources import Upload
from core.records.judgments import SHARED, Judgment, query_id_of
from core.records.search import Collection
from core.settings import Settings
from core.util.csv_safety import escape_cell, unescape_cell
from core.workspace import Workspace
from tests.support.fakes import FakeEncoder

A, B, SPACED = "red sun. green sea.", "blue moon", "stone"
RED, BLUE = query_id_of("red?"), query_id_of("blue?")
QUERIES = "q1\tred?\nq2\tblue?\n"


@pytest.fixture
def collection(workspace: Workspace) -> Collection:
    """Two documents, ``a.txt`` of 19 characters and ``b.txt`` of 9."""
    index(workspace, workspace.create("one"), [Upload("a.txt", A.encode()), Upload("b.txt", B.encode())])
    return workspace.store.collection("one")


def ids(workspace: Workspace, collection: Collection) -> dict[str, str]:
    return {document.name: document.document_id for document in workspace.documents(collection)}


def stored_judgments(
    workspace: Workspace, collection: Collection, split: str | None = None
) -> list[tuple[str, str, str, int, int, int]]:
    """Split, query, document, span and grade of what is judged."""
    names, texts = workspace.document_store.names(collection.key), workspace.judgments.queries(collection.key)
    return [
        (one.split, texts[one.query_id], names[one.document_id], one.start, one.end, one.grade)
        for one in workspace.judgments.judgments(collection.key, split)
    ]


def beir(
    folder: Path, qrels: str, queries: str = '{"_id": "q1", "text": "red?"}\n{"_id": "q2", "text": "blue?"}\n'
) -> Path:
    (folder / "qrels").mkdir(parents=True)
    (folder / "queries.jsonl").write_text(queries)
    (folder / "qrels" / "dev.tsv").write_text(qrels)
    return folder


# ---- in


@pytest.mark.parametrize("separator", [" ", "\t", "   "])
def test_trec_qrels_name_documents_by_name_or_id(
    workspace: Workspace, collection: Collection, tmp_path: Path, separator: str
) -> None:
    b = ids(workspace, collection)["b.txt"]
    rows = [("q1", "0", "a.txt", "2"), ("q1", "Q0", b, "-1"), ("q2", "0", "b.txt", "3")]
    (tmp_path / "mine.qrels").write_text("".join(separator.join(row) + "\n" for row in rows))
    (tmp_path / "texts.tsv").write_text(QUERIES)
    transfer = import_judgments(
        workspace, collection, tmp_path / "mine.qrels", queries=tmp_path / "texts.tsv", who="Ann"
    )
    assert transfer == JudgmentTransfer(str(tmp_path / "mine.qrels"), "trec", ("mine",), 2, 3)
    assert sorted(stored_judgments(workspace, collection)) == [
        ("mine", "blue?", "b.txt", 0, 9, 3),
        ("mine", "red?", "a.txt", 0, 19, 2),
        ("mine", "red?", "b.txt", 0, 9, -1),
    ]
    one = workspace.judgments.judgments(collection.key)[0]
    assert (one.who, one.origin, one.made[-6:]) == ("Ann", "TREC mine.qrels", "+00:00")
    assert workspace.judgments.queries(collection.key) == {"q1": "red?", "q2": "blue?"}
    workspace.judgments.undo()
    assert stored_judgments(workspace, collection) == []


def test_the_queries_may_be_json_lines_or_lie_beside_or_be_known(
    workspace: Workspace, collection: Collection, tmp_path: Path
) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("q1 0 a.txt 2\n")
    with pytest.raises(
        DataError, match=r"mine\.txt, line 1: nobody says what the query 'q1' asks: give the queries' texts too"
    ):
        import_judgments(workspace, collection, file)
    (tmp_path / "q.jsonl").write_text('{"_id": "q1", "text": "red?"}\n')
    assert import_judgments(workspace, collection, file, queries=tmp_path / "q.jsonl").judgments == 1
    file.write_text("q1 0 b.txt 1\n")
    assert import_judgments(workspace, collection, file).judgments == 1  # the collection knows q1 by now
    (tmp_path / "mine.queries.tsv").write_text("q7\tblue?\n")
    file.write_text("q7 0 b.txt 1\n")
    assert import_judgments(workspace, collection, file).queries == 1
    assert sorted(stored_judgments(workspace, collection)) == [
        ("mine", "blue?", "b.txt", 0, 9, 1),
        ("mine", "red?", "a.txt", 0, 19, 2),
        ("mine", "red?", "b.txt", 0, 9, 1),
    ]


def test_a_beir_folder_onto_documents_that_are_here(
    workspace: Workspace, collection: Collection, tmp_path: Path
) -> None:
    folder = beir(tmp_path / "set", "query-id\tcorpus-id\tscore\nq1\ta.txt\t1\nq1\tgone.txt\t1\nq2\tb.txt\t2\n")
    (folder / "qrels" / "judged.tsv").write_text("query-id\tcorpus-id\tscore\nq1\ta.txt\t3\n")
    transfer = import_judgments(workspace, collection, folder)
    assert (transfer.format, transfer.splits, transfer.queries, transfer.judgments) == (
        "beir",
        ("dev", "judged-imported"),
        2,
        3,
    )
    assert transfer.notes == ("1 line names documents that are not here: gone.txt",)
    assert splits_for(workspace, collection) == ["dev", "judged-imported", "everything"]
    assert stored_judgments(workspace, collection, "dev") == [
        ("dev", "red?", "a.txt", 0, 19, 1),
        ("dev", "blue?", "b.txt", 0, 9, 2),
    ]


def test_a_beir_folder_without_a_header_is_imported_and_the_person_is_told(
    workspace: Workspace, collection: Collection, tmp_path: Path
) -> None:
    transfer = import_judgments(workspace, collection, beir(tmp_path / "set", "q1\ta.txt\t1\nq2\tb.txt\t2\n"))
    assert transfer.notes == ("dev.tsv has no header: its first line was read as a judgment",)
    assert stored_judgments(workspace, collection, "dev") == [
        ("dev", "red?", "a.txt", 0, 19, 1),
        ("dev", "blue?", "b.txt", 0, 9, 2),
    ]


QUEPID = [
    "query,docid,rating\nred?,a.txt,3\nblue?,b.txt,1\n",
    "Query Text;Doc ID;Grade\nred?;a.txt;3.0\nblue?;b.txt;1\n",
    '\ufeff"query"\t"docid"\t"rating"\r\n red? \ta.txt\t3\r\n"blue?"\tb.txt\t1\r\n',
    "query,docid,rating\nred?,a.txt,3\nnobody rated this\nred?,b.txt,\nred?,,\nblue?,b.txt,1\nred?,a.txt,3\n",
    "query,docid,Ann,Bob\nred?,a.txt,3,0\nblue?,b.txt,,1\nred?,b.txt,,\n",
]


@pytest.mark.parametrize("text", QUEPID)
def test_quepids_exports(workspace: Workspace, collection: Collection, tmp_path: Path, text: str) -> None:
    (tmp_path / "case.csv").write_text(text, newline="")
    transfer = import_judgments(workspace, collection, tmp_path / "case.csv")
    assert (transfer.format, transfer.splits, transfer.judgments) == ("quepid", ("case",), 2)
    assert sorted(stored_judgments(workspace, collection)) == [
        ("case", "blue?", "b.txt", 0, 9, 1),
        ("case", "red?", "a.txt", 0, 19, 3),
    ]
    assert set(workspace.judgments.queries(collection.key)) == {RED, BLUE}
    if "nobody" in text:
        assert transfer.notes == ("3 lines without a grade", "1 line said what another one says")
    if "Bob" in text:
        assert transfer.notes == ("1 line without a grade", "1 line rated by several people: the highest grade counts")
        assert {one.who for one in workspace.judgments.judgments(collection.key)} == {"Ann", "Bob"}


def test_ratings_may_count_in_every_collection(workspace: Workspace, collection: Collection, tmp_path: Path) -> None:
    index(workspace, workspace.create("two"), [Upload("other.txt", A.encode())])
    (tmp_path / "case.csv").write_text(QUEPID[0])
    import_judgments(workspace, collection, tmp_path / "case.csv", split=SHARED)
    assert stored_judgments(workspace, workspace.store.collection("two")) == [(SHARED, "red?", "other.txt", 0, 19, 3)]


def test_an_import_replaces_and_is_undone_as_a_whole(
    workspace: Workspace, collection: Collection, tmp_path: Path
) -> None:
    a = ids(workspace, collection)["a.txt"]
    workspace.judgments.judge("red?", a, 0, 19, 1, who="Ann", note="mine")
    before = workspace.judgments.judgments(collection.key)
    (tmp_path / "case.csv").write_text(QUEPID[0])
    import_judgments(workspace, collection, tmp_path / "case.csv", split=SHARED)
    assert sorted(row[-1] for row in stored_judgments(workspace, collection)) == [1, 3]
    assert workspace.judgments.last_step is not None
    assert workspace.judgments.last_step.what == "import of 2 judgments from case.csv"
    workspace.judgments.undo()
    assert workspace.judgments.judgments(collection.key) == before


CSV = "query,document,grade\nred?,a.txt,3\n"
BEIR = "query-id\tcorpus-id\tscore\nq1\ta.txt\t1\n"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("x.qrels", "", "has no judgment that can be brought in: it holds none"),
        ("x.qrels", "q1 0 a.txt\n", "line 1, is not 'query-id 0 document grade' but has 3 columns"),
        ("x.qrels", "q1 0 my file.txt 1\n", "has 5 columns: where an id holds a space, put tabs between the columns"),
        ("x.qrels", "q1 0 a.txt 1\nq1\t0\t\t1\n", "line 2, is not"),
        ("x.qrels", "q1 0 a.txt good\n", "line 1: the grade 'good' is no whole number"),
        ("x.qrels", "q1 0 a.txt 1.5\n", "the grade '1.5' is no whole number"),
        ("x.qrels", "q1 0 a.txt 1001\n", "the grade 1001 is out of range"),
        ("x.qrels", "q1 0 a.txt 1\nq1 0 a.txt 2\n", "line 2: 'a.txt' has grade 2 for the query 'q1', and grade 1 in"),
        ("x.qrels", "q9 0 a.txt 1\n", "line 1: nobody says what the query 'q9' asks"),
        (
            "x.qrels",
            "q1 0 gone.txt 1\nq1 0 c 1\nq1 0 d 1\nq1 0 e 1\nq1 0 e 1\n",
            "x.qrels has no judgment that can be brought in: "
            "5 lines name documents that are not here: gone.txt, c, d, …",
        ),
        ("x.qrels", b"q1 0 \xff 1\n", "x.qrels is not in UTF-8"),
        ("x.csv", "", "x.csv is empty"),
        ("x.csv", "red?,a.txt,3\n", "x.csv has no column 'query' (its first line says red?, a.txt, 3)"),
        ("x.csv", "query,docid\nred?,a.txt\n", "has no column 'rating'"),
        ("x.csv", "query,docid,rating\nred?,a.txt,three\n", "line 2: the grade 'three' is no whole number"),
        ("x.csv", "query,docid,rating\n,a.txt,3\n", "line 2: the query is empty"),
        (
            "x.csv",
            "query,docid,rating\nred?,a.txt,3\nRED?,a.txt,1\n",
            "line 3: 'a.txt' has grade 1 for the query 'RED?', and grade 3 in",
        ),
        ("x.csv", 'query,docid,rating\n"red?,a.txt,3\n', "x.csv is not CSV"),
        ("x.csv", b"query,docid,rating\nr\xe9d,a.txt,3\n", "x.csv is not in UTF-8: save it as 'CSV UTF-8'"),
        ("x.csv", "q\0uery,docid,rating\n", "x.csv"),
        ("csv", "query,document\nred?,a.txt\n", "has no column 'grade'"),
        ("csv", "query,grade\nred?,1\n", "has no column 'document_id'"),
        ("csv", CSV + "red?,b.txt,1,more\n", "line 3, has 4 columns where the header has 3"),
        ("csv", "query,document,start,end,grade\nred?,a.txt,3,,1\n", "line 2, gives a span only one end"),
        ("csv", "query,document,start,end,grade\nred?,a.txt,3,x,1\n", "line 2: 'x' is no place in a document"),
        (
            "csv",
            "query,document,start,end,grade\nred?,a.txt,3,20,1\n",
            "line 2: the characters 3 to 20 are not in 'a.txt', which has 19: is it another text?",
        ),
        ("csv", "query,document,start,end,grade\nred?,a.txt,3,3,1\n", "the characters 3 to 3 are not in"),
        ("csv", "split,query_id,query,document,grade\nx,a b,red?,a.txt,1\n", "the query id 'a b' holds a space"),
        (
            "csv",
            "split,query_id,query,document,grade\nx,q1,red?,a.txt,1\nx,q1,blue?,b.txt,1\n",
            "line 3: the query 'q1' asks 'blue?' here and 'red?' elsewhere",
        ),
        ("beir", "query-id\tcorpus-id\trel\nq1\ta.txt\t1\n", "line 1, is not 'query-id, corpus-id, score'"),
        ("beir", BEIR + "q1\tb.txt\n", "line 3, is not 'query-id, corpus-id, score'"),
        ("beir", BEIR + "q9\ta.txt\t1\n", "line 3: nobody says what the query 'q9' asks"),
        ("beir", BEIR + "q1\ta.txt\t2\n", "line 3: 'a.txt' has grade 2"),
        (
            "beir",
            BEIR + "q1\tb.txt\thigh\n",
            "line 3, is not 'query-id, corpus-id, score' between tabs, the score a whole number up to 1000",
        ),
    ],
)
def test_what_is_malformed_is_named_and_nothing_is_imported(
    workspace: Workspace, collection: Collection, tmp_path: Path, name: str, text: str | bytes, words: str
) -> None:
    if name == "beir":
        assert isinstance(text, str)
        path, form = beir(tmp_path / "set", text), None
    else:
        path, form = tmp_path / ("x.csv" if name == "csv" else name), "csv" if name == "csv" else None
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (tmp_path / "x.queries.tsv").write_text(QUERIES)
    with pytest.raises(DataError) as caught:
        import_judgments(workspace, collection, path, form)  # type: ignore[arg-type]  # parametrised over the Literal's values
    assert words in str(caught.value)
    assert stored_judgments(workspace, collection) == []
    assert workspace.judgments.queries(collection.key) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("q1 red?\n", "line 1, is not 'query-id, text' with a tab between"),
        ("q1\tred?\nq1\tblue?\n", "line 2: the query 'q1' was there before"),
    ],
)
def test_malformed_queries_are_named(
    workspace: Workspace, collection: Collection, tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "x.qrels").write_text("q1 0 a.txt 1\n")
    (tmp_path / "q.tsv").write_text(text)
    with pytest.raises(DataError) as caught:
        import_judgments(workspace, collection, tmp_path / "x.qrels", queries=tmp_path / "q.tsv")
    assert words in str(caught.value)


def test_paths_that_cannot_be(workspace: Workspace, collection: Collection, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file or folder"):
        import_judgments(workspace, collection, tmp_path / "nowhere")
    with pytest.raises(DataError, match="is a folder"):
        import_judgments(workspace, collection, tmp_path, "trec")
    (tmp_path / "x.qrels").write_text("q1 0 a.txt 1\n")
    with pytest.raises(DataError, match="is a file"):
        import_judgments(workspace, collection, tmp_path / "x.qrels", "beir")
    with pytest.raises(SettingsError, match="imported into 'samples'"):
        import_judgments(workspace, collection, tmp_path / "x.qrels", split="samples")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"queries\.jsonl is missing"):
        import_judgments(workspace, collection, tmp_path / "empty")


def test_a_query_id_of_the_collection_is_not_given_another_text(
    workspace: Workspace, collection: Collection, tmp_path: Path
) -> None:
    workspace.judgments.add(
        collection.key, {"q1": "green?"}, [Judgment("test", "q1", ids(workspace, collection)["a.txt"], 0, 19, 1)]
    )
    (tmp_path / "x.qrels").write_text("q1 0 a.txt 1\n")
    (tmp_path / "x.queries.tsv").write_text(QUERIES)
    with pytest.raises(DataError, match=r"the query 'q1' asks 'red\?' here and 'green\?' elsewhere"):
        import_judgments(workspace, collection, tmp_path / "x.qrels")
    assert workspace.judgments.queries(collection.key) == {"q1": "green?"}


# ---- out, and in again


def judged(workspace: Workspace, collection: Collection) -> None:
    a, b = ids(workspace, collection)["a.txt"], ids(workspace, collection)["b.txt"]
    workspace.judgments.judge("red?", a, 0, 8, 3, who="Ann", note='=SUM(1)\n"quoted", and\u2028more')
    workspace.judgments.judge("red?", a, 9, 19, 1, who="'Bob")
    workspace.judgments.judge("-blue; or, not", b, 0, 9, 0)


def test_our_csv_loses_nothing(workspace: Workspace, collection: Collection, tmp_path: Path) -> None:
    judged(workspace, collection)
    workspace.judgments.add(
        collection.key,
        {"q1": "red?"},
        [Judgment("test", "q1", ids(workspace, collection)["a.txt"], 0, 19, 2, "BEIR tiny")],
    )
    before, queries = workspace.judgments.judgments(collection.key), workspace.judgments.queries(collection.key)
    transfer = export_judgments(workspace, collection, tmp_path / "all.csv")
    assert (transfer.format, transfer.splits, transfer.queries, transfer.judgments) == ("csv", ("judged", "test"), 3, 4)
    text = (tmp_path / "all.csv").read_text()
    assert ",'-blue" in text or ",\"'-blue" in text  # no formula for a spreadsheet
    other = Workspace.open(Settings(tmp_path / "other", model="fake"), loader=lambda _: FakeEncoder())
    index(other, other.create("there"), [Upload("x.txt", A.encode()), Upload("y.txt", B.encode())])
    there = other.store.collection("there")
    import_judgments(other, there, tmp_path / "all.csv")
    assert other.judgments.judgments(there.key) == before
    assert other.judgments.queries(there.key) == queries
    other.close()


def test_trec_qrels_come_back_with_their_queries(workspace: Workspace, collection: Collection, tmp_path: Path) -> None:
    judged(workspace, collection)
    transfer = export_judgments(workspace, collection, tmp_path / "mine.qrels")
    assert transfer.notes == ("3 judged spans became 2 judged documents: the highest grade of each; csv keeps spans",)
    blue = query_id_of("-blue; or, not")
    assert sorted((tmp_path / "mine.qrels").read_text().splitlines()) == sorted(
        [f"{RED} 0 a.txt 3", f"{blue} 0 b.txt 0"]
    )
    assert sorted((tmp_path / "mine.queries.tsv").read_text().splitlines()) == sorted(
        [f"{RED}\tred?", f"{blue}\t-blue; or, not"]
    )
    import_judgments(workspace, collection, tmp_path / "mine.qrels")
    assert judged_queries_for(workspace, collection, "mine").per_document
    assert sorted(row[1:] for row in stored_judgments(workspace, collection, "mine")) == [
        ("-blue; or, not", "b.txt", 0, 9, 0),
        ("red?", "a.txt", 0, 19, 3),
    ]


def test_names_with_spaces_give_way_to_ids(workspace: Workspace, tmp_path: Path) -> None:
    index(workspace, workspace.create("one"), [Upload("my file.txt", A.encode()), Upload("b.txt", B.encode())])
    collection = workspace.store.collection("one")
    a = ids(workspace, collection)["my file.txt"]
    workspace.judgments.judge("red?", a, 0, 19, 3)
    export_judgments(workspace, collection, tmp_path / "mine.qrels")
    assert (tmp_path / "mine.qrels").read_text() == f"{RED} 0 {a} 3\n"
    assert import_judgments(workspace, collection, tmp_path / "mine.qrels").judgments == 1
    (tmp_path / "tabs.qrels").write_text(f"{RED}\t0\tmy file.txt\t2\n")
    assert import_judgments(workspace, collection, tmp_path / "tabs.qrels").judgments == 1


def test_a_beir_folder_can_be_measured_elsewhere(workspace: Workspace, collection: Collection, tmp_path: Path) -> None:
    judged(workspace, collection)
    export_judgments(workspace, collection, tmp_path / "set")
    dataset = read_beir(tmp_path / "set")
    assert sorted(zip(dataset.document_ids, dataset.texts, strict=True)) == [("a.txt", A), ("b.txt", B)]
    assert dataset.qrels == {"test": {RED: {"a.txt": 3}, query_id_of("-blue; or, not"): {"b.txt": 0}}}
    assert dataset.queries[RED] == "red?"
    assert import_judgments(workspace, collection, tmp_path / "set").splits == ("test",)


def test_quepid_gets_its_csv(workspace: Workspace, collection: Collection, tmp_path: Path) -> None:
    judged(workspace, collection)
    export_judgments(workspace, collection, tmp_path / "case.csv", "quepid")
    lines = (tmp_path / "case.csv").read_text().splitlines()
    assert lines[0] == "query,docid,rating"
    assert sorted(lines[1:]) == ['" -blue; or, not",b.txt,0', "red?,a.txt,3"]
    import_judgments(workspace, collection, tmp_path / "case.csv")
    assert sorted(row[1:] for row in stored_judgments(workspace, collection, "case")) == [
        ("-blue; or, not", "b.txt", 0, 9, 0),
        ("red?", "a.txt", 0, 19, 3),
    ]


@pytest.mark.parametrize(("name", "form"), [("x.csv", "csv"), ("x.csv", "quepid"), ("x.qrels", "trec"), ("x", "beir")])
def test_what_is_there_is_not_overwritten(
    workspace: Workspace, collection: Collection, tmp_path: Path, name: str, form: JudgmentFormat
) -> None:
    judged(workspace, collection)
    (tmp_path / name).write_text("precious")
    with pytest.raises(ExchangeError, match="exists already"):
        export_judgments(workspace, collection, tmp_path / name, form)
    assert (tmp_path / name).read_text() == "precious"
    with pytest.raises(ExchangeError, match="cannot be written"):
        export_judgments(
            workspace, collection, tmp_path / "no" / name if form != "beir" else tmp_path / name / "below", form
        )
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("form", ["csv", "quepid", "trec", "beir"])
def test_nothing_judged_is_nothing_written(
    workspace: Workspace, collection: Collection, tmp_path: Path, form: JudgmentFormat
) -> None:
    with pytest.raises(DataError, match="Nothing is judged in 'one' yet"):
        export_judgments(workspace, collection, tmp_path / "x", form)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("x.csv", "query,docid,rating\n", "quepid"),
        ("x.csv", "split,query,document_id,grade\n", "csv"),
        ("x.CSV", "", "quepid"),
        ("x.txt", "", "trec"),
        ("x.tsv", "", "trec"),
    ],
)
def test_the_format_is_guessed(tmp_path: Path, name: str, text: str, form: JudgmentFormat) -> None:
    (tmp_path / name).write_text(text)
    assert guess_format(tmp_path / name) == form
    assert (
        guess_format(tmp_path),
        guess_format(tmp_path / "new"),
        guess_format(tmp_path / "new.csv"),
        guess_format(tmp_path / "new.qrels"),
    ) == ("beir", "beir", "csv", "trec")


@pytest.mark.parametrize("cell", ["", "a", "'", "''", "=1", "'=1", "'tis", "-", "\t", "＝1", "a'"])
def test_a_cell_comes_back_as_it_was(cell: str) -> None:
    assert unescape_cell(str(escape_cell(cell))) == cell
    assert not str(escape_cell(cell)).startswith(("=", "+", "-", "@", "\t"))
    assert unescape_cell("'tis typed by hand") == "'tis typed by hand"


# ---- from the shell


@pytest.fixture
def shell(workspace: Workspace, collection: Collection, monkeypatch: pytest.MonkeyPatch) -> Collection:
    monkeypatch.setenv("RANKSCOPE_DATA", str(workspace.settings.data))
    return collection


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.strip()


def test_the_shell_lists_imports_and_exports(
    shell: Collection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["judgments", "one"]) == 0
    assert printed(capsys) == "Nothing is judged in one yet."
    (tmp_path / "case.csv").write_text(QUEPID[0] + "red?,gone.txt,1\n")
    assert main(["judgments", "one", "--import", str(tmp_path / "case.csv"), "--split", "judged", "--who", "Ann"]) == 0
    assert printed(capsys) == (
        f"imported 2 judgments of 2 queries (split judged; quepid): {tmp_path / 'case.csv'}\n"
        "1 line names documents that are not here: gone.txt"
    )
    assert main(["judgments", "one", "--json"]) == 0
    assert json.loads(printed(capsys)) == {
        "collection": "one",
        "splits": [{"split": "judged", "queries": 2, "judgments": 2, "per_document": True, "grades": {"1": 1, "3": 1}}],
    }
    assert main(["judgments", "one", "--export", str(tmp_path / "out.csv"), "--json"]) == 0
    assert json.loads(printed(capsys))["judgments"] == 2
    assert main(["judgments", "one", "--export", str(tmp_path / "out.txt")]) == 0
    assert "exported 2 judgments of 2 queries (split judged; trec)" in printed(capsys)
    assert main(["judgments", "one"]) == 0
    assert printed(capsys) == "judged: 2 judgments of 2 queries, on whole documents; grades 1: 1, 3: 1"


def test_the_shell_drops_what_nobody_uses(
    shell: Collection, workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    judged(workspace, shell)
    workspace.delete_collection("one")
    assert main(["judgments", "--drop-unused"]) == 0
    assert printed(capsys) == "dropped 3 judgments"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["one", "--drop-unused"],
        ["one", "--import", "x", "--export", "y"],
        ["one", "--import", "nowhere", "--split", "everything"],
    ],
)
def test_a_wrong_call_is_named(shell: Collection, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["judgments", *arguments]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_a_failure_is_named(shell: Collection, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.zip").touch()
    with zipfile.ZipFile(tmp_path / "y.zip", "w") as archive:
        archive.writestr("queries.jsonl", "")
    for arguments in (
        ["no such"],
        ["one", "--import", str(tmp_path / "x.zip")],
        ["one", "--import", str(tmp_path / "y.zip")],
        ["one", "--split", "test"],
    ):
        assert main(["judgments", *arguments]) == 1
        assert capsys.readouterr().err.startswith("error: ")
