"""Indexing in the background: one run after the other, watched and cancelled from any page.

A run's files are spooled to the disk before it is queued. Killed, it goes on at the next start; what failed or was
cancelled stays there to be tried again, until it is dismissed.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from core.background import BackgroundJob, JobQueue, State
from core.errors import Cancelled, StoreError
from core.indexing._spool import Spool, can_be_queued, queued_runs
from core.indexing.indexer import Indexer
from core.loading.sources import Source
from core.records.search import Collection, OnChange
from core.util.progress import FileOutcome, Progress
from core.workspace import Workspace


class IndexingJob(BackgroundJob):
    """Files to be indexed into one collection. Without a ``spool`` they are lost when the process ends.

    ``remaining`` are the files to be indexed; once the job is over, those that can be tried again: they failed, were
    cancelled, or the run broke off.
    """

    unexpected = f"{BackgroundJob.unexpected}. What was stored before is safe"

    def __init__(
        self,
        number: int,
        workspace: Workspace,
        collection_key: str,
        collection: str,
        on_change: OnChange,
        remaining: Sequence[Source],
        spool: Spool | None = None,
    ) -> None:
        super().__init__(str(number))
        self.number = number
        self.collection = collection  # its name when it was last seen
        self.remaining = list(remaining)
        self.spool = spool
        self.files = len(self.remaining)
        self.progress = Progress(files_total=self.files)
        self.outcomes: list[FileOutcome] = []
        self.resumed = False  # the process ended in the middle of the run, and another one took it up
        self._workspace = workspace
        self._collection_key = collection_key
        self._on_change = on_change

    @property
    def retryable(self) -> int:
        """How many files can be tried again."""
        return 0 if self.active else len(self.remaining)

    def run(self) -> None:
        """Index what remains."""
        collection = self._workspace.collection_by_key(self._collection_key, self.collection)
        settled = [outcome.name for outcome in self.outcomes]
        Indexer(self._workspace, collection, self._on_change, self._report, self.outcomes, settled).run(self.remaining)
        if any(outcome.status == "cancelled" for outcome in self.outcomes):
            raise Cancelled("cancelled")

    def _report(self, progress: Progress) -> None:
        self.progress, self.share = progress, progress.share
        if progress.files < progress.files_total:
            self.check()

    def record_end(self, state: State, error: str) -> None:
        """Keep how it ended, and only those files that can be tried again: all of them where the run broke off."""
        if state == "cancelled" and self.interrupted:
            self.release()
            return
        if state == "cancelled" and not any(outcome.status == "cancelled" for outcome in self.outcomes):
            self.outcomes += _cancelled(self.remaining, "not stored")  # it never began
        if state != "failed":
            undone = [outcome.name for outcome in self.outcomes if outcome.status in ("failed", "cancelled")]
            self.remaining = [
                source for source in self.remaining if any(_is_from(name, source.name) for name in undone)
            ]
        if self.spool and self.remaining:
            self.spool.record_progress(state, error, self.outcomes, self.remaining)
        else:
            self.drop()

    def cancel(self) -> None:
        """Stop it: within a few batches if it runs; what is stored is kept. It does not go on after a restart."""
        super().cancel()
        spool = self.spool
        if self.active and spool:
            with suppress(StoreError):  # it may end at this very moment
                spool.record_cancelled()

    def leave(self) -> None:
        """Stop it because the process ends: the rest is left to the next start."""
        super().leave()
        if not self.active:
            self.release()

    def reset(self) -> None:
        """Wait again, for the files that remain. Raises StoreError."""
        names = {source.name for source in self.remaining}
        settled = [outcome for outcome in self.outcomes if not any(_is_from(outcome.name, name) for name in names)]
        if self.spool:
            self.spool.record_progress("waiting", "", settled, self.remaining)
        self.outcomes, self.resumed = settled, False
        self.files = len(self.remaining)
        self.progress = Progress(files_total=self.files)
        super().reset()

    def drop(self) -> None:
        """Forget the files."""
        self.remaining = []
        if self.spool:
            self.spool.remove()
            self.spool = None

    def release(self) -> None:
        """Leave the files on the disk to another process, or to the next start."""
        if self.spool:
            self.spool.release()
            self.spool = None


def _is_from(name: str, source: str) -> bool:
    """Tell whether an outcome's name is that of a source, or of a file in that archive."""
    return name == source or name.startswith(f"{source}/")


def _cancelled(sources: Sequence[Source], message: str) -> list[FileOutcome]:
    return [FileOutcome(source.name, "cancelled", message=message) for source in sources]


class IndexingQueue(JobQueue[IndexingJob]):
    """The indexing runs of a process."""

    def __init__(self) -> None:
        super().__init__("indexing")
        self._numbers = itertools.count(1)
        self._changing = threading.Lock()

    def index(
        self, workspace: Workspace, collection: Collection, sources: Sequence[Source], on_change: OnChange
    ) -> IndexingJob:
        """Queue a run and return it at once; it outlives the process. Raises StoreError where it cannot be spooled."""
        spool = (
            Spool.create(workspace.settings.data, collection, sources, on_change) if can_be_queued(sources) else None
        )
        if spool:
            sources = spool.sources()
        with self._changing:
            number = next(self._numbers)
            return self.add(IndexingJob(number, workspace, collection.key, collection.name, on_change, sources, spool))

    def retry(self, job: IndexingJob) -> None:
        """Queue what a job that is over left to be tried again. Raises StoreError."""
        with self._changing:
            if job.retryable:
                job.reset()
                self.add(job)

    def dismiss(self, job: IndexingJob) -> None:
        """Take a job that is over off the list, and forget the files that could have been tried again."""
        with self._changing:
            if self.remove(job):
                job.drop()

    def resume(self, workspace: Workspace) -> None:
        """Take up the runs of a data folder that no living process has; those that are over are listed only."""
        with self._changing:
            known = {job.spool.path for job in self.all() if job.spool}
            for path in queued_runs(workspace.settings.data):
                if path not in known:
                    self._take_up(workspace, path)

    def _take_up(self, workspace: Workspace, path: Path) -> None:
        try:
            spool = Spool.claim(path)
            if spool is None:
                return
            key, name = spool.collection()
            job = IndexingJob(next(self._numbers), workspace, key, name, spool.on_change(), spool.sources(), spool)
            state, error, job.outcomes = spool.progress()
        except StoreError as damaged:
            job = IndexingJob(next(self._numbers), workspace, "", "A run from before", "replace", [])
            state, error = "failed", str(damaged)
        job.resumed = state == "waiting"
        if state == "cancelled" and not job.outcomes:
            job.outcomes = _cancelled(job.remaining, "the program ended before it was looked at again")
        if state != "waiting":
            job.finish(state, error)
        self.add(job)
