"""OpenDocument texts, spreadsheets and presentations, as LibreOffice writes them."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from core.errors import DamagedFile
from core.loading._detection import damaged_file
from core.loading._encoding import clean_text
from core.loading._markdown import join_slides, markdown_document
from core.loading._omissions import place_names
from core.loading.office._blocks import Block, cell_text, heading, markdown
from core.loading.office._odf import OpenDocument, attribute, child, tag
from core.loading.office._odf_sheet import OdfSheet
from core.loading.office._odf_story import SHAPES, Story, in_reading_order
from core.loading.office._sheet_layout import sheet_notes, sheet_text
from core.records.document import Document

MAX_CHARACTERS = 200_000_000  # of a spreadsheet's text: few bytes can repeat a long text many times
_MARGINS = ("header", "header-left", "header-first", "footer", "footer-left", "footer-first")
_DECLARED = {"footer-decl": "use-footer-name", "date-time-decl": "use-date-time-name"}
_MANY = {"footer": "footers", "text of a master page": "texts of master pages"}


def load_odt(name: str, data: bytes) -> Document:
    """Return an OpenDocument text. Raises LoadingError."""
    document = OpenDocument(name, data, "an OpenDocument text (.odt)")
    try:
        text = clean_text(markdown(_text_blocks(document)))
    except RecursionError as error:
        raise _endless(name) from error
    return markdown_document(name, data, text, document.metadata(), notes=document.omissions.notes())


def load_ods(name: str, data: bytes) -> Document:
    """Return an OpenDocument spreadsheet: a heading for each sheet, its cells as tables. Raises LoadingError."""
    document = OpenDocument(name, data, "an OpenDocument spreadsheet (.ods)")
    said: list[str] = []
    try:
        text = clean_text("\n\n".join(_sheets(document, said)))
    except RecursionError as error:
        raise _endless(name) from error
    return markdown_document(name, data, text, document.metadata(), notes=(*said, *document.omissions.notes("sheet")))


def load_odp(name: str, data: bytes) -> Document:
    """Return an OpenDocument presentation, its slides as pages. Raises LoadingError."""
    document = OpenDocument(name, data, "an OpenDocument presentation (.odp)")
    said: list[str] = []
    try:
        slides = [clean_text(text) for text in _slides(document, said)]
    except RecursionError as error:
        raise _endless(name) from error
    notes = (*said, *document.omissions.notes("slide"))
    text, pages = join_slides(enumerate(slides, 1))
    return markdown_document(name, data, text, document.metadata(), pages, notes)


def _endless(name: str) -> DamagedFile:
    return damaged_file(name, "its parts lie inside one another without end")


def _text_blocks(document: OpenDocument) -> Iterator[Block]:
    """Yield a text's blocks; comments, headers and footers are at the end."""
    story = Story(document)
    yield from story.blocks(document.body)
    seen: set[str] = set()
    margins: list[Block] = []
    for page in _master_pages(document):
        for margin in page:
            if tag(margin) in _MARGINS and attribute(margin, "display") != "false":
                text = markdown(Story(document, is_margin=True).blocks(margin))
                if text and text not in seen:
                    seen.add(text)
                    document.omissions.add(tag(margin).partition("-")[0], "at the end")
                    margins.append(Block(text))
    if story.comments:
        document.omissions.add("comment", "at the end", count=len(story.comments))
    yield from (*story.comments, *margins)


def _master_pages(document: OpenDocument) -> Iterator[etree._Element]:
    masters = child(document.page_styles, "master-styles")
    yield from (found for found in masters if tag(found) == "master-page") if masters is not None else ()


def _sheets(document: OpenDocument, said: list[str]) -> Iterator[str]:
    characters = 0
    spreadsheet = child(document.body, "spreadsheet")
    for table in spreadsheet if spreadsheet is not None else ():
        if tag(table) != "table":
            continue
        title = " ".join(attribute(table, "name").split())
        sheet = OdfSheet(document, table, f"'{title}'")
        characters += sum(len(text) for row in sheet.cells.rows.values() for text in row.values())
        if characters > MAX_CHARACTERS:
            raise damaged_file(document.name, "its cells repeat one another's texts without end")
        found = sheet_text(sheet.cells)
        said += sheet_notes(title, sheet.cells, found.stray)
        if sheet.comments:
            document.omissions.add(
                "comment", "on cells after the tables", count=len(sheet.comments), place=f"'{title}'"
            )
        text = "\n\n".join(filter(None, [found.text, markdown(sheet.floating), *sheet.comments]))
        if (
            text
            and document.properties("table", attribute(table, "style-name"), "table-properties", "display") == "false"
        ):
            said.append(f"hidden sheet '{title}' was read too")
        if text:
            yield f"## {title}\n{text}"


