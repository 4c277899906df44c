"""PDFs: what their pages show without text is told of, turned text reads in order, comments and fields are text."""

from __future__ import annotations

import pytest

from core.errors import NoText
from core.loading.loader import load
from core.records.document import Document
from tests.support.pdf_maker import Line, Sheet, make_pages, make_pdf, paint, paint_turned, picture

OCR = "run text recognition (OCR) on them to find what they show"
PROSE: list[Line] = [
    (60, 700 - 14 * line, f"Line {line} of a page that is full of words about tides") for line in range(9)
]


def read(*sheets: Sheet, catalog: str = "", objects: tuple[str, ...] = ()) -> Document:
    return load("a.pdf", make_pages(*sheets, catalog=catalog, objects=objects))


# Pages without text


def test_scans_among_pages_of_text() -> None:
    text, scan = Sheet(paint(PROSE)), Sheet(picture())
    assert read(text, scan, scan, text).notes == (f"pages 2 and 3 of 4 hold no text and are not findable: {OCR}",)
    assert read(text, scan).notes == (f"page 2 of 2 holds no text and is not findable: {OCR}",)
    assert read(text, Sheet("/X1 Do")).notes == (f"page 2 of 2 holds no text and is not findable: {OCR}",)
    assert read(text, *[scan] * 12).notes == (
        f"pages 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more of 13 hold no text and are not findable: {OCR}",
    )


def test_a_stamp_on_a_scan_is_not_its_text() -> None:
    stamps: list[list[Line]] = [[(60, 20, f"RECEIVED 2024-03-0{day}"), (300, 10, str(day))] for day in (1, 2)]
    stamped = [Sheet(picture() + paint(stamp)) for stamp in stamps]
    assert read(Sheet(paint(PROSE)), *stamped).notes == (
        f"pages 2 and 3 of 3 are pictures with only a few words of text: {OCR}",
    )
    strips = "\n".join(picture(0, 80 * strip, 600, 80) for strip in range(10))
    assert len(read(Sheet(paint(PROSE)), Sheet(f"{strips}\n" + paint([(60, 20, "COPY")]))).notes) == 1
    notice: list[Line] = [
        (60, 30 + 12 * line, f"This long notice of line {chr(97 + line)} stands on each page") for line in range(6)
    ]
    repeated = [Sheet(f"{picture()}\n{paint(notice)}") for _ in range(4)]
    assert read(*repeated).notes == (f"pages 1, 2, 3 and 4 of 4 are pictures with only a few words of text: {OCR}",)


@pytest.mark.parametrize(
    "content",
    [
        picture() + paint([(60, 700, "Recognized title")], mode=3),  # invisible text on the picture
        paint([(60, 700, "Recognized title")]) + picture(),  # text under the picture
        paint(PROSE) + picture(60, 60, 200, 200),  # a small picture in a page of text
        "",  # blank
        "0 0 m 600 800 l S",  # a line
        picture(500, 700, 40, 40),  # a logo
    ],
)
def test_pages_that_lack_nothing(content: str) -> None:
    assert read(Sheet(paint(PROSE)), Sheet(content)).notes == ()


def test_a_large_picture_beside_text_is_told_of() -> None:
    assert read(Sheet(picture(0, 0, 600, 550) + paint(PROSE))).notes == (
        "large pictures on page 1 of 1: text inside them is not read",
    )


def test_letters_drawn_as_outlines() -> None:
    outlines = Sheet("\n".join(f"{x % 600} {x % 800} m 5 5 6 6 7 7 c f" for x in range(300)))
    note = f"page 2 of 2 holds outlines of letters or drawings without text: {OCR}"
    assert read(Sheet(paint(PROSE)), outlines).notes == (note,)
    with pytest.raises(NoText, match="only outlines of letters"):
        read(outlines)
    with pytest.raises(NoText, match="probably a scan"):
        read(Sheet(picture()))


