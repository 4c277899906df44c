"""A collection into one file: a ZIP of Parquet tables and a manifest, written a group of documents at a time."""

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
from core.exchange import _bundle_format as manifest
from core.exchange._bundle_format import (
    DOCUMENTS,
    JUDGMENTS,
    JUDGMENTS_V1,
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

BLOCK = 1 << 20  # bytes
AGAIN = "Copy the file again, or export the collection again"


def import_bundle(
    workspace: Workspace, file: Path, name: str | None = None, model: str | None = None, report: ProgressReport = silent
) -> ImportResult:
    """Make the collection in the bundle ``file``, called ``name`` (None: as it was). Nothing is embedded.

    ``model`` names the model here where it lies in another place than there. Raises ExchangeError for a bundle
    that is damaged, cut off, changed or not ours, CollectionExists, BadName, and ModelMismatch for another model.
    """
    with _opened(file) as archive:
        made_of = _manifest(file, archive)
    called = name or made_of.name
    workspace.check_name_is_free(called)
    used = made_of.model if model is None else _same_model(workspace, file, made_of, model)
    with workspace.stage_collection(called) as staged:
        with _opened(file) as archive:
            _unpack(file, archive, made_of, staged.folder)
        _store(_Bundle(file, made_of, staged.folder), workspace, staged.temporary_name, used, report)
    return ImportResult(workspace.store.collection(called), made_of.documents, made_of.queries, made_of.judgments)


@contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ExchangeError(f"{file} is damaged or was cut off ({error}). {AGAIN}") from error
    except OSError as error:
        raise ExchangeError(
            f"{file} cannot be unpacked ({error.strerror or error}): check the path, and that there is room on the disk"
        ) from error


def _manifest(file: Path, archive: zipfile.ZipFile) -> Manifest:
    if manifest.MANIFEST_FILE not in archive.namelist():
        raise ExchangeError(f"{file} is not a bundle of Rankscope's: it holds no {manifest.MANIFEST_FILE}")
    if any(held.flag_bits & 1 for held in archive.infolist()):
        raise ExchangeError(f"{file} is locked with a password: unlock it first")
    made_of = read_manifest(str(file), archive.read(manifest.MANIFEST_FILE))
    needed = [
        "documents.parquet",
        "chunks.parquet",
        *(["queries.parquet", "judgments.parquet"] if made_of.queries else []),
    ]
    missing = [name for name in needed if name not in archive.namelist() or name not in made_of.parts]
    if missing:
        raise ExchangeError(f"{file} lacks {missing[0]}. {AGAIN}")
    return made_of


def _same_model(workspace: Workspace, file: Path, made_of: Manifest, model: str) -> str:
    """The name here of the model that the bundle was made with."""
    encoder = workspace.models.get(model)
    here, there = (encoder.revision, encoder.dimension), (made_of.revision, made_of.dimension)
    if here != there:
        raise ModelMismatch(
            f"{file} was made with {made_of.model} revision {there[0]} ({there[1]} dimensions), but "
            f"{model} is revision {here[0]} "
            f"({here[1]} dimensions): name the same model, or leave it out"
        )
    return encoder.model


def _unpack(file: Path, archive: zipfile.ZipFile, made_of: Manifest, folder: Path) -> None:
    """Write the parts into ``folder``, each compared with its hash."""
    for name, part in made_of.parts.items():
        if name not in archive.namelist() or Path(name).name != name:
            raise ExchangeError(f"{file} lacks {name}. {AGAIN}")
        digest, size = hashlib.sha256(), 0
        with archive.open(name) as packed, (folder / name).open("wb") as unpacked:
            while size <= part.size and (block := packed.read(BLOCK)):  # no more than was promised
                digest.update(block)
                size += len(block)
                unpacked.write(block)
        if (size, digest.hexdigest()) != (part.size, part.sha256):
            raise ExchangeError(
                f"{file} was changed or damaged: {name} is not what its {manifest.MANIFEST_FILE} says "
                f"(SHA-256). {AGAIN}"
            )


class _Bundle:
    """The verified parts of a bundle."""

    def __init__(self, file: Path, made_of: Manifest, folder: Path) -> None:
        self.file = file
        self.made_of = made_of
        self._folder = folder

    def damaged(self, what: str) -> ExchangeError:
        return ExchangeError(f"{self.file} does not fit together: {what}. Export the collection again")

    def tables(self, name: str, *schemas: pa.Schema) -> Iterator[pa.Table]:
        """The row groups of one part, which has one of these columns."""
        try:
            with pq.ParquetFile(self._folder / name) as opened:
                if not any(opened.schema_arrow.equals(schema) for schema in schemas):
                    raise self.damaged(f"the columns of {name} are not those of this version")
                for at in range(opened.num_row_groups):
                    yield opened.read_row_group(at)
        except pa.ArrowException as error:
            raise self.damaged(f"{name} is not Parquet ({error})") from error


def _store(bundle: _Bundle, workspace: Workspace, title: str, model: str, report: ProgressReport) -> None:
    made_of = bundle.made_of
    with workspace.write_lock():
        collection = workspace.store.create(
            title,
            model=model,
            revision=made_of.revision,
            dimension=made_of.dimension,
            metric=made_of.metric,
            chunking=made_of.chunking,
            query_prompt=made_of.query_prompt,
            document_prompt=made_of.document_prompt,
        )
    intake = CollectionWriter(workspace, collection, ImportProgress(report, made_of.documents, made_of.chunks))
    chunks = bundle.tables("chunks.parquet", chunk_schema(made_of.dimension))
    for table in bundle.tables("documents.parquet", DOCUMENTS):
        entries, batch = (
            read_documents(table),
            read_chunks(next(chunks, None) or chunk_schema(made_of.dimension).empty_table()),
        )
        counted = Counter(held.get("document_id") for held in batch.metadatas)
        if counted != Counter({entry.document.id: entry.chunks for entry in entries if entry.chunks}):
            raise bundle.damaged(
                f"the chunks are not those of its documents, near {entries[0].name if entries else 'the start'!r}"
            )
        intake.take(entries, [batch])
    if made_of.queries:
        queries = {
            row["query_id"]: row["text"]
            for table in bundle.tables("queries.parquet", QUERIES)
            for row in table.to_pylist()
        }
        judged = [
            judgment
            for table in bundle.tables("judgments.parquet", JUDGMENTS, JUDGMENTS_V1)
            for judgment in read_judgments(table)
        ]
        workspace.judgments.add(collection.key, queries, judged)


def export_bundle(workspace: Workspace, name: str, file: Path, report: ProgressReport = silent) -> Manifest:
    """Write the collection ``name`` into ``file``, a new ZIP.

    Nothing is there under that name until it is complete. Raises CollectionNotFound, and ExchangeError for a
    collection of another program, a file that exists or cannot be written, or a collection that changes meanwhile.
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
            return _Writer(workspace, collection, archive, report).write()
    except OSError as error:
        raise ExchangeError(f"{file} cannot be written ({error.strerror or error}): choose another place") from error


class _Writer:
    """Writes one collection into one archive."""

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
        key, judged = self._collection.key, self._workspace.judgments
        queries, judgments = judged.queries(key), judged.judgments(key)
        self._part("documents.parquet", DOCUMENTS, (self._texts(group) for group in self._groups))
        self._part(
            "chunks.parquet", chunk_schema(self._collection.dimension), (self._vectors(group) for group in self._groups)
        )
        if queries:
            self._part("queries.parquet", QUERIES, [queries_table(queries)])
            self._part("judgments.parquet", JUDGMENTS, [judgments_table(judgments)])
        made = Manifest.of(self._collection, self._documents, self._chunks, len(queries), len(judgments), self._parts)
        self._archive.writestr(manifest.MANIFEST_FILE, made.write(), zipfile.ZIP_DEFLATED)
        return made

    def _part(self, name: str, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
        """One table: a row group for each of ``tables``."""
        with self._archive.open(name, "w", force_zip64=True) as opened:
            hashed = _Hashed(opened)
            with pq.ParquetWriter(
                pa.PythonFile(hashed, "w"), schema, compression="zstd", use_dictionary=False
            ) as writer:
                for table in tables:
                    writer.write_table(table, row_group_size=max(table.num_rows, 1))
        self._parts[name] = Part(hashed.size, hashed.digest.hexdigest())

    def _texts(self, group: list[StoredDocument]) -> pa.Table:
        document_store = self._workspace.document_store
        return documents_table([(stored, document_store.document(stored.document_id)) for stored in group])

    def _vectors(self, group: list[StoredDocument]) -> pa.Table:
        batches = list(complete_batches(self._workspace, self._collection, group))
        self._progress.add(len(group), sum(len(batch.ids) for batch in batches), group[-1].name)
        return (
            pa.concat_tables([chunks_table(batch) for batch in batches])
            if batches
            else chunk_schema(self._collection.dimension).empty_table()
        )


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


def complete_batches(workspace: Workspace, collection: Collection, group: list[StoredDocument]) -> Iterator[Batch]:
    """Yield all chunks of some documents.

    Raises ExchangeError where some are missing, which means that the collection is being changed.
    """
    found = 0
    for batch in workspace.store.batches(collection, {document.document_id for document in group}):
        found += len(batch.ids)
        if not np.isfinite(batch.vectors).all():
            raise ExchangeError(
                f"The collection {collection.name!r} holds vectors that are no numbers: index its documents again"
            )
        yield batch
    wanted = sum(document.chunks for document in group)
    if found != wanted:
        raise ExchangeError(
            f"The collection {collection.name!r} was changed meanwhile: {found:,} chunks of {wanted:,} "
            f"were there from {group[0].name!r} on. Try again"
        )
