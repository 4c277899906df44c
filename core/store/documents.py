"""The documents of every collection, with their texts: one SQLite file beside Chroma's.

For every file it records which document was read from it, and for every chunk what its vector was computed from: an
unchanged file is not read again, and no text is embedded twice.

It is also the journal of unfinished work: a document is ``adding`` while its chunks go into Chroma, ``ready`` by a
single transaction, and ``removing`` while its chunks are deleted. Only ready documents can be found.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from unicodedata import normalize

from core.errors import DocumentNotFound
from core.records.document import Document, Heading, Page, Row, Table, Time
from core.records.search import StoredDocument
from core.store._database import Database, add_missing_columns

DOCUMENTS_FILE = "rankscope.sqlite3"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS texts (
    document_id TEXT PRIMARY KEY, text TEXT NOT NULL, marks TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entries (
    collection TEXT NOT NULL, document_id TEXT NOT NULL, name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('adding', 'ready', 'removing')),
    size INTEGER NOT NULL, characters INTEGER NOT NULL, chunks INTEGER NOT NULL, added TEXT NOT NULL,
    metadata TEXT NOT NULL DEFAULT '{}', notes TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (collection, document_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_by_name ON entries (collection, name);
CREATE INDEX IF NOT EXISTS unready ON entries (collection) WHERE state <> 'ready';
CREATE TABLE IF NOT EXISTS files (print TEXT PRIMARY KEY, document_id TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS contents (
    collection TEXT NOT NULL, document_id TEXT NOT NULL, chunk_id TEXT NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (collection, document_id, chunk_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS contents_by_content ON contents (content);
CREATE TABLE IF NOT EXISTS aliases (
    collection TEXT NOT NULL, name TEXT NOT NULL, document_id TEXT NOT NULL,
    PRIMARY KEY (collection, name)) WITHOUT ROWID;
"""
_SIZE = """
SELECT sum(length(CAST(text AS BLOB)) + length(CAST(marks AS BLOB)))
FROM texts JOIN entries USING (document_id) WHERE collection = ?
"""
_CHUNK_WITH_CONTENT = """
SELECT collection, chunk_id, content FROM contents JOIN entries USING (collection, document_id)
WHERE content = ? AND state = 'ready' AND collection IN (SELECT value FROM json_each(?)) LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A document to be added to a collection; ``fingerprint`` is its file's, empty if it was not read from a file.

    ``also`` are the names of other files with the same text.
    """

    document: Document
    name: str
    chunks: int
    fingerprint: str = ""
    also: tuple[str, ...] = ()


