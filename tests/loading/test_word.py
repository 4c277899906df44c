"""Word documents: every word that their reader sees is in the text, once."""

from __future__ import annotations

import pytest

from core.errors import DamagedFile
from core.loading.loader import load
from core.records.document import Document
from tests.support.office_maker import archive, element, with_parts, word

DRAWING = (
    "<w:drawing><wp:inline><wp:docPr id='1' name='x'{}/><a:graphic><a:graphicData>{}</a:graphicData></a:graphic>"
    "</wp:inline></w:drawing>"
)
PICTURE = "<pic:pic><pic:nvPicPr><pic:cNvPr id='2' name='a.png'/></pic:nvPicPr></pic:pic>"


def run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t xml:space='preserve'>{text}</w:t></w:r>"


def paragraph(*runs: str, properties: str = "") -> str:
    inner = "".join(part if part.startswith("<") else run(part) for part in runs)
    return f"<w:p><w:pPr>{properties}</w:pPr>{inner}</w:p>"


def box(text: str) -> str:
    return f"<w:txbxContent>{paragraph(text)}</w:txbxContent>"


def read(body: str, **parts: tuple[str, str | bytes]) -> Document:
    named = {f"{name}.xml": part for name, part in parts.items()}
    return load("a.docx", word(body, named))


def lines(document: Document) -> list[str]:
    return [line for line in document.text.split("\n") if line]


DRAWN_BOX = DRAWING.format("", f"<wps:wsp><wps:txbx>{box('turn left')}</wps:txbx></wps:wsp>")
VML_BOX = f"<w:pict><v:shape><v:textbox>{box('turn left')}</v:textbox></v:shape></w:pict>"
GROUP = (
    f"<w:pict><v:group><v:shape><v:textbox>{box('one')}</v:textbox></v:shape><v:rect><v:textbox>{box('two')}"
    "</v:textbox></v:rect></v:group></w:pict>"
)


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        (DRAWN_BOX, ["Valve", "turn left"]),
        (VML_BOX, ["Valve", "turn left"]),
        (
            f"<mc:AlternateContent><mc:Choice Requires='wps'>{DRAWN_BOX}</mc:Choice>"
            f"<mc:Fallback>{VML_BOX}</mc:Fallback></mc:AlternateContent>",
            ["Valve", "turn left"],
        ),
        (f"<mc:AlternateContent><mc:Choice Requires='wps'>{DRAWN_BOX}</mc:Choice></mc:AlternateContent>",
         ["Valve", "turn left"]),
        (GROUP, ["Valve", "one", "two"]),
        ("<w:pict><v:shape><v:textpath string='DRAFT'/></v:shape></w:pict>", ["Valve", "DRAFT"]),
    ],
)  # fmt: skip
def test_text_boxes_stand_once_after_their_paragraph(inner: str, expected: list[str]) -> None:
    assert lines(read(paragraph("Valve", f"<w:r>{inner}</w:r>"))) == expected


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        ("<w:ins><w:r><w:t>new</w:t></w:r></w:ins><w:del><w:r><w:delText>old</w:delText></w:r></w:del>", "new"),
        ("<w:moveFrom><w:r><w:t>gone</w:t></w:r></w:moveFrom><w:moveTo><w:r><w:t>came</w:t></w:r></w:moveTo>", "came"),
        ("<w:fldSimple w:instr=' REF x '><w:r><w:t>chapter four</w:t></w:r></w:fldSimple>", "chapter four"),
        (
            "<w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText> DATE </w:instrText></w:r>"
            "<w:r><w:fldChar w:fldCharType='separate'/></w:r><w:r><w:t>4 March</w:t></w:r>"
            "<w:r><w:fldChar w:fldCharType='end'/></w:r>",
            "4 March",
        ),
        (
            "<w:r><w:fldChar w:fldCharType='begin'><w:ffData><w:ddList><w:result w:val='1'/><w:listEntry w:val='red'/>"
            "<w:listEntry w:val='green'/></w:ddList></w:ffData></w:fldChar></w:r>"
            "<w:r><w:fldChar w:fldCharType='end'/></w:r>",
            "green",
        ),
        ("<w:sdt><w:sdtContent><w:r><w:t>chosen</w:t></w:r></w:sdtContent></w:sdt>", "chosen"),
        ("<w:customXml><w:smartTag><w:r><w:t>Rotterdam</w:t></w:r></w:smartTag></w:customXml>", "Rotterdam"),
        ("<w:bdo w:val='rtl'><w:dir w:val='ltr'><w:r><w:t>turned</w:t></w:r></w:dir></w:bdo>", "turned"),
        ("<w:r><w:t>Non</w:t><w:noBreakHyphen/><w:t>smo</w:t><w:softHyphen/><w:t>king</w:t></w:r>", "Non-smoking"),
        ("<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r>", "a\tb\nc"),
        ("<w:r><w:sym w:font='Symbol' w:char='F06D'/><w:sym w:font='Wingdings' w:char='F0FC'/></w:r>", "μ✓"),
        ("<w:r><w:rPr><w:rFonts w:ascii='Symbol'/></w:rPr><w:t>ab</w:t></w:r>", "αβ"),
        ("<w:hyperlink><w:r><w:t>the link</w:t></w:r></w:hyperlink>", "the link"),
        (
            "<m:oMath><m:f><m:num><m:r><m:t>a+b</m:t></m:r></m:num><m:den><m:r><m:t>c</m:t></m:r></m:den></m:f>"
            "<m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup></m:oMath>",
            "(a+b)/cx^2",
        ),
    ],
)
def test_what_stands_in_a_line(inner: str, text: str) -> None:
    assert read(f"<w:p>{inner}</w:p>").text == f"{text}\n"


