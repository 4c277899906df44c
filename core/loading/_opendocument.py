"""OpenDocument texts, spreadsheets and presentations, as LibreOffice writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lxml import etree

from core.loading._detection import check_zip, damaged_file, encrypted_file, read_part
from core.loading._encoding import clean_text
from core.loading._markdown import join_slides, markdown_document, markdown_table
from core.loading._metadata import dublin_core
from core.records.document import Document, Page

_MAX_REPEATS = 1000  # of a row or cell that is not empty; a sheet's million empty rows are left out
_MAX_SPACES = 100
_SKIPPED = {
    "tracked-changes",
    "annotation",
    "annotation-end",
    "table-of-content",
    "forms",
    "page-thumbnail",
    "notes",
    "calculation-settings",
    "named-expressions",
    "shapes",
}
_BLANKS = re.compile(r"[ \t\r\n]+")


def load_odt(name: str, data: bytes) -> Document:
    """Return an OpenDocument text. Raises LoadingError."""
    body = _body(name, data, "an OpenDocument text (.odt)")
    return _document(name, data, clean_text(_join(_blocks(body))))


def load_ods(name: str, data: bytes) -> Document:
    """Return an OpenDocument spreadsheet: a heading for each sheet, its cells as a table. Raises LoadingError."""
    body = _body(name, data, "an OpenDocument spreadsheet (.ods)")
    sheets = ((_attribute(sheet, "name"), _table(sheet)) for sheet in body.iter("{*}table"))
    return _document(name, data, clean_text("\n\n".join(f"## {title}\n{table}" for title, table in sheets if table)))


def load_odp(name: str, data: bytes) -> Document:
    """Return an OpenDocument presentation, its slides as pages. Raises LoadingError."""
    body = _body(name, data, "an OpenDocument presentation (.odp)")
    slides = (clean_text(_slide_text(slide)) for slide in body.iter("{*}page"))
    return _document(name, data, *join_slides(enumerate(slides, 1)))


def _body(name: str, data: bytes, expected: str) -> etree._Element:
    """Return the element with the document's content. Raises LoadingError."""
    check_zip(name, data, expected, "content.xml")
    if b"encryption-data" in read_part(data, "META-INF/manifest.xml"):
        raise encrypted_file(name)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(read_part(data, "content.xml"), parser)
    except (etree.LxmlError, ValueError) as error:
        raise damaged_file(name, f"its content cannot be read: {error}") from error
    body = root.find("{*}body")
    if body is None:
        raise damaged_file(name, "it has no body")
    return body


def _document(name: str, data: bytes, text: str, pages: tuple[Page, ...] = ()) -> Document:
    return markdown_document(name, data, text, dublin_core(read_part(data, "meta.xml")), pages)


def _slide_text(slide: etree._Element) -> str:
    frames = [frame for frame in slide.iterfind("{*}notes/{*}frame") if _attribute(frame, "class") == "notes"]
    notes = _join(block for frame in frames for block in _blocks(frame))
    return _join([*_blocks(slide), f"### Notes:\n{notes}" if notes else ""])


def _join(blocks: Iterable[str]) -> str:
    return "\n\n".join(block for block in blocks if block.strip())


def _tag(element: etree._Element) -> str:
    """Return an element's name without its namespace, empty for a comment."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _attribute(element: etree._Element, name: str) -> str:
    """Return the value of an attribute in any namespace, empty if the element does not have it."""
    return next((str(value) for key, value in element.attrib.items() if etree.QName(key).localname == name), "")


def _number(element: etree._Element, attribute: str, limit: int) -> int:
    """Return an attribute as a number of at most ``limit``, 1 where it is none."""
    value = _attribute(element, attribute)
    return min(int(value), limit) if value.isdecimal() else 1


def _blocks(parent: etree._Element) -> Iterator[str]:
    """Yield the paragraphs, headings, lists and tables in ``parent`` as Markdown, in order."""
    for child in parent:
        tag = _tag(child)
        if tag == "h" or (tag == "frame" and _attribute(child, "class") == "title"):
            level = max(_number(child, "outline-level", 6), 1) if tag == "h" else 1
            line = " ".join((_inline(child) if tag == "h" else _join(_blocks(child))).split())
            yield f"{'#' * level} {line}" if line else ""
        elif tag == "p":
            yield _inline(child).strip()
            yield from (block for box in child.iter("{*}text-box") for block in _blocks(box))
        elif tag == "list":
            yield "\n".join(_list_lines(child, ""))
        elif tag == "table":
            yield _table(child)
        elif tag not in _SKIPPED:
            yield from _blocks(child)


def _list_lines(items: etree._Element, indent: str) -> Iterator[str]:
    """Yield the lines of a list, nested lists indented."""
    for item in items:
        if _tag(item) not in ("list-item", "list-header"):
            continue
        line = " ".join(filter(None, (_inline(child).strip() for child in item if _tag(child) in ("p", "h"))))
        if line:
            yield f"{indent}* {line}"
        for nested in item.iterfind("{*}list"):
            yield from _list_lines(nested, indent + "  " if line else indent)


def _table(table: etree._Element) -> str:
    rows: list[list[str]] = []
    for row in table.iter("{*}table-row"):
        if next(row.iterancestors("{*}table"), None) is table:  # not the row of a table in a cell
            cells = _cells(row)
            rows += [cells] * (_number(row, "number-rows-repeated", _MAX_REPEATS) if cells else 0)
    return markdown_table(rows)


def _cells(row: etree._Element) -> list[str]:
    cells: list[str] = []
    for cell in row:
        if _tag(cell) in ("table-cell", "covered-table-cell"):
            cells += [" ".join(_blocks(cell))] * _number(cell, "number-columns-repeated", _MAX_REPEATS)
    while cells and not cells[-1].strip():
        cells.pop()
    return cells


def _inline(element: etree._Element) -> str:
    """Return the text of a paragraph, footnotes in brackets where their marks are."""
    parts = [_BLANKS.sub(" ", element.text or "")]
    for child in element:
        tag = _tag(child)
        if tag == "s":
            parts.append(" " * _number(child, "c", _MAX_SPACES))
        elif tag in ("tab", "line-break"):
            parts.append("\t" if tag == "tab" else "\n")
        elif tag == "note":
            parts.append(f" [{' '.join(_join(_blocks(body)) for body in child.iterfind('{*}note-body'))}]")
        elif tag not in _SKIPPED and tag != "frame":
            parts.append(_inline(child))
        parts.append(_BLANKS.sub(" ", child.tail or ""))
    return "".join(parts)
