"""A process of its own for what takes long: ``python -m core.projection.worker``, started by jobs.py.

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
from importlib import import_module
from typing import Any, TextIO

from core.errors import RankscopeError
from core.projection.records import Report

Run = Callable[[dict[str, Any], Report], None]
TASKS = {"layout": "core.projection._part_projection_layout_task", "clusters": "core.projection._part_projection_clusters_task"}  # modules with a function ``run``
IDLE = 120.0  # seconds
ORPHANED = 3  # exit status
_POLITENESS = 5  # searches and pages come first


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
        run: Run = import_module(TASKS[task["name"]]).run
        run(task, lambda stage, share: _say(out, {"stage": stage, "share": round(share, 4)}))
    except RankscopeError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": "There is not enough memory for a map of so many chunks: lower the limit of chunks that are laid out, or use PCA"}
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
