"""PowerPoint presentations (PresentationML, ECMA-376 Part 1, chapter 19): each slide's text, and its speaker notes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from core.loading._detection import damaged_file
from core.loading._encoding import clean_text
from core.loading._markdown import join_slides, markdown_document, markdown_table
from core.loading._omissions import Omissions, place_names
from core.loading.office._blocks import LONGEST_REPEATED
from core.loading.office._drawing import chart_markdown, paragraph_lines, smartart_lines, text_of
from core.loading.office._ooxml import (
    Package,
    attribute,
    child,
    children,
    descendants,
    described,
    is_decorative,
    kind,
    relationship_id,
    shown_children,
)  # fmt: skip
from core.loading.office._word_styles import counted
from core.records.document import Document

_FURNITURE = ("sldNum", "ftr", "dt", "hdr", "sldImg")  # placeholders that repeat on every slide or hold no text
_MANY = {"footer": "footers", "text of a layout": "texts of layouts"}
_MARGINS = ("ftr", "dt", "hdr")  # of which the words that were typed are read once
_TITLES = ("title", "ctrTitle")
_SHAPES = ("p:sp", "p:pic", "p:graphicFrame", "p:grpSp", "p:cxnSp")
_ROW = 228_600  # EMU, a quarter of an inch: shapes whose tops are that near stand beside one another
_NUMBER_STYLES = {"arabic": "decimal", "alphaLc": "lowerLetter", "alphaUc": "upperLetter", "romanLc": "lowerRoman",
                  "romanUc": "upperRoman"}  # fmt: skip
_Position = tuple[float, float]


def load_pptx(name: str, data: bytes) -> Document:
    """Return a presentation, its slides as pages. Raises LoadingError."""
    package = Package(name, data, "a presentation (.pptx)", "ppt/")
    try:
        presentation = _Presentation(package)
        slides = [(number, clean_text(text)) for number, text in presentation.slides()]
    except RecursionError as error:
        raise damaged_file(name, "its parts lie inside one another without end") from error
    text, pages = join_slides(slides)
    return markdown_document(name, data, text, package.metadata(), pages, presentation.notes())


@dataclass(frozen=True, slots=True)
class _Shape:
    """A shape of a slide, with its placeholder's type and index, empty if it is none."""

    element: etree._Element
    placeholder: str
    index: str


def _placeholder(shape: etree._Element) -> _Shape:
    for properties in shape:
        found = child(properties, "p:nvPr", "p:ph")
        if found is not None:
            return _Shape(shape, attribute(found, "type", "obj"), attribute(found, "idx", "0"))
    return _Shape(shape, "", "")


def _shapes(slide: etree._Element | None) -> list[_Shape]:
    tree = child(slide, "p:cSld", "p:spTree")
    return [_placeholder(found) for found in shown_children(tree) if kind(found) in _SHAPES] if tree is not None else []


def _offset(shape: etree._Element) -> _Position | None:
    """Return the left and top of a shape, None where its placeholder on the layout says where it is."""
    for found in shape:
        frame = found if kind(found) == "p:xfrm" else child(found, "a:xfrm")
        offset = child(frame, "a:off")
        if offset is not None:
            try:
                return float(attribute(offset, "x", "0")), float(attribute(offset, "y", "0"))
            except ValueError:
                return None
    return None


