"""CSV and TSV: what divides the cells, which line is the header, and lines that are no rows."""

from __future__ import annotations

import pytest

from core.loading._dialect import Dialect, detect_dialect, split_rows
from core.loading._table_layout import HeaderSign, column_names, header_sign
from core.loading.loader import load, table_columns
from core.records.document import Document


def read(text: str, name: str = "a.csv") -> Document:
    return load(name, text.encode())


def fields(document: Document) -> list[dict[str, object]]:
    return [dict(row.fields) for row in document.rows]


BANK = """Account statement
Account;DE00 0000 0000
Period: 2025-01-01 to 2025-03-31

Date;Payee;Amount
2025-01-04;Harbour Office;-120,50
2025-02-02;Club;1.015,00
"""


def test_the_table_below_its_title_lines_has_its_own_columns() -> None:
    document = read(BANK)
    assert fields(document) == [
        {"Date": "2025-01-04", "Payee": "Harbour Office", "Amount": -120.5},
        {"Date": "2025-02-02", "Payee": "Club", "Amount": 1015.0},
    ]
    assert document.text.startswith(
        "Account statement\nAccount; DE00 0000 0000\nPeriod: 2025-01-01 to 2025-03-31\n\nDate: 2025-01-04\n"
    )
    assert document.notes == ("3 lines above the table are kept as text",)
    assert [column.name for column in table_columns("a.csv", BANK.encode())] == ["Date", "Payee", "Amount"]


