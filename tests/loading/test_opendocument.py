"""OpenDocument texts, spreadsheets and presentations: every word that their reader sees is in the text, once."""

from __future__ import annotations

import pytest

from core.errors import DamagedFile
from core.loading.loader import load
from core.records.document import Document
from tests.support.office_maker import open_document


def text(body: str, styles: str = "", masters: str = "", **parts: str) -> Document:
    return load("a.odt", open_document("text", body, styles, masters, **parts))


def sheet(rows: str, styles: str = "", attributes: str = "", **parts: str) -> Document:
    table = f"<table:table table:name='S' {attributes}>{rows}</table:table>"
    return load("a.ods", open_document("spreadsheet", table, styles, **parts))


def p(content: str) -> str:
    return f"<text:p>{content}</text:p>"


def cell(content: str, attributes: str = "") -> str:
    return f"<table:table-cell {attributes}>{p(content)}</table:table-cell>"


COVERED = "<table:covered-table-cell/>"


def row(*cells: str, attributes: str = "") -> str:
    inner = "".join(part if part.startswith("<") else cell(part) for part in cells)
    return f"<table:table-row {attributes}>{inner}</table:table-row>"


def rows_of(document: Document) -> list[str]:
    return [line for line in document.text.split("\n") if line.startswith("|") and "---" not in line]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [row("T", cell("Adults", "table:number-columns-spanned='2'"), COVERED, "Children"),
             row("A", "5", "20", "2")],
            ["| T | Adults | Adults | Children |", "| A | 5 | 20 | 2 |"],
        ),
        (
            [row("S", "B"), row(cell("Winter", "table:number-rows-spanned='2'"), "Otter"), row(COVERED, "Heron"),
             row("Summer", "Pike")],
            ["| S | B |", "| Winter | Otter |", "| Winter | Heron |", "| Summer | Pike |"],
        ),
        ([row("a | b", "c"), row("d", "e")], ["| a \\| b | c |", "| d | e |"]),
        (
            [row("x", "y"), row("1", "2", attributes="table:number-rows-repeated='2'")],
            ["| x | y |", "| 1 | 2 |", "| 1 | 2 |"],
        ),
    ],
)  # fmt: skip
def test_cells_stand_under_their_own_columns(rows: list[str], expected: list[str]) -> None:
    assert rows_of(text(f"<table:table>{''.join(rows)}</table:table>")) == expected
    assert rows_of(sheet("".join(rows))) == expected


def test_nested_tables_have_their_words_once() -> None:
    inner = f"<table:table>{row('thin', '5')}{row('thick', '9')}</table:table>"
    outer = row("Part", "Sizes") + row("Rope", f"<table:table-cell>{inner}</table:table-cell>")
    assert rows_of(text(f"<table:table>{outer}</table:table>"))[1] == "| Rope | thin 5; thick 9 |"


BOX = "<draw:frame><draw:text-box><text:p>turn left</text:p></draw:text-box></draw:frame>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (p(f"Valve{BOX}"), "Valve\n\nturn left\n"),
        (p(f"<text:span>Valve{BOX}</text:span>"), "Valve\n\nturn left\n"),
        (p("Valve<draw:custom-shape><text:p>arrow</text:p></draw:custom-shape>"), "Valve\n\narrow\n"),
        (p("Valve<draw:g><draw:rect><text:p>one</text:p></draw:rect></draw:g>"), "Valve\n\none\n"),
        (
            p("<text:ruby><text:ruby-base>東</text:ruby-base><text:ruby-text>とう</text:ruby-text></text:ruby>京"),
            "東京 (とう)\n",
        ),
        (p("a<text:s text:c='2'/>b<text:tab/>c<text:line-break/>d"), "a  b\tc\nd\n"),
        (p("Text<text:note><text:note-body><text:p>see below</text:p></text:note-body></text:note>."),
         "Text [see below].\n"),
        (p("new<text:change text:change-id='1'/>"), "new\n"),
    ],
)  # fmt: skip
def test_what_stands_in_a_paragraph(body: str, expected: str) -> None:
    assert text(body).text == expected


