"""JSON and JSON Lines: lists of objects as records, anything else as lines that say where it stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from core.errors import DamagedFile, EmptyFile
from core.loading._part_loading_kinds import Record, spelled
from core.loading._part_loading_sniff import refuse_other_kind
from core.loading._text import decode, tidy
from core.loading.tables import TableOptions, table_document
from core.records.document import Document, Value

LONG_ITEM = 60  # characters: lists of longer ones stand on lines of their own
ITEM = "value"  # the column of a record that is no object


def load_json(name: str, data: bytes, options: TableOptions | None = None) -> Document:
    """Return a JSON file: a block for each record, or lines of ``path: value``. Raises LoadingError."""
    records, rest = json_records(name, data)
    preface = "\n".join(f"{path}: {spelled(value)}" if path else spelled(value) for path, value in rest.items())
    if not records and not preface:
        raise EmptyFile(f"{name} holds no value but empty ones: there is nothing to index in it")
    if records:
        return table_document(name, len(data), records, options, preface)
    return Document(name, preface + "\n", size=len(data))


def json_records(name: str, data: bytes) -> tuple[list[Record], Record]:
    """Return the records of a JSON or JSON Lines file, flat, and what stands beside them.

    Records are the items of a list that is the whole file, or the only list of objects in its one
    object; a file without any is all beside. Raises WrongFileType or DamagedFile.
    """
    refuse_other_kind(name, data, "JSON")
    text = decode(name, data).lstrip("\ufeff")
    try:
        whole = _lines(name, text) if name.lower().endswith((".jsonl", ".ndjson")) else _whole(name, text)
        listed, rest = _split(whole)
        records = [dict(_flat(item if isinstance(item, dict) else {ITEM: item})) for item in listed]
        return [record for record in records if record], dict(_flat(rest))
    except RecursionError as error:
        raise DamagedFile(f"{name} is nested more deeply than can be read: save the part that you need") from error


def _whole(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        if "Extra data" in str(error) and text[: text.find("\n")].rstrip().endswith(("}", "]")):
            return _lines(name, text)  # JSON Lines under another name
        raise DamagedFile(f"{name} is not whole JSON ({error}): mend it there, or save it again") from error


def _lines(name: str, text: str) -> list[Any]:
    found = []
    for number, line in enumerate(text.split("\n"), 1):  # other line ends may stand in a string
        if line.strip():
            try:
                found.append(json.loads(line))
            except ValueError as error:
                raise DamagedFile(f"{name} has no JSON in line {number} ({error}): mend that line, or save it again with one object a line") from error
    return found


def _split(whole: Any) -> tuple[list[Any], Any]:
    """The list that holds the records, and the rest."""
    if isinstance(whole, list):
        return whole, {}
    if isinstance(whole, dict):
        lists = [key for key, value in whole.items() if isinstance(value, list) and value and all(isinstance(item, dict) for item in value)]
        if len(lists) == 1:
            return whole[lists[0]], {key: value for key, value in whole.items() if key != lists[0]}
    return [], whole


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Value]]:
    """The values of nested objects and lists, each under its path: ``gauge.type``, ``crew.1.name``."""
    if isinstance(value, list) and not any(isinstance(item, (dict, list)) for item in value):
        items = [tidy(spelled(item)).strip() for item in value if item not in (None, "")]
        value = ("\n" if any(len(item) > LONG_ITEM for item in items) else ", ").join(items)
    if isinstance(value, dict):
        for key, held in value.items():
            key = " ".join(tidy(key).split()) or "(no name)"
            yield from _flat(held, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for number, held in enumerate(value, 1):
            yield from _flat(held, f"{path}.{number}" if path else str(number))
    elif isinstance(value, str):
        if value.strip():
            yield path, tidy(value).strip()
    elif value is not None:
        yield path, value
