"""Rich Text Format: every visible word once, in the letters of its font."""

from __future__ import annotations

import pytest

from core.errors import DamagedFile, NoText
from core.loading.loader import load
from core.records.document import Document

FONTS = (
    r"{\fonttbl{\f0\fnil\fcharset0 Arial;}{\f1\fnil\fcharset204 Arial CYR;}{\f2\fnil\fcharset161 Arial Greek;}"
    r"{\f3\fnil\fcharset238 Arial CE;}{\f4\fnil\fcharset134 SimSun;}{\f5\fnil\fcharset128{\*\falt x} MS Mincho;}"
    r"{\f6\fcharset136 MingLiU;}{\f7\fcharset129 Batang;}{\f8\fcharset2 Symbol;}{\f9\fcharset2 Wingdings;}"
    r"{\f10\fcharset177 David;}{\f11\fnil Arial CYR;}{\f12\fnil\cpg1250 X;}{\f13\fcharset1 Y;}}"
)


def read(body: str, head: str = r"\ansi\ansicpg1252\deff0" + FONTS) -> Document:
    return load("a.rtf", rb"{\rtf1" + head.encode() + b" " + body.encode("latin-1") + b"}")


def escaped(text: str, encoding: str) -> str:
    return "".join(rf"\'{byte:02x}" for byte in text.encode(encoding))


# Letters


@pytest.mark.parametrize(
    ("font", "encoding", "text"),
    [
        (1, "cp1251", "Паром отходит"),
        (2, "cp1253", "Το πλοίο"),
        (3, "cp1250", "Łódź świeci"),
        (4, "gbk", "渡船七点开。"),
        (5, "cp932", "表示とソース"),
        (6, "big5", "功能許可"),
        (7, "cp949", "나루터"),
        (10, "cp1255", "שלום"),
        (11, "cp1251", "Маяк"),
        (12, "cp1250", "Łódź"),
        (13, "cp1252", "café"),
    ],
)
def test_bytes_are_letters_of_the_fonts_character_set(font: int, encoding: str, text: str) -> None:
    body = rf"café {{\f{font} {escaped(text, encoding)}}} caf\'e9\par"
    assert read(body).text == f"café {text} café\n"


@pytest.mark.parametrize("escape", [False, True])
def test_second_halves_that_are_signs_of_rtf(escape: bool) -> None:
    characters = "ポ表弌\u7aeb" if escape else "ポ表弌"  # second bytes 0x7C, 0x5C, ...
    raw = characters.encode("cp932").decode("latin-1")
    if escape:
        raw = raw.replace("\\", "\\\\").replace("{", "\\{").replace("}", "\\}")
        raw = "".join(rf"\'{ord(sign):02x}" if sign > "\x7f" else sign for sign in raw)
    assert read(rf"\f5 {raw}\f0 end\par").text == f"{characters}end\n"


def test_the_default_font_and_the_end_of_a_group() -> None:
    head = r"\ansi\ansicpg1252\deff1" + FONTS
    lamp = escaped("Маяк", "cp1251")
    assert read(rf"{lamp} {{\f3 {escaped('Łódź', 'cp1250')}}} {lamp}{{\f0 \'e9}}\plain {lamp}\par", head).text == (
        "Маяк Łódź МаякéМаяк\n"
    )


def test_fonts_of_scripts_that_word_names_beside_the_font() -> None:
    japanese = escaped("船", "cp932")
    source = rf"\loch\af0\hich\af0\dbch\af5 {japanese}\hich\af0\dbch\af5\loch\f0 caf\'e9\par"
    assert read(source).text == "船café\n"
    assert read(rf"\ltrch\f0\rtlch\af10 {escaped('שלום', 'cp1255')}\par").text == "שלום\n"