def _slides(document: OpenDocument, said: list[str]) -> Iterator[str]:
    presentation = child(document.body, "presentation")
    if presentation is None:
        presentation = document.body
    slides = [found for found in presentation.iter() if tag(found) == "page"]
    hidden: list[int] = []
    textless: list[int] = []
    repeated = _RepeatedTexts(document)
    for number, slide in enumerate(slides, 1):
        style = attribute(slide, "style-name")
        if document.properties("drawing-page", style, "drawing-page-properties", "visibility") == "hidden":
            hidden.append(number)
        again = repeated.of(slide)
        story = Story(document, place=number)
        text = markdown(_slide_blocks(story, slide))  # which takes the slide apart
        if not text:
            textless.append(number)
        speaker = markdown(
            block
            for notes in slide
            if tag(notes) == "notes"
            for frame in notes
            if attribute(frame, "class") == "notes"
            for block in story.blocks(frame)
        )
        if story.comments:
            document.omissions.add("comment", "at the end", count=len(story.comments), place=number)
        yield "\n\n".join(
            filter(None, [text, again, f"### Notes:\n{speaker}" if speaker else "", markdown(story.comments)])
        )
    if hidden:
        said.append(f"hidden {place_names('slide', hidden)} {'was' if len(hidden) == 1 else 'were'} read too")
    if textless:
        verb = "holds" if len(textless) == 1 else "hold"
        said.append(f"{place_names('slide', textless)} of {len(slides)} {verb} no text")


class _RepeatedTexts:
    """Footers and dates that were typed, and texts on master pages: what several slides show, read on the first."""

    def __init__(self, document: OpenDocument) -> None:
        self._document = document
        self._masters = {attribute(page, "name"): page for page in _master_pages(document)}
        self._declared = {
            (tag(found), attribute(found, "name")): " ".join("".join(map(str, found.itertext())).split())
            for found in document.body.iter()
            if tag(found) in _DECLARED and attribute(found, "source") != "current-date"
        }
        self._seen: set[str] = set()

    def _shows(self, slide: etree._Element, what: str) -> bool:
        style = attribute(slide, "style-name")
        return self._document.properties("drawing-page", style, "drawing-page-properties", what) != "false"

    def of(self, slide: etree._Element) -> str:
        """Return those of a slide that no slide before had."""
        story = Story(self._document)
        margins = [
            ("footer", self._declared.get((kind, attribute(slide, use)), ""))
            for kind, use in _DECLARED.items()
            if self._shows(slide, f"display-{kind.removesuffix('-decl')}")
        ]
        margins += [
            ("footer", cell_text(story.blocks(frame)))
            for frame in slide
            if attribute(frame, "class") in ("header", "footer")
        ]
        if self._shows(slide, "background-objects-visible"):
            master = self._masters.pop(attribute(slide, "master-page-name"), None)
            margins += [
                ("text of a master page", cell_text(story.shape(shape)))
                for shape in (master if master is not None else ())
                if tag(shape) in SHAPES
                and not attribute(shape, "class")  # a place for the slides' own text
                and all(tag(found) != "image" for found in shape)
            ]
        new = []
        for noun, text in margins:
            if text and text not in self._seen:
                self._seen.add(text)
                self._document.omissions.add(noun, "read on the first of its slides only", _MANY[noun])
                new.append(text)
        return "\n".join(new)


def _slide_blocks(story: Story, slide: etree._Element) -> Iterator[Block]:
    """Yield a slide's blocks: its title, then its shapes from top to bottom."""
    titles = [found for found in slide if attribute(found, "class") == "title"]
    for title in titles:
        text = " ".join(block.text for block in story.shape(title))
        if text.strip():
            yield heading(1, text)
    for shape in in_reading_order([found for found in slide if found not in titles and tag(found) != "notes"]):
        holder = etree.Element("slide")
        holder.append(shape)
        yield from story.blocks(holder)
