"""The format of a bundle: its manifest, its Parquet schemas, and the conversion of records to rows and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from core.errors import ExchangeError, SettingsError
from core.records.document import Document, Value
from core.records.judgments import Judgment
from core.records.search import METRICS, ChunkSettings, Collection, Metric, StoredDocument
from core.store.conversion import Batch
from core.store.documents import Entry, decode_document, encode_marks

FORMAT = "rankscope-collection"
SCHEMA = 1
MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True, slots=True)
class Part:
    """One file in a bundle: its size in bytes and its SHA-256 as hexadecimal digits."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The settings of the collection in a bundle, its counts, and its files by name."""

    name: str
    model: str
    revision: str
    query_prompt: str
    document_prompt: str
    dimension: int
    metric: Metric
    chunking: ChunkSettings
    documents: int
    chunks: int
    queries: int = 0
    judgments: int = 0
    created: str = ""  # when the collection was made, ISO 8601, UTC
    exported: str = ""
    parts: dict[str, Part] = field(default_factory=dict)

    @classmethod
    def of(
        cls, collection: Collection, documents: int, chunks: int, queries: int, judgments: int, parts: dict[str, Part]
    ) -> Manifest:
        """Return the manifest of ``collection`` with these counts, exported now."""
        return cls(
            collection.name,
            collection.model,
            collection.revision,
            collection.query_prompt,
            collection.document_prompt,
            collection.dimension,
            collection.metric,
            collection.chunking,
            documents,
            chunks,
            queries,
            judgments,
            collection.created,
            datetime.now(UTC).isoformat(timespec="seconds"),
            parts,
        )

    def write(self) -> str:
        """Return the manifest as JSON."""
        return json.dumps({"format": FORMAT, "schema": SCHEMA, **asdict(self)}, ensure_ascii=False, indent=2)


def read_manifest(file: str, text: bytes) -> Manifest:
    """Parse the manifest of the bundle ``file``.

    Raises ExchangeError, which names ``file``, for a damaged manifest or another version of the format.
    """
    try:
        values: dict[str, Any] = dict(json.loads(text))  # checked by the constructors below
    except (ValueError, TypeError, RecursionError) as error:
        raise ExchangeError(
            f"{file} is damaged: its {MANIFEST_FILE} is not JSON. Export the collection again"
        ) from error
    if values.pop("format", None) != FORMAT:
        raise ExchangeError(f"{file} is not a bundle of Rankscope's: its {MANIFEST_FILE} does not say '{FORMAT}'")
    if (schema := values.pop("schema", None)) != SCHEMA:
        raise ExchangeError(
            f"{file} has the format's version {schema}, and version {SCHEMA} is read here: use the "
            "Rankscope that wrote it, or a newer one"
        )
    try:
        chunking = ChunkSettings(**values.pop("chunking"))
        parts = {name: Part(**part) for name, part in values.pop("parts").items()}
        manifest = Manifest(**values, chunking=chunking, parts=parts)
        valid = manifest.metric in METRICS and manifest.dimension > 0
    except (KeyError, TypeError, AttributeError, SettingsError) as error:
        raise ExchangeError(
            f"{file} is damaged: its {MANIFEST_FILE} lacks something or holds what it should not "
            f"({error}). Export the collection again"
        ) from error
    if not valid:
        raise ExchangeError(
            f"{file} is damaged: {manifest.dimension} dimensions and the measure {manifest.metric!r} "
            "cannot be. Export the collection again"
        )
    return manifest


DOCUMENTS = pa.schema(
    [
        ("document_id", pa.string()),
        ("name", pa.string()),
        ("text", pa.large_string()),
        ("marks", pa.large_string()),  # JSON: pages, headings, tables, rows, times, metadata, notes
        ("size", pa.int64()),  # bytes of the file it came from
        ("chunks", pa.int64()),
        ("added", pa.string()),
    ]
)
QUERIES = pa.schema([("query_id", pa.string()), ("text", pa.large_string())])
_JUDGMENT_FIELDS = [
    ("split", pa.string()),
    ("query_id", pa.string()),
    ("document_id", pa.string()),
    ("start", pa.int64()),
    ("end", pa.int64()),
    ("grade", pa.int64()),
    ("origin", pa.string()),
]
JUDGMENTS_V1 = pa.schema(_JUDGMENT_FIELDS)  # before judgments had an author, a time and a note
JUDGMENTS = pa.schema([*_JUDGMENT_FIELDS, ("who", pa.string()), ("made", pa.string()), ("note", pa.large_string())])
_CHUNK_FIELDS = {
    "document_id": pa.string(),
    "document": pa.string(),
    "start": pa.int64(),
    "end": pa.int64(),
    "tokens": pa.int64(),
    "page": pa.int64(),
    "heading": pa.string(),
    "carried": pa.large_string(),
}


