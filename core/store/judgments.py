"""Queries and who answers them: what people judged here, and what came with collections.

A judgment hangs on a span of a document, not on a chunk: it survives another way to cut, another
model, and an export. The tables are in the shelf's SQLite file. There are two kinds:

- What was judged here, in the split ``judged``, belongs to no collection: the query is known by its
  normalised text, the document by its content, and the judgment holds for every collection that has
  the document. It stays when a collection is deleted, even the last one with that document: judging
  is work, takes a few bytes, and counts again as soon as the same file is indexed again. What no
  collection needs can be dropped with ``drop_unused``.
- What came with a data set has the data set's query ids and splits, belongs to one collection (by its
  key), is copied with it and goes with it.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.errors import DataError, DocumentNotFound, StoreError
from core.records.judgments import GRADES, SHARED, Judgment, Step, normalise_query, query_id_of
from core.util.formatting import clip, plural

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
    row = db.execute(
        "SELECT what, json_array_length(changes), made FROM judging_steps ORDER BY step DESC LIMIT 1"
    ).fetchone()
    return None if row is None else Step(*row)


def undo_step(db: sqlite3.Connection) -> Step | None:
    """Take back the last step and return it; None where there is none."""
    undone = last_step(db)
    if undone is None:
        return None
    step, collection, changes = db.execute(
        "SELECT step, collection, changes FROM judging_steps ORDER BY step DESC LIMIT 1"
    ).fetchone()
    for *key, before in json.loads(changes):
        if before is None:
            db.execute(_REMOVE, [collection, *key])
        else:
            db.execute(_RESTORE, [collection, *key, *before])
    db.execute("DELETE FROM judging_steps WHERE step = ?", [step])
    return undone


_TABLES = (
    """CREATE TABLE IF NOT EXISTS queries (
    collection TEXT NOT NULL, query_id TEXT NOT NULL, text TEXT NOT NULL, plain TEXT NOT NULL,
    PRIMARY KEY (collection, query_id)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS judgments (
    collection TEXT NOT NULL, split TEXT NOT NULL, query_id TEXT NOT NULL, document_id TEXT NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL, grade INTEGER NOT NULL, origin TEXT NOT NULL,
    who TEXT NOT NULL DEFAULT '', made TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (collection, split, query_id, document_id, start, end)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS judging_steps (
    step INTEGER PRIMARY KEY AUTOINCREMENT, collection TEXT NOT NULL, what TEXT NOT NULL, made TEXT NOT NULL, changes TEXT NOT NULL)""",
)
# after the columns that older files lack
_INDEX = "CREATE INDEX IF NOT EXISTS queries_by_text ON queries (plain, collection)"
_LATER = {"queries": ("plain",), "judgments": ("who", "made", "note")}
# What holds for the collection ``key``: its own, and everyone's where it has the document. Few are everyone's: they
# come first.
_HOLDING = """CREATE TEMP VIEW holding AS
    SELECT j.collection AS key, j.* FROM judgments j WHERE j.collection <> ''
    UNION ALL
    SELECT e.collection AS key, j.* FROM judgments j CROSS JOIN entries e
    WHERE j.collection = '' AND e.document_id = j.document_id AND e.state = 'ready'"""


def prepare(db: sqlite3.Connection) -> None:
    """Make the tables, and add to older ones what they lack, in one step: two processes may open one folder at once."""
    with db:
        db.execute("BEGIN IMMEDIATE")
        for table in _TABLES:
            db.execute(table)
        for name, columns in _LATER.items():
            held = {row[1] for row in db.execute(f"PRAGMA table_info({name})")}
            for column in columns:
                if column not in held:
                    db.execute(f"ALTER TABLE {name} ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")
        unread = db.execute("SELECT text, collection, query_id FROM queries WHERE plain = '' AND text <> ''").fetchall()
        db.executemany(
            "UPDATE queries SET plain = ? WHERE collection = ? AND query_id = ?",
            [(normalise_query(row[0]), *row[1:]) for row in unread],
        )
        db.execute(_INDEX)
    db.execute(_HOLDING)


_QUERIES = """SELECT query_id, text FROM queries WHERE (collection = :key AND :own)
    OR (collection = '' AND :shared AND query_id IN (SELECT query_id FROM holding WHERE key = :key AND collection = ''))
    ORDER BY query_id, collection"""
_JUDGMENTS = """SELECT split, query_id, document_id, start, end, grade, origin, who, made, note FROM holding
    WHERE key = :key AND split = coalesce(:split, split) ORDER BY split, query_id, document_id, start, end"""
_OF_QUERY = """SELECT split, h.query_id, document_id, start, end, grade, origin, who, made, note
    FROM queries q JOIN holding h ON h.collection = q.collection AND h.query_id = q.query_id
    WHERE q.plain = :plain AND q.collection IN ('', :key) AND h.key = :key ORDER BY split, h.query_id, document_id, start, end"""
_UNUSED = (
    "SELECT count(*) FROM judgments WHERE collection = '' AND document_id NOT IN (SELECT document_id FROM entries)"
)


class Holding:
    """The judgments of a data folder, to be read; ``path`` is the shelf's file, which knows the documents."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        try:
            self._db = sqlite3.connect(path, timeout=30, check_same_thread=False)
            prepare(self._db)
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"The judgments in {path} cannot be opened ({error}): restore the file or choose another data folder"
            ) from error

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
        return {
            row[0]: row[1]
            for row in self._read(_QUERIES, key=collection, own=split != SHARED, shared=split in (None, SHARED))
        }

    def splits(self, collection: str) -> list[str]:
        """Return the names of the splits that hold judgments for a collection, sorted."""
        return [
            row[0]
            for row in self._read("SELECT DISTINCT split FROM holding WHERE key = :key ORDER BY split", key=collection)
        ]

    def judgments(self, collection: str, split: str | None = None) -> list[Judgment]:
        """Return what holds for a collection in one split, in all for None, sorted by split, query and span."""
        return records(self._read(_JUDGMENTS, key=collection, split=split))

    def of_query(self, collection: str, query: str) -> list[Judgment]:
        """Return what holds for a collection of the query that is spelt so, whatever split and query id it has."""
        return records(self._read(_OF_QUERY, key=collection, plain=normalise_query(query)))

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


EVERYONE = ""  # in place of a collection's key: holds wherever the document is
_SAID = 60  # characters of a query in the words for a step
_LENGTH = "SELECT max(characters) FROM entries WHERE document_id = :id AND state = 'ready'"
_NOTE = (
    "SELECT note FROM judgments WHERE collection = '' AND (split, query_id, document_id, start, end) = (?, ?, ?, ?, ?)"
)
_GIVEN = """SELECT split, query_id, document_id, start, end, grade, origin, who, made, note FROM judgments
    WHERE collection = '' AND query_id = :id AND document_id = coalesce(:document, document_id)
    AND start = coalesce(:start, start) AND end = coalesce(:end, end)"""
_DELETE_JUDGMENT = (
    "DELETE FROM judgments WHERE collection = '' AND (split, query_id, document_id, start, end) = (?, ?, ?, ?, ?)"
)
_PUT = """INSERT INTO judgments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (collection, split, query_id, document_id, start, end)
    DO UPDATE SET grade = excluded.grade, origin = excluded.origin, who = excluded.who, made = excluded.made, note = excluded.note"""
_PUT_NEWER = _PUT + " WHERE excluded.made > judgments.made"


class JudgmentStore(Holding):
    """The queries and judgments of a data folder."""

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, which no other process writes into. Raises StoreError."""
        try:
            with self._lock, self._db:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
        except sqlite3.Error as error:
            raise StoreError(
                f"The judgments cannot be written into {self._path} ({error}): is the disk full?"
            ) from error

    def judge(
        self, query: str, document_id: str, start: int, end: int, grade: int, *, who: str = "", note: str | None = None
    ) -> Judgment:
        """Say how well a span of a document answers a query, 0 to 3, in place of what was said of that span before.

        ``note`` None keeps the note that is there. Raises DataError for an empty query, another grade or an
        impossible span, DocumentNotFound, StoreError.
        """
        if grade not in GRADES:
            raise DataError(
                f"{grade!r} is no grade: use {', '.join(f'{number} ({word})' for number, word in GRADES.items())}"
            )
        if not normalise_query(query):
            raise DataError("The query is empty, and nothing can be judged for it: type a question first")
        self._check_span(document_id, start, end)
        given = Judgment(
            SHARED,
            query_id_of(query),
            document_id,
            start,
            end,
            int(grade),
            "",
            who.strip(),
            now(),
            (note or "").strip(),
        )
        with self._writing() as db:
            if note is None:
                given = replace(given, note=next((row[0] for row in db.execute(_NOTE, given.key)), ""))
            note_step(db, EVERYONE, f"grade {grade} for “{clip(query, _SAID)}”", [given])
            _put(db, EVERYONE, {given.query_id: query.strip()}, [given])
        return given

    def _check_span(self, document_id: str, start: int, end: int) -> None:
        longest = self._read(_LENGTH, id=document_id)[0][0]
        if longest is None:
            raise DocumentNotFound(f"There is no document {document_id!r} to be judged: index its file first")
        if not 0 <= start < end <= int(longest):
            raise DataError(
                f"The characters {start} to {end} cannot be judged: the document {document_id} has {int(longest):,}"
            )

    def clear(
        self, query: str, document_id: str | None = None, start: int | None = None, end: int | None = None
    ) -> int:
        """Take back what was judged here for a query, of one document or one span where they are given; return how many judgments."""
        with self._writing() as db:
            gone = records(
                db.execute(_GIVEN, {"id": query_id_of(query), "document": document_id, "start": start, "end": end})
            )
            if gone:
                note_step(db, EVERYONE, f"{plural(len(gone), 'grade')} taken back for “{clip(query, _SAID)}”", gone)
                db.executemany(_DELETE_JUDGMENT, [judged.key for judged in gone])
        return len(gone)

    def undo(self) -> Step | None:
        """Take back the last step of judging in this data folder, whoever made it, and return it; overwritten grades come back."""
        with self._writing() as db:
            return undo_step(db)

    def take(self, collection: str, queries: Mapping[str, str], judgments: Sequence[Judgment], what: str) -> None:
        """Add imported judgments, one step of judging for each owner; one for the same query and span is replaced. Raises StoreError."""
        with self._writing() as db:
            for owner, texts, held in _owned(collection, queries, judgments):
                if held:
                    note_step(db, owner, what, held)
                _put(db, owner, texts, held)

    def keep(self, collection: str, queries: Mapping[str, str], judgments: Iterable[Judgment]) -> None:
        """Add what comes with a collection in one step; one for the same query and span is replaced.

        Of what was judged elsewhere in the split ``judged`` the newer stays. Raises StoreError where the file cannot be written.
        """
        with self._writing() as db:
            for owner, texts, held in _owned(collection, queries, list(judgments)):
                _put(db, owner, texts, held, newer=owner == EVERYONE)

    def copy(self, collection: str, other: str) -> None:
        """Give the collection ``other`` the queries and judgments that belong to ``collection``; the others hold for it anyway."""
        with self._writing() as db:
            db.execute(
                "INSERT OR REPLACE INTO queries SELECT ?, query_id, text, plain FROM queries WHERE collection = ?",
                [other, collection],
            )
            db.execute(
                """INSERT OR REPLACE INTO judgments SELECT ?, split, query_id, document_id, start, end, grade, origin, who, made, note
                FROM judgments WHERE collection = ?""",
                [other, collection],
            )

    def forget(self, collection: str) -> None:
        """Drop what belongs to a collection; what was judged here stays."""
        with self._writing() as db:
            db.execute("DELETE FROM queries WHERE collection = ?", [collection])
            db.execute("DELETE FROM judgments WHERE collection = ?", [collection])
            db.execute("DELETE FROM judging_steps WHERE collection = ?", [collection])

    def drop_unused(self) -> int:
        """Drop what was judged on documents that no collection holds any more, and the steps of judging; return how many judgments.

        It cannot be undone: the steps quote queries, and could bring dropped judgments back.
        """
        with self._writing() as db:
            gone = db.execute(
                "DELETE FROM judgments WHERE collection = '' AND document_id NOT IN (SELECT document_id FROM entries)"
            ).rowcount
            db.execute(
                "DELETE FROM queries WHERE collection = '' AND query_id NOT IN (SELECT query_id FROM judgments WHERE collection = '')"
            )
            db.execute("DELETE FROM judging_steps")
        return gone


def _owned(
    collection: str, queries: Mapping[str, str], judgments: Sequence[Judgment]
) -> Iterator[tuple[str, dict[str, str], list[Judgment]]]:
    """Owner, queries and judgments: those of the split ``judged`` belong to everyone, under the ids that queries have here."""
    asked = {judged.query_id for judged in judgments if judged.split == SHARED}
    ids = {query_id: query_id_of(queries[query_id]) for query_id in asked & set(queries)}
    shared = [
        replace(judged, query_id=ids.get(judged.query_id, judged.query_id))
        for judged in judgments
        if judged.split == SHARED
    ]
    own = [judged for judged in judgments if judged.split != SHARED]
    kept = {judged.query_id for judged in own}
    yield EVERYONE, {ids[one]: queries[one] for one in ids}, shared
    yield collection, {one: text for one, text in queries.items() if one in kept or one not in asked}, own


def _put(
    db: sqlite3.Connection, owner: str, queries: Mapping[str, str], judgments: Iterable[Judgment], newer: bool = False
) -> None:
    rows = [(owner, *item, normalise_query(item[1])) for item in queries.items()]
    if owner == EVERYONE:  # a query stays spelt as it was first asked here
        db.executemany("INSERT OR IGNORE INTO queries VALUES (?, ?, ?, ?)", rows)
    else:
        db.executemany("INSERT OR REPLACE INTO queries VALUES (?, ?, ?, ?)", rows)
    db.executemany(_PUT_NEWER if newer else _PUT, ((owner, *astuple(judgment)) for judgment in judgments))
