"""The flow of text in an OpenDocument file: paragraphs, lists, tables, notes, and what floats beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lxml import etree

from core.loading.office._blocks import LONGEST_REPEATED, Block, cell_text, heading, is_page_label, item, table_blocks
from core.loading.office._odf import OpenDocument, attribute, child, length, number, tag
from core.loading.office._ooxml import GENERATED_NAME
from core.loading.office._word_styles import counted

MAX_REPEATS = 1000  # of a row or cell that is not empty; a sheet's million empty rows are left out
_MOST_CHARACTERS = 10_000_000  # of a table's repeated rows
_MAX_SPACES = 100
_MOST_OBJECTS = 5  # inside one another
_SKIPPED = {
    *("tracked-changes", "annotation-end", "table-of-content", "forms", "page-thumbnail", "notes", "script"),
    *("calculation-settings", "named-expressions", "shapes", "number", "event-listeners", "enhanced-geometry"),
    *("sequence-decls", "variable-decls", "user-field-decls", "dde-connection-decls", "settings", "glue-point"),
    *("header", "footer", "date-time"),  # presentation fields
}
SHAPES = {
    *("frame", "custom-shape", "rect", "line", "polyline", "polygon", "regular-polygon", "path", "circle", "ellipse"),
    *("g", "measure", "caption", "connector", "control", "scene"),
}
_ROW_GROUPS = ("table-rows", "table-header-rows", "table-row-group")
_TITLES = ("title", "subtitle")
_PAGE_FIELDS = ("page-number", "page-count", "page-continuation")
_SETTING_FIELDS = ("variable-set", "user-field-get")  # which may show nothing
_MARGIN_FRAMES = ("header", "footer", "date-time", "page-number")
_NUMBER_FORMATS = {"1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_BLANKS = re.compile(r"[ \t\r\n]+")


class Story:
    """A flow of text, with the comments on it and what floats beside it."""

    def __init__(
        self,
        document: OpenDocument,
        is_margin: bool = False,
        depth: int = 0,
        place: object = "",
        has_chart_values: bool = True,
    ) -> None:
        """Begin a flow of text.

        ``is_margin``: a header or footer; ``depth``: how many objects it is in; ``place``: the slide or sheet that
        notes name; ``has_chart_values``: charts have their values, not only titles.
        """
        self._document = document
        self._omissions = document.omissions
        self._is_margin = is_margin
        self._depth = depth
        self._place = place
        self._has_chart_values = has_chart_values
        self.comments: list[Block] = []
        self._floating: list[Block] = []
        self._readings: list[str] = []
        self._list_counts: dict[str, dict[int, int]] = {}
        self._heading_counts: dict[int, int] = {}

    def blocks(self, parent: etree._Element) -> Iterator[Block]:
        """Yield the paragraphs, headings, lists and tables in ``parent``, in order."""
        for found in parent:
            name = tag(found)
            if name in ("p", "h"):
                yield from self._paragraph(found)
            elif name == "list":
                yield from self._list(found, 0, "")
            elif name == "table":
                yield from self.table(found)
            elif name == "section" and _is_hidden(found):
                self._hide(found)
            elif name == "annotation":
                self._comment(found)
            elif name in SHAPES:
                yield from self.shape(found)
            elif name == "tracked-changes":
                self._count_deleted(found)
            elif name not in _SKIPPED:
                yield from self.blocks(found)

    def _paragraph(self, paragraph: etree._Element) -> Iterator[Block]:
        text, floating = self._text(paragraph)
        if text:
            level = number(paragraph, "outline-level", 6) if tag(paragraph) == "h" else 0
            yield heading(level, f"{self._heading_number(paragraph)} {text}") if level else Block(text)
        yield from floating

    def _text(self, paragraph: etree._Element) -> tuple[str, list[Block]]:
        """Return a paragraph's text, empty if it is hidden, and the text boxes and the like that are anchored to it."""
        if self._document.is_hidden_text("paragraph", paragraph) or any(
            tag(found) == "hidden-paragraph" and attribute(found, "is-hidden") != "false" for found in paragraph
        ):
            self._hide(paragraph)
            return "", []
        outer = self._floating, self._readings
        self._floating, self._readings = [], []
        text = "".join(self._inline(paragraph)).strip()
        if self._is_margin and is_page_label(text):
            text = ""
        if self._readings:
            text = f"{text} ({' '.join(self._readings)})"
        floating = self._floating
        self._floating, self._readings = outer
        return text, floating

    def _inline(self, element: etree._Element) -> Iterator[str]:
        """Yield the text of a paragraph, footnotes in brackets where their marks are."""
        yield _BLANKS.sub(" ", element.text or "")
        for found in element:
            name = tag(found)
            if name == "s":
                yield " " * number(found, "c", _MAX_SPACES)
            elif name in ("tab", "line-break"):
                yield "\t" if name == "tab" else "\n"
            elif name == "note":
                text = " ".join(cell_text(self.blocks(body)) for body in found if tag(body) == "note-body")
                yield f" [{text}]" if text else ""
            elif name == "ruby":
                yield from self._ruby(found)
            elif name == "annotation":
                self._comment(found)
            elif name in SHAPES:
                self._floating += self.shape(found)
            elif name == "p" or name == "list":  # in a shape's or note's text that stands in a line
                yield cell_text(self.blocks(found)) if name == "list" else "".join(self._inline(found))
            elif (name == "hidden-text" and attribute(found, "is-hidden") != "false") or (
                name == "span" and self._document.is_hidden_text("text", found)
            ):
                self._hide(found)
            elif not (
                name in _SKIPPED
                or (self._is_margin and name in _PAGE_FIELDS)
                or (name in _SETTING_FIELDS and attribute(found, "display") == "none")
            ):
                yield from self._inline(found)
            yield _BLANKS.sub(" ", found.tail or "")

    def _ruby(self, ruby: etree._Element) -> Iterator[str]:
        """Yield the base text; readings stand behind the paragraph, so that words stay whole."""
        for part in ruby:
            if tag(part) == "ruby-base":
                yield from self._inline(part)
            elif tag(part) == "ruby-text" and (part.text or "").strip():
                self._readings.append((part.text or "").strip())
                self._omissions.add("reading", "(ruby) at the end of its paragraph")

    def _hide(self, element: etree._Element) -> None:
        words = len(" ".join(map(str, element.itertext())).split())
        self._omissions.add("word", "of hidden text left out", count=words)

    def _count_deleted(self, changes: etree._Element) -> None:
        for region in changes:
            deletion = child(region, "deletion")
            paragraphs = [found for found in deletion if tag(found) != "change-info"] if deletion is not None else []
            if any("".join(map(str, found.itertext())).strip() for found in paragraphs):
                self._omissions.add("passage", "deleted with tracked changes left out")

    def _comment(self, annotation: etree._Element) -> None:
        author = child(annotation, "creator")
        by = " ".join((author.text or "").split()) if author is not None else ""
        text = " ".join(" ".join(map(str, part.itertext())) for part in annotation if tag(part) in ("p", "list", "h"))
        if text.strip():
            self.comments.append(Block(f"Comment{f' by {by}' if by else ''}: {' '.join(text.split())}"))

    def _heading_number(self, paragraph: etree._Element) -> str:
        """Return the number before a heading, as the outline's style or the file itself has it."""
        written = child(paragraph, "number")
        level = number(paragraph, "outline-level", 10)
        if attribute(paragraph, "is-list-header") == "true":
            return ""
        self._heading_counts = {depth: count for depth, count in self._heading_counts.items() if depth <= level}
        self._heading_counts[level] = self._heading_counts.get(level, 0) + 1
        if written is not None:
            return (written.text or "").strip()
        outline = self._document.style("outline-style", "")
        return _label(outline, level, self._heading_counts) if outline is not None else ""

    def _list(self, items: etree._Element, level: int, style_name: str) -> Iterator[Block]:
        """Yield the items of a list, nested lists indented."""
        style_name = attribute(items, "style-name") or style_name
        style = self._document.style("list-style", style_name)
        counts = self._list_counts.setdefault(style_name, {})
        if attribute(items, "continue-numbering") != "true" and not attribute(items, "continue-list"):
            counts.pop(level + 1, None)
        for found in items:
            if tag(found) not in ("list-item", "list-header"):
                continue
            for deeper in [depth for depth in counts if depth > level + 1]:
                del counts[deeper]
            is_first = True
            for part in found:
                if tag(part) in ("p", "h") and attribute(part, "outline-level"):
                    yield from self._paragraph(part)
                elif tag(part) in ("p", "h"):
                    text, floating = self._text(part)
                    if text and is_first:
                        marker = self._marker(found, style, level, counts)
                        yield item(level, marker, text) if marker else Block(text, "item")
                        is_first = False
                    elif text:
                        yield Block(f"{'  ' * (level + 1)}{' '.join(text.split())}", "item")
                    yield from floating
                elif tag(part) == "list":
                    yield from self._list(part, level + (0 if is_first else 1), style_name)
                elif tag(part) not in _SKIPPED:
                    yield from self.blocks(part) if tag(part) not in SHAPES else self.shape(part)

    def _marker(self, found: etree._Element, style: etree._Element | None, level: int, counts: dict[int, int]) -> str:
        if tag(found) == "list-header":
            return ""
        start = attribute(found, "start-value")
        begin = _level_style(style, level + 1)
        first = number(begin, "start-value", 10**6) if begin is not None else 1
        counts[level + 1] = int(start[:6]) if start.isdecimal() else counts.get(level + 1, first - 1) + 1
        return (_label(style, level + 1, counts) if style is not None else "") or "*"

    def table(self, table: etree._Element) -> Iterator[Block]:
        """Yield a table, merged cells' texts in each place that they cover."""
        rows: list[list[str]] = []
        cells: list[list[Sequence[Block]]] = []
        budget = _MOST_CHARACTERS
        below: dict[int, tuple[int, str, int]] = {}  # column -> end, text, rows left of a cell merged downwards
        for row in table_rows(table):
            texts, blocks, below = self._row(row, below)
            repeats = number(row, "number-rows-repeated", 10**9)
            if any(texts):
                kept = min(repeats, MAX_REPEATS, budget // sum(map(len, texts)) + 1)
                budget -= kept * sum(map(len, texts))
                self._omissions.add("repeated row", "left out", count=repeats - kept)
                rows += [texts] * kept
                budget = max(budget, 0)
                cells.append(blocks)
        yield from table_blocks(rows, cells)

    def _row(
        self, row: etree._Element, above: dict[int, tuple[int, str, int]]
    ) -> tuple[list[str], list[Sequence[Block]], dict[int, tuple[int, str, int]]]:
        texts: list[str] = []
        every: list[Sequence[Block]] = []
        below = {start: (end, text, left - 1) for start, (end, text, left) in above.items() if left > 1}
        end, spread = 0, ""  # how far the last merged cell goes, and its text
        for cell in row:
            name, at = tag(cell), len(texts)
            if name not in ("table-cell", "covered-table-cell"):
                continue
            repeats = number(cell, "number-columns-repeated", MAX_REPEATS)
            if name == "table-cell":
                blocks = [block for block in self.blocks(cell) if block.text.strip() or block.rows]
                every.append(blocks)
                text = cell_text(blocks)
                end, spread = at + number(cell, "number-columns-spanned", 10**6), text
                down = number(cell, "number-rows-spanned", 10**6)
                if down > 1 and len(text) <= LONGEST_REPEATED:
                    below[at] = (end, text, down - 1)
                texts += [text] * repeats
                continue
            for place in range(at, at + repeats):
                if place in above:
                    end, spread, _ = above[place]
                texts.append(spread if place < end and len(spread) <= LONGEST_REPEATED else "")
        while texts and not texts[-1].strip():
            texts.pop()
        return texts, every, below

    def shape(self, shape: etree._Element) -> Iterator[Block]:
        """Yield the text in a frame or shape, of charts and formulas, and the descriptions of pictures."""
        if attribute(shape, "class") in _MARGIN_FRAMES:
            return
        if tag(shape) == "control":
            yield Block(self._document.control_text(attribute(shape, "control")))
        parts = [found for found in shape if tag(found) not in ("title", "desc")]
        blocks: list[Block] = []
        if tag(shape) == "frame":
            blocks = [block for block in self._frame(parts) if block.text.strip() or block.rows]
        elif tag(shape) == "g":
            inner = [found for found in parts if tag(found) in SHAPES]
            blocks = [block for found in in_reading_order(inner) for block in self.shape(found)]
        else:
            blocks = list(self.blocks(shape))
        description = _description(shape)
        names = {tag(found) for found in parts}
        if description and (names & {"image", "object", "object-ole", "plugin"} or not blocks):
            yield Block(description)
        is_picture = "image" in names and not names & {"object", "object-ole", "plugin", "table"}
        if is_picture and not description and attribute(shape, "decorative") != "true":
            self._omissions.add("picture", "without a description", place=self._place)
        yield from blocks

    def _frame(self, parts: Sequence[etree._Element]) -> Iterator[Block]:
        names = {tag(found) for found in parts}
        for found in parts:
            name = tag(found)
            if name == "text-box":
                yield from self.blocks(found)
            elif name == "table":
                yield from self.table(found)
            elif name == "object":
                yield from self._object(found)
            elif name == "object-ole":
                self._omissions.add("embedded object", "not read", place=self._place)
            elif name == "plugin":
                self._omissions.add("video or sound", "not read", "videos or sounds", place=self._place)
            elif name == "image" and not names & {"object", "table"}:
                yield from self.blocks(found)  # text on a picture

    def _object(self, element: etree._Element) -> Iterator[Block]:
        """Yield the text of an embedded chart, formula, text or table."""
        href = attribute(element, "href")
        if href and href in self._document.used:
            return
        self._document.used.add(href)
        root = self._document.xml(f"{href.removeprefix('./')}/content.xml") if _is_inside(href) else None
        if self._depth >= _MOST_OBJECTS:
            root = None
        elif not href:
            root = element
        every = list(root.iter()) if root is not None else []
        content = next((found for found in every if tag(found) in ("chart", "math")), None)
        inner = Story(self._document, depth=self._depth + 1)
        if content is not None and tag(content) == "math":
            yield Block(mathml_text(content).strip())
        elif content is not None:
            titles = (" ".join(" ".join(map(str, one.itertext())).split()) for one in every if tag(one) in _TITLES)
            yield Block("\n".join(dict.fromkeys(filter(None, titles))))
            if self._has_chart_values:
                yield from (block for found in every if tag(found) == "table" for block in inner.table(found))
        elif root is not None and child(root, "body", "text") is not None:
            yield from inner.blocks(root)
        else:
            self._omissions.add("embedded object", "not read", place=self._place)


def table_rows(table: etree._Element) -> Iterator[etree._Element]:
    """Yield the rows of a table, also those in groups, not those of tables in its cells."""
    for found in table:
        if tag(found) == "table-row":
            yield found
        elif tag(found) in _ROW_GROUPS:
            yield from table_rows(found)


def in_reading_order(shapes: Sequence[etree._Element]) -> list[etree._Element]:
    """Return shapes from top to bottom, those beside one another from left to right."""
    return sorted(shapes, key=lambda shape: (length(shape, "y") // 0.635, length(shape, "x")))


def _is_inside(href: str) -> bool:
    return bool(href) and ":" not in href and ".." not in href and not href.startswith("/")


def _is_hidden(section: etree._Element) -> bool:
    display = attribute(section, "display")
    return display == "none" or (display == "condition" and attribute(section, "is-hidden") == "true")


def _description(shape: etree._Element) -> str:
    texts = (" ".join(map(str, found.itertext())) for found in shape if tag(found) in ("title", "desc"))
    lines = (" ".join(text.split()) for text in texts)
    return ": ".join(dict.fromkeys(line for line in lines if line and not GENERATED_NAME.fullmatch(line)))


def _level_style(style: etree._Element | None, level: int) -> etree._Element | None:
    for found in style if style is not None else ():
        if attribute(found, "level") == str(level):
            return found
    return None


def _label(style: etree._Element, level: int, counts: dict[int, int]) -> str:
    """Return the number of a list item or heading, empty where its level has a bullet or nothing."""
    found = _level_style(style, level)
    style_format = attribute(found, "num-format") if found is not None else ""
    if found is None or not style_format:
        return ""
    shown = number(found, "display-levels", level)
    numbers = []
    for depth in range(level - shown + 1, level + 1):
        own = _level_style(style, depth)
        name = _NUMBER_FORMATS.get(attribute(own, "num-format") if own is not None else "1", "decimal")
        numbers.append(counted(counts.get(depth, 1), name))
    return attribute(found, "num-prefix") + ".".join(numbers) + attribute(found, "num-suffix")


def mathml_text(element: etree._Element) -> str:
    """Return a MathML formula as a line of text: ``(a+b)/c``, ``x^2``, ``√(x)``."""
    name = tag(element)
    if name in ("annotation", "annotation-xml"):
        return ""
    if name in ("mi", "mn", "mo", "mtext", "ms"):
        return " ".join("".join(map(str, element.itertext())).split())
    parts = [mathml_text(found) for found in element]
    if name == "mfrac" and len(parts) == 2:
        return f"{_grouped(parts[0])}/{_grouped(parts[1])}"
    if name in ("msup", "mover") and len(parts) == 2:
        return f"{_grouped(parts[0])}^{_grouped(parts[1])}"
    if name in ("msub", "munder") and len(parts) == 2:
        return f"{_grouped(parts[0])}_{_grouped(parts[1])}"
    if name in ("msubsup", "munderover") and len(parts) == 3:
        return f"{_grouped(parts[0])}_{_grouped(parts[1])}^{_grouped(parts[2])}"
    if name == "msqrt":
        return f"√({''.join(parts)})"
    if name == "mroot" and len(parts) == 2:
        return f"root {_grouped(parts[1])} of ({parts[0]})"
    return ("; " if name == "mtable" else ", " if name == "mtr" else "").join(parts)


def _grouped(text: str) -> str:
    return text if len(text) < 2 or text.isalnum() else f"({text})"
