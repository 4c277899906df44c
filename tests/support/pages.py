"""The pages as AppTest runs them: helpers, texts that no page may render, and records."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from core.indexing.jobs import IndexingQueue
from core.records.search import Hit, SearchResult, Timings
from core.settings import Settings
from core.workspace import Workspace
from pages.ui.page import jobs

ROOT = Path(__file__).parents[2]
EVIL = "# <script>alert(1)</script>\n\n**bold** $x^2$ :red[hi] <img src=x onerror=alert(1)> [link](javascript:alert(1))"
EVIL_NAME = "<b>*bold*</b> $y$ :red[x].md"
ODD = "odd *name* $a$ <b>"
HIT = Hit(1, "id", "a.txt", "d", None, None, 0, 4, "text", 1, 0.5, 1)


def page_of(author: str, day: str, text: str) -> bytes:
    head = f'<title>{author}</title><meta name="author" content="{author}"><meta name="date" content="{day}">'
    return f"<html><head>{head}</head><body><p>{text}</p></body></html>".encode()


FILES = {
    "kettle.html": page_of("Jane Doe", "2020-05-01", "Use vinegar to remove the lime of a kettle."),
    "bike.html": page_of("John Roe", "2011-01-01", "Pump the tyres of the bicycle to four bar."),
    "bike2.html": page_of("Ann Poe", "2015-07-30", "PUMP THE TYRES of the bicycle to four bar."),
}


def opened(script: str = "app.py", **parameters: str | list[str]) -> AppTest:
    """Return a page after its first run with these URL parameters."""
    page = AppTest.from_file(str(ROOT / script), default_timeout=60)
    for name, value in parameters.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


def wait() -> None:
    """Wait until all indexing jobs are over."""
    queue: IndexingQueue = jobs()
    for job in queue.all():
        job.wait(60)


def press(page: AppTest, label: str) -> AppTest:
    """Click the only button with this label."""
    found = [button for button in page.button if button.label == label]
    assert len(found) == 1, [button.label for button in page.button]
    found[0].click().run()
    assert not page.exception
    return page


def html(page: AppTest, holding: str) -> list[str]:
    """Return the HTML blocks that hold a text."""
    return [element.body for element in page.html if holding in element.body and "<style>" not in element.body]


def cards(page: AppTest) -> list[str]:
    """The HTML of the hits, best first."""
    return html(page, "rs-hit")


def said(page: AppTest) -> str:
    """Return all errors, warnings and hints."""
    return "\n".join(alert.value for alert in (*page.error, *page.warning, *page.info))


def address(page: AppTest) -> dict[str, list[str]]:
    found = page.query_params
    return {name: [found[name]] if isinstance(found[name], str) else found[name] for name in found}


def names(page: AppTest) -> list[str]:
    """The documents that the Library lists."""
    tables = [table.value for table in page.dataframe if "document" in table.value]
    return list(tables[0]["document"]) if tables else []


def shelf(own: Path) -> dict[str, list[str]]:
    """Return collections and their documents, as another process sees them."""
    workspace = Workspace.open(Settings(own))
    found = {
        collection.name: [document.name for document in workspace.documents(collection)]
        for collection in workspace.store.collections()
    }
    workspace.close()
    return found


def result(*hits: Hit, query: str = "q", collection: str = "c") -> SearchResult:
    return SearchResult(query, collection, "m", "cosine", hits, Timings(1, 2, 3))
