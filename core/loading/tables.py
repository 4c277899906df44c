"""Records of a table as text: a block of ``column: value`` lines each, and the fields that are metadata."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.errors import NoText, UnknownColumn
from core.loading._part_loading_kinds import Column, Record, default_metadata, describe, fields_of, spelled
from core.records.document import Document, Row

BETWEEN = "\n\n"


@dataclass(frozen=True, slots=True)
class TableOptions:
    """Which columns are read as text and which are kept as metadata; None chooses by what they hold."""

    text: tuple[str, ...] | None = None
    metadata: tuple[str, ...] | None = None


def table_document(name: str, size: int, records: Sequence[Record], options: TableOptions | None, preface: str = "") -> Document:
    """Return the records as a document: a block each, with its Row, behind the ``preface``.

    By default every column is text, and every column but those of running text is metadata too. A single
    column that was picked stands without its name. Raises UnknownColumn, and NoText where nothing is left to read.
    """
    columns, options = describe(records), options or TableOptions()
    text = _known(name, options.text, columns, [column.name for column in columns])
    fields = fields_of(records, columns, _known(name, options.metadata, columns, default_metadata(columns)))
    bare = options.text is not None and len(text) == 1
    blocks, rows, at = [preface] if preface else [], [], len(preface) + len(BETWEEN) if preface else 0
    for record, own in zip(records, fields, strict=True):
        block = _block(record, text, bare)
        if block:
            blocks.append(block)
            rows.append(Row(at, at + len(block), own))
            at += len(block) + len(BETWEEN)
    if not blocks:
        chosen = f"in the columns {', '.join(text)}: bring it with other columns as text" if columns else "in any row: bring a table that has some"
        raise NoText(f"{name} holds no text {chosen}")
    return Document(name, BETWEEN.join(blocks) + "\n", size=size, rows=tuple(rows))


def _block(record: Record, text: Sequence[str], bare: bool) -> str:
    lines = (spelled(record[name]) if bare else f"{name}: {spelled(record[name])}" for name in text if name in record)
    return "\n".join(lines)


def _known(name: str, wanted: Iterable[str] | None, columns: Sequence[Column], usual: Sequence[str]) -> Sequence[str]:
    if wanted is None:
        return usual
    wanted, there = tuple(wanted), [column.name for column in columns]
    unknown = [column for column in wanted if column not in there]
    if unknown:
        raise UnknownColumn(f"{name} has no column {', '.join(map(repr, unknown))}: bring it with some of {', '.join(map(repr, there))}")
    return wanted