def test_hidden_and_deleted_text_is_left_out_and_noted() -> None:
    styles = (
        "<style:style style:name='H' style:family='text'><style:text-properties text:display='none'/></style:style>"
    )
    changes = (
        "<text:tracked-changes><text:changed-region><text:deletion><office:change-info><dc:creator>A</dc:creator>"
        "</office:change-info><text:p>old words</text:p></text:deletion></text:changed-region></text:tracked-changes>"
    )
    hush = "<text:hidden-text>hush</text:hidden-text>"
    body = (
        changes
        + p(f"Pets <text:span text:style-name='H'>never ever</text:span> are {hush}welcome.")
        + "<text:section text:display='none'><text:p>one two three</text:p></text:section>"
    )
    document = text(body, styles)
    assert document.text == "Pets  are welcome.\n"
    assert document.notes == ("1 passage deleted with tracked changes left out", "6 words of hidden text left out")


def test_comments_headers_and_footers_are_at_the_end() -> None:
    masters = (
        "<style:master-page style:name='A'><style:header><text:p>File 88/K</text:p></style:header><style:footer>"
        "<text:p>Page <text:page-number>1</text:page-number></text:p></style:footer></style:master-page>"
        "<style:master-page style:name='B'><style:header><text:p>File 88/K</text:p></style:header>"
        "<style:footer style:display='false'><text:p>off</text:p></style:footer></style:master-page>"
    )
    comment = "<office:annotation><dc:creator>Ada</dc:creator><text:p>is that so?</text:p></office:annotation>"
    document = text(p(f"Text{comment} goes on."), masters=masters)
    assert document.text == "Text goes on.\n\nComment by Ada: is that so?\n\nFile 88/K\n"
    assert document.notes == ("1 header at the end", "1 comment at the end")


def test_lists_and_headings_have_their_numbers() -> None:
    styles = (
        "<text:list-style style:name='L'><text:list-level-style-number text:level='1' style:num-format='1' "
        "style:num-suffix='.'/><text:list-level-style-number text:level='2' style:num-format='a' style:num-suffix=')'/>"
        "</text:list-style>"
    )
    nested = (
        f"<text:list><text:list-item>{p('b')}</text:list-item><text:list-item>{p('c')}</text:list-item></text:list>"
    )
    items = f"<text:list-item>{p('a')}{nested}</text:list-item><text:list-item>{p('d')}</text:list-item>"
    head = "<text:h text:outline-level='2'><text:number>1.2</text:number>Fees</text:h>"
    document = text(f"{head}<text:list text:style-name='L'>{items}</text:list>", styles)
    assert document.text == "## 1.2 Fees\n\n1. a\n  a) b\n  b) c\n2. d\n"


def test_pictures_charts_and_formulas() -> None:
    picture = "<draw:frame>{}<draw:image xlink:href='Pictures/a.png'/></draw:frame>"
    chart = (
        "<office:chart><chart:chart><chart:title><text:p>Catch</text:p></chart:title><table:table>"
        + row(cell(""), "Eel")
        + row("May", "5")
        + "</table:table></chart:chart></office:chart>"
    )
    formula = "<office:x><m:math xmlns:m='http://www.w3.org/1998/Math/MathML'><m:mfrac><m:mi>a</m:mi><m:mn>2</m:mn></m:mfrac></m:math></office:x>"
    objects = "".join(
        f"<draw:frame><draw:object xlink:href='./{name}'/><draw:image xlink:href='x'/></draw:frame>"
        for name in ("Chart", "Formula", "Missing")
    )
    body = p("See" + picture.format("<svg:desc>A red buoy</svg:desc>") + picture.format("") + objects)
    document = text(body, Chart=chart, Formula=formula)
    assert document.text == "See\n\nA red buoy\n\nCatch\n\n|  | Eel |\n| --- | --- |\n| May | 5 |\n\na/2\n"
    assert document.notes == ("1 picture without a description", "1 embedded object not read")


