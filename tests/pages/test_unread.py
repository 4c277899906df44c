"""What the models do not read is told on the pages: unknown words, queries that are cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.chunking.preview import segments
from core.errors import StoreError
from core.indexing.indexer import index
from core.library.document_view import open_document, unknown_in_chunks
from core.loading.sources import Upload
from core.records.search import SearchResult, UnknownText
from core.settings import Settings
from core.workspace import Workspace
from pages.ui.html import chunking_html, hit_card, hit_line, unknown_html
from pages.ui.page import literal
from tests.support.pages import HIT, cards, opened, said

pytestmark = pytest.mark.usefixtures("fresh_server")
FILES = {
    "thai.txt": "เรือออกจากท่าเรือทุกเช้าเวลาเจ็ดโมง",
    "hindi.txt": "हिन्दी में समय सारणी घाट पर लगी है। हम दही नहीं बेचते।",
    "ferry.txt": "The ferry leaves the pier every morning at seven.",
}
LONG = " ".join(["ferry"] * 300 + ["pier"] * 20)


@pytest.fixture(scope="module")
def tongues(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tongues")
    workspace = Workspace.open(Settings(folder))
    for name in ("one", "two"):
        index(workspace, workspace.open_or_create(name), [Upload(n, text.encode()) for n, text in FILES.items()])
    workspace.close()
    return folder


@pytest.fixture(autouse=True)
def _data(tongues: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANKSCOPE_DATA", str(tongues))


def test_a_chunk_and_a_query_that_the_model_cannot_read_have_warnings() -> None:
    page = opened("pages/search.py", q="ท่าเรือ", collection="one")
    by_name = {name: card for card in cards(page) for name in FILES if name in card}
    assert "The bi-encoder cannot read this chunk: it does not know" in by_name["thai.txt"]
    assert "<mark>ท่าเรือ</mark>ทุก" in by_name["thai.txt"]
    assert "cannot read" not in by_name["ferry.txt"]
    page.text_input(key="q").set_value(FILES["thai.txt"]).run()
    assert "It cannot read this query" in said(page)


def test_whole_words_are_marked_in_a_hit() -> None:
    page = opened("pages/search.py", q="हिन्दी में दही", collection="one")
    card = next(card for card in cards(page) if "hindi.txt" in card)
    assert card.count("<mark>") == 2
    assert "<mark>हिन्दी</mark> में" in card
    assert "<mark>दही</mark> नहीं" in card


@pytest.mark.parametrize("script", ["pages/search.py", "pages/compare.py", "pages/map.py"])
def test_the_end_of_a_long_query_is_told(script: str) -> None:
    page = opened(script, q=LONG, collection="one")
    assert literal("read the first") in said(page)
    assert literal("of the query's 320 tokens. Not read: “ferry") in said(page)


def test_the_end_of_a_long_text_of_a_pair_is_told() -> None:
    page = opened("pages/compare.py", view="Pairs")
    page.text_area(key="pair-first").set_value(LONG).run()
    page.text_area(key="pair-second").set_value("ស្រលាញ់").run()
    assert literal("all-MiniLM-L6-v2 does not read all of the first sentence. Not read: “ferry") in said(page)
    assert literal("does not know 1 of 1 word of the second sentence: “ស្រលាញ់”") in said(page)


def test_many_queries_on_the_map_are_told_of_together() -> None:
    page = opened("pages/map.py", view="Many queries", collection="one")
    page.text_area(key="map-queries").set_value(f"ferry\n{LONG}\nស្រលាញ់").run()
    assert literal("So with 1 more query.") in said(page)
    assert literal("read the first") in said(page)


def test_a_reranked_result_names_its_own_collection() -> None:
    page = opened("pages/search.py", q="ferry", collection="one", rerank="1")
    page.selectbox(key="collection").set_value("two").run()
    results: dict[str, SearchResult] = page.session_state["reranked"]
    assert sorted(result.collection for result in results.values()) == ["one", "two"]


def test_bm25_that_fails_is_an_error_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> dict[str, int]:
        raise StoreError("The texts cannot be read")

    monkeypatch.setattr("pages.ui.compare.one_query.bm25_ranks", fail)
    page = opened("pages/compare.py", q="ferry", collection="one", bm25="1")
    assert "The texts cannot be read" in said(page)


def test_the_reader_marks_what_the_model_cannot_read(tongues: Path) -> None:
    workspace = Workspace.open(Settings(tongues))
    collection = workspace.store.collection("one")
    opened_document = open_document(workspace, collection, "thai.txt")
    unknown = unknown_in_chunks(workspace, collection, opened_document)
    assert [one is not None and one.mostly for one in unknown] == [True]
    text, chunks = opened_document.document.text, opened_document.chunks
    assert "the model cannot read it" in chunking_html(text, chunks, segments(chunks, 0, len(text)), unknown)
    english = open_document(workspace, collection, "ferry.txt")
    assert unknown_in_chunks(workspace, collection, english) == [None]
    workspace.close()


def test_a_warning_is_escaped_and_told_in_lines_too() -> None:
    unknown = UnknownText(2, 2, 2, 2, ("<b>", "ა"))
    hit = replace(HIT, unknown=unknown)
    assert "&lt;b&gt;" in unknown_html(unknown)
    assert "<b>, " not in hit_card(hit, "x", "cosine", 1.0)
    assert "cannot read" in hit_line(hit)
    assert unknown_html(UnknownText(9, 1, 9, 1, ("ა",)), brief=True) == ""
    assert "1 of 9 words" in unknown_html(UnknownText(9, 1, 9, 1, ("ა",)))
