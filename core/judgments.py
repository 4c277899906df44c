"""Queries and who answers them, kept beside the documents of a collection.

A judgment hangs on a span of a document, not on a chunk: it survives another way to cut, another
model, and an export. The tables are in the shelf's SQLite file; collections are named by their key.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

from core.errors import StoreError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS queries (
    collection TEXT NOT NULL, query_id TEXT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (collection, query_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS judgments (
    collection TEXT NOT NULL, split TEXT NOT NULL, query_id TEXT NOT NULL, document_id TEXT NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL, grade INTEGER NOT NULL, origin TEXT NOT NULL,
    PRIMARY KEY (collection, split, query_id, document_id, start, end)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Judgment:
    """How well the characters ``start`` to ``end`` of a document answer a query; grade 0: not at all."""

    split: str
    query_id: str
    document_id: str
    start: int
    end: int
    grade: int
    origin: str = ""  # where the judgment comes from


class Judgments:
    """The queries and judgments of every collection."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        try:
            self._db = sqlite3.connect(path, timeout=30, check_same_thread=False)
            self._db.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            raise StoreError(f"The judgments in {path} cannot be opened ({error}): restore the file or choose another data folder") from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def queries(self, collection: str) -> dict[str, str]:
        """Return the text of every query by its id, judged or not."""
        with self._lock:
            return dict(self._db.execute("SELECT query_id, text FROM queries WHERE collection = ? ORDER BY query_id", [collection]))

    def splits(self, collection: str) -> list[str]:
        """Return the names of the splits that hold judgments, sorted."""
        with self._lock:
            found = self._db.execute("SELECT DISTINCT split FROM judgments WHERE collection = ? ORDER BY split", [collection])
            return [row[0] for row in found]

    def judgments(self, collection: str, split: str | None = None) -> list[Judgment]:
        """Return the judgments of a split, of all splits for None, sorted by split, query and span."""
        asked = "SELECT split, query_id, document_id, start, end, grade, origin FROM judgments WHERE collection = ? AND split = coalesce(?, split)"
        with self._lock:
            return [Judgment(*row) for row in self._db.execute(f"{asked} ORDER BY split, query_id, document_id, start, end", [collection, split])]

    def keep(self, collection: str, queries: Mapping[str, str], judgments: Iterable[Judgment]) -> None:
        """Add queries and judgments in one step; one for the same query and span is replaced.

        Raises StoreError where the file cannot be written.
        """
        try:
            with self._lock, self._db:
                self._db.executemany("INSERT OR REPLACE INTO queries VALUES (?, ?, ?)", [(collection, *item) for item in queries.items()])
                rows = ((collection, *astuple(judgment)) for judgment in judgments)
                self._db.executemany("INSERT OR REPLACE INTO judgments VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        except sqlite3.Error as error:
            raise StoreError(f"The judgments cannot be written into {self._path} ({error}): is the disk full?") from error

    def copy(self, collection: str, other: str) -> None:
        """Give the collection ``other`` the same queries and judgments."""
        self.keep(other, self.queries(collection), self.judgments(collection))

    def forget(self, collection: str) -> None:
        """Drop all of a collection's."""
        with self._lock, self._db:
            self._db.execute("DELETE FROM queries WHERE collection = ?", [collection])
            self._db.execute("DELETE FROM judgments WHERE collection = ?", [collection])
