"""OpenDocument: texts, spreadsheets and presentations, as LibreOffice writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lxml import etree

from core.errors import EncryptedFile
from core.loading._detection import check_zip, damaged_file, read_part
from core.loading._markdown import markdown_table
from core.loading._metadata import dublin_core
from core.loading._office import markdown_document
from core.loading._text import clean_text
from core.records.document import Document, Page

MOST_REPEATS = 1000  # of a row or cell that is not empty; a sheet's million empty rows are left out
_UNREAD = {
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
    return _document(name, data, _joined(_blocks(body)))


def load_ods(name: str, data: bytes) -> Document:
    """Return an OpenDocument spreadsheet: a heading for each sheet, its cells as a table. Raises LoadingError."""
    body = _body(name, data, "an OpenDocument spreadsheet (.ods)")
    sheets = ((_attribute(sheet, "name"), _table(sheet)) for sheet in body.iter("{*}table"))
    return _document(name, data, "\n\n".join(f"## {title}\n{table}" for title, table in sheets if table))


def load_odp(name: str, data: bytes) -> Document:
    """Return an OpenDocument presentation, its slides as pages. Raises LoadingError."""
    body = _body(name, data, "an OpenDocument presentation (.odp)")
    text, pages = "", []
    for number, slide in enumerate(body.iter("{*}page"), 1):
        notes = _joined(
            block
            for frame in slide.iterfind("{*}notes/{*}frame")
            if _attribute(frame, "class") == "notes"
            for block in _blocks(frame)
        )
        cleaned = clean_text(_joined([*_blocks(slide), f"### Notes:\n{notes}" if notes else ""])) + "\n\n"
        pages.append(Page(len(text), len(text) + len(cleaned), number))
        text += cleaned
    return _document(name, data, text, tuple(pages))


def _body(name: str, data: bytes, expected: str) -> etree._Element:
    """The element that holds what the document says. Raises LoadingError."""
    check_zip(name, data, expected, "content.xml")
    if b"encryption-data" in read_part(data, "META-INF/manifest.xml"):
        raise EncryptedFile(f"{name} is protected by a password: save a copy without one and bring that")
    try:
        root = etree.fromstring(
            read_part(data, "content.xml"),
            etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True),
        )
    except (etree.LxmlError, ValueError) as error:
        raise damaged_file(name, f"its content cannot be read: {error}") from error
    body = root.find("{*}body")
    if body is None:
        raise damaged_file(name, "it has no body")
    return body


def _document(name: str, data: bytes, text: str, pages: tuple[Page, ...] = ()) -> Document:
    return markdown_document(name, data, text if pages else clean_text(text), dublin_core(read_part(data, "meta.xml")), pages)


def _joined(blocks: Iterable[str]) -> str:
    return "\n\n".join(block for block in blocks if block.strip())


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _attribute(element: etree._Element, wanted: str) -> str:
    """An attribute's value, whatever its namespace."""
    return next((str(value) for name, value in element.attrib.items() if etree.QName(name).localname == wanted), "")


def _blocks(parent: etree._Element) -> Iterator[str]:
    """The paragraphs, headings, lists and tables in ``parent``, in order."""
    for child in parent:
        kind = _name(child)
        if kind == "h" or (kind == "frame" and _attribute(child, "class") == "title"):
            level = _attribute(child, "outline-level") if kind == "h" else "1"
            line = " ".join((_inline(child) if kind == "h" else _joined(_blocks(child))).split())
            yield f"{'#' * min(max(int(level) if level.isdecimal() else 1, 1), 6)} {line}" if line else ""
        elif kind == "p":
            yield _inline(child).strip()
            yield from (block for frame in child.iter("{*}text-box") for block in _blocks(frame))
        elif kind == "list":
            yield "\n".join(_items(child, ""))
        elif kind == "table":
            yield _table(child)
        elif kind not in _UNREAD:
            yield from _blocks(child)


def _items(listed: etree._Element, indent: str) -> Iterator[str]:
    """The lines of a list, the lists inside it indented."""
    for item in listed:
        if _name(item) not in ("list-item", "list-header"):
            continue
        own = [block for child in item if _name(child) != "list" for block in _blocks_of(child)]
        if own:
            yield f"{indent}* {' '.join(own)}"
        for inner in item.iterfind("{*}list"):
            yield from _items(inner, indent + "  " if own else indent)


def _blocks_of(element: etree._Element) -> list[str]:
    text = _inline(element).strip() if _name(element) in ("p", "h") else ""
    return [text] if text else []


def _table(table: etree._Element) -> str:
    rows: list[list[str]] = []
    for row in table.iter("{*}table-row"):
        if _owner(row) is table:
            cells = _cells(row)
            rows += [cells] * (_repeats(row, "number-rows-repeated") if cells else 0)
    return markdown_table(rows)


def _owner(row: etree._Element) -> etree._Element | None:
    return next((above for above in row.iterancestors("{*}table")), None)


def _cells(row: etree._Element) -> list[str]:
    cells: list[str] = []
    for cell in row:
        if _name(cell) in ("table-cell", "covered-table-cell"):
            cells += [" ".join(_blocks(cell))] * _repeats(cell, "number-columns-repeated")
    while cells and not cells[-1].strip():
        cells.pop()
    return cells


def _repeats(element: etree._Element, attribute: str) -> int:
    times = _attribute(element, attribute)
    return min(int(times), MOST_REPEATS) if times.isdecimal() else 1


def _inline(element: etree._Element) -> str:
    """The words of a paragraph; a footnote's stand in brackets where its mark is."""
    parts = [_BLANKS.sub(" ", element.text or "")]
    for child in element:
        kind = _name(child)
        if kind == "s":
            count = _attribute(child, "c")
            parts.append(" " * (min(int(count), 100) if count.isdecimal() else 1))
        elif kind in ("tab", "line-break"):
            parts.append("\t" if kind == "tab" else "\n")
        elif kind == "note":
            parts.append(f" [{' '.join(_joined(_blocks(body)) for body in child.iterfind('{*}note-body'))}]")
        elif kind not in _UNREAD and kind != "frame":
            parts.append(_inline(child))
        parts.append(_BLANKS.sub(" ", child.tail or ""))
    return "".join(parts)
