"""A first start to the last click, in a real browser: the steps build on each other, in this order."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, expect
from playwright.sync_api import TimeoutError as TooLate

pytestmark = pytest.mark.browser
SLOW = 180_000  # milliseconds: a busy processor without bfloat16 takes a minute to index the sample library
MINE = "*my* files $1$ :smile:"  # Markdown would show it otherwise
FILE = "<b>lights</b>.pdf"
PAGES = (  # so long that each becomes a chunk of its own
    f"<p>{'The keeper of the lighthouse at Skerryvore trimmed the wick of the lamp every four hours. ' * 9}</p>"
    "<p style='break-before: page'>"
    f"{'A foghorn warns ships with sound &lt;script&gt;alert(1)&lt;/script&gt; when fog hides the beam. ' * 9}</p>"
)


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(SLOW)
    yield context.new_page()
    context.close()


def settled(page: Page) -> None:
    """Wait until the script has run."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')


def go(page: Page, title: str) -> None:
    """Switch to another page.

    A click that meets the end of a background job is lost now and then; then click again, as a person would.
    """
    settled(page)
    for _ in range(4):
        page.get_by_test_id("stSidebarNav").get_by_role("link", name=title).click()
        try:
            page.get_by_role("heading", name=title, exact=True).wait_for(timeout=15_000)
        except TooLate:
            continue
        break
    expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
    settled(page)


def open_list(page: Page, name: str) -> None:
    """Open a list of choices, again where a redrawn page closed it."""
    for _ in range(5):
        page.get_by_role("combobox", name=name, exact=True).click()
        try:
            page.get_by_role("option").first.wait_for(timeout=6_000)
        except TooLate:
            continue
        return
    raise AssertionError(f"the list {name} does not stay open")


def texts(page: Page) -> list[str]:
    return page.locator(".rs-hit").all_inner_texts()


def test_a_first_start_shows_hits_by_itself(page: Page, app: str) -> None:
    page.goto(app)
    expect(page.get_by_text("Indexing 82 files into sample-library")).to_be_visible(timeout=SLOW)
    page.wait_for_selector(".rs-hit")
    expect(page.locator(".rs-hit")).to_have_count(10)
    assert "space/voyager-2.md" in texts(page)[0]


def test_hits_are_downloaded(page: Page) -> None:
    settled(page)
    with page.expect_download() as waited:
        page.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(waited.value.path()).read_text(encoding="utf-8-sig"), newline="")))
    assert [row["rank"] for row in rows] == [str(rank) for rank in range(1, 11)]
    assert rows[0]["document"] == "space/voyager-2.md"


def test_a_pdf_is_uploaded_and_indexed(page: Page, browser: Browser, tmp_path: Path) -> None:
    maker = browser.new_page()
    maker.set_content(PAGES)
    pdf = maker.pdf()
    maker.close()
    go(page, "Library")
    page.locator('input[type="file"]').first.set_input_files(
        {"name": FILE, "mimeType": "application/pdf", "buffer": pdf}
    )
    expect(page.get_by_role("button", name="Index 1 file")).to_be_enabled()
    expect(page.locator(".rs-cutting")).to_contain_text("The keeper of the lighthouse", timeout=SLOW)
    before = page.locator(".rs-number").count()
    slider = page.get_by_role("slider", name="Most tokens in a chunk")
    slider.focus()
    slider.press("Home")  # 16 tokens
    expect(page.locator(".rs-number")).not_to_have_count(before, timeout=SLOW)
    for _ in range(200 - 16):
        slider.press("ArrowRight")
    expect(page.locator(".rs-number")).to_have_count(before, timeout=SLOW)
    page.get_by_label("Name of the new collection").fill(MINE)
    page.get_by_role("button", name="Index 1 file").click()
    expect(page.get_by_text(f"{MINE}: 1 indexed", exact=True)).to_be_visible(timeout=SLOW)


