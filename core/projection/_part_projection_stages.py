"""How far a layout is, and how long each of its stages took."""

from __future__ import annotations

import time
from collections.abc import Mapping

from core.projection.records import Report


class Stages:
    """Puts the stages of a layout together to one whole. ``costs`` are seconds that each is likely to take, in their order."""

    def __init__(self, report: Report, costs: Mapping[str, float]) -> None:
        self._seconds: dict[str, float] = {}
        self._report = report
        self._costs = costs
        self._stage = ""
        self._since = time.perf_counter()

    def report(self, stage: str, share: float) -> None:
        """Hear that so much of a stage is done, and tell how much of the whole. Whatever was before a stage is over when it begins."""
        self._count()
        self._stage = stage
        names = list(self._costs)
        total = sum(self._costs.values()) or 1.0
        done = sum(self._costs[name] for name in names[: names.index(stage)]) if stage in names else 0.0
        self._report(stage, (done + share * self._costs.get(stage, 0.0)) / total)

    def end(self) -> dict[str, float]:
        """Hear that all is done, and return how many seconds each stage took."""
        self._count()
        self._report("done", 1.0)
        return {stage: round(seconds, 3) for stage, seconds in self._seconds.items()}

    def _count(self) -> None:
        now = time.perf_counter()
        if self._stage:
            self._seconds[self._stage] = self._seconds.get(self._stage, 0.0) + now - self._since
        self._since = now