@pytest.mark.parametrize(
    ("attributes", "shown", "expected"),
    [
        ("office:value-type='percentage' office:value='0.475'", "47.5%", "47.5%"),
        ("office:value-type='date' office:date-value='2025-03-04'", "04.03.25", "2025-03-04"),
        ("office:value-type='date' office:date-value='2025-03-04T14:30:00'", "4.3. 14:30", "2025-03-04 14:30:00"),
        ("office:value-type='boolean' office:boolean-value='true'", "WAHR", "true"),
        ("office:value-type='float' office:value='12345678901234567'", "1.23E+16", "12345678901234567"),
        ("office:value-type='float' office:value='7'", "00007", "00007"),
        ("office:value-type='float' office:value='0.30000000000000004'", "", "0.3"),
        ("office:value-type='time' office:time-value='PT30H15M00S'", "", "30:15:00"),
        ("table:formula='of:=SUM([.A1:.A3])'", "", "=SUM(A1:A3)"),
        ("table:formula='of:=[.A1]/0' office:value-type='string' office:string-value=''", "#DIV/0!", "#DIV/0!"),
    ],
)
def test_values_as_they_are_shown(attributes: str, shown: str, expected: str) -> None:
    document = sheet(row(cell(shown, attributes)))
    assert document.text == f"## S\n{expected}\n"
    assert document.notes == (
        ("1 formula has no stored value and is shown instead in sheet 'S'",) if expected.startswith("=") else ()
    )


def test_hidden_sheets_rows_and_columns_are_read_and_noted() -> None:
    styles = (
        "<style:style style:name='t' style:family='table'><style:table-properties table:display='false'/></style:style>"
    )
    columns = "<table:table-column/><table:table-column table:visibility='collapse'/>"
    rows = row("a", "b") + row("c", "d", attributes="table:visibility='filter'")
    document = sheet(columns + rows, styles, "table:style-name='t'")
    assert rows_of(document) == ["| a | b |", "| c | d |"]
    assert document.notes == (
        "hidden row 2 of sheet 'S' read too",
        "hidden column B of sheet 'S' read too",
        "hidden sheet 'S' was read too",
    )


def test_comments_boxes_and_charts_of_a_sheet() -> None:
    comment = "<office:annotation><dc:creator>Ada</dc:creator><text:p>twice</text:p></office:annotation>"
    chart = "<office:chart><chart:chart><chart:title><text:p>Catch</text:p></chart:title></chart:chart></office:chart>"
    held = f"<table:table-cell>{comment}{p('d')}{BOX}</table:table-cell>"
    shapes = "<table:shapes><draw:frame><draw:object xlink:href='./Chart'/></draw:frame></table:shapes>"
    document = sheet(shapes + row("a", "b") + row("c", held), Chart=chart)
    assert (
        document.text
        == "## S\n| a | b |\n| --- | --- |\n| c | d |\n\nturn left\n\nCatch\n\nComment on B2 by Ada: twice\n"
    )


def test_repeated_rows_without_end_are_cut_and_noted() -> None:
    rows = row("x", "y") + row("1", "2", attributes="table:number-rows-repeated='5000'")
    for document in (sheet(rows), text(f"<table:table>{rows}</table:table>")):
        assert document.text.count("| 1 | 2 |") == 1000
        assert document.notes[0].startswith("4,000 repeated rows left out")


