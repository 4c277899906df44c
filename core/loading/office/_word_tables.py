"""The grid of a Word table: cells under their own columns, merged ones in each place that they cover."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from core.loading._markdown import MAX_SPAN
from core.loading.office._blocks import LONGEST_REPEATED

_MOST_PLACES = 5_000_000  # of a grid: a table with more has its cells one after the other


@dataclass(frozen=True, slots=True)
class GridCell:
    """A cell's text, its first grid column, over how many it goes, and how it is merged with the cell above."""

    text: str
    start: int
    span: int = 1
    above: str = ""  # "restart" where a merged cell begins, "continue" where it goes on


def grid(rows: Sequence[Sequence[GridCell]]) -> list[list[str]]:
    """Return the texts of a table's rows under their columns.

    The columns are the grid columns in which some cell begins: programs make more grid columns than there are.
    """
    starts = sorted({cell.start for row in rows for cell in row})
    if len(starts) * len(rows) > _MOST_PLACES:
        return [[cell.text for cell in row] for row in rows]
    merged: dict[int, str] = {}
    result = []
    for row in rows:
        texts = [""] * len(starts)
        going_on: dict[int, str] = {}
        for cell in row:
            text = cell.text
            if cell.above == "continue":
                text = " ".join(filter(None, (merged.get(cell.start, ""), text)))
                going_on[cell.start] = merged.get(cell.start, cell.text)
            elif cell.above == "restart":
                going_on[cell.start] = text if len(text) <= LONGEST_REPEATED else ""
            first = bisect_left(starts, cell.start)
            last = bisect_left(starts, cell.start + min(max(cell.span, 1), MAX_SPAN))
            texts[first] = text
            if len(text) <= LONGEST_REPEATED:
                texts[first:last] = [text] * (last - first)
        merged = going_on
        result.append(texts)
    return result
