"""Presentations: every word on a slide is in its text, the title first, with what was left out noted."""

from __future__ import annotations

import pytest

from core.loading.loader import load
from core.records.document import Document
from tests.support.office_maker import element, in_strict, slide_show, with_parts


def body(*paragraphs: str) -> str:
    inner = "".join(part if part.startswith("<") else f"<a:p><a:r><a:t>{part}</a:t></a:r></a:p>" for part in paragraphs)
    return f"<p:txBody>{inner}</p:txBody>"


def shape(*paragraphs: str, at: tuple[int, int] | None = None, kind: str = "", properties: str = "") -> str:
    placeholder = f"<p:ph type='{kind}'/>" if kind else ""
    place = f"<a:xfrm><a:off x='{at[0]}' y='{at[1]}'/></a:xfrm>" if at else ""
    return (
        f"<p:sp><p:nvSpPr><p:cNvPr id='1' name='s' {properties}/><p:nvPr>{placeholder}</p:nvPr></p:nvSpPr>"
        f"<p:spPr>{place}</p:spPr>{body(*paragraphs) if paragraphs else ''}</p:sp>"
    )


def frame(content: str, properties: str = "") -> str:
    return (
        f"<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id='4' name='f' {properties}/></p:nvGraphicFramePr>"
        f"<a:graphic><a:graphicData>{content}</a:graphicData></a:graphic></p:graphicFrame>"
    )


def read(*slides: str, parts: dict[str, tuple[str, str]] | None = None) -> Document:
    return load("a.pptx", slide_show(*slides, parts=parts))


def slide_texts(document: Document) -> list[str]:
    return [document.text[page.start : page.end].strip() for page in document.pages]


def test_the_title_comes_first_and_shapes_from_top_to_bottom() -> None:
    slide = (
        shape("below", at=(0, 3_000_000))
        + shape("right", at=(5_000_000, 1_010_000))
        + shape("left", at=(0, 1_000_000))
        + shape("Tides", "and winds", kind="title", at=(0, 9_000_000))
    )
    assert slide_texts(read(slide)) == ["# Tides and winds\nleft\nright\nbelow"]


def test_placeholders_stand_where_their_layout_has_them() -> None:
    slide = shape("second", kind="body") + shape("first", at=(0, 500_000))
    layout = element(
        "p:sldLayout", f"<p:cSld><p:spTree>{shape('hint', kind='body', at=(0, 900_000))}</p:spTree></p:cSld>"
    )
    document = read(slide, parts={"slideLayouts/l1.xml": ("slideLayout", layout)})
    assert slide_texts(document) == ["first\nsecond"]


def test_groups_alternatives_breaks_and_numbers() -> None:
    group = f"<p:grpSp><p:nvGrpSpPr><p:cNvPr id='2' name='g'/></p:nvGrpSpPr>{shape('in a group')}</p:grpSp>"
    other = (
        f"<mc:AlternateContent><mc:Choice Requires='a14'>{shape('chosen')}</mc:Choice>"
        f"<mc:Fallback>{shape('fallen back')}</mc:Fallback></mc:AlternateContent>"
    )
    numbered = "<a:p><a:pPr><a:buAutoNum type='{}'/></a:pPr><a:r><a:t>{}</a:t></a:r></a:p>"
    listed = shape(numbered.format("arabicPeriod", "one"), numbered.format("arabicPeriod", "two"), "end")
    broken = shape("<a:p><a:r><a:t>up</a:t></a:r><a:br/><a:r><a:t>down</a:t></a:r></a:p>")
    assert slide_texts(read(group + other + listed + broken)) == ["in a group\nchosen\n1. one\n2. two\nend\nup\ndown"]


def test_footers_are_read_once_slide_numbers_and_the_day_of_today_never() -> None:
    today = shape("<a:p><a:fld type='datetime1'><a:t>5 May</a:t></a:fld></a:p>", kind="dt")
    margin = shape("3", kind="sldNum") + shape("Board only", kind="ftr") + shape("4 March", kind="dt") + today
    document = read(shape("Text") + margin, shape("More") + margin + shape("Draft", kind="ftr"))
    assert slide_texts(document) == ["Text\n\nBoard only\n4 March", "More\n\nDraft"]
    assert document.notes == ("3 footers read on the first of its slides only",)


@pytest.mark.parametrize(
    ("of_slide", "of_layout", "texts"),
    [
        ("", "", ["One\n\nDraft\nHarbour Works", "Two"]),
        ("", "showMasterSp='0'", ["One\n\nDraft", "Two"]),
        ("showMasterSp='0'", "", ["One", "Two"]),
    ],
)
def test_words_on_layouts_and_masters_are_read_once(of_slide: str, of_layout: str, texts: list[str]) -> None:
    def slide(text: str) -> str:
        return element(f"p:sld {of_slide}", f"<p:cSld><p:spTree>{shape(text)}</p:spTree></p:cSld>").replace(
            f"</p:sld {of_slide}>", "</p:sld>"
        )

    layout = shape("Draft") + shape("Click to add text", kind="body")
    to_layout = {"layout": ("slideLayout", "../slideLayouts/l.xml")}
    parts: dict[str, str | dict[str, tuple[str, str]]] = {
        "ppt/slides/_rels/slide0.xml.rels": to_layout,
        "ppt/slides/_rels/slide1.xml.rels": to_layout,
        "ppt/slideLayouts/l.xml": element("p:sldLayout", f"<p:cSld><p:spTree>{layout}</p:spTree></p:cSld>").replace(
            "<p:sldLayout", f"<p:sldLayout {of_layout}"
        ),
        "ppt/slideLayouts/_rels/l.xml.rels": {"m": ("slideMaster", "../slideMasters/m.xml")},
        "ppt/slideMasters/m.xml": element(
            "p:sldMaster", f"<p:cSld><p:spTree>{shape('Harbour Works')}</p:spTree></p:cSld>"
        ),
    }
    assert slide_texts(load("a.pptx", with_parts(slide_show(slide("One"), slide("Two")), parts))) == texts


