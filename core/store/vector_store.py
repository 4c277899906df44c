"""The collections, kept by Chroma.

Everything is stored the way any Chroma client expects it, in the data folder itself, so that
``chromadb.PersistentClient(path=...)`` alone opens and queries it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection as Ids
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, cast

import numpy as np

from core.errors import CollectionExists, CollectionNotFound, ForeignCollection, StoreError
from core.records.document import Value
from core.records.filters import Field, Filter
from core.records.search import METRICS, Chunk, ChunkSettings, Collection, Hit, Metric, as_read
from core.store._chroma_sql import read_fields, read_spots, read_values, read_version
from core.store._client import Chroma
from core.store._where import as_where
from core.store.conversion import (
    ARRIVING,
    CHROMA_FILE,
    META,
    SCHEMA,
    SPACES,
    STEP,
    Batch,
    chroma_name,
    chunking_metadata,
    decode_metadata,
    read_collection,
    read_hits,
    scored_hits,
)
from core.util.arrays import Float32Array


def vector_folders(folder: Path, key: str) -> list[str]:
    """The names of the folders in which Chroma keeps a collection's vectors."""
    try:
        with closing(
            sqlite3.connect(f"{(folder / CHROMA_FILE).absolute().as_uri()}?mode=ro", uri=True, timeout=30)
        ) as database:
            return [
                row[0]
                for row in database.execute("SELECT id FROM segments WHERE collection = ? AND scope = 'VECTOR'", [key])
            ]
    except sqlite3.Error as error:
        raise StoreError(f"{folder / CHROMA_FILE} cannot be read ({error}): is it Chroma's?") from error


CHROMAS_WIDTH = 100  # where a collection does not say
MANY = 10_000  # vectors read at once: 15 MB of 384 dimensions


class Reading(Chroma):
    """Chunks, their texts, vectors and metadata, as Chroma holds them."""

    def batches(
        self, collection: Collection, document_ids: Ids[str] | None = None, vectors: bool = True
    ) -> Iterator[Batch]:
        """Yield the chunks of these documents (None: all there are), at most 2,000 at once, in the order in which they came."""
        where = None if document_ids is None else cast(Any, among("$in", document_ids))
        for offset in count(0, STEP):
            with self._held(collection) as held:
                batch = Batch.read(held.get(where=where, limit=STEP, offset=offset, include=_contents(vectors)))
            if batch.ids:
                yield batch
            if len(batch.ids) < STEP:
                return

    def first(self, collection: Collection, chunks: int = 1) -> Batch:
        """Return the first chunks of a collection, none of an empty one."""
        with self._held(collection) as held:
            return Batch.read(held.get(limit=chunks, include=_contents(True)))

    def stated_model(self, collection: Collection) -> str:
        """Return the embedding function that another program noted, as ``openai text-embedding-3-small``; empty where it noted none."""
        with self._held(collection) as held:
            noted = held.configuration_json.get("embedding_function") or {}
        settings = noted.get("config") or {}
        return " ".join(
            str(part) for part in (noted.get("name"), settings.get("model_name") or settings.get("model")) if part
        )

    def picked(self, collection: Collection, ids: Sequence[str]) -> Batch:
        """Return the chunks of these ids, in any order; those that are gone are left out."""
        with self._held(collection) as held:
            return Batch.read(held.get(ids=list(ids), include=_contents(True)))

    def containing(self, collection: Collection, words: str) -> list[str]:
        """Return the ids of the chunks whose text contains ``words``: as typed, in small letters, in capitals, or with a capital first."""
        forms = sorted({words, words.lower(), words.upper(), words.capitalize(), words.title()})
        wanted = [{"$contains": form} for form in forms]
        with self._held(collection) as held:
            return list(
                held.get(where_document=cast(Any, {"$or": wanted} if len(wanted) > 1 else wanted[0]), include=[])["ids"]
            )

    def hits(self, collection: Collection, scores: Mapping[str, float]) -> list[Hit]:
        """Return chunks by their ids with these similarities, best first, ties by chunk id; those that are gone are left out.

        Raises ForeignCollection for chunks that do not say where they stand.
        """
        batch = self.picked(collection, list(scores)) if scores else None
        if batch is None:
            return []
        return scored_hits(
            collection,
            [
                (scores[chunk_id], chunk_id, text, held)
                for chunk_id, text, held in zip(batch.ids, batch.texts, batch.metadatas, strict=True)
            ],
        )

    def values(self, collection: Collection, field: str) -> dict[str, Value]:
        """Return a metadata field of every chunk that has it, by chunk id."""
        with self._held(collection) as held:
            held.get(limit=1, include=[])  # what was just added reaches the file when it is first asked for
        with self._held(collection):
            return read_values(self._folder / CHROMA_FILE, collection.key, META + field)

    def texts(self, collection: Collection, hidden: Ids[str] = ()) -> dict[str, str]:
        """Return every chunk's text as the models read it, by its id; those of ``hidden`` documents are left out."""
        unseen = set(hidden)
        return {
            chunk_id: as_read(held.get("carried", ""), text)
            for batch in self.batches(collection, vectors=False)
            for chunk_id, text, held in zip(batch.ids, batch.texts, batch.metadatas, strict=True)
            if held.get("document_id") not in unseen
        }

    def fields(self, collection: Collection) -> tuple[Field, ...]:
        """Return the metadata fields that chunks of a collection have, sorted by name; kept until anything is written."""
        with self._held(collection) as held:
            if collection.key not in self._fields:
                held.get(limit=1, include=[])  # what was just added reaches the file when it is first asked for
        with self._held(collection):
            if collection.key not in self._fields:
                self._fields[collection.key] = read_fields(self._folder / CHROMA_FILE, collection.key, META)
            return self._fields[collection.key]

    def version(self, collection: Collection) -> str:
        """Return what changes whenever a chunk comes, changes or goes. Raises StoreError."""
        with self._held(collection) as held:
            held.get(limit=1, include=[])  # what was just added reaches the file when it is first asked for
        with self._held(collection):
            return read_version(self._folder / CHROMA_FILE, collection.key)

    def spots(self, collection: Collection) -> dict[str, tuple[Any, ...]]:
        """Return where each chunk stands by its id: document id, document, start, end, tokens.

        Of what was just added the file knows when ``version`` was asked for. Raises StoreError, and ForeignCollection for chunks that do not say.
        """
        rows = read_spots(self._folder / CHROMA_FILE, collection.key)
        if any(None in row for row in rows):
            decode_metadata(collection, None)
        return {row[0]: row[1:] for row in rows}

    def vectors(self, collection: Collection) -> Iterator[tuple[list[str], Float32Array]]:
        """Yield ids and vectors of all chunks, at most 10,000 at once, in the order in which they came."""
        for offset in count(0, MANY):
            with self._held(collection) as held:
                answer = held.get(limit=MANY, offset=offset, include=["embeddings"])
            if answer["ids"]:
                yield answer["ids"], np.asarray(answer["embeddings"], dtype=np.float32)
            if len(answer["ids"]) < MANY:
                return

    def search_width(self, collection: Collection) -> int:
        """Return how many chunks a search of Chroma's index keeps in sight at least (``ef_search``): more find more, and take longer."""
        with self._held(collection) as held:
            return int((held.configuration_json.get("hnsw") or {}).get("ef_search") or CHROMAS_WIDTH)