class DocumentStore:
    """Which documents are in which collection, and their texts. A collection is given by its key.

    Every method raises StoreError if the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, creating it if needed. Raises StoreError."""
        self._session = uuid.uuid4().hex
        self._database = Database(path, "The list of documents", _prepare)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @property
    def stamp(self) -> str:
        """A text that changes with every write, by this or another process, and is never the same in two sessions."""
        version = self._database.select("PRAGMA data_version")[0][0]
        return f"{self._session}-{version}-{self._database.connection.total_changes}"

    def documents(self, collection: str) -> list[StoredDocument]:
        """Return the searchable documents of a collection, sorted by name."""
        rows = self._database.select(
            "SELECT name, document_id, chunks, characters, size, added, metadata, notes FROM entries"
            " WHERE collection = ? AND state = 'ready' ORDER BY name COLLATE NOCASE, document_id",
            [collection],
        )
        also: dict[str, list[str]] = {}
        sql = "SELECT name, document_id FROM aliases WHERE collection = ? ORDER BY name"
        for name, document_id in self._database.select(sql, [collection]):
            also.setdefault(document_id, []).append(name)
        return [
            StoredDocument(
                name,
                id_,
                chunks,
                characters,
                size,
                added,
                json.loads(metadata),
                tuple(json.loads(notes)),
                tuple(also.get(id_, ())),
            )
            for name, id_, chunks, characters, size, added, metadata, notes in rows
        ]

    def count(self, collection: str) -> int:
        """Return the number of searchable documents of a collection."""
        sql = "SELECT count(*) FROM entries WHERE collection = ? AND state = 'ready'"
        return int(self._database.select(sql, [collection])[0][0])

    def names(self, collection: str) -> dict[str, str]:
        """Return the names of the searchable documents by document id."""
        sql = "SELECT document_id, name FROM entries WHERE collection = ? AND state = 'ready'"
        return dict(self._database.select(sql, [collection]))

    def find(self, collection: str, name_or_id: str) -> StoredDocument:
        """Return the searchable document with that name or id, else the one of whose other files it is the name.

        Letters with marks count as the same however they are composed. Raises DocumentNotFound.
        """
        documents = self.documents(collection)
        for document in documents:
            if name_or_id in (document.name, document.document_id):
                return document
        composed = normalize("NFC", name_or_id)
        for document in documents:
            if composed in (normalize("NFC", name) for name in (document.name, *document.also)):
                return document
        raise DocumentNotFound(
            f"There is no document {name_or_id!r} in this collection: list its documents to see their names"
        )

    def hidden(self, collection: str) -> list[str]:
        """Return the ids of documents that a search must leave out, since they are being added or removed."""
        sql = "SELECT document_id FROM entries WHERE collection = ? AND state <> 'ready'"
        return [document_id for (document_id,) in self._database.select(sql, [collection])]

    def unfinished(self) -> list[tuple[str, str]]:
        """Return (collection key, document id) of all documents that are being added or removed."""
        rows = self._database.select("SELECT collection, document_id FROM entries WHERE state <> 'ready'")
        return [(collection, document_id) for collection, document_id in rows]

    def document(self, document_id: str) -> Document:
        """Return a stored document, with its id as name. Raises DocumentNotFound."""
        rows = self._database.select("SELECT text, marks FROM texts WHERE document_id = ?", [document_id])
        if not rows:
            raise DocumentNotFound(f"The text of document {document_id} is not stored here: index its file again")
        return decode_document(document_id, *rows[0])

    def size(self, collection: str) -> int:
        """Return the bytes that the texts of a collection's documents take, with their marks."""
        return int(self._database.select(_SIZE, [collection])[0][0] or 0)

    def begin(self, collection: str, entries: Iterable[Entry]) -> None:
        """Store documents as being added: a search does not find them yet."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._database.transaction() as connection:
            for entry in entries:
                document, text = entry.document, entry.document.text
                connection.execute(
                    "INSERT OR IGNORE INTO texts VALUES (?, ?, ?)", [document.id, text, encode_marks(document)]
                )
                metadata, notes = json.dumps(dict(document.metadata)), json.dumps(document.notes)
                connection.execute(
                    "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, 'adding', ?, ?, ?, ?, ?, ?)",
                    [collection, document.id, entry.name, document.size, len(text), entry.chunks, now, metadata, notes],
                )
                if entry.fingerprint:
                    _record_file(connection, entry.fingerprint, document.id)
                connection.executemany(
                    "INSERT OR REPLACE INTO aliases VALUES (?, ?, ?)",
                    [(collection, name, document.id) for name in entry.also],
                )

    def finish(
        self, collection: str, added: Sequence[str], replaced: Sequence[str], renamed: Mapping[str, str] | None = None
    ) -> None:
        """Make ``added`` documents searchable and ``replaced`` ones not, in one step; ``renamed`` maps ids to names."""
        states = [("ready", added), ("removing", replaced)]
        with self._database.transaction() as connection:
            connection.executemany(
                "UPDATE entries SET state = ? WHERE collection = ? AND document_id = ?",
                [(state, collection, document_id) for state, document_ids in states for document_id in document_ids],
            )
            connection.executemany(
                "UPDATE entries SET name = ? WHERE collection = ? AND document_id = ?",
                [(name, collection, document_id) for document_id, name in (renamed or {}).items()],
            )
            connection.execute(  # a file that was a copy has a text of its own now
                "DELETE FROM aliases WHERE collection = ? AND name IN"
                " (SELECT name FROM entries WHERE collection = ? AND state = 'ready')",
                [collection, collection],
            )

    def remove(self, collection: str, document_ids: Iterable[str] | None = None) -> None:
        """Delete documents of a collection (None: all of them), and texts that no collection has any more."""
        pairs = [(collection, document_id) for document_id in document_ids or []]
        with self._database.transaction() as connection:
            for table in ("entries", "contents", "aliases"):
                sql = f"DELETE FROM {table} WHERE collection = ?"  # noqa: S608  one of the names above
                if document_ids is None:
                    connection.execute(sql, [collection])
                else:
                    connection.executemany(f"{sql} AND document_id = ?", pairs)
            connection.execute("DELETE FROM texts WHERE document_id NOT IN (SELECT document_id FROM entries)")
            connection.execute("DELETE FROM files WHERE document_id NOT IN (SELECT document_id FROM entries)")

    def record_file(self, fingerprint: str, document_id: str) -> None:
        """Record which document was read from the file with this fingerprint."""
        with self._database.transaction() as connection:
            _record_file(connection, fingerprint, document_id)

    def document_id_of_file(self, fingerprint: str) -> str | None:
        """Return the id of the document that was read from a file, None if that is not known."""
        rows = self._database.select("SELECT document_id FROM files WHERE print = ?", [fingerprint])
        return rows[0][0] if rows else None

    def record_alias(self, collection: str, name: str, document_id: str) -> None:
        """Record that a file of that name has the text of a document, and of no other one any more."""
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO aliases VALUES (?, ?, ?)", [collection, name, document_id])

    def remove_aliases(self, collection: str, names: Iterable[str]) -> None:
        """Forget files that have the text of a document of another name; the documents stay."""
        with self._database.transaction() as connection:
            connection.executemany(
                "DELETE FROM aliases WHERE collection = ? AND name = ?", [(collection, name) for name in names]
            )

    def record_notes(self, collection: str, document_id: str, notes: Sequence[str]) -> None:
        """Record what a document's text lacks, found when its file was read again."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE entries SET notes = ? WHERE collection = ? AND document_id = ?",
                [json.dumps(list(notes)), collection, document_id],
            )

    def record_contents(self, collection: str, chunks: Iterable[tuple[str, str, bytes]]) -> None:
        """Record what the vectors of chunks (document id, chunk id, fingerprint of the content) were computed from."""
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO contents VALUES (?, ?, ?, ?)", [(collection, *chunk) for chunk in chunks]
            )

    def chunks_with_content(
        self, contents: Iterable[bytes], collections: Sequence[str]
    ) -> list[tuple[str, str, bytes]]:
        """Return (collection, chunk id, content) of one searchable chunk in these collections for each content."""
        keys = json.dumps(list(collections))
        rows = (row for content in contents for row in self._database.select(_CHUNK_WITH_CONTENT, [content, keys]))
        return [(collection, chunk_id, content) for collection, chunk_id, content in rows]


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(_SCHEMA)
    add_missing_columns(connection, "entries", ["metadata"], default="{}")
    add_missing_columns(connection, "entries", ["notes"], default="[]")


