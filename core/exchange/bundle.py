"""Export a collection to a bundle, a ZIP of Parquet tables with a manifest, and import it again."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import ExchangeError, ModelMismatch
from core.exchange._bundle_format import (
    DOCUMENTS,
    JUDGMENTS,
    JUDGMENTS_V1,
    MANIFEST_FILE,
    QUERIES,
    Manifest,
    Part,
    chunk_schema,
    chunks_table,
    documents_table,
    judgments_table,
    queries_table,
    read_chunks,
    read_documents,
    read_judgments,
    read_manifest,
)
from core.exchange.writer import CollectionWriter, ImportProgress, ImportResult, group_by_chunks
from core.records.search import Collection, StoredDocument
from core.store.conversion import Batch
from core.util.files import atomic_write
from core.util.progress import ProgressReport, silent
from core.workspace import Workspace

BLOCK_SIZE = 1 << 20  # bytes
RETRY_ADVICE = "Copy the file again, or export the collection again"


def import_bundle(
    workspace: Workspace, file: Path, name: str | None = None, model: str | None = None, report: ProgressReport = silent
) -> ImportResult:
    """Import the bundle ``file`` as the collection ``name`` (None: the name in its manifest). Nothing is embedded.

    ``model`` is the local name or path of the model if it differs from the one in the manifest. Raises ExchangeError
    for a bundle that is damaged, truncated, modified or not Rankscope's; CollectionExists and BadName for ``name``;
    and ModelMismatch if ``model`` has another revision or dimension.
    """
    with _open_archive(file) as archive:
        manifest = _read_manifest(file, archive)
    name = name or manifest.name
    workspace.check_name_is_free(name)
    model_name = manifest.model if model is None else _check_model(workspace, file, manifest, model)
    with workspace.stage_collection(name) as staged:
        with _open_archive(file) as archive:
            _extract_parts(file, archive, manifest, staged.folder)
        _store_bundle(_Bundle(file, manifest, staged.folder), workspace, staged.temporary_name, model_name, report)
    return ImportResult(workspace.store.collection(name), manifest.documents, manifest.queries, manifest.judgments)


@contextmanager
def _open_archive(file: Path) -> Iterator[zipfile.ZipFile]:
    """Open the ZIP; its errors, in the body too, become ExchangeError."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ExchangeError(f"{file} is damaged or was cut off ({error}). {RETRY_ADVICE}") from error
    except OSError as error:
        raise ExchangeError(
            f"{file} cannot be unpacked ({error.strerror or error}): check the path, and that there is room on the disk"
        ) from error


def _read_manifest(file: Path, archive: zipfile.ZipFile) -> Manifest:
    """Return the manifest. Raises ExchangeError if the archive is not a bundle or lacks a required part."""
    if MANIFEST_FILE not in archive.namelist():
        raise ExchangeError(f"{file} is not a bundle of Rankscope's: it holds no {MANIFEST_FILE}")
    if any(member.flag_bits & 1 for member in archive.infolist()):
        raise ExchangeError(f"{file} is locked with a password: unlock it first")
    manifest = read_manifest(str(file), archive.read(MANIFEST_FILE))
    required = [
        "documents.parquet",
        "chunks.parquet",
        *(["queries.parquet", "judgments.parquet"] if manifest.queries else []),
    ]
    missing = [name for name in required if name not in archive.namelist() or name not in manifest.parts]
    if missing:
        raise ExchangeError(f"{file} lacks {missing[0]}. {RETRY_ADVICE}")
    return manifest


def _check_model(workspace: Workspace, file: Path, manifest: Manifest, model: str) -> str:
    """Return the name of the local ``model``. Raises ModelMismatch unless it is the one the bundle was made with."""
    encoder = workspace.models.get(model)
    if (encoder.revision, encoder.dimension) != (manifest.revision, manifest.dimension):
        raise ModelMismatch(
            f"{file} was made with {manifest.model} revision {manifest.revision} ({manifest.dimension} dimensions), "
            f"but {model} is revision {encoder.revision} ({encoder.dimension} dimensions): name the same model, or "
            "leave it out"
        )
    return encoder.model


