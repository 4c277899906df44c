"""The Map page in a browser: seconds to the first picture, to UMAP, and on the second opening; memory at the peak.

    python -m benchmarks.map_page --vectors FILE.npy --sizes 1000,10000,100000 [--pictures FOLDER]

``FILE.npy`` holds real vectors, shape (vectors, dimension); more than it has are mixed as benchmarks/mapping.py does.
They are stored as chunks in a collection of a new data folder. The first opening is that of a collection whose map was
never drawn, by a server that has just started and has models and plotly's script to load; the second is another
browser's, after another start.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.mapping import enlarged
from benchmarks.serving import served
from core.records.search import Chunk
from core.settings import BUILT_IN_MODEL, Settings
from core.workspace import Workspace

A_DOCUMENT = 50  # chunks
WORDS = [
    "salt",
    "river",
    "lamp",
    "engine",
    "moth",
    "treaty",
    "orbit",
    "bread",
    "violin",
    "nerve",
    "glacier",
    "code",
    "harbour",
    "enzyme",
    "market",
    "storm",
]
PATIENCE = 1800  # seconds


def fill(data: Path, vectors: np.ndarray) -> None:
    """Make a collection of chunks with these vectors; their texts are a few words each."""
    workspace = Workspace.open(Settings(data))
    encoder = workspace.models.get(BUILT_IN_MODEL)
    collection = workspace.store.create(
        "many", model=encoder.model, revision=encoder.revision, dimension=vectors.shape[1]
    )
    for first in range(0, len(vectors), 20_000):
        block = vectors[first : first + 20_000]
        chunks = [_chunk(first + at) for at in range(len(block))]
        names = {
            chunk.document_id: f"{WORDS[int(chunk.document_id) % len(WORDS)]}/{chunk.document_id}.txt"
            for chunk in chunks
        }
        workspace.store.add(collection, chunks, block, names)
    workspace.close()


def _chunk(number: int) -> Chunk:
    document, place = divmod(number, A_DOCUMENT)
    text = f"{WORDS[number % len(WORDS)]} and {WORDS[number * 7 % len(WORDS)]}, chunk {place} of document {document}"
    return Chunk(f"{number:032x}", str(document), place * 100, place * 100 + len(text), text, 12)


def peak(pid: int) -> float:
    """The most memory that a process has had, in GB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1e6


class Worker:
    """The most memory that the process which computes UMAP has had."""

    def __init__(self) -> None:
        self.peak = 0.0

    def look(self, server: int) -> None:
        """Note what the server's children have now."""
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, IndexError, StopIteration):
                if int((path / "stat").read_text().rpartition(")")[2].split()[1]) == server:
                    self.peak = max(self.peak, peak(int(path.name)))


def open_map(browser: Browser, address: str, query: str = "") -> tuple[Page, float]:
    """Open the page; return it with the seconds to the first picture."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    started = time.perf_counter()
    page.goto(f"{address}/map?collection=many&q={query}", timeout=PATIENCE * 1000)
    page.wait_for_selector(".rs-map[data-drawn]", timeout=PATIENCE * 1000)
    return page, time.perf_counter() - started


def come_back(browser: Browser, address: str) -> float:
    """Return the seconds from a click on the page's link to the picture, in a tab that has shown it once."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.goto(address, timeout=PATIENCE * 1000)
    took = 0.0
    for title in ("Map", "Library", "Map"):
        page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=PATIENCE * 1000)
        started = time.perf_counter()
        page.get_by_test_id("stSidebarNav").get_by_role("link", name=title).click()
        page.wait_for_selector(
            ".rs-map[data-drawn]", state="attached" if title == "Map" else "detached", timeout=PATIENCE * 1000
        )
        took = time.perf_counter() - started
    page.close()
    return took


def to_umap(page: Page, server: int, worker: Worker) -> float:
    """Return the seconds until UMAP's picture is drawn."""
    started = time.perf_counter()
    first = page.locator(".rs-map").get_attribute("data-drawn")
    waiting = page.get_by_text("this is PCA's picture")
    while waiting.count() or page.locator(".rs-map").get_attribute("data-drawn") == first:
        worker.look(server)
        time.sleep(0.2)
        if time.perf_counter() - started > PATIENCE:
            raise TimeoutError("UMAP's picture did not come")
    return time.perf_counter() - started


def measure(browser: Browser, data: Path, size: int, pictures: Path | None) -> str:
    """Return a line of the table."""
    worker = Worker()
    with served(data, data.with_suffix(".log")) as (address, server):
        page, first = open_map(browser, address)
        later = to_umap(page, server, worker) + first
        memory = peak(server)
        page.close()
    with served(data, data.with_suffix(".log")) as (address, _):
        page, second = open_map(browser, address)
        page.close()
        back = come_back(browser, address)
        page, _ = open_map(browser, address, "how+do+moths+find+light")
        if pictures:
            time.sleep(3)
            page.screenshot(path=str(pictures / f"map-{size}.png"))
        page.close()
    return f"| {size:,} | {first:.1f} | {later:.1f} | {second:.1f} | {back:.2f} | {memory:.1f} / {worker.peak:.1f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--pictures", type=Path)
    options = parser.parse_args()
    print(
        "| chunks | first picture, s | UMAP, s | second opening, new server, s | from another page of the app, s "
        "| peak of server / worker, GB |"
    )
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    chromium = next(path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name)))
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader"]
        )
        for size in (int(part) for part in options.sizes.split(",")):
            data = Path(folder) / str(size)
            fill(data, enlarged(np.load(options.vectors), size, seed=size))
            print(measure(browser, data, size, options.pictures), flush=True)
            shutil.rmtree(data)


if __name__ == "__main__":
    main()