class _Presentation:
    """The slides of a presentation as Markdown, and counts of what they lack."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._main, root = package.main("ppt/presentation.xml", "list of its slides")
        parts = package.related(self._main)
        listed = [parts.get(relationship_id(slide)) for slide in children(child(root, "p:sldIdLst"), "p:sldId")]
        self._slides = [to.target for to in listed if to and to.target and package.is_first_use(to.target)]
        self._omissions = Omissions()
        self._hidden: list[int] = []
        self._textless: list[int] = []
        self._layouts: dict[str, list[_Shape]] = {}
        self._layouts_read: set[str] = set()
        self._repeated: set[str] = set()  # texts that stand on several slides

    def notes(self) -> tuple[str, ...]:
        """Return what the text lacks, and what it has that the audience does not see."""
        said = []
        if self._hidden:
            verb = "was" if len(self._hidden) == 1 else "were"
            said.append(f"hidden {place_names('slide', self._hidden)} {verb} read too")
        if self._textless:
            verb = "holds" if len(self._textless) == 1 else "hold"
            said.append(f"{place_names('slide', self._textless)} of {len(self._slides)} {verb} no text")
        return (*said, *self._omissions.notes("slide"))

    def slides(self) -> Iterator[tuple[int, str]]:
        """Yield each slide's number and text."""
        for number, part in enumerate(self._slides, 1):
            root = self._package.xml(part)
            if root is None:
                raise damaged_file(self._package.name, f"its slide {number} is missing")
            if attribute(root, "show") in ("0", "false"):
                self._hidden.append(number)
            text = _Slide(self._package, part, number, self._omissions, self._layout(part)).text(root)
            if not text:
                self._textless.append(number)
            extra = ["\n".join(self._repeated_texts(root, part)), *self._notes(part), *self._comments(part, number)]
            yield number, "\n\n".join(filter(None, [text, *extra]))

    def _layout(self, part: str) -> list[_Shape]:
        """Return the shapes of a slide's layout, then of its master, where placeholders have their places."""
        for layout in self._package.related_parts(part, "slideLayout")[:1]:
            if layout not in self._layouts:
                masters = self._package.related_parts(layout, "slideMaster")[:1]
                self._layouts[layout] = [
                    shape for source in [layout, *masters] for shape in _shapes(self._package.xml(source))
                ]
            return self._layouts[layout]
        return []

    def _repeated_texts(self, root: etree._Element, part: str) -> Iterator[str]:
        """Yield what a slide's footer says, and what its layout and master show on every slide, where it is new."""
        sources = [(part, shape, "footer") for shape in _shapes(root) if shape.placeholder in _MARGINS]
        above, below = next(iter(self._package.related_parts(part, "slideLayout")), ""), root
        while above and above not in self._layouts_read and attribute(below, "showMasterSp") not in ("0", "false"):
            self._layouts_read.add(above)
            layout = self._package.xml(above)
            shown = [shape for shape in _shapes(layout) if not shape.placeholder and kind(shape.element) != "p:pic"]
            sources += [(above, shape, "text of a layout") for shape in shown]
            masters = self._package.related_parts(above, "slideMaster") if layout is not None else []
            above, below = next(iter(masters), ""), layout if layout is not None else below
        quiet = Omissions()  # pictures on a layout are decoration
        for source, shape, noun in sources:
            if shape.placeholder and any(kind(found) == "a:fld" for found in shape.element.iter()):
                continue  # today's date
            text = "\n".join(_Slide(self._package, source, 0, quiet, []).shape_texts(shape.element)).strip()
            if text and text not in self._repeated:
                self._repeated.add(text)
                self._omissions.add(noun, "read on the first of its slides only", _MANY[noun])
                yield text

    def _notes(self, part: str) -> Iterator[str]:
        for notes in self._package.related_parts(part, "notesSlide"):
            root = self._package.xml(notes)
            quiet = Omissions()  # pictures on a notes page repeat the slide
            texts = [
                text
                for shape in _shapes(root)
                if shape.placeholder not in _FURNITURE
                for text in _Slide(self._package, notes, 0, quiet, []).shape_texts(shape.element)
            ]
            if texts:
                yield "### Notes:\n" + "\n".join(texts)

    def _comments(self, part: str, number: int) -> Iterator[str]:
        authors = {
            attribute(author, "id"): attribute(author, "name")
            for authors_part in self._package.related_parts(self._main, "commentAuthors", "authors")
            for author in _elements(self._package.xml(authors_part))
        }
        for comments in self._package.related_parts(part, "comments"):
            for comment in _elements(self._package.xml(comments)):
                for one in [comment, *(found for found in comment.iter() if kind(found) == ":reply")]:
                    old = child(one, "p:text")
                    bodies = [found for found in one if kind(found) == ":txBody"]
                    text = (old.text or "") if old is not None else " ".join(map(text_of, bodies))
                    author = " ".join(authors.get(attribute(one, "authorId"), "").split())
                    if text.strip():
                        self._omissions.add("comment", "at the end", place=number)
                        yield f"Comment{f' by {author}' if author else ''}: {' '.join(text.split())}"


def _elements(root: etree._Element | None) -> Iterator[etree._Element]:
    yield from root if root is not None else ()


