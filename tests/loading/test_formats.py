"""Text, Markdown, HTML and office files become Documents; PDFs have tests/test_pdf.py."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest

from core.loading._markdown import markdown_headings, markdown_tables
from core.loading.loader import is_supported, load
from core.records.document import Document, Heading, Page

FILES = Path(__file__).parents[1] / "files"


def loaded(name: str) -> Document:
    return load(name, (FILES / name).read_bytes())


def spelled(document: Document) -> list[str]:
    return [document.text[heading.start : heading.end] for heading in document.headings]


# Text


def test_text_is_kept_as_it_is() -> None:
    document = load("notes/tide.txt", b"High water at six.\n\n# no heading in plain text\n")
    assert document.text == "High water at six.\n\n# no heading in plain text\n"
    assert (document.name, document.size, document.pages, document.headings) == ("notes/tide.txt", 47, (), ())


@pytest.mark.parametrize(
    ("bytes_", "text"),
    [
        (b"a\r\nb\rc\x0bd", "a\nb\nc\nd"),
        (b"nul\x00 bell\x07 tab\tstay", "nul bell tab\tstay"),
        ("e\ufb03cient \ufb02oat".encode(), "efficient float"),
        ("infor\u00adma\u00adtion".encode(), "information"),
        ("\ufeff\ufefftwice marked".encode(), "twice marked"),
    ],
)
def test_text_is_tidied(bytes_: bytes, text: str) -> None:
    rest = " and so many words behind it that nobody takes this for anything but text" * 4
    assert load("a.txt", bytes_ + rest.encode()).text == text + rest


ENGLISH = "The café on the pier serves naïve visitors; the rôle of the keeper is to smile."
GERMAN = "Über die Brücke führt ein schmaler Weg zum größeren Häuschen der Wärter."
FRENCH = "L'été dernier, la mère de l'élève a mangé près du château où naît la forêt."
RUSSIAN = "Смотритель маяка записывает уровень воды каждые шесть часов."
POLISH = "Zażółć gęślą jaźń, powiedział latarnik w piątek."
JAPANESE = "灯台守は六時間ごとに水位を記録します。海は静かです。"
ENCODINGS = {
    ENGLISH: ("utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "cp1252", "latin-1"),
    GERMAN: ("cp1252", "utf-16-le"),
    FRENCH: ("cp1252", "utf-16"),
    "Café": ("cp1252",),
    RUSSIAN: ("utf-8", "cp1251", "koi8-r", "utf-16-le"),
    POLISH: ("cp1250", "iso8859-2"),
    JAPANESE: ("utf-8", "shift-jis", "utf-16-le"),
}


@pytest.mark.parametrize(
    ("text", "encoding"), [(text, encoding) for text, encodings in ENCODINGS.items() for encoding in encodings]
)
def test_encodings_are_told(text: str, encoding: str) -> None:
    assert load("a.txt", text.encode(encoding)).text == text


@pytest.mark.parametrize("name", ["README", "a.TXT", "b.Markdown", "c.log", "x/y.z/d.htm"])
def test_endings_are_told_in_any_case(name: str) -> None:
    assert is_supported(name)
    assert load(name, b"<p>words</p>").text.strip()


# Markdown


def test_markdown_keeps_its_text_and_knows_its_headings_and_tables() -> None:
    text = "# Gauge\n\nIntro.\n\n## Float ##\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\nEnd.\n"
    document = load("gauge.md", text.encode())
    assert document.text == text
    assert document.headings == (Heading(0, 7, 1, "Gauge"), Heading(17, 28, 2, "Float"))
    assert [text[table.start : table.end] for table in document.tables] == ["| a | b |\n| - | - |\n| 1 | 2 |"]
    assert document.heading_at(text.index("Intro")) == "Gauge"
    assert document.heading_at(text.index("End")) == "Gauge › Float"


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("```\n# code\n```\n# real\n", ["real"]),
        ("~~~\n# code\n```\n# code\n~~~\n# real\n", ["real"]),
        ("````\n```\n# code\n````\n# real", ["real"]),
        ("```\n# never closed\n", []),
        ("#no space\n####### seven\n# \n#\ttab\n", ["tab"]),
        ("Title\n=====\n\ntext\n\nPart\n----\n\ntext\n", ["Title", "Part"]),
        ("---\ntitle: a\n# comment\n---\n", []),
        ("---\ntitle: a\nauthor: b\n---\n", []),
        ("a heading\nof two lines\n---\n", ["a heading of two lines"]),
        ("# **Bold** title #\n", ["Bold title"]),
    ],
)
def test_markdown_headings(text: str, titles: list[str]) -> None:
    assert [heading.title for heading in markdown_headings(text)] == titles


def test_levels_of_underlined_headings_and_their_spans() -> None:
    assert markdown_headings("Title\n===\n\nPart\n---\n") == (Heading(0, 9, 1, "Title"), Heading(11, 19, 2, "Part"))


def test_a_single_line_is_no_table() -> None:
    assert markdown_tables("| lonely |\n\ntext\n") == ()


# HTML


def page(body: str, head: str = "") -> str:
    return load("page.html", f"<html><head>{head}</head><body>{body}</body></html>".encode()).text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<p>One\n   line,\nonly.</p><p>Two.</p>", "One line, only.\n\nTwo.\n"),
        (
            "<p>See <a href='x_(y).html'>the <b>big</b> log</a> of <i>water_level</i>, 3*4.</p>",
            "See the big log of water_level, 3*4.\n",
        ),
        (
            "<script>var hidden</script><style>p{}</style><template>hidden</template><!-- hidden --><p>shown</p>",
            "shown\n",
        ),
        ("<p>A <img src='a(1).png' alt='red buoy'> floats.</p>", "A red buoy floats.\n"),
        ("<h2>Ropes<a class='headerlink' href='#r'>¶</a></h2><p>x</p>", "## Ropes\n\nx\n"),
        ("<pre>if a:\n    b = c[1](2)\n</pre>", "```\nif a:\n    b = c[1](2)\n```\n"),
        ("<p>1 &lt; 2 &amp;&nbsp;3</p>", "1 < 2 &\xa03\n"),
        ("<ul><li>oil</li><li>wick</li></ul>", "* oil\n* wick\n"),
        (
            "<table><tr><td>Buoy</td><td>Depth</td></tr><tr><td>East</td><td>7</td></tr></table>",
            "| Buoy | Depth |\n| --- | --- |\n| East | 7 |\n",
        ),
        (
            "<table><tr><td><table><tr><th>a</th></tr><tr><td>b</td></tr></table></td><td>beside</td></tr></table>",
            "| a |\n| --- |\n| b |\n\nbeside\n",
        ),
    ],
)
def test_a_web_page_reads_as_a_person_reads_it(body: str, text: str) -> None:
    assert page(body) == text


def test_a_web_page_without_html_and_body() -> None:
    assert load("page.htm", b"<h1>Top</h1>text").headings == (Heading(0, 5, 1, "Top"),)


@pytest.mark.parametrize("encoding", ["iso-8859-2", "koi8-r", "shift_jis", "idna", "no-such-thing", "utf-8\\0"])
def test_a_declared_encoding_is_believed_if_it_is_one(encoding: str) -> None:
    words = {"iso-8859-2": "łódź", "koi8-r": "маяк", "shift_jis": "灯台"}.get(encoding, "plain")
    data = f'<meta charset="{encoding}"><p>{words}</p>'.encode(encoding if words != "plain" else "ascii")
    assert load("page.html", data).text == words + "\n"


def test_deeply_nested_markup_still_gives_its_text() -> None:
    assert "at the bottom" in page("<div>" * 3000 + "at the bottom" + "</div>" * 3000)


def test_a_web_page_of_libreoffice() -> None:
    document = loaded("guide.html")
    assert spelled(document) == ["# Tide station handbook", "## Daily duties", "## Instruments", "### Spare parts"]
    assert "Note the water level every six hours and send the figures to the harbour office." in document.text
    assert "| Barometer |  | hPa |" in document.text


# Office


GUIDE = """# Tide station handbook