@pytest.mark.parametrize(
    ("head", "body", "text"),
    [
        (r"\mac", r"caf\'8e", "café"),
        (r"\pc", r"caf\'82", "café"),
        (r"\ansi\ansicpg932", r"\'91D\'82\'cd", "船は"),
        (r"\ansi\ansicpg65001", escaped("łódź", "utf-8"), "łódź"),
        (r"\ansi\ansicpg99999", r"caf\'e9", "café"),
        (r"\ansi{\fonttbl\f0\fnil Arial;\f1\fcharset204 Times;}", r"\f1\'cc\'e0\'ff\'ea", "Маяк"),
    ],
)
def test_the_documents_own_encoding(head: str, body: str, text: str) -> None:
    assert read(body + r"\par", head).text == text + "\n"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"\uc1\u1055?\u1072? and \uc2\u8364 ??5 and \uc0\u8364 7", "Па and €5 and €7"),
        (r"\u-10179?\u-8704? {\uc0\u55357\u56832}", "😀 😀"),
        (r"{\uc2\u33337\'91\'44}x {\uc1\u233\'e9}y \u233\emdash z", "船x éy éz"),
        (r"\u128512?", "😀"),
        (r"{\upr{caf? {\b au}}{\*\ud{caf\u233? {\b au}}}} lait", "café au lait"),
        (r"a\~b\_c\-d\emdash e\endash f \lquote g\rquote  \ldblquote h\rdblquote  \bullet", "a\xa0b-cd—e–f ‘g’ “h” •"),
        (r"\{a\} \\ b", r"{a} \ b"),
        (r"{\f8 a\'a3\u-3913?} {\f9 \'fcJ}x", "α≤• ✓x"),
        (r'{\field{\*\fldinst SYMBOL 97 \\f "Symbol"}{\fldrslt}}', "α"),
    ],
)
def test_characters(source: str, text: str) -> None:
    assert read(source + r"\par").text == text + "\n"


def test_bytes_that_are_no_letters_are_told_of() -> None:
    assert read(r"a\'81b\par").notes == ("1 character could not be read and are marked \ufffd",)


# Destinations


def test_notes_headers_and_comments_stand_at_the_end_once() -> None:
    body = (
        r"{\header Head line\par}{\headerl Head line\par}{\footer Page {\field{\*\fldinst PAGE}{\fldrslt 3}}\par}"
        r"{\footer {\field{\*\fldinst PAGE}{\fldrslt 3}}\par}"
        r"The tide{\super\chftn}{\footnote\pard\chftn  At the {\b weir}.} turns{\footnote\ftnalt An endnote\par two.} "
        r"at six{\*\atnid AB}{\*\atnauthor Ada}{\*\annotation Is it?\par}.\par"
    )
    document = read(body)
    assert document.text == (
        "The tide turns at six.\n\nAt the weir.\n\nAn endnote\n\ntwo.\n\nIs it?\n\nHead line\n\nPage\n"
    )
    assert document.notes == (
        "2 footnotes are at the end",
        "1 comment is at the end",
        "2 headers and footers are at the end",
    )


def test_hidden_and_deleted_words_are_left_out_and_told_of() -> None:
    body = r"Open {\v secret words}{\deleted gone} now \v not this\v0 ,{\revised new} too \v no\plain  end.\par"
    document = read(body)
    assert document.text.split() == ["Open", "now", ",new", "too", "end."]
    assert document.notes == ("5 hidden words left out", "1 deleted word left out")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r'{\field{\*\fldinst HYPERLINK "http://a.example"}{\fldrslt the table}} here', "the table here"),
        (r"{\field{\*\fldinst{ REF x }{\field{\*\fldinst Y}{\fldrslt Z}}}{\fldrslt seen}}", "seen"),
        (r"{\field{\fldinst FORMDROPDOWN{\*\formfield{\ffres1{\*\ffl Low}{\*\ffl High}}}}{\fldrslt}} sea", "High sea"),
        (r"a{\*\unknown b{\par c}}d{\xe index}{\tc entry}{\*\bkmkstart x}", "ad"),
        (r"{\pict\bin9 \par}{\v }}x", "x"),
        (r"{\shp{\*\shpinst{\sp{\sn a}{\sv b}}{\shptxt\pard Box\par words\par}}{\shprslt{\*\do{\dptxbxtext Box}}}}tail",
         "tail\n\nBox\n\nwords"),
        (r"{\*\do\dptxbx{\dptxbxtext\pard Old box\par}}tail", "tail\n\nOld box"),
        (r"{\object\objemb{\*\objclass X}{\*\objdata 00ff}{\result shown {\pict ff00}}}x", "shown x"),
        (r"{\*\shppict{\pict{\*\picprop{\sp{\sn wzDescription}{\sv A float gauge}}}ff00}}{\nonshppict{\pict 00}}x",
         "x\n\nA float gauge"),
        (r"{\shp{\*\shpinst{\sp{\sn gtextUNICODE}{\sv SALE}}}}x", "x\n\nSALE"),
        (r"{\mmath{\*\moMath{\mf{\mfPr{\mctrlPr x}}{\mnum{\mr a}}{\mden{\mr b}}}}}", "ab"),
    ],
)  # fmt: skip
def test_destinations(source: str, text: str) -> None:
    assert read(source + r"\par").text == text + "\n"


