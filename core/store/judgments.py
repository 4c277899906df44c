"""Queries and their relevance judgments: those made here, and those that came with data sets.

A judgment is about a span of a document, not about a chunk, so that it survives other chunk settings, another model and
an export. The tables are in the document store's SQLite file. There are two kinds of judgments:

- Those made here, in the split ``judged``, belong to no collection. The query is known by its normalised text and the
  document by its content, and the judgment holds for every collection with that document. It stays when a collection is
  deleted, even the last one with that document, and counts again as soon as the same file is indexed again.
  ``drop_unused`` removes those whose document is in no collection.
- Those that came with a data set have the data set's query ids and splits. They belong to one collection, given by its
  key, are copied with it and deleted with it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.errors import DataError, DocumentNotFound
from core.records.judgments import GRADES, SHARED, Judgment, Step, normalise_query, query_id_of
from core.store._database import Database, add_missing_columns
from core.util.formatting import clip, plural

MAX_UNDO_STEPS = 500  # older ones cannot be undone
EVERY_COLLECTION = ""  # in place of a collection's key: for all collections that have the document
QUERY_LENGTH_IN_STEP = 60  # characters of a query in the description of an undo step

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
    step INTEGER PRIMARY KEY AUTOINCREMENT, collection TEXT NOT NULL, what TEXT NOT NULL, made TEXT NOT NULL,
    changes TEXT NOT NULL)""",
)
_INDEX = "CREATE INDEX IF NOT EXISTS queries_by_text ON queries (plain, collection)"
# The judgments that hold for the collection ``key``: its own, and those made here on its documents. The latter are few,
# so the join begins with them.
_HOLDING = """CREATE TEMP VIEW holding AS
    SELECT j.collection AS key, j.* FROM judgments j WHERE j.collection <> ''
    UNION ALL
    SELECT e.collection AS key, j.* FROM judgments j CROSS JOIN entries e
    WHERE j.collection = '' AND e.document_id = j.document_id AND e.state = 'ready'"""
_COLUMNS = "split, query_id, document_id, start, end, grade, origin, who, made, note"  # as in Judgment
_THIS_JUDGMENT = "(collection, split, query_id, document_id, start, end) = (?, ?, ?, ?, ?, ?)"

_SELECT_QUERIES = """SELECT query_id, text FROM queries WHERE (collection = :key AND :own)
    OR (collection = '' AND :shared AND query_id IN (SELECT query_id FROM holding WHERE key = :key AND collection = ''))
    ORDER BY query_id, collection"""
_SELECT_SPLITS = "SELECT DISTINCT split FROM holding WHERE key = ? ORDER BY split"
_SELECT_JUDGMENTS = f"""SELECT {_COLUMNS} FROM holding
    WHERE key = :key AND split = coalesce(:split, split)
    ORDER BY split, query_id, document_id, start, end"""  # noqa: S608  made of constants
_SELECT_BY_QUERY_TEXT = f"""SELECT {_COLUMNS.replace("query_id", "h.query_id")}
    FROM queries q JOIN holding h ON h.collection = q.collection AND h.query_id = q.query_id
    WHERE q.plain = :plain AND q.collection IN ('', :key) AND h.key = :key
    ORDER BY split, h.query_id, document_id, start, end"""  # noqa: S608  made of constants
_SELECT_MADE_HERE = f"""SELECT {_COLUMNS} FROM judgments
    WHERE collection = '' AND query_id = :query_id AND document_id = coalesce(:document_id, document_id)
    AND start = coalesce(:start, start) AND end = coalesce(:end, end)"""  # noqa: S608  made of constants
_SELECT_NOTE = f"SELECT note FROM judgments WHERE {_THIS_JUDGMENT}"  # noqa: S608  made of constants
_SELECT_LENGTH = "SELECT max(characters) FROM entries WHERE document_id = ? AND state = 'ready'"
_SELECT_BEFORE = f"SELECT grade, origin, who, made, note FROM judgments WHERE {_THIS_JUDGMENT}"  # noqa: S608  constants
_SELECT_LAST_STEP = """SELECT what, json_array_length(changes), made, step, collection, changes FROM judging_steps
    ORDER BY step DESC LIMIT 1"""
