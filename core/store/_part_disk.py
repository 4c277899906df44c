"""How much of the disk a collection takes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from core.errors import StoreError
from core.records.search import Collection
from core.store._client import FILE
from core.workspace import Workspace


def size_on_disk(workspace: Workspace, collection: Collection) -> int:
    """Return the bytes that ``collection`` takes: an estimate, since collections share files.

    Its vectors' own files, where Chroma has written them yet; its share by chunks of Chroma's database, which holds texts,
    metadata, their word index and the newest vectors; and its documents' texts. A text that several collections hold
    counts in each. Raises StoreError where Chroma's database cannot be read.
    """
    folder = workspace.settings.data
    everything = sum(other.chunks for other in workspace.store.collections())
    share = collection.chunks / everything if everything else 0.0
    database = sum(file.stat().st_size for file in folder.glob(f"{FILE}*"))
    vectors = sum(file.stat().st_size for name in vector_folders(folder, collection.key) for file in (folder / name).glob("*"))
    return vectors + round(share * database) + workspace.shelf.size(collection.key)


def vector_folders(folder: Path, key: str) -> list[str]:
    """The names of the folders in which Chroma keeps a collection's vectors."""
    try:
        with closing(sqlite3.connect(f"{(folder / FILE).absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as database:
            return [row[0] for row in database.execute("SELECT id FROM segments WHERE collection = ? AND scope = 'VECTOR'", [key])]
    except sqlite3.Error as error:
        raise StoreError(f"{folder / FILE} cannot be read ({error}): is it Chroma's?") from error
