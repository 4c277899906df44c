"""The Library's cards, its table of documents, the reading view, and chunks that say the same; filters on Search."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.chunking.preview import segments
from core.indexing.indexer import index
from core.library.document_view import WINDOW, Opened, open_document
from core.library.duplicates import find_duplicates
from core.loading.sources import Upload
from core.records.document import Document, Page, Value
from core.records.filters import FieldValue, Filter, group_fields
from core.records.search import ChunkSettings, Collection, CollectionOptions
from core.settings import Settings
from core.store.documents import Entry
from core.workspace import Workspace
from pages.ui.filters import range_filter, widget_value
from pages.ui.html import chunking_html, hit_card, metadata_html
from pages.ui.library.collections import card_html
from pages.ui.library.documents import document_table, group_html
from pages.ui.library.transfers import exports_folder, start_copy, start_export, transfers
from pages.ui.page import literal
from tests.pages.test_html import HIT
from tests.pages.test_search import html, press, said
from tests.pages.test_search import opened as opened_page
from tests.support.fakes import FakeEncoder

EVIL = "<img src=x onerror=alert(1)>"


def page_of(author: str, day: str, text: str) -> bytes:
    return f'<html><head><title>{author}</title><meta name="author" content="{author}"><meta name="date" content="{day}"></head><body><p>{text}</p></body></html>'.encode()


FILES = {
    "kettle.html": page_of("Jane Doe", "2020-05-01", "Use vinegar to remove the lime of a kettle."),
    "bike.html": page_of("John Roe", "2011-01-01", "Pump the tyres of the bicycle to four bar."),
    "bike2.html": page_of("Ann Poe", "2015-07-30", "PUMP THE TYRES of the bicycle to four bar."),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library-page")
    opened = Workspace.open(Settings(folder))
    index(opened, opened.open_or_create("home"), [Upload(name, data) for name, data in FILES.items()])
    opened.close()
    fake = Workspace.open(Settings(folder), loader=lambda model: FakeEncoder())
    text = b"# Red\n\nred red red\n\n# Green\n\ngreen green green\n\n# Blue\n\nblue blue blue"
    index(
        fake,
        fake.open_or_create(
            "colours", CollectionOptions(model="fake", metric="dot", method="sections", size=8, overlap=0)
        ),
        [Upload("colours.md", text)],
    )
    fake.close()
    return folder


@pytest.fixture
def data(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "data"
    shutil.copytree(made, folder)
    monkeypatch.setenv("RANKSCOPE_DATA", str(folder))
    for name in ("RANKSCOPE_PRECISION", "RANKSCOPE_DEVICE", "RANKSCOPE_MODEL"):
        monkeypatch.delenv(name, raising=False)
    st.cache_resource.clear()
    st.cache_data.clear()
    yield folder
    st.cache_resource.clear()


def opened(script: str = "pages/library.py", **parameters: str | list[str]) -> AppTest:
    return opened_page(script, **parameters)


def names(page: AppTest) -> list[str]:
    tables = [table.value for table in page.dataframe if "document" in table.value]
    return list(tables[0]["document"]) if tables else []


def tick(page: AppTest, column: str, row: int) -> AppTest:
    table = next(table for table in page.dataframe if column in table.value)
    assert table.key
    page.session_state[table.key] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    page.run()
    assert not page.exception
    return page


@pytest.mark.usefixtures("data")
def test_every_collection_is_a_card_and_can_be_opened() -> None:
    page = opened()
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
    return Collection(name, "key", name, **given)  # type: ignore[arg-type]


def test_a_card_escapes_what_it_shows() -> None:
    card = card_html(collection(EVIL, model=EVIL), 1, None, opened=False)
    assert "<img" not in card
    assert "about" not in card
    assert "made by another program" in card_html(collection(foreign=True), 0, 10, opened=True)


@pytest.mark.usefixtures("data")
def test_a_document_is_read_with_its_chunks() -> None:
    page = tick(opened(), "document", 0)
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
    workspace.shelf.begin(held.key, entries)
    workspace.shelf.finish(held.key, [entry.document.id for entry in entries], [])
    return held


def test_the_table_of_10_000_documents_is_made_once_and_found_in_quickly(workspace: Workspace) -> None:
    st.cache_data.clear()
    held = fill(workspace, 10_000)
    table = document_table(held.key, workspace.shelf.stamp, workspace)
    assert len(table) == 10_000
    assert list(table.columns[2:6]) == ["document", "author", "date", "year"]
    started = time.process_time()
    again = document_table(held.key, workspace.shelf.stamp, workspace)
    found = again[again["_text"].str.contains("author 7", regex=False)]
    assert time.process_time() - started < 0.5  # measured: 0.03
    assert len(found) == 1100
    workspace.shelf.forget(held.key, [table["_id"][0]])
    assert len(document_table(held.key, workspace.shelf.stamp, workspace)) == 9_999
    assert workspace.shelf.count(held.key) == 9_999


def test_documents_are_found_by_name_and_metadata(data: Path) -> None:
    workspace = Workspace.open(Settings(data), loader=lambda model: FakeEncoder())
    workspace.delete_collection("home")
    fill(workspace, 12)
    workspace.close()
    page = opened()
    page.selectbox(key="shelf").set_value("many").run()
    assert len(names(page)) == 12
    (box,) = [box for box in page.text_input if box.label == "Find documents"]
    box.set_value("AUTHOR 2021 0001").run()
    assert names(page) == ["folder/file 00001.txt", "folder/file 00011.txt"]
    assert any("2 of 12 documents" in caption.value for caption in page.caption)


@pytest.mark.usefixtures("data")
def test_equal_chunks_are_found_on_the_page() -> None:
    page = opened()
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


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("where", "found"),
    [
        (["author=Jane Doe"], ["kettle.html"]),
        (["date>=2015"], ["kettle.html", "bike2.html"]),
        (["author in John Roe,Ann Poe", "date<=2012"], ["bike.html"]),
    ],
)
def test_an_address_filters_the_hits(where: list[str], found: list[str]) -> None:
    page = opened("pages/search.py", q="tyres", collection="home", where=where)
    cards = html(page, "rs-hit")
    assert sorted(name for name in FILES if any(f">{name}<" in card for card in cards)) == sorted(found)
    assert len(cards) == len(found)
    kept = page.query_params["where"]
    assert ([kept] if isinstance(kept, str) else kept) == where
    assert said(page) == ""


@pytest.mark.usefixtures("data")
def test_a_filter_is_chosen_by_widgets_and_taken_off() -> None:
    page = opened("pages/search.py", q="tyres", collection="home", where=["author=Jane Doe"])
    author = next(widget for widget in page.multiselect if widget.label == "author")
    assert author.value == ["Jane Doe"]
    author.set_value(["Jane Doe", "Ann Poe"]).run()
    assert page.session_state["where"] == ["author in Jane Doe,Ann Poe"]
    assert len(html(page, "rs-hit")) == 2
    assert any("<i>author</i> Ann Poe" in card for card in html(page, "rs-hit"))
    page.multiselect(key="where-fields").set_value(["author", "date"]).run()
    assert [widget.label for widget in page.date_input] == ["date"]
    assert page.session_state["where"] == ["author in Jane Doe,Ann Poe"]
    page.multiselect(key="where-fields").set_value(["date"]).run()
    assert page.session_state["where"] == []
    assert len(html(page, "rs-hit")) == 3


@pytest.mark.usefixtures("data")
def test_an_empty_result_names_the_filter_and_offers_to_search_without_it() -> None:
    page = opened("pages/search.py", q="tyres", collection="home", where=["author=Nobody", "author!=Jane Doe"])
    assert literal(
        "No chunk was found whose metadata fits the filter: author is Nobody, and author is not Jane Doe"
    ) in said(page)
    press(page, "Search without the filter")
    assert len(html(page, "rs-hit")) == 3


@pytest.mark.usefixtures("data")
def test_an_unusable_filter_of_an_address_is_explained_and_dropped() -> None:
    page = opened("pages/search.py", q="tyres", collection="home", where=["colour=red", "author>=M"])
    assert literal("There is no metadata field 'colour'") in said(page)
    assert literal("author holds words") in said(page)
    assert len(html(page, "rs-hit")) == 3
    assert page.session_state["where"] == []


BOOKS: list[dict[str, Value]] = [
    {"year": 2000, "date": "2000-01-15", "kind": "a"},
    {"year": 2010, "date": "2010-12-31", "kind": "b"},
]
YEAR, DATE, KIND = (
    next(
        field
        for field in group_fields((n, FieldValue(v, 1)) for book in BOOKS for n, v in book.items())
        if field.name == name
    )
    for name in ("year", "date", "kind")
)


@pytest.mark.parametrize(
    "asked",
    [
        Filter("year", "at least", (2003,)),
        Filter("year", "at most", (2003,)),
        Filter("year", "between", (2003, 2005)),
        Filter("year", "equal", (2003,)),
    ],
)
def test_a_slider_shows_what_is_asked(asked: Filter) -> None:
    value = widget_value(YEAR, [asked])
    assert isinstance(value, tuple)
    assert range_filter(YEAR, value) == asked


def test_widgets_show_what_they_can() -> None:
    from datetime import date

    assert widget_value(YEAR, []) == (2000, 2010)
    assert range_filter(YEAR, (2000, 2010)) is None
    assert range_filter(YEAR, (2003, 2010 - 1e-9)) == Filter("year", "at least", (2003,))
    assert widget_value(DATE, [Filter("date", "between", ("2001", "2004-02"))]) == (date(2001, 1, 1), date(2004, 2, 29))
    assert range_filter(DATE, (date(2001, 1, 1), date(2010, 12, 31))) == Filter("date", "at least", ("2001-01-01",))
    assert widget_value(KIND, [Filter("kind", "one of", ("a", "z"))]) == ["a", "z"]
    for field, asked in (
        (YEAR, Filter("year", "not", (2000,))),
        (YEAR, Filter("year", "equal", (1900,))),
        (YEAR, Filter("year", "one of", (2000, 2010))),
        (DATE, Filter("date", "equal", ("2001",))),
        (DATE, Filter("date", "at least", ("2001-13",))),
        (KIND, Filter("kind", "not", ("a",))),
    ):
        assert widget_value(field, [asked]) is None
    assert widget_value(YEAR, [Filter("year", "at least", (2001,)), Filter("year", "at most", (2003,))]) is None


def test_a_hit_shows_its_metadata_and_the_tables_header_escaped() -> None:
    from dataclasses import replace

    card = hit_card(
        replace(HIT, carried=f"name | {EVIL}", metadata={"author": EVIL, EVIL: "x", "year": 2020.0, "ok": True}),
        "",
        "cosine",
        0.5,
    )
    assert "<img" not in card
    for expected in ("<i>author</i> &lt;img", "<i>year</i> 2020<", "<i>ok</i> true", "name | &lt;img"):
        assert expected in card
    assert metadata_html({}) == ""
    assert "…</span>" in metadata_html({"title": "long " * 100})
