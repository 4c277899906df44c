"""The SQLite file of documents and judgments, opened once by each store and shared by its threads."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import StoreError


class Database:
    """A SQLite connection that lets one thread at a time read or write; SQLite's errors become StoreError.

    ``contents`` says in error messages what is stored, as "The judgments". ``prepare`` creates missing tables.
    """

    def __init__(self, path: Path, contents: str, prepare: Callable[[sqlite3.Connection], None]) -> None:
        self._path = path
        self._contents = contents
        self._lock = threading.RLock()
        with self._translated("opened", "restore the file or choose another data folder"):
            self.connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
            prepare(self.connection)

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    def select(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self._lock, self._translated("read", "restore the file or choose another data folder"):
            return self.connection.execute(sql, parameters).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection inside a transaction; no other process writes meanwhile."""
        with self._lock, self._translated("written", "is the disk full?"), self.connection:
            self.connection.execute("BEGIN IMMEDIATE")
            yield self.connection

    @contextmanager
    def _translated(self, action: str, advice: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"{self._contents} in {self._path} cannot be {action} ({error}): {advice}") from error


def add_missing_columns(connection: sqlite3.Connection, table: str, columns: Sequence[str], default: str) -> None:
    """Add text columns that files written by an older version lack."""
    existing = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
    for column in columns:
        if column not in existing:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT NOT NULL DEFAULT '{default}'")
