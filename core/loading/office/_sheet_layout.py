"""The tables of a sheet and the text around them, told from one another by blank rows and columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from core.loading._markdown import markdown_table
from core.loading._omissions import listed, place_names
from core.loading.office._sheet import SheetCells, column_name
from core.util.formatting import plural

_MOST_CUTS = 6  # that lie inside one another: rows, columns, rows, ...
_NEAR_COLUMNS = 2  # blank ones between a table and a remark beside its rows
_FAR_ROWS, _FAR_COLUMNS = 20, 10  # blank ones around a stray cell
_TITLE_ROWS = 20  # that may stand over a header
_MOST_PLACES = 5_000_000  # of a table with fewer cells than that
_SAMPLE_ROWS = 50  # looked at to tell how wide a table is
_SHORTEST_LIST, _LONGEST_ITEM = 4, 40  # rows and characters of a single column that is a table, not lines of text
_WIDE = 0.6  # of a table's columns that its header names


@dataclass
class _Block:
    """Rows of a sheet, each with its number and the texts of some columns."""

    rows: list[tuple[int, dict[int, str]]]
    header_columns: frozenset[int] = frozenset()
    columns: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.columns = sorted({column for _, cells in self.rows for column in cells})

    @property
    def top(self) -> int:
        return self.rows[0][0]

    @property
    def bottom(self) -> int:
        return self.rows[-1][0]

    @property
    def left(self) -> int:
        return self.columns[0]

    @property
    def right(self) -> int:
        return self.columns[-1]


@dataclass(frozen=True, slots=True)
class SheetText:
    """A sheet as Markdown, and the addresses of single cells far from all others."""

    text: str
    stray: tuple[str, ...] = ()


def sheet_text(sheet: SheetCells) -> SheetText:
    """Return a sheet as Markdown: each of its tables with the lines of text over it."""
    rows = sorted(sheet.rows.items())
    if not rows:
        return SheetText("")
    blocks = _continued(_cut(_Block(rows), 0), sheet)
    stray = _stray(blocks)
    return SheetText("\n\n".join(filter(None, (_markdown(block, sheet) for block in blocks))), stray)


def _cut(block: _Block, depth: int) -> list[_Block]:
    """Return the parts of a block that blank rows or columns separate, in reading order."""
    if depth >= _MOST_CUTS:
        return [block]
    bands: list[list[tuple[int, dict[int, str]]]] = []
    for number, cells in block.rows:
        if not bands or number > bands[-1][-1][0] + 1:
            bands.append([])
        bands[-1].append((number, cells))
    if len(bands) > 1:
        return [part for band in bands for part in _cut(_Block(band), depth + 1)]
    parts = _side_by_side(block)
    if len(parts) < 2:
        return [block]
    return [cut for part in parts for cut in _cut(part, depth + 1)]


def _side_by_side(block: _Block) -> list[_Block]:
    """Return the parts of a block that blank columns separate, those together whose rows belong to one table.

    Separate tables have headers of their own: two columns or more, or rows that do not begin together. A column or a
    remark beside the rows of a table belongs to it, and so do the groups of columns beside the names of the rows.
    """
    group_of: dict[int, int] = {}
    last = None
    for column in block.columns:
        group_of[column] = 0 if last is None else group_of[last] + (column > last + 1)
        last = column
    rows: list[list[tuple[int, dict[int, str]]]] = [[] for _ in range(group_of[block.right] + 1)]
    for number, cells in block.rows:
        parts: dict[int, dict[int, str]] = {}
        for column, text in cells.items():
            parts.setdefault(group_of[column], {})[column] = text
        for group, part in parts.items():
            rows[group].append((number, part))
    tables: list[list[_Block]] = []
    for beside in map(_Block, rows):
        if tables and _belongs(tables[-1], beside):
            tables[-1].append(beside)
        else:
            tables.append([beside])
    return [_together(table) for table in tables]


def _belongs(table: Sequence[_Block], part: _Block) -> bool:
    first, last = table[0], table[-1]
    gap = part.left - last.right - 1
    near = gap <= _NEAR_COLUMNS
    beside = first.top <= part.top and part.bottom <= first.bottom and len(first.rows) > 1
    # A first column alone holds the names of the rows, perhaps with nothing above it in the row of headers.
    labels = len(first.columns) == 1 and len(first.rows) > 1
    same_rows = part.top <= first.top <= part.top + 1 and part.bottom == first.bottom
    if labels and same_rows:
        return gap <= _FAR_COLUMNS
    return near and beside and (len(part.columns) == 1 or (labels and len(table) == 1))


def _together(parts: Sequence[_Block]) -> _Block:
    rows: dict[int, dict[int, str]] = {}
    for part in parts:
        for number, cells in part.rows:
            rows.setdefault(number, {}).update(cells)
    return _Block(sorted(rows.items()))


def _is_full_text(cells: dict[int, str], numbers: int, columns: Sequence[int]) -> bool:
    """Return whether a row looks like a header: different texts, no numbers, for most of the columns."""
    texts = [text for at, text in cells.items() if not numbers >> at & 1]
    return len(texts) == len(cells) and len(cells) >= max(2, _WIDE * len(columns))


def _continued(blocks: Sequence[_Block], sheet: SheetCells) -> list[_Block]:
    """Return the blocks, those appended to the table above that go on with its columns after a blank row."""
    result: list[_Block] = []
    for block in blocks:
        above = result[-1] if result else None
        if above and _goes_on(above, block, sheet):
            result[-1] = _Block([*above.rows, *block.rows])
        else:
            result.append(block)
    return result


def _goes_on(above: _Block, block: _Block, sheet: SheetCells) -> bool:
    """Return whether a block after a blank row belongs to the table above: its first row is no header."""
    numbers, styles = sheet.numbers, sheet.styles
    if len(above.rows) < 2 or len(above.columns) < 2 or block.top != above.bottom + 2:
        return False
    if not set(block.columns) <= set(above.columns) or len(block.columns) < 2:
        return False
    number, first = block.rows[0]
    if len(first) < 2:
        return False
    head, body = styles.get(above.top, ""), styles.get(above.bottom, "")
    if head != body:  # headers look different in this sheet
        return styles.get(block.top, "") != head
    starts_with_header = _is_full_text(first, numbers.get(number, 0), block.columns)
    has_numbers_below = any(numbers.get(row, 0) for row, _ in block.rows[1:_SAMPLE_ROWS])
    if starts_with_header and (has_numbers_below or not any(numbers.get(row, 0) for row, _ in above.rows[1:])):
        return len(block.rows) == 1
    return True


def _stray(blocks: Sequence[_Block]) -> tuple[str, ...]:
    """Return the addresses of blocks of a single cell that are far from the block before or the sheet's beginning."""
    addresses = []
    bottom = right = 0
    for block in blocks:
        far = block.top - bottom > _FAR_ROWS or block.left - right > _FAR_COLUMNS
        if len(block.rows) == 1 and len(block.columns) == 1 and far:
            addresses.append(f"{column_name(block.left)}{block.top}")
        bottom, right = max(bottom, block.bottom), max(right, block.right)
    return tuple(addresses)


