"""A connection to one Chroma folder: freshness, collection handles and error translation."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar, cast

import chromadb
from chromadb.api.client import Client
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError, NotFoundError

from core.errors import CollectionNotFound, StoreError
from core.records.search import Collection
from core.store.conversion import CHROMA_FILE

Result = TypeVar("Result")
READ_ATTEMPTS = 5  # for a read that another process's write may disturb


class ChromaClient:
    """A Chroma client for one folder; threads may share it.

    Chroma does not notice what another process writes, so the client is opened again whenever its SQLite file has
    changed.
    """

    def __init__(self, folder: Path, on_change: Callable[[], None]) -> None:
        """Open ``folder``, creating it if needed; ``on_change`` is called after every write by this or another process.

        Raises StoreError if the folder cannot be created or opened.
        """
        self.folder = folder
        self.database = folder / CHROMA_FILE
        self._on_change = on_change
        self._lock = threading.RLock()
        self._handles: dict[str, chromadb.Collection] = {}  # by Chroma's name, until something is written
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The data folder {folder} cannot be made ({error.strerror}): set RANKSCOPE_DATA to another"
            ) from error
        with _translated(f"the data folder {folder}"):
            self._client = _connect(folder)
        self._stamp = self._read_stamp()

    def close(self) -> None:
        """Close the client."""
        self._client.close()

    @contextmanager
    def client(self, subject: str, writes: bool = False) -> Iterator[Client]:
        """Yield Chroma's client, up to date; ``subject`` names what is worked on in error messages.

        Only a write of our own, during which nobody else may write, counts as seen. What another process wrote while
        we read must still be noticed by the next call.
        """
        with self._lock, _translated(subject):
            if self._check_for_changes():
                self._client.close()
                self._client = _connect(self.folder)
            try:
                yield self._client
            finally:
                if writes:
                    self._check_for_changes()

    @contextmanager
    def collection(self, collection: Collection, writes: bool = False) -> Iterator[chromadb.Collection]:
        """Yield Chroma's handle of a collection. Raises CollectionNotFound."""
        with self.client(f"the collection {collection.name!r}", writes) as client:
            yield self.handle(client, collection.chroma_name)

    def handle(self, client: Client, chroma_name: str) -> chromadb.Collection:
        """Return the handle of the collection of that name in Chroma, cached until something is written."""
        if chroma_name not in self._handles:
            self._handles[chroma_name] = client.get_collection(chroma_name, embedding_function=None)
        return self._handles[chroma_name]

    def read(self, collection: Collection, read: Callable[[chromadb.Collection], Result]) -> Result:
        """Return ``read(handle)``, repeated if it failed while another process was writing. Raises StoreError."""
        for attempt in range(READ_ATTEMPTS):
            stamp = self._stamp
            try:
                with self.client(f"the collection {collection.name!r}") as client:
                    stamp = self._stamp
                    return read(self.handle(client, collection.chroma_name))
            except StoreError:
                if attempt == READ_ATTEMPTS - 1 or self._read_stamp() == stamp:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _read_stamp(self) -> tuple[int, int]:
        """Return the modification time and size of Chroma's SQLite file."""
        try:
            status = self.database.stat()
        except FileNotFoundError:
            return (0, 0)
        return (status.st_mtime_ns, status.st_size)

    def _check_for_changes(self) -> bool:
        """Return whether anything was written since the last check, and drop the caches if so."""
        previous, self._stamp = self._stamp, self._read_stamp()
        if previous == self._stamp:
            return False
        self._handles.clear()
        self._on_change()
        return True


def _connect(folder: Path) -> Client:
    settings = ChromaSettings(anonymized_telemetry=False)
    return cast(Client, chromadb.PersistentClient(path=str(folder), settings=settings))


@contextmanager
def _translated(subject: str) -> Iterator[None]:
    """Raise Chroma's errors as ours; ``subject`` names what was worked on."""
    try:
        yield
    except NotFoundError as error:
        raise CollectionNotFound(
            f"Not found: {subject}. It may have been deleted meanwhile: reload the list"
        ) from error
    except ChromaError as error:
        raise StoreError(f"Chroma could not do what was asked of {subject}: {error}") from error
