"""The honesty meter of one query: which of its nearest chunks the picture shows near it, which it makes up, which it threw far away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.projection.records import Floats


@dataclass(frozen=True, slots=True)
class Meter:
    """Places in ``Points``: ``kept`` are truly near and near on screen, ``missed`` truly near only (both best first), ``false`` near on screen only (nearest first).

    ``ranks`` tells of each of ``missed`` the how-many-th nearest it is on screen, from 1; ties by place.
    """

    kept: tuple[int, ...]
    missed: tuple[int, ...]
    false: tuple[int, ...]
    ranks: tuple[int, ...]

    @property
    def k(self) -> int:
        """How many true neighbours were looked at."""
        return len(self.kept) + len(self.missed)

    @property
    def sentence(self) -> str:
        """The figure in words: ``6 of your 10 nearest chunks are among the 10 nearest on screen``."""
        if self.k == 0:
            return "There is no chunk to be near"
        if self.k == 1:
            return f"Your nearest chunk is {'' if self.kept else 'not '}the nearest on screen"
        return f"{len(self.kept)} of your {self.k} nearest chunks {'is' if len(self.kept) == 1 else 'are'} among the {self.k} nearest on screen"

    @property
    def words(self) -> str:
        """What it means, in a sentence."""
        if not self.missed:
            return "Here the map shows the truth: what lies around the star is what is most similar to the query."
        far = f"{self.ranks[0]:,}{_ending(self.ranks[0])}"
        return (
            "Two dimensions cannot hold every neighbourhood of the full space: "
            f"chunks that only look near lie around the star, and the best that it lost is the {far} nearest on screen."
        )

    def as_json(self, ids: Sequence[str]) -> dict[str, Any]:
        """Return a plain dictionary with chunk ids; ``ids`` are all chunks' in the order of ``Points``."""
        return {
            "k": self.k,
            "sentence": self.sentence,
            "kept": [ids[place] for place in self.kept],
            "missed": [{"chunk_id": ids[place], "rank_on_screen": rank} for place, rank in zip(self.missed, self.ranks, strict=True)],
            "false": [ids[place] for place in self.false],
        }


def read_meter(places_true: Sequence[int], xy: Floats, star: npt.ArrayLike, k: int = 10) -> Meter:
    """Compare the true ``k`` nearest of a query, ``places_true`` best first, with the ``k`` nearest to its ``star`` (2,) in ``xy`` (points, 2).

    Where fewer are given or there, k is as many.
    """
    k = min(k, len(places_true), len(xy))
    true = [int(place) for place in places_true[:k]]
    order = screen_ranks(xy, star)
    near = np.argsort(order, kind="stable")[:k].tolist()
    missed = [place for place in true if order[place] > k]
    return Meter(
        kept=tuple(place for place in true if order[place] <= k),
        missed=tuple(missed),
        false=tuple(place for place in near if place not in set(true)),
        ranks=tuple(int(order[place]) for place in missed),
    )


def screen_ranks(xy: Floats, star: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the how-many-th nearest to ``star`` (2,) each point is on screen, shape (points,), from 1; ties by place."""
    apart = np.square(np.asarray(xy, dtype=np.float64) - np.asarray(star, dtype=np.float64)).sum(axis=1)
    ranks = np.empty(len(apart), dtype=np.int64)
    ranks[np.argsort(apart, kind="stable")] = np.arange(1, len(apart) + 1)
    return ranks


def _ending(number: int) -> str:
    """The ending of an ordinal: 1st, 2nd, 3rd, 11th."""
    return "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