_DELETE_JUDGMENT = f"DELETE FROM judgments WHERE {_THIS_JUDGMENT}"  # noqa: S608  made of constants
_DELETE_OLD_STEPS = "DELETE FROM judging_steps WHERE step <= (SELECT max(step) FROM judging_steps) - ?"
_INSERT_STEP = "INSERT INTO judging_steps (collection, what, made, changes) VALUES (?, ?, ?, ?)"
_RESTORE_JUDGMENT = "INSERT OR REPLACE INTO judgments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_UPSERT_JUDGMENT = """INSERT INTO judgments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (collection, split, query_id, document_id, start, end) DO UPDATE SET
    grade = excluded.grade, origin = excluded.origin, who = excluded.who, made = excluded.made, note = excluded.note"""
_UPSERT_NEWER_JUDGMENT = f"{_UPSERT_JUDGMENT} WHERE excluded.made > judgments.made"


def now() -> str:
    """Return the time as judgments record it: ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class JudgmentStore:
    """The queries and judgments of a data folder, in the document store's file. A collection is given by its key.

    Every method raises StoreError if the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, creating missing tables. Raises StoreError."""
        self._database = Database(path, "The judgments", _prepare)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def queries(self, collection: str, split: str | None = None) -> dict[str, str]:
        """Return the queries of a collection by query id: its data set's, judged or not, and those judged here.

        With a ``split``, only the queries that its judgments can be about: the latter for ``judged``, the former for
        any other.
        """
        parameters = {"key": collection, "own": split != SHARED, "shared": split in (None, SHARED)}
        return dict(self._database.select(_SELECT_QUERIES, parameters))

    def splits(self, collection: str) -> list[str]:
        """Return the names of the splits that have judgments for a collection, sorted."""
        return [split for (split,) in self._database.select(_SELECT_SPLITS, [collection])]

    def judgments(self, collection: str, split: str | None = None) -> list[Judgment]:
        """Return the judgments for a collection in one split (None: in all), sorted by split, query and span."""
        return _judgments(self._database.select(_SELECT_JUDGMENTS, {"key": collection, "split": split}))

    def for_query(self, collection: str, query: str) -> list[Judgment]:
        """Return the judgments for a collection of all queries with this normalised text, in every split."""
        parameters = {"key": collection, "plain": normalise_query(query)}
        return _judgments(self._database.select(_SELECT_BY_QUERY_TEXT, parameters))

    def judge(
        self, query: str, document_id: str, start: int, end: int, grade: int, *, who: str = "", note: str | None = None
    ) -> Judgment:
        """Grade how well a span of a document answers a query, 0 to 3, replacing an earlier judgment of that span.

        ``note`` None keeps the earlier note. Raises DataError for an empty query, another grade or an impossible span,
        DocumentNotFound, StoreError.
        """
        if grade not in GRADES:
            raise DataError(
                f"{grade!r} is no grade: use {', '.join(f'{number} ({word})' for number, word in GRADES.items())}"
            )
        if not normalise_query(query):
            raise DataError("The query is empty, and nothing can be judged for it: type a question first")
        self._check_span(document_id, start, end)
        query_id, who = query_id_of(query), who.strip()
        judgment = Judgment(SHARED, query_id, document_id, start, end, int(grade), "", who, now(), (note or "").strip())
        with self._database.transaction() as connection:
            if note is None:
                earlier = connection.execute(_SELECT_NOTE, [EVERY_COLLECTION, *judgment.key]).fetchone()
                judgment = replace(judgment, note=earlier[0] if earlier else "")
            _record_step(connection, EVERY_COLLECTION, f"grade {grade} for “{_clipped(query)}”", [judgment])
            _upsert(connection, EVERY_COLLECTION, {query_id: query.strip()}, [judgment])
        return judgment

    def _check_span(self, document_id: str, start: int, end: int) -> None:
        length = self._database.select(_SELECT_LENGTH, [document_id])[0][0]
        if length is None:
            raise DocumentNotFound(f"There is no document {document_id!r} to be judged: index its file first")
        if not 0 <= start < end <= length:
            raise DataError(
                f"The characters {start} to {end} cannot be judged: the document {document_id} has {length:,}"
            )

    def clear(
        self, query: str, document_id: str | None = None, start: int | None = None, end: int | None = None
    ) -> int:
        """Delete the judgments made here for a query, or for one document or span of it; return how many."""
        parameters = {"query_id": query_id_of(query), "document_id": document_id, "start": start, "end": end}
        with self._database.transaction() as connection:
            judgments = _judgments(connection.execute(_SELECT_MADE_HERE, parameters))
            if judgments:
                step = f"{plural(len(judgments), 'grade')} taken back for “{_clipped(query)}”"
                _record_step(connection, EVERY_COLLECTION, step, judgments)
                connection.executemany(_DELETE_JUDGMENT, [(EVERY_COLLECTION, *judgment.key) for judgment in judgments])
        return len(judgments)

    @property
    def last_step(self) -> Step | None:
        """The step that ``undo`` would take back, None if there is none."""
        rows = self._database.select(_SELECT_LAST_STEP)
        return Step(*rows[0][:3]) if rows else None

    def undo(self) -> Step | None:
        """Take back the last step of judging in this data folder and return it, None if there is none.

        Overwritten judgments come back, whoever made the step.
        """
        with self._database.transaction() as connection:
            row = connection.execute(_SELECT_LAST_STEP).fetchone()
            if row is None:
                return None
            *description, step, collection, changes = row
            for *key, before in json.loads(changes):
                if before is None:
                    connection.execute(_DELETE_JUDGMENT, [collection, *key])
                else:
                    connection.execute(_RESTORE_JUDGMENT, [collection, *key, *before])
            connection.execute("DELETE FROM judging_steps WHERE step = ?", [step])
        return Step(*description)

    def import_judgments(
        self, collection: str, queries: Mapping[str, str], judgments: Sequence[Judgment], step: str
    ) -> None:
        """Add judgments that can be undone, replacing those for the same query and span.

        ``step`` describes the import; it can be two steps, one for the judgments of the split ``judged`` and one for
        the collection's own.
        """
        with self._database.transaction() as connection:
            for owner, owner_queries, owner_judgments in _by_owner(collection, queries, judgments):
                if owner_judgments:
                    _record_step(connection, owner, step, owner_judgments)
                _upsert(connection, owner, owner_queries, owner_judgments)

    def add(self, collection: str, queries: Mapping[str, str], judgments: Iterable[Judgment]) -> None:
        """Add what came with a collection, replacing judgments for the same query and span.

        In the split ``judged``, of two judgments the newer one stays.
        """
        with self._database.transaction() as connection:
            for owner, owner_queries, owner_judgments in _by_owner(collection, queries, list(judgments)):
                _upsert(connection, owner, owner_queries, owner_judgments, newer_only=owner == EVERY_COLLECTION)

    def copy(self, collection: str, target: str) -> None:
        """Copy a collection's own queries and judgments to the collection ``target``; those made here need no copy."""
        with self._database.transaction() as connection:
            for table, columns in (("queries", "query_id, text, plain"), ("judgments", _COLUMNS)):
                connection.execute(
                    f"INSERT OR REPLACE INTO {table} SELECT ?, {columns} FROM {table} WHERE collection = ?",  # noqa: S608
                    [target, collection],
                )

    def remove(self, collection: str) -> None:
        """Delete a collection's own queries and judgments; those made here stay."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM queries WHERE collection = ?", [collection])
            connection.execute("DELETE FROM judgments WHERE collection = ?", [collection])
            connection.execute("DELETE FROM judging_steps WHERE collection = ?", [collection])

    def drop_unused(self) -> int:
        """Delete the judgments made here on documents that no collection has any more; return how many.

        All undo steps are deleted too, since they quote queries and could bring the judgments back.
        """
        with self._database.transaction() as connection:
            deleted = connection.execute(
                "DELETE FROM judgments WHERE collection = '' AND document_id NOT IN (SELECT document_id FROM entries)"
            ).rowcount
            connection.execute(
                "DELETE FROM queries WHERE collection = ''"
                " AND query_id NOT IN (SELECT query_id FROM judgments WHERE collection = '')"
            )
            connection.execute("DELETE FROM judging_steps")
        return deleted


def _prepare(connection: sqlite3.Connection) -> None:
    """Create missing tables and columns in one step, since two processes may open one folder at once."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for table in _TABLES:
            connection.execute(table)
        add_missing_columns(connection, "queries", ["plain"], default="")
        add_missing_columns(connection, "judgments", ["who", "made", "note"], default="")
        rows = connection.execute("SELECT text, collection, query_id FROM queries WHERE plain = '' AND text <> ''")
        connection.executemany(
            "UPDATE queries SET plain = ? WHERE collection = ? AND query_id = ?",
            [(normalise_query(text), collection, query_id) for text, collection, query_id in rows.fetchall()],
        )
        connection.execute(_INDEX)  # only now: it needs a column that older files lacked
    connection.execute(_HOLDING)


