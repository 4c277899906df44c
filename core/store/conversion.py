"""Chunks as Chroma holds them, many at a time: for whoever carries them from one collection into another."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from math import sqrt
from typing import Any

import numpy as np

from core.errors import BadName, ForeignCollection
from core.records.document import Value, short_hash
from core.records.search import Chunk, ChunkSettings, Collection, Hit, Metric
from core.store._chroma_sql import PLACE
from core.util.arrays import Float32Array

CHROMA_FILE = "chroma.sqlite3"
_PLAIN_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,510}[a-zA-Z0-9]")
LONGEST_NAME = 100  # characters
ARRIVING = "rankscope-arriving-"  # begins the name of a collection that is not complete yet


def chroma_name(title: str) -> str:
    """Return the name under which Chroma keeps a collection: its own where Chroma allows it, else a hash.

    Raises BadName for an empty or overlong one.
    """
    if not title.strip() or title != title.strip() or len(title) > LONGEST_NAME or not title.isprintable():
        raise BadName(f"{title!r} cannot be a collection's name: use 1 to {LONGEST_NAME} visible characters")
    return title if _PLAIN_NAME.fullmatch(title) else f"rankscope-{short_hash('collection', title)}"


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
    # as JSON: `configuration` would build the embedding function
    space = (held.configuration_json.get("hnsw") or {}).get("space", "l2")
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
    return scored_hits(
        collection, [(similarity(distance), chunk_id, text, held) for chunk_id, text, held, distance in rows]
    )


def scored_hits(collection: Collection, rows: Iterable[tuple[float, str, str, dict[str, Any] | None]]) -> list[Hit]:
    """Return (similarity, chunk id, text, metadata) as hits, best first, ties broken by chunk id. Raises ForeignCollection."""
    ordered = sorted(rows, key=lambda row: (-row[0], row[1]))
    return [
        _hit(collection, rank, chunk_id, text, held, score)
        for rank, (score, chunk_id, text, held) in enumerate(ordered, 1)
    ]


def decode_metadata(collection: Collection, held: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return a chunk's metadata. Raises ForeignCollection where it does not say where the chunk stands."""
    if not held or not held.keys() >= set(PLACE):
        raise ForeignCollection(
            f"The chunks of {collection.name!r} were written by another program and do not name their documents: "
            "index the documents here instead"
        )
    return held


def _hit(
    collection: Collection, rank: int, chunk_id: str, text: str, metadata: dict[str, Any] | None, score: float
) -> Hit:
    held = decode_metadata(collection, metadata)
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


STEP = 2000  # chunks read or written at once: a few megabytes, and fewer than Chroma takes in one call


@dataclass(frozen=True)
class Batch:
    """Some chunks of a collection; ``vectors`` has shape (chunks, dimension), (chunks, 0) where none were asked for.

    A text is empty where another program stored none. Vectors of a cosine collection come back with length 1.
    """

    ids: list[str]
    texts: list[str]
    metadatas: list[dict[str, Value]]
    vectors: Float32Array

    @classmethod
    def of(cls, chunks: Sequence[Chunk], vectors: Float32Array, names: Mapping[str, str]) -> Batch:
        """Return our chunks as Chroma shall hold them; ``names`` maps document ids to names."""
        metadatas = [chunk_metadata(chunk, names[chunk.document_id]) for chunk in chunks]
        return cls([chunk.id for chunk in chunks], [chunk.text for chunk in chunks], metadatas, vectors)

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Batch:
        """Return what Chroma's ``get`` answered."""
        ids = list(answer["ids"])
        vectors = answer["embeddings"]
        held = (
            np.asarray(vectors, dtype=np.float32)
            if vectors is not None and len(ids)
            else np.empty((len(ids), 0), np.float32)
        )
        return cls(
            ids, [text or "" for text in answer["documents"]], [dict(held or {}) for held in answer["metadatas"]], held
        )

    def parts(self, step: int = STEP) -> Iterator[Batch]:
        """Yield the same chunks, at most ``step`` at once."""
        for first in range(0, len(self.ids), step):
            part = slice(first, first + step)
            yield Batch(self.ids[part], self.texts[part], self.metadatas[part], self.vectors[part])