class _Slide:
    """One slide: the texts of its shapes, the title first, the others from top to bottom."""

    def __init__(self, package: Package, part: str, number: int, omissions: Omissions, layout: list[_Shape]) -> None:
        self._package = package
        self._parts = package.related(part)
        self._number = number
        self._omissions = omissions
        self._layout = layout

    def text(self, root: etree._Element) -> str:
        """Return the slide's text as Markdown."""
        shapes = [shape for shape in _shapes(root) if shape.placeholder not in _FURNITURE]
        lines: list[str] = []
        for shape in sorted(shapes, key=self._order):
            texts = list(self.shape_texts(shape.element))
            if shape.placeholder in _TITLES and texts:
                texts = [f"# {' '.join(' '.join(texts).split())}"]
            lines += texts
        return "\n".join(lines).strip()

    def _order(self, shape: _Shape) -> tuple[int, float, float]:
        if shape.placeholder in _TITLES:
            return 0, 0, 0
        place = _offset(shape.element)
        if place is None and shape.placeholder:
            same = [one for one in self._layout if one.placeholder and one.index == shape.index]
            same += [one for one in self._layout if one.placeholder == shape.placeholder]
            place = next((found for found in (_offset(one.element) for one in same) if found is not None), None)
        left, top = place or (0, 0)
        return 1, top // _ROW, left

    def shape_texts(self, shape: etree._Element) -> Iterator[str]:
        """Yield the texts of a shape, and of those in a group from top to bottom."""
        name = kind(shape)
        properties = _drawing_properties(shape)
        if properties is not None and attribute(properties, "hidden") in ("1", "true"):
            if any(kind(found) == "a:t" and (found.text or "").strip() for found in shape.iter()):
                self._omissions.add("hidden shape", "with text left out", place=self._number)
            return
        if name == "p:grpSp":
            inner = [_placeholder(found) for found in shown_children(shape) if kind(found) in _SHAPES]
            texts = [text for one in sorted(inner, key=self._order) for text in self.shape_texts(one.element)]
            description = described(properties)
            yield from filter(None, [description if description not in texts else "", *texts])
        elif name == "p:pic":
            yield from self._picture(shape, properties)
        elif name == "p:graphicFrame":
            yield from filter(None, [described(properties), *self._graphic(shape)])
        else:
            body = next((found for found in shape if kind(found) == "p:txBody"), None)
            texts = list(_numbered_lines(body)) if body is not None else []
            yield from texts or filter(None, [described(properties)])

    def _picture(self, picture: etree._Element, properties: etree._Element | None) -> Iterator[str]:
        description = described(properties)
        is_media = any(kind(found) in ("a:videoFile", "a:audioFile", "a:wavAudioFile", "a:quickTimeFile")
                       for found in picture.iter())  # fmt: skip
        if description:
            yield description
        elif is_media:
            self._omissions.add("video or sound", "not read", "videos or sounds", place=self._number)
        elif not is_decorative(properties):
            self._omissions.add("picture", "without a description", place=self._number)

    def _graphic(self, frame: etree._Element) -> Iterator[str]:
        """Yield the text of a table, chart or SmartArt graphic; embedded objects are counted."""
        for found in descendants(frame, "a:tbl", "c:chart", "cx:chart", "dgm:relIds", "p:oleObj"):
            name = kind(found)
            if name == "a:tbl":
                yield _table(found)
            elif name == "p:oleObj":
                program = attribute(found, "progId", "unknown kind")
                self._omissions.add("embedded object", f"({program[:40]}) not read", place=self._number)
            else:
                to = self._parts.get(relationship_id(found, "dm" if name == "dgm:relIds" else "id"))
                if to is None or not self._package.is_first_use(to.target):
                    continue
                if name == "dgm:relIds":
                    yield "\n".join(smartart_lines(self._package, to.target))
                else:
                    yield chart_markdown(self._package, to.target)


def _drawing_properties(shape: etree._Element) -> etree._Element | None:
    return next((found for part in shape for found in part if kind(found) == "p:cNvPr"), None)


def _numbered_lines(body: etree._Element) -> Iterator[str]:
    """Yield the paragraphs of a text body, those that are numbered with their numbers."""
    counts: dict[int, int] = {}
    for paragraph, text in paragraph_lines(body):
        properties = child(paragraph, "a:pPr")
        level = _whole(attribute(properties, "lvl", "0")) if properties is not None else 0
        numbering = child(properties, "a:buAutoNum")
        counts = {
            depth: count
            for depth, count in counts.items()
            if depth < level or (depth == level and numbering is not None)
        }
        if numbering is None:
            yield text
            continue
        counts[level] = counts.get(level, _whole(attribute(numbering, "startAt", "1")) - 1) + 1
        style = attribute(numbering, "type", "arabicPeriod")
        number = counted(
            counts[level], next((to for start, to in _NUMBER_STYLES.items() if style.startswith(start)), "decimal")
        )
        shape = "({})" if style.endswith("ParenBoth") else "{})" if style.endswith("ParenR") else "{}."
        yield f"{shape.format(number)} {text}"


def _table(table: etree._Element) -> str:
    """Return a table as Markdown, merged cells' texts in each place that they cover."""
    rows: list[list[str]] = []
    for row in children(table, "a:tr"):
        above, texts = rows[-1] if rows else [], list[str]()
        for cell in children(row, "a:tc"):
            text = " ".join(" ".join(text.split()) for _, text in paragraph_lines(child(cell, "a:txBody")))
            beside, below = (attribute(cell, name) in ("1", "true") for name in ("hMerge", "vMerge"))
            if beside or below:  # it may hold text from before it was merged, which nobody sees
                text = (texts[-1] if beside and texts else "") or (above[len(texts)] if len(texts) < len(above) else "")
                text = text if len(text) <= LONGEST_REPEATED else ""
            texts.append(text)
        rows.append(texts)
    return markdown_table(rows)


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 7 else 0
