"""Cells of a workbook's sheet, read sparsely from its XML (ECMA-376 Part 1, 18.3)."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lxml import etree

from core.loading.office._blocks import is_page_label
from core.loading.office._number_format import NumberFormat
from core.loading.office._ooxml import attribute, kind

_REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?(\d{1,10})")
# A cell's reference in a formula, or a text or a sheet's name in quotes, which may look like one.
_FORMULA_REFERENCE = re.compile(
    r"\"[^\"]*\"|'[^']*'|(?<![\w.$])(?P<fixed_column>\$?)(?P<letters>[A-Z]{1,3})(?P<fixed_row>\$?)"
    r"(?P<digits>[1-9]\d{0,6})(?![\w.(!])"
)
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_MARGIN_PART = re.compile(r"(?<!&)(?:&&)*+&[LCR]")  # where the left, middle or right part begins
_MARGIN_CODE = re.compile(r'&(?:"[^"]*"|\d+|K(?:[0-9A-Fa-f]{6}|\d\d[+-]\d{3})|.)', re.DOTALL)
_FUTURE = re.compile(r"_xlfn\.|_xlws\.|_xlpm\.|_xludf\.")
LAST_COLUMN = 16_384
MOST_TOLD = 1000  # columns of which it is known whether a cell is a number
_MOST_DIGITS = 10  # of a row's number
_LONGEST_REPEATED = 1000  # characters of a merged cell's text that stands in every row it covers
_MOST_REPEATED = 2_000_000  # places that all merged cells together fill


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of cells, first and last row and column, from 1."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass
class SheetCells:
    """A sheet's cells that are not empty: row number to column number to text, columns in ascending order."""

    rows: dict[int, dict[int, str]] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)  # row number to a bit for each column that is no text
    styles: dict[int, str] = field(default_factory=dict)  # row number to the style of its first cell
    merged: list[Area] = field(default_factory=list)
    merged_rows: set[int] = field(default_factory=set)  # in which a cell that goes over several columns begins
    margins: list[str] = field(default_factory=list)  # headers and footers of printed pages
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[int] = field(default_factory=list)
    formulas: int = 0  # without a stored value
    computed: int = 0  # formulas with one
    zero_formulas: int = 0  # those of them whose value is 0
    lost: int = 0  # texts that the workbook's table of texts does not have
    rich: int = 0  # errors that stand for a picture or for linked data, which newer programs show
    concealed: int = 0  # values that their number format shows as nothing


@dataclass(frozen=True, slots=True)
class Book:
    """What the sheets of a workbook share: texts, and the number format of each style."""

    texts: Sequence[str]
    formats: Sequence[NumberFormat]
    default: NumberFormat


def column_name(column: int) -> str:
    """Return a column's letters: ``A`` for 1, ``ZZ`` for 702."""
    letters = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def place(reference: str) -> tuple[int, int] | None:
    """Return row and column of a reference such as ``B7``, None if it is none."""
    match = _REFERENCE.fullmatch(reference)
    if not match:
        return None
    column = 0
    for letter in match[1].upper():
        column = column * 26 + ord(letter) - 64
    return int(match[2]), column


def area(reference: str) -> Area | None:
    """Return the area of a reference such as ``A1:C3`` or ``B7``, None if it is none."""
    first, _, last = reference.partition(":")
    start, end = place(first), place(last or first)
    return Area(start[0], start[1], end[0], end[1]) if start and end else None


