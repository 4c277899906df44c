"""One run of files into a collection, kept on the disk until nothing of it is left to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.indexing._reconcile import OnChange
from core.indexing._spool import Spool, State, can_be_kept
from core.indexing.indexer import Indexer
from core.loading.sources import Source
from core.records.search import Collection
from core.util.progress import Outcome, Report
from core.workspace import Workspace


@dataclass
class Run:
    """The files that are left to be indexed, and where they go. Without a ``spool`` they die with the process."""

    workspace: Workspace
    key: str  # of the collection
    name: str  # of the collection, when it was last seen
    on_change: OnChange
    left: list[Source]
    spool: Spool | None = None

    @classmethod
    def new(cls, workspace: Workspace, collection: Collection, sources: Sequence[Source], on_change: OnChange) -> Run:
        """Put a run by on the disk. Raises StoreError."""
        spool = Spool.create(workspace.settings.data, collection, sources, on_change) if can_be_kept(sources) else None
        return cls(workspace, collection.key, collection.name, on_change, spool.sources() if spool else list(sources), spool)

    @classmethod
    def of(cls, workspace: Workspace, spool: Spool) -> Run:
        """Return a run that was put by before."""
        key, name = spool.collection()
        return cls(workspace, key, name, spool.on_change(), spool.sources(), spool)

    def index(self, report: Report, outcomes: list[Outcome]) -> None:
        """Index what is left; ``outcomes`` are of what was settled before, and grow. Raises RankscopeError."""
        collection = self.workspace.by_key(self.key, self.name)
        brought = [outcome.name for outcome in outcomes]
        Indexer(self.workspace, collection, self.on_change, report, outcomes, brought).run(self.left)

    def end(self, state: State, error: str, outcomes: Sequence[Outcome]) -> None:
        """Note how it ended, and keep no file that need not be tried again: all of them where the run broke off."""
        if state != "failed":
            undone = [outcome.name for outcome in outcomes if outcome.status in ("failed", "cancelled")]
            self.left = [source for source in self.left if any(_came_of(name, source.name) for name in undone)]
        if self.spool and self.left:
            self.spool.note(state, error, outcomes, self.left)
        else:
            self.drop()

    def again(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """Get ready to index what is left; return the outcomes of the other files."""
        names = {source.name for source in self.left}
        settled = [outcome for outcome in outcomes if not any(_came_of(outcome.name, name) for name in names)]
        if self.spool:
            self.spool.note("waiting", "", settled, self.left)
        return settled

    def drop(self) -> None:
        """Forget the files."""
        self.left = []
        if self.spool:
            self.spool.remove()
            self.spool = None

    def release(self) -> None:
        """Leave the rest to another process, or to the next start."""
        if self.spool:
            self.spool.release()
            self.spool = None


def _came_of(name: str, source: str) -> bool:
    """Whether an outcome's name is that of a source, or of a file in that archive."""
    return name == source or name.startswith(f"{source}/")