def test_deleted_and_hidden_text_is_left_out_and_noted() -> None:
    styles = element(
        "w:styles",
        "<w:style w:type='character' w:styleId='Secret'><w:rPr><w:vanish/></w:rPr></w:style>"
        "<w:style w:type='character' w:styleId='Deep'><w:basedOn w:val='Secret'/></w:style>",
    )
    body = paragraph(
        "Pets ",
        run("never ever ", "<w:vanish/>"),
        run("hush ", "<w:rStyle w:val='Deep'/>"),
        run("are ", "<w:vanish w:val='0'/>"),
        "<w:del><w:r><w:delText>not </w:delText></w:r></w:del>",
        "welcome.",
    )
    document = read(body, styles=("styles", styles))
    assert document.text == "Pets are welcome.\n"
    assert document.notes == ("3 words of hidden text left out", "1 passage deleted with tracked changes left out")


def test_a_paragraph_whose_end_was_deleted_goes_on() -> None:
    body = paragraph("One ", properties="<w:rPr><w:del/></w:rPr>") + paragraph("line.")
    assert read(body).text == "One line.\n"


def test_a_drop_cap_belongs_to_its_word() -> None:
    body = paragraph("T", properties="<w:framePr w:dropCap='drop'/>") + paragraph("he tide turns.")
    assert read(body).text == "The tide turns.\n"


def test_a_field_that_never_ends_hides_nothing() -> None:
    begin = "<w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText>PAGE</w:instrText></w:r>"
    assert lines(read(paragraph("One", begin, " two") + paragraph("three"))) == ["One two", "three"]


def test_fields_whose_marks_are_hidden_end_where_they_end() -> None:
    mark = "<w:r><w:rPr><w:vanish/></w:rPr><w:fldChar w:fldCharType='{}'/></w:r>"
    code = "<w:r><w:instrText>XE index entry</w:instrText></w:r>"
    assert read(paragraph("One", mark.format("begin"), code, mark.format("end"), " two")).text == "One two\n"


def test_ruby_readings_do_not_stand_inside_the_words() -> None:
    ruby = (
        "<w:r><w:ruby><w:rt><w:r><w:t>{}</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>{}</w:t></w:r></w:rubyBase>"
        "</w:ruby></w:r>"
    )
    document = read(paragraph(ruby.format("とう", "東"), ruby.format("きょう", "京"), "都の港"))
    assert document.text == "東京都の港 (とう きょう)\n"