def _record_step(connection: sqlite3.Connection, collection: str, what: str, judgments: Sequence[Judgment]) -> None:
    """Record, for ``undo``, the judgments that are about to be replaced or deleted, in the caller's transaction."""
    keys = [judgment.key for judgment in judgments]
    changes = [[*key, connection.execute(_SELECT_BEFORE, [collection, *key]).fetchone()] for key in keys]
    connection.execute(_INSERT_STEP, [collection, what, now(), json.dumps(changes, ensure_ascii=False)])
    connection.execute(_DELETE_OLD_STEPS, [MAX_UNDO_STEPS])


def _upsert(
    connection: sqlite3.Connection,
    owner: str,
    queries: Mapping[str, str],
    judgments: Iterable[Judgment],
    newer_only: bool = False,
) -> None:
    # a query that was judged here keeps the spelling of its first judgment
    conflict = "IGNORE" if owner == EVERY_COLLECTION else "REPLACE"
    connection.executemany(
        f"INSERT OR {conflict} INTO queries VALUES (?, ?, ?, ?)",  # noqa: S608  one of the two words above
        [(owner, query_id, text, normalise_query(text)) for query_id, text in queries.items()],
    )
    sql = _UPSERT_NEWER_JUDGMENT if newer_only else _UPSERT_JUDGMENT
    connection.executemany(sql, ((owner, *astuple(judgment)) for judgment in judgments))