def unnamed_font(codes: str) -> Sheet:
    """A page in a font that does not say which letters its codes are."""
    descendant = "<</Type/Font/Subtype/CIDFontType2/BaseFont/X/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)" \
        "/Supplement 0>>/FontDescriptor @3 0 R>>"  # fmt: skip
    font = "<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[@2 0 R]>>"
    descriptor = "<</Type/FontDescriptor/FontName/X/Flags 4/FontBBox[0 0 1 1]/ItalicAngle 0/Ascent 1/Descent 0" \
        "/CapHeight 1/StemV 1>>"  # fmt: skip
    return Sheet(f"BT /F2 10 Tf 60 700 Td <{codes}> Tj ET", objects=[font, descendant, descriptor], fonts="/F2 @1 0 R")


def test_fonts_that_do_not_name_their_letters() -> None:
    shifted = "".join(f"{ord(letter) - 29:04x}" for letter in "The tide turns at six in the evening and at night")
    document = read(Sheet(paint(PROSE)), unnamed_font(shifted))
    assert document.notes == (f"page 2 of 2 has fonts that do not say which letters they show: {OCR}",)


# Turned text

LEFT = ["The ferry leaves the northern", "pier at seven each morning and", "returns at noon if the tide allows.",
        "Tickets are sold on board only,", "and bicycles travel free of any", "charge on weekdays from May.",
        "Dogs must be kept on a short", "lead while the boat is moving."]  # fmt: skip
RIGHT = ["Fish is landed on the southern", "quay before the sun is up, and", "sold by noon in the market hall.",
         "Nets are dried along the wall,", "and every boat has a number on", "its bow, in white on blue paint.",
         "The harbour office keeps a list", "of them for the insurance firm."]  # fmt: skip
HEAD: Line = (60, 560, "A heading that begins over the left column only, and goes on")


def columns(*texts: list[str], down: bool = False) -> list[Line]:
    lines = [
        [(60.0 + 240 * index, 530 - 14.0 * row, line) for row, line in enumerate(text)]
        for index, text in enumerate(texts)
    ]
    return (
        [line for column in lines for line in column]
        if down
        else [line for row in zip(*lines, strict=True) for line in row]
    )


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_two_columns_however_they_are_turned(turns: int, rotate: int, down: bool) -> None:
    sheet = Sheet(paint_turned([HEAD, *columns(LEFT, RIGHT, down=down)], turns), f"/Rotate {rotate}")
    assert read(sheet).text.split("\n") == [HEAD[2], *LEFT, *RIGHT]


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_three_columns_turned(turns: int) -> None:
    texts = [[f"{word} row {row} of this column here" for row in range(9)] for word in ("One", "Two", "Six")]
    assert read(Sheet(paint_turned(columns(*texts), turns))).text.split("\n") == [
        line for text in texts for line in text
    ]


def test_a_turned_table_is_read_row_by_row() -> None:
    rows = [["Port", "Tons"], ["Emden", "5"], ["Husum", "12"], ["Norden", "700"]]
    table = [
        (60.0 + 240 * column, 500 - 20.0 * row, cell)
        for row, cells in enumerate(rows)
        for column, cell in enumerate(cells)
    ]
    upright = [(60.0, 700 - 14.0 * line, f"Upright line {line}") for line in range(3)]
    document = read(Sheet(paint(upright)), Sheet(paint_turned(table, 1)))
    assert document.text.split("\n\n")[1].split("\n") == ["Port Tons", "Emden 5", "Husum 12", "Norden 700"]


def test_a_stamp_in_the_margin_does_not_break_the_text() -> None:
    stamp = "q 0 1 -1 0 30 200 cm\n" + paint([(0, 0, "arXiv:2401.00001v1 [cs.IR] 1 Jan 2024")], 20) + "\nQ\n"
    assert read(Sheet(stamp + paint(PROSE))).text.split("\n") == [
        *(line for _, _, line in PROSE), "", "arXiv:2401.00001v1 [cs.IR] 1 Jan 2024",
    ]  # fmt: skip


