"""Running heads, running feet and page numbers: lines that a page repeats from its neighbours."""

from __future__ import annotations

import re
from collections import Counter

FEWEST_PAGES = 4  # of one document that bear the line
FEWEST_LINES = 8  # on a page: a slide's title is no running head
_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b")
_PAGE_NUMBER = re.compile(r"[-–—|\s]*#(?: ?/ ?#)?[-–—|\s]*")


def without_furniture(pages: list[str]) -> list[str]:
    """Return ``pages`` without the first and last lines that, numbers aside, stand on at least four pages.

    The first page that bears such a line keeps it, so that no word of the document is lost.
    """
    for edge in (0, -1):
        pages = _without_edge(pages, edge)
    return pages


def _without_edge(pages: list[str], edge: int) -> list[str]:
    split = [page.split("\n") for page in pages]
    marks = [_NUMBER.sub("#", lines[edge].strip()) if len(lines) >= FEWEST_LINES else "" for lines in split]
    often = {mark for mark, count in Counter(marks).items() if count >= FEWEST_PAGES and _may_repeat(mark)}
    kept: list[str] = []
    seen: set[str] = set()
    for lines, mark in zip(split, marks, strict=True):
        repeated = mark in often and (mark in seen or _PAGE_NUMBER.fullmatch(mark))  # a page number says nothing even once
        seen.add(mark)
        kept.append("\n".join(lines[1:] if edge == 0 else lines[:-1]).strip("\n") if repeated else "\n".join(lines))
    return kept


def _may_repeat(mark: str) -> bool:
    """Whether it has words or is a page number: other numbers are a table's last row."""
    return any(map(str.isalpha, mark)) or bool(_PAGE_NUMBER.fullmatch(mark))
