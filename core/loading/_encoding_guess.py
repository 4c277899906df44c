"""Guess the encoding of bytes that do not say theirs.

chardet ranks the encodings by how often their letters stand together in each language. In short texts its first ones
are close to each other, so those are ranked again by what no writer types: words of two scripts, symbols and capitals
inside a word, control characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import chardet
from chardet import EncodingEra

_ERAS = (
    EncodingEra.MODERN_WEB
    | EncodingEra.LEGACY_ISO
    | EncodingEra.LEGACY_MAC
    | EncodingEra.LEGACY_REGIONAL
    | EncodingEra.DOS  # all but EBCDIC, in which no file of today comes
)
# Of two encodings where one is the other with more characters, the larger one reads both.
_SUPERSETS = {
    "iso8859-1": "cp1252",
    "latin-1": "cp1252",
    "iso8859-8": "cp1255",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "shift_jis_2004": "cp932",
    "euc_jis_2004": "euc_jp",
    "big5": "cp950",
    "big5hkscs": "cp950",
    "iso2022_jp_2": "iso2022_jp",
}
_COMMON = re.compile(
    r"utf|cp125\d|cp874|cp932|cp949|cp950|shift_jis|euc_|gb18030|big5|johab|hz|iso2022"
    r"|iso8859-(?:1|2|5|6|7|8|9|13|15)$|koi8-[ru]|cp(?:437|850|852|855|857|862|866|737|720)$|mac-(?:roman|cyrillic)"
)
_RARE_WEIGHT = 0.9
_CLOSE = 0.4  # share of the best confidence that a candidate must have to be weighed
_CANDIDATES = 12
_MUCH_ODD = 0.7  # coherence of a text with many letters where no writer puts them
_SURE = 0.5  # a confidence that needs no second look
_DOUBLE_BYTE = ("gb18030", "cp932", "euc_jp", "cp949", "cp950")
_CONTROLS = bytes([*range(9), *range(14, 27), *range(28, 32), 127])
READ = 8_000  # characters of a sample whose words are looked at
_WORD = re.compile(r"[^\W\d_]+(?:[^\w\s!-/:-@\[-`{-~][^\W\d_]+)*")
_INSIDE_WORDS = "\u2019\u2018\u00b7\u2010\u2011\u2013\u2014\u00ad"
# Signs between words and at their ends; those that are letters in DOS's encodings only where no letter can stand.
_SYMBOLS = re.compile(
    r"(?<![^\W\d_])[°±µ²³½¼¾€£¥©®™§×÷·•–—“‘«»¡¿](?!\w*[^\W\d_\x00-\x7f])|(?<=[A-Za-z.,!?])[²³®™’”»](?![A-Za-z])"
    r"|(?<=[a-z])’(?=[a-z])"
)
_OF_NO_FILE = ("hp-roman8",)  # of printers
_LATIN = re.compile(r"[A-Za-z]")
_PLAIN = re.compile(r"[ -~\s]+")
_HIGH_BYTE = re.compile(rb"[\x80-\xff]")
SAMPLE = 60_000  # bytes that are looked at
_CJK = ((0x2E80, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0xFF00, 0xFFEF))


def guess_encodings(data: bytes) -> list[str]:
    """Return the encodings (Python's names) that ``data`` may be in, the most plausible one first."""
    sample = _sample(data)
    weighed: dict[str, float] = {}
    for encoding, confidence in _ranked(sample) or _ranked(sample.translate(None, _CONTROLS)):
        larger = _SUPERSETS.get(encoding.lower(), encoding)
        for name in (larger, encoding):
            text = _decoded(sample, name) if name.lower() not in _OF_NO_FILE else None
            if text is not None:
                rarity = 1.0 if _COMMON.match(name) else _RARE_WEIGHT
                weighed[name] = max(weighed.get(name, 0.0), confidence * rarity * _coherence(text))
                break
    western = _decoded(sample, "cp1252")
    if western is not None and (_has_symbols_only(western) or _fits_better(western, sample, weighed)):
        weighed["cp1252"] = 1.0
    if max(weighed.values(), default=0.0) < _SURE:
        weighed.update(_damaged_double_byte(sample, max(weighed.values(), default=0.0)))
    return sorted(weighed, key=lambda name: -weighed[name])


def _has_symbols_only(text: str) -> bool:
    """Return whether all that is beyond ASCII are signs such as those of degrees and quotes, none inside a word."""
    start = text[:READ]
    return not start.isascii() and start.count("”") <= start.count("“") and _SYMBOLS.sub("", start).isascii()


def _fits_better(text: str, sample: bytes, weighed: dict[str, float]) -> bool:
    """Return whether nothing is odd in a Western text, but much in the most plausible of the other ones."""
    best = _decoded(sample, max(weighed, key=lambda name: weighed[name])) if weighed else None
    return _coherence(text) == 1.0 and (best is None or _coherence(best) < _MUCH_ODD)


def _ranked(sample: bytes) -> list[tuple[str, float]]:
    """The encodings that chardet finds best, with its confidence in each."""
    results = chardet.detect_all(sample, ignore_threshold=True, encoding_era=_ERAS, compat_names=False)
    named = [(result["encoding"], result["confidence"]) for result in results[:_CANDIDATES]]
    ranked = [(encoding, confidence) for encoding, confidence in named if encoding]
    return [pair for pair in ranked if pair[1] >= ranked[0][1] * _CLOSE]


def _damaged_double_byte(sample: bytes, best: float) -> dict[str, float]:
    """The double-byte encodings, with few bytes that are none of theirs, whose confidence is above ``best``."""
    found = {}
    for encoding in _DOUBLE_BYTE:
        text = sample.decode(encoding, "replace")
        if 0 < text.count("\ufffd") <= max(1, len(text) // 100):
            mended = text.replace("\ufffd", "").encode(encoding, "ignore")
            for name, confidence in _ranked(mended)[:1]:
                if _SUPERSETS.get(name, name) == encoding and confidence > best:
                    found[encoding] = confidence
    return found


def guess_utf_16(data: bytes) -> str | None:
    """Return ``utf-16-le`` or ``utf-16-be`` where ``data`` without a byte order mark is plausible text in one."""
    if len(data) % 2 or len(data) < 4:
        return None
    sample = data[: SAMPLE // 2 * 2]
    scores = {encoding: _utf_16_score(sample, encoding) for encoding in ("utf-16-le", "utf-16-be")}
    best = max(scores, key=lambda encoding: scores[encoding])
    return best if scores[best] > 0.9 and scores[best] > min(scores.values()) else None


def _utf_16_score(sample: bytes, encoding: str) -> float:
    """The share of the characters that texts are made of, less a little for each script that is in it."""
    try:
        text = sample.decode(encoding)
    except UnicodeDecodeError:
        text = sample[:-2].decode(encoding, "replace")  # perhaps cut inside a pair
    if not text:
        return 0.0
    good = sum(sign in "\t\n\r" or unicodedata.category(sign)[0] in "LMNPSZ" for sign in text) / len(text)
    return good - 0.05 * len({ord(sign) >> 8 for sign in text if not _is_cjk(sign)})


def _is_cjk(sign: str) -> bool:
    return any(low <= ord(sign) <= high for low, high in _CJK)


def _sample(data: bytes) -> bytes:
    """The first lines with a byte that is not ASCII: only those say something of the encoding."""
    if len(data) <= SAMPLE:
        return data
    lines, size = [], 0
    for line in data.splitlines(keepends=True):
        if not line.isascii():
            lines.append(_around_first_high_byte(line))
            size += len(lines[-1])
            if size > SAMPLE:
                break
    return b"".join(lines)[: 2 * SAMPLE] or data[:SAMPLE]


def _around_first_high_byte(line: bytes) -> bytes:
    """The line, or of one that is longer than the sample the part from a little before its first high byte."""
    if len(line) <= SAMPLE:
        return line
    match = _HIGH_BYTE.search(line)
    return line[max(match.start() - 100, 0) if match else 0 :][:SAMPLE]


def _decoded(sample: bytes, encoding: str) -> str | None:
    try:
        return sample.decode(encoding)
    except UnicodeDecodeError as error:
        if error.start < len(sample) - 4:  # it is not that the sample ends inside a character
            return None
        return sample[: error.start].decode(encoding, "ignore")
    except (ValueError, LookupError):
        return None


def _coherence(text: str) -> float:
    """How much of the text's characters beyond ASCII stand where a writer puts them: 1 for all, towards 0 for none."""
    if text[:READ].isascii():
        text = "".join(line for line in text.splitlines(keepends=True) if not line.isascii())
        first = next((index for index, sign in enumerate(text) if sign > "\x7f"), 0)
        text = text[first - 100 :] if first > READ else text
    text = text[:READ]
    high = sum(sign > "\x7f" for sign in text)
    if not high:
        return 1.0
    faults = sum(_is_odd(sign) for sign in _PLAIN.sub("", text))
    latin = 2 * len(_LATIN.findall(text)) > sum(map(str.isalpha, text))
    for word in _WORD.finditer(text):
        if not word[0].isascii():
            alone = latin and len(word[0]) == 1 and _script(word[0]) not in ("", "LATIN")
            faults += sum(_faults(word[0])) + alone
    return 1 - min(faults / high, 1.0) * 0.8


def _is_odd(sign: str) -> bool:
    """Whether a character is a control, unassigned, for private use, or a box of DOS's screens."""
    return (
        unicodedata.category(sign)[0] == "C" and sign not in "\u200c\u200d\u200e\u200f"
    ) or "\u2500" <= sign <= "\u259f"


def _faults(word: str) -> Iterator[bool]:
    """Tell the changes of script, the symbols and the capitals after small letters inside a word."""
    before = ""
    for sign in word:
        if before:
            scripts = {_script(sign), _script(before)} - {""}
            is_symbol = not sign.isalpha() and unicodedata.category(sign)[0] != "M"
            capital_inside = sign > "\x7f" and sign.isupper() and before.islower()
            yield (is_symbol and sign not in _INSIDE_WORDS) or len(scripts) > 1 or capital_inside
        before = sign


def _script(sign: str) -> str:
    """The script of a letter, those that are written in one word as one: Latin, Greek, Cyrillic, the Japanese ones."""
    if not sign.isalpha():
        return ""
    if _is_cjk(sign):
        return "CJK"
    return unicodedata.name(sign, "").partition(" ")[0]
