"""What Chroma holds, as our records. The only place where a distance becomes a similarity."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields
from math import sqrt
from typing import Any

from core.errors import ForeignCollection
from core.records.search import Chunk, ChunkSettings, Collection, Hit, Metric, Value
from core.store._chroma_sql import PLACE

SCHEMA = 1
META = "meta."  # before the names of a chunk's own metadata, so that they cannot be taken for ours
SPACES: dict[Metric, str] = {"cosine": "cosine", "dot": "ip", "l2": "l2"}
_SIMILARITIES: dict[Metric, Callable[[float], float]] = {
    "cosine": lambda distance: 1.0 - distance,
    "dot": lambda distance: 1.0 - distance,
    "l2": lambda squared: -sqrt(max(squared, 0.0)),
}


def read_collection(held: Any) -> Collection:
    """Return a Chroma collection as our record; one without our schema is marked foreign."""
    stored: dict[str, Any] = dict(held.metadata or {})
    foreign = "rankscope_schema" not in stored
    given = {} if foreign else stored  # what other programs write under these names means something else
    space = (held.configuration_json.get("hnsw") or {}).get("space", "l2")  # as JSON: `configuration` would build the embedding function
    return Collection(
        name=given.get("title", held.name),
        key=str(held.id),
        chroma_name=held.name,
        model=given.get("model", ""),
        revision=given.get("revision", ""),
        dimension=int(given.get("dimension", 0)),
        metric=next(metric for metric, name in SPACES.items() if name == space),
        chunking=ChunkSettings() if foreign else _read_chunking(stored),
        query_prompt=given.get("query_prompt", ""),
        document_prompt=given.get("document_prompt", ""),
        chunks=held.count(),
        created=given.get("created", ""),
        foreign=foreign,
    )


def chunking_metadata(chunking: ChunkSettings) -> dict[str, str | int]:
    """Return what a collection's metadata says of how its documents are cut."""
    return {f"chunk_{name}": value for name, value in asdict(chunking).items()}


def _read_chunking(stored: dict[str, Any]) -> ChunkSettings:
    known = {field.name for field in fields(ChunkSettings)}
    held = {name.removeprefix("chunk_"): value for name, value in stored.items() if name.startswith("chunk_")}
    return ChunkSettings(**{name: value for name, value in held.items() if name in known})


def chunk_metadata(chunk: Chunk, name: str) -> dict[str, Value]:
    """Return what is stored beside a chunk's text and vector; Chroma takes no None."""
    held: dict[str, Value | None] = {
        "document_id": chunk.document_id,
        "document": name,
        "start": chunk.start,
        "end": chunk.end,
        "tokens": chunk.tokens,
        "page": chunk.page,
        "heading": chunk.heading,
        "carried": chunk.carried or None,
        **{META + key: value for key, value in chunk.metadata.items()},
    }
    return {key: value for key, value in held.items() if value is not None}


def read_hits(collection: Collection, answer: dict[str, Any]) -> list[Hit]:
    """Return the answer to one query as hits, best first, ties broken by chunk id.

    Raises ForeignCollection for chunks that do not say where they stand.
    """
    similarity = _SIMILARITIES[collection.metric]
    rows = zip(answer["ids"][0], answer["documents"][0], answer["metadatas"][0], answer["distances"][0], strict=True)
    return scored_hits(collection, [(similarity(distance), chunk_id, text, held) for chunk_id, text, held, distance in rows])


def scored_hits(collection: Collection, rows: Iterable[tuple[float, str, str, dict[str, Any] | None]]) -> list[Hit]:
    """Return (similarity, chunk id, text, metadata) as hits, best first, ties broken by chunk id. Raises ForeignCollection."""
    ordered = sorted(rows, key=lambda row: (-row[0], row[1]))
    return [_hit(collection, rank, chunk_id, text, held, score) for rank, (score, chunk_id, text, held) in enumerate(ordered, 1)]


def told(collection: Collection, held: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return a chunk's metadata. Raises ForeignCollection where it does not say where the chunk stands."""
    if not held or not held.keys() >= set(PLACE):
        raise ForeignCollection(
            f"The chunks of {collection.name!r} were written by another program and do not name their documents: "
            "index the documents here instead"
        )
    return held


def _hit(collection: Collection, rank: int, chunk_id: str, text: str, metadata: dict[str, Any] | None, score: float) -> Hit:
    held = told(collection, metadata)
    return Hit(
        rank=rank,
        chunk_id=chunk_id,
        document=held["document"],
        document_id=held["document_id"],
        page=held.get("page"),
        heading=held.get("heading"),
        start=held["start"],
        end=held["end"],
        text=text,
        tokens=held["tokens"],
        bi_score=score,
        bi_rank=rank,
        carried=held.get("carried", ""),
        metadata={key.removeprefix(META): value for key, value in sorted(held.items()) if key.startswith(META)},
    )
