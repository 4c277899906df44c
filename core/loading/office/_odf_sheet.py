"""Cells of an OpenDocument spreadsheet, as they are shown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from core.loading.office._blocks import Block, cell_text
from core.loading.office._number_format import general, parse_number
from core.loading.office._odf import OpenDocument, attribute, child, number, tag
from core.loading.office._odf_story import MAX_REPEATS, Story, table_rows
from core.loading.office._sheet import LAST_COLUMN, MOST_TOLD, Area, SheetCells, column_name, fill_merged

_LAST = 10**9
_MOST_REPEATED = 2_000_000  # characters of a sheet's repeated rows and cells
_PREFIX = re.compile(r"^[a-z]+:(?==)")
_REFERENCE = re.compile(r"\[([^\]]*)\]")
_SCIENTIFIC = re.compile(r"-?\d(?:[.,]\d+)?E\+?\d+")
_DURATION = re.compile(r"(-?)P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,](\d+))?S)?")


class OdfSheet:
    """A sheet's cells, the comments on them, and the drawings over them."""

    def __init__(self, document: OpenDocument, table: etree._Element, place: str) -> None:
        """Read the cells of ``table``; notes name its ``place``."""
        self._document = document
        self._place = place
        self._budget = _MOST_REPEATED
        self._story = Story(document, place=place, has_chart_values=False)
        self.cells = SheetCells()
        self.comments: list[str] = []
        self.floating: list[Block] = []
        self._read_columns(table)
        row_number = 1
        for row in table_rows(table):
            row_number += self._row(row, row_number)
        fill_merged(self.cells)
        shapes = child(table, "shapes")
        for shape in shapes if shapes is not None else ():
            self.floating += self._story.shape(shape)

    def _read_columns(self, parent: etree._Element) -> None:
        at = 1
        for column in _columns(parent):
            repeats = number(column, "number-columns-repeated", 16_384)
            if attribute(column, "visibility") in ("collapse", "filter"):
                self.cells.hidden_columns += range(at, min(at + repeats, LAST_COLUMN + 1))
            at += repeats

    def _row(self, row: etree._Element, row_number: int) -> int:
        """Take a row, as often as it is repeated; returns how many rows it makes."""
        repeats = number(row, "number-rows-repeated", _LAST)
        texts: dict[int, str] = {}
        numbers, column = 0, 1
        for cell in row:
            name = tag(cell)
            if name not in ("table-cell", "covered-table-cell"):
                continue
            across = number(cell, "number-columns-repeated", _LAST)
            if name == "table-cell" and (len(cell) or cell.attrib):
                text, is_text = self._text(cell, f"{column_name(min(column, 20_000))}{row_number}")
                if text:
                    for at in range(column, column + self._kept("cell", across, len(text))):
                        texts[at] = text
                        numbers |= (not is_text) << at if at <= MOST_TOLD else 0
                    self._merge(cell, row_number, column)
            column += across
        if texts:
            size = sum(map(len, texts.values())) + len(texts)
            for at in range(row_number, row_number + self._kept("row", repeats, size)):
                self.cells.rows[at] = dict(texts)
                self.cells.numbers[at] = numbers
                if attribute(row, "visibility") in ("collapse", "filter"):
                    self.cells.hidden_rows.append(at)
        return repeats

    def _kept(self, what: str, repeats: int, size: int) -> int:
        """Return how often a row or cell of ``size`` characters is written, one that is repeated without end rarely."""
        if repeats == 1:
            return 1
        kept = min(repeats, MAX_REPEATS, max(self._budget // max(size, 1), 1))
        self._budget -= kept * size
        self._document.omissions.add(f"repeated {what}", "left out", count=repeats - kept, place=self._place)
        return kept

    def _merge(self, cell: etree._Element, row: int, column: int) -> None:
        down, across = (number(cell, f"number-{what}-spanned", 10**6) for what in ("rows", "columns"))
        if down > 1 or across > 1:
            self.cells.merged.append(Area(row, column, row + down - 1, column + across - 1))

    def _text(self, cell: etree._Element, address: str) -> tuple[str, bool]:
        """Return a cell's text, and whether it is a text rather than a number or date."""
        value_type = cell.get("{urn:oasis:names:tc:opendocument:xmlns:office:1.0}value-type") or ""
        if len(cell) == 1 and not len(cell[0]) and tag(cell[0]) == "p":
            shown = " ".join((cell[0].text or "").split())
        else:
            shown = cell_text(self._story.blocks(_without_shapes(cell)))
            comments = (block.text for block in self._story.comments)
            self.comments += [text.replace("Comment", f"Comment on {address}", 1) for text in comments]
            self._story.comments.clear()
            for shape in [found for found in cell if tag(found) in ("frame", "g", "custom-shape", "rect", "caption")]:
                self.floating += self._story.shape(shape)
        formula = attribute(cell, "formula")
        if formula and not shown and not any(attribute(cell, name) for name in _VALUES) and value_type != "string":
            self.cells.formulas += 1
            return _formula(formula), False
        return _shown(cell, value_type, shown), value_type in ("", "string")


_VALUES = ("value", "date-value", "time-value", "boolean-value", "string-value")


def _without_shapes(cell: etree._Element) -> etree._Element:
    """Return a cell's paragraphs and comments: shapes anchored to it stand behind the table."""
    holder = etree.Element("cell")
    for found in cell:
        if tag(found) in ("p", "h", "list", "annotation"):
            holder.append(found)
    return holder


def _columns(parent: etree._Element) -> Iterator[etree._Element]:
    for found in parent:
        if tag(found) == "table-column":
            yield found
        elif tag(found) in ("table-columns", "table-header-columns", "table-column-group"):
            yield from _columns(found)


def _formula(formula: str) -> str:
    """Return a formula as a person types it: ``of:=SUM([.A1:.A3])`` as ``=SUM(A1:A3)``."""
    plain = _PREFIX.sub("", formula)
    return _REFERENCE.sub(lambda match: match[1].removeprefix(".").replace(":.", ":"), plain)


def _shown(cell: etree._Element, value_type: str, shown: str) -> str:
    """Return what a cell shows: dates as ISO dates, truth values in English, long numbers with all digits."""
    if value_type == "date":
        stored = attribute(cell, "date-value").replace("T", " ")
        stored = re.sub(r"(:\d\d)\.\d+$", r"\1", stored).removesuffix(" 00:00:00")
        return stored if stored and (not shown or any(map(str.isdigit, shown))) else shown
    if value_type == "boolean":
        return attribute(cell, "boolean-value") or shown
    value = attribute(cell, "value")
    if value and (not shown or _SCIENTIFIC.fullmatch(shown)):
        parsed = parse_number(value)
        if shown and (parsed is None or parsed != parsed.to_integral_value()):
            return shown
        if parsed is not None and value_type == "percentage":
            return f"{general(parsed * 100)}%"
        text = general(parsed) if parsed is not None else value
        return f"{text} {attribute(cell, 'currency')}".strip()
    if not shown and value_type == "time":
        return _duration(attribute(cell, "time-value"))
    return shown or attribute(cell, "string-value")


def _duration(value: str) -> str:
    match = _DURATION.fullmatch(value)
    if not match:
        return value
    days, hours, minutes, seconds = (int(part or 0) for part in match.group(2, 3, 4, 5))
    return f"{match[1]}{days * 24 + hours:02}:{minutes:02}:{seconds:02}"
