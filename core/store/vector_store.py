"""The collections of a data folder: their chunks, texts, vectors and metadata, stored in Chroma.

Everything is stored the way any Chroma client expects it, in the data folder itself, so that
``chromadb.PersistentClient(path=...)`` alone opens and queries it.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection as Ids
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from core.errors import CollectionExists, CollectionNotFound, ForeignCollection, StoreError
from core.records.document import Value
from core.records.filters import Field, Filter
from core.records.search import METRICS, Chunk, ChunkSettings, Collection, Hit, Metric, as_read
from core.store._chroma_sql import (
    ChunkLocation,
    copy_database,
    read_field_values,
    read_fields,
    read_index_folders,
    read_locations,
    read_version,
)
from core.store._client import ChromaClient
from core.store._where import as_where
from core.store.conversion import (
    BATCH_SIZE,
    CHROMA_FILE,
    HNSW_SPACES,
    METADATA_PREFIX,
    SCHEMA,
    STAGING_PREFIX,
    Batch,
    check_location,
    chroma_name,
    chunking_metadata,
    query_hits,
    ranked_hits,
    read_collection,
)
from core.util.arrays import Float32Array

if TYPE_CHECKING:
    from chromadb.api.types import Include, Where

HNSW = {"ef_construction": 200, "ef_search": 200}  # Chroma's own is 100: better recall for less than a millisecond
DEFAULT_EF_SEARCH = 100  # Chroma's, of a collection whose configuration has none
VECTORS_AT_ONCE = 10_000  # 15 MB at 384 dimensions


class VectorStore:
    """The collections in one folder. Threads may share a store; it notices what other processes write.

    Every method that takes a collection raises CollectionNotFound if it was deleted, and StoreError for what Chroma
    cannot do.
    """

    def __init__(self, folder: Path) -> None:
        """Open ``folder``, creating it if needed. Raises StoreError if that fails."""
        self._collections: dict[str, Collection] = {}  # by name; both caches last until something is written
        self._fields: dict[str, tuple[Field, ...]] = {}  # by collection key
        self._chroma = ChromaClient(folder, on_change=self._clear_caches)

    def _clear_caches(self) -> None:
        self._collections.clear()
        self._fields.clear()

    def close(self) -> None:
        """Close the connection to Chroma."""
        self._chroma.close()

    # Collections

    def collections(self) -> list[Collection]:
        """Return every complete collection, other programs' too, sorted by name."""
        with self._chroma.client("the list of collections") as client:
            collections = [read_collection(handle) for handle in client.list_collections()]
        complete = [collection for collection in collections if not collection.name.startswith(STAGING_PREFIX)]
        return sorted(complete, key=lambda collection: collection.name.casefold())

    def collection(self, name: str) -> Collection:
        """Return the collection ``name``. Raises CollectionNotFound."""
        try:
            with self._chroma.client(f"the collection {name!r}") as client:
                if name not in self._collections:
                    self._collections[name] = read_collection(self._chroma.handle(client, chroma_name(name)))
                return self._collections[name]
        except CollectionNotFound as error:
            raise CollectionNotFound(
                f"There is no collection {name!r}: 'python -m core collections' lists them"
            ) from error

    def check_name_is_free(self, name: str) -> None:
        """Raise BadName for an impossible collection name, CollectionExists for one in use."""
        chroma_name(name)
        if name in {collection.name for collection in self.collections()}:
            raise CollectionExists(f"There is a collection {name!r} already: choose another name or delete it first")

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
        """Create an empty collection and return it. Raises BadName or CollectionExists."""
        if metric not in METRICS:
            raise StoreError(f"{metric!r} is not a measure: use one of {', '.join(METRICS)}")
        self.check_name_is_free(name)
        metadata: dict[str, str | int] = {
            "rankscope_schema": SCHEMA,
            "title": name,
            "model": model,
            "revision": revision,
            "dimension": dimension,
            "metric": metric,
            "query_prompt": query_prompt,
            "document_prompt": document_prompt,
            **chunking_metadata(chunking or ChunkSettings()),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        with self._chroma.client(f"the collection {name!r}", writes=True) as client:
            handle = client.create_collection(
                chroma_name(name),
                metadata=metadata,
                configuration=cast(Any, {"hnsw": {"space": HNSW_SPACES[metric], **HNSW}}),
                embedding_function=None,
            )
            return read_collection(handle)

    def rename(self, collection: Collection, name: str) -> Collection:
        """Rename a collection, which keeps its key. Raises BadName, CollectionExists, ForeignCollection."""
        if collection.foreign:
            raise ForeignCollection(
                f"The collection {collection.name!r} belongs to another program, which knows it by its name: "
                "import it instead"
            )
        if name == collection.name:
            return collection
        self.check_name_is_free(name)
        with self._chroma.collection(collection, writes=True) as handle:
            handle.modify(name=chroma_name(name), metadata={**(handle.metadata or {}), "title": name})
        return self.collection(name)

    def delete(self, collection: Collection) -> None:
        """Delete the collection with all its chunks."""
        with self._chroma.client(f"the collection {collection.name!r}", writes=True) as client:
            client.delete_collection(collection.chroma_name)

    def stated_model(self, collection: Collection) -> str:
        """Return the embedding function that another program recorded, as ``openai text-embedding-3-small``, or ""."""
        with self._chroma.collection(collection) as handle:
            function = handle.configuration_json.get("embedding_function") or {}
        settings = function.get("config") or {}
        parts = (function.get("name"), settings.get("model_name") or settings.get("model"))
        return " ".join(str(part) for part in parts if part)

    def version(self, collection: Collection) -> str:
        """Return a text that changes whenever a chunk is added, changed or deleted, in milliseconds: a cache key."""
        with self._flushed_database(collection) as database:
            return read_version(database, collection.key)

    # Writing chunks

    def add(
        self, collection: Collection, chunks: Sequence[Chunk], vectors: Float32Array, names: Mapping[str, str]
    ) -> None:
        """Add chunks with their vectors, shape (chunks, dimension); ``names`` maps document ids to names."""
        self.upsert(collection, Batch.from_chunks(chunks, vectors, names))

    def upsert(self, collection: Collection, batch: Batch) -> None:
        """Add chunks, replacing those with the same ids."""
        with self._chroma.collection(collection, writes=True) as handle:
            for part in batch.split():
                handle.upsert(
                    ids=part.ids,
                    embeddings=cast(Any, part.vectors),
                    documents=part.texts,
                    metadatas=cast(Any, part.metadatas),
                )

    def remove_documents(self, collection: Collection, document_ids: Sequence[str]) -> None:
        """Delete every chunk of these documents."""
        if document_ids:
            with self._chroma.collection(collection, writes=True) as handle:
                handle.delete(where=_of_documents("$in", document_ids))

    # Reading chunks

    def batches(
        self, collection: Collection, document_ids: Ids[str] | None = None, vectors: bool = True
    ) -> Iterator[Batch]:
        """Yield the chunks of these documents (None: of all), at most 2,000 at a time, in order of insertion."""
        where = None if document_ids is None else _of_documents("$in", document_ids)
        for offset in count(0, BATCH_SIZE):
            with self._chroma.collection(collection) as handle:
                result = handle.get(where=where, limit=BATCH_SIZE, offset=offset, include=_contents(vectors))
            batch = Batch.from_chroma(result)
            if batch.ids:
                yield batch
            if len(batch.ids) < BATCH_SIZE:
                return

    def first_chunks(self, collection: Collection, limit: int = 1) -> Batch:
        """Return the ``limit`` chunks inserted first, fewer if there are fewer."""
        with self._chroma.collection(collection) as handle:
            return Batch.from_chroma(handle.get(limit=limit, include=_contents()))

    def chunks_by_id(self, collection: Collection, ids: Sequence[str]) -> Batch:
        """Return the chunks with these ids in any order, without those that no longer exist."""
        with self._chroma.collection(collection) as handle:
            return Batch.from_chroma(handle.get(ids=list(ids), include=_contents()))

    def chunk_ids_containing(self, collection: Collection, text: str) -> list[str]:
        """Return the ids of the chunks whose text contains ``text``.

        Chroma heeds case: tried are ``text`` as it is, in small letters, in capitals, and with one or each word's first
        letter as a capital.
        """
        forms = sorted({text, text.lower(), text.upper(), text.capitalize(), text.title()})
        conditions = [{"$contains": form} for form in forms]
        where: Any = {"$or": conditions} if len(conditions) > 1 else conditions[0]
        with self._chroma.collection(collection) as handle:
            return list(handle.get(where_document=where, include=[])["ids"])

    def texts(self, collection: Collection, hidden: Ids[str] = ()) -> dict[str, str]:
        """Return every chunk's text as the models read it, by chunk id, without those of ``hidden`` documents."""
        hidden = set(hidden)
        return {
            chunk_id: as_read(str(metadata.get("carried", "")), text)
            for batch in self.batches(collection, vectors=False)
            for chunk_id, text, metadata in zip(batch.ids, batch.texts, batch.metadatas, strict=True)
            if metadata.get("document_id") not in hidden
        }

    def vectors(self, collection: Collection) -> Iterator[tuple[list[str], Float32Array]]:
        """Yield ids and vectors, shape (ids, dimension), of all chunks, 10,000 at a time, in order of insertion."""
        for offset in count(0, VECTORS_AT_ONCE):
            with self._chroma.collection(collection) as handle:
                result = handle.get(limit=VECTORS_AT_ONCE, offset=offset, include=["embeddings"])
            if result["ids"]:
                yield result["ids"], np.asarray(result["embeddings"], dtype=np.float32)
            if len(result["ids"]) < VECTORS_AT_ONCE:
                return

    def chunk_locations(self, collection: Collection) -> dict[str, ChunkLocation]:
        """Return where each chunk is in its document, by chunk id.

        What was added after the last call of ``version`` may be missing. Raises ForeignCollection for chunks that do
        not say where they are.
        """
        locations = read_locations(self._chroma.database, collection.key)
        if any(None in location for location in locations.values()):
            check_location(collection, None)
        return locations

    # Metadata fields

    def fields(self, collection: Collection) -> tuple[Field, ...]:
        """Return the metadata fields of a collection's chunks, sorted by name; cached until something is written."""
        with self._chroma.collection(collection):
            if collection.key in self._fields:
                return self._fields[collection.key]
        with self._flushed_database(collection) as database:
            return self._fields.setdefault(collection.key, read_fields(database, collection.key, METADATA_PREFIX))

    def field_values(self, collection: Collection, field: str) -> dict[str, Value]:
        """Return the value of a metadata field by chunk id, for the chunks that have it."""
        with self._flushed_database(collection) as database:
            return read_field_values(database, collection.key, METADATA_PREFIX + field)

    def check_filters(self, collection: Collection, filters: Sequence[Filter]) -> None:
        """Raise QueryError if a search of the collection cannot use these filters."""
        as_where(filters, self.fields(collection))

    @contextmanager
    def _flushed_database(self, collection: Collection) -> Iterator[Path]:
        """Yield Chroma's SQLite file, once it holds all that was added to a collection."""
        with self._chroma.collection(collection) as handle:
            handle.get(limit=1, include=[])  # Chroma writes what was just added when it is first read
        with self._chroma.collection(collection):  # notices that the file has changed
            yield self._chroma.database

    # Search

    def query(
        self,
        collection: Collection,
        vector: Float32Array,
        top_k: int,
        only: Ids[str] | None = None,
        hidden: Ids[str] = (),
        filters: Sequence[Filter] = (),
    ) -> list[Hit]:
        """Return the ``top_k`` nearest chunks, best first, ties broken by chunk id.

        ``vector`` has shape (dimension,). ``only`` limits the search to these document ids (None: all), ``hidden``
        leaves documents out, ``filters`` must hold of a chunk's metadata. Raises ForeignCollection for chunks that do
        not say where they are in their document, QueryError for an unusable filter.
        """
        conditions = as_where(filters, self.fields(collection), METADATA_PREFIX) if filters else []
        if only is not None:
            only = set(only) - set(hidden)
            if not only:
                return []
            conditions.append(_of_documents("$in", only))
        elif hidden:
            conditions.append(_of_documents("$nin", hidden))
        where = {"$and": conditions} if len(conditions) > 1 else conditions[0] if conditions else None
        result = self._chroma.read(
            collection,
            lambda handle: handle.query(
                query_embeddings=cast(Any, [vector]),
                n_results=top_k,
                where=cast(Any, where),
                include=["documents", "metadatas", "distances"],
            ),
        )
        return query_hits(collection, result)

    def hits(self, collection: Collection, scores: Mapping[str, float]) -> list[Hit]:
        """Return the chunks with these ids and similarities as hits, best first, ties broken by chunk id.

        Those that no longer exist are left out. Raises ForeignCollection for chunks that do not say where they are.
        """
        if not scores:
            return []
        batch = self.chunks_by_id(collection, list(scores))
        similarities = [scores[chunk_id] for chunk_id in batch.ids]
        return ranked_hits(collection, zip(similarities, batch.ids, batch.texts, batch.metadatas, strict=True))

    # The HNSW index

    def search_width(self, collection: Collection) -> int:
        """Return ``ef_search``, the candidates that a search of the index keeps: more find more, and take longer."""
        with self._chroma.collection(collection) as handle:
            return int((handle.configuration_json.get("hnsw") or {}).get("ef_search") or DEFAULT_EF_SEARCH)

    def set_search_width(self, collection: Collection, width: int) -> None:
        """Set ``ef_search``. An index that Chroma has loaded keeps its own until the folder is opened again."""
        with self._chroma.collection(collection, writes=True) as handle:
            handle.modify(configuration=cast(Any, {"hnsw": {"ef_search": width}}))

    def index_folders(self, collection: Collection) -> list[Path]:
        """Return the folders of a collection's HNSW index that Chroma has written so far."""
        names = read_index_folders(self._chroma.database, collection.key)
        return [folder for name in names if (folder := self._chroma.folder / name).is_dir()]

    def copy_index(self, collection: Collection, target: Path) -> None:
        """Copy the database and a collection's HNSW index to the folder ``target``, to be opened as a store of its own.

        Nobody may write meanwhile. Raises StoreError if Chroma's database cannot be copied, OSError if a file cannot.
        """
        copy_database(self._chroma.database, target / CHROMA_FILE)
        for folder in self.index_folders(collection):
            shutil.copytree(folder, target / folder.name)


def _contents(vectors: bool = True) -> Include:
    return ["documents", "metadatas", "embeddings"] if vectors else ["documents", "metadatas"]


def _of_documents(operator: str, document_ids: Ids[str]) -> Where:
    """Return Chroma's condition that a chunk's document is (``$in``) or is not (``$nin``) one of these."""
    return cast("Where", {"document_id": {operator: sorted(document_ids)}})