STYLES = element(
    "w:styles",
    "<w:style w:type='paragraph' w:styleId='berschrift1'><w:name w:val='heading 1'/></w:style>"
    "<w:style w:type='paragraph' w:styleId='Mine'><w:name w:val='Mine'/><w:basedOn w:val='berschrift1'/></w:style>"
    "<w:style w:type='paragraph' w:styleId='Level'><w:pPr><w:outlineLvl w:val='2'/></w:pPr></w:style>"
    "<w:style w:type='paragraph' w:styleId='Body'><w:basedOn w:val='Level'/><w:pPr><w:outlineLvl w:val='9'/></w:pPr>"
    "</w:style>",
)


@pytest.mark.parametrize(
    ("properties", "text"),
    [
        ("<w:pStyle w:val='berschrift1'/>", "# Head"),
        ("<w:pStyle w:val='Mine'/>", "# Head"),
        ("<w:pStyle w:val='Level'/>", "### Head"),
        ("<w:pStyle w:val='Body'/>", "Head"),
        ("<w:outlineLvl w:val='1'/>", "## Head"),
    ],
)
def test_headings_by_their_styles(properties: str, text: str) -> None:
    assert read(paragraph("Head", properties=properties), styles=("styles", STYLES)).text == f"{text}\n"


def numbering(*levels: tuple[str, str]) -> str:
    inner = "".join(
        f"<w:lvl w:ilvl='{at}'><w:start w:val='1'/><w:numFmt w:val='{style}'/><w:lvlText w:val='{text}'/></w:lvl>"
        for at, (style, text) in enumerate(levels)
    )
    return element(
        "w:numbering",
        f"<w:abstractNum w:abstractNumId='5'>{inner}</w:abstractNum>"
        "<w:num w:numId='1'><w:abstractNumId w:val='5'/></w:num>"
        "<w:num w:numId='2'><w:abstractNumId w:val='5'/><w:lvlOverride w:ilvl='0'><w:startOverride w:val='1'/>"
        "</w:lvlOverride></w:num>",
    )


def listed(text: str, number: int = 1, level: int = 0) -> str:
    return paragraph(text, properties=f"<w:numPr><w:ilvl w:val='{level}'/><w:numId w:val='{number}'/></w:numPr>")


def test_lists_have_their_numbers() -> None:
    body = listed("a") + listed("b", level=1) + listed("c", level=1) + listed("d") + listed("e", 2) + listed("f", 1, 2)
    levels = (("decimal", "%1."), ("lowerLetter", "%1.%2)"), ("bullet", "·"))
    document = read(body, numbering=("numbering", numbering(*levels)))
    assert document.text == "1. a\n  1.a) b\n  1.b) c\n2. d\n1. e\n    * f\n"


def test_numbered_headings() -> None:
    body = paragraph(
        "Fees", properties="<w:outlineLvl w:val='0'/><w:numPr><w:ilvl w:val='0'/><w:numId w:val='1'/></w:numPr>"
    )
    assert read(body, numbering=("numbering", numbering(("upperRoman", "%1.")))).text == "# I. Fees\n"


def test_footnotes_comments_headers_and_footers_are_at_the_end() -> None:
    note = "<w:footnote w:id='{}'>{}</w:footnote>"
    footnotes = note.format(3, paragraph("see below")) + note.format(4, paragraph("never referred to"))
    body = (
        paragraph("Text", "<w:r><w:footnoteReference w:id='3'/></w:r>", " goes on.")
        + "<w:p><w:pPr><w:sectPr><w:headerReference w:type='default' r:id='header1'/></w:sectPr></w:pPr></w:p>"
        + "<w:sectPr><w:headerReference w:type='default' r:id='header2'/>"
        + "<w:footerReference w:type='default' r:id='footer1'/>"
        + "<w:headerReference w:type='first' r:id='header3'/></w:sectPr>"
    )
    page = "<w:r><w:t>Page </w:t></w:r><w:fldSimple w:instr='PAGE'><w:r><w:t>1</w:t></w:r></w:fldSimple>"
    document = read(
        body,
        footnotes=("footnotes", element("w:footnotes", footnotes)),
        comments=(
            "comments",
            element("w:comments", f"<w:comment w:id='0' w:author='Ada'>{paragraph('is that so?')}</w:comment>"),
        ),
        header1=("header", element("w:hdr", paragraph("File 88/K"))),
        header2=("header", element("w:hdr", paragraph("File 88/K"))),
        header3=("header", element("w:hdr", paragraph("a first page that no section has"))),
        footer1=("footer", element("w:ftr", f"<w:p>{page}</w:p>" + paragraph("Confidential"))),
    )
    assert lines(document) == [
        "Text[1] goes on.",
        "[1] see below",
        "Comment by Ada: is that so?",
        "File 88/K",
        "Confidential",
    ]
    assert document.notes == (
        "1 footnote at the end", "1 comment at the end", "1 header at the end", "1 footer at the end",
    )  # fmt: skip


