"""Escaping the cells of CSV files, so that a spreadsheet runs none as a formula (OWASP, CSV Injection)."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import TextIO

from core.records.document import Value

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_ESCAPED = (*_FORMULAS, "'")


def is_formula(text: str) -> bool:
    """Return whether a spreadsheet would run a text as a formula."""
    return text.startswith(_FORMULAS)


def escape_formula(cell: object) -> object:
    """Return ``cell`` with an apostrophe before it if it is a text that a spreadsheet would run, else unchanged."""
    return f"'{cell}" if isinstance(cell, str) and is_formula(cell) else cell


def write_rows(file: TextIO, rows: Iterable[Iterable[object]]) -> None:
    """Write rows as CSV, each cell escaped by ``escape_formula``."""
    csv.writer(file).writerows([escape_formula(cell) for cell in row] for row in rows)


def escape_cell(cell: Value) -> Value:
    """Return ``cell`` escaped so that ``unescape_cell`` gives it back: a leading apostrophe is doubled."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_ESCAPED) else cell


def unescape_cell(cell: str) -> str:
    """Return the text that ``escape_cell`` was given."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_ESCAPED) else cell
