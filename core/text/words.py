"""The words of a text in every script: one segmentation for search by words, marks and labels.

Words are cut as in Unicode's text segmentation (UAX #29), in which combining marks, joiners and other invisible
characters belong to the word that they stand in. Chinese, Japanese, Thai, Lao, Khmer and Burmese put no spaces between
words: ICU's dictionaries find the words in a run of these scripts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import regex

_IDEOGRAPHS = r"\p{Han}\p{Hiragana}\p{Katakana}ーｰ"  # the prolonged sound marks belong to no script
_DICTIONARY_SCRIPTS = r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_NO_DICTIONARY = r"\p{Tai_Le}\p{New_Tai_Lue}\p{Tai_Tham}\p{Tai_Viet}\p{Ahom}\p{Javanese}\p{Balinese}"
_EXTENDING = r"\p{WB=Extend}\p{WB=Format}\u200D"
_LETTER = rf"[[\p{{L}}\p{{N}}_]--[{_IDEOGRAPHS}{_DICTIONARY_SCRIPTS}{_NO_DICTIONARY}]]"
_UNSPACED = rf"[[{_DICTIONARY_SCRIPTS}{_NO_DICTIONARY}]&&[\p{{L}}\p{{M}}\p{{N}}]]"
_WORD = rf"{_LETTER}[{_EXTENDING}]*+"
# A word may have inside it: apostrophes; the raised dot of Catalan's l·l; the marks of Hebrew abbreviations.
_JOINER = r"(?:['’ʼ]|(?<=[lL])·(?=[lL])|(?<=\p{Hebrew})[\"״](?=\p{Hebrew}))"
_TOKEN = regex.compile(
    rf"(?P<ideographs>(?:[{_IDEOGRAPHS}][{_EXTENDING}]*+)++)"
    rf"|(?P<unspaced>{_UNSPACED}(?:{_UNSPACED}|[{_EXTENDING}])*+)"
    rf"|(?:{_WORD})++(?:{_JOINER}(?:{_WORD})++)*+",
    regex.V1,
)
_UNSPACED_RUN = regex.compile(rf"{_UNSPACED}(?:{_UNSPACED}|[{_EXTENDING}])*+", regex.V1)
_NO_DICTIONARY_LETTER = regex.compile(rf"[{_NO_DICTIONARY}]")
_GRAPHEME = regex.compile(r"\X")
# Vowels of Thai and Lao that are written before their consonant, and signs that are written after it.
_SYLLABLE_PART = regex.compile(
    r"(?:[\u0E40-\u0E44\u0EC0-\u0EC4](?=[\u0E01-\u0E2E\u0E81-\u0EAE\u0EDC-\u0EDF])\X|\X)"
    r"(?:[\u0E2F\u0E30\u0E32\u0E33\u0E45\u0E46\u0EB0\u0EB2\u0EB3\u0EBD\u0EC6]\p{M}*+)*+"
)
# In words that no dictionary has ICU may part a character from its marks, or a vowel from the consonant it belongs to.
_FOLLOWING = regex.compile(r"[\p{GCB=Extend}\p{GCB=SpacingMark}\u200D\u0E30\u0E32\u0E33\u0E45\u0EB0\u0EB2\u0EB3]")
_LEADING = regex.compile(r"[\u0E40-\u0E44\u0EC0-\u0EC4\u17D2\u1039]")
_PIECE = 10_000  # characters that ICU segments at once


@dataclass(frozen=True, slots=True)
class Word:
    """A word, the characters from ``start`` to ``end`` of its text; ``spaced`` if its script has spaces."""

    start: int
    end: int
    spaced: bool


def tokenize(text: str) -> Iterator[regex.Match[str]]:
    """Yield a match for each word of ``text``, apostrophes inside it included, and for each run without spaces.

    Runs of Chinese characters and Japanese kana are in the group ``ideographs``, runs of Thai, Lao, Khmer, Burmese and
    of related scripts in the group ``unspaced``; ``segment`` gives the words of both.
    """
    yield from _TOKEN.finditer(text)


def segment(run: str) -> list[str]:
    """Return the words of a run without spaces, which joined give the run.

    They are those of ICU's dictionaries; of a script without a dictionary they are the user-perceived characters.
    """
    if len(run) == 1:
        return [run]
    if _NO_DICTIONARY_LETTER.search(run):
        return graphemes(run)
    starts = [
        start for start in _icu_starts(run) if not (_FOLLOWING.match(run, start) or _LEADING.match(run, start - 1))
    ]
    return [run[start:end] for start, end in pairwise([0, *starts, len(run)])]


def _icu_starts(run: str) -> Iterator[int]:
    """Yield where ICU begins a word in ``run``, the first left out. Long runs are segmented a piece at a time."""
    from icu4py.breakers import WordBreaker

    begin = 0
    while begin < len(run):
        words = list(WordBreaker(run[begin : begin + _PIECE], "und"))
        if begin + _PIECE < len(run) and len(words) > 2:
            words = words[:-2]  # the piece's end may have cut the last word, and led astray the one before it
        for word in words:
            if begin:
                yield begin
            begin += len(word)


def unspaced_word_starts(text: str) -> list[int]:
    """Return where words begin inside runs of Thai, Lao, Khmer, Burmese and the like, the runs' own starts left out."""
    starts: list[int] = []
    for run in _UNSPACED_RUN.finditer(text):
        at = run.start()
        for word in segment(run[0])[:-1]:
            at += len(word)
            starts.append(at)
    return starts


def words_of(text: str) -> Iterator[Word]:
    """Yield every word of ``text``, in order, those of scripts without spaces too."""
    for match in tokenize(text):
        if match.lastgroup is None:
            yield Word(match.start(), match.end(), spaced=True)
            continue
        start = match.start()
        for word in segment(match[0]):
            yield Word(start, start + len(word), spaced=False)
            start += len(word)


def graphemes(text: str) -> list[str]:
    """Return the user-perceived characters (extended grapheme clusters) of ``text``, which joined give it."""
    found: list[str] = _GRAPHEME.findall(text)
    return found


def bigrams(run: str) -> list[str]:
    """Return the overlapping pairs of characters of a run; a single one is returned as it is."""
    units = graphemes(run)
    return ["".join(pair) for pair in pairwise(units)] if len(units) > 1 else units


def syllable_ends(text: str, start: int, stop: int) -> Iterator[int]:
    """Yield the offsets in ``text`` after ``start``, to ``stop``, at which neither a character nor a syllable is cut.

    ``start`` must be such a place. A syllable of Thai or Lao keeps its vowels before and after the consonant.
    """
    yield from (match.end() for match in _SYLLABLE_PART.finditer(text, start, stop))


def character_start(text: str, at: int) -> int:
    """Return the last offset up to ``at`` that is not inside a user-perceived character.

    Only the 512 characters before ``at`` are looked at.
    """
    if not 0 < at < len(text) or text[at].isascii():
        return at
    low = at
    while low > max(0, at - 512) and not text[low].isascii():
        low -= 1
    return next(
        (match.start() for match in _GRAPHEME.finditer(text, low) if match.start() <= at < match.end()),
        at,
    )
