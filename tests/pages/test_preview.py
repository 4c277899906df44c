"""The Library's preview of chunking: tinted text, figures that follow the sliders, two ways to cut, table columns."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.chunking.preview import Segment
from core.records.search import Chunk
from pages.ui.html import chunking_html, tooltip
from tests.support.pages import opened, press, said, shelf, wait

pytestmark = pytest.mark.usefixtures("fresh_server")

SENTENCES = " ".join(f"The sun is red on day {at}." for at in range(30))


def chunk(start: int, end: int, **more: object) -> Chunk:
    return Chunk(f"{start}", "d", start, end, "x" * (end - start), 5, **more)  # type: ignore[arg-type]  # any of the fields


def chunking_of(page: AppTest) -> str:
    said_in = [str(getattr(block, "value", "")) for block in page.get("html")]
    return "".join(text for text in said_in if 'class="rs-text rs-cutting"' in text)


def dropped(own: Path, name: str = "sun.txt", text: str = SENTENCES) -> AppTest:
    assert own
    page = opened("pages/library.py")
    page.selectbox(key="into").set_value("New collection…").run()
    page.file_uploader[0].set_value([(name, text.encode(), "text/plain")]).run()
    return page


def test_pieces_are_escaped_numbered_striped_and_greyed() -> None:
    chunks = [chunk(0, 6, page=3, heading="<b>"), chunk(4, 9, carried="| a<b |")]
    found = chunking_html("<i>abcdef", chunks, [Segment(0, 4, (0,)), Segment(4, 6, (0, 1)), Segment(6, 9, (1,), (1,))])
    assert "<i>" not in found
    assert "&lt;i&gt;" in found
    assert found.count('class="rs-number"') == 2
    assert 'rs-cut-a" title="chunk 1 · 5 tokens · 6 characters · page 3 · &lt;b&gt;"' in found
    assert "rs-cut-shared" in found
    assert 'rs-cut-b rs-unread"' in found
    assert "| a&lt;b |" in found
    assert tooltip(chunks[1], 1, unread=True) == "chunk 2 · 5 tokens · 5 characters · not read here"


def test_the_preview_follows_the_sliders(own: Path) -> None:
    page = dropped(own)
    assert chunking_of(page).count('class="rs-number"') == 2
    page.slider(key="cut-a-size").set_value(32).run()
    page.slider(key="cut-a-overlap").set_value(0).run()
    assert chunking_of(page).count('class="rs-number"') == 8
    assert "rs-cut-shared" not in chunking_of(page)
    page.selectbox(key="cut-a-method").set_value("sentences").run()
    assert chunking_of(page).count('class="rs-number"') == 8
    assert not page.exception


def test_what_is_too_long_for_the_model_is_greyed_and_not_indexed(own: Path) -> None:
    page = dropped(own, text=SENTENCES * 3)
    page.slider(key="cut-a-size").set_value(400).run()
    assert "rs-unread" in chunking_of(page)
    assert next(button for button in page.button if button.label == "Index 1 file").disabled
    assert any("not indexed" in caption.value for caption in page.caption)


def test_both_ways_to_cut_become_two_collections(own: Path) -> None:
    page = dropped(own)
    page.toggle(key="cut-both").set_value(True).run()
    page.slider(key="cut-b-size").set_value(32).run()
    page.slider(key="cut-b-overlap").set_value(0).run()
    page.text_input(key="new-name").set_value("suns").run()
    press(page, "Index both ways, into two collections")
    wait()
    page.run()
    held = shelf(own)
    assert (held["suns"], held["suns B"]) == (["sun.txt"], ["sun.txt"])
    assert not page.exception


def test_pasted_text_is_a_document(own: Path) -> None:
    page = opened("pages/library.py")
    page.selectbox(key="into").set_value("New collection…").run()
    page.text_area[0].set_value("The sea is blue.").run()
    page.text_input(key="new-name").set_value("seas").run()
    press(page, "Index 1 file")
    wait()
    assert shelf(own)["seas"] == ["pasted text.txt"]


def test_columns_of_a_table_are_chosen(own: Path) -> None:
    page = dropped(own, "words.csv", "word,colour\nsun,red\nsea,blue\n")
    assert "word: sun" in chunking_of(page)
    page.multiselect(key="text-words.csv").set_value(["colour"]).run()
    assert "sun" not in chunking_of(page)
    assert "red" in chunking_of(page)


def test_a_file_that_cannot_be_read_says_so_in_the_preview(own: Path) -> None:
    page = dropped(own, "bad.pdf", "%PDF-1.4")
    assert "bad.pdf is damaged" in said(page).replace("\\", "")
    assert not page.exception


@pytest.mark.parametrize("text", ["", "   "])
def test_nothing_to_cut_is_said(own: Path, text: str) -> None:
    page = dropped(own, "empty.txt", text)
    assert "empty.txt" in said(page).replace("\\", "")
    assert not page.exception
