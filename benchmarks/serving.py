"""A running app on a data folder, for what is measured and tested in a browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).parent.parent
PATIENCE = 60  # seconds, on a busy machine


@contextmanager
def served(data: Path, log: Path) -> Iterator[tuple[str, int]]:
    """Run the app on the data folder ``data`` with no other setting; yield its address and process id.

    Its output goes to ``log``. Raises RuntimeError, with that output, if it does not answer.
    """
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RANKSCOPE_")}
    streamlit = [sys.executable, "-m", "streamlit", "run", "app.py"]
    command = [*streamlit, "--server.port", str(port), "--server.headless", "true"]
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, env={**environment, "RANKSCOPE_DATA": str(data)}
        )
    try:
        _wait_for(server, f"{address}/_stcore/health", log)
        yield address, server.pid
    finally:
        server.terminate()
        server.wait(PATIENCE)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def _wait_for(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            with urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"The app does not answer:\n{log.read_text()}")