def unescaped(text: str) -> str:
    """Return a text with the characters that XML cannot hold, written ``_x000D_``."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def rich_text(element: etree._Element) -> str:
    """Return the text of a shared or inline string, without phonetic readings."""
    parts = []
    for found in element:
        name = kind(found)
        if name == "s:t":
            parts.append(found.text or "")
        elif name == "s:r":
            parts += [run.text or "" for run in found if kind(run) == "s:t"]
    return unescaped("".join(parts))


def shared_texts(xml: bytes) -> Iterator[str]:
    """Yield the texts of a workbook's table of shared strings. Raises lxml's XMLSyntaxError."""
    for _, element in etree.iterparse(io.BytesIO(xml), tag="{*}si", resolve_entities=False, no_network=True):
        yield rich_text(element)
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def read_sheet(xml: bytes, book: Book, ignores_values: bool = False) -> SheetCells:
    """Return the cells of a worksheet's XML as they are shown; ``ignores_values``: those stored for formulas.

    Raises lxml's XMLSyntaxError.
    """
    sheet = SheetCells()
    reader = _Reader(sheet, book, ignores_values)
    tags = ("{*}row", "{*}mergeCell", "{*}col", "{*}headerFooter")
    hidden: set[int] = set()
    for _, element in etree.iterparse(io.BytesIO(xml), tag=tags, resolve_entities=False, no_network=True):
        name = kind(element)
        if name == "s:row":
            reader.row(element)
        elif name == "s:mergeCell":
            merged = area(attribute(element, "ref"))
            if merged:
                sheet.merged.append(merged)
        elif name == "s:col" and attribute(element, "hidden") in ("1", "true"):
            first, last = (attribute(element, end, "0") for end in ("min", "max"))
            if first.isdecimal() and last.isdecimal() and len(hidden) < LAST_COLUMN:
                hidden.update(range(int(first), min(int(last), LAST_COLUMN) + 1))
        elif name == "s:headerFooter":
            sheet.margins += _printed_margins(element)
        element.clear()
        while element.getprevious() is not None and element.getparent() is not None:
            del element.getparent()[0]
    sheet.hidden_columns = sorted(hidden)
    fill_merged(sheet)
    return sheet


def _printed_margins(element: etree._Element) -> Iterator[str]:
    """Yield the headers and footers of printed pages (18.3.1.46) without what is the page's: numbers, dates, names."""
    shown = {"odd": True}
    shown["even"] = element.get("differentOddEven") in ("1", "true")
    shown["first"] = element.get("differentFirst") in ("1", "true")
    for found in element:
        name = kind(found).removeprefix("s:")
        if shown.get(name.removesuffix("Header").removesuffix("Footer")):
            parts = (_MARGIN_CODE.sub(_margin_sign, part) for part in _MARGIN_PART.split(found.text or ""))
            words = (" ".join(unescaped(part).split()) for part in parts)
            if text := "; ".join(part for part in words if not is_page_label(part)):
                yield text


def _margin_sign(match: re.Match[str]) -> str:
    return "&" if match[0] == "&&" else ""