def test_pictures_are_described_and_those_without_are_counted() -> None:
    described = DRAWING.format(" descr='A red buoy'", PICTURE)
    bare, generated = DRAWING.format("", PICTURE), DRAWING.format(" descr='image1.png'", PICTURE)
    document = read(paragraph("Look", *(f"<w:r>{drawing}</w:r>" for drawing in (described, bare, generated))))
    assert document.text == "Look\n\nA red buoy\n"
    assert document.notes == ("2 pictures without a description",)


def test_embedded_objects_are_noted() -> None:
    document = read(paragraph("Sheet", "<w:r><w:object><v:shape><v:imagedata/></v:shape>"
                                       "<o:OLEObject ProgID='Excel.Sheet.12'/></w:object></w:r>"))  # fmt: skip
    assert document.notes == ("1 embedded object (Excel.Sheet.12) not read",)


def value(index: int, text: str) -> str:
    return f"<c:pt idx='{index}'><c:v>{text}</c:v></c:pt>"


def test_charts_and_smartart_have_their_words() -> None:
    chart = element(
        "c:chartSpace",
        "<c:chart><c:title><c:tx><c:rich><a:p><a:r><a:t>Catch</a:t></a:r></a:p></c:rich></c:tx></c:title><c:plotArea>"
        f"<c:barChart><c:ser><c:tx><c:strRef><c:strCache>{value(0, 'Eel')}</c:strCache></c:strRef></c:tx>"
        f"<c:cat><c:strRef><c:strCache>{value(0, 'May')}{value(1, 'June')}</c:strCache></c:strRef></c:cat>"
        f"<c:val><c:numRef><c:numCache><c:formatCode>0%</c:formatCode>{value(0, '0.5')}{value(1, '0.3')}"
        "</c:numCache></c:numRef></c:val></c:ser></c:barChart></c:plotArea></c:chart>",
    )
    point = "<dgm:pt modelId='{0}'><dgm:t><a:p><a:r><a:t>{1}</a:t></a:r></a:p></dgm:t></dgm:pt>"
    smartart = element(
        "dgm:dataModel",
        f"<dgm:ptLst><dgm:pt modelId='0' type='doc'/>{point.format(1, 'last')}{point.format(2, 'first')}</dgm:ptLst>"
        "<dgm:cxnLst><dgm:cxn srcId='0' destId='1' srcOrd='1'/><dgm:cxn srcId='0' destId='2' srcOrd='0'/></dgm:cxnLst>",
    )
    drawings = (DRAWING.format("", "<c:chart r:id='chart'/>"), DRAWING.format("", "<dgm:relIds r:dm='data'/>"))
    document = read(
        paragraph("See", *(f"<w:r>{drawing}</w:r>" for drawing in drawings)),
        chart=("chart", chart),
        data=("diagramData", smartart),
    )
    assert document.text == (
        "See\n\nCatch\n\n|  | Eel |\n| --- | --- |\n| May | 50% |\n| June | 30% |\n\nfirst\nlast\n"
    )


def test_documents_of_other_formats_inside() -> None:
    parts: dict[str, tuple[str, str | bytes]] = {
        "one.html": ("aFChunk", "<html><body><p>from a page</p></body></html>"),
        "two.rtf": ("aFChunk", rb"{\rtf1\ansi from rtf\par}"),
        "three.docx": ("aFChunk", word(paragraph("from Word"))),
        "four.txt": ("aFChunk", "from a note"),
        "five.rtf": ("aFChunk", "no rtf at all"),
    }
    body = "".join(f"<w:altChunk r:id='{name}'/>" for name in ("one", "two", "three", "four", "five"))
    document = load("a.docx", word(body, parts))
    assert lines(document) == ["from a page", "from rtf", "from Word", "from a note"]
    assert document.notes == ("the embedded document five.rtf could not be read",)


