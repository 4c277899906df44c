"""Collections, chunks and hits as Chroma stores them: names, metadata, similarities and batches of chunks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from math import sqrt
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from core.errors import BadName, ForeignCollection
from core.records.document import Value, short_hash
from core.records.search import Chunk, ChunkSettings, Collection, Hit, Metric
from core.store._chroma_sql import ChunkLocation
from core.util.arrays import Float32Array

if TYPE_CHECKING:  # importing chromadb takes a second, and this module is needed without it
    import chromadb
    from chromadb.api.types import GetResult, QueryResult

CHROMA_FILE = "chroma.sqlite3"
STAGING_PREFIX = "rankscope-arriving-"  # of the name of a collection that is not complete yet
LONGEST_NAME = 100  # characters
SCHEMA = 1  # version of a collection's metadata
METADATA_PREFIX = "meta."  # of the keys of a chunk's own metadata, which keeps them apart from ours
BATCH_SIZE = 2000  # chunks read or written at once: a few megabytes, and fewer than Chroma takes in one call
HNSW_SPACES: dict[Metric, str] = {"cosine": "cosine", "dot": "ip", "l2": "l2"}
_CHROMA_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,510}[a-zA-Z0-9]")
_TO_SIMILARITY: dict[Metric, Callable[[float], float]] = {
    "cosine": lambda distance: 1.0 - distance,
    "dot": lambda distance: 1.0 - distance,
    "l2": lambda squared_distance: -sqrt(max(squared_distance, 0.0)),
}


def chroma_name(name: str) -> str:
    """Return the name under which Chroma stores a collection: the same if Chroma allows it, else a hash of it.

    Raises BadName for an empty, overlong or unprintable name.
    """
    if not name.strip() or name != name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadName(f"{name!r} cannot be a collection's name: use 1 to {LONGEST_NAME} visible characters")
    return name if _CHROMA_NAME.fullmatch(name) else f"rankscope-{short_hash('collection', name)}"


def read_collection(handle: chromadb.Collection) -> Collection:
    """Return our record of a Chroma collection; one without our schema is marked foreign."""
    stored: dict[str, Any] = dict(handle.metadata or {})
    foreign = "rankscope_schema" not in stored
    if foreign:  # what other programs write under our keys means something else
        stored = {}
    chunking_keys = {field.name: f"chunk_{field.name}" for field in fields(ChunkSettings)}
    # as JSON: `configuration` would build the embedding function
    space = (handle.configuration_json.get("hnsw") or {}).get("space", "l2")
    metrics = [metric for metric, name in HNSW_SPACES.items() if name == space]
    metric = next((metric for metric in metrics if metric == stored.get("metric")), metrics[0])
    return Collection(
        name=stored.get("title", handle.name),
        key=str(handle.id),
        chroma_name=handle.name,
        model=stored.get("model", ""),
        revision=stored.get("revision", ""),
        dimension=int(stored.get("dimension", 0)),
        metric=metric,
        chunking=ChunkSettings(**{name: stored[key] for name, key in chunking_keys.items() if key in stored}),
        query_prompt=stored.get("query_prompt", ""),
        document_prompt=stored.get("document_prompt", ""),
        chunks=handle.count(),
        created=stored.get("created", ""),
        foreign=foreign,
    )


def chunking_metadata(chunking: ChunkSettings) -> dict[str, str | int]:
    """Return the chunk settings as part of a collection's metadata."""
    return {f"chunk_{name}": value for name, value in asdict(chunking).items()}


def chunk_metadata(chunk: Chunk, document_name: str) -> dict[str, Value]:
    """Return the metadata stored with a chunk's text and vector; Chroma takes no None."""
    metadata: dict[str, Value | None] = {
        "document_id": chunk.document_id,
        "document": document_name,
        "start": chunk.start,
        "end": chunk.end,
        "tokens": chunk.tokens,
        "page": chunk.page,
        "heading": chunk.heading,
        "carried": chunk.carried or None,
        **{METADATA_PREFIX + key: value for key, value in chunk.metadata.items()},
    }
    return {key: value for key, value in metadata.items() if value is not None}


