"""Paragraphs and tables of a Rich Text Format document as blocks of Markdown."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field, replace

from core.loading._markdown import markdown_table

MAX_NESTING = 20  # tables inside one another
_MAX_COLUMNS = 200
_SAME_EDGE = 100  # twentieths of a point: edges of cells that are nearer to one another are the same
_BULLET = re.compile(r"^[ \t]*[•◦▪·o\uf000-\uf0ff-]\t[ \t]*(?=\S)")
# Some programs write a "?" after each half that no old reader needs.
_SURROGATES = re.compile("([\ud800-\udbff])(?:([\udc00-\udfff])|\\?([\udc00-\udfff])\\?)")


@dataclass(frozen=True, slots=True)
class CellDefinition:
    """A cell's right edge in twentieths of a point, and whether it goes on with the cell before or above it."""

    right: int = 0
    joins_left: bool = False
    joins_above: bool = False


@dataclass
class _TableRow:
    cells: list[str]
    definitions: list[CellDefinition]


@dataclass
class _TableLevel:
    """What is read of a table at one depth of nesting: its rows, the cells of the row, the paragraphs of the cell."""

    rows: list[_TableRow] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    paragraphs: list[str] = field(default_factory=list)
    definitions: list[CellDefinition] = field(default_factory=list)
    cell: CellDefinition = CellDefinition()


class Flow:
    """A text that is read paragraph by paragraph: the body, or a note, header or text box."""

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.length = 0  # characters added so far
        self._buffer: list[str] = []
        self._levels: dict[int, _TableLevel] = {}
        self._floating: list[str] = []  # texts of boxes that hang on the paragraph
        self.list_mark = ""

    def add(self, text: str) -> None:
        """Add characters to the paragraph."""
        self._buffer.append(text)
        self.length += len(text)

    def add_box(self, text: str) -> None:
        """Add the text of a box, which is to stand after the paragraph."""
        if text:
            self._floating.append(text)

    def plain(self) -> str:
        """Return the characters of the paragraph so far."""
        return _joined_surrogates("".join(self._buffer))

    def take_plain(self) -> str:
        """Return the characters of the paragraph so far, and begin it again."""
        text = self.plain()
        self._buffer.clear()
        return text

    def end_paragraph(self, heading: int | None, depth: int) -> None:
        """End the paragraph: a heading of level ``heading``, in a cell of a table at ``depth``, 0 for none."""
        level = self._levels.get(1)
        if not depth and level and level.cells:
            depth = 1  # programs that mark cells only where they end
        text = self._take_paragraph(heading if not depth else None)
        if depth:
            self._level(depth).paragraphs += text
        elif text:
            self._close_table()
            self.blocks += text

    def _take_paragraph(self, heading: int | None = None) -> list[str]:
        text = self.plain()
        self._buffer.clear()
        if not self.list_mark and _BULLET.match(text):
            text, self.list_mark = _BULLET.sub("", text), "* "
        lines = [line.strip() for line in text.split("\n")]
        text = "\n".join(line for line in lines if line)
        if text and heading:
            text = f"{'#' * heading} {self.list_mark.removeprefix('* ')}{' '.join(text.split())}"
        elif text:
            text = self.list_mark + text
        self.list_mark = ""
        boxes = self._floating
        self._floating = []
        return [block for block in (text, *boxes) if block]

    def _level(self, depth: int) -> _TableLevel:
        """Return the table that is read at ``depth``, from 1."""
        depth = min(depth, MAX_NESTING)
        if depth not in self._levels:
            self._levels[depth] = _TableLevel()
        return self._levels[depth]

    def table_mark(self, word: str, number: int, inner: int, in_cell: bool, inner_row: bool) -> None:
        """Follow a control word of tables: the end of a cell or row, or the definition of a row.

        ``inner`` is the depth of the table inside another one, ``inner_row`` whether its row is being defined,
        ``in_cell`` whether the paragraph is marked as part of a table.
        """
        depth = inner if inner_row else 1
        level = self._level(depth)
        if word == "trowd":
            self._begin_row(depth, in_cell)
        elif word == "cellx":
            level.definitions.append(replace(level.cell, right=number))
            level.cell = CellDefinition()
        elif word == "clmrg":
            level.cell = replace(level.cell, joins_left=True)
        elif word == "clvmrg":
            level.cell = replace(level.cell, joins_above=True)
        elif word in ("cell", "nestcell"):
            self._end_cell(1 if word == "cell" else inner)
        else:
            self._end_row(1 if word == "row" else inner)

    def _begin_row(self, depth: int, in_cell: bool) -> None:
        """Forget the definitions of the cells of the row before; text that is not ``in_cell`` is a paragraph."""
        level = self._level(depth)
        if not in_cell and not level.cells and "".join(self._buffer).strip():
            self.end_paragraph(None, 0)  # text that no mark divides from the table
            level = self._level(depth)
        level.definitions, level.cell = [], CellDefinition()

    def _end_cell(self, depth: int) -> None:
        """End a cell: the paragraphs and inner tables since the cell before are its text."""
        level = self._level(depth)
        self._take_inner_tables(depth, level)
        level.paragraphs += self._take_paragraph()
        level.cells.append(" ".join(level.paragraphs))
        level.paragraphs = []

    def _end_row(self, depth: int) -> None:
        """End a row; text after its last cell is a cell more."""
        level = self._level(depth)
        if level.paragraphs or "".join(self._buffer).strip():
            self._end_cell(depth)
        if level.cells:
            level.rows.append(_TableRow(level.cells, level.definitions))
            level.cells = []

    def _take_inner_tables(self, depth: int, level: _TableLevel) -> None:
        for inner in sorted(key for key in self._levels if key > depth):
            table = self._levels.pop(inner)
            rows = [row.cells for row in table.rows] + [[*table.cells, *table.paragraphs]]
            text = "; ".join(" ".join(filter(None, cells)) for cells in rows if any(cells))
            if text:
                level.paragraphs.append(text)

    def _close_table(self) -> None:
        if not self._levels:
            return
        level = self._level(1)
        self._take_inner_tables(1, level)
        if level.paragraphs:
            level.cells.append(" ".join(level.paragraphs))
            level.paragraphs = []
        self._end_row(1)
        del self._levels[1]
        table = markdown_table(_grid(level.rows))
        if table:
            self.blocks.append(table)

    def finish(self) -> str:
        """End what is open and return the text, with a blank line between blocks."""
        pending = self._take_paragraph()
        if self._levels and pending and self._level(1).cells:
            self._level(1).paragraphs += pending
            pending = []
        self._close_table()
        self.blocks += pending
        return "\n\n".join(self.blocks)


