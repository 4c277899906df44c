"""Copy a collection with other settings, from its stored documents."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.errors import Cancelled, ExchangeError
from core.exchange.bundle import complete_batches
from core.exchange.writer import CollectionWriter, ImportProgress, ImportResult, group_by_chunks
from core.indexing.indexer import Indexer
from core.loading.sources import PreparedSource
from core.records.document import Document
from core.records.search import ChunkSettings, Collection, CollectionOptions, StoredDocument
from core.store.documents import Entry
from core.util.progress import FileOutcome, ProgressReport, silent
from core.vectors.similarity import norms
from core.workspace import Workspace

SAMPLE_SIZE = 8  # chunks embedded to see whether the model's vectors have length 1
UNIT_TOLERANCE = 1e-3  # largest difference of a length from 1


def copy_collection(
    workspace: Workspace,
    name: str,
    new: str,
    options: CollectionOptions | None = None,
    report: ProgressReport = silent,
) -> ImportResult:
    """Make the collection ``new`` from the documents and judgments of ``name``; an option of None keeps its setting.

    Chunks are embedded again only if the model, the chunking or the metric requires it. Raises SettingsError,
    CollectionNotFound, CollectionExists, BadName and ModelError; ExchangeError for a collection of another program
    or a document that fails; and Cancelled if ``report`` raises it. After an error, ``new`` does not exist.
    """
    original = workspace.store.collection(name)
    if original.foreign:
        raise ExchangeError(
            f"The collection {name!r} belongs to another program: import it under a name of its own, then copy that"
        )
    workspace.check_name_is_free(new)
    options = options or CollectionOptions()
    documents = workspace.documents(original)
    with workspace.stage_collection(new) as staged:
        if _can_reuse_vectors(workspace, original, options):
            copied = _copy_vectors(workspace, original, staged.temporary_name, options, documents, report)
        else:
            copied = _reindex(workspace, original, staged.temporary_name, options, documents, report)
        workspace.judgments.copy(original.key, copied.key)
    queries, judgments = workspace.judgments.queries(copied.key), workspace.judgments.judgments(copied.key)
    return ImportResult(workspace.store.collection(new), len(documents), len(queries), len(judgments))


def _resolve_options(workspace: Workspace, original: Collection, options: CollectionOptions) -> CollectionOptions:
    """Return all settings of a copy that is indexed again; a default chunk size is at most what the model reads.

    Raises SettingsError and ModelError.
    """
    model = options.model or original.model
    chunking = _resolve_chunking(original, options, workspace.models.get(model).budget)
    return CollectionOptions(
        model,
        options.metric or original.metric,
        chunking.size,
        chunking.overlap,
        chunking.method,
        chunking.rows,
        chunking.percentile,
    )


def _resolve_chunking(original: Collection, options: CollectionOptions, max_size: int | None = None) -> ChunkSettings:
    """Return the chunking of a copy: ``options`` where given, else that of ``original``.

    A size of None becomes at most ``max_size`` tokens. With another size, the default overlap is a fifth of it.
    """
    current = original.chunking
    default_size = current.size if max_size is None else min(current.size, max_size)
    size = default_size if options.size is None else options.size
    default_overlap = current.overlap if size == current.size else size // 5
    overlap = default_overlap if options.overlap is None else options.overlap
    rows = current.rows if options.rows is None else options.rows
    percentile = current.percentile if options.percentile is None else options.percentile
    return ChunkSettings(size, overlap, options.method or current.method, rows, percentile)


def _can_reuse_vectors(workspace: Workspace, original: Collection, options: CollectionOptions) -> bool:
    """Return whether model, prompts and chunks stay the same, and the stored vectors suit the new metric."""
    if options.model is not None:  # the same name can be another revision by now
        encoder = workspace.models.get(options.model)
        identity = (encoder.model, encoder.revision, encoder.dimension, encoder.query_prompt, encoder.document_prompt)
        if identity != (
            original.model,
            original.revision,
            original.dimension,
            original.query_prompt,
            original.document_prompt,
        ):
            return False
    if _resolve_chunking(original, options).identity != original.chunking.identity:
        return False
    return (
        options.metric in (None, original.metric)
        or original.metric != "cosine"
        or _has_unit_vectors(workspace, original)
    )


def _has_unit_vectors(workspace: Workspace, original: Collection) -> bool:
    """Return whether the model's vectors have length 1.

    Chroma normalizes the vectors of a cosine collection, so that other lengths are lost; the other metrics need them.
    """
    sample = workspace.store.first_chunks(original, SAMPLE_SIZE)
    if not sample.ids:
        return True
    lengths = norms(workspace.encoder(original).encode_documents(sample.texts))
    return bool(np.all(np.abs(lengths - 1) < UNIT_TOLERANCE))


def _copy_vectors(
    workspace: Workspace,
    original: Collection,
    name: str,
    options: CollectionOptions,
    documents: list[StoredDocument],
    report: ProgressReport,
) -> Collection:
    """Copy documents, chunks and vectors to the new collection ``name``. The model need not be installed."""
    with workspace.write_lock():
        copied = workspace.store.create(
            name,
            model=original.model,
            revision=original.revision,
            dimension=original.dimension,
            metric=options.metric or original.metric,
            chunking=_resolve_chunking(original, options),
            query_prompt=original.query_prompt,
            document_prompt=original.document_prompt,
        )
    writer = CollectionWriter(
        workspace, copied, ImportProgress(report, len(documents), sum(document.chunks for document in documents))
    )
    for group in group_by_chunks(documents, lambda document: document.chunks):
        entries = []
        for stored in group:
            document = replace(
                workspace.document_store.document(stored.document_id), size=stored.size, notes=stored.notes
            )
            entries.append(Entry(document, stored.name, stored.chunks, also=stored.also))
        writer.write(entries, complete_batches(workspace, original, group))
    return copied


def _reindex(
    workspace: Workspace,
    original: Collection,
    name: str,
    options: CollectionOptions,
    documents: list[StoredDocument],
    report: ProgressReport,
) -> Collection:
    """Chunk and embed the stored documents into the new collection ``name``."""
    copied = workspace.create(name, _resolve_options(workspace, original, options))
    sources = [_source(workspace, stored) for stored in documents]
    require_all_indexed(Indexer(workspace, copied, report=report).run(sources))
    for stored in documents:
        for also in stored.also:
            workspace.document_store.record_alias(copied.key, also, stored.document_id)
    return copied


def _source(workspace: Workspace, stored: StoredDocument) -> PreparedSource:
    def load() -> Document:
        document = workspace.document_store.document(stored.document_id)
        return replace(document, name=stored.name, size=stored.size, notes=stored.notes)

    return PreparedSource(stored.name, stored.size or stored.characters, load)


def require_all_indexed(outcomes: list[FileOutcome]) -> None:
    """Raise Cancelled or ExchangeError unless every document was indexed."""
    cancelled = sum(outcome.status == "cancelled" for outcome in outcomes)
    if cancelled:
        raise Cancelled(f"Cancelled with {cancelled:,} of {len(outcomes):,} documents still to do: nothing was kept")
    failed = next((outcome for outcome in outcomes if outcome.status == "failed"), None)
    if failed:
        raise ExchangeError(f"{failed.name} could not be indexed, so nothing was kept: {failed.message}")
