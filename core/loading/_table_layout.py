"""How the rows of a file lie: tables with their headers, and lines around them that are no rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import pairwise, zip_longest

from core.loading._dialect import COMMENT, TYPED
from core.loading.tables import Record
from core.util.formatting import plural

LONGEST_TYPED = 40  # characters of a number or a date
LONGEST_NAME = 40  # characters of a name that recurs in a header, and of a unit under one
SAMPLE_ROWS = 100  # below a first row, by which it is told whether that is a header
SAMPLE_CELLS = 20_000  # of a table with thousands of columns
MOST_TITLE_ROWS = 20  # in a block that stands before the first table
TYPED_SHARE = 0.6  # of a column of numbers or dates; a few cells may hold remarks or sums
MOST_SUMS = 3  # rows at the end of a table
_YEAR = re.compile(r"(?:1[5-9]|20|21)\d\d")
_DATE = re.compile(r"\d{4}-\d\d(?:-\d\d.*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}.*|\d{4}/\d\d(?:/\d\d.*)?")
_MISSING = ("", "-", "–", "?", "n/a", "na", "nan", "null", "none", "\\n")
_TYPE_NAMES = ("string", "str", "text", "varchar", "char", "object", "category", "factor")
_DIGITS = re.compile(r"\d+")
_RULE = re.compile(r":?[-=]{3,}:?")
_LONG_RULE = re.compile(r"[-=+ ]{3,}")
_BRACKETED = re.compile(r"\[.*\]|\(.*\)")
_Row = Sequence[str]


class HeaderSign(IntEnum):
    """What speaks for a first row as a header: its values against it, only the custom of having one, or the columns."""

    NONE = 0
    CUSTOM = 1
    TYPES = 2


def header_sign(first: _Row, below: Sequence[_Row]) -> HeaderSign:
    """Return what speaks for the row ``first`` as the header of the rows ``below``.

    A word over numbers or dates names them, and so does a year or a date over other numbers. A number over numbers is
    a value, unless others are named and the numbers count on (``day, 1, 2, 3``). Where columns are all words, the first
    row is a header by custom, if none of it recurs.
    """
    sample = below[: max(5, min(SAMPLE_ROWS, SAMPLE_CELLS // len(first)))]
    names = values = dates = recurring = 0
    for column, cell in enumerate(first):
        kind = _kind(cell)
        cells = [row[column] for row in sample if len(row) > column]
        kinds = [other for other in map(_kind, cells) if other]
        typed = [other for other in kinds if other != "word"]
        is_typed = bool(kinds) and len(typed) >= TYPED_SHARE * len(kinds)
        if kind == "word":
            names += is_typed
            shapes = [_DIGITS.sub("0", other) for other in cells] if not is_typed and _DIGITS.search(cell) else []
            values += 2 * shapes.count(_DIGITS.sub("0", cell)) > len(shapes)  # A-7 over
            recurring += not is_typed and cell in cells
        elif kind in ("year", "date") and kinds and kinds.count(kind) < len(kinds) / 2:
            dates += 1
        elif kind:
            values += 1
    if values and not (names and _counts_on(first)):
        return HeaderSign.NONE
    if names or dates:
        return HeaderSign.TYPES
    filled = [cell for cell in first if cell]
    repeated = len(set(filled)) < len(filled)
    usable = below and not recurring and not (repeated and any(len(cell) > LONGEST_NAME for cell in filled))
    return HeaderSign.CUSTOM if usable else HeaderSign.NONE


def _kind(cell: str) -> str:
    """Return what a cell holds: a year, a date, a number, a word, or nothing."""
    if len(cell) > LONGEST_TYPED:
        return "word"
    if cell.lower() in _MISSING:
        return ""
    if _YEAR.fullmatch(cell):
        return "year"
    if not TYPED.fullmatch(cell):
        return "word"
    return "date" if _DATE.fullmatch(cell) else "number"


def _counts_on(row: _Row) -> bool:
    """Whether the numbers of a row are whole, three at least, and each is as much more than the one before."""
    numbers = [int(cell) for cell in row if cell.isascii() and cell.isdigit() and len(cell) < 9]
    typed = [cell for cell in row if _kind(cell) not in ("", "word")]
    steps = {after - before for before, after in pairwise(numbers)}
    return len(numbers) == len(typed) >= 3 and len(steps) == 1 and steps != {0}


def column_names(header: _Row, width: int) -> list[str]:
    """Return a different name for each of ``width`` columns: on one line, since it stands before a colon."""
    names: dict[str, None] = {}
    seen: Counter[str] = Counter()
    for index in range(width):
        own = " ".join(header[index].split()) if index < len(header) and header[index] else f"column {index + 1}"
        name = own
        while name in names:
            seen[own] += 1
            name = f"{own} ({seen[own] + 1})"
        names[name] = None
    return list(names)


@dataclass
class _Block:
    """Rows without a blank line between them. ``width`` is their most common number of cells."""

    rows: list[_Row]
    width: int
    alike: int  # rows of this width
    sign: HeaderSign  # what speaks for the first of them as a header


@dataclass
class TableLayout:
    """Puts the rows of a file in order: ``items`` are the records of its tables, and texts for all other lines."""

    delimiter: str
    items: list[Record | str] = field(default_factory=list)
    tables: int = 0
    under_headers: int = 0  # lines of units
    longer: int = 0  # rows with more cells than names
    _comments: bool = False  # whether lines that begin with ``#`` are comments
    _lines: list[str] = field(default_factory=list)  # of the text that is being put together
    _counts: list[tuple[int, int]] = field(default_factory=list)  # of each text: its index, and how many lines it has

    def read(self, rows: Sequence[_Row]) -> None:
        """Add all rows of a file, whose cells are clean."""
        rows = [row for row in rows if not _is_rule(row)]
        filled = [row for row in rows if any(row)]
        hashed = sum(row[0].startswith(COMMENT) for row in filled)
        self._comments = 2 * hashed <= len(filled)
        blocks = [self._block(block) for block in _blocks(rows)]
        widest = max(block.width for block in blocks)
        groups = self._groups(blocks, widest)
        first = next((index for index, group in enumerate(groups) if group[0].sign == HeaderSign.TYPES), 0)
        for index, group in enumerate(groups):
            size = sum(len(block.rows) for block in group)
            if self._is_table(group, widest) and not (index < first and size <= MOST_TITLE_ROWS):
                self._add_table([row for block in group for row in block.rows], group[0].width)
            else:
                for block in group:
                    self._add_lines(block.rows)
                    self._end_text()
        self._end_text()

    def notes(self) -> list[str]:
        """Return what should be known: which lines are no rows, and which rows have more cells than names."""
        records = [index for index, item in enumerate(self.items) if not isinstance(item, str)]
        first, last = (records[0], records[-1]) if records else (0, 0)
        lines: Counter[str] = Counter()
        for index, count in self._counts:
            lines["above the table" if index < first else "below the table" if index > last else "between rows"] += (
                count
            )
        notes = [
            f"{plural(count, 'line')} {place} {'is' if count == 1 else 'are'} kept as text"
            for place, count in lines.items()
        ]
        if self.under_headers:
            notes.append("the line under the header holds units or types: it is kept as text")
        if self.tables > 1:
            notes.append(f"the file holds {self.tables} tables, each with columns of its own")
        if self.longer:
            notes.append(
                f"{plural(self.longer, 'row has', 'rows have')} more cells than the header has names: "
                "they are in columns that are called by their number"
            )
        return notes

    def _is_comment(self, row: _Row) -> bool:
        return self._comments and row[0].startswith(COMMENT)

    def _block(self, rows: list[_Row]) -> _Block:
        body = [row for row in rows if not self._is_comment(row)]
        width, alike = _main_width(body)
        body = [_trimmed(row, width) for row in body]
        at = _first_regular(body, width)
        full = at < len(body) and 2 * sum(map(bool, body[at])) >= width  # and no name with its value, above a table
        sign = header_sign(body[at], body[at + 1 :]) if full else HeaderSign.NONE
        return _Block(rows, width, alike, sign)

    def _groups(self, blocks: Sequence[_Block], widest: int) -> list[list[_Block]]:
        """Return the blocks of each table together: one of the same width continues it, unless it has a header."""
        groups: list[list[_Block]] = []
        for block in blocks:
            last = groups[-1][0] if groups else None
            continues = last is not None and last.width == block.width > 1 and block.sign < HeaderSign.TYPES
            if last and continues and (block.width == widest or last.alike > 1):
                groups[-1].append(block)
            else:
                groups.append([block])
        return groups

    @staticmethod
    def _is_table(group: Sequence[_Block], widest: int) -> bool:
        """Whether blocks are a table: as wide as the widest, or several rows under a header that is surely one."""
        first, alike = group[0], sum(block.alike for block in group)
        return first.width > 1 and (first.width == widest or (alike > 2 and first.sign == HeaderSign.TYPES))

    def _add_table(self, rows: Sequence[_Row], width: int) -> None:
        start, header = self._header(rows, width)
        self._add_lines(rows[: start - 1] if header else rows[:start])
        self._end_text()
        self.tables += 1
        data = rows[start:]
        units = header and _is_unit_row(header, data)
        if units and any(cell and not above for cell, above in zip(data[0], header, strict=False)):
            header, data, units = _joined_header(header, data[0]), data[1:], False
        names = column_names(header, max(map(len, rows)))
        sums = len(data) - _sum_rows(data)
        for index, row in enumerate(data):
            row = _trimmed(row, width)
            if (self._is_comment(row) and not _is_tagged(row, width)) or (len(row) == 1 and width > 2):
                self._add_lines([row])
            elif index >= sums:
                self._add_lines([[cell for cell in row if cell]])
            elif index == 0 and units:
                self.under_headers += 1
                self._add_lines([row], count=False)
            elif list(row) != list(header):  # of files that were joined the header stands in between once more
                self._end_text()
                self.items.append({name: cell for name, cell in zip(names, row, strict=False) if cell})
                self.longer += bool(header) and len(row) > len(header) and any(row[len(header) :])
        self._end_text()

    def _header(self, rows: Sequence[_Row], width: int) -> tuple[int, _Row]:
        """Return the index of the first row below the header, and the header, empty where there is none."""
        trimmed = [[] if self._is_comment(row) else _trimmed(row, width) for row in rows]
        at = min(_first_regular(trimmed, width), len(rows) - 1)
        first = _trimmed(rows[at], width)
        below = [_trimmed(row, width) for row in rows[at + 1 :] if not self._is_comment(row)]
        sign = header_sign(first, below)
        above = rows[at - 1] if at else []
        if sign < HeaderSign.TYPES and above:
            if self._is_comment(above):
                hashed = [above[0].lstrip(COMMENT).strip(), *above[1:]]
                if len(hashed) == width and header_sign(hashed, [first, *below]) == HeaderSign.TYPES:
                    return at, hashed
            elif 1 < len(above) < width and header_sign(above, [first, *below]):
                return at, above  # the rows have more cells than it has names
        return (at + 1, first) if sign else (at, [])

    def _add_lines(self, rows: Sequence[_Row], *, count: bool = True) -> None:
        for row in rows:
            self._lines.append(self._line(row))
            if count:
                self._counts.append((len(self.items), 1))

    def _line(self, row: _Row) -> str:
        sign = self.delimiter if self.delimiter.isspace() else f"{self.delimiter} "
        return sign.join(row).strip(f"{self.delimiter} ")

    def _end_text(self) -> None:
        if self._lines:
            self.items.append("\n".join(self._lines))
            self._lines = []


def _joined_header(upper: _Row, lower: _Row) -> list[str]:
    """Return the names of a header of two lines, of which the upper has names over several columns."""
    names, over = [], ""
    for above, name in zip_longest(upper, lower, fillvalue=""):
        over = above or (over if name else "")
        names.append(" ".join(filter(None, (over, name))))
    return names


def _is_tagged(row: _Row, width: int) -> bool:
    """Whether a row of a table begins with a name such as ``#general``, and is no comment or row that is taken out."""
    mark = row[0].removeprefix(COMMENT)
    return len(row) == width and mark[:1].isalpha() and all(row)


