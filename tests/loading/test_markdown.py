"""Markdown: which lines are headings and tables by CommonMark and GitHub's tables, and heads of metadata."""

from __future__ import annotations

import pytest

from core.loading._markdown import markdown_headings, markdown_tables
from core.loading.loader import load
from core.records.document import Heading


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("words ```# inline``` more\n\n# Real\n", ["Real"]),
        ("1. a\n\n    ```sh\n    # no\n    ```\n\n# Real\n", ["Real"]),
        ("> ```\n> # no\n> ```\n\n# Real\n", ["Real"]),
        ("````\n```\n# no\n`````\n# Real\n", ["Real"]),
        ("    # no\n\n<!--\n# no\n-->\n\n<pre>\n# no\n</pre>\n\n   ### Real ##  \n", ["Real"]),
        ("---\na: b\n# no\n---\n# Real\n", ["Real"]),
        ("---\ntitle: a: b\n# no\n...\n# Real\n", ["Real"]),
        ("+++\ntitle = 'a'\n# no\n+++\n# Real\n", ["Real"]),
        ("---\n\nWords.\n\n# Real\n\n---\n", ["Real"]),
        ("\\# no\n\n#no\n\n#\n\n# C#\n", ["C#"]),
        ("Two\nlines\n===\n\n* # In a list\n\n> ## Quoted\n", ["Two lines", "In a list", "Quoted"]),
        ("# A `code` and [link](http://a) {#id}\n", ["A code and link"]),
    ],
)
def test_headings_by_commonmark(text: str, titles: list[str]) -> None:
    assert [heading.title for heading in markdown_headings(text)] == titles


def test_spans_of_headings_are_whole_lines_without_indentation() -> None:
    text = "é\n\n   ## Tide ##\n\nTwo\nlines\n---\n> # Q\n"
    assert markdown_headings(text) == (
        Heading(6, 16, 2, "Tide"),
        Heading(18, 31, 2, "Two lines"),
        Heading(32, 37, 1, "Q"),
    )


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("| a | b |\n|---|---|\n| x \\| y | `p|q` |\n", [{"a": "x | y", "b": "`p|q`"}]),
        ("a | b\n--|--\n1 | 2\n", [{"a": 1, "b": 2}]),
        ("1. c\n\n   | a | b |\n   |:-:|--:|\n   | 1 | 2 |\n", [{"a": 1, "b": 2}]),
        ("> | a | b |\n> |---|---|\n> | 1 | 2 |\n", [{"a": 1, "b": 2}]),
    ],
)
def test_rows_of_tables_and_their_fields(text: str, fields: list[dict[str, object]]) -> None:
    document = load("a.md", text.encode())
    assert len(document.tables) == 1
    assert [row.fields for row in document.rows] == fields
    assert "1" in document.text[document.rows[0].start : document.rows[0].end] or "x" in text


def test_no_tables_in_code_and_a_table_after_words() -> None:
    assert markdown_tables("```\n| a |\n|---|\n| b |\n```\n") == ()
    text = "words\n| a |\n|---|\n| b |\n"
    assert [text[table.start : table.end] for table in markdown_tables(text)] == ["| a |\n|---|\n| b |"]


def test_a_head_in_toml() -> None:
    text = '+++\ntitle = "Locks"\ndate = 2025-03-04\n+++\nwords'
    assert load("a.md", text.encode()).metadata == {"title": "Locks", "date": "2025-03-04"}


@pytest.mark.parametrize(
    "title", ["!!bool x", '!!int ""', '!!float ""', "!!timestamp x", "0x" + "f" * 4000, "!!binary 1", "!!set [a]"]
)
def test_a_head_with_a_value_that_its_tag_does_not_fit_is_text(title: str) -> None:
    document = load("a.md", f"---\ntitle: {title}\n---\nRed boats".encode())
    assert document.text.endswith("Red boats")
    assert document.metadata == {}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("![the quay](data:image/png;base64,{}) red", "![the quay](data:image/png) red"),
        (
            "![][image1]\n\n# Head\n\n[image1]: <data:image/png;base64,{}>",
            "![][image1]\n\n# Head\n\n[image1]: <data:image/png>",
        ),
        ('<img src="data:image/svg+xml;charset=utf-8;base64,{}">', '<img src="data:image/svg+xml;charset=utf-8">'),
    ],
)
def test_pictures_inside_the_file_are_no_words(source: str, text: str) -> None:
    document = load("a.md", source.format("iVBORw0KGgo" * 4000).encode())
    assert document.text == text
    assert document.notes == ("1 embedded picture left out",)
    assert [document.text[heading.start : heading.end] for heading in document.headings] == ["# Head"] * ("#" in text)
    short = "the scheme data:text/plain;base64,SGk= is named"
    assert load("a.md", short.encode()).text == short
