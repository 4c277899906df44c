"""How a chunk is shown: the query's words marked in it, and the text around it. No markup is made here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass

from core.records.document import Document
from core.text.analyzers import bigrams, fold, query_words, tokenize

BEFORE, AFTER = 700, 1500  # characters of context
_PROSE_LINE = re.compile(r"^(?!#)([^\n]*[^\s|])\n(?=[^\W\d_])", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text; ``marked`` if it is one of the query's words."""

    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class Context:
    """A chunk inside its document: the text before it, the chunk, the text after it."""

    before: str
    chunk: str
    after: str
    cut_before: bool  # whether the document has more before ``before``
    cut_after: bool


def mark(text: str, query: str) -> list[Piece]:
    """Cut ``text`` into pieces, the query's words marked. The pieces joined give ``text`` again."""
    pieces, end_before = [], 0
    for start, end in _merged(_matches(text, query_words(query))):
        if start > end_before:
            pieces.append(Piece(text[end_before:start], False))
        pieces.append(Piece(text[start:end], True))
        end_before = end
    if end_before < len(text):
        pieces.append(Piece(text[end_before:], False))
    return pieces


def _matches(text: str, words: Set[str]) -> Iterator[tuple[int, int]]:
    """Yield the spans of ``text`` that are one of ``words``; those of bigrams may overlap."""
    for match in tokenize(text):
        if match["ideographs"]:
            for start, pair in enumerate(bigrams(match[0]), match.start()):
                if pair in words:
                    yield start, start + len(pair)
        elif fold(match[0]) in words:
            yield match.span()


def _merged(spans: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def unwrap(text: str) -> str:
    """Return ``text``, of the same length, with the line ends inside paragraphs turned into spaces.

    The lines of a PDF end where its page ended; on screen they would be ragged. A line that begins
    with a letter continues the one before it, unless a blank line, a table or a heading parts them.
    """
    return _PROSE_LINE.sub(r"\1 ", text)


def context(document: Document, start: int, end: int, before: int = BEFORE, after: int = AFTER) -> Context:
    """Return the chunk from ``start`` to ``end`` with up to so many characters before and after it."""
    first, last = max(0, start - before), min(len(document.text), end + after)
    return Context(
        before=document.text[first:start],
        chunk=document.text[start:end],
        after=document.text[end:last],
        cut_before=first > 0,
        cut_after=last < len(document.text),
    )