def _contents(vectors: bool) -> Any:
    return ["documents", "metadatas", *(["embeddings"] if vectors else [])]


def among(operator: str, ids: Ids[str]) -> dict[str, Any]:
    """Return Chroma's condition that a chunk's document is, or is not, one of these."""
    return {"document_id": {operator: sorted(ids)}}


HNSW = {"ef_construction": 200, "ef_search": 200}  # wider than Chroma's 100: recall before a millisecond
ATTEMPTS = 5  # at a query, while another process writes


def check_filter(one: Filter, fields: Sequence[Field]) -> None:
    """Raise QueryError if a filter cannot be applied to a collection with these metadata fields."""
    as_where([one], fields)


class VectorStore(Reading):
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
            raise CollectionNotFound(
                f"There is no collection {name!r}: 'python -m core collections' lists them"
            ) from error

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

    def add(
        self, collection: Collection, chunks: Sequence[Chunk], vectors: Float32Array, names: dict[str, str]
    ) -> None:
        """Add chunks with their vectors, shape (chunks, dimension); ``names`` maps document ids to names."""
        self.put(collection, Batch.of(chunks, vectors, names))

    def put(self, collection: Collection, batch: Batch) -> None:
        """Add chunks as Chroma holds them; those of the same ids are replaced."""
        with self._held(collection, writes=True) as held:
            for part in batch.parts():
                held.upsert(
                    ids=part.ids,
                    embeddings=cast(Any, part.vectors),
                    documents=part.texts,
                    metadatas=cast(Any, part.metadatas),
                )

    def rename(self, collection: Collection, name: str) -> Collection:
        """Give a collection another name; its key stays. Raises BadName, CollectionExists, ForeignCollection."""
        if collection.foreign:
            raise ForeignCollection(
                f"The collection {collection.name!r} belongs to another program, which knows it by its name: import it instead"
            )
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
        vector: Float32Array,
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

    def _ask(
        self, collection: Collection, vector: Float32Array, top_k: int, where: dict[str, Any] | None
    ) -> dict[str, Any]:
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
