"""What every way in shares: documents with ready vectors go into a new collection, a group at a time."""

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
GROUP = 2000  # chunks of the documents that are taken together


@dataclass(frozen=True)
class ImportResult:
    """What came of bringing a collection in; ``notes`` say what a person should know of it."""

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
    """Fills one new collection and reports how far it is, by chunks."""

    workspace: Workspace
    collection: Collection
    progress: ImportProgress

    def take(self, entries: Sequence[Entry], batches: Iterable[Batch]) -> None:
        """Store documents with all their chunks: they can be found when the last chunk is in."""
        key, chunks = self.collection.key, sum(entry.chunks for entry in entries)
        with self.workspace.write_lock():
            self.workspace.document_store.begin(key, entries)
            for batch in batches:
                self.workspace.store.upsert(self.collection, batch)
            self.workspace.document_store.finish(key, [entry.document.id for entry in entries], [])
        self.progress.add(len(entries), chunks, entries[-1].name)


class ImportProgress:
    """Tells a Report how many documents and chunks are done; what the Report raises ends the work."""

    def __init__(self, report: ProgressReport, documents: int, chunks: int) -> None:
        self._report = report
        self._clock = ProgressTracker(documents, chunks)
        self._documents = 0

    def add(self, documents: int, chunks: int, current: str = "") -> None:
        """Count what was done."""
        self._documents += documents
        self._clock.chunks += chunks
        self._clock.weight_done += chunks
        self._report(self._clock.progress(self._documents, current, 0, 0.0))


def group_by_chunks(documents: Iterable[Item], chunks_of: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Yield the documents in groups of at most 2,000 chunks, a larger document alone."""
    group: list[Item] = []
    waiting = 0
    for document in documents:
        if group and waiting + chunks_of(document) > GROUP:
            yield group
            group, waiting = [], 0
        group.append(document)
        waiting += chunks_of(document)
    if group:
        yield group
