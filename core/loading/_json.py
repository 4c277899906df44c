"""JSON, JSON Lines and GeoJSON: records with a field for each path, and what stands beside them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from html import unescape
from typing import Any

from core.errors import DamagedFile, EmptyFile
from core.loading._detection import reject_other_format
from core.loading._encoding import clean_text, decode
from core.loading._json_text import BadLine, Pairs, read_json
from core.loading._omissions import listed
from core.loading.tables import Record, TableContent, TableOptions, table_document, value_text
from core.records.document import Document, Value
from core.util.formatting import plural

LONG_ITEM = 60  # characters: lists of longer ones stand on lines of their own
LONG_KEY = 100  # characters: a longer key of an object or a list is a text of its own
LONGEST_PATH = 200  # characters of a path above a key, which is written again for each value below it
ITEM = "value"  # the column of a record that is no object
_LINES = (".jsonl", ".ndjson")
_SEPARATOR = b"\x1e"  # which begins each record of a JSON text sequence (RFC 7464)
_GEOMETRIES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon")
_OF_GEOMETRY = ("type", "coordinates", "bbox")
_SURROGATE = re.compile("[\ud800-\udfff]")
_TAGS = (
    "a|abbr|article|aside|b|big|blockquote|body|br|caption|center|cite|code|dd|del|details|div|dl|dt|em|figcaption|"
    "figure|font|footer|h[1-6]|head|header|hr|html|i|iframe|img|ins|kbd|li|main|mark|nav|ol|p|pre|q|s|section|small|"
    "span|strike|strong|sub|summary|sup|table|tbody|td|tfoot|th|thead|tr|tt|u|ul|video"
)
_INLINE = re.compile(
    r"(?i:a|abbr|b|big|cite|code|del|em|font|i|img|ins|kbd|mark|q|s|small|span|strike|strong|sub|sup|tt|u)"
)
_HTML = re.compile(rf"</(?:{_TAGS})\s*>|<(?:br|hr|p)\s*/?>", re.IGNORECASE)
_UNREAD = re.compile(r"<(?P<name>script|style)\b[^<>]*+>|<!--", re.IGNORECASE)
_UNREAD_ENDS = {
    "script": re.compile(r"</script\s*+>", re.IGNORECASE),
    "style": re.compile(r"</style\s*+>", re.IGNORECASE),
    "": re.compile("-->"),
}
_TAG = re.compile(rf"</?({_TAGS})\b(?:[^<>\"']|\"[^\"<>]*\"|'[^'<>]*')*+>", re.IGNORECASE)
_ALT = re.compile(r"""\balt\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)


def load_json(name: str, data: bytes, options: TableOptions | None = None) -> Document:
    """Return a JSON file: a block for each record, and lines of ``path: value``. Raises LoadingError."""
    content = json_content(name, data)
    if not content.items:
        raise EmptyFile(f"{name} holds no value but empty ones: there is nothing to index in it")
    return table_document(name, len(data), content, options)


def json_content(name: str, data: bytes) -> TableContent:
    """Return the records of a JSON or JSON Lines file, flat, and the text of what stands beside them.

    Records are the values of a file that holds several, the items of a list that is the whole file, and the items of
    the lists of objects in its one object, under the list's name if there are several; a file without any is all
    text. Of GeoJSON a feature's properties are its fields. Keys and paths that are the same are numbered. Numbers,
    ``true`` and ``false`` stay as they are written; ``null`` and what is empty is no value.
    Raises WrongFileType or DamagedFile.
    """
    reject_other_format(name, data, "JSON")
    if data.lstrip()[:1] == _SEPARATOR:
        data = data.replace(_SEPARATOR, b"\n")
    decoded = decode(name, data)
    text = decoded.text.lstrip("\ufeff")
    try:
        values = read_json(name, text, lines=name.lower().endswith(_LINES))
        reader = _Reader()
        one = len(values.values) == 1 and (not values.sequence or _is_list(values.values[0]))
        items = list(reader.items(values.values[0] if one else values.values))
    except RecursionError as error:
        raise DamagedFile(f"{name} is nested more deeply than can be read: save the part that you need") from error
    return TableContent(tuple(items), (*decoded.notes, *values.notes, *reader.notes()))


