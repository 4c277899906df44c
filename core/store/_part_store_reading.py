"""What a store tells of the chunks of a collection, without changing it."""

from __future__ import annotations

from collections.abc import Collection as Ids
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from core.records._part_facets import Field, read_fields, read_values
from core.records.search import Collection, Hit, Value
from core.store._chroma_sql import read_spots, read_version
from core.store._client import FILE, Chroma
from core.store._part_rows import META, scored_hits, told
from core.store.conversion import STEP, Batch

Vectors = npt.NDArray[np.float32]
CHROMAS_WIDTH = 100  # where a collection does not say
MANY = 10_000  # vectors read at once: 15 MB of 384 dimensions


class Reading(Chroma):
    """Chunks, their texts, vectors and metadata, as Chroma holds them."""

    def batches(self, collection: Collection, document_ids: Ids[str] | None = None, vectors: bool = True) -> Iterator[Batch]:
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
        return " ".join(str(part) for part in (noted.get("name"), settings.get("model_name") or settings.get("model")) if part)

    def picked(self, collection: Collection, ids: Sequence[str]) -> Batch:
        """Return the chunks of these ids, in any order; those that are gone are left out."""
        with self._held(collection) as held:
            return Batch.read(held.get(ids=list(ids), include=_contents(True)))

    def containing(self, collection: Collection, words: str) -> list[str]:
        """Return the ids of the chunks whose text contains ``words``: as typed, in small letters, in capitals, or with a capital first."""
        forms = sorted({words, words.lower(), words.upper(), words.capitalize(), words.title()})
        wanted = [{"$contains": form} for form in forms]
        with self._held(collection) as held:
            return list(held.get(where_document=cast(Any, {"$or": wanted} if len(wanted) > 1 else wanted[0]), include=[])["ids"])

    def hits(self, collection: Collection, scores: Mapping[str, float]) -> list[Hit]:
        """Return chunks by their ids with these similarities, best first, ties by chunk id; those that are gone are left out.

        Raises ForeignCollection for chunks that do not say where they stand.
        """
        batch = self.picked(collection, list(scores)) if scores else None
        if batch is None:
            return []
        return scored_hits(collection, [(scores[chunk_id], chunk_id, text, held) for chunk_id, text, held in zip(batch.ids, batch.texts, batch.metadatas, strict=True)])

    def values(self, collection: Collection, field: str) -> dict[str, Value]:
        """Return a metadata field of every chunk that has it, by chunk id."""
        with self._held(collection) as held:
            held.get(limit=1, include=[])  # what was just added reaches the file when it is first asked for
        with self._held(collection):
            return read_values(self._folder / FILE, collection.key, META + field)

    def texts(self, collection: Collection, hidden: Ids[str] = ()) -> dict[str, str]:
        """Return every chunk's text by its id, those of ``hidden`` documents left out."""
        unseen = set(hidden)
        return {
            chunk_id: text
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
                self._fields[collection.key] = read_fields(self._folder / FILE, collection.key, META)
            return self._fields[collection.key]

    def version(self, collection: Collection) -> str:
        """Return what changes whenever a chunk comes, changes or goes. Raises StoreError."""
        with self._held(collection) as held:
            held.get(limit=1, include=[])  # what was just added reaches the file when it is first asked for
        with self._held(collection):
            return read_version(self._folder / FILE, collection.key)

    def spots(self, collection: Collection) -> dict[str, tuple[Any, ...]]:
        """Return where each chunk stands by its id: document id, document, start, end, tokens.

        Of what was just added the file knows when ``version`` was asked for. Raises StoreError, and ForeignCollection for chunks that do not say.
        """
        rows = read_spots(self._folder / FILE, collection.key)
        if any(None in row for row in rows):
            told(collection, None)
        return {row[0]: row[1:] for row in rows}

    def vectors(self, collection: Collection) -> Iterator[tuple[list[str], Vectors]]:
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
