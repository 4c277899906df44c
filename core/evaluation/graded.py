"""Judgments on spans of documents, and what they say about ranked chunks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from core.records import Hit

SHARE = 0.5  # of a judged span that a chunk must hold to get its grade


class SpanJudgment(Protocol):
    """How well a span of a document answers a query; grade 0 means that it only looks so."""

    @property
    def document(self) -> str:
        """The document's name."""
        ...

    @property
    def start(self) -> int:
        """First character."""
        ...

    @property
    def end(self) -> int:
        """One past the last."""
        ...

    @property
    def grade(self) -> int:
        """0 and up."""
        ...


def covered(hit: Hit, judgments: Sequence[SpanJudgment]) -> list[int]:
    """Return the places of the judgments at least half of whose span lies in the hit's chunk."""
    return [
        at
        for at, judged in enumerate(judgments)
        if judged.document == hit.document and min(hit.end, judged.end) - max(hit.start, judged.start) >= SHARE * (judged.end - judged.start)
    ]


def grade(hit: Hit, judgments: Sequence[SpanJudgment]) -> int | None:
    """Return the best grade that a hit holds, None where it holds no judged span."""
    return max((judgments[at].grade for at in covered(hit, judgments)), default=None)


def ndcg(hits: Sequence[Hit], judgments: Sequence[SpanJudgment], depth: int = 10) -> float | None:
    """Return nDCG at ``depth`` of chunks against judged spans, 0 to 1, None where nothing is judged relevant.

    The gain of a rank is the sum of 2**grade - 1 over the spans that its chunk is the first to hold, so that
    overlapping chunks are not rewarded twice; the ideal ranking has a span a rank, best grades first.
    (Järvelin and Kekäläinen, Cumulated gain-based evaluation, 2002; exponential gain of Burges et al., 2005.)
    A chunk that holds several spans can beat that ideal: the value is then 1.
    """
    ideal = sum((2.0**g - 1) / math.log2(rank + 1) for rank, g in enumerate(sorted((j.grade for j in judgments), reverse=True)[:depth], 1))
    if not ideal:
        return None
    found: set[int] = set()
    gained = 0.0
    for rank, hit in enumerate(hits[:depth], 1):
        new = set(covered(hit, judgments)) - found
        found |= new
        gained += sum(2.0 ** judgments[at].grade - 1 for at in new) / math.log2(rank + 1)
    return min(1.0, gained / ideal)
