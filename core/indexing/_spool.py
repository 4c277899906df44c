"""Store each queued indexing run, with the bytes of its uploads, in an SQLite file until the run is over.

The file is complete on the disk before the run counts as queued, so that the next start finds it if the process is
killed. A lock file beside it marks the run as taken; the system frees it when the process ends. A file without a row
in its table ``job`` was never queued.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from filelock import FileLock, Timeout

from core.background import State
from core.errors import DamagedFile, StoreError
from core.loading.sources import PathSource, Source, Upload, table_options
from core.loading.tables import TableOptions
from core.records.search import Collection, OnChange
from core.util.progress import FileOutcome

FOLDER = "jobs"
ENDING = ".sqlite3"
PART = 64 << 20  # bytes of a file in one row: SQLite takes no more than a gigabyte
_SCHEMA = """
CREATE TABLE files (
    position INTEGER PRIMARY KEY, name TEXT NOT NULL, size INTEGER NOT NULL, path TEXT, tables TEXT);
CREATE TABLE parts (
    position INTEGER NOT NULL, number INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (position, number));
CREATE TABLE job (
    collection TEXT NOT NULL, name TEXT NOT NULL, on_change TEXT NOT NULL, files INTEGER NOT NULL,
    state TEXT NOT NULL, error TEXT NOT NULL, outcomes TEXT NOT NULL);
"""


@dataclass(frozen=True)
class QueuedUpload:
    """An upload whose bytes are in a spool."""

    spool: Spool
    position: int
    name: str
    size: int
    tables: TableOptions | None = None

    def read(self) -> bytes:
        """Return the file's bytes. Raises DamagedFile where they are not there any more."""
        return self.spool.data(self.position, self.name)