def test_slides_have_their_title_first_and_what_is_hidden_noted() -> None:
    styles = (
        "<style:style style:name='h' style:family='drawing-page'>"
        "<style:drawing-page-properties presentation:visibility='hidden'/></style:style>"
    )
    frame = "<draw:frame {}><draw:text-box><text:p>{}</text:p></draw:text-box></draw:frame>"
    first = (
        frame.format("svg:y='5cm'", "below")
        + frame.format("svg:y='2cm'", "above")
        + frame.format("presentation:class='title' svg:y='9cm'", "Tides")
        + frame.format("presentation:class='footer'", "Harbour")
        + "<draw:frame svg:y='8cm'><draw:image xlink:href='x'/></draw:frame>"
        + f"<draw:frame svg:y='7cm'><table:table>{row('a', 'b')}{row('c', 'd')}</table:table></draw:frame>"
    )
    body = f"<draw:page>{first}</draw:page><draw:page draw:style-name='h'/>"
    document = load("a.odp", open_document("presentation", body, styles))
    slides = [document.text[page.start : page.end].strip() for page in document.pages]
    assert slides == ["# Tides\n\nabove\n\nbelow\n\n| a | b |\n| --- | --- |\n| c | d |\n\nHarbour", ""]
    assert document.notes == (
        "hidden slide 2 was read too",
        "slide 2 of 2 holds no text",
        "1 footer read on the first of its slides only",
        "1 picture without a description on slide 1",
    )


@pytest.mark.parametrize("name", ["a.ott", "a.odt"])
def test_templates(name: str) -> None:
    assert load(name, open_document("text", p("Words"))).text == "Words\n"


@pytest.mark.parametrize("depth", [10, 60])
def test_tables_inside_tables(depth: int) -> None:
    assert text(nested(depth)).text == "core\n"


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(DamagedFile, match=r"^a\.odt is damaged"):
        text(nested(400))


def nested(depth: int) -> str:
    body = p("core")
    for _ in range(depth):
        body = f"<table:table>{row(f'<table:table-cell>{body}</table:table-cell>')}</table:table>"
    return body


FORM = (
    "<office:forms><form:form><form:fixed-text xml:id='a' form:label='Boat'/><form:text xml:id='b' form:value='Old'"
    " form:current-value='Otter'/><form:checkbox xml:id='c' form:label='Insured' form:value='7'/>"
    "<form:textarea xml:id='d'><text:p>leaks a little</text:p></form:textarea><form:listbox xml:id='e'>"
    "<form:option form:label='Emden'/><form:option form:label='Husum' form:current-selected='true'/></form:listbox>"
    "<form:password xml:id='f' form:current-value='secret'/></form:form></office:forms>"
)


@pytest.mark.parametrize(
    ("identity", "shown"),
    [("a", "Boat"), ("b", "Otter"), ("c", "Insured"), ("d", "leaks a little"), ("e", "Husum"), ("f", ""), ("x", "")],
)
def test_controls_of_forms_show_their_labels_and_what_was_typed(identity: str, shown: str) -> None:
    document = text(FORM + p(f"Form:<draw:control draw:control='{identity}'/>"))
    assert document.text == f"Form:\n\n{shown}\n".rstrip() + "\n"


def test_a_variable_that_is_set_without_showing_it_is_not_text() -> None:
    fields = "<text:variable-set text:display='none'>7</text:variable-set><text:variable-set>8</text:variable-set>"
    assert text(p(f"now {fields}")).text == "now 8\n"


def test_footers_and_words_on_master_pages_are_read_once() -> None:
    frame = "<draw:frame {}><draw:text-box><text:p>{}</text:p></draw:text-box></draw:frame>"
    slides = [
        f"<draw:page draw:master-page-name='M' presentation:use-footer-name='f' draw:style-name='{style}'>"
        f"{frame.format('', words)}</draw:page>"
        for style, words in (("off", "One"), ("on", "Two"), ("on", "Three"))
    ]
    styles = (
        "<style:style style:name='off' style:family='drawing-page'><style:drawing-page-properties"
        " presentation:display-footer='false' presentation:background-objects-visible='false'/></style:style>"
    )
    declared = "<presentation:footer-decl presentation:name='f'>Board only</presentation:footer-decl>"
    placeholder = frame.format("presentation:class='title'", "Click to add a title")
    master = f"<style:master-page style:name='M'>{frame.format('', 'Draft')}{placeholder}</style:master-page>"
    document = load("a.odp", open_document("presentation", declared + "".join(slides), styles, master))
    assert document.text.split() == ["One", "Two", "Board", "only", "Draft", "Three"]
    assert document.notes == (
        "1 footer read on the first of its slides only",
        "1 text of a master page read on the first of its slides only",
    )
