"""Workbooks: values as they are shown, tables told from the text around them, and what is hidden noted."""

from __future__ import annotations

import pytest

from core.loading.loader import load
from core.loading.office._number_format import NumberFormat
from core.records.document import Document
from tests.support.office_maker import element, in_strict, member, sheet_rows, with_parts, workbook


def read(rows: str, **options: object) -> Document:
    return load("a.xlsx", workbook(rows, **options))  # type: ignore[arg-type]


def table(*rows: str) -> str:
    head, *body = [f"| {row} |" for row in rows]
    return "\n".join([head, "|" + " --- |" * (rows[0].count("|") + 1), *body])


@pytest.mark.parametrize(
    ("code", "stored", "shown"),
    [
        ("General", "0.30000000000000004", "0.3"),
        ("General", "12345678901234567", "12345678901234567"),
        ("General", "1.234567890123457e+19", "12345678901234570000"),
        ("General", "1E-7", "0.0000001"),
        ("0.00E+00", "4006381333931", "4006381333931"),
        ("0.00E+00", "0.00123", "1.23E-03"),
        ("0.0%", "0.475", "47.5%"),
        ("00000", "7", "00007"),
        ("#,##0.00", "1234.5", "1,234.50"),
        ("#,##0.00", "-1234.567", "-1,234.57"),
        ("0.00", "0.285", "0.29"),
        ('#,##0.00 "€"', "1234.5", "1,234.50 €"),
        ('_-* #,##0.00 [$€-407]_-;-* #,##0.00 [$€-407]_-;_-* "-"?? [$€-407]_-;_-@_-', "-3", "-3.00 €"),
        ("#,##0.00_);(#,##0.00)", "-5", "(5.00)"),
        ("#,##0,", "1234567", "1,235"),
        ('0 "kg"', "12", "12 kg"),
        ("0\\ \\m", "12", "12 m"),
        ('[>=1000]0.0,"k";0', "1500", "1.5k"),
        ("[Red][<0]-0;0", "-3", "-3"),
        ('"yes";;"no"', "0", "no"),
        ("000-00-0000", "123456789", "123-45-6789"),
        ("# ?/?", "2.5", "2 1/2"),
        ("# ??/??", "0.3333333", "1/3"),
        ("# ?/8", "0.625", "5/8"),
        ("dd/mm/yyyy", "45720", "2025-03-04"),
        ("[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", "45720", "2025-03-04"),
        ("mmm-yy", "45720", "2025-03"),
        ("d. mmmm", "45720", "4. March"),
        ("yyyy-mm-dd h:mm", "45720.60416666666", "2025-03-04 14:30"),
        ("h:mm AM/PM", "0.60416666666", "14:30"),
        ("h:mm:ss", "0.2951388888888889", "07:05:00"),
        ("[h]:mm", "1.25", "30:00"),
        ("[mm]:ss", "0.5", "720:00"),
        ("mm:ss.0", "0.0005", "00:43.2"),
        ("yyyy-mm-dd", "59", "1900-02-28"),
        ("yyyy-mm-dd", "61", "1900-03-01"),
        ("#", "0", ""),
    ],
)
def test_numbers_by_their_format(code: str, stored: str, shown: str) -> None:
    assert NumberFormat(code).text(stored) == shown


def test_dates_that_count_from_1904() -> None:
    assert NumberFormat("yyyy-mm-dd", date_1904=True).text("1") == "1904-01-02"
    cell = '<row r="1"><c r="A1" s="1"><v>1</v></c></row>'
    assert read(cell, formats={200: "yyyy-mm-dd"}, properties='date1904="1"').text == "## S\n1904-01-02\n"


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('<c r="A1" t="e"><v>#DIV/0!</v></c>', "#DIV/0!"),
        ('<c r="A1" t="b"><v>1</v></c>', "true"),
        ('<c r="A1" t="b"><f>1=2</f><v>0</v></c>', "false"),
        ('<c r="A1" t="d"><v>2025-03-04T14:30:00</v></c>', "2025-03-04 14:30:00"),
        ('<c r="A1" t="str"><f>A2</f><v>words</v></c>', "words"),
        ('<c r="A1" t="s"><v>0</v></c>', "half bold"),
        ('<c r="A1" t="inlineStr"><is><r><t>rich </t></r><r><t>text</t></r></is></c>', "rich text"),
        ('<c t="inlineStr"><is><t>no place_x0041_</t></is></c>', "no placeA"),
        ('<c r="A1"><f>SUM(B1:B3)</f><v></v></c>', "=SUM(B1:B3)"),
        ('<c r="A1"><f>_xlfn.CONCAT(B1)</f></c>', "=CONCAT(B1)"),
    ],
)
def test_cells_of_every_type(cell: str, text: str) -> None:
    strings = "<si><r><t>half </t></r><r><t>bold</t></r><rPh><t>reading</t></rPh></si>"
    assert read(f'<row r="1">{cell}</row>', strings=strings).text == f"## S\n{text}\n"