def cell(*content: str, properties: str = "") -> str:
    inner = "".join(part if part.startswith("<") else paragraph(part) for part in content)
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{inner}</w:tc>"


def row(*cells: str, properties: str = "") -> str:
    inner = "".join(part if part.startswith("<") else cell(part) for part in cells)
    return f"<w:tr><w:trPr>{properties}</w:trPr>{inner}</w:tr>"


def table(*rows: str) -> str:
    return f"<w:tbl>{''.join(rows)}</w:tbl>"


def rows_of(document: Document) -> list[list[str]]:
    found = [line for line in document.text.split("\n") if line.startswith("|") and "---" not in line]
    return [[part.strip() for part in line.replace("\\|", "¦").strip("|").split("|")] for line in found]


DOWN, ON = "<w:vMerge w:val='restart'/>", "<w:vMerge/>"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [row("S", "B"), row(cell("Winter", properties=DOWN), "Otter"), row(cell("<w:p/>", properties=ON), "Heron"),
             row("Summer", "Pike")],
            [["S", "B"], ["Winter", "Otter"], ["Winter", "Heron"], ["Summer", "Pike"]],
        ),
        (
            [row("T", cell("Adults", properties="<w:gridSpan w:val='2'/>"), "Children"), row("A", "5", "20", "2")],
            [["T", "Adults", "Adults", "Children"], ["A", "5", "20", "2"]],
        ),
        (
            [row("T", cell("Both", properties="<w:hMerge w:val='restart'/>"),
                 cell("<w:p/>", properties="<w:hMerge/>")), row("A", "1", "2")],
            [["T", "Both", "Both"], ["A", "1", "2"]],
        ),
        (
            [row("a", "b", "c"), row("late", "end", properties="<w:gridBefore w:val='1'/>")],
            [["a", "b", "c"], ["", "late", "end"]],
        ),
        (
            [row(cell("wide", properties="<w:gridSpan w:val='3'/>"), "x"),
             row(cell("same", properties="<w:gridSpan w:val='3'/>"), "y")],
            [["wide", "x"], ["same", "y"]],
        ),
        ([row("ls | wc", "counts"), row("a || b", "or")], [["ls ¦ wc", "counts"], ["a ¦¦ b", "or"]]),
        (
            [row("Part", "Sizes"), row("Rope", cell("<w:p/>" + table(row("thin", "5"), row("thick", "9"))))],
            [["Part", "Sizes"], ["Rope", "thin 5; thick 9"]],
        ),
        (
            [row("a", "b"), "<w:sdt><w:sdtContent>" + row("1", "<w:sdt><w:sdtContent>" + cell("2") +
             "</w:sdtContent></w:sdt>") + "</w:sdtContent></w:sdt>",
             row("gone", "gone", properties="<w:del/>")],
            [["a", "b"], ["1", "2"]],
        ),
    ],
)  # fmt: skip
def test_cells_stand_under_their_own_columns(rows: list[str], expected: list[list[str]]) -> None:
    assert rows_of(read(table(*rows))) == expected


def test_a_table_that_only_lays_out_has_its_headings_and_tables() -> None:
    head = paragraph("Fees", properties="<w:outlineLvl w:val='0'/>")
    document = read(table(row(cell(head, "Per night:", table(row("Length", "Fee"), row("8 m", "12"))))))
    assert document.text == "# Fees\n\nPer night:\n\n| Length | Fee |\n| --- | --- |\n| 8 m | 12 |\n"
    assert document.headings[0].title == "Fees"


def test_a_title_over_all_columns_stands_before_the_table() -> None:
    title = row(cell("Cargo", properties="<w:gridSpan w:val='2'/>"))
    document = read(table(title, row("Month", "Tons"), row("May", "3")))
    assert document.text == "Cargo\n\n| Month | Tons |\n| --- | --- |\n| May | 3 |\n"