def _joined_surrogates(text: str) -> str:
    """Return ``text`` with each pair of UTF-16's surrogates as the character that it stands for."""
    return _SURROGATES.sub(
        lambda pair: (pair[1] + (pair[2] or pair[3])).encode("utf-16", "surrogatepass").decode("utf-16"), text
    )


def _grid(rows: list[_TableRow]) -> list[list[str]]:
    """Return the texts of a table's cells; the text of a merged cell stands in every place that it covers.

    A cell that is as wide as several others covers their columns where one row has all columns. In tables whose rows
    have edges of their own each cell has one place.
    """
    edges: list[int] = []
    for edge in sorted({cell.right for row in rows for cell in row.definitions}):
        if not edges or edge - edges[-1] > _SAME_EDGE:
            edges.append(edge)
    widest = max((len(row.definitions) for row in rows), default=0)
    by_edges = len(edges) <= min(widest, _MAX_COLUMNS)
    grid: list[list[str]] = []
    for row in rows:
        texts: list[str] = []
        left = -1  # the column of the last edge
        for index, text in enumerate(row.cells):
            definition = row.definitions[index] if index < len(row.definitions) else None
            width = 1
            if by_edges and definition:
                column = min(bisect_left(edges, definition.right - _SAME_EDGE), len(edges) - 1)
                width = max(column - left, 1)
                left = max(column, left + 1)
            if definition and definition.joins_left and texts and not text:
                text = texts[-1]
            if definition and definition.joins_above and grid and not text and len(texts) < len(grid[-1]):
                text = grid[-1][len(texts)]
            texts += [text] * width
        grid.append(texts)
    return grid
