"""How a chunk is shown: the query's words in it, and the text around it. Data in, data out: no markup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.records.document import Document
from core.text.analyzers import fold, stop_words

BEFORE, AFTER = 700, 1500  # characters of context
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")
_PROSE_LINE = re.compile(r"^(?!#)([^\n]*[^\s|])\n(?=[^\W\d_])", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text; ``marked`` if it is one of the query's words."""

    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class Context:
    """A chunk inside its document: what stands before it, the chunk, what stands behind it."""

    before: str
    chunk: str
    after: str
    cut_before: bool  # whether the document has more before ``before``
    cut_after: bool


def query_words(query: str) -> frozenset[str]:
    """Return the query's words that say something, folded; single ideographs as pairs."""
    found = [word for word in _WORD.findall(query) if not _IDEOGRAPHS.search(word)]
    small = stop_words(word.casefold() for word in found)
    words = {fold(word) for word in found if word.casefold() not in small}
    runs = _IDEOGRAPHS.findall(query)
    pairs = {run[at : at + 2] for run in runs for at in range(max(1, len(run) - 1))}
    return frozenset(words | pairs)


def mark(text: str, query: str) -> list[Piece]:
    """Cut ``text`` into pieces, the query's words marked. The pieces joined give ``text`` again."""
    pieces, at = [], 0
    for start, end in _merged(_matches(text, query_words(query))):
        pieces += [Piece(text[at:start], False)] if start > at else []
        pieces.append(Piece(text[start:end], True))
        at = end
    return pieces + ([Piece(text[at:], False)] if at < len(text) else [])


def _matches(text: str, words: frozenset[str]) -> Iterator[tuple[int, int]]:
    for match in _WORD.finditer(text):
        if fold(match[0]) in words:
            yield match.span()
        elif _IDEOGRAPHS.search(match[0]):
            for at in range(match.start(), match.end() - 1):
                if text[at : at + 2] in words:
                    yield at, at + 2


def _merged(spans: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def unwrap(text: str) -> str:
    """Return ``text``, as long as before, with the line ends inside paragraphs turned into spaces.

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