@pytest.mark.parametrize(
    ("data", "text", "notes"),
    [
        # the lines above: titles filled up with empty cells, names and values, a sentence, comments
        ("Crew list,,\nName,Age,City\nIda,7,Emden\n", "Crew list\n\nName: Ida\nAge: 7\nCity: Emden\n", "1 line above"),
        (
            "Owner,Ida\nPort,Emden\n\nDate,Level\n2025-01-04,7\n2025-01-05,8\n",
            "Owner, Ida\nPort, Emden\n\nDate: 2025-01-04\nLevel: 7\n\nDate: 2025-01-05\nLevel: 8\n",
            "2 lines above",
        ),
        (
            "Report, by Ida, on Monday\n\nName,Age,City\nIda,7,Emden\nOlaf,9,Husum\n",
            "Report, by Ida, on Monday\n\nName: Ida\nAge: 7\nCity: Emden\n\nName: Olaf\nAge: 9\nCity: Husum\n",
            "1 line above",
        ),
        (
            "# unit: cm\ntime,level\n1,7\n2,8\n",
            "# unit: cm\n\ntime: 1\nlevel: 7\n\ntime: 2\nlevel: 8\n",
            "1 line above",
        ),
        ("# made by x\n# time,level\n1,7\n2,8\n", "# made by x\n\ntime: 1\nlevel: 7\n\ntime: 2\nlevel: 8\n", "1 line"),
        (
            "Konto:;DE12;;\nSaldo:;1.234,56;;\n;;;\nTag;An;Zweck;Betrag\n"
            "01.02.2025;Ott;Segel;-12,50\n02.02.2025;Kay;Tau;-7,00\n",
            "Konto:; DE12\nSaldo:; 1.234,56\n\nTag: 01.02.2025\nAn: Ott\nZweck: Segel\nBetrag: -12,50\n\n"
            "Tag: 02.02.2025\nAn: Kay\nZweck: Tau\nBetrag: -7,00\n",
            "2 lines above",
        ),
        # lines between the rows
        (
            "a,b\n1,2\n# sensor changed, twice\n3,4\n",
            "a: 1\nb: 2\n\n# sensor changed, twice\n\na: 3\nb: 4\n",
            "between",
        ),
        (
            "Item,Qty,Price\nsaw,1,5\nFood\nbread,1,2\n",
            "Item: saw\nQty: 1\nPrice: 5\n\nFood\n\nItem: bread\nQty: 1\nPrice: 2\n",
            "1 line between rows is",
        ),
        # and below them
        (
            "Date,Amount\n2025-01-01,5\n2025-01-02,7\n\nPrinted by the bank\n",
            "Date: 2025-01-01\nAmount: 5\n\nDate: 2025-01-02\nAmount: 7\n\nPrinted by the bank\n",
            "1 line below",
        ),
        (
            "Date,Payee,Amount\n2025-01-01,Ida,5\n2025-01-02,Olaf,7\nTotal,,12\n",
            "Date: 2025-01-01\nPayee: Ida\nAmount: 5\n\nDate: 2025-01-02\nPayee: Olaf\nAmount: 7\n\nTotal, 12\n",
            "1 line below",
        ),
        # units under a header
        (
            "Date,Level\n,cm\n2025-01-04,7\n2025-01-05,8\n",
            "cm\n\nDate: 2025-01-04\nLevel: 7\n\nDate: 2025-01-05\nLevel: 8\n",
            "units",
        ),
        # two tables
        (
            "Name,Age\nIda,7\nOlaf,9\n\nShip,Port,Metres\nOtter,Emden,12\nSeal,Husum,14\n",
            "Name: Ida\nAge: 7\n\nName: Olaf\nAge: 9\n\n"
            "Ship: Otter\nPort: Emden\nMetres: 12\n\nShip: Seal\nPort: Husum\nMetres: 14\n",
            "2 tables",
        ),
        ("a,b\n1,2,x\n3,4\n5,6\n", "a: 1\nb: 2\ncolumn 3: x\n\na: 3\nb: 4\n\na: 5\nb: 6\n", "1 row has more cells"),
    ],
)
def test_lines_that_are_no_rows_are_text_in_their_place_and_told_of(data: str, text: str, notes: str) -> None:
    document = read(data)
    assert document.text == text
    assert len(document.notes) == 1
    assert notes in document.notes[0]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("a,b\n\n1,2\n\n3,4\n", "a: 1\nb: 2\n\na: 3\nb: 4\n"),  # blank lines part no table
        ("a,b\r\r\n1,x\r\r\n2,y\r\r\n", "a: 1\nb: x\n\na: 2\nb: y\n"),
        ('a,b\r1,"x\ry"\r2,z\r', "a: 1\nb: x\ny\n\na: 2\nb: z\n"),
        ("a,b,\n1,2,\n3,4,\n", "a: 1\nb: 2\n\na: 3\nb: 4\n"),
        ("a,b\n1,2,\n3,4,\n", "a: 1\nb: 2\n\na: 3\nb: 4\n"),
        ("a,b\n1,2\na,b\n3,4\n", "a: 1\nb: 2\n\na: 3\nb: 4\n"),  # files that were joined
        ('"sep=;"\na;b\n1;2\n', "a: 1\nb: 2\n"),
        ('"id,name"\n"1,""Ida, B"""\n', "id: 1\nname: Ida, B\n"),  # whole lines in quotes
        ("| a | b |\n|---|---|\n| 1 | 2 |\n", "a: 1\nb: 2\n"),
        ("name,name,name\nx,y,z\n", "name: x\nname (2): y\nname (3): z\n"),
        ("id,name,text\n", "column 1: id\ncolumn 2: name\ncolumn 3: text\n"),
    ],
)
def test_tables_that_are_only_written_otherwise_have_no_notes(data: str, text: str) -> None:
    document = read(data)
    assert (document.text, document.notes) == (text, ())


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (["Likes apples, pears", "Asked for the key, the lamp, the rope", "Came late; left early"], ""),
        (["Dear Ida, thank you for the rope", "Dear Bert, the lamp is broken"], ""),
        (["notes", "Likes apples, pears", "Wants a quieter berth"], "notes: "),
        (["It was cold.  We left early.", "The lamp broke.  Nobody saw it."], ""),
        (['"Wait', "he said"], ""),
        (["7", "8", "9"], ""),
        (["level", "1,5", "2,5", "13,25"], "level: "),
    ],
)
def test_in_a_file_of_one_column_each_line_is_a_record(lines: list[str], name: str) -> None:
    document = read("\n".join(lines))
    records = lines[1:] if name else lines
    assert [document.text[row.start : row.end] for row in document.rows] == [name + line for line in records]


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("a;b\n1,5;2,5\n3,1;4,2\n5,1;4,2\n", Dialect(";")),
        ("id,tags\n1,a|b|c\n2,d|e|f\n", Dialect(",")),
        ("id,note\n1,Likes apples, pears\n2,Asked for key, the lamp, rope\n", Dialect(",", "unspaced")),
        ('x,y\n"say \\"hi, you\\" now",1\n"a",2\n', Dialect(",", "escaped")),
        ("x,y\na\\,b,c\nd\\,e,f\n", Dialect(",", "escaped")),
        ('p,q\n"C:\\dir\\",x\n"D:\\e\\",y\n', Dialect(",")),
        ("name, city\nIda, Emden\nOlaf, Husum\n", Dialect(",")),
        ("a^b\n1^2\n", Dialect("^")),
        ("a~b\n1~2\n", Dialect("~")),
        ("Name      City\nIda Berg  Emden\nOlaf      Husum\n", Dialect("  ")),
        ("apple\npear\n", Dialect()),
    ],
)
def test_the_delimiter_makes_the_rows_alike(text: str, dialect: Dialect) -> None:
    assert detect_dialect(text, False) == dialect