def _blocks(rows: Sequence[_Row]) -> Iterator[list[_Row]]:
    block: list[_Row] = []
    for row in rows:
        if any(row):
            block.append(row)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _main_width(rows: Sequence[_Row]) -> tuple[int, int]:
    """Return the most common number of cells, and how many rows have it; without a column that is empty in all."""
    counts = Counter(len(row) for row in rows if len(row) > 1)
    if not counts:
        return 1, 0
    width, alike = counts.most_common(1)[0]
    regular = [row for row in rows if len(row) == width]
    while width > 1 and not any(row[width - 1] for row in regular):
        width -= 1
    return width, alike


def _is_rule(row: _Row) -> bool:
    """Whether a row only draws a line under a header."""
    cells = [cell for cell in row if cell]
    return bool(cells) and (
        all(map(_RULE.fullmatch, cells)) or (len(cells) == 1 and _LONG_RULE.fullmatch(cells[0]) is not None)
    )


def _first_regular(rows: Sequence[_Row], width: int) -> int:
    """Return the index of the first row of ``width`` cells, behind titles that were filled up with empty cells."""
    regular = [index for index, row in enumerate(rows) if len(row) == width]
    sparse = [index for index in regular[:MOST_TITLE_ROWS] if 2 * sum(map(bool, rows[index])) <= width]
    if not sparse or sparse[0] != regular[0]:
        return regular[0] if regular else len(rows)
    dense = next((index for index in regular if index not in sparse), None)
    if dense is None:
        return regular[0]
    sign = header_sign(rows[dense], rows[dense + 1 :])
    titles = (
        width > 2 and all(rows[dense]) and all(sum(map(bool, rows[index])) == 1 for index in sparse if index < dense)
    )
    return dense if sign == HeaderSign.TYPES or (sign and titles) else regular[0]