def _markdown(block: _Block, sheet: SheetCells) -> str:
    """Return a block as the lines over its header and a table, a single cell or column of text as lines."""
    if len(block.columns) == 1:
        lines = [" ".join(text.split()) for _, cells in block.rows for text in cells.values()]
        if len(lines) < _SHORTEST_LIST or max(map(len, lines)) > _LONGEST_ITEM:
            return "\n".join(lines)
    start = _header_row(block, sheet)
    titles = [
        " ".join(dict.fromkeys(" ".join(text.split()) for text in cells.values())) for _, cells in block.rows[:start]
    ]
    body = _Block(block.rows[start:])
    if len(body.rows) * len(body.columns) > _MOST_PLACES > sum(len(cells) for _, cells in body.rows):
        return "\n".join([*titles, *("; ".join(cells.values()) for _, cells in body.rows)])  # far more gaps than cells
    table = markdown_table([[cells.get(column, "") for column in body.columns] for _, cells in body.rows])
    return "\n\n".join(filter(None, ["\n".join(titles), table]))


def _header_row(block: _Block, sheet: SheetCells) -> int:
    """Return the index of a block's header: its first row of two cells or more, or a fuller one of names below it."""
    if len(block.columns) < 2 or len(block.rows) < 2:
        return 0
    numbers, top = sheet.numbers, block.rows[:_TITLE_ROWS]
    start = next((at for at, (row, cells) in enumerate(top) if not _is_title(cells, row in sheet.merged_rows)), 0)
    widths = Counter(len(cells) for _, cells in block.rows[start : start + _SAMPLE_ROWS])
    usual = max(widths, key=lambda width: (widths[width], width))
    first = block.rows[start][1]
    if len(first) >= usual or min(first) > block.left:  # full, or names without one for the first column
        return start
    for at in range(start + 1, min(len(top), len(block.rows) - 1)):
        number, cells = block.rows[at]
        is_full = len(cells) >= usual and _is_full_text(cells, numbers.get(number, 0), range(usual))
        if is_full and numbers.get(block.rows[at + 1][0], 0):
            return at
    return start


def _is_title(cells: dict[int, str], is_merged: bool) -> bool:
    return len(cells) == 1 or (is_merged and len(set(cells.values())) == 1)


def sheet_notes(title: str, sheet: SheetCells, stray: Sequence[str]) -> Iterator[str]:
    """Yield what is to be said of the sheet ``title``: formulas without values, hidden and far cells."""
    if sheet.formulas:
        verb = "formula has no stored value and is" if sheet.formulas == 1 else "formulas have no stored value and are"
        yield f"{sheet.formulas:,} {verb} shown instead in sheet '{title}'"
    if sheet.concealed:
        yield f"{plural(sheet.concealed, 'value')} hidden by the number format left out in sheet '{title}'"
    if sheet.hidden_rows:
        yield f"hidden {_runs('row', sheet.hidden_rows)} of sheet '{title}' read too"
    used = {column for row in sheet.rows.values() for column in row} if sheet.hidden_columns else set()
    columns = [column_name(column) for column in dict.fromkeys(sheet.hidden_columns) if column in used]
    if columns:
        yield f"hidden {place_names('column', columns)} of sheet '{title}' read too"
    if stray:
        yield f"far from the other cells of sheet '{title}': {listed(stray)}"


def _runs(noun: str, numbers: Sequence[int]) -> str:
    """Return numbers as runs: ``row 3``, ``rows 3, 5 to 9``."""
    runs = []
    for _, group in groupby(enumerate(sorted(set(numbers))), key=lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        runs.append(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]))
    return f"{noun if len(set(numbers)) == 1 else f'{noun}s'} {listed(runs)}"
