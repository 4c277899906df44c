"""PDFs: pages, headings, hyphens, columns, running heads."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.loading.loader import load
from core.loading.pdf._layout import find_gutter, mark_paragraphs, read_blocks
from core.loading.pdf._runs import Box
from core.loading.pdf.load import OutlineEntry, find_headings, join_hyphens, remove_running_headers
from core.records.document import Document, Heading, Page
from tests.support.pdf_maker import Line, make_pdf

FILES = Path(__file__).parents[1] / "files"


def loaded(name: str) -> Document:
    return load(name, (FILES / name).read_bytes())


# Pages and headings


def test_pages_of_a_pdf() -> None:
    document = load("two.pdf", make_pdf([(60, 700, "First page.")], [], [(60, 700, "Third page.")]))
    assert document.text == "First page.\n\n\n\nThird page."
    assert document.pages == (Page(0, 11, 1), Page(13, 13, 2), Page(15, 26, 3))
    assert [document.page_at(offset) for offset in (0, 12, 15, 25)] == [1, 1, 3, 3]


def test_an_outline_gives_headings() -> None:
    document = loaded("handbook.pdf")
    text = document.text
    assert [(heading.level, heading.title) for heading in document.headings] == [
        (1, "The lamp"),
        (2, "Lighting"),
        (2, "Putting out"),
        (1, "The fog horn"),
        (2, "Air pressure"),
        (2, "Lighting"),
        (1, "Accounts"),
    ]
    assert [text[heading.start : heading.end] for heading in document.headings] == [
        heading.title for heading in document.headings
    ]
    assert [text[page.start : page.end].split("\n")[0] for page in document.pages] == [
        "The lamp",
        "The fog horn",
        "Accounts",
    ]
    places = {
        "burns from dusk": (1, "The lamp"),
        "brass key": (1, "The lamp › Lighting"),
        "compressor": (2, "The fog horn › Lighting"),
        "wages": (3, "Accounts"),
    }
    for words, (page, path) in places.items():
        assert (document.page_at(text.index(words)), document.heading_at(text.index(words))) == (page, path)


def test_letters_joined_in_print_are_letters_again() -> None:
    sentence = (
        "Efficient and\naffluent offices file their baffling findings: "
        "the office is satisfied with five fine filaments."
    )
    assert sentence in loaded("handbook.pdf").text


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("2.1 ASN.1 syntax", "ASN.1 syntax"),
        ("fonts-conf", "fontsconf"),
        ("7.7.1 Nettle’s support", "Nettle's support"),
        ("Appendix A Copying", "A Copying"),
        ("The Gulls", "The gulls"),
        ("A title that is so long that\nit runs over two lines", "A title that is so long that it runs over two lines"),
    ],
)
def test_a_title_is_found_as_the_page_writes_it(line: str, title: str) -> None:
    text = f"before\n{line}\nafter {title} in running text\n"
    assert list(find_headings(text, [Page(0, len(text), 1)], [OutlineEntry(0, 1, title)])) == [
        Heading(7, 7 + len(line), 1, title)
    ]


def test_titles_that_stand_nowhere_are_left_out() -> None:
    pages = [Page(0, 9, 1)]
    assert list(
        find_headings(
            "One\nThree",
            pages,
            [
                OutlineEntry(0, 1, "Two"),
                OutlineEntry(0, 1, "***"),
                OutlineEntry(7, 1, "One"),
                OutlineEntry(0, 2, "Three"),
            ],
        )
    ) == [Heading(4, 9, 2, "Three")]


def test_titles_are_found_in_order_and_each_once() -> None:
    text = "Lamp\nx\nLamp\ny\n"
    found = find_headings(text, [Page(0, len(text), 1)], [OutlineEntry(0, 1, "Lamp"), OutlineEntry(0, 2, "Lamp")])
    assert [(heading.start, heading.level) for heading in found] == [(0, 1), (7, 2)]


# Hyphens


@pytest.mark.parametrize(
    ("page", "joined"),
    [
        ("infor\ufffe\nmation", "information"),
        ("infor\ufffemation", "information"),
        ("infor-\nmation", "information"),
        ("infor\u2010\nmation", "information"),
        ("a day-to-day duty, day-\nto-day", "a day-to-day duty, day-to-day"),
        ("a day-to-day duty, day-to-\nday", "a day-to-day duty, day-to-day"),
        ("twenty-\none and twenty-one", "twenty-one and twenty-one"),
        ("day to end, day-to-\nend", "day to end, day-to-end"),
        ("a well-docu-\nmented gauge", "a well-documented gauge"),
        ("FebruaryMarch or February-\nMarch", "FebruaryMarch or FebruaryMarch"),
        ("in February-\nMarch", "in February-March"),
        ("INFOR-\nMATION", "INFORMATION"),
        ("1990-\n1995", "1990-1995"),
        ("inter-\nna-\ntional", "international"),
        ("a hyphen -\nand a dash\n- list", "a hyphen -\nand a dash\n- list"),
        ("day\u2010to\u2011day", "day-to-day"),
        ("über-\nßig", "überßig"),
    ],
)
def test_words_cut_by_a_line_end(page: str, joined: str) -> None:
    assert join_hyphens([page]) == [joined]


def test_other_pages_tell_whether_a_hyphen_belongs_to_the_word() -> None:
    assert join_hyphens(["day-to-\nday", "re-\ncover", "the day-to-day recover"])[:2] == ["day-to-day", "recover"]


def test_a_hyphenated_two_column_pdf() -> None:
    text = loaded("gulls.pdf").text
    for words in (
        "regular nesting behaviour among",
        "Investigators documented the distribution of information\n",
        "supplementary observation",
        "extraordinarily dependable",
    ):
        assert words in text
    assert text.count("day-to-day") == 3  # one of them cut as day-to-/day
    assert "year-to-year" in text
    assert [part for part in text.split() if part.endswith("-")] == []
    order = [
        "Information on gulls",
        "neighbouring municipalities.",
        "Subsequently, volunteers",
        "practically nothing.",
        "Conclusion",
        "accomplishment.",
        "Finally, correspondents",
    ]
    assert sorted(order, key=text.index) == order


def test_chromes_hyphens_and_columns() -> None:
    text = loaded("buoys.pdf").text
    assert text.startswith("Buoys of the inner bay\nObservations of every navigational buoy are transmitted to the\n")
    assert (
        "Substantial deterioration was recognised immediately and the corresponding\ncomponents were exchanged." in text
    )
    assert "two-year-old moorings" in text
    assert not set(text) & set("\u2010\u00ad\ufffe")


# Columns

LEFT = [
    "The left column tells of gulls and",
    "how they carry news and infor-",
    "mation from pier to pier. They do so",
    "by day and by night, in any season",
    "of the year, as the keepers of the",
    "station have noted for a long time.",
    "Gulls are seldom wrong.",
    "A second paragraph speaks of terns,",
    "which come later and leave earlier.",
]
RIGHT = [
    "The right column tells of lamps and",
    "how they are lit at dusk by hand",
    "when the power has failed again. A",
    "lamp is trimmed once in a week and",
    "its glass is wiped with soft cloth",
    "so that no ship shall miss the light",
    "on its way. Lamps are day-to-day",
    "work for all the people who live",
    "on the rock throughout the winter.",
]
HEIGHTS = [700 - 14 * line for line in range(9)]
HEAD: Line = (60, 740, "A heading that runs across both of the columns of this page, all the way")
FOOT: Line = (60, 540, "A note that also runs across both of the columns, at the foot of the page")
READ = f"""{HEAD[2]}
The left column tells of gulls and
how they carry news and information from pier to pier. They do so
by day and by night, in any season
of the year, as the keepers of the
station have noted for a long time.

