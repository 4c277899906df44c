"""Headings and tables of a Markdown text, found by their lines."""

from __future__ import annotations

import re

from core.records import Heading, Table

_HEADING = re.compile(r"^(#{1,6})[ \t]+(\S[^\n]*)$", re.MULTILINE)
_FENCE = re.compile(r"^(```|~~~)", re.MULTILINE)
_ROWS = re.compile(r"^\|[^\n]*(?:\n\|[^\n]*)+", re.MULTILINE)


def _fenced(text: str) -> list[tuple[int, int]]:
    edges = [match.start() for match in _FENCE.finditer(text)]
    return list(zip(edges[::2], [*edges[1::2], len(text)], strict=False))


def markdown_headings(text: str) -> tuple[Heading, ...]:
    """Return the ATX headings of ``text`` in order, code fences left out."""
    fences = iter(_fenced(text))
    fence = next(fences, None)
    found = []
    for match in _HEADING.finditer(text):
        while fence and fence[1] < match.start():
            fence = next(fences, None)
        if fence and fence[0] <= match.start():
            continue
        title = match[2].strip().rstrip("#").strip().replace("**", "")
        if title:
            found.append(Heading(match.start(), match.end(), len(match[1]), title))
    return tuple(found)


def markdown_tables(text: str) -> tuple[Table, ...]:
    """Return the pipe tables of ``text`` (two lines or more) in order."""
    return tuple(Table(match.start(), match.end()) for match in _ROWS.finditer(text))