def test_formulas_without_values_are_shown_and_noted() -> None:
    shared = '<c r="B{0}"><f t="shared" si="0"{1}>{2}</f></c>'
    rows = (
        f'<row r="1"><c r="A1"><v>1</v></c>{shared.format(1, " ref=" + chr(34) + "B1:B2" + chr(34), "A1*$A$1+T1(9)")}'
        f'</row><row r="2"><c r="A2"><v>2</v></c>{shared.format(2, "", "")}</row>'
        '<row r="3"><c r="A3"><v>3</v></c><c r="B3" t="str"><f>IF(A3,"","")</f><v></v></c></row>'
    )
    document = read(rows)
    assert "| 1 | =A1*$A$1+T1(9) |" in document.text
    assert "| 2 | =A2*$A$1+T1(9) |" in document.text
    assert document.notes == ("2 formulas have no stored value and are shown instead in sheet 'S'",)


def test_values_that_no_program_computed_are_not_taken_for_zero() -> None:
    rows = '<row r="1"><c r="A1"><v>4</v></c><c r="B1"><f>A1*2</f><v>0</v></c></row>'
    data = workbook(rows)
    assert load("a.xlsx", data).text == "## S\n| 4 | 0 |\n| --- | --- |\n"
    later = with_parts(data, {"xl/workbook.xml": member(data, "xl/workbook.xml").replace(
        "</workbook>", '<calcPr fullCalcOnLoad="1"/></workbook>')})  # fmt: skip
    assert load("a.xlsx", later).text == "## S\n| 4 | =A1*2 |\n| --- | --- |\n"


def test_a_wide_and_long_sheet_of_few_cells_is_no_table_of_gaps() -> None:
    wide = '<row r="1">' + "".join(f"<c><v>{number}</v></c>" for number in range(3000)) + "</row>"
    long = "".join(f'<row r="{number}"><c r="A{number}"><v>{number}</v></c></row>' for number in range(2, 3000))
    document = read(wide + long)
    assert len(document.text) < 40_000
    assert document.text.endswith("\n2998\n2999\n")


def test_a_merged_label_stands_for_each_row_that_it_covers() -> None:
    rows = sheet_rows(("Region", "Port"), ("North", "Emden"), (None, "Husum"), ("South", "Passau"))
    merged = '<mergeCells><mergeCell ref="A2:A3"/></mergeCells>'
    assert read(rows, after=merged).text == "## S\n" + table("Region | Port", "North | Emden", "North | Husum",
                                                           "South | Passau") + "\n"  # fmt: skip


@pytest.mark.parametrize("reference", ["A1:XFD1048576", "A1:A1048576"])
def test_a_merge_over_the_whole_sheet_costs_nothing(reference: str) -> None:
    document = read(sheet_rows(("all",)), after=f'<mergeCells><mergeCell ref="{reference}"/></mergeCells>')
    assert document.text == "## S\nall\n"


def test_title_lines_stand_before_the_table() -> None:
    rows = sheet_rows(("Cargo report",), ("as of", "4 March"), ("Month", "Harbour", "Tons"), ("May", "Emden", 3),
                      ("June", "Husum", 4))  # fmt: skip
    document = read(rows, after='<mergeCells><mergeCell ref="A1:C1"/></mergeCells>')
    expected = table("Month | Harbour | Tons", "May | Emden | 3", "June | Husum | 4")
    assert document.text == f"## S\nCargo report\nas of 4 March\n\n{expected}\n"
    assert document.header_at(document.text.index("Husum")) == "| Month | Harbour | Tons |"


def test_tables_under_and_beside_one_another() -> None:
    rows = sheet_rows(
        ("Boat", "Berth", None, "Fee", "Euro"),
        ("Otter", 1, None, "day", 5),
        ("Heron", 2, None, "week", 20),
        (),
        ("Keeper", "Watch"),
        ("Ada", 1),
    )
    blocks = read(rows).text.split("\n\n")
    assert blocks == [
        "## S\n" + table("Boat | Berth", "Otter | 1", "Heron | 2"),
        table("Fee | Euro", "day | 5", "week | 20"),
        table("Keeper | Watch", "Ada | 1") + "\n",
    ]


def test_a_blank_row_or_column_does_not_end_a_table() -> None:
    rows = sheet_rows(("Boat", "Berth", None, "Remark"), ("Otter", 1, None, "leaks"), (), ("Heron", 2), ("Swan", 3))
    expected = table("Boat | Berth | Remark", "Otter | 1 | leaks", "Heron | 2 | ", "Swan | 3 | ")
    assert read(rows).text == f"## S\n{expected}\n"