def _extract_parts(file: Path, archive: zipfile.ZipFile, manifest: Manifest, folder: Path) -> None:
    """Extract the parts to ``folder``. Raises ExchangeError if one differs from its size or SHA-256 in the manifest."""
    for name, part in manifest.parts.items():
        if name not in archive.namelist() or Path(name).name != name:
            raise ExchangeError(f"{file} lacks {name}. {RETRY_ADVICE}")
        digest, size = hashlib.sha256(), 0
        with archive.open(name) as source, (folder / name).open("wb") as target:
            # stop soon after the declared size: the archive may be a zip bomb
            while size <= part.size and (block := source.read(BLOCK_SIZE)):
                digest.update(block)
                size += len(block)
                target.write(block)
        if (size, digest.hexdigest()) != (part.size, part.sha256):
            raise ExchangeError(
                f"{file} was changed or damaged: {name} is not what its {MANIFEST_FILE} says (SHA-256). {RETRY_ADVICE}"
            )


class _Bundle:
    """The extracted parts of a bundle, whose hashes have been verified."""

    def __init__(self, file: Path, manifest: Manifest, folder: Path) -> None:
        self.file = file
        self.manifest = manifest
        self._folder = folder

    def inconsistency(self, problem: str) -> ExchangeError:
        """Return the error for parts that contradict each other or this version of the format."""
        return ExchangeError(f"{self.file} does not fit together: {problem}. Export the collection again")

    def tables(self, name: str, *schemas: pa.Schema) -> Iterator[pa.Table]:
        """Yield the row groups of the part ``name``, which must have one of ``schemas``."""
        try:
            with pq.ParquetFile(self._folder / name) as parquet:
                if not any(parquet.schema_arrow.equals(schema) for schema in schemas):
                    raise self.inconsistency(f"the columns of {name} are not those of this version")
                for index in range(parquet.num_row_groups):
                    yield parquet.read_row_group(index)
        except pa.ArrowException as error:
            raise self.inconsistency(f"{name} is not Parquet ({error})") from error


def _store_bundle(bundle: _Bundle, workspace: Workspace, name: str, model: str, report: ProgressReport) -> None:
    """Create the collection ``name`` from the parts: documents, chunks, queries and judgments."""
    manifest = bundle.manifest
    with workspace.write_lock():
        collection = workspace.store.create(
            name,
            model=model,
            revision=manifest.revision,
            dimension=manifest.dimension,
            metric=manifest.metric,
            chunking=manifest.chunking,
            query_prompt=manifest.query_prompt,
            document_prompt=manifest.document_prompt,
        )
    writer = CollectionWriter(workspace, collection, ImportProgress(report, manifest.documents, manifest.chunks))
    chunks = bundle.tables("chunks.parquet", chunk_schema(manifest.dimension))
    for table in bundle.tables("documents.parquet", DOCUMENTS):
        entries = read_documents(table)
        batch = read_chunks(next(chunks, None) or chunk_schema(manifest.dimension).empty_table())
        chunk_counts = Counter(metadata.get("document_id") for metadata in batch.metadatas)
        if chunk_counts != Counter({entry.document.id: entry.chunks for entry in entries if entry.chunks}):
            raise bundle.inconsistency(
                f"the chunks are not those of its documents, near {entries[0].name if entries else 'the start'!r}"
            )
        writer.write(entries, [batch])
    if manifest.queries:
        queries = {
            row["query_id"]: row["text"]
            for table in bundle.tables("queries.parquet", QUERIES)
            for row in table.to_pylist()
        }
        judgments = [
            judgment
            for table in bundle.tables("judgments.parquet", JUDGMENTS, JUDGMENTS_V1)
            for judgment in read_judgments(table)
        ]
        workspace.judgments.add(collection.key, queries, judgments)


