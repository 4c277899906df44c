"""One folder of Chroma's, kept fresh while other processes write. The only importer of chromadb."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self, cast

import chromadb
from chromadb.api.client import Client
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError, NotFoundError

from core.errors import CollectionNotFound, StoreError
from core.records.filters import Field
from core.records.search import Collection
from core.store.conversion import CHROMA_FILE


class Chroma:
    """Chroma's client for one folder. Threads may share it; other processes' writes are noticed."""

    def __init__(self, folder: Path, client: Client) -> None:
        self._folder = folder
        self._client = client
        self._lock = threading.RLock()
        self._stamp = self._read_stamp()
        self._handles: dict[str, chromadb.Collection] = {}  # by Chroma's name; all good until anything is written
        self._records: dict[str, Collection] = {}
        self._fields: dict[str, tuple[Field, ...]] = {}

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open ``folder``, which is made if need be. Raises StoreError if that fails."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The data folder {folder} cannot be made ({error.strerror}): set RANKSCOPE_DATA to another"
            ) from error
        with translated(f"the data folder {folder}"):
            return cls(folder, _connect(folder))

    def close(self) -> None:
        """Let go of the folder."""
        self._client.close()

    def _read_stamp(self) -> tuple[int, int]:
        try:
            status = (self._folder / CHROMA_FILE).stat()
        except FileNotFoundError:
            return (0, 0)
        return (status.st_mtime_ns, status.st_size)

    @contextmanager
    def _fresh(self, about: str, writes: bool = False) -> Iterator[Client]:
        """The client, opened anew if another process has written since: Chroma alone would not see it.

        Only after our own writing, when nobody else may write, is the stamp taken as seen: what another
        process wrote while we read must still be noticed by the next look.
        """
        with self._lock, translated(about):
            if self._changed():
                self._client.close()
                self._client = _connect(self._folder)
            try:
                yield self._client
            finally:
                if writes:
                    self._changed()

    def _changed(self) -> bool:
        """Whether anything was written since the last look; what was kept is then forgotten."""
        before, self._stamp = self._stamp, self._read_stamp()
        if before == self._stamp:
            return False
        self._handles.clear()
        self._records.clear()
        self._fields.clear()
        return True

    def _handle(self, client: Client, name: str) -> chromadb.Collection:
        if name not in self._handles:
            self._handles[name] = client.get_collection(name, embedding_function=None)
        return self._handles[name]

    @contextmanager
    def _held(self, collection: Collection, writes: bool = False) -> Iterator[chromadb.Collection]:
        with self._fresh(f"the collection {collection.name!r}", writes) as client:
            yield self._handle(client, collection.chroma_name)


def _connect(folder: Path) -> Client:
    return cast(
        Client, chromadb.PersistentClient(path=str(folder), settings=ChromaSettings(anonymized_telemetry=False))
    )


@contextmanager
def translated(about: str) -> Iterator[None]:
    """Raise Chroma's errors as ours; ``about`` says what was asked for."""
    try:
        yield
    except NotFoundError as error:
        raise CollectionNotFound(f"Not found: {about}. It may have been deleted meanwhile: reload the list") from error
    except ChromaError as error:
        raise StoreError(f"Chroma could not do what was asked of {about}: {error}") from error
