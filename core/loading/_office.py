"""Word, PowerPoint, Excel and HTML files: markitdown turns them into Markdown, we find its marks."""

from __future__ import annotations

import re
from textwrap import shorten

from bs4.dammit import EncodingDetector

from core.errors import NoText, WrongFileType
from core.loading._detection import check_archive, damaged, part_of
from core.loading._markdown import markdown_headings, markdown_tables, table_rows
from core.loading._metadata import dublin_core, html_metadata
from core.loading._part_loading_sniff import refuse_other_kind
from core.loading._text import decode, tidy
from core.records.document import Document, Metadata, Page

LONGEST_REASON = 120  # characters of a parser's message
_PROPERTIES = "docProps/core.xml"
_THREW = re.compile(r"^.*? with message: ", re.DOTALL)  # before the parser's own words
_SLIDE = re.compile(r"<!-- Slide number: (\d+) -->\n?")
_PICTURE = re.compile(r"!\[([^\]\n]*)\]\(([^)\n]*)\)")
_FILE_NAME = re.compile(r"\S+\.(?:png|jpe?g|gif|bmp|svg|emf|wmf|tiff?)$", re.IGNORECASE)


def load_docx(name: str, data: bytes) -> Document:
    """Return a Word document. Raises LoadingError."""
    check_archive(name, data, "a Word document (.docx)", "word/")
    return as_document(name, data, convert(name, data, ".docx"), dublin_core(part_of(data, _PROPERTIES)))


def load_pptx(name: str, data: bytes) -> Document:
    """Return a presentation, its slides as pages. Raises LoadingError."""
    check_archive(name, data, "a presentation (.pptx)", "ppt/")
    pieces = _SLIDE.split(convert(name, data, ".pptx"))
    text, pages = pieces[0], []
    for number, slide in zip(pieces[1::2], pieces[2::2], strict=True):
        cleaned = slide.strip() + "\n\n"
        pages.append(Page(len(text), len(text) + len(cleaned), int(number)))
        text += cleaned
    return as_document(name, data, text, dublin_core(part_of(data, _PROPERTIES)), tuple(pages))


def load_xlsx(name: str, data: bytes) -> Document:
    """Return a workbook: a heading for each sheet, its cells as a table. Raises LoadingError."""
    check_archive(name, data, "a workbook (.xlsx)", "xl/")
    return as_document(name, data, convert(name, data, ".xlsx"), dublin_core(part_of(data, _PROPERTIES)))


def load_html(name: str, data: bytes) -> Document:
    """Return a web page without its markup, scripts and styles. Raises LoadingError."""
    refuse_other_kind(name, data, "a web page")
    text = decode(name, data, EncodingDetector.find_declared_encoding(data, is_html=True))
    if "<" not in text:
        raise WrongFileType(f"{name} is not a web page, it has no tags: rename it to .txt if it is text")
    return as_document(name, data, convert(name, text.encode("utf-8", "ignore"), ".html"), html_metadata(text))


def convert(name: str, data: bytes, ending: str) -> str:
    """Return a .docx, .pptx, .xlsx or .html (UTF-8) as Markdown. Raises DamagedFile."""
    from markitdown import MarkItDownException

    from core.loading._part_loading_converters import to_markdown

    try:
        text = to_markdown(data, ending)
    except MarkItDownException as error:
        reason = shorten(_THREW.sub("", str(error)), LONGEST_REASON, placeholder=" …")
        raise damaged(name, f"its content cannot be read: {reason}") from error
    return _PICTURE.sub(_picture_text, tidy(text))


def _picture_text(picture: re.Match[str]) -> str:
    """A picture's description, nothing where the program put the picture's or its file's name."""
    description = picture[1].strip()
    unnamed = re.sub(r"\W", "", description) + ".jpg" == picture[2] or _FILE_NAME.match(description)
    return "" if unnamed else description


def as_document(name: str, data: bytes, text: str, metadata: Metadata, pages: tuple[Page, ...] = ()) -> Document:
    """Return a Markdown text as a document with its headings, tables and their rows. Raises NoText where there is none."""
    if not text.strip():
        raise NoText(f"{name} holds no text, only pictures or nothing: export it with text, or type it up")
    text = text if pages else text.strip() + "\n"
    tables = markdown_tables(text)
    return Document(name, text, pages, markdown_headings(text), tables, len(data), table_rows(text, tables), metadata=metadata)