def _by_owner(
    collection: str, queries: Mapping[str, str], judgments: Sequence[Judgment]
) -> Iterator[tuple[str, dict[str, str], list[Judgment]]]:
    """Yield each owner with its queries and judgments: every collection for the split ``judged``, else ``collection``.

    The former get the query ids that queries have here.
    """
    shared = [judgment for judgment in judgments if judgment.split == SHARED]
    own = [judgment for judgment in judgments if judgment.split != SHARED]
    shared_ids, own_ids = ({judgment.query_id for judgment in group} for group in (shared, own))
    new_ids = {query_id: query_id_of(queries[query_id]) for query_id in shared_ids & set(queries)}
    yield (
        EVERY_COLLECTION,
        {new_id: queries[query_id] for query_id, new_id in new_ids.items()},
        [replace(judgment, query_id=new_ids.get(judgment.query_id, judgment.query_id)) for judgment in shared],
    )
    own_queries = {id_: text for id_, text in queries.items() if id_ in own_ids or id_ not in shared_ids}
    yield collection, own_queries, own


def _judgments(rows: Iterable[tuple[Any, ...]]) -> list[Judgment]:
    return [Judgment(*row) for row in rows]


def _clipped(query: str) -> str:
    return clip(query, QUERY_LENGTH_IN_STEP)
