"""The collections, kept by Chroma.

Everything is stored the way any Chroma client expects it, in the data folder itself, so that
``chromadb.PersistentClient(path=...)`` alone opens and queries it.
"""

from __future__ import annotations

from collections.abc import Collection as Ids
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

from core.errors import CollectionExists, CollectionNotFound, ForeignCollection, StoreError
from core.records.filters import Filter
from core.records.search import METRICS, Chunk, ChunkSettings, Collection, Hit, Metric
from core.store._part_names import ARRIVING, chroma_name
from core.store._part_rows import META, SCHEMA, SPACES, chunking_metadata, read_collection, read_hits
from core.store._part_store_reading import Reading, Vectors, among
from core.store._where import as_where
from core.store.conversion import Batch

HNSW = {"ef_construction": 200, "ef_search": 200}  # wider than Chroma's 100: recall before a millisecond
ATTEMPTS = 5  # at a query, while another process writes


class Store(Reading):
    """Collections in one folder. Threads may share it; other processes' writes are noticed."""

    def collections(self) -> list[Collection]:
        """Return every collection, sorted by name, those of other programs too."""
        with self._fresh("the list of collections") as client:
            found = [read_collection(held) for held in client.list_collections()]
        found = [collection for collection in found if not collection.name.startswith(ARRIVING)]
        return sorted(found, key=lambda collection: collection.name.casefold())

    def collection(self, name: str) -> Collection:
        """Return the collection ``name``. Raises CollectionNotFound."""
        try:
            with self._fresh(f"the collection {name!r}") as client:
                if name not in self._records:
                    self._records[name] = read_collection(self._handle(client, chroma_name(name)))
                return self._records[name]
        except CollectionNotFound as error:
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
        self.put(collection, Batch.of(chunks, vectors, names))

    def put(self, collection: Collection, batch: Batch) -> None:
        """Add chunks as Chroma holds them; those of the same ids are replaced."""
        with self._held(collection, writes=True) as held:
            for part in batch.parts():
                held.upsert(ids=part.ids, embeddings=cast(Any, part.vectors), documents=part.texts, metadatas=cast(Any, part.metadatas))

    def rename(self, collection: Collection, name: str) -> Collection:
        """Give a collection another name; its key stays. Raises BadName, CollectionExists, ForeignCollection."""
        if collection.foreign:
            raise ForeignCollection(f"The collection {collection.name!r} belongs to another program, which knows it by its name: import it instead")
        called = chroma_name(name)
        if name == collection.name:
            return collection
        if name in {other.name for other in self.collections()}:
            raise CollectionExists(f"There is a collection {name!r} already: choose another name or delete it first")
        with self._held(collection, writes=True) as held:
            held.modify(name=called, metadata={**(held.metadata or {}), "title": name})
        return self.collection(name)

    def remove_documents(self, collection: Collection, document_ids: Sequence[str]) -> None:
        """Remove every chunk of these documents."""
        if document_ids:
            with self._held(collection, writes=True) as held:
                held.delete(where=among("$in", document_ids))

    def query(
        self,
        collection: Collection,
        vector: Vectors,
        top_k: int,
        only: Ids[str] | None = None,
        hidden: Ids[str] = (),
        filters: Sequence[Filter] = (),
    ) -> list[Hit]:
        """Return the nearest ``top_k`` chunks, best first, ties broken by chunk id.

        ``vector`` has shape (dimension,). ``only`` limits the search to these document ids (None:
        all), ``hidden`` leaves documents out, ``filters`` must hold of a chunk's metadata. Raises ForeignCollection
        for a collection whose chunks do not say where they stand, QueryError for an unusable filter.
        """
        if only is not None:
            only = set(only) - set(hidden)
        conditions = as_where(filters, self.fields(collection), META) if filters else []
        conditions += [among("$in", only)] if only is not None else [among("$nin", hidden)] if hidden else []
        if only is not None and not only:
            return []
        where = {"$and": conditions} if len(conditions) > 1 else conditions[0] if conditions else None
        return read_hits(collection, self._ask(collection, vector, top_k, where))

    def set_search_width(self, collection: Collection, width: int) -> None:
        """Set ``ef_search``. An index that Chroma has loaded keeps its own: open the folder anew to see what it does."""
        with self._held(collection, writes=True) as held:
            held.modify(configuration=cast(Any, {"hnsw": {"ef_search": width}}))

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
