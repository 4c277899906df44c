"""Progress callbacks of long work, and the progress and outcomes of an indexing run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

# Work is cancelled by raising from its callback: every caller lets the exception through.
StageReport = Callable[[str, float], None]  # receives the stage's name and the share done, 0 to 1
DoneReport = Callable[[int], None]  # receives the number of items done
CountReport = Callable[[int, int], None]  # receives the number of items done and the number of all
LineReport = Callable[[str], None]  # receives a line of text to show


def silent(*_: object) -> None:
    """Ignore progress: the default callback."""


Status = Literal["indexed", "replaced", "kept beside", "unchanged", "duplicate", "skipped", "failed", "cancelled"]
STORED: tuple[Status, ...] = ("indexed", "replaced", "kept beside")


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of one file; ``message`` is one line for the person who added it.

    ``reused`` of its ``chunks`` kept a vector that was stored before. ``notes`` say what its text lacks: see Document.
    """

    name: str
    status: Status
    chunks: int = 0
    message: str = ""
    reused: int = 0
    notes: tuple[str, ...] = ()

    @property
    def remarks(self) -> str:
        """Message and notes on one line."""
        return "; ".join(part for part in (self.message, *self.notes) if part)

    @property
    def embedded(self) -> int:
        """How many of its chunks the model embedded."""
        return self.chunks - self.reused if self.status in STORED else 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an indexing run is. ``seconds_left`` is None until it can be estimated."""

    files: int = 0
    files_total: int = 0
    chunks: int = 0
    chunks_per_second: float = 0.0
    seconds_left: float | None = None
    share: float = 0.0  # of the files' bytes that are done, 0 to 1
    current: str = ""
    reused: int = 0  # of the chunks, those whose vectors were stored before


@dataclass(frozen=True, slots=True)
class EmbeddingCounts:
    """How many chunks a run embedded, and how many it reused."""

    embedded: int
    reused: int

    @classmethod
    def of(cls, outcomes: Iterable[FileOutcome]) -> EmbeddingCounts:
        """Return the sums over files."""
        outcomes = list(outcomes)
        return cls(sum(outcome.embedded for outcome in outcomes), sum(outcome.reused for outcome in outcomes))


ProgressReport = Callable[[Progress], None]  # receives how far an indexing run is


class ProgressTracker:
    """Computes the rate and the time left of an indexing run, by the bytes of the files that are done.

    Unchanged files take no time, so those before the first file with work do not count for the estimate.
    """

    def __init__(self, files: int, weight: int) -> None:
        self._files = files
        self._weight = weight
        self._start = time.monotonic()
        self._passed = 0
        self.chunks = 0
        self.reused = 0
        self.weight_done = 0

    def pass_over(self, weight: int) -> None:
        """Count a file, of so many bytes, that needed no work."""
        if self.weight_done == self._passed:
            self._passed += weight
            self._start = time.monotonic()
        self.weight_done += weight

    def progress(self, settled: int, current: str, encoded: int, weight_encoded: float) -> Progress:
        """Return the progress when ``encoded`` chunks, of so many bytes of files, are done beyond what is settled."""
        elapsed = time.monotonic() - self._start
        done = self.weight_done + weight_encoded
        worked = done - self._passed
        left = elapsed * (self._weight - done) / worked if worked > 0 else None
        chunks = self.chunks + encoded
        rate = chunks / elapsed if elapsed > 0 else 0.0
        share = min(done / self._weight, 1.0) if self._weight else 0.0
        return Progress(settled, self._files, chunks, rate, left, share, current, self.reused)