def test_a_slanted_watermark_does_not_repeat_the_words_under_it() -> None:
    mark = "q 0.7 0.7 -0.7 0.7 100 100 cm\n" + paint([(0, 0, "PRELIMINARY")], 60) + "\nQ\n"
    text = read(Sheet(mark + paint(PROSE))).text
    assert sorted(text.split()) == sorted([word for _, _, line in PROSE for word in line.split()] + ["PRELIMINARY"])


# Comments, form fields, attachments


def test_comments_stand_at_the_end_of_their_page() -> None:
    comments = [
        "<</Type/Annot/Subtype/FreeText/Rect[0 0 9 9]/Contents(Check the weir)/DA(/Helv 9 Tf)>>",
        "<</Type/Annot/Subtype/Text/Rect[0 0 9 9]/Contents(\\376\\377\\000S\\000\\344)>>",
        "<</Type/Annot/Subtype/Highlight/Rect[0 0 9 9]/Contents()>>",
        "<</Type/Annot/Subtype/Text/F 2/Rect[0 0 9 9]/Contents(hidden)>>",
        "<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/Contents(a link)>>",
    ]
    document = read(
        Sheet(paint([(60, 700, "First page.")]), "/Annots[@1 0 R @2 0 R @3 0 R @4 0 R @5 0 R]", comments),
        Sheet(paint([(60, 700, "Second page.")])),
    )
    assert document.text == "First page.\n\nCheck the weir\n\nSä\n\nSecond page."
    assert document.page_at(document.text.index("weir")) == 1
    assert document.notes == ("2 comments are at the end of the page",)


def test_values_of_form_fields() -> None:
    fields = [
        "<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/TU(Name of the boat)/V(Seagull)/Rect[0 0 9 9]>>",
        "<</Type/Annot/Subtype/Widget/FT/Tx/T(port)/V()/Rect[0 0 9 9]>>",
        "<</Type/Annot/Subtype/Widget/FT/Ch/Ff 131072/T(flag)/Opt[(red)(blue)]/V(blue)/Rect[0 0 9 9]>>",
    ]
    sheet = Sheet(paint([(60, 700, "Form")]), "/Annots[@1 0 R @2 0 R @3 0 R]", fields)
    document = read(sheet, catalog="/AcroForm<</Fields[8 0 R 9 0 R 10 0 R]>>")
    assert document.text == "Form\n\nName of the boat: Seagull\n\nflag: blue"
    assert document.notes == ("2 filled form fields are at the end of the page",)


def test_attached_files_are_told_of() -> None:
    objects = (
        "<</Names[(a)@2 0 R]>>",
        "<</Type/Filespec/F(levels.xlsx)/UF(levels.xlsx)/EF<</F @3 0 R>>>>",
        "<</Type/EmbeddedFile/Length 1>>stream\nx\nendstream",
    )
    document = read(Sheet(paint(PROSE)), catalog="/Names<</EmbeddedFiles @1 0 R>>", objects=objects)
    assert document.notes == ("1 attached file not read (levels.xlsx)",)


def test_a_layer_that_is_switched_off_is_text() -> None:
    content = paint([(60, 700, "Seen.")]) + "\n/OC /Off BDC\n" + paint([(60, 680, "On a layer.")]) + "\nEMC"
    sheet = Sheet(content, objects=["<</Type/OCG/Name(Notes)>>"], fonts=">>/Properties<</Off @1 0 R")
    document = read(sheet, catalog="/OCProperties<</OCGs[8 0 R]/D<</OFF[8 0 R]>>>>")
    assert document.text.split() == ["Seen.", "On", "a", "layer."]


def test_an_ordinary_file_has_no_notes() -> None:
    assert load("a.pdf", make_pdf(PROSE, [], PROSE)).notes == ()


# Letters that are drawn in parts, or have no name


