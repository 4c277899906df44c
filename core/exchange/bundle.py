"""A collection into one file: a ZIP of Parquet tables and a manifest, written a group of documents at a time."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import ExchangeError
from core.exchange import _part_exchange_manifest as manifest
from core.exchange._bundle_format import (
    DOCUMENTS,
    JUDGMENTS,
    QUERIES,
    chunk_schema,
    chunks_table,
    documents_table,
    judgments_table,
    queries_table,
)
from core.exchange._part_exchange_manifest import Manifest, Part
from core.exchange._writer import Track, in_groups
from core.records.search import Collection, StoredDocument
from core.store.conversion import Batch
from core.util.progress import Report, silent
from core.workspace import Workspace


def take_out(workspace: Workspace, name: str, file: Path, report: Report = silent) -> Manifest:
    """Write the collection ``name`` into ``file``, a new ZIP.

    Nothing is there under that name until it is complete. Raises CollectionNotFound, and ExchangeError for a
    collection of another program, a file that exists or cannot be written, or a collection that changes meanwhile.
    """
    collection = workspace.store.collection(name)
    if collection.foreign:
        raise ExchangeError(f"The collection {name!r} belongs to another program: import it under a name of its own, then export that")
    if file.exists():
        raise ExchangeError(f"{file} exists already: choose another name or remove it first")
    partial = file.with_name(f"{file.name}.part")
    try:
        with zipfile.ZipFile(partial, "w") as archive:
            written = _Writer(workspace, collection, archive, report).write()
        partial.replace(file)
    except OSError as error:
        raise ExchangeError(f"{file} cannot be written ({error.strerror or error}): choose another place") from error
    finally:
        partial.unlink(missing_ok=True)
    return written


class _Writer:
    """Writes one collection into one archive."""

    def __init__(self, workspace: Workspace, collection: Collection, archive: zipfile.ZipFile, report: Report) -> None:
        self._workspace = workspace
        self._collection = collection
        self._archive = archive
        documents = workspace.documents(collection)
        self._groups = list(in_groups(documents, lambda document: document.chunks))
        self._documents = len(documents)
        self._chunks = sum(document.chunks for document in documents)
        self._progress = Track(report, self._documents, self._chunks)
        self._parts: dict[str, Part] = {}

    def write(self) -> Manifest:
        key, judged = self._collection.key, self._workspace.judgments
        queries, judgments = judged.queries(key), judged.judgments(key)
        self._part("documents.parquet", DOCUMENTS, (self._texts(group) for group in self._groups))
        self._part("chunks.parquet", chunk_schema(self._collection.dimension), (self._vectors(group) for group in self._groups))
        if queries:
            self._part("queries.parquet", QUERIES, [queries_table(queries)])
            self._part("judgments.parquet", JUDGMENTS, [judgments_table(judgments)])
        made = Manifest.of(self._collection, self._documents, self._chunks, len(queries), len(judgments), self._parts)
        self._archive.writestr(manifest.FILE, made.write(), zipfile.ZIP_DEFLATED)
        return made

    def _part(self, name: str, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
        """One table: a row group for each of ``tables``."""
        with self._archive.open(name, "w", force_zip64=True) as opened:
            hashed = _Hashed(opened)
            with pq.ParquetWriter(pa.PythonFile(hashed, "w"), schema, compression="zstd", use_dictionary=False) as writer:
                for table in tables:
                    writer.write_table(table, row_group_size=max(table.num_rows, 1))
        self._parts[name] = Part(hashed.size, hashed.digest.hexdigest())

    def _texts(self, group: list[StoredDocument]) -> pa.Table:
        shelf = self._workspace.shelf
        return documents_table([(stored, shelf.document(stored.document_id)) for stored in group])

    def _vectors(self, group: list[StoredDocument]) -> pa.Table:
        batches = list(whole_batches(self._workspace, self._collection, group))
        self._progress.add(len(group), sum(len(batch.ids) for batch in batches), group[-1].name)
        return pa.concat_tables([chunks_table(batch) for batch in batches]) if batches else chunk_schema(self._collection.dimension).empty_table()


class _Hashed:
    """A file that is only written, with the SHA-256 of what it got."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.size += len(data)
        return self._file.write(data)

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self.closed = True


def whole_batches(workspace: Workspace, collection: Collection, group: list[StoredDocument]) -> Iterator[Batch]:
    """Yield all chunks of some documents. Raises ExchangeError where they are not all there: somebody is changing the collection."""
    found = 0
    for batch in workspace.store.batches(collection, {document.document_id for document in group}):
        found += len(batch.ids)
        if not np.isfinite(batch.vectors).all():
            raise ExchangeError(f"The collection {collection.name!r} holds vectors that are no numbers: index its documents again")
        yield batch
    wanted = sum(document.chunks for document in group)
    if found != wanted:
        raise ExchangeError(
            f"The collection {collection.name!r} was changed meanwhile: {found:,} chunks of {wanted:,} were there from {group[0].name!r} on. Try again"
        )
