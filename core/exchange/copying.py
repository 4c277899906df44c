"""A collection once more with other settings, from the documents that are stored."""

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

SAMPLE = 8  # chunks whose vectors tell whether a model's vectors have length 1
UNIT = 1e-3  # how far from 1 a length may be


def copy_collection(
    workspace: Workspace, name: str, new: str, wanted: CollectionOptions | None = None, report: ProgressReport = silent
) -> ImportResult:
    """Make the collection ``new`` from the documents and judgments of ``name``; what is not asked for is as there.

    Vectors are computed again only where the model, or the way to cut, is another one.
    Raises SettingsError, CollectionNotFound,
    CollectionExists, BadName, ModelError, and Cancelled where ``report`` raises it: nothing of ``new`` is there then.
    """
    original = workspace.store.collection(name)
    if original.foreign:
        raise ExchangeError(
            f"The collection {name!r} belongs to another program: import it under a name of its own, then copy that"
        )
    workspace.check_name_is_free(new)
    asked = wanted or CollectionOptions()
    documents = workspace.documents(original)
    with workspace.stage_collection(new) as staged:
        if _same_vectors(workspace, original, asked):
            made = _carry_over(workspace, original, staged.temporary_name, asked, documents, report)
        else:
            made = _index_again(workspace, original, staged.temporary_name, asked, documents, report)
        workspace.judgments.copy(original.key, made.key)
    copied = workspace.store.collection(new)
    return ImportResult(
        copied,
        len(documents),
        len(workspace.judgments.queries(copied.key)),
        len(workspace.judgments.judgments(copied.key)),
    )


def settled(workspace: Workspace, original: Collection, asked: CollectionOptions) -> CollectionOptions:
    """Return every setting of a copy that is indexed again; a size not asked for is at most what the model reads.

    Raises SettingsError and ModelError.
    """
    model = asked.model or original.model
    cut = _chunking(original, asked, workspace.models.get(model).budget)
    return CollectionOptions(
        model, asked.metric or original.metric, cut.size, cut.overlap, cut.method, cut.rows, cut.percentile
    )


def _chunking(original: Collection, asked: CollectionOptions, most: int | None = None) -> ChunkSettings:
    """Return how a copy is chunked: as the original, but for what is asked.

    With another size, the overlap is a fifth of it unless it is asked for too.
    """
    there = original.chunking
    size = asked.size if asked.size is not None else there.size if most is None else min(there.size, most)
    overlap = asked.overlap if asked.overlap is not None else there.overlap if size == there.size else size // 5
    rows = there.rows if asked.rows is None else asked.rows
    percentile = there.percentile if asked.percentile is None else asked.percentile
    return ChunkSettings(size, overlap, asked.method or there.method, rows, percentile)


def _same_vectors(workspace: Workspace, original: Collection, asked: CollectionOptions) -> bool:
    """Whether model, prompts and chunks stay the same, and the vectors can serve the measure."""
    if asked.model is not None:  # of the same name it may be another revision by now
        encoder = workspace.models.get(asked.model)
        here = (encoder.model, encoder.revision, encoder.dimension, encoder.query_prompt, encoder.document_prompt)
        if here != (
            original.model,
            original.revision,
            original.dimension,
            original.query_prompt,
            original.document_prompt,
        ):
            return False
    if _chunking(original, asked).identity != original.chunking.identity:
        return False
    return (
        asked.metric in (None, original.metric) or original.metric != "cosine" or _has_unit_vectors(workspace, original)
    )


def _has_unit_vectors(workspace: Workspace, original: Collection) -> bool:
    """Return whether the model's vectors have length 1.

    Chroma keeps no other length in a cosine collection, and the other measures need it.
    """
    sample = workspace.store.first_chunks(original, SAMPLE)
    if not sample.ids:
        return True
    lengths = norms(workspace.encoder(original).encode_documents(sample.texts))
    return bool(np.all(np.abs(lengths - 1) < UNIT))


def _carry_over(
    workspace: Workspace,
    original: Collection,
    title: str,
    asked: CollectionOptions,
    documents: list[StoredDocument],
    report: ProgressReport,
) -> Collection:
    """The same chunks and vectors once more; the model itself need not be here."""
    with workspace.write_lock():
        made = workspace.store.create(
            title,
            model=original.model,
            revision=original.revision,
            dimension=original.dimension,
            metric=asked.metric or original.metric,
            chunking=_chunking(original, asked),
            query_prompt=original.query_prompt,
            document_prompt=original.document_prompt,
        )
    intake = CollectionWriter(
        workspace, made, ImportProgress(report, len(documents), sum(document.chunks for document in documents))
    )
    for group in group_by_chunks(documents, lambda document: document.chunks):
        entries = []
        for stored in group:
            document = replace(workspace.document_store.document(stored.document_id), size=stored.size)
            entries.append(Entry(document, stored.name, stored.chunks))
        intake.take(entries, complete_batches(workspace, original, group))
    return made


def _index_again(
    workspace: Workspace,
    original: Collection,
    title: str,
    asked: CollectionOptions,
    documents: list[StoredDocument],
    report: ProgressReport,
) -> Collection:
    made = workspace.create(title, settled(workspace, original, asked))
    sources = [_source(workspace, stored) for stored in documents]
    require_all_indexed(Indexer(workspace, made, report=report).run(sources))
    return made


def _source(workspace: Workspace, stored: StoredDocument) -> PreparedSource:
    def document() -> Document:
        return replace(workspace.document_store.document(stored.document_id), name=stored.name, size=stored.size)

    return PreparedSource(stored.name, stored.size or stored.characters, document)


def require_all_indexed(outcomes: list[FileOutcome]) -> None:
    """Raise Cancelled or ExchangeError unless every document was indexed."""
    cancelled = sum(outcome.status == "cancelled" for outcome in outcomes)
    if cancelled:
        raise Cancelled(f"Cancelled with {cancelled:,} of {len(outcomes):,} documents still to do: nothing was kept")
    failed = next((outcome for outcome in outcomes if outcome.status == "failed"), None)
    if failed:
        raise ExchangeError(f"{failed.name} could not be indexed, so nothing was kept: {failed.message}")