def test_accents_are_joined_with_the_letters_that_they_are_drawn_over() -> None:
    drawn: list[Line] = [(60, 700, "f"), (63.9, 700, r"\250"), (62.78, 700, r"ur den Hafen")]
    assert read(Sheet(paint(drawn))).text == "für den Hafen"
    at_the_end: list[Line] = [(60, 700, "fur den Hafen"), (63.9, 700, r"\250"), (60, 680, "von Husum")]
    assert read(Sheet(paint(at_the_end))).text == "für den Hafen\nvon Husum"
    below: list[Line] = [(60, 700, "Fran"), (82, 700, r"\270"), (81.12, 700, "cais")]
    assert read(Sheet(paint(below))).text == "Français"
    capital: list[Line] = [(60, 700, "Die Uberfahrt"), (78.9, 702, r"\250")]
    assert read(Sheet(paint(capital))).text == "Die Überfahrt"


@pytest.mark.parametrize("text", [r"a ` b ^ c ~ d", r"x\250y \264z", "~/home `ls`"])
def test_signs_beside_letters_are_no_accents_of_them(text: str) -> None:
    shown = text.replace(r"\250", "¨").replace(r"\264", "´")
    assert read(Sheet(paint([(60, 700, text)]))).text == shown


def test_accents_on_a_turned_page() -> None:
    drawn: list[Line] = [(60, 700, "f"), (63.9, 700, r"\250"), (62.78, 700, r"ur den Hafen")]
    assert read(Sheet(paint_turned(drawn, 1), entries="/Rotate 90")).text == "für den Hafen"


def test_ligatures_without_a_name() -> None:
    glyph = "<</Length 21>>stream\n10 0 d0 0 0 8 8 re f \nendstream"
    bitmap = (
        "<</Type/Font/Subtype/Type3/FontBBox[0 0 10 10]/FontMatrix[.1 0 0 .1 0 0]/CharProcs<</g @2>>/FirstChar 0"
        f"/LastChar 120/Widths[{'8 ' * 121}]/Encoding<</Differences[0{'/g' * 121}]>>/Resources<<>>>>"
    )
    content = "BT /F2 12 Tf 60 700 Td (di\\013erent words in the \\014rst lines of an o\\016ce) Tj ET"
    tex = read(Sheet(content, fonts="/F2 @1 0 R", objects=[bitmap.replace("@2", "@2 0 R"), glyph]))
    assert (tex.text, tex.notes) == ("different words in the first lines of an office", ())

    other = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding<</Differences[27/f_f/f_i]>>>>"
    content = "BT /F2 12 Tf 60 700 Td (a long line of words that are di\\033erent) Tj ET"
    document = read(Sheet(content, fonts="/F2 @1 0 R", objects=[other]))
    assert document.text == "a long line of words that are di\ufffderent"
    assert document.notes == ("1 letter on page 1 of 1 that the font does not name is marked \ufffd",)


# What a page does not show


def test_letters_outside_the_shown_part_of_a_page_are_left_out_and_told_of() -> None:
    spread: list[Line] = [(60, 700, "The left page of a book"), (360, 700, "and its right page"), (700, 700, "beyond")]
    left = Sheet(paint(spread[:2]), entries="/CropBox[0 0 300 800]")
    right = Sheet(paint(spread[:2]), entries="/CropBox[300 0 600 800]")
    document = read(left, right)
    assert document.text == "The left page of a book\n\nand its right page"
    assert document.notes == ("33 letters outside the part that pages 1 and 2 of 2 show left out",)
    assert read(Sheet(paint(spread[1:]))).text == "and its right page"
    assert read(Sheet(paint(spread[:2]), entries="/CropBox[0 0 10 10]")).notes == ()


def test_a_form_of_xfa_is_told_of() -> None:
    form = "/NeedsRendering true/AcroForm<</Fields[]/XFA @1 0 R>>"
    document = make_pages(
        Sheet(paint([(60, 700, "Please wait")])), catalog=form, objects=("<</Length 5>>stream\n<xdp>\nendstream",)
    )
    note = "its form (XFA) is not read: open it in Adobe Acrobat Reader, print it to PDF and bring that"
    assert load("a.pdf", document).notes == (note,)