class _Reader:
    """Takes one row after the other into a sheet."""

    def __init__(self, sheet: SheetCells, book: Book, ignores_values: bool) -> None:
        self._sheet = sheet
        self._ignores_values = ignores_values
        self._book = book
        self._last_row = 0
        self._columns: dict[str, int] = {}
        self._styles = {str(number): style for number, style in enumerate(book.formats)}
        self._shared: dict[str, tuple[str, str]] = {}  # index of a shared formula -> its text and its cell

    def row(self, row: etree._Element) -> None:
        given = row.get("r", "")
        number = int(given) if given.isdecimal() and len(given) <= _MOST_DIGITS else self._last_row + 1
        self._last_row = number
        cells: dict[int, str] = {}
        last = numbers = 0
        style = ""
        for cell in row:
            letters = cell.get("r", "").rstrip("0123456789")
            last = (self._columns.get(letters) or self._column(letters)) if letters else last + 1
            text, is_text = self._text(cell, last, number)
            if text and not text.isspace():
                style = style if cells else cell.get("s", "0")
                cells[last] = text
                if not is_text and last <= MOST_TOLD:
                    numbers |= 1 << last
        if cells:
            cells = {**self._sheet.rows.get(number, {}), **cells}
            self._sheet.rows[number] = dict(sorted(cells.items()))
            self._sheet.numbers[number] = self._sheet.numbers.get(number, 0) | numbers
            self._sheet.styles[number] = style
            if row.get("hidden") in ("1", "true"):
                self._sheet.hidden_rows.append(number)

    def _column(self, letters: str) -> int:
        at = place(f"{letters.strip('$')}1")
        self._columns[letters] = column = at[1] if at else 1
        return column

    def _text(self, cell: etree._Element, column: int, row: int) -> tuple[str, bool]:
        """Return a cell's text, and whether it is a text rather than a number, date or error."""
        raw, formula, inline = "", None, None
        for found in cell:
            name = kind(found)
            if name == "s:v":
                raw = found.text or ""
            elif name == "s:f":
                formula = found
            elif name == "s:is":
                inline = found
        cell_type = cell.get("t", "n")
        if formula is not None:
            text = self._formula(formula, f"{column_name(column)}{row}")
            has_value = bool(raw) or inline is not None or cell_type == "str"
            if text and (not has_value or self._ignores_values):
                self._sheet.formulas += 1
                return text, False
            self._sheet.computed += 1
            self._sheet.zero_formulas += raw == "0" and cell_type == "n"
        style = self._styles.get(cell.get("s", "0"), self._book.default)
        if cell_type == "s":
            known = raw.strip().isdecimal() and len(raw) < 20 and int(raw) < len(self._book.texts)
            self._sheet.lost += bool(raw.strip()) and not known
            return (style.string(self._book.texts[int(raw)]) if known else ""), True
        if cell_type == "inlineStr" or inline is not None:
            return style.string(rich_text(inline) if inline is not None else unescaped(raw)), True
        if cell_type == "str":
            return style.string(unescaped(raw)), True
        if cell_type == "b":
            return ("true" if raw.strip() in ("1", "true") else "false" if raw.strip() else ""), False
        if cell_type == "d":
            return raw.strip().replace("T", " ").removesuffix(" 00:00:00"), False
        if cell_type == "e":
            self._sheet.rich += cell.get("vm", "0") != "0"
            return raw.strip(), False
        text = style.text(raw) if raw else ""
        if raw and not text and raw.strip("0.- \n"):
            self._sheet.concealed += 1
        return text, False

    def _formula(self, formula: etree._Element, reference: str) -> str:
        """Return a formula as it is shown in the cell ``reference``; those shared by cells are moved there."""
        text, index = formula.text or "", formula.get("si", "")
        if formula.get("t") == "shared" and index:
            if text:
                self._shared[index] = (text, reference)
            elif index in self._shared:
                text, origin = self._shared[index]
                text = _moved(text, origin, reference)
        text = _FUTURE.sub("", text)
        return f"={text}" if text else ""


def _moved(formula: str, origin: str, reference: str) -> str:
    """Return a formula of the cell ``origin`` as it reads in the cell ``reference``: relative references move along."""
    start, end = place(origin), place(reference)
    if start is None or end is None:
        return formula
    down, across = end[0] - start[0], end[1] - start[1]

    def move(match: re.Match[str]) -> str:
        if not match["letters"]:
            return match[0]
        at = place(f"{match['letters']}{match['digits']}")
        if at is None:
            return match[0]
        row = at[0] if match["fixed_row"] else at[0] + down
        column = at[1] if match["fixed_column"] else at[1] + across
        if row < 1 or column < 1:
            return "#REF!"
        return f"{match['fixed_column']}{column_name(column)}{match['fixed_row']}{row}"

    return _FORMULA_REFERENCE.sub(move, formula)


def fill_merged(sheet: SheetCells) -> None:
    """Write a merged cell's text into every row and column that it covers, as far as the sheet is used."""
    places = 0
    last_row = max(sheet.rows, default=0)
    last_column = max((max(cells) for cells in sheet.rows.values()), default=0)
    for merged in sheet.merged:
        if merged.right > merged.left:
            sheet.merged_rows.add(merged.top)
        text = sheet.rows.get(merged.top, {}).get(merged.left, "")
        if not text or len(text) > _LONGEST_REPEATED:
            continue
        bottom, right = min(merged.bottom, last_row), min(merged.right, last_column)
        places += (bottom - merged.top + 1) * (right - merged.left + 1)
        if places > _MOST_REPEATED:
            break
        is_number = sheet.numbers.get(merged.top, 0) >> merged.left & 1  # 0 beyond MOST_TOLD
        for row in range(merged.top, bottom + 1):
            cells = sheet.rows.get(row)
            if cells is None:  # a row without anything else shows nothing but the merged cell
                continue
            for column in range(merged.left, right + 1):
                if column not in cells:
                    cells[column] = text
                    sheet.numbers[row] |= is_number << column if column <= MOST_TOLD else 0
            sheet.rows[row] = dict(sorted(cells.items()))
