"""The collections, kept by Chroma. The only importer of chromadb.

Everything is stored the way any Chroma client expects it, in the data folder itself, so that
``chromadb.PersistentClient(path=...)`` alone opens and queries it.
"""

from __future__ import annotations

import threading
from collections.abc import Collection as Ids
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import chromadb
import numpy as np
import numpy.typing as npt
from chromadb.api.client import Client
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError, NotFoundError

from core.errors import CollectionExists, CollectionNotFound, StoreError
from core.names import chroma_name
from core.records import METRICS, Chunk, ChunkSettings, Collection, Hit, Metric
from core.rows import SCHEMA, SPACES, chunk_metadata, chunking_metadata, read_collection, read_hits

Vectors = npt.NDArray[np.float32]
HNSW = {"ef_construction": 200, "ef_search": 200}  # wider than Chroma's 100: recall before a millisecond
ATTEMPTS = 5  # at a query, while another process writes


class Store:
    """Collections in one folder. Threads may share it; other processes' writes are noticed."""

    def __init__(self, folder: Path, client: Client) -> None:
        self._folder = folder
        self._client = client
        self._lock = threading.RLock()
        self._stamp = self._read_stamp()
        self._handles: dict[str, chromadb.Collection] = {}  # by Chroma's name; both good until anything is written
        self._records: dict[str, Collection] = {}

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Open the store in ``folder``, which is made if need be. Raises StoreError if that fails."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"The data folder {folder} cannot be made ({error.strerror}): set RANKSCOPE_DATA to another") from error
        with _translated(f"the data folder {folder}"):
            return cls(folder, _connect(folder))

    def close(self) -> None:
        """Let go of the folder."""
        self._client.close()

    def _read_stamp(self) -> tuple[int, int]:
        try:
            status = (self._folder / "chroma.sqlite3").stat()
        except FileNotFoundError:
            return (0, 0)
        return (status.st_mtime_ns, status.st_size)

    @contextmanager
    def _fresh(self, about: str, writes: bool = False) -> Iterator[Client]:
        """The client, opened anew if another process has written since: Chroma alone would not see it.

        Only after our own writing, when nobody else may write, is the stamp taken as seen: what another
        process wrote while we read must still be noticed by the next look.
        """
        with self._lock, _translated(about):
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
        return True

    def _handle(self, client: Client, name: str) -> chromadb.Collection:
        if name not in self._handles:
            self._handles[name] = client.get_collection(name, embedding_function=None)
        return self._handles[name]

    def collections(self) -> list[Collection]:
        """Return every collection, sorted by name, those of other programs too."""
        with self._fresh("the list of collections") as client:
            found = [read_collection(held) for held in client.list_collections()]
        return sorted(found, key=lambda collection: collection.name.casefold())

    def collection(self, name: str) -> Collection:
        """Return the collection ``name``. Raises CollectionNotFound."""
        with self._fresh(f"the collection {name!r}") as client:
            try:
                if name not in self._records:
                    self._records[name] = read_collection(self._handle(client, chroma_name(name)))
                return self._records[name]
            except NotFoundError as error:
                raise CollectionNotFound(f"There is no collection {name!r}: 'python -m core collections' lists them") from error

    def create(
        self,
        name: str,
        *,
        model: str,
        revision: str,
        dimension: int,
        metric: Metric = "cosine",
        chunking: ChunkSettings | None = None,
        query_prompt: str = "",
        document_prompt: str = "",
    ) -> Collection:
        """Make an empty collection. Raises BadName or CollectionExists."""
        chunking = chunking or ChunkSettings()
        if metric not in METRICS:
            raise StoreError(f"{metric!r} is not a measure: use one of {', '.join(METRICS)}")
        if name in {collection.name for collection in self.collections()}:
            raise CollectionExists(f"There is a collection {name!r} already: choose another name or delete it first")
        metadata: dict[str, str | int] = {
            "rankscope_schema": SCHEMA,
            "title": name,
            "model": model,
            "revision": revision,
            "dimension": dimension,
            "metric": metric,
            "query_prompt": query_prompt,
            "document_prompt": document_prompt,
            **chunking_metadata(chunking),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        with self._fresh(f"the collection {name!r}", writes=True) as client:
            held = client.create_collection(
                chroma_name(name),
                metadata=metadata,
                configuration=cast(Any, {"hnsw": {"space": SPACES[metric], **HNSW}}),
                embedding_function=None,
            )
            return read_collection(held)

    def delete(self, collection: Collection) -> None:
        """Delete the collection with all its chunks."""
        with self._fresh(f"the collection {collection.name!r}", writes=True) as client:
            client.delete_collection(collection.chroma_name)

    def add(self, collection: Collection, chunks: Sequence[Chunk], vectors: Vectors, names: dict[str, str]) -> None:
        """Add chunks with their vectors, shape (chunks, dimension); ``names`` maps document ids to names."""
        with self._fresh(f"the collection {collection.name!r}", writes=True) as client:
            held = self._handle(client, collection.chroma_name)
            step = client.get_max_batch_size()
            for first in range(0, len(chunks), step):
                part = chunks[first : first + step]
                held.upsert(
                    ids=[chunk.id for chunk in part],
                    embeddings=cast(Any, vectors[first : first + step]),
                    documents=[chunk.text for chunk in part],
                    metadatas=[chunk_metadata(chunk, names[chunk.document_id]) for chunk in part],
                )

    def remove_documents(self, collection: Collection, document_ids: Sequence[str]) -> None:
        """Remove every chunk of these documents."""
        if document_ids:
            with self._fresh(f"the collection {collection.name!r}", writes=True) as client:
                held = self._handle(client, collection.chroma_name)
                held.delete(where=_among("$in", document_ids))

    def texts(self, collection: Collection, hidden: Ids[str] = ()) -> dict[str, str]:
        """Return every chunk's text by its id, those of ``hidden`` documents left out."""
        with self._fresh(f"the collection {collection.name!r}") as client:
            where = cast(Any, _among("$nin", hidden) if hidden else None)
            found = self._handle(client, collection.chroma_name).get(where=where, include=["documents"])
        return dict(zip(found["ids"], found["documents"] or [], strict=True))

    def query(
        self,
        collection: Collection,
        vector: Vectors,
        top_k: int,
        only: Ids[str] | None = None,
        hidden: Ids[str] = (),
    ) -> list[Hit]:
        """Return the nearest ``top_k`` chunks, best first, ties broken by chunk id.

        ``vector`` has shape (dimension,). ``only`` limits the search to these document ids (None:
        all), ``hidden`` leaves documents out. Raises ForeignCollection for a collection whose chunks
        do not say where they stand.
        """
        if only is not None:
            only = set(only) - set(hidden)
        where = _among("$in", only) if only is not None else _among("$nin", hidden) if hidden else None
        if only is not None and not only:
            return []
        return read_hits(collection, self._ask(collection, vector, top_k, where))

    def _ask(self, collection: Collection, vector: Vectors, top_k: int, where: dict[str, Any] | None) -> dict[str, Any]:
        """Chroma's answer, asked for again where another process wrote in the middle of it."""
        for attempt in range(ATTEMPTS):
            seen = self._stamp
            try:
                with self._fresh(f"the collection {collection.name!r}") as client:
                    seen = self._stamp
                    answer = self._handle(client, collection.chroma_name).query(
                        query_embeddings=cast(Any, [vector]),
                        n_results=top_k,
                        where=cast(Any, where),
                        include=["documents", "metadatas", "distances"],
                    )
                    return cast(dict[str, Any], answer)
            except StoreError:
                if attempt == ATTEMPTS - 1 or self._read_stamp() == seen:
                    raise
        raise AssertionError("the last attempt returns or raises")


def _connect(folder: Path) -> Client:
    return cast(Client, chromadb.PersistentClient(path=str(folder), settings=ChromaSettings(anonymized_telemetry=False)))


@contextmanager
def _translated(about: str) -> Iterator[None]:
    try:
        yield
    except NotFoundError as error:
        raise CollectionNotFound(f"Not found: {about}. It may have been deleted meanwhile: reload the list") from error
    except ChromaError as error:
        raise StoreError(f"Chroma could not do what was asked of {about}: {error}") from error


def _among(operator: str, ids: Ids[str]) -> dict[str, Any]:
    return {"document_id": {operator: sorted(ids)}}
