"""Cells of a CSV file that a spreadsheet may open, and that must come back as they were."""

from __future__ import annotations

from core.document import Value

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")


def armoured(cell: Value) -> Value:
    """Return a text that a spreadsheet would run as a formula with an apostrophe before it, which spreadsheets do not show.

    (OWASP, CSV Injection.) A text that begins with an apostrophe gets a second one, so that ``whole`` knows them apart.
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_STARTS) else cell


def whole(cell: str) -> str:
    """Return what ``armoured`` was given."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_STARTS) else cell