def test_a_table_in_groups_has_one_header() -> None:
    rows = sheet_rows(("Name", "Town"), ("Ida", "Husum"), (), ("Ada", "Emden"), ("Brun", "Kiel"))
    rows = rows.replace('<c r="A1"', '<c r="A1" s="1"')  # bold
    assert read(rows, formats={200: "General"}).text == (
        "## S\n" + table("Name | Town", "Ida | Husum", "Ada | Emden", "Brun | Kiel") + "\n"
    )


def test_equal_values_in_a_first_row_are_all_kept() -> None:
    assert read(sheet_rows((1, 1), (2, 3))).text == f"## S\n{table('1 | 1', '2 | 3')}\n"


def test_far_cells_are_noted_and_cost_nothing() -> None:
    far = '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>stray</t></is></c></row>'
    document = read(sheet_rows(("Boat", "Berth"), ("Otter", 1)) + far)
    assert document.text == f"## S\n{table('Boat | Berth', 'Otter | 1')}\n\nstray\n"
    assert document.notes == ("far from the other cells of sheet 'S': XFD1048576",)


def test_hidden_rows_and_columns_are_read_and_noted() -> None:
    rows = sheet_rows(("Boat", "Berth"), ("Otter", 1), ("Heron", 2), ("Swan", 3))
    rows = rows.replace('<row r="2">', '<row r="2" hidden="1">').replace('<row r="3">', '<row r="3" hidden="1">')
    document = read(rows, before='<cols><col min="2" max="16384" hidden="1"/></cols>')
    assert "| Otter | 1 |" in document.text
    assert document.notes == ("hidden rows 2 to 3 of sheet 'S' read too", "hidden column B of sheet 'S' read too")


def test_values_that_their_format_hides_are_noted() -> None:
    rows = '<row r="1"><c r="A1"><v>1</v></c><c r="B1" s="1"><v>4711</v></c></row>'
    document = read(rows, formats={200: ";;;"})
    assert document.text == "## S\n1\n"
    assert document.notes == ("1 value hidden by the number format left out in sheet 'S'",)


def test_comments_text_boxes_pictures_and_titles_of_charts() -> None:
    comments = (
        '<comments xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><authors><author>Ada</author>'
        '</authors><commentList><comment ref="B2" authorId="0"><text><r><t>Ada:</t></r><r><t> twice</t></r></text>'
        "</comment></commentList></comments>"
    )
    shape = "<xdr:sp><xdr:txBody><a:p><a:r><a:t>Mind the tide</a:t></a:r></a:p></xdr:txBody></xdr:sp>"
    picture = "<xdr:pic><xdr:nvPicPr><xdr:cNvPr id='1' name='p'/></xdr:nvPicPr></xdr:pic>"
    chart = "<xdr:graphicFrame><a:graphic><c:chart r:id='c1'/></a:graphic></xdr:graphicFrame>"
    anchor = f"<xdr:twoCellAnchor>{shape}{picture}{chart}</xdr:twoCellAnchor>"
    title = "<c:title><c:tx><c:rich><a:p><a:r><a:t>Catch</a:t></a:r></a:p></c:rich></c:tx></c:title>"
    data = workbook(
        sheet_rows(("a", "b"), ("c", "d")),
        parts={"comments1.xml": ("comments", comments), "drawings/d1.xml": ("drawing", element("xdr:wsDr", anchor))},
    )
    data = with_parts(
        data,
        {
            "xl/drawings/_rels/d1.xml.rels": {"c1": ("chart", "../charts/c1.xml")},
            "xl/charts/c1.xml": element("c:chartSpace", f"<c:chart>{title}</c:chart>"),
        },
    )
    document = load("a.xlsx", data)
    assert document.text.endswith("| c | d |\n\nMind the tide\n\nCatch\n\nComment on B2 by Ada: twice\n")
    assert document.notes == (
        "1 comment on cells after the tables on sheet 'S'",
        "1 picture without a description on sheet 'S'",
    )


@pytest.mark.parametrize("name", ["a.xlsm", "a.xltx", "a.xltm"])
def test_macros_and_templates(name: str) -> None:
    assert load(name, workbook(sheet_rows(("words",)))).text == "## S\nwords\n"


def test_strict_workbooks_have_other_namespaces() -> None:
    assert load("a.xlsx", in_strict(workbook(sheet_rows(("words",))))).text == "## S\nwords\n"