def _trimmed(row: _Row, width: int) -> _Row:
    """Return a row without empty cells behind ``width`` columns."""
    end = len(row)
    while end > width and not row[end - 1]:
        end -= 1
    return row[:end]


def _sum_rows(data: Sequence[_Row]) -> int:
    """Return how many rows at the end of a table are sums: with a word where all others have numbers, and a gap."""
    count = 0
    body = data[: max(2, len(data) - MOST_SUMS)][-SAMPLE_ROWS:]
    for row in reversed(data[len(body) :]):
        words = [column for column, cell in enumerate(row) if _kind(cell) == "word"]
        above = [[_kind(other[column]) for other in body if len(other) > column] for column in words]
        if all(row) or not any(any(kinds) and "word" not in kinds for kinds in above):
            break
        count += 1
    return count


def _is_unit_row(header: _Row, data: Sequence[_Row]) -> bool:
    """Whether the first row under a header names the units or the types of the columns, and holds no values.

    It has words over every column of numbers or dates that it fills, one at least, and over columns of words nothing
    but what is in brackets or the name of a type.
    """
    if len(data) < 3 or len(data[0]) > len(header):
        return False
    named = 0
    sample = data[1 : 1 + SAMPLE_ROWS]
    for column, cell in enumerate(data[0]):
        if cell.lower() in _MISSING:
            continue
        kinds = [kind for row in sample if len(row) > column and (kind := _kind(row[column]))]
        typed = bool(kinds) and kinds.count("word") <= (1 - TYPED_SHARE) * len(kinds)
        if _kind(cell) != "word" or len(cell) > LONGEST_NAME:
            return False
        if typed:
            named += 1
        elif cell.lower() not in _TYPE_NAMES and not _BRACKETED.fullmatch(cell):
            return False
    return named > 0
