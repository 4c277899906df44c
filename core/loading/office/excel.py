"""Excel workbooks: each sheet's tables with values as they are shown, comments, text boxes and charts' titles."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from core.loading._detection import damaged_file
from core.loading._encoding import clean_text
from core.loading._markdown import markdown_document
from core.loading._omissions import Omissions
from core.loading.office._drawing import chart_markdown, smartart_lines, text_of
from core.loading.office._number_format import BUILT_IN, NumberFormat
from core.loading.office._ooxml import (
    Package,
    attribute,
    child,
    children,
    described,
    is_decorative,
    kind,
    relationship_id,
    shown_children,
)  # fmt: skip
from core.loading.office._sheet import Book, read_sheet, rich_text, shared_texts, unescaped
from core.loading.office._sheet_layout import sheet_notes, sheet_text
from core.loading.office._xml import unreadable_part
from core.records.document import Document
from core.util.formatting import plural

MAX_CHARACTERS = 200_000_000  # of a workbook's text: few bytes can refer to a long text many times
_SHEETS = ("worksheet", "chartsheet", "dialogsheet", "xlMacrosheet")
_THREADED = "[Threaded comment]"


def load_xlsx(name: str, data: bytes) -> Document:
    """Return a workbook: a heading for each sheet, its cells as tables. Raises LoadingError."""
    package = Package(name, data, "a workbook (.xlsx)", "xl/")
    workbook = _Workbook(package)
    text = clean_text("\n\n".join(filter(None, workbook.sheets())))
    return markdown_document(name, data, text, package.metadata(), notes=workbook.notes())


class _Workbook:
    """A workbook's sheets as Markdown, and what there is to say of them."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._main, self._root = package.main("xl/workbook.xml", "list of its sheets")
        self._parts = package.related(self._main)
        self._book = self._shared()
        self._omissions = Omissions()
        self._said: list[str] = []
        self._characters = 0
        self._margins: set[str] = set()  # texts of headers and footers, which sheets repeat
        calculation = child(self._root, "s:calcPr")
        self._is_computed_later = calculation is not None and attribute(calculation, "fullCalcOnLoad") in ("1", "true")

    def notes(self) -> tuple[str, ...]:
        """Return what the text lacks, and what it has that is not shown."""
        return (*self._said, *self._omissions.notes("sheet"))

    def _shared(self) -> Book:
        properties = child(self._root, "s:workbookPr")
        date_1904 = properties is not None and attribute(properties, "date1904") in ("1", "true")
        texts: list[str] = []
        for part in self._package.related_parts(self._main, "sharedStrings"):
            xml = self._package.read(part)
            try:
                texts = list(shared_texts(xml)) if xml.strip() else []
            except etree.LxmlError as error:
                raise unreadable_part(self._package.name, part, error) from error
        codes, styles = dict(BUILT_IN), []
        for part in self._package.related_parts(self._main, "styles"):
            root = self._package.xml(part)
            for own in children(child(root, "s:numFmts"), "s:numFmt"):
                codes[_whole(attribute(own, "numFmtId"))] = attribute(own, "formatCode")
            styles = [_whole(attribute(style, "numFmtId")) for style in children(child(root, "s:cellXfs"), "s:xf")]
        formats = {number: NumberFormat(codes.get(number, "General"), date_1904) for number in {0, *styles}}
        return Book(texts, [formats[number] for number in styles], formats[0])

    def sheets(self) -> Iterator[str]:
        """Yield each sheet that is not empty as Markdown."""
        for sheet in children(child(self._root, "s:sheets"), "s:sheet"):
            title = " ".join(attribute(sheet, "name").split())
            to = self._parts.get(relationship_id(sheet))
            if to is None or to.kind not in _SHEETS:
                continue
            text = self._worksheet(title, to.target) if to.kind != "chartsheet" else self._drawings(title, to.target)
            self._characters += len(text)
            if self._characters > MAX_CHARACTERS:
                raise damaged_file(self._package.name, "its cells repeat one another's texts without end")
            if to.kind == "chartsheet" and not text:
                self._said.append(f"chart sheet '{title}' holds no text")
            if text and attribute(sheet, "state", "visible") != "visible":
                self._said.append(f"hidden sheet '{title}' was read too")
            if text:
                yield f"## {title}\n{text}"

    def _worksheet(self, title: str, part: str) -> str:
        xml = self._package.read(part)
        if not xml:
            raise damaged_file(self._package.name, f"its sheet {title} is missing")
        try:
            cells = read_sheet(xml, self._book)
            if self._is_computed_later and cells.zero_formulas and cells.zero_formulas == cells.computed:
                # Programs that cannot compute write 0 for every formula, and ask for values at the next opening.
                cells = read_sheet(xml, self._book, ignores_values=True)
        except etree.LxmlError as error:
            raise unreadable_part(self._package.name, part, error) from error
        characters = sum(len(text) for row in cells.rows.values() for text in row.values())
        if self._characters + characters > MAX_CHARACTERS:
            raise damaged_file(self._package.name, "its cells repeat one another's texts without end")
        found = sheet_text(cells)
        self._said += sheet_notes(title, cells, found.stray)
        if cells.rich:
            self._omissions.add(
                "picture or linked data in a cell",
                "not read",
                "pictures or linked data in cells",
                cells.rich,
                f"'{title}'",
            )
        if cells.lost:
            verb = "is" if cells.lost == 1 else "are"
            self._said.append(f"{plural(cells.lost, 'text')} of sheet '{title}' {verb} missing from the file")
        comments = list(self._comments(part))
        if comments:
            self._omissions.add("comment", "on cells after the tables", count=len(comments), place=f"'{title}'")
        margins = [text for text in dict.fromkeys(cells.margins) if text not in self._margins]
        if margins:
            self._margins.update(margins)
            self._omissions.add(
                "header or footer", "after the tables", "headers and footers", len(margins), f"'{title}'"
            )
        return "\n\n".join(filter(None, [found.text, self._drawings(title, part), *comments, *margins]))

    def _comments(self, part: str) -> Iterator[str]:
        """Yield the comments on a sheet's cells, those that are answered as one line each."""
        people = {
            attribute(person, "id"): attribute(person, "displayName")
            for people_part in self._package.related_parts(self._main, "person")
            for person in _elements(self._package.xml(people_part))
        }
        threaded: set[str] = set()
        for comments in self._package.related_parts(part, "threadedComment"):
            root = self._package.xml(comments)
            for comment in _elements(root):
                text = next((found.text or "" for found in comment if kind(found) == ":text"), "")
                cell, author = attribute(comment, "ref"), people.get(attribute(comment, "personId"), "")
                threaded.add(cell)
                if text.strip():
                    yield _comment(cell, author, text)
        for comments in self._package.related_parts(part, "comments"):
            root = self._package.xml(comments)
            authors = [author.text or "" for author in children(child(root, "s:authors"), "s:author")]
            for comment in children(child(root, "s:commentList"), "s:comment"):
                body, cell = child(comment, "s:text"), attribute(comment, "ref")
                text = rich_text(body) if body is not None else ""
                index = _whole(attribute(comment, "authorId", "0"))
                author = authors[index] if index < len(authors) else ""
                if text.strip() and not (cell in threaded and text.startswith(_THREADED)):
                    yield _comment(cell, author, text.removeprefix(f"{author}:"))

    def _drawings(self, title: str, part: str) -> str:
        """Return the texts of a sheet's drawings: text boxes, SmartArt, charts' titles, pictures' descriptions."""
        texts: list[str] = []
        for drawing in self._package.related_parts(part, "drawing"):
            root = self._package.xml(drawing)
            if root is not None:
                texts += self._shapes(root, drawing, title)
        return "\n\n".join(dict.fromkeys(text for text in texts if text.strip()))

    def _shapes(self, element: etree._Element, part: str, title: str) -> Iterator[str]:
        for found in shown_children(element):
            name = kind(found)
            if name == "xdr:sp":
                yield text_of(child(found, "xdr:txBody")) or described(child(found, "xdr:nvSpPr", "xdr:cNvPr"))
            elif name == "xdr:cxnSp":
                yield described(child(found, "xdr:nvCxnSpPr", "xdr:cNvPr"))
            elif name == "xdr:grpSp":
                yield from self._group(found, part, title)
            elif name == "xdr:pic":
                properties = child(found, "xdr:nvPicPr", "xdr:cNvPr")
                yield described(properties)
                if not described(properties) and not is_decorative(properties):
                    self._omissions.add("picture", "without a description", place=f"'{title}'")
            elif name in ("c:chart", "cx:chart", "dgm:relIds"):
                yield self._graphic(found, part)
            else:
                if name == "xdr:graphicFrame":
                    yield described(child(found, "xdr:nvGraphicFramePr", "xdr:cNvPr"))
                yield from self._shapes(found, part, title)

    def _group(self, group: etree._Element, part: str, title: str) -> Iterator[str]:
        """Yield a group's description and what is in it, whose pictures need none of their own then."""
        description = described(child(group, "xdr:nvGrpSpPr", "xdr:cNvPr"))
        counted, self._omissions = self._omissions, Omissions() if description else self._omissions
        texts = list(self._shapes(group, part, title))
        self._omissions = counted
        yield from filter(None, [description, *texts])

    def _graphic(self, found: etree._Element, part: str) -> str:
        """Return what a chart says beside its values, which are cells, or the texts of a SmartArt graphic."""
        is_smartart = kind(found) == "dgm:relIds"
        to = self._package.related(part).get(relationship_id(found, "dm" if is_smartart else "id"))
        if to is None or not to.target or not self._package.is_first_use(to.target):
            return ""
        if is_smartart:
            return "\n".join(smartart_lines(self._package, to.target))
        return chart_markdown(self._package, to.target, has_values=False)


def _elements(root: etree._Element | None) -> Iterator[etree._Element]:
    yield from root if root is not None else ()


def _comment(cell: str, author: str, text: str) -> str:
    by = f" by {' '.join(author.split())}" if author.strip() else ""
    return f"Comment on {cell}{by}: {' '.join(unescaped(text).split())}"


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0