@pytest.mark.parametrize("name", ["a.docm", "a.dotx", "a.dotm"])
def test_macros_and_templates(name: str) -> None:
    assert load(name, word(paragraph("Words"))).text == "Words\n"


def test_strict_documents_have_other_namespaces() -> None:
    head = paragraph("Words", properties="<w:outlineLvl w:val='0'/>")
    document = element("w:document", f"<w:body>{head}</w:body>").replace(
        "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
        "http://purl.oclc.org/ooxml/wordprocessingml/main",
    )
    assert load("a.docx", archive({"word/document.xml": document})).text == "# Words\n"


def test_an_ordinary_table_keeps_its_rows_though_a_cell_has_a_heading_or_a_list() -> None:
    head = paragraph("Knots", properties="<w:outlineLvl w:val='2'/>")
    document = read(table(row("Part", "Use"), row("Rope", cell(head, "bowline", listed("reef"))), row("Sail", "wind")))
    assert rows_of(document) == [["Part", "Use"], ["Rope", "Knots bowline reef"], ["Sail", "wind"]]


def test_equal_cells_in_a_first_row_are_all_kept() -> None:
    assert rows_of(read(table(row("1", "1"), row("2", "3")))) == [["1", "1"], ["2", "3"]]


def nested(depth: int) -> str:
    body = paragraph("core")
    for _ in range(depth):
        body = table(row(cell(body)))
    return body


@pytest.mark.parametrize("depth", [10, 60])
def test_tables_inside_tables(depth: int) -> None:
    assert read(nested(depth)).text == "core\n"


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(DamagedFile, match=r"^a\.docx is damaged"):
        read(nested(400))


def field(code: str, kind: str = "") -> str:
    if kind == "simple":
        return f"<w:fldSimple w:instr='{code}'/>"
    mark = "<w:r><w:fldChar w:fldCharType='{}'/></w:r>"
    return f"{mark.format('begin')}<w:r><w:instrText>{code}</w:instrText></w:r>{mark.format('end')}"


@pytest.mark.parametrize("kind", ["", "simple"])
@pytest.mark.parametrize(
    ("code", "shown"),
    [
        (r"EQ \f(eels,pikes)", "eels/pikes"),
        (r"EQ \* jc2 \* &quot;Font:MS Mincho&quot; \o\ad(\s\up 9(とうきょう),東京)", "東京"),
        (r"EQ x\s\up 6(2) + \r(3,y\,z)", "x^2 + root 3 of (y,z)"),
        (r"EQ \b\bc\{(\a\al\co2(1,5;2))", "(1,5, 2)"),
        (r"EQ \x(boxed (twice", "boxed (twice)"),
        ("MACROBUTTON NoMacro [Click here]", "[Click here]"),
        ("QUOTE &quot;as they said&quot; \\* MERGEFORMAT", "as they said"),
        (r"SYMBOL 183 \f Symbol \s 10", "•"),
        ("SYMBOL 233", "é"),
        ("PAGEREF x", ""),
        ("SYMBOL", ""),
    ],
)
def test_a_field_without_a_result_shows_what_its_code_says(code: str, shown: str, kind: str) -> None:
    document = read(paragraph("before ", field(code, kind), " after"))
    assert lines(document)[0].split(" (")[0] == f"before {shown} after".split(" (")[0]


def test_readings_in_a_formula_stand_behind_the_paragraph() -> None:
    document = read(paragraph("At ", field(r"EQ \o\ad(\s\up 9(reading),words)"), "."))
    assert lines(document) == ["At words. (reading)"]
    assert document.notes == ("1 reading (ruby) at the end of its paragraph",)


@pytest.mark.parametrize("code", [r"\f(", "(", r"\o(\s\up(a),", ")"])
def test_formulas_without_end_do_no_harm(code: str) -> None:
    assert " after" in read(paragraph("before ", field(f"EQ {code * 20_000}"), " after")).text


def test_a_field_that_never_ends_hides_nothing_of_a_note() -> None:
    open_field = "<w:r><w:fldChar w:fldCharType='begin'/></w:r>"
    note = f"<w:footnote w:id='2'>{paragraph(open_field, 'ask Ida')}</w:footnote>"
    document = read(
        paragraph("Key", "<w:r><w:footnoteReference w:id='2'/></w:r>"),
        footnotes=("footnotes", element("w:footnotes", note)),
    )
    assert lines(document) == ["Key[1]", "[1] ask Ida"]