This handbook belongs to the keepers of the northern tide station. Read it before the first watch.

## Daily duties

Note the water level every six hours and send the figures to the harbour office.

* Wipe the salt from the gauge.
* Compare the clock with the radio signal.

## Instruments

The float gauge is never to be lifted by its wire. Snake_case names such as water_level_cm and 3*4 stay as they are.

| Instrument | Range | Unit |
| --- | --- | --- |
| Float gauge | 0 to 900 | cm |
| Barometer |  | hPa |

### Spare parts

Spare floats lie in the grey cupboard; the key hangs behind the café calendar.
"""


def test_a_word_document() -> None:
    document = loaded("guide.docx")
    assert document.text == GUIDE
    assert spelled(document) == ["# Tide station handbook", "## Daily duties", "## Instruments", "### Spare parts"]
    assert [document.text[table.start : table.end].count("\n") for table in document.tables] == [3]
    assert document.heading_at(GUIDE.index("grey cupboard")) == "Tide station handbook › Instruments › Spare parts"
    assert document.page_at(0) is None


def test_a_presentation_has_its_slides_as_pages() -> None:
    document = loaded("slides.pptx")
    slides = [document.text[page.start : page.end] for page in document.pages]
    assert slides == [
        "# Night watch\nTwo keepers share the night.\nChange at two o'clock.\n\n### Notes:\nRemind the newcomers of "
        "the tea.\n\n",
        "# Storm signals\n| Signal | Meaning |\n| --- | --- |\n| One cone | gale from the north |\n| Two cones | gale "
        "from the south |\n\n",
        "A slide\nwithout a title\n\n",
        "# Questions\nWrite to the harbour office.\n\n",
    ]
    assert "".join(slides) == document.text
    assert document.pages[0] == Page(0, 112, 1)
    assert [
        document.page_at(document.text.index(words)) for words in ("Remind", "One cone", "without", "Questions")
    ] == [1, 2, 3, 4]
    assert [heading.title for heading in document.headings] == ["Night watch", "Notes:", "Storm signals", "Questions"]


def test_a_workbook_has_a_heading_and_a_table_for_each_sheet() -> None:
    document = loaded("levels.xlsx")
    assert document.text == (
        "## Levels\n| Station | Morning | Evening | Remark |\n| --- | --- | --- | --- |\n| North pier | 412 | 398.5 | "
        "calm |\n"
        "| South pier |  | 405 |  |\n| NaN Island |  |  | not \\| staffed |\n\n"
        "## Keepers\n| Name | Watch |\n| --- | --- |\n| Ada | night |\n| Brun |  |\n"
    )
    assert [document.text[table.start : table.end].count("\n") for table in document.tables] == [4, 3]
    assert document.heading_at(document.text.index("Brun")) == "Keepers"


def workbook(**sheets: list[list[object]]) -> bytes:
    stream = io.BytesIO()
    with pd.ExcelWriter(stream, engine="openpyxl") as writer:
        for title, rows in sheets.items():
            pd.DataFrame(rows, dtype=object).to_excel(writer, sheet_name=title, header=False, index=False)
    return stream.getvalue()


def test_cells_are_as_they_were_typed() -> None:
    rows: list[list[object]] = [
        ["Code", "When", "Share"],
        ["NA", pd.Timestamp(2024, 3, 1), 0.25],
        ["None", pd.Timestamp(2024, 3, 1, 6, 30), 7],
        ["two\nlines", None, True],
    ]
    text = load("a.xlsx", workbook(Empty=[], Codes=rows)).text
    assert text.splitlines() == [
        "## Codes",
        "| Code | When | Share |",
        "| --- | --- | --- |",
        "| NA | 2024-03-01 | 0.25 |",
        "| None | 2024-03-01 06:30:00 | 7 |",
        "| two lines |  | true |",
    ]


@pytest.mark.parametrize("name", ["guide.docx", "slides.pptx", "levels.xlsx", "guide.html", "handbook.pdf"])
def test_loading_twice_gives_the_same_document(name: str) -> None:
    once, again = loaded(name), loaded(name)
    assert (once, once.id) == (again, again.id)
    assert once.size == (FILES / name).stat().st_size
