"""JSON as programs and people write it: whole, one value after the other, a line each, with comments."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from core.errors import DamagedFile
from core.util.formatting import plural

LONGEST_INTEGER = 18  # digits; longer ones stay text
SHOWN = 10  # numbers of lines in a note
_SPACE = re.compile(r"[\s\x1e]*")
_TOKEN = re.compile(
    r"""(?P<double>"(?:[^"\\]|\\.)*+(?:"|\Z))
    |(?P<single>'(?:[^'\\]|\\.)*+(?:'|\Z))
    |(?P<comment>//[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)|\#[^\n]*)
    |(?P<name>[^\W\d][\w$]*|\$[\w$]*)(?P<colon>\s*+:)?""",
    re.VERBOSE | re.DOTALL,
)
_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.)*+(?:"|\Z))|,(?=\s*+[\]}])', re.DOTALL)
_BAD_ESCAPE = re.compile(r"""\\(?:(["\\/bfnrt]|u[0-9a-fA-F]{4})|(.))""", re.DOTALL)
_LITERALS = {"True": "true", "False": "false", "None": "null", "undefined": "null"}  # of Python and JavaScript
_OBJECT_LINE = re.compile(r"^(?=[{\[])", re.MULTILINE)


class Pairs(list[tuple[str, Any]]):
    """An object in which a key stands more than once, as its keys and values."""


@dataclass(frozen=True, slots=True)
class JsonValues:
    """The values of a file, one for plain JSON; what could not be read of it stands among them as BadLine."""

    values: list[Any]
    notes: tuple[str, ...] = ()
    sequence: bool = False  # whether the file holds one value after the other


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line without JSON among others that have it."""

    number: int
    text: str


def _object(pairs: list[tuple[str, Any]]) -> Any:
    unique = dict(pairs)
    return unique if len(unique) == len(pairs) else Pairs(pairs)


def _integer(text: str) -> int | str:
    return int(text) if len(text) <= LONGEST_INTEGER and text != "-0" else text


# Fractions, large numbers, NaN and Infinity stay as they are written.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=str, parse_int=_integer, parse_constant=str, strict=False
)


def read_json(name: str, text: str, *, lines: bool) -> JsonValues:
    """Return the values of a JSON file; ``lines`` says that each line is to hold one.

    Read are also values one after the other, comments, commas behind the last item, names without quotes or in single
    ones, as JSON5 and Python have them, and files of which less than half of the lines are no JSON. Each way is tried
    in turn and takes time linear in the text. Raises DamagedFile, with the line of the first fault.
    """
    ways: list[Callable[[], JsonValues | None]] = [
        lambda: JsonValues([_whole(text)]),
        lambda: JsonValues(_sequence(text), sequence=True),
        lambda: _relaxed(text),
    ]
    if lines:
        ways[0] = lambda: JsonValues([_whole(line) for line in text.split("\n") if line.strip()], sequence=True)
    first: ValueError | None = None
    for way in ways:
        try:
            values = way()
        except ValueError as error:
            first = first or error
            continue
        if values is not None:
            return values
    values = _mostly(text.split("\n"), lines) or _mostly(_OBJECT_LINE.split(text), lines)
    if values is None:
        raise _damaged(name, text, lines, first)
    return values


def _whole(text: str) -> Any:
    value, end = _DECODER.raw_decode(text, _end_of_space(text, 0))
    if _end_of_space(text, end) < len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return value


def _end_of_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _sequence(text: str) -> list[Any]:
    """Return values that stand one after the other, with nothing, white space or a comma between them."""
    values, at = [], _end_of_space(text, 0)
    while at < len(text):
        value, at = _DECODER.raw_decode(text, at)
        values.append(value)
        at = _end_of_space(text, at)
        if text.startswith(",", at):
            at = _end_of_space(text, at + 1)
    return values


def _relaxed(text: str) -> JsonValues | None:
    """Return the values of JSON with comments and other liberties, None where it has none of them."""
    comments = 0

    def strict(match: re.Match[str]) -> str:
        nonlocal comments
        if match["double"]:
            return _BAD_ESCAPE.sub(_mended_escape, match["double"])
        if match["single"]:
            inner = match["single"][1:-1].replace('"', '\\"').replace("\\'", "'")
            return '"' + _BAD_ESCAPE.sub(_mended_escape, inner) + '"'
        if match["comment"]:
            comments += 1
            return " "
        if match["colon"]:
            return f'"{match["name"]}"{match["colon"]}'
        return _LITERALS.get(match["name"], match["name"])

    mended = _TRAILING_COMMA.sub(lambda match: match[1] or "", _TOKEN.sub(strict, text))
    if mended == text:
        return None
    values = _sequence(mended)
    notes = (f"{plural(comments, 'comment is', 'comments are')} left out",) if comments else ()
    return JsonValues(values, notes, sequence=len(values) != 1)


def _mended_escape(match: re.Match[str]) -> str:
    """A backslash before a sign that it does not escape in JSON is a backslash; before a line's end it joins lines."""
    return match[0] if match[1] else "" if match[2] == "\n" else match[2] if match[2] == "'" else f"\\\\{match[2]}"


def _mostly(parts: Iterable[str], lines: bool) -> JsonValues | None:
    """Return the values of the parts of a text, and of the others their numbers, None unless most are JSON."""
    values: list[Any] = []
    bad: list[int] = []
    number = 1
    for part in parts:
        if part.strip():
            value = _part(part)
            if value is None or not (lines or isinstance(value, dict | list)):
                bad.append(number)
                value = BadLine(number, part.strip())
            values.append(value)
        number += part.count("\n") or 1
    if 2 * len(bad) >= len(values):
        return None
    return JsonValues(values, (f"{_listed(bad)} no JSON and kept as text",), sequence=True)


def _part(text: str) -> Any:
    for way in (_whole, lambda text: _relaxed_one(text)):
        try:
            return way(text)
        except ValueError:
            continue
    return None


def _relaxed_one(text: str) -> Any:
    values = _relaxed(text)
    return values.values[0] if values and len(values.values) == 1 else None


def _listed(numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"line {numbers[0]} is"
    shown = [str(number) for number in numbers[:SHOWN]]
    rest = f"{len(numbers) - SHOWN} more" if len(numbers) > SHOWN else shown.pop()
    return f"{len(numbers)} lines ({', '.join(shown)} and {rest}) are"


def _damaged(name: str, text: str, lines: bool, error: ValueError | None) -> DamagedFile:
    if lines:
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip() and _part(line) is None:
                return DamagedFile(
                    f"{name} has no JSON in line {number} ({_reason(line)}): "
                    "mend that line, or save it again with one object a line"
                )
    return DamagedFile(f"{name} is not whole JSON ({error}): mend it there, or save it again")


def _reason(line: str) -> str:
    try:
        _whole(line)
    except ValueError as error:
        return str(error)
    return "no value"