def own_metadata(metadata: Mapping[str, Value]) -> dict[str, Value]:
    """Return a chunk's own metadata, sorted by key, out of all that is stored with it."""
    return {
        key.removeprefix(METADATA_PREFIX): value
        for key, value in sorted(metadata.items())
        if key.startswith(METADATA_PREFIX)
    }


def check_location(collection: Collection, metadata: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return a chunk's metadata. Raises ForeignCollection if they do not say where the chunk is in its document."""
    if not metadata or not metadata.keys() >= set(ChunkLocation._fields):
        raise ForeignCollection(
            f"The chunks of {collection.name!r} were written by another program and do not name their documents: "
            "index the documents here instead"
        )
    return metadata


def query_hits(collection: Collection, result: QueryResult) -> list[Hit]:
    """Return the result of a single query as hits, best first, ties broken by chunk id.

    Raises ForeignCollection for chunks that do not say where they are in their document.
    """
    similarity = _TO_SIMILARITY[collection.metric]
    texts, metadatas, distances = result["documents"] or [[]], result["metadatas"] or [[]], result["distances"] or [[]]
    rows = zip(result["ids"][0], texts[0], metadatas[0], distances[0], strict=True)
    return ranked_hits(
        collection, ((similarity(distance), chunk_id, text, metadata) for chunk_id, text, metadata, distance in rows)
    )


def ranked_hits(
    collection: Collection, chunks: Iterable[tuple[float, str, str, Mapping[str, Any] | None]]
) -> list[Hit]:
    """Return (similarity, chunk id, text, metadata) of chunks as hits, best first, ties broken by chunk id.

    Raises ForeignCollection for chunks that do not say where they are in their document.
    """
    hits = []
    for rank, (score, chunk_id, text, stored) in enumerate(sorted(chunks, key=lambda row: (-row[0], row[1])), 1):
        metadata = check_location(collection, stored)
        hits.append(
            Hit(
                rank=rank,
                chunk_id=chunk_id,
                document=metadata["document"],
                document_id=metadata["document_id"],
                page=metadata.get("page"),
                heading=metadata.get("heading"),
                start=metadata["start"],
                end=metadata["end"],
                text=text,
                tokens=metadata["tokens"],
                bi_score=score,
                bi_rank=rank,
                carried=metadata.get("carried", ""),
                metadata=own_metadata(metadata),
            )
        )
    return hits


@dataclass(frozen=True)
class Batch:
    """Some chunks as Chroma stores them; ``vectors`` has shape (chunks, dimension), (chunks, 0) if they were not read.

    A text is empty where another program stored none. Vectors of a cosine collection have length 1 when read.
    """

    ids: list[str]
    texts: list[str]
    metadatas: list[dict[str, Value]]
    vectors: Float32Array

    @classmethod
    def from_chunks(cls, chunks: Sequence[Chunk], vectors: Float32Array, names: Mapping[str, str]) -> Batch:
        """Return chunks of ours with their vectors; ``names`` maps document ids to names."""
        metadatas = [chunk_metadata(chunk, names[chunk.document_id]) for chunk in chunks]
        return cls([chunk.id for chunk in chunks], [chunk.text for chunk in chunks], metadatas, vectors)

    @classmethod
    def from_chroma(cls, result: GetResult) -> Batch:
        """Return the result of Chroma's ``get``."""
        ids, embeddings = list(result["ids"]), result["embeddings"]
        vectors = np.empty((len(ids), 0)) if embeddings is None or not ids else embeddings
        # Chroma's type allows lists and sparse vectors too, which neither we nor a collection with texts has
        metadatas = cast("list[Mapping[str, Value] | None]", result["metadatas"] or [])
        return cls(
            ids,
            [text or "" for text in result["documents"] or []],
            [dict(metadata or {}) for metadata in metadatas],
            np.asarray(vectors, dtype=np.float32),
        )

    def split(self, size: int = BATCH_SIZE) -> Iterator[Batch]:
        """Yield the same chunks in batches of at most ``size``."""
        for start in range(0, len(self.ids), size):
            rows = slice(start, start + size)
            yield Batch(self.ids[rows], self.texts[rows], self.metadatas[rows], self.vectors[rows])
