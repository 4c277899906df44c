"""A process of its own for what takes long: ``python -m core.projection._worker``, started by jobs.py.

It reads tasks, lines of JSON, from its input, and writes its progress as lines of JSON to its output: ``{"stage": ..., "share": ...}``,
at the end of each task ``{"done": true}`` or ``{"error": "what happened"}``. The result goes to where the task says. Compiled loops
hold Python's lock, so that a page would stand still beside them in one process, and a process can be ended at any moment.
It waits a while for another task, since loading and compiling take longer than a small picture.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from core.errors import MapError, RankscopeError
from core.projection.cache import load_layout, save_clusters, save_layout
from core.projection.clusters import make_clusters
from core.projection.layouts import lay_out
from core.projection.points import load_points
from core.projection.records import LayoutSettings, Points
from core.store.documents import DOCUMENTS_FILE, DocumentStore
from core.util.progress import StageReport

Run = Callable[[dict[str, Any], StageReport], None]
IDLE = 120.0  # seconds
ORPHANED = 3  # exit status
_POLITENESS = 5  # searches and pages come first


def layout_task(data: Path, points: Points, settings: LayoutSettings) -> dict[str, Any]:
    """Return the task of laying out ``points``, which are kept in the data folder ``data``."""
    return {
        "name": "layout",
        "data": str(data.absolute()),
        "key": points.key,
        "digest": points.digest,
        "settings": asdict(settings),
    }


def run_layout(task: dict[str, Any], report: StageReport) -> None:
    """Lay out, and keep the layout in the data folder. Raises MapError."""
    data = Path(task["data"])
    points = load_points(data, task["key"], task["digest"])
    save_layout(data, lay_out(points, LayoutSettings(**task["settings"]), report=report, keep_in=data))


def run_clusters(task: dict[str, Any], report: StageReport) -> None:
    """Find and name the clusters, and keep them in the data folder. Raises MapError where the points or the picture are gone."""
    data = Path(task["data"])
    points, layout = load_points(data, task["key"], task["digest"]), load_layout(data, task["layout"])
    if layout is None:
        raise MapError("The map whose clusters were asked for is gone from the disk: open it again")
    shelf = DocumentStore(data / DOCUMENTS_FILE)
    try:
        save_clusters(data, layout, make_clusters(points, layout, shelf, report))
    finally:
        shelf.close()


TASKS: dict[str, Run] = {"layout": run_layout, "clusters": run_clusters}


def main() -> int:
    """Perform tasks until none comes for a while."""
    out = _own_output()
    tasks: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=[tasks], daemon=True, name="tasks").start()
    if hasattr(os, "nice"):
        os.nice(_POLITENESS)
    while True:
        try:
            task = tasks.get(timeout=IDLE)
        except queue.Empty:
            return 0
        _say(out, _perform(json.loads(task), out))


def _perform(task: dict[str, Any], out: TextIO) -> dict[str, Any]:
    try:
        TASKS[task["name"]](task, lambda stage, share: _say(out, {"stage": stage, "share": round(share, 4)}))
    except RankscopeError as error:
        return {"error": str(error)}
    except MemoryError:
        return {
            "error": "There is not enough memory for a map of so many chunks: lower the limit of chunks that are laid out, or use PCA"
        }
    return {"done": True}


def _read(tasks: queue.SimpleQueue[str]) -> None:
    """Hear tasks. The parent keeps our input open as long as it lives; when it ends, however that is, we end."""
    for line in sys.stdin:
        tasks.put(line)
    os._exit(ORPHANED)


def _own_output() -> TextIO:
    """The process's output for us alone: whatever libraries print goes where errors go."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


def _say(out: TextIO, what: dict[str, Any]) -> None:
    print(json.dumps(what), file=out, flush=True)


if __name__ == "__main__":
    sys.exit(main())
