"""What tells, without reading them, whether the chunks of a collection have changed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from core.errors import StoreError

_READ = """
SELECT s.id, coalesce((SELECT m.seq_id FROM max_seq_id m WHERE m.segment_id = s.id), 0), (SELECT count(*) FROM embeddings e WHERE e.segment_id = s.id)
FROM segments s WHERE s.collection = ? AND s.scope = 'METADATA'
"""


def read_version(database: Path, collection: str) -> str:
    """Return the number of the last change to a collection (Chroma's id), and how many chunks it has; milliseconds for 100,000.

    Chroma numbers every chunk that comes, changes or goes. Raises StoreError where its SQLite file cannot be read.
    """
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as opened:
            rows = opened.execute(_READ, [collection]).fetchall()
    except sqlite3.Error as error:
        raise StoreError(f"The state of the chunks in {database} cannot be read ({error}): is another version of Chroma at work there?") from error
    return " ".join(f"{segment}:{int(last)}:{chunks}" for segment, last, chunks in rows)
