"""A PDF's outline, and the lines of its text that bear the outline's titles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from core.records.search import Heading, Page

MOST_LINES = 3  # over which a title may run
_BLANK = re.compile(r"\s+")
_NUMBERING = re.compile(r"^(?:(?i:chapter|appendix|section|part)\s+)?(?:\d{1,3}|[A-Z]|[IVXLC]{1,6})(?:\.\d+)*[.:]?\s+")
_LINE = re.compile(r"[^\n]+")


class Entry(NamedTuple):
    """One entry of the outline; ``page`` counts from 0, ``level`` from 1."""

    page: int
    level: int
    title: str


def read_outline(document: Any) -> Iterator[Entry]:
    """Yield the entries of a PDFium document's outline that lead to a page."""
    for bookmark in document.get_toc():
        target = bookmark.get_dest()
        index = target.get_index() if target else None
        if index is not None:
            yield Entry(index, bookmark.level + 1, _BLANK.sub(" ", bookmark.get_title()).strip())


def find_headings(text: str, pages: Sequence[Page], outline: Sequence[Entry]) -> Iterator[Heading]:
    """Yield the outline's titles that stand as lines on their page; each line is taken once, in order."""
    done = 0
    for entry in outline:
        if entry.page < len(pages):
            page = pages[entry.page]
            found = _find_title(text, max(done, page.start), page.end, entry.title)
            if found:
                yield Heading(*found, entry.level, entry.title)
                done = found[1]


def _find_title(text: str, start: int, end: int, title: str) -> tuple[int, int] | None:
    """Where the one to three lines between ``start`` and ``end`` stand that say ``title``."""
    wanted = _names(title)
    if not wanted:
        return None
    lines = list(_LINE.finditer(text, start, end))
    for count in range(MOST_LINES):  # one line that says it all comes before several
        for first, last in zip(lines, lines[count:], strict=False):
            if wanted & _names(text[first.start() : last.end()]):
                return first.start(), last.end()
    return None


def _names(title: str) -> set[str]:
    """What a title goes by: its letters and digits, with its number and without.

    Programs write an outline without the hyphens, quotes and brackets that the page has.
    """
    squashed = {"".join(filter(str.isalnum, part)).casefold() for part in (title, _NUMBERING.sub("", title.strip()))}
    return squashed - {""}
