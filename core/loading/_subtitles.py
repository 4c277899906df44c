"""Load subtitles (SubRip, WebVTT) as text: a line for each cue, with its begin and end in seconds.

SubRip has no specification and its files are written by hand, so its reader goes by the lines with times: what stands
between two of them are words, without the number of the next cue. WebVTT's blocks follow the W3C's "WebVTT: The Web
Video Text Tracks Format", except that words outside of a cue are kept.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from core.errors import DamagedFile, EmptyFile, WrongFileType
from core.loading._detection import reject_other_format
from core.loading._encoding import clean_text, decode
from core.loading._metadata import file_metadata
from core.records.document import Document, Time
from core.util.formatting import plural

SILENCE = 4.0  # seconds without a word, after which a paragraph begins
_ROLLING_GAP = 0.1  # seconds: captions that repeat the line before follow it at once
_ROLLING_SHARE = 3  # at least one cue in so many repeats the one before where captions roll or are painted word by word
_ARROW = r"(?:-{1,3}>|[–—]>|--&gt;)"
_TIME = r"(-?)[ ]?(?:(\d+)[ ]?:[ ]?)?(\d+)[ ]?:[ ]?(\d+)(?:[ ]?[.,:][ ]?(\d+))?"
_TIMING = re.compile(rf"\s*{_TIME}\s*{_ARROW}\s*{_TIME}(?!\d)(.*)")
_GARBLED_TIMING = re.compile(rf"\s*(?=\S*\d)[^\s:]+:[^\s:]+[:.,]\S+\s*{_ARROW}\s*(?=\S*\d)[^\s:]+:[^\s:]+[:.,]\S+\s*")
_MAX_TIMING_LENGTH = 200  # characters of a line with garbled times
_SETTING = re.compile(r"\s*(?:[A-Za-z]+\d?:\S+|[XY]\d:\s*\d+)")
_HEADER_TITLE = re.compile(r"WEBVTT[ \t]+-+[ \t]+(\S.*)")
_NO_CUE = re.compile(r"(?:NOTE(?:[ \t].*)?|STYLE[ \t]*|REGION[ \t]*|WEBVTT(?:[ \t].*)?)")

_DRAWING = re.compile(
    r"\{[^{}]{0,99}\\p[1-9][^{}]{0,99}\}.*?(?:\{[^{}]{0,99}\\p0[^{}]{0,99}\}|$)", re.DOTALL
)  # of Advanced SubStation
_OVERRIDE = re.compile(r"\{\\[^{}]*\}|\{[yY]:[^{}]{0,9}\}")
_BREAK = re.compile(r"<br\s*/?>|(?<!:)\\N", re.IGNORECASE)
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?(?:[ \t\n]+([^<>]*))?>", re.IGNORECASE)
_ANNOTATION = re.compile(r"<rt(?:\.[^\s<>]*)?>(.*?)(?:</rt>|(?=</ruby>)|$)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(
    r"</?(?:i|b|u|s|c|v|em|strong|strike|font|span|ruby|rt|rb|rp|lang|p|tt|big|small|sub|sup|center)"
    r"(?:[.\s][^<>]*)?/?>|<\d[\d:.,]*>",
    re.IGNORECASE,
)
_INLINE_TIME = re.compile(r"<\d[\d:.]*>")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,31}\d{0,2});")
_DIRECTION_MARKS = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069]")


@dataclass
class _Cue:
    """The lines between two times; ``begin`` and ``end`` in seconds, ``source`` the lines with their tags."""

    begin: float
    end: float
    source: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


@dataclass
class _Parsed:
    cues: list[_Cue]
    unread_times: int = 0
    names: list[str] = field(default_factory=list)  # identifiers of cues that are words
    title: str = ""


def load_subtitles(name: str, data: bytes) -> Document:
    """Return an .srt or .vtt file's words, with the times as spans. Raises LoadingError."""
    reject_other_format(name, data, "subtitles")
    decoded = decode(name, data)
    source = clean_text(decoded.text)
    if not re.search(_ARROW, source):
        raise WrongFileType(f"{name} is not a file of subtitles, it has no times: rename it to .txt if it is text")
    parsed = _parse(source)
    if parsed is None:
        raise DamagedFile(f"{name} is damaged (none of its times is whole): save it again as subtitles")
    for cue in parsed.cues:
        cue.lines = _spoken_lines(cue.source)
    cues = sorted((cue for cue in parsed.cues if cue.lines), key=lambda cue: cue.begin)
    if not cues:
        raise EmptyFile(f"{name} holds no words in its subtitles: there is nothing to index in it")
    text, times = _joined(cues)
    notes = list(decoded.notes)
    if parsed.unread_times:
        notes.append(
            f"{plural(parsed.unread_times, 'time')} could not be read: the words have the time of those before"
        )
    if parsed.names:
        notes.append(f"{plural(len(parsed.names), 'identifier')} of cues left out, the first is {parsed.names[0]!r}")
    metadata = file_metadata(parsed.title)
    return Document(name, text, size=len(data), times=tuple(times), metadata=metadata, notes=tuple(notes))


