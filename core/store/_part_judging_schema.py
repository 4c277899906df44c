"""The tables of the judgments, and how those of older data folders become them."""

from __future__ import annotations

import sqlite3

from core.records.judgments import normalised

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
_INDEX = "CREATE INDEX IF NOT EXISTS queries_by_text ON queries (plain, collection)"  # after the columns that older files lack
_LATER = {"queries": ("plain",), "judgments": ("who", "made", "note")}
# What holds for the collection ``key``: its own, and everyone's where it has the document. Few are everyone's: they come first.
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
        db.executemany("UPDATE queries SET plain = ? WHERE collection = ? AND query_id = ?", [(normalised(row[0]), *row[1:]) for row in unread])
        db.execute(_INDEX)
    db.execute(_HOLDING)