@pytest.mark.parametrize(
    ("text", "dialect", "rows"),
    [
        ('1,"Well," he said\n2,the 5" nail\n', Dialect(","), [["1", '"Well', '" he said'], ["2", 'the 5" nail']]),
        ('1,"a" and "b"\n', Dialect(","), [["1", '"a" and "b"']]),
        ('1, "a, b"\n', Dialect(","), [["1", "a, b"]]),
        ('"say \\"hi\\"",x\n', Dialect(",", "escaped"), [['say "hi"', "x"]]),
        ('"a\nb"\t"c\n', Dialect("\t"), [["a\nb", '"c']]),
    ],
)
def test_quotation_marks_that_quote_nothing_are_kept(text: str, dialect: Dialect, rows: list[list[str]]) -> None:
    assert split_rows("a.csv", text, dialect) == rows


@pytest.mark.parametrize(
    ("first", "below", "sign"),
    [
        (["Region", "2022", "2023"], [["North", "5", "6"]], HeaderSign.TYPES),
        (["2021", "2022"], [["5", "6"], ["7", "8"]], HeaderSign.TYPES),
        (["2021", "2022"], [["good", "bad"]], HeaderSign.TYPES),
        (["Station", "2024-01", "2024-02"], [["Weir", "5", "6"]], HeaderSign.TYPES),
        (["day", "1", "2", "3"], [["2025-01-01", "5", "6", "7"]], HeaderSign.TYPES),
        (["Anna", "1990", "2020"], [["Ben", "1985", "2019"]], HeaderSign.NONE),
        (["1", "2"], [["3", "4"]], HeaderSign.NONE),
        (["A-7", "pear"], [["A-8", "plum"], ["A-9", "apple"]], HeaderSign.NONE),
        (["yes", "no", "yes"], [["no", "no", "yes"]], HeaderSign.NONE),
        (["Name", "City"], [["Ida", "Emden"]], HeaderSign.CUSTOM),
        (["Name", "Level"], [["Ida", "n/a"], ["Olaf", "7"]], HeaderSign.TYPES),
    ],
)
def test_what_speaks_for_a_header(first: list[str], below: list[list[str]], sign: HeaderSign) -> None:
    assert header_sign(first, below) == sign


def test_names_of_columns_differ() -> None:
    assert column_names(["a", "a (2)", "a", "", "x\ny"], 6) == [
        "a",
        "a (2)",
        "a (3)",
        "column 4",
        "x y",
        "column 6",
    ]


def test_thousands_of_columns_and_a_cell_of_megabytes() -> None:
    wide = ",".join(f"c{number}" for number in range(3000)) + "\n" + ",".join(["7"] * 3000) + "\n"
    assert read(wide).text.endswith("c2999: 7\n")
    assert len(read('a,b\n1,"' + 'word ""x"" ' * 100_000 + '"\n').text) > 800_000


def test_marks_that_are_never_closed_take_linear_time() -> None:
    assert len(read("a\tb\n" + '1\t"x\n' * 50_000, "a.tsv").rows) == 50_000


def test_rows_that_begin_with_a_name_behind_a_hash_are_records() -> None:
    rows = [
        "channel,user,text",
        "#general,Ida,hello",
        "random,Bo,morning",
        "lobby,Cy,bye",
        "#help,Di,key",
        "lobby,Ed,ok",
    ]
    document = read("\n".join(rows))
    assert [row["channel"] for row in fields(document)] == ["#general", "random", "lobby", "#help", "lobby"]
    assert document.notes == ()


@pytest.mark.parametrize("comment", ["# more to come, says Ida, soon", "#7,8,9", "#end", "#,,"])
def test_comments_between_rows_are_no_records(comment: str) -> None:
    document = read(f"a,b,c\nx,1,2\ny,3,4\n{comment}\nz,5,6\n")
    assert [row["b"] for row in fields(document)] == [1, 3, 5]


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (
            "Region,2024,,2025,\n,Tons,Boats,Tons,Boats",
            ["Region", "2024 Tons", "2024 Boats", "2025 Tons", "2025 Boats"],
        ),
        ("Port,Load,,,Open\n,in,out,lost,", ["Port", "Load in", "Load out", "Load lost", "Open"]),
    ],
)
def test_a_header_of_two_lines_names_every_column(header: str, names: list[str]) -> None:
    document = read(f"{header}\nNorth,1,2,3,4\nSouth,5,6,7,8\nEast,2,2,3,3\n")
    assert [line.partition(":")[0] for line in document.text.splitlines()[:5]] == names
    assert (len(document.rows), document.notes) == (3, ())