def _joined(cues: Sequence[_Cue]) -> tuple[str, list[Time]]:
    """Return the words of all cues, a line for each, with their times."""
    text: list[str] = []
    times: list[Time] = []
    until = 0.0
    length = 0
    for cue, lines in zip(cues, _without_repeats(cues), strict=True):
        words = " ".join(lines)
        if not words:
            until = max(until, cue.end)
            continue
        gap = ("\n\n" if cue.begin - until > SILENCE else "\n") if text else ""
        start = length + len(gap)
        times.append(Time(start, start + len(words), cue.begin, cue.end))
        text += [gap, words]
        length, until = start + len(words), max(until, cue.end)
    return "".join(text) + "\n", times


def _without_repeats(cues: Sequence[_Cue]) -> list[list[str]]:
    """Return the lines of each cue that the cue before does not show already.

    Captions that roll begin with the lines that the cue before ended with; those painted word by word repeat the whole
    cue with a word more. A cue that says the same again on its own is spoken again, unless the file rolls or only
    the tags differ (karaoke).
    """
    follows = [after.begin - before.end <= _ROLLING_GAP for before, after in pairwise(cues)]
    repeated = sum(
        follow and _continues(before.lines, after.lines) > 0
        for follow, (before, after) in zip(follows, pairwise(cues), strict=True)
    )
    inline_times = any(_INLINE_TIME.search(line) for cue in cues for line in cue.source)
    rolling = (repeated >= 3 and repeated * _ROLLING_SHARE >= len(cues)) or (inline_times and repeated > 0)
    kept = [cues[0].lines]
    for (before, after), follow in zip(pairwise(cues), follows, strict=True):
        lines = after.lines
        overlap = _overlap(before.lines, lines) if follow else 0
        same_again = overlap == len(lines) and before.source == after.source
        if overlap and (rolling or not same_again):
            lines = lines[overlap:]
        elif rolling and follow and (size := _continues(before.lines, lines)):
            lines = [lines[size - 1][len(before.lines[-1]) :].strip(), *lines[size:]]
        kept.append([line for line in lines if line])
    return kept


def _overlap(before: list[str], after: list[str]) -> int:
    """Return how many lines at the end of ``before`` are those at the beginning of ``after``."""
    limit = min(len(before), len(after), 8)
    return next((size for size in range(limit, 0, -1) if before[-size:] == after[:size]), 0)


def _continues(before: list[str], after: list[str]) -> int:
    """Return how many lines at the end of ``before`` begin ``after``, where the last may have words more."""
    limit = min(len(before), len(after), 8)
    return next(
        (
            size
            for size in range(limit, 0, -1)
            if before[-size:-1] == after[: size - 1] and f"{after[size - 1]} ".startswith(f"{before[-1]} ")
        ),
        0,
    )


def _parse(source: str) -> _Parsed | None:
    """Return the cues in the order of the file, None if it has no whole time."""
    lines = source.split("\n")
    is_vtt = source.lstrip().startswith("WEBVTT")
    timings = [_timing(line) for line in lines]
    if not any(isinstance(timing, _Cue) for timing in timings):
        return None
    if is_vtt:
        parsed = _Parsed([], title=_vtt_title(lines))
        kept = _without_vtt_blocks(lines, timings, parsed)
    else:
        parsed = _Parsed([])
        kept = _without_numbers(lines, timings)
    current = _Cue(0.0, 0.0)
    parsed.cues.append(current)
    for index in kept:
        timing = timings[index]
        if timing is None:
            current.source.append(lines[index])
            continue
        if timing == _UNREAD:
            parsed.unread_times += 1
        current = timing if isinstance(timing, _Cue) else _Cue(current.end, current.end)
        parsed.cues.append(current)
    return parsed


_UNREAD = "unread"


def _timing(line: str) -> _Cue | str | None:
    """Return the empty cue that a line with times begins, _UNREAD for garbled times, None for any other line."""
    if ">" not in line and "&gt;" not in line:
        return None
    match = _TIMING.fullmatch(line)
    if not match and len(line) > _MAX_TIMING_LENGTH:
        return None
    if not match:
        return _UNREAD if _GARBLED_TIMING.fullmatch(line) else None
    begin, end, rest = match.groups()[:5], match.groups()[5:10], match[11]
    if any(hours is None and fraction is None for _, hours, _, _, fraction in (begin, end)):
        return None  # as in "10:30 --> 11:15", which may be said
    cue = _Cue(_seconds(begin), 0.0)
    cue.end = max(cue.begin, _seconds(end))
    rest = _SETTING.sub("", rest).strip()
    if rest:
        cue.source.append(rest)
    return cue