def _pairs(value: Any) -> Iterable[tuple[str, Any]]:
    """The keys and values of an object."""
    pairs: Iterable[tuple[str, Any]] = value if isinstance(value, Pairs) else value.items()
    return pairs


def _is_object(value: Any) -> bool:
    return isinstance(value, dict | Pairs)


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and not isinstance(value, Pairs)


class _Reader:
    """Makes records of values, and counts what differs from the file."""

    def __init__(self) -> None:
        self._repeated = self._shapes = self._tagged = self._surrogates = 0
        self._numbers: Counter[str] = Counter()  # of names that the record has more than once
        self._fields: dict[str, Value] = {}
        self._valueless: dict[str, None] = {}  # keys without a value, and those with one
        self._valued: dict[str, None] = {}

    def items(self, value: Any) -> Iterator[Record | str]:
        """Return the records of a file, behind the text of what stands beside them."""
        if _is_list(value):
            return self._records(value)
        lists = [
            (key, child)
            for key, child in (_pairs(value) if _is_object(value) else ())
            if _is_list(child) and child and all(map(_is_object, child))
        ]
        return self._object(value, lists)

    def _object(self, value: Any, lists: list[tuple[str, Any]]) -> Iterator[Record | str]:
        if _is_feature(value):
            yield from self._records([value])
            return
        listed = {id(child) for _, child in lists}
        rest = Pairs((key, child) for key, child in _pairs(value) if id(child) not in listed) if lists else value
        fields = self._record(rest, "")
        if fields:
            yield "\n".join(
                f"{path}: {value_text(field)}" if path else value_text(field) for path, field in fields.items()
            )
        for key, child in lists:
            yield from self._records(child, _one_line(key) if len(lists) > 1 else "")

    def _records(self, values: Iterable[Any], prefix: str = "") -> Iterator[Record | str]:
        for value in values:
            if isinstance(value, BadLine):
                yield clean_text(value.text)
                continue
            record = self._record(value, prefix)
            if record:
                yield {name or ITEM: field for name, field in record.items()}

    def _record(self, value: Any, prefix: str) -> Mapping[str, Value]:
        """Return the values of nested objects and lists, each under its path: ``gauge.type``, ``crew.1.name``."""
        self._fields, self._numbers = {}, Counter()
        self._add(_feature_fields(value) if _is_feature(value) else value, prefix)
        return self._fields

    def _add(self, value: Any, path: str) -> None:
        if _is_object(value):
            if _is_geometry(value):
                self._put(path, self._shape(value))
                value = Pairs((key, child) for key, child in _pairs(value) if key not in _OF_GEOMETRY)
            if _is_set(value):
                self._put(path or ITEM, ", ".join(_one_line(key) for key, _ in _pairs(value)))
                return
            path = _shortened(path)
            for key, child in _pairs(value):
                key = _one_line(key)
                if len(key) > LONG_KEY and isinstance(child, dict | list) and child:
                    self._put(f"{path}.key" if path else "key", key)
                    key = f"{key[: LONG_KEY - 1]}…"
                (self._valueless if _is_empty(child) else self._valued)[key] = None
                self._add(child, f"{path}.{key}" if path else key)
        elif _is_list(value) and any(isinstance(item, dict | list) for item in value):
            path = _shortened(path)
            for number, child in enumerate(value, 1):
                self._add(child, f"{path}.{number}" if path else str(number))
        elif _is_list(value):
            items = [self._text(item) if isinstance(item, str) else _scalar(item) for item in value if item != ""]
            items = [item for item in items if item]
            if items and any(item is not None for item in value):
                self._put(path, ("\n" if any(len(item) > LONG_ITEM for item in items) else ", ").join(items))
        elif isinstance(value, str):
            if text := self._text(value):
                self._put(path, text)
        elif value is not None:
            self._put(path, value)

    def _put(self, path: str, value: Value) -> None:
        """Add a field; under a number where another value has its path."""
        if path not in self._fields:
            self._fields[path] = value
        elif self._fields[path] != value or type(self._fields[path]) is not type(value):
            number = self._numbers[path] + 2
            while f"{path} ({number})" in self._fields:
                number += 1
            self._numbers[path] = number - 1
            self._fields[f"{path} ({number})"] = value
            self._repeated += 1

    def _text(self, value: str) -> str:
        """Return a string without the tags of HTML, if it has any, and without what no reader sees."""
        if "<" in value and _HTML.search(value):
            self._tagged += 1
            value = _untagged(value)
        if not value.isascii():
            value, count = _SURROGATE.subn("\ufffd", value)
            self._surrogates += count
        return clean_text(value).strip()

    def _shape(self, geometry: Any) -> str:
        """Return a geometry of GeoJSON in short: its kind, a point's place, or the range of the places of another."""
        members = dict(_pairs(geometry))
        points: list[list[float | str]] = []
        stack = [members.get("coordinates")]
        while stack:
            value = stack.pop()
            if isinstance(value, list) and value and not any(isinstance(item, dict | list) for item in value):
                points.append(value)
            elif isinstance(value, list):
                stack.extend(value)
        self._shapes += len(points) > 1
        if len(points) < 2:
            return ", ".join([members["type"], *(str(number) for point in points for number in point)])
        ranges = (sorted(axis, key=_size) for axis in zip(*points, strict=False))
        extent = ", ".join(f"{axis[0]} to {axis[-1]}" for axis in ranges)
        return f"{members['type']} of {len(points)} points, {extent}"

    def notes(self) -> list[str]:
        """Return what differs from the file."""
        notes = []
        if self._repeated:
            values = plural(self._repeated, "value has", "values have")
            notes.append(f"{values} the same name as another of the record: the names are numbered, as in 'name (2)'")
        if self._tagged:
            notes.append(f"the tags of HTML are left out of {plural(self._tagged, 'value')}")
        if self._shapes:
            notes.append(f"of {plural(self._shapes, 'shape')} the range of the coordinates is kept, not every point")
        if self._surrogates:
            notes.append(
                f"{plural(self._surrogates, 'half of a character is', 'halves of characters are')} marked \ufffd"
            )
        if valueless := [key for key in self._valueless if key not in self._valued]:
            keys = "1 key that never has" if len(valueless) == 1 else f"{len(valueless):,} keys that never have"
            notes.append(f"{keys} a value left out: {listed(key[:LONG_KEY] for key in valueless)}")
        return notes


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, dict | list) and not value)


