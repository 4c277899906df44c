"""Tables: rows of CSV, TSV and JSON as records, rows of pipe tables, and the columns that a person chooses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import DamagedFile, NoText, UnknownColumn
from core.loading._markdown import Cell, expand_spans
from core.loading._metadata import iso_date
from core.loading.loader import load, table_columns
from core.loading.tables import Column, TableOptions, describe_columns
from core.records.document import Document

FILES = Path(__file__).parents[1] / "files"


def blocks(document: Document) -> list[str]:
    return [document.text[row.start : row.end] for row in document.rows]


def fields(document: Document) -> list[dict[str, object]]:
    return [dict(row.fields) for row in document.rows]


STATIONS = """Station: North pier
Region: West
Opened: 2019-05-02
Depth: 4.5
Remark: Calm water; the lamp burns from dusk
till dawn.

Station: South pier
Region: West
Opened: 2020-11-17
Depth: 7

Station: Café rock
Region: East
Opened: 2021-01-30
Depth: 12.25
Remark: Called "the tooth" by the crews.
"""


@pytest.mark.parametrize("name", ["stations.csv", "stations.tsv"])
def test_a_table_of_libreoffice(name: str) -> None:
    document = load(name, (FILES / name).read_bytes())  # the first with semicolons, in Windows-1252
    assert document.text == STATIONS
    assert [block.split("\n")[0] for block in blocks(document)] == [
        "Station: North pier",
        "Station: South pier",
        "Station: Café rock",
    ]
    assert fields(document) == [
        {"Station": "North pier", "Region": "West", "Opened": "2019-05-02", "Depth": 4.5},
        {"Station": "South pier", "Region": "West", "Opened": "2020-11-17", "Depth": 7.0},
        {"Station": "Café rock", "Region": "East", "Opened": "2021-01-30", "Depth": 12.25},
    ]
    assert (
        document.metadata_at(document.text.index("Depth: 7"), document.text.index("Depth: 7") + 8)["Station"]
        == "South pier"
    )


@pytest.mark.parametrize("name", ["stations.json", "stations.jsonl"])
def test_records_of_pandas(name: str) -> None:
    document = load(name, (FILES / name).read_bytes())
    assert (
        blocks(document)[1]
        == "Station: South pier\nRegion: West\nOpened: 2020-11-17\nDepth: 7.0\ngauge.type: radar\ngauge.cm: 12.0"
    )
    assert blocks(document)[2].endswith("crew: Cid")
    assert fields(document)[0] == {
        "Station": "North pier", "Region": "West", "Opened": "2019-05-02", "Depth": 4.5, "crew": "Ada, Brun",
        "gauge.type": "float", "gauge.cm": 9.5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("a,b\n1,x\n", "a: 1\nb: x\n"),
        ("\ufeffa,b\n1,x\n", "a: 1\nb: x\n"),
        ("a;b\n1,5;x\n2,5;y\n", "a: 1,5\nb: x\n\na: 2,5\nb: y\n"),
        ("sep=|\na|b\n1|x\n", "a: 1\nb: x\n"),
        ('a,b\r\n"two\r\nlines, here",x\r\n', "a: two\nlines, here\nb: x\n"),
        ('a,b\n"say ""hello""",x\n', 'a: say "hello"\nb: x\n'),
        ("a,b\n1\n2,y,z\n\n,\n", "a: 1\n\na: 2\nb: y\ncolumn 3: z\n"),
        ("1,2\n3,4\n", "column 1: 1\ncolumn 2: 2\n\ncolumn 1: 3\ncolumn 2: 4\n"),
        ("a,a,\n1,2,3\n", "a: 1\na (2): 2\ncolumn 3: 3\n"),
        ("note\nhello, world\nbye\n", "note: hello, world\n\nnote: bye\n"),
        ("a,only\n", "column 1: a\ncolumn 2: only\n"),
        ('a,b\n"x"y,2\n', 'a: "x"y\nb: 2\n'),
        ("a,b\nx\u2028y,2\n", "a: x\ny\nb: 2\n"),
    ],
)
def test_csv_as_people_have_it(data: str, text: str) -> None:
    assert load("a.csv", data.encode()).text == text