def _seconds(parts: Sequence[str | None]) -> float:
    """Return a time in seconds, 0 for a negative one."""
    sign, hours, minutes, seconds = ((part or "")[-9:] for part in parts[:4])
    if sign:
        return 0.0
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    return float(f"{whole}.{(parts[4] or '0')[:9]}")


def _without_numbers(lines: list[str], timings: list[_Cue | str | None]) -> list[int]:
    """Return the indices of the lines of SubRip without the numbers of cues.

    A number stands directly above its times, below a blank line or the file's start, and most cues of the file have
    one. Numbers elsewhere are spoken. In files with every other line blank it stands two lines above.
    """
    at = [index for index, timing in enumerate(timings) if timing is not None]
    distance = _number_distance(lines, at)
    if not distance:
        return list(range(len(lines)))
    numbers = {}
    for index in at:
        above = index - distance
        if above >= 0 and timings[above] is None and _is_number(lines[above]):
            numbers[above] = int(lines[above].strip()[-9:])
    steps = list(pairwise(numbers.values()))
    sequential = sum(after == before + 1 for before, after in steps) * 2 >= len(steps)
    has_gaps = sum(_is_blank_above(lines, above) for above in numbers) * 2 > len(numbers)
    left_out, last = set(), None
    following = [*list(numbers.values())[1:], None]
    for (above, number), after in zip(numbers.items(), following, strict=True):
        expected = last is None or number == last + 1
        if not expected and sequential and last is not None and after == last + 2:
            continue  # 3, 42, 5: a cue without a number, after a spoken one
        if expected or not has_gaps or _is_blank_above(lines, above):
            left_out.add(above)
            last = number
    return [index for index in range(len(lines)) if index not in left_out]


def _number_distance(lines: list[str], at: list[int]) -> int:
    """Return how many lines above its times a cue's number stands: 1, 2 with a blank one between, 0 without any."""
    directly = [index >= 1 and _is_number(lines[index - 1]) for index in at]
    if sum(directly) * 2 >= len(at) and (directly[0] or sum(directly) * 5 >= len(at) * 4):
        return 1
    apart = [index >= 2 and not lines[index - 1].strip() and _is_number(lines[index - 2]) for index in at]
    if apart[0] and sum(apart) * 5 >= len(at) * 4:
        return 2
    return 0


def _is_number(line: str) -> bool:
    return line.strip().isdecimal()


def _is_blank_above(lines: list[str], index: int) -> bool:
    return index == 0 or not lines[index - 1].strip()


def _vtt_title(lines: Iterable[str]) -> str:
    first = next((line.strip() for line in lines if line.strip()), "")
    match = _HEADER_TITLE.fullmatch(first)
    return match[1] if match else ""


def _without_vtt_blocks(lines: list[str], timings: list[_Cue | str | None], parsed: _Parsed) -> list[int]:
    """Return the indices of the lines of WebVTT without header, comments, styles, regions and identifiers of cues.

    An identifier is the first line of a block whose second one has the times; one of several words is put
    into ``parsed.names``.
    """
    kept: list[int] = []
    index = 0
    while index < len(lines):
        if not lines[index].strip():
            index += 1
            continue
        end = index
        while end < len(lines) and lines[end].strip():
            end += 1
        if timings[index] is None and index + 1 < end and timings[index + 1] is not None:
            identifier = lines[index].strip()
            if " " in identifier and any(map(str.isalpha, identifier)):
                parsed.names.append(identifier)
            index += 1
        elif timings[index] is None and _NO_CUE.fullmatch(lines[index].lstrip()):
            while index < end and timings[index] is None:
                index += 1
        kept += range(index, end)
        index = end
    return kept


def _spoken_lines(source: list[str]) -> list[str]:
    """Return a cue's lines without tags and blank lines; a voice's name stands before its words."""
    text = _DRAWING.sub("", "\n".join(source))
    text = _BREAK.sub("\n", _OVERRIDE.sub("", text)).replace("\\h", " ")
    readings = [match[1].strip() for match in _ANNOTATION.finditer(text) if match[1].strip()]
    if readings:  # of ruby: they follow the cue, so that its words read on
        text = f"{_ANNOTATION.sub('', text)}\n({', '.join(readings)})"
    text = _VOICE.sub(lambda match: f"{' '.join(match[1].split())}: " if match[1] and match[1].strip() else "", text)
    text = _ENTITY.sub(lambda match: html.unescape(match[0]), _TAG.sub("", text))
    text = _DIRECTION_MARKS.sub("", clean_text(text))
    lines = [" ".join(line.split()) for line in text.split("\n")]
    return [line for line in lines if line]
