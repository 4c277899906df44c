"""The Library's cards, table of documents, reader, duplicate chunks, copies and exports."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.chunking.preview import segments
from core.indexing.indexer import index
from core.library.document_view import WINDOW, Opened, open_document
from core.library.duplicates import find_duplicates
from core.loading.sources import Upload
from core.records.document import Document, Page
from core.records.search import ChunkSettings, Collection, CollectionOptions
from core.settings import Settings
from core.store.documents import Entry
from core.workspace import Workspace
from pages.ui.html import chunking_html
from pages.ui.library.collections import card_html
from pages.ui.library.documents import document_table, group_html
from pages.ui.library.transfers import exports_folder, start_copy, start_export, transfers
from pages.ui.page import literal
from tests.support.fakes import FakeEncoder
from tests.support.pages import html, names, opened, press

EVIL = "<img src=x onerror=alert(1)>"


def tick(page: AppTest, column: str, row: int) -> AppTest:
    table = next(table for table in page.dataframe if column in table.value)
    assert table.key
    page.session_state[table.key] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    page.run()
    assert not page.exception
    return page


@pytest.mark.usefixtures("home_data")
def test_every_collection_is_a_card_and_can_be_opened() -> None:
    page = opened("pages/library.py")
    colours, home = html(page, "rs-card")
    for expected in (
        "colours",
        "1 document · 3 chunks · about ",
        "fake, 8 dimensions · dot product",
        "one chunk a section",
        "at most 8 tokens, 0 shared",
        "made 20",
    ):
        assert expected in colours
    assert "3 documents · 3 chunks" in home
    assert "rs-opened" in colours
    assert names(page) == ["colours.md"]
    next(button for button in page.button if button.label == "Open" and not button.disabled).click().run()
    assert names(page) == ["bike.html", "bike2.html", "kettle.html"]
    assert "rs-opened" in html(page, "rs-card")[1]


def collection(name: str = "c", **more: object) -> Collection:
    given = {"model": "m", "revision": "r", "dimension": 8, "metric": "cosine", "chunking": ChunkSettings(), **more}
    return Collection(name, "key", name, **given)  # type: ignore[arg-type]  # any of the fields


def test_a_card_escapes_what_it_shows() -> None:
    card = card_html(collection(EVIL, model=EVIL), 1, None, opened=False)
    assert "<img" not in card
    assert "about" not in card
    assert "made by another program" in card_html(collection(foreign=True), 0, 10, opened=True)


@pytest.mark.usefixtures("home_data")
def test_a_document_is_read_with_its_chunks() -> None:
    page = tick(opened("pages/library.py"), "document", 0)
    press(page, "Read with its chunks")
    assert any(header.value == literal("colours.md") for header in page.subheader)
    (shown_,) = html(page, "rs-cutting")
    assert shown_.count("rs-number") == 3
    assert ("rs-cut-a" in shown_, "rs-cut-b" in shown_, "rs-unread" in shown_) == (True, True, False)
    table = next(table.value for table in page.dataframe if "begins" in table.value)
    assert list(table["heading"]) == ["Red", "Green", "Blue"]
    press(page, "Back to the documents")
    assert names(page) == ["colours.md"]


def reading(text: str, pages: tuple[Page, ...] = (), size: int = 20) -> Opened:
    from core.chunking.chunker import chunk_document
    from tests.support.fakes import WordTokens

    document = Document("a", text, pages)
    return Opened(document, tuple(chunk_document(document, ChunkSettings(size, size // 4), WordTokens())))


@pytest.mark.parametrize(
    ("text", "size"),
    [("word " * 20_000, 20), ("& " * 20_000, 8), ("<b>" * 20_000, 200), ("字" * 40_000, 200), ("a\n\n" * 10_000, 8)],
)
def test_a_window_is_never_more_than_60_kb_and_none_of_the_text_is_lost(text: str, size: int) -> None:
    one = reading(text, size=size)
    windows = one.windows
    assert "".join(text[window.start : window.end] for window in windows) == text
    drawn = [chunking_html(text, one.chunks, segments(one.chunks, window.start, window.end)) for window in windows[:5]]
    assert max(len(html.encode()) for html in drawn) <= 60_000


def test_windows_follow_pages() -> None:
    text = "x" * 10 + "y" * (WINDOW + 10) + "z"
    pages = (Page(0, 10, 1), Page(10, WINDOW + 20, 2), Page(WINDOW + 20, WINDOW + 21, 3))
    assert [(window.page, window.end - window.start) for window in Opened(Document("a", text, pages), ()).windows] == [
        (1, 10),
        (2, WINDOW),
        (2, 10),
        (3, 1),
    ]


def pager() -> None:
    from core.library.document_view import WINDOW, Opened
    from core.records.document import Document, Page
    from pages.ui.library.reader import _choose_window

    pages = (Page(0, 10, 1), Page(10, WINDOW + 20, 2), Page(WINDOW + 20, WINDOW + 21, 3))
    _choose_window(Opened(Document("a", "y" * (WINDOW + 21), pages), ()), "a")


def test_the_pager_counts_parts_where_a_page_takes_several() -> None:
    page = AppTest.from_function(pager).run()
    assert [caption.value for caption in page.caption] == ["part 1 of 4 · page 1 of 3 · characters 0 to 10 of 6,021"]


def test_an_opened_document_has_its_chunks_by_place(workspace: Workspace) -> None:
    index(
        workspace,
        workspace.open_or_create("c", CollectionOptions(size=8, overlap=2)),
        [Upload("a.txt", ("red green blue sun moon sea tree stone. " * 5).encode())],
    )
    held = workspace.store.collection("c")
    (document,) = workspace.documents(held)
    one = open_document(workspace, held, document.document_id)
    assert len(one.chunks) == document.chunks > 3
    assert [chunk.text for chunk in one.chunks] == [one.document.text[chunk.start : chunk.end] for chunk in one.chunks]
    assert [chunk.start for chunk in one.chunks] == sorted(chunk.start for chunk in one.chunks)


def fill(workspace: Workspace, many: int) -> Collection:
    held = workspace.open_or_create("many")
    dates = ("2020-01-31", "2021-02-28")
    entries = [
        Entry(
            Document(
                f"{at}",
                f"text {at}",
                metadata={"author": f"Author {at % 100}", "year": 2000 + at % 20, "date": dates[at % 2]},
            ),
            f"folder/file {at:05}.txt",
            1,
        )
        for at in range(many)
    ]
    workspace.document_store.begin(held.key, entries)
    workspace.document_store.finish(held.key, [entry.document.id for entry in entries], [])
    return held


def test_the_table_of_10_000_documents_is_made_once_and_found_in_quickly(workspace: Workspace) -> None:
    st.cache_data.clear()
    held = fill(workspace, 10_000)
    table = document_table(held.key, workspace.document_store.stamp, workspace)
    assert len(table) == 10_000
    assert list(table.columns[2:6]) == ["document", "author", "date", "year"]
    started = time.process_time()
    again = document_table(held.key, workspace.document_store.stamp, workspace)
    found = again[again["_text"].str.contains("author 7", regex=False)]
    assert time.process_time() - started < 0.5  # measured: 0.03
    assert len(found) == 1100
    workspace.document_store.remove(held.key, [table["_id"][0]])
    assert len(document_table(held.key, workspace.document_store.stamp, workspace)) == 9_999
    assert workspace.document_store.count(held.key) == 9_999


def test_documents_are_found_by_name_and_metadata(home_data: Path) -> None:
    workspace = Workspace.open(Settings(home_data), loader=lambda model: FakeEncoder())
    workspace.delete_collection("home")
    fill(workspace, 12)
    workspace.close()
    page = opened("pages/library.py")
    page.selectbox(key="shelf").set_value("many").run()
    assert len(names(page)) == 12
    (box,) = [box for box in page.text_input if box.label == "Find documents"]
    box.set_value("AUTHOR 2021 0001").run()
    assert names(page) == ["folder/file 00001.txt", "folder/file 00011.txt"]
    assert any("2 of 12 documents" in caption.value for caption in page.caption)


@pytest.mark.usefixtures("home_data")
def test_equal_chunks_are_found_on_the_page() -> None:
    page = opened("pages/library.py")
    page.selectbox(key="shelf").set_value("home").run()
    page.toggle(key="duplicates").set_value(True).run()
    press(page, "Look")
    _, task = page.session_state["duplicates-task"]
    task.wait(60)
    page.run()
    (group,) = html(page, "rs-twins")
    assert "same text" in group
    assert "bike2.html" in group
    assert any("1 group among 3 chunks" in caption.value for caption in page.caption)


def test_a_group_escapes_what_it_shows(workspace: Workspace) -> None:
    index(
        workspace,
        workspace.open_or_create("c"),
        [Upload(f"{EVIL}{at}.txt".replace("/", ""), f"red {EVIL}{' ' * at}".encode()) for at in range(2)],
    )
    (group,) = find_duplicates(workspace, workspace.store.collection("c")).groups
    assert "<img" not in group_html(group)


def test_a_collection_is_copied_and_exported_in_the_background(workspace: Workspace) -> None:
    transfers.clear()
    index(workspace, workspace.open_or_create("c"), [Upload("a.txt", b"red"), Upload("b.txt", b"green")])
    start_copy(workspace, workspace.store.collection("c"), "d", CollectionOptions(metric="dot"))
    start_export(workspace, workspace.store.collection("c"))
    exporting, copying = transfers().all()
    exporting.wait(60)
    assert [(job.state, job.error, job.share) for job in (copying, exporting)] == [("done", "", 1)] * 2
    assert workspace.store.collection("d").metric == "dot"
    assert copying.export is None
    assert exporting.export is not None
    assert exporting.export.read_bytes()[:2] == b"PK"
    transfers.clear()


def test_what_a_process_that_ended_has_left_goes_and_what_this_one_makes_stays(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "tmp1.zip").write_bytes(b"an upload that was never read")
    folder = exports_folder(tmp_path)
    assert list(folder.iterdir()) == []
    (folder / "export-1.zip").write_bytes(b"waits to be downloaded")
    assert [path.name for path in exports_folder(tmp_path).iterdir()] == ["export-1.zip"]