def _is_set(value: Any) -> bool:
    """Whether an object is a set of names, as some programs write it: each key has an object without anything."""
    return bool(value) and all(isinstance(child, dict) and not child for _, child in _pairs(value))


def _size(number: object) -> float:
    try:
        return float(str(number))
    except ValueError:
        return 0.0


def _scalar(value: object) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _one_line(key: str) -> str:
    return " ".join(clean_text(key).split()) or "(no name)"


def _shortened(path: str) -> str:
    half = LONGEST_PATH // 2
    return path if len(path) <= LONGEST_PATH else f"{path[:half]}…{path[-half:]}"


def _is_feature(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") == "Feature" and isinstance(value.get("properties"), dict)


def _feature_fields(feature: Any) -> Pairs:
    """The properties of a feature of GeoJSON, then what else it has."""
    others = [(key, child) for key, child in feature.items() if key not in ("type", "properties")]
    return Pairs([*feature["properties"].items(), *others])


def _is_geometry(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") in _GEOMETRIES and isinstance(value.get("coordinates"), list)


def _untagged(text: str) -> str:
    """Return the words of a piece of HTML; what begins a line on a page begins one here."""
    text = _without_unread(text)
    text = _TAG.sub(_tag_text, text)
    return re.sub(r"[ \t]*\n\s*", "\n", unescape(text)).replace("\xa0", " ")


def _without_unread(text: str) -> str:
    """Return HTML without scripts, styles and comments; one that does not end is only spoken of."""
    last = {
        name: max((match.start() for match in end.finditer(text)), default=-1) for name, end in _UNREAD_ENDS.items()
    }
    parts: list[str] = []
    at = searched = 0
    while start := _UNREAD.search(text, searched):
        name = (start["name"] or "").lower()
        searched = start.end()
        end = _UNREAD_ENDS[name].search(text, searched) if searched <= last[name] else None
        if end:
            parts.append(text[at : start.start()])
            at = searched = end.end()
    return " ".join([*parts, text[at:]])


def _tag_text(match: re.Match[str]) -> str:
    alt = _ALT.search(match[0]) if match[1].lower() == "img" else None
    return (alt[1] or alt[2] or "") if alt else "" if _INLINE.fullmatch(match[1]) else "\n"
