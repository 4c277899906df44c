"""Write documents with ready-made vectors to a new collection, a group at a time; shared by all imports and copies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

from core.records.search import Collection
from core.store.conversion import Batch
from core.store.documents import Entry
from core.util.progress import ProgressReport, ProgressTracker
from core.workspace import Workspace

Item = TypeVar("Item")
GROUP_SIZE = 2000  # most chunks of the documents that are written together


@dataclass(frozen=True)
class ImportResult:
    """The imported or copied collection, with counts; ``notes`` are remarks for the user."""

    collection: Collection
    documents: int
    queries: int = 0
    judgments: int = 0
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return a plain dictionary for ``--json``."""
        return {**asdict(self), "collection": self.collection.as_json()}


@dataclass
class CollectionWriter:
    """Fills one new collection and reports progress by chunks."""

    workspace: Workspace
    collection: Collection
    progress: ImportProgress

    def write(self, entries: Sequence[Entry], batches: Iterable[Batch]) -> None:
        """Store ``entries`` with all their chunks; they become searchable once the last chunk is stored."""
        key, chunks = self.collection.key, sum(entry.chunks for entry in entries)
        with self.workspace.write_lock():
            self.workspace.document_store.begin(key, entries)
            for batch in batches:
                self.workspace.store.upsert(self.collection, batch)
            self.workspace.document_store.finish(key, [entry.document.id for entry in entries], [])
        self.progress.add(len(entries), chunks, entries[-1].name)


class ImportProgress:
    """Reports how many documents and chunks are done. What ``report`` raises, such as Cancelled, is not caught."""

    def __init__(self, report: ProgressReport, documents: int, chunks: int) -> None:
        self._report = report
        self._tracker = ProgressTracker(documents, chunks)
        self._documents = 0

    def add(self, documents: int, chunks: int, current: str = "") -> None:
        """Add documents and chunks that are done and report; ``current`` is the last document's name."""
        self._documents += documents
        self._tracker.chunks += chunks
        self._tracker.weight_done += chunks
        self._report(self._tracker.progress(self._documents, current, 0, 0.0))


def group_by_chunks(documents: Iterable[Item], chunks_of: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Yield the documents in groups of at most 2,000 chunks each; a larger document is a group of its own."""
    group: list[Item] = []
    chunks = 0
    for document in documents:
        if group and chunks + chunks_of(document) > GROUP_SIZE:
            yield group
            group, chunks = [], 0
        group.append(document)
        chunks += chunks_of(document)
    if group:
        yield group