def test_encodings_of_csv() -> None:
    for encoding in ("cp1252", "utf-16", "utf-8-sig"):
        assert load("a.csv", "Straße;Größe\nMühlweg;7\n".encode(encoding)).text == "Straße: Mühlweg\nGröße: 7\n"


def test_quotation_marks_in_tsv_may_stand_alone() -> None:
    assert load("a.tsv", b'size\tname\n5" nail\t"long\n').text == 'size: 5" nail\nname: "long\n'


def test_a_cell_may_hold_a_whole_document() -> None:
    long = "word " * 60_000
    assert load("a.csv", f'id,text\n1,"{long}"\n'.encode()).text == f"id: 1\ntext: {long.strip()}\n"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2.5", "3e5"], "number"), (["007", "012"], "category"), (["3,5", "1,25", "2"], "number"), (["1,234",
        "2,345"], "category"),
        (["2024-03-01", "2024-03-02T10:00:00"], "date"), (["1.3.2024", "12.10.2024"], "date"), (["2024-02-31"],
        "category"), (["3/4/2024"], "category"),
        (["red", "blue", "red"], "category"), (["a sentence that is much too long to be picked from a list"], "text"),
        ([f"id {n}" for n in range(13)], "text"), ([f"id {n}" for n in range(13)] * 2, "category"), ([True, False],
        "category"), ([1, 2.5], "number"),
        (["1234567890123456"], "category"), (["two\nlines"], "text"),
    ],
)  # fmt: skip
def test_what_a_column_holds(values: list[str], kind: str) -> None:
    assert [column.kind for column in describe_columns([{"a": value} for value in values])] == [kind]


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2024-03-01", "2024-03-01"), ("2024/03/01", "2024-03-01"), ("1.3.2024", "2024-03-01"),
        ("2024-03-01T23:59:59Z", "2024-03-01"),
        ("2024-03-01 08:00", "2024-03-01"), ("D:20240301120000+02'00'", "2024-03-01"), ("20240301", None), ("2024",
        None), ("31.2.2024", None), ("", None),
    ],
)  # fmt: skip
def test_dates_that_can_be_read_in_one_way(text: str, date: str | None) -> None:
    assert iso_date(text) == date


CSV = b"name,price,colour,story\nBuoy,12,red,It floats.\nCone,3,black,It warns the boats.\n"


def test_a_person_sees_the_columns_and_chooses() -> None:
    assert table_columns("a.csv", CSV)[:2] == [
        Column("name", "category", ("Buoy", "Cone")),
        Column("price", "number", ("12", "3")),
    ]
    document = load("a.csv", CSV, TableOptions(text=("name", "story"), metadata=("price",)))
    assert document.text == "name: Buoy\nstory: It floats.\n\nname: Cone\nstory: It warns the boats.\n"
    assert fields(document) == [{"price": 12}, {"price": 3}]


def test_one_chosen_column_stands_without_its_name() -> None:
    document = load("a.csv", CSV, TableOptions(text=("story",)))
    assert document.text == "It floats.\n\nIt warns the boats.\n"
    assert fields(document)[1] == {"name": "Cone", "price": 3, "colour": "black", "story": "It warns the boats."}


def test_a_row_without_the_chosen_text_is_left_out() -> None:
    data = json.dumps([{"a": "x", "b": 1}, {"b": 2}, {"a": "y", "b": 3}]).encode()
    document = load("a.json", data, TableOptions(text=("a",), metadata=("b",)))
    assert (document.text, fields(document)) == ("x\n\ny\n", [{"b": 1}, {"b": 3}])
    with pytest.raises(NoText, match=r"^a\.csv holds no text in the columns : bring it with other columns"):
        load("a.csv", CSV, TableOptions(text=()))


def test_unknown_columns_are_named_beside_those_that_are_there() -> None:
    with pytest.raises(
        UnknownColumn, match=r"^a\.csv has no column 'cost': bring it with some of 'name', 'price', 'colour', 'story'"
    ):
        load("a.csv", CSV, TableOptions(metadata=("price", "cost")))


def test_other_kinds_have_no_columns() -> None:
    assert table_columns("a.txt", b"a,b") == []
    assert load("a.txt", b"a,b", TableOptions(text=("c",))).text == "a,b"