def test_a_chart_has_the_words_in_its_text_boxes() -> None:
    box = "<cdr:sp><cdr:txBody><a:p><a:r><a:t>Strike in May</a:t></a:r></a:p></cdr:txBody></cdr:sp>"
    body = paragraph(f"<w:r>{DRAWING.format('', '<c:chart r:id=' + chr(39) + 'chart' + chr(39) + '/>')}</w:r>")
    data = word(body, {"chart.xml": ("chart", element("c:chartSpace", "<c:chart/>"))})
    parts: dict[str, str | dict[str, tuple[str, str]]] = {
        "word/_rels/chart.xml.rels": {"u": ("chartUserShapes", "drawing9.xml")},
        "word/drawing9.xml": element("c:userShapes", f"<cdr:relSizeAnchor>{box}</cdr:relSizeAnchor>"),
    }
    assert lines(load("a.docx", with_parts(data, parts))) == ["Strike in May"]


@pytest.mark.parametrize(
    ("description", "expected"),
    [("Boats at the pier", ["Boats at the pier", "turn left"]), ("turn left", ["turn left"])],
)
def test_a_text_box_has_its_description_unless_it_repeats_the_words(description: str, expected: list[str]) -> None:
    content = f"<wps:wsp><wps:txbx>{box('turn left')}</wps:txbx></wps:wsp>"
    assert lines(read(f"<w:p><w:r>{DRAWING.format(f' descr={description!r}', content)}</w:r></w:p>")) == expected


def test_pictures_beside_a_text_box_have_their_descriptions() -> None:
    picture = PICTURE.replace("name='a.png'", "name='a.png' descr='A lock'")
    content = f"<wps:wsp><wps:txbx>{box('turn left')}</wps:txbx></wps:wsp>{picture}"
    document = read(f"<w:p><w:r>{DRAWING.format('', content)}</w:r></w:p>")
    assert (lines(document), document.notes) == (["A lock", "turn left"], ())


def test_equal_cells_of_a_table_in_a_cell_all_stay() -> None:
    def row(*cells: str) -> str:
        return f"<w:tr>{''.join(f'<w:tc>{cell}</w:tc>' for cell in cells)}</w:tr>"

    inner = f"<w:tbl>{row(*map(paragraph, ('Mon', '5', '5')))}{row(*map(paragraph, ('Tue', '7', '7')))}</w:tbl>"
    outer = row(paragraph("Day"), paragraph("Tides")) + row(paragraph("low"), inner)
    assert lines(read(f"<w:tbl>{outer}</w:tbl>"))[-1] == "| low | Mon 5 5; Tue 7 7 |"


def test_a_field_in_the_code_of_another_is_part_of_it() -> None:
    mark = "<w:r><w:fldChar w:fldCharType='{}'/></w:r>"
    inner = f"{mark.format('begin')}<w:r><w:instrText>DATE</w:instrText></w:r>{mark.format('separate')}"
    inner += f"<w:r><w:t>May</w:t></w:r>{mark.format('end')}"
    outer = f"{mark.format('begin')}<w:r><w:instrText>QUOTE 1 </w:instrText></w:r>{inner}{mark.format('end')}"
    assert lines(read(paragraph("On ", outer, "."))) == ["On 1 May."]


@pytest.mark.parametrize("name", ["chunk.mht", "chunk.dat"])
def test_a_page_in_the_parts_of_a_mail_is_read(name: str) -> None:
    page = (
        "MIME-Version: 1.0\nContent-Type: multipart/related; boundary=x\n\n--x\n"
        "Content-Type: text/html; charset=utf-8\n"
        "Content-Transfer-Encoding: quoted-printable\n\n<h1>Tides</h1><p>turn t=C3=B6</p>\n--x--\n"
    )
    document = load("a.docx", word("<w:altChunk r:id='chunk'/>", {name: ("aFChunk", page)}))
    assert lines(document) == ["# Tides", "turn tö"]
