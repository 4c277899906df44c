"""The flow of text in a part of a Word document: paragraphs, tables, fields, revisions, and what floats beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lxml import etree

from core.loading._omissions import Omissions
from core.loading.office._blocks import Block, cell_text, heading, is_page_label, item, table_blocks
from core.loading.office._drawing import chart_markdown, smartart_lines, text_of
from core.loading.office._math import math_text
from core.loading.office._ooxml import (
    Package,
    attribute,
    child,
    children,
    descendants,
    described,
    is_decorative,
    is_on,
    kind,
    relationship_id,
    shown_children,
)
from core.loading.office._symbols import SYMBOL_FONTS, from_symbol_font, symbol
from core.loading.office._word_fields import shown_by_code
from core.loading.office._word_styles import Numbering, Styles
from core.loading.office._word_tables import GridCell, grid

_WRAPPERS = ("w:sdt", "w:sdtContent", "w:customXml", "w:smartTag", "w:ins", "w:moveTo")
_PROPERTIES = {
    *("w:pPr", "w:rPr", "w:sdtPr", "w:sdtEndPr", "w:tblPr", "w:trPr", "w:tcPr", "w:customXmlPr", "w:smartTagPr")
}
_PAGE_FIELDS = ("PAGE", "NUMPAGES", "SECTIONPAGES")
_BREAKS = {"w:tab": "\t", "w:ptab": "\t", "w:br": "\n", "w:cr": "\n", "w:noBreakHyphen": "-"}


class WordContext:
    """What all the stories of a document share: its styles, lists, notes, and counts of what is left out."""

    def __init__(self, package: Package, main: str, embedded: Callable[[str, bytes], str]) -> None:
        """Read the styles and lists of the document in the part ``main``.

        ``embedded`` returns the text of a document inside the document, by its name and content.
        """
        self.package = package
        self.main = main
        self.embedded = embedded
        self.styles = Styles(package, main)
        self.numbering = Numbering(package, main)
        self.omissions = Omissions()
        self.marks: dict[tuple[str, str], int] = {}

    def mark(self, what: str, identity: str) -> str:
        """Return the mark of a footnote or endnote, counted in the order in which the text refers to them."""
        return f"[{self.marks.setdefault((what, identity), len(self.marks) + 1)}]"


class _Field:
    """A field that is being read: its code, and whether its result has begun."""

    def __init__(self) -> None:
        self.code = ""
        self.has_result = False


class Story:
    """One part's flow of text: the body, a header, a footnote."""

    def __init__(self, context: WordContext, part: str, is_margin: bool = False, ignores_fields: bool = False) -> None:
        """Begin a flow; ``is_margin``: a header or footer, ``ignores_fields``: marks of fields are out of order."""
        self._context = context
        self._package = context.package
        self._part = part
        self._parts = context.package.related(part)
        self._is_margin = is_margin
        self._ignores_fields = ignores_fields
        self._fields: list[_Field] = []
        self._carried = ""  # of a paragraph whose end was deleted
        self._style = ""
        self._floating: list[Block] = []
        self._readings: list[str] = []
        self._has_page_number = False

    def blocks(self, parent: etree._Element) -> Iterator[Block]:
        """Yield the paragraphs and tables in ``parent``, in order."""
        for found in shown_children(parent):
            name = kind(found)
            if name == "w:p":
                if len(found) or self._carried:
                    yield from self._paragraph(found)
            elif name == "w:tbl":
                yield from self._table(found)
            elif name == "w:altChunk":
                yield self._embedded(found)
            elif name in ("w:del", "w:moveFrom"):
                self._count_deleted(found, name)
            elif name in ("m:oMathPara", "m:oMath"):
                yield Block(math_text(found).strip())
            elif name not in _PROPERTIES:
                yield from self.blocks(found)
        if self._carried:
            yield Block(self._carried.strip())
            self._carried = ""

    @property
    def has_open_field(self) -> bool:
        """Whether a field began that did not end, so that what followed was taken for its code."""
        return bool(self._fields)

    def _paragraph(self, paragraph: etree._Element) -> Iterator[Block]:
        properties = child(paragraph, "w:pPr")
        outer = self._style, self._floating, self._readings, self._has_page_number
        self._style, self._floating, self._readings, self._has_page_number = (
            self._context.styles.of(properties), [], [], False,
        )  # fmt: skip
        text = self._carried + "".join(self._inline(paragraph))
        self._carried = ""
        if self._readings:
            text = f"{text.rstrip()} ({' '.join(self._readings)})"
        if self._has_page_number and is_page_label(text):
            text = ""
        floating, style = self._floating, self._style
        self._style, self._floating, self._readings, self._has_page_number = outer
        mark = child(properties, "w:rPr")
        frame = child(properties, "w:framePr")
        is_drop_cap = frame is not None and attribute(frame, "dropCap", "none") != "none"
        if is_drop_cap or child(mark, "w:del") is not None or child(mark, "w:moveFrom") is not None:
            self._carried = text
        else:
            yield from self._shaped(text, properties, style)
        yield from floating

    def _shaped(self, text: str, properties: etree._Element | None, style: str) -> Iterator[Block]:
        """Yield a paragraph's text as a heading, a list item or a paragraph, unless it is blank."""
        identity, depth = self._context.styles.numbering(properties)
        place = self._context.numbering.item(identity, depth, style) if identity else None
        text = text.strip()
        if not text:
            return
        level = self._context.styles.heading_level(properties)
        number = place.number if place else ""
        if level:
            yield heading(level, f"{number} {text}")
        elif place:
            yield item(place.level, number or "*", text)
        else:
            yield Block(text)

    def _is_shown(self) -> bool:
        return all(field.has_result for field in self._fields) and not (
            self._is_margin and any(_is_page_field(field.code) for field in self._fields)
        )

    def _inline(self, element: etree._Element) -> Iterator[str]:
        for found in shown_children(element):
            name = kind(found)
            if name == "w:r":
                yield from self._run(found)
            elif name in ("w:del", "w:moveFrom"):
                self._count_deleted(found, name)
            elif name in ("m:oMath", "m:oMathPara"):
                yield f" {math_text(found).strip()} "
            elif name == "w:fldSimple" and self._is_margin and _is_page_field(attribute(found, "instr")):
                self._has_page_number = True
            elif name == "w:fldSimple":
                result = list(self._inline(found))
                yield from result if any(result) else self._code_text(attribute(found, "instr"))
            elif name == "w:subDoc":
                self._context.omissions.add("linked document", "not part of the file")
            elif name not in _PROPERTIES:
                yield from self._inline(found)

    def _run(self, run: etree._Element) -> Iterator[str]:
        properties = child(run, "w:rPr")
        if self._context.styles.is_hidden(properties, self._style):
            for found in descendants(run, "w:fldChar", "w:t"):
                if kind(found) == "w:fldChar":
                    list(self._field(found))  # the field goes on although its mark is hidden
                elif self._is_shown() and (found.text or "").strip():
                    words = len((found.text or "").split())
                    self._context.omissions.add("word", "of hidden text left out", count=words)
            return
        fonts = child(properties, "w:rFonts")
        font = attribute(fonts, "ascii") if fonts is not None else ""
        for found in shown_children(run):
            name = kind(found)
            if name == "w:fldChar":
                yield from self._field(found)
            elif name == "w:instrText":
                if self._fields and not self._fields[-1].has_result:
                    self._fields[-1].code += found.text or ""
            elif not self._is_shown():
                self._has_page_number |= self._is_margin
                if name == "w:t" and (open_fields := [one for one in self._fields if not one.has_result]):
                    open_fields[-1].code += found.text or ""  # the result of a field in its code
            elif name == "w:t":
                text = found.text or ""
                yield from_symbol_font(font, text) if font.lower() in SYMBOL_FONTS else text
            elif name in _BREAKS:
                yield _BREAKS[name]
            elif name == "w:sym":
                yield self._symbol(found)
            elif name in ("w:footnoteReference", "w:endnoteReference"):
                yield self._context.mark(name[2:].removesuffix("Reference"), attribute(found, "id"))
            elif name == "w:ruby":
                yield from self._ruby(found)
            elif name in ("w:drawing", "w:pict", "w:object"):
                self._floating += self._graphic(found, name == "w:object")
            elif name in ("m:oMath", "m:oMathPara"):
                yield math_text(found)

    def _field(self, mark: etree._Element) -> Iterator[str]:
        """Take the beginning, middle or end of a field; yield what a form's field shows without any text."""
        position = attribute(mark, "fldCharType") if not self._ignores_fields else ""
        if position == "begin":
            form = child(mark, "w:ffData")
            chosen, box = child(form, "w:ddList"), child(form, "w:checkBox")
            if self._is_shown() and chosen is not None:
                entries = [attribute(entry, "val") for entry in children(chosen, "w:listEntry")]
                result = child(chosen, "w:result")
                index = attribute(result, "val") if result is not None else "0"
                yield from entries[int(index) : int(index) + 1] if index.isdecimal() else ()
            elif self._is_shown() and box is not None:
                checked = child(box, "w:checked")
                yield "☒" if is_on(checked if checked is not None else child(box, "w:default")) else "☐"
            self._fields.append(_Field())
        elif position == "separate" and self._fields:
            self._fields[-1].has_result = True
        elif position == "end" and self._fields:
            ended = self._fields.pop()
            self._has_page_number |= self._is_margin and _is_page_field(ended.code)
            if not ended.has_result and self._is_shown():
                yield from self._code_text(ended.code)

    def _code_text(self, code: str) -> Iterator[str]:
        """Yield what a field without a result shows by its code."""
        shown = shown_by_code(code)
        yield shown.text
        self._read_above(" ".join(shown.readings))

    def _symbol(self, element: etree._Element) -> str:
        font, code = attribute(element, "font"), attribute(element, "char")
        try:
            character = symbol(font, int(code, 16))
        except ValueError:
            character = ""
        if not character:
            self._context.omissions.add("symbol", f"of the font {font or 'that the text has'} not read")
        return character

    def _ruby(self, ruby: etree._Element) -> Iterator[str]:
        """Yield the base text; readings stand behind the paragraph, so that words stay whole."""
        base, reading = child(ruby, "w:rubyBase"), child(ruby, "w:rt")
        if base is not None:
            yield from self._inline(base)
        self._read_above("".join(self._inline(reading)) if reading is not None else "")

    def _read_above(self, reading: str) -> None:
        """Keep a reading (ruby) for the end of the paragraph."""
        if text := reading.strip():
            self._readings.append(text)
            self._context.omissions.add("reading", "(ruby) at the end of its paragraph")

    def _count_deleted(self, element: etree._Element, name: str) -> None:
        if name == "w:del" and any(kind(found) in ("w:delText", "w:t") and found.text for found in element.iter()):
            self._context.omissions.add("passage", "deleted with tracked changes left out")

    def _graphic(self, element: etree._Element, is_object: bool = False) -> Iterator[Block]:
        """Yield the text boxes, charts, SmartArt, word art and descriptions of pictures in a drawing."""
        for found in shown_children(element):
            name = kind(found)
            if name == "w:txbxContent":
                yield from self.blocks(found)
            elif name in ("wp:inline", "wp:anchor"):
                yield from self._frame(found)
            elif name in ("c:chart", "cx:chart", "dgm:relIds"):
                yield self._chart(found)
            elif name == "a:txBody":
                yield Block(text_of(found))
            elif name == "v:textpath":
                yield Block(attribute(found, "string").strip())
            elif name == "o:OLEObject":
                program = attribute(found, "ProgID", "unknown kind")
                self._context.omissions.add("embedded object", f"({program[:40]}) not read")
            else:
                if name == "v:imagedata" and not is_object:
                    description = " ".join(attribute(element, "alt").split())
                    yield Block(description)
                    if not description:
                        self._context.omissions.add("picture", "without a description")
                yield from self._graphic(found, is_object)

    def _frame(self, frame: etree._Element) -> Iterator[Block]:
        """Yield a drawing's description, and what it holds."""
        properties = child(frame, "wp:docPr")
        if properties is not None and attribute(properties, "hidden") in ("1", "true"):
            return
        description = described(properties)
        pictures = [child(picture, "pic:nvPicPr", "pic:cNvPr") for picture in _pictures(frame)]
        if not description and not is_decorative(properties):
            bare = sum(not described(picture) and not is_decorative(picture) for picture in pictures)
            self._context.omissions.add("picture", "without a description", count=bare)
        blocks = list(self._graphic(frame))
        inside = cell_text(blocks)  # a program may describe a box by the words in it
        yield from (Block(text) for text in [description] if " ".join(text.split()) not in inside)
        yield from (Block(text) for text in dict.fromkeys(map(described, pictures)) if text not in description)
        yield from blocks

    def _chart(self, found: etree._Element) -> Block:
        is_smartart = kind(found) == "dgm:relIds"
        to = self._parts.get(relationship_id(found, "dm" if is_smartart else "id"))
        if to is None or not to.target or not self._package.is_first_use(to.target):
            return Block("")
        if is_smartart:
            return Block("\n".join(smartart_lines(self._package, to.target)))
        return Block(chart_markdown(self._package, to.target))

    def _table(self, table: etree._Element) -> Iterator[Block]:
        rows: list[list[GridCell]] = []
        cells: list[list[list[Block]]] = []
        for row in self._unwrapped(table, "w:tr"):
            properties = child(row, "w:trPr")
            if child(properties, "w:del") is not None:
                self._context.omissions.add("table row", "deleted with tracked changes left out")
                continue
            if is_on(child(properties, "w:hidden")):
                self._context.omissions.add("table row", "that is hidden left out")
                continue
            before = child(properties, "w:gridBefore")
            at = _whole(before) if before is not None else 0
            grid_row: list[GridCell] = []
            cells.append([])
            for cell in self._unwrapped(row, "w:tc"):
                blocks = [block for block in self.blocks(cell) if block.text.strip() or block.rows]
                cells[-1].append(blocks)
                grid_row.append(self._cell(cell, at, blocks, grid_row[-1].text if grid_row else ""))
                at += grid_row[-1].span
            rows.append(grid_row)
        yield from table_blocks(grid(rows), cells)

    def _cell(self, cell: etree._Element, at: int, blocks: list[Block], left: str) -> GridCell:
        properties, text = child(cell, "w:tcPr"), cell_text(blocks)
        span, beside, above = (child(properties, f"w:{name}") for name in ("gridSpan", "hMerge", "vMerge"))
        if beside is not None and attribute(beside, "val", "continue") == "continue" and not text:
            text = left
        merge = attribute(above, "val", "continue") if above is not None else ""
        return GridCell(text, at, max(_whole(span), 1) if span is not None else 1, merge)

    def _unwrapped(self, parent: etree._Element, wanted: str) -> Iterator[etree._Element]:
        """Yield the rows of a table or the cells of a row, also those in content controls and the like."""
        for found in shown_children(parent):
            name = kind(found)
            if name == wanted:
                yield found
            elif name in _WRAPPERS:
                yield from self._unwrapped(found, wanted)

    def _embedded(self, chunk: etree._Element) -> Block:
        """Return a document of another format that is part of this one (an alternative format import part)."""
        to = self._parts.get(relationship_id(chunk))
        if to and to.target and not self._package.is_first_use(to.target):
            return Block("")
        data = self._package.read(to.target) if to and to.target else b""
        return Block(self._context.embedded(to.target.rpartition("/")[2] if to else "", data))


def _pictures(element: etree._Element) -> Iterator[etree._Element]:
    """Yield the pictures of a drawing, without those in its text boxes, which are drawings of their own."""
    for found in shown_children(element):
        if kind(found) == "pic:pic":
            yield found
        elif kind(found) != "w:txbxContent":
            yield from _pictures(found)


def _is_page_field(code: str) -> bool:
    return code.strip().split(" ")[0].upper() in _PAGE_FIELDS


def _whole(element: etree._Element) -> int:
    value = attribute(element, "val")
    return int(value) if value.isdecimal() and len(value) < 6 else 0