def test_a_hit_names_its_page_and_is_shown_in_context(page: Page) -> None:
    go(page, "Search")
    open_list(page, "Collection")
    page.get_by_role("option", name=MINE, exact=True).click()
    page.get_by_label("Query").fill("How are ships warned in fog?")
    page.keyboard.press("Enter")
    hit = page.locator(".rs-hit").filter(has_text="foghorn").first
    expect(hit).to_contain_text("page 2", timeout=SLOW)
    expect(hit).to_contain_text(FILE)
    expect(hit).to_contain_text("<script>alert(1)</script>")
    settled(page)
    page.get_by_role("button", name="Show in context").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(f"{FILE}, page 2 of 2")).to_be_visible()
    expect(dialog.locator(".rs-chunk")).to_contain_text("foghorn warns ships")
    expect(dialog.locator(".rs-faint").first).to_contain_text("The keeper of the lighthouse")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_an_address_shows_another_person_the_same(page: Page, browser: Browser) -> None:
    assert parse_qs(urlsplit(page.url).query) == {
        "q": ["How are ships warned in fog?"],
        "collection": [MINE],
        "hits": ["10"],
    }
    other = browser.new_page()
    other.goto(page.url)
    other.wait_for_selector(".rs-hit", timeout=SLOW)
    expect(other.locator(".rs-hit")).to_have_count(page.locator(".rs-hit").count())
    assert texts(other) == texts(page)
    other.close()


def test_the_way_back_leads_to_the_query_before(page: Page) -> None:
    page.get_by_label("Query").fill("lamp")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("q=lamp"))
    settled(page)
    page.go_back()
    expect(page.get_by_label("Query")).to_have_value("How are ships warned in fog?")
    settled(page)


def test_names_in_messages_are_word_for_word(page: Page, app: str) -> None:
    evil = "*a* $b$ :smile: :material/home: :red[c] <b> `d` www.x.org a@x.org -> [e](f)"
    page.goto(f"{app}/?{urlencode({'collection': evil})}")
    alert = page.get_by_test_id("stAlert").filter(has_text="There is no collection")
    expect(alert).to_be_visible(timeout=SLOW)
    assert evil in alert.inner_text().replace("\u2060", "")
    assert alert.locator("a, em, code").count() == 0


def test_a_collection_is_deleted_after_confirming(page: Page) -> None:
    settled(page)
    go(page, "Library")
    open_list(page, "Collection")
    page.get_by_role("option", name=MINE, exact=True).click()
    expect(page.get_by_text("chunks of up to 200 tokens")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Delete this collection").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(f"This deletes the collection {MINE} with")).to_be_visible()
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(dialog).to_have_count(0)
    settled(page)
    open_list(page, "Collection")
    expect(page.get_by_role("option")).to_have_text(["sample-library"])
    page.keyboard.press("Escape")


def test_nothing_leaves_the_machine(browser: Browser, app: str) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    other = browser.new_page()
    other.on("request", note)
    other.goto(app)
    other.wait_for_selector(".rs-hit", timeout=SLOW)
    go(other, "Library")
    other.close()
    assert asked
    assert [url for url in asked if not url.startswith((app, "data:", "blob:"))] == []


def test_compare_draws_both_orders_and_scores_pairs(page: Page) -> None:
    go(page, "Compare")
    page.get_by_label("Query").fill("Which planet is the hottest?")
    page.keyboard.press("Enter")
    slopes = page.locator(".st-key-slopes .js-plotly-plot")
    expect(slopes).to_be_visible(timeout=SLOW)
    expect(slopes).to_contain_text("cross-encoder, by its score")
    settled(page)
    expect(slopes).not_to_contain_text("BM25")
    page.get_by_text("BM25 too").click()
    expect(slopes.filter(has_text="BM25")).to_be_visible(timeout=SLOW)
    settled(page)
    expect(slopes).to_have_count(1)  # while the words are counted, the old chart stands beside the new one
    page.get_by_test_id("stButtonGroup").get_by_text("Pairs", exact=True).click()
    expect(page.get_by_text("A gallery of tricky pairs")).to_be_visible(timeout=SLOW)
    settled(page)
    for model, measure in (("bi-encoder", "cosine"), ("cross-encoder", "probability")):
        own = page.locator(".rs-verdict").filter(has_text=model)
        expect(own.first).to_contain_text(measure)
        expect(own.nth(1)).to_contain_text(re.compile(r"\d\.\d\d"))


def test_search_shows_how_far_the_cross_encoder_moved_each_hit(page: Page) -> None:
    go(page, "Search")
    page.get_by_label("Query").fill("Which planet is the hottest?")
    page.keyboard.press("Enter")
    expect(page.locator(".rs-hit")).to_have_count(10, timeout=SLOW)
    expect(page.locator(".rs-move")).to_have_count(0)
    settled(page)
    page.get_by_text("Rerank with the cross-encoder").click()
    expect(page.locator(".rs-move")).to_have_count(10, timeout=SLOW)
    expect(page.get_by_text("rerank 50 pairs")).to_be_visible()
    settled(page)
    assert all(re.fullmatch(r"up \d+|down \d+|same", move) for move in page.locator(".rs-move").all_inner_texts())
    assert parse_qs(urlsplit(page.url).query)["rerank"] == ["1"]
