"""A server whose first visitor comes by a deep link, as after a restart with a page still open."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from benchmarks.serving import served
from tests.e2e.test_browser import SLOW

pytestmark = pytest.mark.browser


def test_the_pages_are_listed_by_their_names(browser: Browser, tmp_path: Path) -> None:
    with served(tmp_path / "data", tmp_path / "log.txt") as (address, _):
        page = browser.new_page()
        page.goto(f"{address}/library")
        expect(page.get_by_role("heading", name="Library", exact=True)).to_be_visible(timeout=2 * SLOW)
        links = page.get_by_test_id("stSidebarNav").get_by_role("link")
        expect(links).to_have_text(["Search", "Compare", "Map", "Evaluate", "Library"], timeout=SLOW)
        assert page.url.startswith(f"{address}/library")
        page.close()