@pytest.mark.parametrize(
    ("value", "text", "rows"),
    [
        ({"title": "Log", "entries": [{"a": 1}, {"a": 2}]}, "title: Log\n\na: 1\n\na: 2\n", 2),
        ({"a": {"b": [1, 2], "c": [{"d": "x"}, {"d": "y"}]}, "e": None}, "a.b: 1, 2\na.c.1.d: x\na.c.2.d: y\n", 0),
        ({"a": True, "b": False}, "a: true\nb: false\n", 0),
        (["one", "two"], "value: one\n\nvalue: two\n", 2),
        ("only a string", "only a string\n", 0),
        ([{"long": ["x" * 61, "y"]}], f"long: {'x' * 61}\ny\n", 1),
        ([{"two\nlines": "v"}], "two lines: v\n", 1),
    ],
)
def test_shapes_of_json(value: object, text: str, rows: int) -> None:
    document = load("a.json", json.dumps(value).encode())
    assert (document.text, len(document.rows)) == (text, rows)
    assert all(
        document.text[row.start : row.end].strip() == document.text[row.start : row.end] for row in document.rows
    )


def test_json_lines_under_the_name_of_json() -> None:
    assert load("a.json", b'{"a": 1}\n{"a": 2}\n').text == "a: 1\n\na: 2\n"


def test_a_line_separator_inside_a_json_string_ends_no_line() -> None:
    assert load("a.jsonl", '{"a": "x\u2028y"}\n'.encode()).text == "a: x\ny\n"


def test_ids_stay_strings() -> None:
    document = load("a.jsonl", b'{"_id": "00042", "n": 7}\n{"_id": "7", "n": 12345678901234567890}\n')
    assert fields(document) == [{"_id": "00042", "n": "7"}, {"_id": "7", "n": "12345678901234567890"}]


def test_a_broken_line_is_named() -> None:
    with pytest.raises(DamagedFile, match=r"^a\.jsonl has no JSON in line 3 "):
        load("a.jsonl", b'{"a": 1}\n\n{"a" 2}\n')


# Pipe tables


def test_rows_of_a_pipe_table_have_its_headers_fields() -> None:
    text = (
        "| Gauge | Depth | Seen |\n| - | - | - |\n| A \\| B | 7 | 2024-03-01 |\n| C | 12 |\n\nEnd.\n\n| no | "
        "header |\n| at | all |\n"
    )
    document = load("a.md", text.encode())
    assert blocks(document) == ["| A \\| B | 7 | 2024-03-01 |", "| C | 12 |", "| no | header |", "| at | all |"]
    assert fields(document) == [
        {"Gauge": "A | B", "Depth": 7, "Seen": "2024-03-01"},
        {"Gauge": "C", "Depth": 12},
        {},
        {},
    ]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("levels.xlsx", {"Station": "North pier", "Morning": 412, "Evening": 398.5, "Remark": "calm"}),
        ("levels.ods", {"Station": "North pier", "Morning": 412, "Evening": 398.5, "Remark": "calm"}),
        ("guide.docx", {"Instrument": "Float gauge", "Range": "0 to 900", "Unit": "cm"}),
        ("slides.pptx", {"Signal": "One cone", "Meaning": "gale from the north"}),
        ("guide.html", {"Instrument": "Float gauge", "Range": "0 to 900", "Unit": "cm"}),
    ],
)
def test_rows_of_office_tables(name: str, first: dict[str, object]) -> None:
    document = load(name, (FILES / name).read_bytes())
    assert fields(document)[0] == first
    assert all(block.startswith("| ") and block.endswith(" |") for block in blocks(document))


def test_cells_that_span_rows_and_columns_stand_in_each_place() -> None:
    rows = [
        [Cell("Region", rows=2), Cell("Load", columns=2)],
        [Cell("Winter"), Cell("Summer")],
        [Cell("North", rows=9), Cell("5"), Cell("7")],
        [Cell("6"), Cell("8")],
    ]
    assert expand_spans(rows) == [
        ["Region", "Load", "Load"],
        ["Region", "Winter", "Summer"],
        ["North", "5", "7"],
        ["North", "6", "8"],
    ]


def test_a_span_of_no_columns_counts_as_one() -> None:
    assert expand_spans([[Cell("a", columns=0, rows=0), Cell("b")], [Cell("c")]]) == [["a", "b"], ["c"]]