def test_a_group_has_its_description_beside_its_words() -> None:
    group = f"<p:grpSp><p:nvGrpSpPr><p:cNvPr id='9' name='g' descr='Plan of the lock'/></p:nvGrpSpPr>{shape('Gate')}"
    assert slide_texts(read(f"{group}</p:grpSp>")) == ["Plan of the lock\nGate"]


def cell(text: str, properties: str = "") -> str:
    return f"<a:tc {properties}><a:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:txBody></a:tc>"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [[cell("T"), cell("Adults", "gridSpan='2'"), cell("", "hMerge='1'")], [cell("A"), cell("5"), cell("20")]],
            ["| T | Adults | Adults |", "| A | 5 | 20 |"],
        ),
        (
            [[cell("S"), cell("B")], [cell("Winter", "rowSpan='2'"), cell("Otter")],
             [cell("", "vMerge='1'"), cell("Heron")]],
            ["| S | B |", "| Winter | Otter |", "| Winter | Heron |"],
        ),
        ([[cell("a | b"), cell("c")], [cell("d"), cell("e")]], ["| a \\| b | c |", "| d | e |"]),
    ],
)  # fmt: skip
def test_cells_stand_under_their_own_columns(rows: list[list[str]], expected: list[str]) -> None:
    inner = "".join(f"<a:tr>{''.join(cells)}</a:tr>" for cells in rows)
    document = read(frame(f"<a:tbl>{inner}</a:tbl>"))
    assert [line for line in document.text.split("\n") if line.startswith("|") and "---" not in line] == expected


def test_charts_and_smartart_have_their_words() -> None:
    values = "<c:pt idx='0'><c:v>{}</c:v></c:pt>"
    chart = element(
        "c:chartSpace",
        f"<c:ser><c:tx><c:strRef><c:strCache>{values.format('Eel')}</c:strCache></c:strRef></c:tx><c:cat><c:strRef><c:strCache>"
        f"{values.format('May')}</c:strCache></c:strRef></c:cat><c:val><c:numRef><c:numCache>{values.format('0.5')}"
        "</c:numCache></c:numRef></c:val></c:ser>",
    )
    data = element(
        "dgm:dataModel",
        "<dgm:ptLst><dgm:pt modelId='1'><dgm:t><a:p><a:r><a:t>Step one</a:t></a:r></a:p></dgm:t></dgm:pt></dgm:ptLst>",
    )
    parts = {"charts/c1.xml": ("chart", chart), "diagrams/d1.xml": ("diagramData", data)}
    document = read(frame("<c:chart r:id='charts/c1'/>") + frame("<dgm:relIds r:dm='diagrams/d1'/>"), parts=parts)
    assert slide_texts(document) == ["|  | Eel |\n| --- | --- |\n| May | 0.5 |\nStep one"]


def test_hidden_slides_pictures_objects_and_empty_slides_are_noted() -> None:
    picture = "<p:pic><p:nvPicPr><p:cNvPr id='3' name='p' {}/></p:nvPicPr></p:pic>"
    hidden = element("p:sld", f"<p:cSld><p:spTree>{shape('quiet')}</p:spTree></p:cSld>").replace(
        "<p:sld ", "<p:sld show='0' "
    )
    document = read(
        shape("Text") + picture.format("") + picture.format("descr='A red buoy'"),
        hidden,
        picture.format(""),
        frame("<p:oleObj progId='Excel.Sheet.12'/>"),
    )
    assert slide_texts(document) == ["Text\nA red buoy", "quiet", "", ""]
    assert document.notes == (
        "hidden slide 2 was read too",
        "slides 3 and 4 of 4 hold no text",
        "2 pictures without a description on slides 1 and 3",
        "1 embedded object (Excel.Sheet.12) not read on slide 4",
    )


def test_speaker_notes_and_comments() -> None:
    page = f"<p:cSld><p:spTree>{shape('Remember the tea.', kind='body')}{shape('7', kind='sldNum')}</p:spTree></p:cSld>"
    parts = {
        "notesSlides/n1.xml": ("notesSlide", element("p:notes", page)),
        "comments/c1.xml": ("comments", element("p:cmLst", "<p:cm authorId='0'><p:text>Is that so?</p:text></p:cm>")),
    }
    data = slide_show(shape("Text"), parts=parts)
    authors = element("p:cmAuthorLst", "<p:cmAuthor id='0' name='Ada'/>")
    data = with_parts(
        data,
        {
            "ppt/_rels/presentation.xml.rels": {"r0": ("slide", "slides/slide0.xml"), "a": ("commentAuthors", "a.xml")},
            "ppt/a.xml": authors,
        },
    )
    document = load("a.pptx", data)
    assert slide_texts(document) == ["Text\n\n### Notes:\nRemember the tea.\n\nComment by Ada: Is that so?"]
    assert document.notes == ("1 comment at the end on slide 1",)


@pytest.mark.parametrize("name", ["a.pptm", "a.potx", "a.ppsx", "a.potm", "a.ppsm"])
def test_macros_templates_and_shows(name: str) -> None:
    assert slide_texts(load(name, slide_show(shape("Words")))) == ["Words"]


def test_strict_presentations_have_other_namespaces() -> None:
    assert slide_texts(load("a.pptx", in_strict(slide_show(shape("Words", kind="title"))))) == ["# Words"]
