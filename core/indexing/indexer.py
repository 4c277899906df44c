"""Files into a collection: loaded, cut, embedded and stored, a group of documents at a time.

A file whose bytes are those of a held document is not read again; a chunk is embedded only if no collection
here holds a vector of the same content by the same model. A group's chunks are embedded together, sorted by
length, before anything is stored. Storing is three steps: the shelf notes the documents as being added, Chroma
takes their chunks, and one transaction on the shelf makes them searchable and hides the versions that they
replace. Killed anywhere in between, the next start finds the note and removes what is half done; the old
versions are still there.
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
from core.loading.sources import PreparedSource, Source, expand_archives, file_fingerprint, load_source, table_options
from core.records.search import Chunk, Collection, OnChange
from core.store.documents import Entry
from core.util.arrays import Float32Array
from core.util.progress import FileOutcome, ProgressReport, ProgressTracker, Status, silent
from core.workspace import Workspace

GROUP = 512  # chunks embedded and stored together


@dataclass(frozen=True)
class _Prepared:
    """A document that waits for its vectors."""

    entry: Entry
    chunks: list[Chunk]
    status: Status
    file: str
    weight: int  # bytes of its file


@dataclass
class Indexer:
    """One run of indexing into one collection.

    ``report`` hears the progress some times a second; it may raise Cancelled to end the run. What was
    stored by then stays, the rest is as if never brought. ``brought`` are names of files that belong to
    this run, but were stored before; their ``outcomes`` may be given too.
    """

    workspace: Workspace
    collection: Collection
    on_change: OnChange = "replace"
    report: ProgressReport = silent
    outcomes: list[FileOutcome] = field(default_factory=list)
    brought: Sequence[str] = ()

    def run(self, sources: Iterable[Source]) -> list[FileOutcome]:
        """Index ``sources`` and return an outcome for each, in the order in which they were settled.

        A file that cannot be loaded is an outcome, not an error. Raises ModelError or StoreError where
        nothing more can be done: CollectionNotFound where the collection was deleted meanwhile.
        """
        waiting = list(expand_archives(sources))
        self.workspace.tidy()
        self._encoder = self.workspace.encoder(self.collection)
        self._clock = ProgressTracker(len(waiting), sum(source.size for source in waiting))
        self._settled_before = len(self.outcomes)
        self._group: list[_Prepared] = []
        self._roster = Reconciler(self.workspace.documents(self.collection), self.on_change, self.brought)
        taken = 0
        try:
            for source in waiting:
                self._tell(source.name)
                self._take(source)
                taken += 1
                if self._waiting_chunks() >= GROUP:
                    self._flush()
            self._flush()
        except Cancelled:
            unstored = [prepared.file for prepared in self._group] + [source.name for source in waiting[taken:]]
            self.outcomes += [FileOutcome(name, "cancelled", message="not stored") for name in unstored]
            self._group.clear()
        self._tell("")
        return self.outcomes

    def _waiting_chunks(self) -> int:
        return sum(len(prepared.chunks) for prepared in self._group)

    def _tell(self, current: str, encoded: int = 0) -> None:
        weights = sum(prepared.weight for prepared in self._group)
        total = self._waiting_chunks()
        settled = len(self.outcomes) - self._settled_before
        self.report(self._clock.progress(settled, current, encoded, weights * encoded / total if total else 0))

    def _take(self, source: Source) -> None:
        """Load and cut one file; it joins the group, or is settled at once."""
        try:
            data = b"" if isinstance(source, PreparedSource) else source.read()
            known = "" if isinstance(source, PreparedSource) else file_fingerprint(source.name, data, table_options(source))
            document_id = self.workspace.shelf.document_of(known) if known else None
            if document_id and (held := self._roster.find(document_id)):
                self._pass_over(source, document_id, held)
                return
            document = load_source(source, data)
        except LoadingError as error:
            self._settle(FileOutcome(source.name, "failed", message=str(error)), source.size)
            return
        if held := self._roster.find(document.id):
            if known:
                self.workspace.shelf.note_file(known, document.id)
            self._pass_over(source, document.id, held)
            return
        chunks = chunk_document(document, self.collection.chunking, self._encoder.tokens, self._encoder)
        place = self._roster.place(source.name, document.id, len(chunks))
        self._group.append(
            _Prepared(Entry(document, place.name, len(chunks), known), chunks, place.status, source.name, source.size)
        )
        if place.old:
            self._bequeath(place.old)

    def _pass_over(self, source: Source, document_id: str, held: KnownDocument) -> None:
        """Settle a file whose text is in the collection, or in the group."""
        if self._roster.same(source.name, document_id):
            outcome = FileOutcome(source.name, "unchanged", held.chunks)
        else:
            outcome = FileOutcome(
                source.name, "duplicate", held.chunks, f"has the same text as {held.name}, which is in the collection"
            )
            old = self._roster.copy(source.name, document_id)
            if old and not self._bequeath(old):
                self.workspace.delete_documents(self._current(), [old])
        self.outcomes.append(outcome)
        self._clock.pass_over(source.size)

    def _bequeath(self, document_id: str) -> bool:
        """Give a document whose file now says something else to another file of this run that has its text, if there is one."""
        name = self._roster.heir(document_id)
        if name is None:
            return False
        try:
            document = self.workspace.shelf.document(document_id)
        except DocumentNotFound:  # deleted a moment ago, by another process
            return False
        chunks = chunk_document(document, self.collection.chunking, self._encoder.tokens, self._encoder)
        place = self._roster.place(name, document_id, len(chunks))
        self.outcomes.remove(
            next(outcome for outcome in self.outcomes if outcome.name == name and outcome.status == "duplicate")
        )
        self._group.append(_Prepared(Entry(document, place.name, len(chunks)), chunks, place.status, name, 0))
        return True

    def _settle(self, outcome: FileOutcome, weight: int) -> None:
        self.outcomes.append(outcome)
        self._clock.weight_done += weight

    def _flush(self) -> None:
        """Embed and store the group."""
        chunks = [chunk for prepared in self._group for chunk in prepared.chunks]
        if not chunks:
            return
        contents = [content_fingerprint(self.collection, chunk.read) for chunk in chunks]
        vectors, fresh = self._vectors(chunks, contents)
        self._store(chunks, vectors, contents)
        self._clock.chunks += len(chunks)
        group, self._group = self._group, []
        for prepared in group:
            note = f"as {prepared.entry.name}" if prepared.entry.name != prepared.file else ""
            reused = sum(chunk.id not in fresh for chunk in prepared.chunks)
            self._settle(FileOutcome(prepared.file, prepared.status, len(prepared.chunks), note, reused), prepared.weight)

    def _vectors(self, chunks: Sequence[Chunk], contents: Sequence[bytes]) -> tuple[Float32Array, set[str]]:
        """The chunks' vectors, shape (chunks, dimension), and the ids of those chunks that had to be embedded."""
        found: dict[bytes, Float32Array] = reusable_vectors(self.workspace, self.collection, set(contents))
        missing = {content: chunk for content, chunk in zip(contents, chunks, strict=True) if content not in found}
        reused = len(chunks) - len(missing)
        self._clock.reused += reused
        current = self._group[-1].file if len(self._group) == 1 else f"{len(self._group)} files"
        if missing:
            texts = [chunk.read for chunk in missing.values()]
            encoded = self._encoder.encode_documents(texts, lambda done: self._tell(current, reused + done))
            found.update(zip(missing, encoded, strict=True))
        return np.stack([found[content] for content in contents]), {chunk.id for chunk in missing.values()}

    def _current(self) -> Collection:
        """The collection, which may have been renamed meanwhile. Raises CollectionNotFound where it was deleted."""
        self.collection = self.workspace.current(self.collection)
        return self.collection

    def _store(self, chunks: Sequence[Chunk], vectors: Float32Array, contents: Sequence[bytes]) -> None:
        shelf, store, key = self.workspace.shelf, self.workspace.store, self.collection.key
        names = {prepared.entry.document.id: prepared.entry.name for prepared in self._group}
        with self.workspace.writing():
            # under the lock: nobody deletes it, or makes another of its name, until all is in
            collection = self._current()
            held = shelf.names(key)
            owners = {name: document_id for document_id, name in held.items()}
            added = [document_id for document_id in names if document_id not in held]
            replaced = [owners[name] for name in names.values() if name in owners and owners[name] not in names]
            shelf.begin(key, [prepared.entry for prepared in self._group if prepared.entry.document.id not in held])
            try:
                store.add(collection, chunks, vectors, names)
                shelf.note_contents(
                    key,
                    ((chunk.document_id, chunk.id, content) for chunk, content in zip(chunks, contents, strict=True)),
                )
            except RankscopeError:
                # if this fails too, the note stays, and the next start removes the chunks
                with suppress(RankscopeError):
                    store.remove_documents(collection, added)
                    shelf.forget(key, added)
                raise
            shelf.finish(
                key, added, replaced, {document_id: name for document_id, name in names.items() if document_id in held}
            )
            store.remove_documents(collection, replaced)
            shelf.forget(key, replaced)


def index(
    workspace: Workspace,
    collection: Collection,
    sources: Iterable[Source],
    on_change: OnChange = "replace",
    report: ProgressReport = silent,
) -> list[FileOutcome]:
    """Index ``sources`` into ``collection``: see Indexer."""
    return Indexer(workspace, collection, on_change, report).run(sources)
