"""Files into a collection: loaded, cut, embedded and stored, a group of documents at a time.

A group's chunks are embedded together, sorted by length, before anything is stored. Storing is three
steps: the shelf notes the documents as being added, Chroma takes their chunks, and one transaction on
the shelf makes them searchable and hides the versions that they replace. Killed anywhere in between,
the next start finds the note and removes what is half done; the old versions are still there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from core.chunking import chunk_document
from core.errors import LoadingError, RankscopeError
from core.loading import load
from core.models.bi_encoder import Vectors
from core.progress import Cancelled, Clock, Outcome, Report, Status, silent
from core.records import Chunk, Collection
from core.shelf import Entry
from core.sources import Source
from core.workspace import Workspace

GROUP = 512  # chunks embedded and stored together
OnChange = Literal["replace", "keep"]


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
    stored by then stays, the rest is as if never brought.
    """

    workspace: Workspace
    collection: Collection
    on_change: OnChange = "replace"
    report: Report = silent
    outcomes: list[Outcome] = field(default_factory=list)

    def run(self, sources: Iterable[Source]) -> list[Outcome]:
        """Index ``sources`` and return an outcome for each, in the order in which they were settled.

        A file that cannot be loaded is an outcome, not an error. Raises ModelError or StoreError where
        nothing more can be done.
        """
        waiting = list(sources)
        self._encoder = self.workspace.encoder(self.collection)
        self._clock = Clock(len(waiting), sum(source.size for source in waiting))
        self._group: list[_Prepared] = []
        held = self.workspace.documents(self.collection)
        self._taken = {document.name: document.document_id for document in held}
        self._known = {document.document_id: (document.name, document.chunks) for document in held}
        self._brought: set[str] = set()  # two files of one name in one run are not versions of each other
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
            self.outcomes += [Outcome(name, "cancelled", message="not stored") for name in unstored]
            self._group.clear()
        self._tell("")
        return self.outcomes

    def _waiting_chunks(self) -> int:
        return sum(len(prepared.chunks) for prepared in self._group)

    def _tell(self, current: str, encoded: int = 0) -> None:
        weights = sum(prepared.weight for prepared in self._group)
        total = self._waiting_chunks()
        self.report(self._clock.progress(len(self.outcomes), current, encoded, weights * encoded / total if total else 0))

    def _take(self, source: Source) -> None:
        """Load and cut one file; it joins the group, or is settled at once."""
        try:
            document = load(source.name, source.read())
        except LoadingError as error:
            self._settle(Outcome(source.name, "failed", message=str(error)), source.size)
            return
        if document.id in self._known:
            self._settle(self._already_there(source.name, *self._known[document.id]), source.size)
            return
        name, status = self._name_for(source.name)
        self._brought.add(source.name)
        chunks = chunk_document(document, self.collection.chunking, self._encoder.tokens)
        self._taken[name] = document.id
        self._known[document.id] = (name, len(chunks))
        self._group.append(_Prepared(Entry(document, name, len(chunks)), chunks, status, source.name, source.size))

    def _settle(self, outcome: Outcome, weight: int) -> None:
        self.outcomes.append(outcome)
        self._clock.weight_done += weight

    def _already_there(self, name: str, held_as: str, chunks: int) -> Outcome:
        """The outcome for a file whose text is in the collection, or in the group, under a name."""
        if name == held_as or (self.on_change == "keep" and _beside(name, held_as)):
            return Outcome(name, "unchanged", chunks)
        if self.on_change == "replace" and name in self._taken and name not in self._brought:
            self.workspace.delete_documents(self.collection, [self._taken.pop(name)])
        return Outcome(name, "duplicate", chunks, f"has the same text as {held_as}, which is in the collection")

    def _name_for(self, name: str) -> tuple[str, Status]:
        if name not in self._taken:
            return name, "indexed"
        if self.on_change == "replace" and name not in self._brought:
            return name, "replaced"
        stem, dot, ending = name.rpartition(".")
        for number in range(2, len(self._taken) + 3):
            beside = f"{stem} ({number}).{ending}" if dot else f"{name} ({number})"
            if beside not in self._taken:
                return beside, "kept beside"
        raise AssertionError("one of n + 1 names is free among n")

    def _flush(self) -> None:
        """Embed and store the group."""
        chunks = [chunk for prepared in self._group for chunk in prepared.chunks]
        if not chunks:
            return
        current = self._group[-1].file if len(self._group) == 1 else f"{len(self._group)} files"
        vectors = self._encoder.encode_documents([chunk.read for chunk in chunks], lambda n: self._tell(current, n))
        self._store(chunks, vectors)
        self._clock.chunks += len(chunks)
        group, self._group = self._group, []
        for prepared in group:
            note = f"as {prepared.entry.name}" if prepared.entry.name != prepared.file else ""
            self._settle(Outcome(prepared.file, prepared.status, len(prepared.chunks), note), prepared.weight)

    def _store(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        key = self.collection.key
        entries = [prepared.entry for prepared in self._group]
        added = [entry.document.id for entry in entries]
        with self.workspace.writing():
            there = {name: document_id for document_id, name in self.workspace.shelf.names(key).items()}
            replaced = [there[entry.name] for entry in entries if there.get(entry.name, entry.document.id) != entry.document.id]
            self.workspace.shelf.begin(key, entries)
            try:
                names = {entry.document.id: entry.name for entry in entries}
                self.workspace.store.add(self.collection, chunks, vectors, names)
            except RankscopeError:
                self.workspace.shelf.forget(key, added)
                raise
            self.workspace.shelf.finish(key, added, replaced)
            self.workspace.store.remove_documents(self.collection, replaced)
            self.workspace.shelf.forget(key, replaced)


def _beside(name: str, other: str) -> bool:
    """Whether ``other`` is the name that a version of ``name`` got when it was kept beside it."""
    stem, dot, ending = name.rpartition(".")
    head, tail = (f"{stem} (", f").{ending}") if dot else (f"{name} (", ")")
    return other.startswith(head) and other.endswith(tail) and other[len(head) : len(other) - len(tail)].isdigit()


def index(
    workspace: Workspace,
    collection: Collection,
    sources: Iterable[Source],
    on_change: OnChange = "replace",
    report: Report = silent,
) -> list[Outcome]:
    """Index ``sources`` into ``collection``: see Indexer."""
    return Indexer(workspace, collection, on_change, report).run(sources)