def test_pictures_and_objects_are_counted() -> None:
    body = (
        r"a{\*\shppict{\pict ff}}{\nonshppict{\pict ff}}{\pict ff}"
        r"{\pict{\*\picprop{\sp{\sn wzDescription}{\sv Gauge}}}ff}{\object{\*\objdata 00}{\result{\pict 00}}}\par"
    )
    assert read(body).notes == ("2 pictures without a description", "1 embedded object not read")


# Paragraphs, lists, headings


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"One\line two\tab three\page Four\sect Five" + "\\\nSix", "One\ntwo\tthree\n\nFour\n\nFive\n\nSix\n"),
        (r"{\pntext\f0 1.\tab}First\par{\listtext\pard\plain\f8 \'b7\tab}Second\par", "1. First\n\n* Second\n"),
        (r"{\listtext\plain\f9 \'a7\tab}A\par{\listtext b)\tab}B\par{\listtext o\tab}C\par", "* A\n\nb) B\n\n* C\n"),
        (r"\'b7\tab typed\par", "* typed\n"),
        (r"{\stylesheet{\s0 Normal;}{\s1\f1 heading 1;}{\s5\outlinelevel2 Mine;}{\*\cs9 x;}}"
         r"\pard\s1 Top{\b  part}\par\pard text\par\pard\s5{\listtext 1.1\tab}Low\par\pard\s0 end\par",
         "# Top part\n\ntext\n\n### 1.1 Low\n\nend\n"),
    ],
)  # fmt: skip
def test_paragraphs(source: str, text: str) -> None:
    assert read(source).text == text


# Tables


@pytest.mark.parametrize(
    ("source", "text"),
    [
        # merged by marks, across and down
        (
            r"\trowd\clvmgf\cellx1000\clmgf\cellx2000\clmrg\cellx3000\intbl a\cell b\cell\cell\row"
            r"\trowd\clvmrg\cellx1000\cellx2000\cellx3000\intbl\cell c\cell d\cell\row\pard x\par",
            "| a | b | b |\n| --- | --- | --- |\n| a | c | d |\n\nx\n",
        ),
        # a wide cell over two
        (
            r"\trowd\cellx2000\cellx3000\intbl wide\cell b\cell\row"
            r"\trowd\cellx1000\cellx2005\cellx3000\intbl c\cell d\cell e\cell\row\pard x\par",
            "| wide | wide | b |\n| --- | --- | --- |\n| c | d | e |\n\nx\n",
        ),
        # paragraphs in a cell, the row's definition after its cells, text before and after
        (
            r"before\par\pard\intbl one\par two\cell b\cell\pard\intbl{\trowd\cellx1000\cellx2000\row}"
            r"\pard\intbl c\cell d\cell{\trowd\cellx1000\cellx2000\row}\pard after\par",
            "before\n\n| one two | b |\n| --- | --- |\n| c | d |\n\nafter\n",
        ),
        # a table in a cell
        (
            r"\intbl\itap2 in\nestcell r\nestcell{\*\nesttableprops\trowd\cellx1\cellx2\nestrow}{\nonesttables\par}"
            r"\pard\intbl outer\cell b\cell{\trowd\cellx1000\cellx2000\row}\pard x\par",
            "| in r outer | b |\n| --- | --- |\n\nx\n",
        ),
        # rows that never end
        (r"\trowd\cellx1000\intbl a\cell b", "| a | b |\n| --- | --- |\n"),
        (r"a\trowd\cellx1000 b\cell\row\pard c", "a\n\n| b |\n| --- |\n\nc\n"),
    ],
)
def test_tables(source: str, text: str) -> None:
    assert read(source).text == text


# Faults


def test_stray_braces_lose_nothing() -> None:
    assert read(r"one} two {three\par").text == "one two three\n"
    assert load("a.rtf", rb"{\rtf1 one {\b two \par}").notes == (
        "its end may be missing: not all of its groups are closed",
    )


@pytest.mark.parametrize("body", ["{" * 99_000, r"\u" * 99_000, r"\itap99999\nestcell" * 20_000 + r"\itap3\nestrow" * 9,
                                  r"\trowd" + r"\cellx1" * 100_000 + r"\cell\row", r"{\footnote" * 2_000,
                                  "".join(rf"\trowd\cellx{n}\cell\row" for n in range(20_000))])  # fmt: skip
def test_hostile_input_is_no_burden(body: str) -> None:
    with pytest.raises(NoText):
        read(body)


def test_text_behind_the_last_brace_is_read_and_a_file_that_is_cut_is_refused() -> None:
    assert load("a.rtf", rb"{\rtf1 Hello\par} junk").text == "Hello\n\njunk\n"
    with pytest.raises(DamagedFile, match="its end is missing"):
        load("a.rtf", rb"{\rtf1 Hello\par {\b cut")