def chunk_schema(dimension: int) -> pa.Schema:
    """Return the schema of the chunks.

    ``metadata`` is a JSON object with all metadata in Chroma that has no column of its own.
    """
    last = [("text", pa.large_string()), ("metadata", pa.large_string()), ("vector", pa.list_(pa.float32(), dimension))]
    return pa.schema([("id", pa.string()), *_CHUNK_FIELDS.items(), *last])


def documents_table(documents: Sequence[tuple[StoredDocument, Document]]) -> pa.Table:
    """Return the documents with their texts as a table."""
    rows = [
        {**asdict(stored), "text": document.text, "marks": encode_marks(replace(document, notes=stored.notes))}
        for stored, document in documents
    ]
    return pa.Table.from_pylist([{name: row[name] for name in DOCUMENTS.names} for row in rows], schema=DOCUMENTS)


def read_documents(table: pa.Table) -> list[Entry]:
    """Return the rows as documents that are file to join a collection."""
    return [
        Entry(
            replace(decode_document(row["name"], row["text"], row["marks"]), size=row["size"]),
            row["name"],
            row["chunks"],
        )
        for row in table.to_pylist()
    ]


def chunks_table(batch: Batch) -> pa.Table:
    """Return the chunks with their vectors, of shape (chunks, dimension), as a table."""
    dimension = batch.vectors.shape[1]
    columns: list[pa.Array] = [pa.array(batch.ids, pa.string())]
    columns += [
        pa.array([metadata.get(name) for metadata in batch.metadatas], type_) for name, type_ in _CHUNK_FIELDS.items()
    ]
    others = [
        json.dumps({key: value for key, value in metadata.items() if key not in _CHUNK_FIELDS}, ensure_ascii=False)
        for metadata in batch.metadatas
    ]
    columns += [pa.array(batch.texts, pa.large_string()), pa.array(others, pa.large_string())]
    columns.append(pa.FixedSizeListArray.from_arrays(pa.array(batch.vectors.ravel(), pa.float32()), dimension))
    return pa.Table.from_arrays(columns, schema=chunk_schema(dimension))


def read_chunks(table: pa.Table) -> Batch:
    """Return the rows of a chunks table as a batch: metadata as in Chroma, float32 vectors (chunks, dimension)."""
    columns = {name: table.column(name).to_pylist() for name in _CHUNK_FIELDS}
    metadatas: list[dict[str, Value]] = []
    for row, others in enumerate(table.column("metadata").to_pylist()):
        values = {name: column[row] for name, column in columns.items() if column[row] is not None}
        metadatas.append({**values, **json.loads(others)})
    vectors = table.column("vector").combine_chunks()
    flat = np.asarray(vectors.flatten().to_numpy(zero_copy_only=False), dtype=np.float32)
    texts = table.column("text").to_pylist()
    return Batch(table.column("id").to_pylist(), texts, metadatas, flat.reshape(len(texts), -1))


def queries_table(queries: dict[str, str]) -> pa.Table:
    """Return the queries, texts by query id, as a table."""
    return pa.Table.from_arrays(
        [pa.array(list(queries), pa.string()), pa.array(list(queries.values()), pa.large_string())], schema=QUERIES
    )


def judgments_table(judgments: Sequence[Judgment]) -> pa.Table:
    """Return the judgments as a table."""
    return pa.Table.from_pylist([asdict(judgment) for judgment in judgments], schema=JUDGMENTS)


def read_judgments(table: pa.Table) -> list[Judgment]:
    """Return the rows of a judgments table."""
    return [Judgment(**row) for row in table.to_pylist()]