class Spool:
    """One run's file. This process has it until it is released or removed, or the process ends."""

    def __init__(self, path: Path, lock: FileLock) -> None:
        self.path = path
        self._lock = lock
        self._db_lock = threading.RLock()
        # each commit is on the disk before it returns
        self._db = sqlite3.connect(path, timeout=30, check_same_thread=False)

    @classmethod
    def create(cls, data: Path, collection: Collection, sources: Sequence[Source], on_change: OnChange) -> Spool:
        """Write a run to a new file in the data folder ``data``. Raises StoreError if that fails."""
        path = data / FOLDER / f"{time.time_ns():020}-{uuid.uuid4().hex[:8]}{ENDING}"
        with _as_store_error(
            f"The files for {collection.name!r} cannot be put by",
            "is the disk full, or the data folder write-protected?",
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = _file_lock(path)
            lock.acquire()
            spool = cls(path, lock)
            try:
                spool._fill(collection, sources, on_change)
            except BaseException:
                spool.remove()
                raise
        return spool

    @classmethod
    def claim(cls, path: Path) -> Spool | None:
        """Return the run in a file, None if a running process has it or if it was never queued.

        Raises StoreError for a file that is damaged; it is renamed, so that it is not read again.
        """
        lock = _file_lock(path)
        try:
            lock.acquire()
        except Timeout:
            return None
        if not path.exists():  # over and removed, a moment ago
            _unlock(path, lock)
            return None
        spool = cls(path, lock)
        try:
            if spool._is_queued():
                return spool
        except StoreError:
            spool.release()
            path.rename(path.with_suffix(".damaged"))
            raise
        spool.remove()
        return None

    def _fill(self, collection: Collection, sources: Sequence[Source], on_change: OnChange) -> None:
        self._db.executescript(_SCHEMA)
        with self._db:
            for position, source in enumerate(sources):
                path = str(source.path.absolute()) if isinstance(source, PathSource) else None
                tables = table_options(source)
                row = (position, source.name, source.size, path, tables and json.dumps(asdict(tables)))
                self._db.execute("INSERT INTO files VALUES (?, ?, ?, ?, ?)", row)
                data = b"" if path else source.read()
                parts = ((position, first, data[first : first + PART]) for first in range(0, len(data), PART))
                self._db.executemany("INSERT INTO parts VALUES (?, ?, ?)", parts)
            job = (collection.key, collection.name, on_change, len(sources), "waiting", "", "[]")
            self._db.execute("INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, ?)", job)

    def _is_queued(self) -> bool:
        return bool(self._query("SELECT 1 FROM sqlite_master WHERE name = 'job'") and self._query("SELECT 1 FROM job"))

    def _query(self, sql: str, *values: str | int) -> list[tuple[Any, ...]]:
        with self._db_lock, _as_store_error(f"The queued run {self.path} cannot be read", "bring its files again"):
            return self._db.execute(sql, values).fetchall()

    def collection(self) -> tuple[str, str]:
        """Return the key and the name of the collection that the files are for."""
        return cast(tuple[str, str], self._query("SELECT collection, name FROM job")[0])

    def on_change(self) -> OnChange:
        """Return what becomes of a changed file's old version."""
        return cast(OnChange, self._query("SELECT on_change FROM job")[0][0])

    def sources(self) -> list[Source]:
        """Return the files that are still to be indexed, in the order in which they were brought."""
        rows = self._query("SELECT position, name, size, path, tables FROM files ORDER BY position")
        return [
            PathSource(Path(path), name) if path else QueuedUpload(self, position, name, size, _read_tables(tables))
            for position, name, size, path, tables in rows
        ]

    def data(self, position: int, name: str) -> bytes:
        """Return the bytes of an upload. Raises DamagedFile, naming it, where they are gone."""
        if not self._query("SELECT 1 FROM files WHERE position = ?", position):
            raise DamagedFile(f"{name} was put by and is gone: bring it again")
        return b"".join(
            row[0] for row in self._query("SELECT data FROM parts WHERE position = ? ORDER BY number", position)
        )

    def progress(self) -> tuple[State, str, list[FileOutcome]]:
        """Return the run's state, its error message, and the outcomes of the files that are done."""
        state, error, outcomes = self._query("SELECT state, error, outcomes FROM job")[0]
        return state, error, [_outcome(fields) for fields in json.loads(outcomes)]

    def record_progress(
        self, state: State, error: str, outcomes: Sequence[FileOutcome], remaining: Sequence[Source]
    ) -> None:
        """Record the run's state and outcomes, and delete the files that are not among the ``remaining`` ones."""
        remaining_keys = {(source.name, source.size) for source in remaining}
        rows = self._query("SELECT position, name, size FROM files")
        done = [(position,) for position, name, size in rows if (name, size) not in remaining_keys]
        outcomes_json = json.dumps([asdict(outcome) for outcome in outcomes])
        with (
            self._db_lock,
            _as_store_error(f"The queued run {self.path} cannot be written", "is the disk full?"),
            self._db,
        ):
            self._db.executemany("DELETE FROM files WHERE position = ?", done)
            self._db.executemany("DELETE FROM parts WHERE position = ?", done)
            self._db.execute("UPDATE job SET state = ?, error = ?, outcomes = ?", (state, error, outcomes_json))

    def record_cancelled(self) -> None:
        """Record that the run is not to be resumed after a restart."""
        with (
            self._db_lock,
            _as_store_error(f"The queued run {self.path} cannot be written", "is the disk full?"),
            self._db,
        ):
            self._db.execute("UPDATE job SET state = 'cancelled'")

    def release(self) -> None:
        """Give up the run, so that another process or the next start can claim it."""
        with self._db_lock:
            self._db.close()
        self._lock.release()

    def remove(self) -> None:
        """Delete the file, because the run is over."""
        with self._db_lock:
            self._db.close()
        self.path.unlink(missing_ok=True)
        _unlock(self.path, self._lock)


def can_be_queued(sources: Sequence[Source]) -> bool:
    """Return whether all of these are files or uploads: other sources exist in this process only."""
    return all(isinstance(source, (PathSource, Upload, QueuedUpload)) for source in sources)


def queued_runs(data: Path) -> list[Path]:
    """Return the files of the runs in the data folder ``data``, oldest first."""
    return sorted((data / FOLDER).glob(f"*{ENDING}"))


def _file_lock(path: Path) -> FileLock:
    return FileLock(path.with_suffix(".lock"), timeout=0, thread_local=False)


def _unlock(path: Path, lock: FileLock) -> None:
    path.with_suffix(".lock").unlink(missing_ok=True)
    lock.release()


def _read_tables(options: str | None) -> TableOptions | None:
    if options is None:
        return None
    return TableOptions(
        **{name: None if columns is None else tuple(columns) for name, columns in json.loads(options).items()}
    )


@contextmanager
def _as_store_error(what: str, advice: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{what} ({error}): {advice}") from error


def _outcome(fields: dict[str, Any]) -> FileOutcome:
    """Return an outcome from its JSON; files of older versions have no notes."""
    return FileOutcome(**{**fields, "notes": tuple(fields.get("notes", ()))})
