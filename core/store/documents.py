"""The documents of every collection, with their texts: one SQLite file beside Chroma's.

Of every file it remembers which document came of it, and of every chunk what its vector was computed
from: a file that did not change is not read again, nor is a text embedded twice.

It is also the journal that keeps a half-indexed document out of sight: a document is ``adding``
while its chunks go into Chroma, ``ready`` by one transaction, ``removing`` while they come out.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.errors import DocumentNotFound, StoreError
from core.records.document import Document, Heading, Page, Row, Table, Time
from core.records.search import StoredDocument

DOCUMENTS_FILE = "rankscope.sqlite3"
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
CREATE TABLE IF NOT EXISTS files (print TEXT PRIMARY KEY, document_id TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS contents (
    collection TEXT NOT NULL, document_id TEXT NOT NULL, chunk_id TEXT NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (collection, document_id, chunk_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS contents_by_content ON contents (content);
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A document that is about to join a collection; ``print`` is its file's fingerprint, empty where it came from none."""

    document: Document
    name: str
    chunks: int
    print: str = ""


class DocumentStore:
    """Which documents are in which collection, and what they say. Collections are named by their key."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._opening = uuid.uuid4().hex
        try:
            self._db = sqlite3.connect(path, timeout=30, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.executescript(_SCHEMA)
            self._add_what_older_files_lack()
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"The list of documents {path} cannot be opened ({error}): restore it or choose another data folder"
            ) from error

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
        return [
            StoredDocument(name, id_, chunks, characters, size, added, json.loads(metadata))
            for name, id_, chunks, characters, size, added, metadata in rows
        ]

    def count(self, collection: str) -> int:
        """Return how many searchable documents a collection has."""
        return int(self._all("SELECT count(*) FROM entries WHERE collection = ? AND state = 'ready'", collection)[0][0])

    @property
    def stamp(self) -> str:
        """What changes with everything that is written here, by us or another process, and is never the same for two openings."""
        with self._lock:
            return f"{self._opening}-{self._db.execute('PRAGMA data_version').fetchone()[0]}-{self._db.total_changes}"

    def names(self, collection: str) -> dict[str, str]:
        """Return document id to name of the searchable documents."""
        return dict(
            self._all("SELECT document_id, name FROM entries WHERE collection = ? AND state = 'ready'", collection)
        )

    def find(self, collection: str, name_or_id: str) -> StoredDocument:
        """Return the document of that name or id. Raises DocumentNotFound."""
        for document in self.documents(collection):
            if name_or_id in (document.name, document.document_id):
                return document
        raise DocumentNotFound(
            f"There is no document {name_or_id!r} in this collection: list its documents to see their names"
        )

    def hidden(self, collection: str) -> list[str]:
        """Return the ids of documents that must not be found: half in, or half out."""
        return [
            row[0]
            for row in self._all(
                "SELECT document_id FROM entries WHERE collection = ? AND state <> 'ready'", collection
            )
        ]

    def unfinished(self) -> list[tuple[str, str]]:
        """Return (collection key, document id) of everything half done."""
        return [
            (row[0], row[1]) for row in self._all("SELECT collection, document_id FROM entries WHERE state <> 'ready'")
        ]

    def document(self, document_id: str) -> Document:
        """Return a stored document, named by its id. Raises DocumentNotFound."""
        rows = self._all("SELECT text, marks FROM texts WHERE document_id = ?", document_id)
        if not rows:
            raise DocumentNotFound(f"The text of document {document_id} is not stored here: index its file again")
        return read_document(document_id, *rows[0])

    def size(self, collection: str) -> int:
        """Return how many bytes the texts of a collection's documents take, with what hangs on them."""
        held = "SELECT sum(length(CAST(text AS BLOB)) + length(CAST(marks AS BLOB))) FROM texts JOIN entries USING (document_id) WHERE collection = ?"
        return int(self._all(held, collection)[0][0] or 0)

    def begin(self, collection: str, entries: Iterable[Entry]) -> None:
        """Note that these documents are being added: they are stored, but not to be found yet."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._lock, self._db:
            for entry in entries:
                document = entry.document
                self._db.execute(
                    "INSERT OR IGNORE INTO texts VALUES (?, ?, ?)", (document.id, document.text, write_marks(document))
                )
                self._db.execute(
                    "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, 'adding', ?, ?, ?, ?, ?)",
                    (
                        collection,
                        document.id,
                        entry.name,
                        document.size,
                        len(document.text),
                        entry.chunks,
                        now,
                        json.dumps(dict(document.metadata)),
                    ),
                )
                if entry.print:
                    self._db.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", (entry.print, document.id))

    def finish(
        self, collection: str, added: Sequence[str], replaced: Sequence[str], renamed: Mapping[str, str] | None = None
    ) -> None:
        """In one step: the ``added`` documents can be found, the ``replaced`` ones no more; ``renamed`` maps ids to new names."""
        with self._lock, self._db:
            self._set_state(collection, "ready", added)
            self._set_state(collection, "removing", replaced)
            names = [(name, collection, document_id) for document_id, name in (renamed or {}).items()]
            self._db.executemany("UPDATE entries SET name = ? WHERE collection = ? AND document_id = ?", names)

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
                self._db.execute("DELETE FROM contents WHERE collection = ?", (collection,))
            else:
                pairs = [(collection, document_id) for document_id in document_ids]
                self._db.executemany("DELETE FROM entries WHERE collection = ? AND document_id = ?", pairs)
                self._db.executemany("DELETE FROM contents WHERE collection = ? AND document_id = ?", pairs)
            self._db.execute("DELETE FROM texts WHERE document_id NOT IN (SELECT document_id FROM entries)")
            self._db.execute("DELETE FROM files WHERE document_id NOT IN (SELECT document_id FROM entries)")

    def note_file(self, file_print: str, document_id: str) -> None:
        """Remember which document comes of a file."""
        with self._lock, self._db:
            self._db.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", (file_print, document_id))

    def document_of(self, file_print: str) -> str | None:
        """Return the id of the document that came of a file, None if that is not known."""
        rows = self._all("SELECT document_id FROM files WHERE print = ?", file_print)
        return rows[0][0] if rows else None

    def note_contents(self, collection: str, chunks: Iterable[tuple[str, str, bytes]]) -> None:
        """Remember of chunks (document id, chunk id, content) what their vectors were computed from."""
        with self._lock, self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO contents VALUES (?, ?, ?, ?)", ((collection, *chunk) for chunk in chunks)
            )

    def holders(self, contents: Iterable[bytes], collections: Sequence[str]) -> list[tuple[str, str, bytes]]:
        """Return (collection, chunk id, content) of one searchable chunk for each of the contents that these collections hold."""
        sql = (
            "SELECT collection, chunk_id, content FROM contents JOIN entries USING (collection, document_id)"
            " WHERE content = ? AND state = 'ready' AND collection IN (SELECT value FROM json_each(?)) LIMIT 1"
        )
        among = json.dumps(list(collections))
        return [(row[0], row[1], row[2]) for content in contents for row in self._all(sql, content, among)]


def read_document(name: str, text: str, marks: str) -> Document:
    """Return the document of that name; ``marks`` is what ``write_marks`` made of what hangs on its text."""
    held = json.loads(marks)
    return Document(
        name,
        text,
        tuple(Page(**mark) for mark in held["pages"]),
        tuple(Heading(**mark) for mark in held["headings"]),
        tuple(Table(**mark) for mark in held["tables"]),
        rows=tuple(Row(**mark) for mark in held.get("rows", [])),
        times=tuple(Time(**mark) for mark in held.get("times", [])),
        metadata=held.get("metadata", {}),
    )


def write_marks(document: Document) -> str:
    """Return what hangs on a document's text as JSON."""
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