def test_groups_of_columns_belong_to_the_names_of_the_rows_though_blank_columns_part_them() -> None:
    """As statistical offices lay them out: nothing above the dates, and a gap between the groups."""
    rows = sheet_rows(
        (None, None, "EU", "EA", None, "BG", "IT"),
        ("1985-01", None, 4, 13, None, 5, 6),
        ("1985-02", None, 7, 17, None, 8, 9),
    )
    text = read(rows).text
    assert text.splitlines()[-4:] == [
        "|  | EU | EA | BG | IT |",
        "| --- | --- | --- | --- | --- |",
        "| 1985-01 | 4 | 13 | 5 | 6 |",
        "| 1985-02 | 7 | 17 | 8 | 9 |",
    ]


def test_texts_that_the_file_lacks_are_told_of() -> None:
    cells = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1"><v>5</v></c><c r="C1" t="s"><v>7</v></c></row>'
    document = read(cells, strings="<si><t>eels</t></si>")
    assert (document.text, document.notes) == (
        "## S\n" + table("eels | 5") + "\n",
        ("1 text of sheet 'S' is missing from the file",),
    )


@pytest.mark.parametrize("shared", ["", " "])
def test_numbers_are_read_where_there_are_no_texts(shared: str) -> None:
    document = load("a.xlsx", with_parts(workbook(sheet_rows((1, 2))), {"xl/sharedStrings.xml": shared}))
    assert (document.text, document.notes) == ("## S\n" + table("1 | 2") + "\n", ())


def test_shapes_and_groups_without_words_have_their_descriptions() -> None:
    def properties(kind: str, description: str) -> str:
        return f"<xdr:{kind}><xdr:cNvPr id='1' name='x' descr='{description}'/></xdr:{kind}>"

    shape = f"<xdr:sp>{properties('nvSpPr', 'Arrow to the pier')}</xdr:sp>"
    line = f"<xdr:cxnSp>{properties('nvCxnSpPr', 'Line of the fence')}</xdr:cxnSp>"
    picture = "<xdr:pic><xdr:nvPicPr><xdr:cNvPr id='2' name='y'/></xdr:nvPicPr></xdr:pic>"
    group = f"<xdr:grpSp>{properties('nvGrpSpPr', 'Plan of berths')}{picture}</xdr:grpSp>"
    drawing = element("xdr:wsDr", f"<xdr:twoCellAnchor>{shape}{line}{group}</xdr:twoCellAnchor>")
    document = read(sheet_rows(("a", "b")), after="<drawing r:id='d1'/>", parts={"d1.xml": ("drawing", drawing)})
    assert document.text.split("\n\n")[1:] == ["Arrow to the pier", "Line of the fence", "Plan of berths\n"]
    assert document.notes == ()


@pytest.mark.parametrize(
    ("header", "attributes", "expected"),
    [
        ("<oddHeader>&amp;C&amp;12Draft &amp;&amp; more&amp;R&amp;A</oddHeader>", "", "Draft & more"),
        ('<oddHeader>&amp;LBoard&amp;C&amp;"Arial,Bold"only&amp;R&amp;D</oddHeader>', "", "Board; only"),
        ("<oddFooter>&amp;CPage &amp;P of &amp;N</oddFooter>", "", ""),
        ("<evenHeader>even</evenHeader><firstFooter>first</firstFooter>", "", ""),
        ("<evenHeader>even</evenHeader>", "differentOddEven='1'", "even"),
        ("<oddHeader>one</oddHeader><firstFooter>two</firstFooter>", "differentFirst='1'", "one\n\ntwo"),
    ],
)  # fmt: skip
def test_headers_and_footers_of_printed_pages(header: str, attributes: str, expected: str) -> None:
    document = read(sheet_rows((1, 2)), after=f"<headerFooter {attributes}>{header}</headerFooter>")
    _, _, after = document.text.partition("| --- | --- |\n")
    assert after.strip() == expected
    assert bool(document.notes) == bool(expected)


def test_hidden_columns_that_are_named_again_and_again_are_read_in_time() -> None:
    column = '<col min="1" max="16384" hidden="1"/>'
    document = read(sheet_rows((1, 2)), before=f"<cols>{column * 3000}</cols>")
    assert document.notes == ("hidden columns A and B of sheet 'S' read too",)


def test_a_picture_in_a_cell_is_told_of() -> None:
    document = read('<row r="1"><c r="A1" t="e" vm="1"><v>#VALUE!</v></c><c r="B1" t="e"><v>#N/A</v></c></row>')
    assert document.notes == ("1 picture or linked data in a cell not read on sheet 'S'",)


def test_two_columns_of_the_same_rows_are_one_table_though_they_stand_apart() -> None:
    text = read(
        sheet_rows(("Ferry", None, None, None, "Berth"), ("Merle", None, None, None, 4), ("Ida", None, None, None, 7))
    ).text
    assert table("Ferry | Berth", "Merle | 4", "Ida | 7") in text