def _record_file(connection: sqlite3.Connection, fingerprint: str, document_id: str) -> None:
    connection.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", [fingerprint, document_id])


def decode_document(name: str, text: str, marks: str) -> Document:
    """Return the document with that name and text; ``marks`` is what ``encode_marks`` returned."""
    decoded = json.loads(marks)
    return Document(
        name,
        text,
        tuple(Page(**mark) for mark in decoded["pages"]),
        tuple(Heading(**mark) for mark in decoded["headings"]),
        tuple(Table(**mark) for mark in decoded["tables"]),
        rows=tuple(Row(**mark) for mark in decoded.get("rows", [])),
        times=tuple(Time(**mark) for mark in decoded.get("times", [])),
        metadata=decoded.get("metadata", {}),
        notes=tuple(decoded.get("notes", ())),
    )


def encode_marks(document: Document) -> str:
    """Return the pages, headings, tables, rows, times, metadata and notes of a document as JSON."""
    return json.dumps(
        {
            "pages": [asdict(page) for page in document.pages],
            "headings": [asdict(heading) for heading in document.headings],
            "tables": [asdict(table) for table in document.tables],
            "rows": [asdict(row) for row in document.rows],
            "times": [asdict(time) for time in document.times],
            "metadata": dict(document.metadata),
            **({"notes": document.notes} if document.notes else {}),
        }
    )
