"""What is judged, as a collection sees it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from core.errors import StoreError
from core.records.judgments import SHARED, Judgment, Step, normalised
from core.store._part_judging_schema import prepare
from core.store._part_judging_steps import last_step

_QUERIES = """SELECT query_id, text FROM queries WHERE (collection = :key AND :own)
    OR (collection = '' AND :shared AND query_id IN (SELECT query_id FROM holding WHERE key = :key AND collection = ''))
    ORDER BY query_id, collection"""
_JUDGMENTS = """SELECT split, query_id, document_id, start, end, grade, origin, who, made, note FROM holding
    WHERE key = :key AND split = coalesce(:split, split) ORDER BY split, query_id, document_id, start, end"""
_OF_QUERY = """SELECT split, h.query_id, document_id, start, end, grade, origin, who, made, note
    FROM queries q JOIN holding h ON h.collection = q.collection AND h.query_id = q.query_id
    WHERE q.plain = :plain AND q.collection IN ('', :key) AND h.key = :key ORDER BY split, h.query_id, document_id, start, end"""
_UNUSED = "SELECT count(*) FROM judgments WHERE collection = '' AND document_id NOT IN (SELECT document_id FROM entries)"


class Holding:
    """The judgments of a data folder, to be read; ``path`` is the shelf's file, which knows the documents."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        try:
            self._db = sqlite3.connect(path, timeout=30, check_same_thread=False)
            prepare(self._db)
        except sqlite3.DatabaseError as error:
            raise StoreError(f"The judgments in {path} cannot be opened ({error}): restore the file or choose another data folder") from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _read(self, sql: str, **values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def queries(self, collection: str, split: str | None = None) -> dict[str, str]:
        """Return the text of every query by its id: a data set's, judged or not, and those judged here on the collection's documents.

        Of a ``split`` only those that its judgments may be of: of ``judged`` the latter, of others the former.
        """
        return {row[0]: row[1] for row in self._read(_QUERIES, key=collection, own=split != SHARED, shared=split in (None, SHARED))}

    def splits(self, collection: str) -> list[str]:
        """Return the names of the splits that hold judgments for a collection, sorted."""
        return [row[0] for row in self._read("SELECT DISTINCT split FROM holding WHERE key = :key ORDER BY split", key=collection)]

    def judgments(self, collection: str, split: str | None = None) -> list[Judgment]:
        """Return what holds for a collection in one split, in all for None, sorted by split, query and span."""
        return records(self._read(_JUDGMENTS, key=collection, split=split))

    def of_query(self, collection: str, query: str) -> list[Judgment]:
        """Return what holds for a collection of the query that is spelt so, whatever split and query id it has."""
        return records(self._read(_OF_QUERY, key=collection, plain=normalised(query)))

    def unused(self) -> int:
        """Return how many judgments were made here on documents that no collection holds any more."""
        return int(self._read(_UNUSED)[0][0])

    @property
    def last(self) -> Step | None:
        """The step of judging that would be undone next, None where there is none."""
        with self._lock:
            return last_step(self._db)


def records(rows: Iterable[tuple[Any, ...]]) -> list[Judgment]:
    """Return rows of the table as judgments."""
    return [Judgment(*row) for row in rows]
