"""Tables of web pages: rows and headers with merged cells filled in, told from tables that only lay out a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from core.loading._markdown import Cell, expand_spans, markdown_table
from core.loading.html.blocks import Block, Flow, one_line

_SECTION_LENGTH = 600  # letters of a cell with several blocks that is a part of the page, in a table without headers
_HEADED_SECTION_LENGTH = 1500  # the same in a table with headers
_SECTION_BLOCKS = 3
_SHORT_CELL = 200  # letters
_MAX_DEPTH = 3  # tables inside each other that are read as tables
_MAX_HEADER_ROWS = 3
_MAX_PADDING = 1_000_000  # empty cells that fill up the rows of a table
REPEATED_TEXT = 2_000_000  # characters that merged cells may repeat on a page


@dataclass(slots=True)
class TableCell:
    """A cell while it is read."""

    flow: Flow
    rows: int
    columns: int
    is_header: bool

    def text(self) -> str:
        """Return the cell's text in one line."""
        return one_line(self.flow.blocks)


@dataclass(slots=True)
class HtmlTable:
    """A table while it is read: rows of its head, bodies and foot; each body is a list of rows of its own."""

    layout: bool
    head: list[list[TableCell]] = field(default_factory=list)
    bodies: list[list[list[TableCell]]] = field(default_factory=lambda: [[]])
    foot: list[list[TableCell]] = field(default_factory=list)
    section: str = ""
    captions: list[Block] = field(default_factory=list)

    def start_section(self, tag: str) -> None:
        """Begin a <thead>, <tbody> or <tfoot>."""
        self.section = tag
        if tag == "tbody":
            self.bodies.append([])

    def start_row(self) -> None:
        """Begin a row of the section that was begun last."""
        self._rows().append([])

    def start_cell(self, cell: TableCell) -> None:
        """Add a cell to the row that was begun last."""
        rows = self._rows()
        if not rows:
            rows.append([])
        rows[-1].append(cell)

    def _rows(self) -> list[list[TableCell]]:
        return self.head if self.section == "thead" else self.foot if self.section == "tfoot" else self.bodies[-1]

    def sections(self) -> list[list[list[TableCell]]]:
        """Return the rows of each section as they are read: the foot last."""
        return [section for section in (self.head, *self.bodies, self.foot) if section]

    def cells(self) -> Iterator[TableCell]:
        """Yield all cells in reading order."""
        return (cell for section in self.sections() for row in section for cell in row)

    def depth(self) -> int:
        """Return how many tables are inside each other here, this one among them."""
        return 1 + max((cell.flow.depth for cell in self.cells()), default=0)

    def is_layout(self) -> bool:
        """Return whether the table only lays out the page: a cell, a column, or parts of the page side by side."""
        if self.layout or self.depth() > _MAX_DEPTH:
            return True
        rows = [row for section in self.sections() for row in section if any(cell.flow.blocks for cell in row)]
        filled = [cell for row in rows for cell in row if cell.flow.blocks]
        headed = bool(self.head or self.captions) or any(cell.is_header for cell in filled)
        if any(_is_section(cell, _HEADED_SECTION_LENGTH if headed else _SECTION_LENGTH) for cell in filled):
            return True
        if headed:
            return False
        if len(filled) <= 1 or max(map(len, rows)) == 1:
            return True
        if len(rows) == 1:
            return any(
                len(cell.flow.blocks) > 1 or cell.flow.depth or cell.flow.letters > _SHORT_CELL for cell in filled
            )
        # Tables in cells of a table without headers: parts of a page, unless rows and columns are those of data.
        return any(cell.flow.depth for cell in filled) and len({len(row) for row in rows}) > 1

    def blocks(self) -> list[Block]:
        """Return the blocks of all cells one after the other, as in a table that only lays out the page."""
        return list(chain(self.captions, *(cell.flow.blocks for cell in self.cells())))

    def letters(self) -> int:
        """Return how long the text of all cells is."""
        return sum(cell.flow.letters for cell in self.cells())

    def texts(self, budget: list[int]) -> tuple[list[list[str]], int]:
        """Return the rows of cells' texts with merged cells filled in, and how many of the first are headers.

        ``budget`` holds how many characters merged cells may still repeat on the page, and is reduced by them.
        """
        rows: list[list[str]] = []
        for section in self.sections():
            rows += expand_spans(_clipped(section, budget))
        return rows, self._header_rows()

    def _header_rows(self) -> int:
        if self.head:
            return len(self.head)
        first = next(iter(self.sections()), [])
        count = 0
        while count < len(first) and first[count] and all(cell.is_header for cell in first[count]):
            count += 1
        return count if count < sum(map(len, self.sections())) else 1


def _is_section(cell: TableCell, length: int) -> bool:
    flow = cell.flow
    if flow.letters <= length:
        return False
    return bool(flow.headings or flow.depth) or sum(not block.item for block in flow.blocks) >= _SECTION_BLOCKS


def _clipped(section: list[list[TableCell]], budget: list[int]) -> list[list[Cell]]:
    """Return a section's cells with spans that end with the section and with the widest row, within the budget."""
    width = max(max(len(row), sum(cell.columns for cell in row if cell.columns <= 50)) for row in section)
    rows = []
    for index, row in enumerate(section):
        left = len(section) - index
        cells = []
        for cell in row:
            text = cell.text()
            height = left if cell.rows == 0 else min(cell.rows, left)
            columns = max(min(cell.columns, width), 1)
            cost = (height * columns - 1) * (len(text) + 1)
            if cost > budget[0]:
                height = columns = 1
            elif cost:
                budget[0] -= cost
            cells.append(Cell(text, height, columns))
        rows.append(cells)
    return rows


def table_block(rows: Sequence[Sequence[str]], header_rows: int) -> list[tuple[str, str]]:
    """Return the Markdown and the one-line form of a table's title, if it has one, and of its rows."""
    titles, rows = _split_titles([list(row) for row in rows], header_rows)
    header_rows -= len(titles)
    if 1 < header_rows <= min(_MAX_HEADER_ROWS, len(rows) - 1):
        rows = [_joined_header(rows[:header_rows]), *rows[header_rows:]]
    blocks = [(title, title) for title in titles if title]
    filled = [row for row in rows if any(row)]
    plain = "; ".join(": ".join(filter(None, row)) if len(row) == 2 else ", ".join(filter(None, row)) for row in filled)
    width = max(map(len, filled), default=0)
    if width * len(filled) - sum(map(len, filled)) > _MAX_PADDING:
        blocks += [(line, line) for line in (", ".join(filter(None, row)) for row in filled)]
    elif filled:
        blocks.append((markdown_table(filled), plain))
    return blocks


def _split_titles(rows: list[list[str]], header_rows: int) -> tuple[list[str], list[list[str]]]:
    """Return the leading header rows that are one cell over the whole width, and the other rows."""
    count = 0
    while count < header_rows - 1 and len(rows[count]) > 1 and len(set(rows[count])) == 1:
        count += 1
    return [row[0] for row in rows[:count]], rows[count:]


def _joined_header(rows: list[list[str]]) -> list[str]:
    """Return one header row: in each column the different texts from top to bottom."""
    width = max(map(len, rows))
    columns = ([row[index] for row in rows if index < len(row) and row[index]] for index in range(width))
    return [" ".join(dict.fromkeys(texts)) for texts in columns]
