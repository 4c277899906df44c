"""What Chroma's SQLite file tells of a collection's chunks much faster than Chroma does."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from core.errors import StoreError
from core.records.document import Value
from core.records.filters import Field, FieldValue, group_fields

PLACE = ("document_id", "document", "start", "end", "tokens")  # what each of our chunks says of where it stands
_VERSION = """
SELECT s.id, coalesce((SELECT m.seq_id FROM max_seq_id m WHERE m.segment_id = s.id), 0), (SELECT count(*) FROM embeddings e WHERE e.segment_id = s.id)
FROM segments s WHERE s.collection = ? AND s.scope = 'METADATA'
"""
_SPOTS = f"""
SELECT e.embedding_id, {", ".join(f"coalesce(m{at}.string_value, m{at}.int_value)" for at in range(len(PLACE)))}
FROM segments s JOIN embeddings e ON e.segment_id = s.id
{" ".join(f"LEFT JOIN embedding_metadata m{at} ON m{at}.id = e.id AND m{at}.key = '{key}'" for at, key in enumerate(PLACE))}
WHERE s.collection = ? AND s.scope = 'METADATA'
"""  # noqa: S608  made of nothing but the names above


def read_version(database: Path, collection: str) -> str:
    """Return the number of the last change to a collection (Chroma's id), and how many chunks it has; milliseconds for 100,000.

    Chroma numbers every chunk that comes, changes or goes. Raises StoreError where its SQLite file cannot be read.
    """
    return " ".join(f"{segment}:{int(last)}:{chunks}" for segment, last, chunks in _all(database, _VERSION, collection))


def read_spots(database: Path, collection: str) -> list[tuple[Any, ...]]:
    """Return of every chunk of a collection (Chroma's id) its id and what PLACE names, None for what it does not say.

    About a second for 100,000 chunks. Raises StoreError where the file cannot be read.
    """
    return _all(database, _SPOTS, collection)


def _all(database: Path, sql: str, collection: str) -> list[tuple[Any, ...]]:
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as opened:
            return opened.execute(sql, [collection]).fetchall()
    except sqlite3.Error as error:
        raise StoreError(
            f"The chunks in {database} cannot be looked up ({error}): is another version of Chroma at work there?"
        ) from error


_COUNT = """
SELECT m.key, m.string_value, m.int_value, m.float_value, m.bool_value, count(*)
FROM segments s JOIN embeddings e ON e.segment_id = s.id JOIN embedding_metadata m ON m.id = e.id
WHERE s.collection = ? AND s.scope = 'METADATA' AND m.key >= ? AND m.key < ? GROUP BY 1, 2, 3, 4, 5
"""
_VALUES = """
SELECT e.embedding_id, m.string_value, m.int_value, m.float_value, m.bool_value
FROM segments s JOIN embeddings e ON e.segment_id = s.id JOIN embedding_metadata m ON m.id = e.id
WHERE s.collection = ? AND s.scope = 'METADATA' AND m.key = ?
"""


def read_fields(database: Path, collection: str, prefix: str) -> tuple[Field, ...]:
    """Return the fields that the chunks of a collection (Chroma's id) have under names that begin with ``prefix``.

    Chroma itself can only hand out all metadata of all chunks, which takes ten times as long as to have its
    SQLite file count them: about a second for 100,000 chunks with six fields. Raises StoreError where the file cannot be read.
    """
    rows = _rows(database, _COUNT, [collection, prefix, prefix + "\U0010ffff"])
    return group_fields(
        (name.removeprefix(prefix), FieldValue(_value(*columns), chunks)) for name, *columns, chunks in rows
    )


def read_values(database: Path, collection: str, name: str) -> dict[str, Value]:
    """Return the value of one field for every chunk of a collection (Chroma's id) that has it. Raises StoreError."""
    return {chunk_id: _value(*columns) for chunk_id, *columns in _rows(database, _VALUES, [collection, name])}


def _rows(database: Path, asked: str, given: list[str]) -> list[tuple[Any, ...]]:
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as opened:
            return opened.execute(asked, given).fetchall()
    except sqlite3.Error as error:
        raise StoreError(
            f"The metadata in {database} cannot be read ({error}): is another version of Chroma at work there?"
        ) from error


def _value(word: str | None, whole: int | None, real: float | None, truth: int | None) -> Value:
    """The one of Chroma's columns that is filled."""
    if truth is not None:
        return bool(truth)
    return next(value for value in (word, whole, real, "") if value is not None)