Gulls are seldom wrong.

A second paragraph speaks of terns,
which come later and leave earlier.

{chr(10).join(RIGHT)}

{FOOT[2]}"""


def column(x: int, lines: list[str]) -> list[Line]:
    return [(x, y, line) for y, line in zip(HEIGHTS, lines, strict=True)]


def across(*columns: list[Line]) -> list[Line]:
    return [line for row in zip(*columns, strict=True) for line in row]


def test_columns_painted_one_after_the_other() -> None:
    assert load("a.pdf", make_pdf([HEAD, *column(60, LEFT), *column(320, RIGHT), FOOT])).text == READ


def test_columns_painted_line_by_line_across_are_read_down() -> None:
    assert load("a.pdf", make_pdf([HEAD, *across(column(60, LEFT), column(320, RIGHT)), FOOT])).text == READ


def test_three_columns_painted_across_are_read_down() -> None:
    words = ["one", "two", "three"]
    columns = [
        column(60 + 170 * at, [f"{word} {line} of the column" for line in range(9)]) for at, word in enumerate(words)
    ]
    lines = load("a.pdf", make_pdf(across(*columns))).text.split("\n")
    assert lines == [f"{word} {line} of the column" for word in words for line in range(9)]


def test_a_table_is_read_row_by_row() -> None:
    names = [
        "North pier",
        "The old southern pier",
        "East",
        "West mole",
        "Lock",
        "Inner harbour wall",
        "Buoy",
        "Bridge",
        "Beach of the gulls",
    ]
    rows = across(column(60, names), column(320, [f"{value} cm" for value in (412, 39, 7, 88, 1, 250, 3, 16, 1200)]))
    assert load("a.pdf", make_pdf(rows)).text.split("\n")[:3] == [
        "North pier 412 cm",
        "The old southern pier 39 cm",
        "East 7 cm",
    ]


def test_a_table_of_contents_is_read_row_by_row() -> None:
    rows = across(column(60, ["A chapter " + ". " * 20] * 9), column(320, [". " * 40 + str(page) for page in range(9)]))
    first = load("a.pdf", make_pdf(rows)).text.split("\n")[0]
    assert first.startswith("A chapter . .")
    assert first.endswith("0")


def test_too_few_boxes_have_no_columns() -> None:
    boxes = [Box(x, y, x + 200, y + 10) for y in (30, 20, 10) for x in (0, 250)]
    assert find_gutter(boxes) == 225
    assert read_blocks(boxes) == [boxes]


def test_boxes_are_read_band_by_band() -> None:
    def band(top: int) -> list[Box]:
        return [Box(x, top - 12 * line, x + 200, top - 12 * line + 10) for line in range(6) for x in (0, 250)]

    middle = Box(0, 500, 450, 512)
    blocks = read_blocks([*band(700), middle, *band(400)])
    assert [len(block) for block in blocks] == [6, 6, 1, 6, 6]
    assert [(block[0].left, block[0].bottom) for block in blocks] == [
        (0, 700),
        (250, 700),
        (0, 500),
        (0, 400),
        (250, 400),
    ]


def test_a_short_line_that_ends_a_sentence_ends_a_paragraph() -> None:
    assert mark_paragraphs("A line as long as the others.\nShort.\nA line as long as the others\nshort\nlast") == (
        "A line as long as the others.\nShort.\n\nA line as long as the others\nshort\nlast"
    )
    assert mark_paragraphs("\n \n") == ""


# Running heads


def book(pages: int, head: str, foot: str, lines: int = 8) -> list[str]:
    body = [f"Line {chr(97 + line)} of the text" for line in range(lines)]
    return ["\n".join([head.format(page), *body, foot.format(page)]) for page in range(1, pages + 1)]


def test_running_heads_and_page_numbers_are_left_out() -> None:
    first, *rest = remove_running_headers(book(4, "Chapter 2: Gulls {}", "- {} -"))
    assert first.split("\n")[0] == "Chapter 2: Gulls 1"  # said once, it stays
    assert [page.split("\n")[0] for page in rest] == ["Line a of the text"] * 3
    assert [page.split("\n")[-1] for page in (first, *rest)] == ["Line h of the text"] * 4


@pytest.mark.parametrize(
    "pages",
    [
        book(3, "Gulls", "{}"),  # too few
        book(9, "Question {}", "{}", lines=2),  # slides
        # a table's last row
        ["\n".join([f"{chr(97 + page) * 5} begins", *"abcdefgh", f"{page}.50"]) for page in range(9)],
    ],
)
def test_what_may_be_text_is_kept(pages: list[str]) -> None:
    assert remove_running_headers(pages) == pages


def test_a_word_and_its_page_survive_the_running_heads() -> None:
    pages = [
        [
            (60.0, 760.0, "Station log"),
            *((60.0, 700.0 - 14 * line, f"Entry {line} of sheet {sheet}") for line in range(9)),
            (300.0, 40.0, str(sheet)),
        ]
        for sheet in range(1, 6)
    ]
    document = load("log.pdf", make_pdf(*pages))
    assert document.text.count("Station log") == 1
    assert [document.page_at(document.text.index(f"Entry 8 of sheet {sheet}")) for sheet in range(1, 6)] == [
        1,
        2,
        3,
        4,
        5,
    ]
    assert document.text.split("\n")[-1] == "Entry 8 of sheet 5"


@pytest.mark.parametrize("text", ["a-" * 50_000, "ab" * 50_000, "a-" * 50_000 + "\n"])
def test_a_long_word_with_hyphens_takes_no_time(text: str) -> None:
    assert join_hyphens([text]) == [text]
