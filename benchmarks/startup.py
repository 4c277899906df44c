"""Seconds from ``streamlit run`` to the first hits on screen, in headless Chromium.

    python -m benchmarks.startup [--rounds N]

The first round also makes the collection: a first start. The others are later starts.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from playwright.sync_api import sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def first_hits(data: str) -> float:
    """Start the app on ``data`` and return the seconds until hits are on screen."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "app.py",
        "--server.headless",
        "true",
        "--server.port",
        str(port),
    ]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page()
        started = time.perf_counter()
        server = subprocess.Popen(
            command, env={**os.environ, "RANKSCOPE_DATA": data}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            page.goto(f"http://127.0.0.1:{port}")
            page.wait_for_selector(".rs-hit", timeout=180_000)
            return time.perf_counter() - started
        finally:
            server.terminate()
            server.wait()
            browser.close()


def main() -> None:
    """Measure, and print a line for each round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4)
    with tempfile.TemporaryDirectory() as data:
        for number in range(parser.parse_args().rounds):
            print(f"| {'first start' if number == 0 else 'later start'} | {first_hits(data):.1f} |")


if __name__ == "__main__":
    main()
