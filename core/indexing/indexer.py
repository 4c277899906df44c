"""Index files into a collection: load, chunk, embed and store them, a group of documents at a time.

A file whose bytes are those of a known document is not loaded again; a chunk is embedded only if no collection has a
vector of the same text by the same model. The chunks of a group are embedded together, before any of them is stored.

Storing takes three steps: the document store notes the documents as being added, Chroma takes their chunks, and one
transaction in the document store makes them searchable and hides the versions that they replace. If the process is
killed in between, the next start finds the note and removes the incomplete documents; the old versions are still there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from core.chunking.chunker import chunk_document
from core.errors import Cancelled, DocumentNotFound, LoadingError, RankscopeError
from core.indexing._reconcile import KnownDocument, Reconciler
from core.indexing._reuse import content_fingerprint, reusable_vectors
from core.loading.skipped import SkippedSource, by_reason
from core.loading.sources import PreparedSource, Source, expand_archives, file_fingerprint, load_source, table_options
from core.models.tokenization import unreadable_chunks_note
from core.records.search import Chunk, Collection, OnChange
from core.store.documents import Entry
from core.util.arrays import Float32Array
from core.util.progress import FileOutcome, ProgressReport, ProgressTracker, Status, silent
from core.workspace import Workspace

GROUP_SIZE = 512  # chunks embedded and stored together


@dataclass(frozen=True)
class _Prepared:
    """A chunked document whose vectors are still to be computed."""

    entry: Entry
    chunks: list[Chunk]
    status: Status
    file: str
    size: int  # bytes of its file
    is_reported: bool = True  # False if its file is no part of the run


@dataclass
class Indexer:
    """One run of indexing into one collection.

    ``report`` is called with the progress after each batch; it may raise Cancelled to end the run. What was
    stored by then stays, the rest is not stored at all. ``settled_names`` are names of files that belong to
    this run and were settled before it was interrupted; their ``outcomes`` may be given too.
    """

    workspace: Workspace
    collection: Collection
    on_change: OnChange = "replace"
    report: ProgressReport = silent
    outcomes: list[FileOutcome] = field(default_factory=list)
    settled_names: Sequence[str] = ()

    def run(self, sources: Iterable[Source]) -> list[FileOutcome]:
        """Index ``sources`` and return an outcome for each, in the order in which they were done.

        What is passed over comes last, an outcome for all files of one reason.
        A file that cannot be loaded is an outcome, not an error. Raises ModelError or StoreError where
        nothing more can be done: CollectionNotFound where the collection was deleted meanwhile.
        """
        expanded = list(expand_archives(sources))
        skipped = [source for source in expanded if isinstance(source, SkippedSource)]
        pending = [source for source in expanded if not isinstance(source, SkippedSource)]
        self.workspace.remove_unfinished()
        self._encoder = self.workspace.encoder(self.collection)
        self._tracker = ProgressTracker(len(pending), sum(source.size for source in pending))
        self._settled_before = len(self.outcomes)
        self._group: list[_Prepared] = []
        self._reconciler = Reconciler(self.workspace.documents(self.collection), self.on_change, self.settled_names)
        prepared_count = 0
        try:
            for source in pending:
                self._report_progress(source.name)
                self._prepare(source)
                prepared_count += 1
                if self._pending_chunks() >= GROUP_SIZE:
                    self._store_group()
            self._store_group()
        except Cancelled:
            unstored = [prepared.file for prepared in self._group if prepared.is_reported] + [
                source.name for source in pending[prepared_count:]
            ]
            self.outcomes += [FileOutcome(name, "cancelled", message="not stored") for name in unstored]
            self._group.clear()
        self.outcomes += [FileOutcome(files.name, "skipped", message=files.message) for files in by_reason(skipped)]
        self._report_progress("")
        return self.outcomes

    def _pending_chunks(self) -> int:
        return sum(len(prepared.chunks) for prepared in self._group)

    def _report_progress(self, current: str, encoded: int = 0) -> None:
        size = sum(prepared.size for prepared in self._group)
        total = self._pending_chunks()
        settled = len(self.outcomes) - self._settled_before
        self.report(self._tracker.progress(settled, current, encoded, size * encoded / total if total else 0))

    def _prepare(self, source: Source) -> None:
        """Load and chunk one file and add it to the group, or record its outcome: unchanged, a duplicate or damaged."""
        try:
            data = b"" if isinstance(source, PreparedSource) else source.read()
            fingerprint = (
                "" if isinstance(source, PreparedSource) else file_fingerprint(source.name, data, table_options(source))
            )
            document_id = self.workspace.document_store.document_id_of_file(fingerprint) if fingerprint else None
            if document_id and (known := self._reconciler.find(document_id)):
                self._skip(source, document_id, known)
                return
            document = load_source(source, data)
        except LoadingError as error:
            self._record_outcome(FileOutcome(source.name, "failed", message=str(error)), source.size)
            return
        if known := self._reconciler.find(document.id):
            if fingerprint:
                self.workspace.document_store.record_file(fingerprint, document.id)
            if known.name == source.name and known.notes != document.notes:  # read by another version of its loader
                known = self._reconciler.note(document.id, document.notes)
                self.workspace.document_store.record_notes(self.collection.key, document.id, document.notes)
            self._skip(source, document.id, known)
            return
        chunks = chunk_document(document, self.collection.chunking, self._encoder.tokens, self._encoder)
        placement = self._reconciler.add(source.name, document.id, len(chunks), document.notes)
        self._group.append(
            _Prepared(
                Entry(document, placement.name, len(chunks), fingerprint),
                chunks,
                placement.status,
                source.name,
                source.size,
            )
        )
        if placement.replaced_id:
            self._rename_duplicate(placement.replaced_id)

    def _skip(self, source: Source, document_id: str, known: KnownDocument) -> None:
        """Record the outcome of a file whose text is already in the collection, or in the group."""
        if self._reconciler.is_unchanged(source.name, document_id):
            outcome = FileOutcome(source.name, "unchanged", known.chunks, notes=known.notes)
        else:
            message = f"has the same text as {known.name}, which is in the collection"
            outcome = FileOutcome(source.name, "duplicate", known.chunks, message, notes=known.notes)
            old = self._reconciler.add_duplicate(source.name, document_id)
            self.workspace.document_store.record_alias(self.collection.key, source.name, document_id)
            if old and not self._rename_duplicate(old):
                self.workspace.delete_documents(self._current(), [old])
        self.outcomes.append(outcome)
        self._tracker.pass_over(source.size)

    def _rename_duplicate(self, document_id: str) -> bool:
        """Give a document whose file has a new text the name of another file with the old one, of this run or before.

        Return whether there was such a file.
        """
        self._group = [  # it may have got a name in this group, whose file has a new text as well
            prepared for prepared in self._group if prepared.is_reported or prepared.entry.document.id != document_id
        ]
        in_this_run = self._reconciler.take_duplicate(document_id)
        name = in_this_run or self._reconciler.take_alias(document_id)
        if name is None:
            return False
        try:
            document = self.workspace.document_store.document(document_id)
        except DocumentNotFound:  # deleted a moment ago, by another process
            return False
        chunks = chunk_document(document, self.collection.chunking, self._encoder.tokens, self._encoder)
        placement = self._reconciler.add(name, document_id, len(chunks), document.notes, settles=bool(in_this_run))
        if in_this_run:
            self.outcomes.remove(
                next(outcome for outcome in self.outcomes if outcome.name == name and outcome.status == "duplicate")
            )
        entry = Entry(document, placement.name, len(chunks))
        self._group.append(_Prepared(entry, chunks, placement.status, name, 0, is_reported=bool(in_this_run)))
        return True

    def _record_outcome(self, outcome: FileOutcome, size: int) -> None:
        self.outcomes.append(outcome)
        self._tracker.weight_done += size

    def _store_group(self) -> None:
        """Embed and store the group."""
        chunks = [chunk for prepared in self._group for chunk in prepared.chunks]
        if not chunks:
            return
        contents = [content_fingerprint(self.collection, chunk.read) for chunk in chunks]
        vectors, embedded_ids = self._vectors(chunks, contents)
        self._store(chunks, vectors, contents)
        self._tracker.chunks += len(chunks)
        group, self._group = self._group, []
        for prepared in filter(lambda prepared: prepared.is_reported, group):
            message = f"as {prepared.entry.name}" if prepared.entry.name != prepared.file else ""
            reused = sum(chunk.id not in embedded_ids for chunk in prepared.chunks)
            self._record_outcome(
                FileOutcome(
                    prepared.file,
                    prepared.status,
                    len(prepared.chunks),
                    message,
                    reused,
                    (*prepared.entry.document.notes, *self._unreadable(prepared.chunks)),
                ),
                prepared.size,
            )

    def _unreadable(self, chunks: Sequence[Chunk]) -> tuple[str, ...]:
        """Return a note on those of a document's chunks whose words the model mostly does not know."""
        return unreadable_chunks_note(
            self._encoder.model, self._encoder.tokens.unknown([chunk.read for chunk in chunks])
        )

    def _vectors(self, chunks: Sequence[Chunk], contents: Sequence[bytes]) -> tuple[Float32Array, set[str]]:
        """Return the vectors, shape (chunks, dimension), and the ids of the chunks that had to be embedded."""
        known: dict[bytes, Float32Array] = reusable_vectors(self.workspace, self.collection, set(contents))
        missing = {content: chunk for content, chunk in zip(contents, chunks, strict=True) if content not in known}
        reused = len(chunks) - len(missing)
        self._tracker.reused += reused
        current = self._group[-1].file if len(self._group) == 1 else f"{len(self._group)} files"
        if missing:
            texts = [chunk.read for chunk in missing.values()]
            encoded = self._encoder.encode_documents(texts, lambda done: self._report_progress(current, reused + done))
            known.update(zip(missing, encoded, strict=True))
        return np.stack([known[content] for content in contents]), {chunk.id for chunk in missing.values()}

    def _current(self) -> Collection:
        """Return the collection, by its new name if it was renamed. Raises CollectionNotFound if it was deleted."""
        self.collection = self.workspace.reload(self.collection)
        return self.collection

    def _store(self, chunks: Sequence[Chunk], vectors: Float32Array, contents: Sequence[bytes]) -> None:
        document_store, store, key = self.workspace.document_store, self.workspace.store, self.collection.key
        names = {prepared.entry.document.id: prepared.entry.name for prepared in self._group}
        with self.workspace.write_lock():
            # under the lock: nobody deletes it, or makes another of its name, until all is in
            collection = self._current()
            stored_names = document_store.names(key)
            owners = {name: document_id for document_id, name in stored_names.items()}
            added = [document_id for document_id in names if document_id not in stored_names]
            replaced = [owners[name] for name in names.values() if name in owners and owners[name] not in names]
            document_store.begin(
                key, [prepared.entry for prepared in self._group if prepared.entry.document.id not in stored_names]
            )
            try:
                store.add(collection, chunks, vectors, names)
                document_store.record_contents(
                    key,
                    ((chunk.document_id, chunk.id, content) for chunk, content in zip(chunks, contents, strict=True)),
                )
            except RankscopeError:
                # if this fails too, the note stays, and the next start removes the chunks
                with suppress(RankscopeError):
                    store.remove_documents(collection, added)
                    document_store.remove(key, added)
                raise
            document_store.finish(
                key,
                added,
                replaced,
                {document_id: name for document_id, name in names.items() if document_id in stored_names},
            )
            store.remove_documents(collection, replaced)
            document_store.remove(key, replaced)


def index(
    workspace: Workspace,
    collection: Collection,
    sources: Iterable[Source],
    on_change: OnChange = "replace",
    report: ProgressReport = silent,
) -> list[FileOutcome]:
    """Index ``sources`` into ``collection``: see Indexer."""
    return Indexer(workspace, collection, on_change, report).run(sources)
