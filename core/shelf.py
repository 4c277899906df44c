"""The documents of every collection, with their texts: one SQLite file beside Chroma's.

It is also the journal that keeps a half-indexed document out of sight: a document is ``adding``
while its chunks go into Chroma, ``ready`` by one transaction, ``removing`` while they come out.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.errors import DocumentNotFound, StoreError
from core.records import Document, Heading, Page, Row, StoredDocument, Table, Time

FILE = "rankscope.sqlite3"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS texts (
    document_id TEXT PRIMARY KEY, text TEXT NOT NULL, marks TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entries (
    collection TEXT NOT NULL, document_id TEXT NOT NULL, name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('adding', 'ready', 'removing')),
    size INTEGER NOT NULL, characters INTEGER NOT NULL, chunks INTEGER NOT NULL, added TEXT NOT NULL,
    metadata TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (collection, document_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_by_name ON entries (collection, name);
CREATE INDEX IF NOT EXISTS unready ON entries (collection) WHERE state <> 'ready';
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A document that is about to join a collection."""

    document: Document
    name: str
    chunks: int


class Shelf:
    """Which documents are in which collection, and what they say. Collections are named by their key."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        try:
            self._db = sqlite3.connect(path, timeout=30, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.executescript(_SCHEMA)
            self._add_what_older_files_lack()
        except sqlite3.DatabaseError as error:
            raise StoreError(f"The list of documents {path} cannot be opened ({error}): restore it or choose another data folder") from error

    def _add_what_older_files_lack(self) -> None:
        held = {row[1] for row in self._db.execute("PRAGMA table_info(entries)")}
        if "metadata" not in held:
            self._db.execute("ALTER TABLE entries ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}'")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _all(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def documents(self, collection: str) -> list[StoredDocument]:
        """Return the searchable documents of a collection, sorted by name."""
        rows = self._all(
            "SELECT name, document_id, chunks, characters, size, added, metadata FROM entries"
            " WHERE collection = ? AND state = 'ready' ORDER BY name COLLATE NOCASE, document_id",
            collection,
        )
        return [StoredDocument(name, id_, chunks, characters, size, added, json.loads(metadata)) for name, id_, chunks, characters, size, added, metadata in rows]

    def names(self, collection: str) -> dict[str, str]:
        """Return document id to name of the searchable documents."""
        return dict(self._all("SELECT document_id, name FROM entries WHERE collection = ? AND state = 'ready'", collection))

    def find(self, collection: str, name_or_id: str) -> StoredDocument:
        """Return the document of that name or id. Raises DocumentNotFound."""
        for document in self.documents(collection):
            if name_or_id in (document.name, document.document_id):
                return document
        raise DocumentNotFound(f"There is no document {name_or_id!r} in this collection: list its documents to see their names")

    def hidden(self, collection: str) -> list[str]:
        """Return the ids of documents that must not be found: half in, or half out."""
        return [row[0] for row in self._all("SELECT document_id FROM entries WHERE collection = ? AND state <> 'ready'", collection)]

    def unfinished(self) -> list[tuple[str, str]]:
        """Return (collection key, document id) of everything half done."""
        return [(row[0], row[1]) for row in self._all("SELECT collection, document_id FROM entries WHERE state <> 'ready'")]

    def document(self, document_id: str) -> Document:
        """Return a stored document, named by its id. Raises DocumentNotFound."""
        rows = self._all("SELECT text, marks FROM texts WHERE document_id = ?", document_id)
        if not rows:
            raise DocumentNotFound(f"The text of document {document_id} is not stored here: index its file again")
        marks = json.loads(rows[0][1])
        return Document(
            document_id,
            rows[0][0],
            tuple(Page(**mark) for mark in marks["pages"]),
            tuple(Heading(**mark) for mark in marks["headings"]),
            tuple(Table(**mark) for mark in marks["tables"]),
            rows=tuple(Row(**mark) for mark in marks.get("rows", [])),
            times=tuple(Time(**mark) for mark in marks.get("times", [])),
            metadata=marks.get("metadata", {}),
        )

    def begin(self, collection: str, entries: Iterable[Entry]) -> None:
        """Note that these documents are being added: they are stored, but not to be found yet."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._lock, self._db:
            for entry in entries:
                document = entry.document
                self._db.execute("INSERT OR IGNORE INTO texts VALUES (?, ?, ?)", (document.id, document.text, _marks(document)))
                self._db.execute(
                    "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, 'adding', ?, ?, ?, ?, ?)",
                    (collection, document.id, entry.name, document.size, len(document.text), entry.chunks, now, json.dumps(dict(document.metadata))),
                )

    def finish(self, collection: str, added: Sequence[str], replaced: Sequence[str]) -> None:
        """In one step: the ``added`` documents can be found, the ``replaced`` ones no more."""
        with self._lock, self._db:
            self._set_state(collection, "ready", added)
            self._set_state(collection, "removing", replaced)

    def _set_state(self, collection: str, state: str, document_ids: Iterable[str]) -> None:
        self._db.executemany(
            "UPDATE entries SET state = ? WHERE collection = ? AND document_id = ?",
            [(state, collection, document_id) for document_id in document_ids],
        )

    def forget(self, collection: str, document_ids: Iterable[str] | None = None) -> None:
        """Drop documents of a collection (None: all of them), and texts that no collection holds."""
        with self._lock, self._db:
            if document_ids is None:
                self._db.execute("DELETE FROM entries WHERE collection = ?", (collection,))
            else:
                pairs = [(collection, document_id) for document_id in document_ids]
                self._db.executemany("DELETE FROM entries WHERE collection = ? AND document_id = ?", pairs)
            self._db.execute("DELETE FROM texts WHERE document_id NOT IN (SELECT document_id FROM entries)")


def _marks(document: Document) -> str:
    return json.dumps(
        {
            "pages": [asdict(page) for page in document.pages],
            "headings": [asdict(heading) for heading in document.headings],
            "tables": [asdict(table) for table in document.tables],
            "rows": [asdict(row) for row in document.rows],
            "times": [asdict(time) for time in document.times],
            "metadata": dict(document.metadata),
        }
    )
