"""Cells of a CSV file that a spreadsheet may open: none is run as a formula (OWASP, CSV Injection), and those of files that we read again come back as they were."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import TextIO

from core.records.document import Value

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_MARKED = (*_FORMULAS, "'")


def is_formula(text: str) -> bool:
    """Return whether a spreadsheet would run a text."""
    return text.startswith(_FORMULAS)


def escape_formula(cell: object) -> object:
    """Return a text that a spreadsheet would run as a formula with an apostrophe before it; anything else as it is."""
    return f"'{cell}" if isinstance(cell, str) and is_formula(cell) else cell


def write_rows(file: TextIO, rows: Iterable[Iterable[object]]) -> None:
    """Write rows of cells, disarmed, as CSV."""
    csv.writer(file).writerows([escape_formula(cell) for cell in row] for row in rows)


def escape_cell(cell: Value) -> Value:
    """Return a cell disarmed so that ``whole`` can take it back: a text that begins with an apostrophe gets a second one."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_MARKED) else cell


def unescape_cell(cell: str) -> str:
    """Return what ``armoured`` was given."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_MARKED) else cell
