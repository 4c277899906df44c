"""A process of its own for long work: ``python -m core.projection._worker``, started by _worker_process.py.

It reads tasks, lines of JSON, from its input, and writes its progress as lines of JSON to its output:
``{"stage": ..., "share": ...}``, at the end of each task ``{"done": true}`` or ``{"error": "what happened"}``. The
result goes to the data folder that the task names. Compiled loops hold Python's lock, so that in one process a page
would stand still beside them, and a process can be ended at any moment. It waits a while for another task, since
loading and compiling take longer than a small layout.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO, TypedDict

from core.errors import MapError, RankscopeError
from core.projection.cache import load_layout, save_clusters, save_layout
from core.projection.clusters import find_clusters
from core.projection.layouts import compute_layout
from core.projection.points import load_points
from core.projection.records import Layout, LayoutSettings, Points
from core.store.documents import DOCUMENTS_FILE, DocumentStore
from core.util.progress import StageReport

IDLE = 120.0  # seconds
ORPHANED = 3  # exit status
_NICENESS = 5  # searches and pages come first


class Task(TypedDict):
    """What to do (a key of TASKS) with the points ``digest`` of the collection ``key``, kept in the folder ``data``."""

    name: str
    data: str
    key: str
    digest: str


class LayoutTask(Task):
    """Lay out, with the fields of LayoutSettings."""

    settings: dict[str, Any]


class ClustersTask(Task):
    """Find and name the clusters of the layout of that key."""

    layout: str


def layout_task(data: Path, points: Points, settings: LayoutSettings) -> LayoutTask:
    """Return the task of laying out ``points``, which are kept in the data folder ``data``."""
    return {
        "name": "layout",
        "data": str(data.absolute()),
        "key": points.key,
        "digest": points.digest,
        "settings": asdict(settings),
    }


def clusters_task(data: Path, points: Points, layout: Layout) -> ClustersTask:
    """Return the task of finding and naming the clusters of ``layout``, which is kept in ``data`` as ``points`` are."""
    return {
        "name": "clusters",
        "data": str(data.absolute()),
        "key": points.key,
        "digest": points.digest,
        "layout": layout.key,
    }


def run_layout(task: LayoutTask, report: StageReport) -> None:
    """Lay out, and keep the layout in the data folder. Raises MapError."""
    data = Path(task["data"])
    points = load_points(data, task["key"], task["digest"])
    save_layout(data, compute_layout(points, LayoutSettings(**task["settings"]), report=report, keep_in=data))


def run_clusters(task: ClustersTask, report: StageReport) -> None:
    """Find and name the clusters, and keep them in the data folder. Raises MapError where points or layout are gone."""
    data = Path(task["data"])
    points, layout = load_points(data, task["key"], task["digest"]), load_layout(data, task["layout"])
    if layout is None:
        raise MapError("The map whose clusters were asked for is gone from the disk: open it again")
    documents = DocumentStore(data / DOCUMENTS_FILE)
    try:
        save_clusters(data, layout, find_clusters(points, layout, documents, report))
    finally:
        documents.close()


TASKS: Mapping[str, Callable[[Any, StageReport], None]] = {"layout": run_layout, "clusters": run_clusters}


def main() -> int:
    """Perform tasks until none comes for a while."""
    out = _redirect_output()
    tasks: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read_tasks, args=[tasks], daemon=True, name="tasks").start()
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    while True:
        try:
            task = tasks.get(timeout=IDLE)
        except queue.Empty:
            return 0
        _write(out, _perform(json.loads(task), out))


def _perform(task: Task, out: TextIO) -> Mapping[str, object]:
    try:
        TASKS[task["name"]](task, lambda stage, share: _write(out, {"stage": stage, "share": round(share, 4)}))
    except RankscopeError as error:
        return {"error": str(error)}
    except MemoryError:
        return {
            "error": "There is not enough memory for a map of so many chunks: "
            "lower the limit of chunks that are laid out, or use PCA"
        }
    return {"done": True}


def _read_tasks(tasks: queue.SimpleQueue[str]) -> None:
    """Read tasks. The parent keeps our input open as long as it lives; when it ends, however that is, we end."""
    for line in sys.stdin:
        tasks.put(line)
    os._exit(ORPHANED)


def _redirect_output() -> TextIO:
    """Return the process's output, for messages alone: whatever libraries print goes where errors go."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


def _write(out: TextIO, message: Mapping[str, object]) -> None:
    print(json.dumps(message), file=out, flush=True)


if __name__ == "__main__":
    sys.exit(main())
