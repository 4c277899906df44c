"""Where a text may be cut: headings, paragraphs, rows, sentences, lines, clauses, words.

Everything is worked out on one array of code points, so that the time is linear in the text whatever
it holds: one line of five megabytes, a run of a million full stops, nothing but spaces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt
import regex

from core.records.document import Span
from core.text.words import unspaced_word_starts
from core.util.arrays import BoolArray, Int64Array

_SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_LINE_ENDS = "\t\n\v\f\r\x85\u2028\u2029"
_FIRST_MARK, _FIRST_UNSPACED = 0x300, 0xE00  # the first combining mark, the first letter of Thai
_WIDE_STOPS = "。！？｡।॥؟۔…"  # end a sentence with no space behind them
_STOPS = ".!?" + _WIDE_STOPS
_CLOSERS = "\"')]}»’”」』）】》"
_OPENERS = "([{«‘“「『（【《"
_COMMAS = ",;:，、；：،؛"
_ROW_STARTS = "|-*+•–>"
_SMALL_KANA = "ぁぃぅぇぉっゃゅょァィゥェォッャュョー々"
_IDEOGRAPHS = [(0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF)]
_ABBREVIATIONS = frozenset(
    [
        "al",
        "approx",
        "art",
        "bzw",
        "ca",
        "cf",
        "ch",
        "co",
        "dr",
        "ed",
        "eg",
        "eq",
        "etc",
        "ex",
        "fig",
        "figs",
        "ie",
        "inc",
        "jr",
        "ltd",
        "mr",
        "mrs",
        "ms",
        "nr",
        "no",
        "p",
        "pp",
        "prof",
        "ref",
        "sec",
        "sr",
        "st",
        "usw",
        "vgl",
        "vol",
        "vs",
        "z",
    ]
)


@dataclass(frozen=True)
class Breaks:
    """Sorted character offsets at which a new unit begins, strongest kind first.

    A unit never begins with white space. Every array is a subset of ``words``.
    """

    headings: Int64Array
    paragraphs: Int64Array
    rows: Int64Array
    sentences: Int64Array
    lines: Int64Array
    clauses: Int64Array
    words: Int64Array
    last_ink: Int64Array  # shape (characters,): offset of the last character up to here that is not a space, else -1

    @cached_property
    def units(self) -> Int64Array:
        """Where a sentence, or what stands for one (a list's item, a table's row, a paragraph), begins."""
        return np.union1d(np.union1d(self.paragraphs, self.rows), np.union1d(self.sentences, self.headings))


def _codes(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


@cache
def _table(characters: str) -> BoolArray:
    """Return for every code point whether it is one of ``characters``: one look-up instead of many comparisons."""
    table = np.zeros(0x110000, dtype=bool)
    table[[ord(character) for character in characters]] = True
    return table


def _among(codes: npt.NDArray[np.uint32], characters: str) -> BoolArray:
    return _table(characters)[codes]


def _last_index(mask: BoolArray) -> Int64Array:
    """Return for every position the last one up to it at which ``mask`` holds, -1 before the first."""
    indices = np.where(mask, np.arange(len(mask), dtype=np.int64), -1)
    return np.maximum.accumulate(indices) if len(mask) else indices


def find_breaks(text: str, headings: Sequence[Span] = ()) -> Breaks:
    """Find every place at which ``text`` may be cut without cutting a word.

    Scripts without spaces may be cut between ideographs, never before closing punctuation, and between the words that
    a dictionary finds in Thai, Lao, Khmer and Burmese.
    """
    codes = _codes(text)
    space = _among(codes, _SPACES)
    ink = ~space
    last_ink = _last_index(ink)
    words = np.union1d(_word_starts(codes, space), _starts_in_runs(text, codes))
    before = words - 1
    previous = np.where(before >= 0, last_ink[before], -1) if len(words) else words
    feeds = np.concatenate(([0], np.cumsum(codes == 10)))
    newlines = feeds[words] - feeds[previous + 1]
    has_previous = previous >= 0
    stop = _last_index(ink & ~_among(codes, _CLOSERS))
    stopped_at = np.where(has_previous, stop[previous], -1) if len(words) else words
    return Breaks(
        headings=np.asarray([span.start for span in headings], dtype=np.int64),
        paragraphs=words[(newlines >= 2) & has_previous],
        rows=words[(newlines >= 1) & has_previous & _among(codes[words], _ROW_STARTS)],
        sentences=_sentence_starts(text, codes, words, stopped_at),
        lines=words[(newlines >= 1) & has_previous],
        clauses=words[has_previous & _among(codes[previous], _COMMAS)],
        words=words,
        last_ink=last_ink,
    )


def separate_word_starts(text: str) -> Int64Array:
    """Return the offsets at which a word, or an ideograph, begins that no letter stands before."""
    codes = _codes(text)
    return _word_starts(codes, _among(codes, _SPACES))


def _starts_in_runs(text: str, codes: npt.NDArray[np.uint32]) -> Int64Array:
    """Return the offsets at which words begin inside runs of Thai, Lao, Khmer and Burmese."""
    has_runs = bool(((codes >= _FIRST_UNSPACED) & ~_in_ranges(codes, _IDEOGRAPHS)).any())
    return np.asarray(unspaced_word_starts(text) if has_runs else [], dtype=np.int64)


def _in_ranges(codes: npt.NDArray[np.uint32], ranges: Sequence[tuple[int, int]]) -> BoolArray:
    inside = np.zeros(len(codes), dtype=bool)
    for low, high in ranges:
        inside |= (codes >= low) & (codes <= high)
    return inside


@cache
def _continuing() -> BoolArray:
    """Return for every code point whether it continues the character before it: an accent, a joiner, a selector."""
    table = np.zeros(0x110000, dtype=bool)
    everything = "".join(map(chr, [*range(0x300, 0xD800), *range(0xE000, 0x20000), *range(0xE0000, 0xE1000)]))
    continuing = regex.findall(r"[\p{GCB=Extend}\p{GCB=SpacingMark}\u200D]", everything)
    table[[ord(character) for character in continuing]] = True
    return table


def _word_starts(codes: npt.NDArray[np.uint32], space: BoolArray) -> Int64Array:
    """Return the offsets of the first character of each word; each ideograph is a word, with the marks on it."""
    if not len(codes):
        return np.empty(0, dtype=np.int64)
    after_space = np.concatenate(([True], space[:-1]))
    ideograph = _in_ranges(codes, _IDEOGRAPHS)
    if (codes >= _FIRST_MARK).any():
        # a mark belongs to what stands before it, a space too, but not a line's end
        marks = _continuing()[codes]
        marks[1:] &= ~_among(codes[:-1], _LINE_ENDS)
        marks[0] = False
        marked_ideograph = ideograph[np.maximum(_last_index(~marks), 0)]
    else:
        marks, marked_ideograph = np.zeros(len(codes), dtype=bool), ideograph
    at_ideograph = ideograph | np.concatenate(([False], marked_ideograph[:-1]))
    wide_stop = np.concatenate(([False], _among(codes[:-1], _WIDE_STOPS + "，、；：")))
    tied = _among(codes, _CLOSERS + _STOPS + _COMMAS + _SMALL_KANA)
    opened = np.concatenate(([False], _among(codes[:-1], _OPENERS)))
    starts = (after_space | ((at_ideograph | wide_stop) & ~tied & ~opened)) & ~space & ~marks
    return np.flatnonzero(starts).astype(np.int64)


def _sentence_starts(text: str, codes: npt.NDArray[np.uint32], words: Int64Array, stopped_at: Int64Array) -> Int64Array:
    """Return the words that follow the end of a sentence, closing quotes and brackets skipped."""
    if not len(words):
        return words
    ended = (stopped_at >= 0) & _among(codes[stopped_at], _STOPS)
    wide = _among(codes[stopped_at], _WIDE_STOPS)
    # Only a letter before the stop can make it an abbreviation, so that long runs of stops skip the slow test.
    lettered = _letters(codes[np.maximum(stopped_at - 1, 0)])
    lower = (codes[words] >= ord("a")) & (codes[words] <= ord("z"))
    doubtful = ended & ~wide & ~lower & (lettered | (codes[words] > 127))
    sure = words[ended & (wide | (~lower & ~doubtful))]
    pairs = zip(words[doubtful].tolist(), stopped_at[doubtful].tolist(), strict=True)
    likely = [word for word, stop in pairs if not text[word].islower() and not _abbreviated(text, stop)]
    return np.union1d(sure, np.asarray(likely, dtype=np.int64))


def _letters(codes: npt.NDArray[np.uint32]) -> BoolArray:
    """Return whether each character may be a letter: every one beyond ASCII may."""
    folded = codes | 32
    return (codes > 127) | ((folded >= ord("a")) & (folded <= ord("z")))


def _abbreviated(text: str, stop: int) -> bool:
    """Return whether the full stop at ``stop`` belongs to an abbreviation or an initial."""
    if text[stop] != ".":
        return False
    word = text[max(0, stop - 7) : stop].split()[-1:] or [""]
    bare = word[0].lstrip("([\"'").replace(".", "")
    return (len(bare) == 1 and bare.isupper()) or bare.lower() in _ABBREVIATIONS