def export_bundle(workspace: Workspace, name: str, file: Path, report: ProgressReport = silent) -> Manifest:
    """Write the collection ``name`` to the new bundle ``file`` and return its manifest.

    ``file`` does not exist until it is complete. Raises CollectionNotFound; and ExchangeError for a collection of
    another program, a file that exists or cannot be written, or a collection that changes during the export.
    """
    collection = workspace.store.collection(name)
    if collection.foreign:
        raise ExchangeError(
            f"The collection {name!r} belongs to another program: import it under a name of its own, then export that"
        )
    if file.exists():
        raise ExchangeError(f"{file} exists already: choose another name or remove it first")
    try:
        with atomic_write(file) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            return _BundleWriter(workspace, collection, archive, report).write()
    except OSError as error:
        raise ExchangeError(f"{file} cannot be written ({error.strerror or error}): choose another place") from error


class _BundleWriter:
    """Writes one collection to one archive, a group of documents at a time."""

    def __init__(
        self, workspace: Workspace, collection: Collection, archive: zipfile.ZipFile, report: ProgressReport
    ) -> None:
        self._workspace = workspace
        self._collection = collection
        self._archive = archive
        documents = workspace.documents(collection)
        self._groups = list(group_by_chunks(documents, lambda document: document.chunks))
        self._documents = len(documents)
        self._chunks = sum(document.chunks for document in documents)
        self._progress = ImportProgress(report, self._documents, self._chunks)
        self._parts: dict[str, Part] = {}

    def write(self) -> Manifest:
        """Write all parts and the manifest; return the manifest."""
        key, store = self._collection.key, self._workspace.judgments
        queries, judgments = store.queries(key), store.judgments(key)
        self._write_part("documents.parquet", DOCUMENTS, (self._documents_table(group) for group in self._groups))
        self._write_part(
            "chunks.parquet",
            chunk_schema(self._collection.dimension),
            (self._chunks_table(group) for group in self._groups),
        )
        if queries:
            self._write_part("queries.parquet", QUERIES, [queries_table(queries)])
            self._write_part("judgments.parquet", JUDGMENTS, [judgments_table(judgments)])
        manifest = Manifest.of(
            self._collection, self._documents, self._chunks, len(queries), len(judgments), self._parts
        )
        self._archive.writestr(MANIFEST_FILE, manifest.write(), zipfile.ZIP_DEFLATED)
        return manifest

    def _write_part(self, name: str, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
        """Write one Parquet file with a row group for each of ``tables``."""
        with self._archive.open(name, "w", force_zip64=True) as member:
            file = _HashingFile(member)
            with pq.ParquetWriter(pa.PythonFile(file, "w"), schema, compression="zstd", use_dictionary=False) as writer:
                for table in tables:
                    writer.write_table(table, row_group_size=max(table.num_rows, 1))
        self._parts[name] = Part(file.size, file.digest.hexdigest())

    def _documents_table(self, group: list[StoredDocument]) -> pa.Table:
        document_store = self._workspace.document_store
        return documents_table([(stored, document_store.document(stored.document_id)) for stored in group])

    def _chunks_table(self, group: list[StoredDocument]) -> pa.Table:
        batches = list(complete_batches(self._workspace, self._collection, group))
        self._progress.add(len(group), sum(len(batch.ids) for batch in batches), group[-1].name)
        return (
            pa.concat_tables([chunks_table(batch) for batch in batches])
            if batches
            else chunk_schema(self._collection.dimension).empty_table()
        )


class _HashingFile:
    """A write-only file object that counts the bytes written and computes their SHA-256."""

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


def complete_batches(workspace: Workspace, collection: Collection, group: list[StoredDocument]) -> Iterator[Batch]:
    """Yield all chunks of the documents in ``group``, with their vectors.

    Raises ExchangeError for vectors with NaN or infinity, and, after the last batch, if the number of chunks is not
    the recorded one, because the collection is being changed.
    """
    count = 0
    for batch in workspace.store.batches(collection, {document.document_id for document in group}):
        count += len(batch.ids)
        if not np.isfinite(batch.vectors).all():
            raise ExchangeError(
                f"The collection {collection.name!r} holds vectors that are no numbers: index its documents again"
            )
        yield batch
    expected = sum(document.chunks for document in group)
    if count != expected:
        raise ExchangeError(
            f"The collection {collection.name!r} was changed meanwhile: {count:,} chunks of {expected:,} "
            f"were there from {group[0].name!r} on. Try again"
        )
