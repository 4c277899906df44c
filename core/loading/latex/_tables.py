"""Tables of LaTeX as Markdown: cells that span columns and rows have their text in each place."""

from __future__ import annotations

import re

from core.loading._markdown import markdown_table

CELL, ROW = "\x03", "\x04"  # the ends of cells and rows; no character of a source
_MAX_SPAN = 100  # rows or columns
_MAX_HEAD = 4  # rows among which the head may stand again
_SPAN = re.compile("\x05(-?\\d{1,4}),(-?\\d{1,4})\x06")


def span_mark(columns: str = "1", rows: str = "1") -> str:
    r"""Return the mark that begins the text of ``\multicolumn`` and ``\multirow``."""
    numbers = [number.strip() if re.fullmatch(r"\s*-?\d{1,4}\s*", number) else "1" for number in (columns, rows)]
    return f"\x05{numbers[0]},{numbers[1]}\x06"


def table(text: str) -> str:
    """Return a table with marks between its cells as a Markdown table."""
    return markdown_table(_grid(text))


def inner_table(text: str) -> str:
    """Return a table that stands in a cell of another one, or a matrix, on one line."""
    rows = (" ".join(" ".join(row).split()) for row in _grid(text, spans=False))
    return "; ".join(row for row in rows if row)


def _grid(text: str, spans: bool = True) -> list[list[str]]:
    grid: list[list[str]] = []
    below: dict[int, tuple[str, int]] = {}  # column -> text that goes on into the rows below, and into how many
    for line in text.split(ROW):
        row: list[str] = []
        upwards: list[tuple[int, str, int]] = []
        for cell in line.split(CELL):
            columns, rows = 1, 1
            for mark in _SPAN.finditer(cell):
                columns = max(columns, min(int(mark[1]), _MAX_SPAN))
                rows = int(mark[2]) if abs(int(mark[2])) > 1 else rows
            words = _SPAN.sub("", cell).strip()
            for _ in range(columns if spans else 1):
                column = len(row)
                over, left = below.pop(column, ("", 0))
                if left > 1:
                    below[column] = (over, left - 1)
                row.append(words or (over if spans else ""))
                if rows > 1:
                    below[column] = (words, min(rows, _MAX_SPAN) - 1)
                elif rows < -1:
                    upwards.append((column, words, min(-rows, _MAX_SPAN) - 1))
        grid.append(row)
        for column, words, count in upwards if spans else ():
            for above in grid[-1 - count : -1]:
                if column < len(above) and not above[column]:
                    above[column] = words
    rows_with_text = [row for row in grid if any(row)]
    head = rows_with_text[:1]  # longtable has it twice: for the first page and for the others
    return head + [row for index, row in enumerate(rows_with_text[1:]) if index > _MAX_HEAD or [row] != head]
