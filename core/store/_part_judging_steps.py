"""The journal of judging: every step can be taken back, the last one first, with the grades that it overwrote."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime

from core.records.judgments import Judgment, Step

KEPT = 500  # steps; older ones stay as they were done
_BEFORE = """SELECT grade, origin, who, made, note FROM judgments
    WHERE (collection, split, query_id, document_id, start, end) = (?, ?, ?, ?, ?, ?)"""
_REMOVE = "DELETE FROM judgments WHERE (collection, split, query_id, document_id, start, end) = (?, ?, ?, ?, ?, ?)"
_RESTORE = "INSERT OR REPLACE INTO judgments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def now() -> str:
    """Return the time as judgments note it: ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def note_step(db: sqlite3.Connection, collection: str, what: str, judgments: Sequence[Judgment]) -> None:
    """Note what is there of these judgments before a step changes them. The caller's transaction makes both one."""
    changes = [[*judged.key, db.execute(_BEFORE, [collection, *judged.key]).fetchone()] for judged in judgments]
    db.execute(
        "INSERT INTO judging_steps (collection, what, made, changes) VALUES (?, ?, ?, ?)",
        [collection, what, now(), json.dumps(changes, ensure_ascii=False)],
    )
    db.execute("DELETE FROM judging_steps WHERE step <= (SELECT max(step) FROM judging_steps) - ?", [KEPT])


def last_step(db: sqlite3.Connection) -> Step | None:
    """Return the step that would be undone next, None where there is none."""
    row = db.execute("SELECT what, json_array_length(changes), made FROM judging_steps ORDER BY step DESC LIMIT 1").fetchone()
    return None if row is None else Step(*row)


def undo_step(db: sqlite3.Connection) -> Step | None:
    """Take back the last step and return it; None where there is none."""
    undone = last_step(db)
    if undone is None:
        return None
    step, collection, changes = db.execute("SELECT step, collection, changes FROM judging_steps ORDER BY step DESC LIMIT 1").fetchone()
    for *key, before in json.loads(changes):
        if before is None:
            db.execute(_REMOVE, [collection, *key])
        else:
            db.execute(_RESTORE, [collection, *key, *before])
    db.execute("DELETE FROM judging_steps WHERE step = ?", [step])
    return undone
