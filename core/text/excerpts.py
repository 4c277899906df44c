"""How a chunk is shown: the query's words marked in it, and the text around it. No markup is made here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass

from core.records.document import Document
from core.text.analyzers import fold, fold_case_and_accents, is_unspaced_function_word, query_words
from core.text.words import character_start, graphemes, segment, tokenize

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
    """Yield the spans of whole words of ``text`` that are among ``words``."""
    for match in tokenize(text):
        if match.lastgroup is not None:
            for start, end in _unspaced_matches(match[0], words):
                yield match.start() + start, match.start() + end
        elif fold(match[0]) in words:
            yield match.span()


def _unspaced_matches(run: str, words: Set[str]) -> Iterator[tuple[int, int]]:
    """Yield the spans of the words of a run without spaces that consist of ``words``.

    What is one word in the query may be two in the text, and the other way round: a word of the text is matched if
    occurrences of the query's words cover all of it.
    """
    places: list[int] = []  # for every folded character the offset in the run of the character it comes from
    folded = ""
    at = 0
    for character in graphemes(run):
        plain = fold_case_and_accents(character)
        places += [at] * len(plain)
        folded += plain
        at += len(character)
    places.append(len(run))
    covered = bytearray(len(run))
    for word in words:
        start = folded.find(word) if word else -1
        while start >= 0:
            first, last = places[start], places[start + len(word)]
            covered[first:last] = b"\1" * (last - first)
            start = folded.find(word, start + 1)
    at = 0
    for part in segment(run) if any(covered) else ():
        plain = fold_case_and_accents(part)
        if all(covered[at : at + len(part)]) and (plain in words or not is_unspaced_function_word(plain)):
            yield at, at + len(part)
        at += len(part)


def _merged(spans: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join spans that touch: ICU parts what is one word for a reader."""
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
    first = character_start(document.text, max(0, start - before))
    last = character_start(document.text, min(len(document.text), end + after))
    return Context(
        before=document.text[first:start],
        chunk=document.text[start:end],
        after=document.text[end:last],
        cut_before=first > 0,
        cut_after=last < len(document.text),
    )
