"""The best few of many candidates, which come in any order and from any thread."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from core.projection.records import Floats

Ints = npt.NDArray[np.integer[Any]]
NOBODY = -1  # in a row that is not full


class Best:
    """The ``k`` best candidates of each of some points, in no order.

    Candidates are put by and sorted in when they are many. ``least`` is what a candidate must exceed to matter, shape
    (points,); it only grows, and may be read while others add.
    """

    def __init__(self, points: int, k: int) -> None:
        self.places = np.full((points, k), NOBODY, dtype=np.int32)
        self.scores = np.full((points, k), -np.inf, dtype=np.float32)
        self.least = np.full(points, -np.inf, dtype=np.float32)
        room = points * k // 2  # made once: thousands of small arrays would leave the memory in pieces
        self._waiting = (np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.float32))
        self._many = 0
        self._lock = threading.Lock()

    def add(self, points: Ints, places: Ints, scores: Floats) -> None:
        """Take candidates: the score of the place for the point, arrays of one length. A pair must not come twice."""
        good = np.flatnonzero(scores > self.least[points])
        coming = (points[good], places[good], scores[good])
        with self._lock:
            if self._many + len(good) > len(self._waiting[0]):
                self._sort_in(*coming)
                return
            for column, values in zip(self._waiting, coming, strict=True):
                column[self._many : self._many + len(good)] = values
            self._many += len(good)

    def finish(self) -> None:
        """Sort in what still waits."""
        with self._lock:
            self._sort_in(*(column[:0] for column in self._waiting))

    def _sort_in(self, *coming: Ints | Floats) -> None:
        """Lay the candidates of each point side by side, behind the best ones so far, and keep the best of the row."""
        points, places, scores = (np.concatenate([column[: self._many], values]) for column, values in zip(self._waiting, coming, strict=True))
        self._many = 0
        if not len(points):
            return
        order = np.argsort(points, kind="stable")
        counts = np.bincount(points, minlength=len(self.least))
        k = self.places.shape[1]
        rows, columns = points[order], k + np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
        wide = (len(self.least), k + int(counts.max()))
        all_scores, all_places = np.full(wide, -np.inf, dtype=np.float32), np.full(wide, NOBODY, dtype=np.int32)
        all_scores[:, :k], all_places[:, :k] = self.scores, self.places
        all_scores[rows, columns], all_places[rows, columns] = scores[order], places[order]
        kept = np.argpartition(all_scores, -k, axis=1)[:, -k:]
        self.scores = np.take_along_axis(all_scores, kept, axis=1)
        self.places = np.take_along_axis(all_places, kept, axis=1)
        self.least = self.scores.min(axis=1)
