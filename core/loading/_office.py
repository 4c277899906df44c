"""Word, PowerPoint, Excel and HTML files: markitdown turns them into Markdown, we find its marks."""

from __future__ import annotations

import io
import re
import warnings
from datetime import datetime
from functools import cache
from textwrap import shorten
from typing import Any, BinaryIO

import pandas as pd
from bs4 import BeautifulSoup, Tag
from bs4.dammit import EncodingDetector
from bs4.element import NavigableString
from markitdown import DocumentConverter, DocumentConverterResult, MarkItDown, StreamInfo
from markitdown.converters import DocxConverter, HtmlConverter, PptxConverter

from core.errors import NoText, WrongFileType
from core.loading._detection import check_zip, damaged_file, read_part, reject_other_format
from core.loading._markdown import markdown_headings, markdown_table, markdown_tables, table_rows
from core.loading._metadata import dublin_core, html_metadata
from core.loading._text import clean_text, decode
from core.records.document import Document, Metadata, Page

# Marks that a reader does not see as such; a link's address is none of the text either.
_STRIPPED = ["a", "b", "strong", "i", "em", "u", "s", "del", "strike", "code", "kbd", "samp", "tt"]
_OPTIONS = {"strip": _STRIPPED, "escape_asterisks": False, "escape_underscores": False}
_BLOCKS = ["table", "dl", "pre", "h1", "h2", "h3", "h4"]
_SOURCE_LINE_END = re.compile(r"\s*\n\s*")
_EMPTY_HEAD = re.compile(r"^\|(?:  \|)+\n(\|(?: --- \|)+)\n(\|[^\n]*)", re.MULTILINE)


def to_markdown(data: bytes, ending: str) -> str:
    """Return a .docx, .pptx, .xlsx or .html (UTF-8) as Markdown. Raises MarkItDownException."""
    info = StreamInfo(extension=ending, charset="utf-8" if ending == ".html" else None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the parsers, on files that are not ours to mend
        text = str(_markitdown().convert_stream(io.BytesIO(data), stream_info=info, **_OPTIONS).text_content)
    return _EMPTY_HEAD.sub(r"\2\n\1", text)  # a table without a marked head begins with its first row


class _ToldKind(MarkItDown):
    """markitdown that believes the kind it is told: its model that guesses kinds takes longer than most files."""

    def _get_stream_info_guesses(self, file_stream: BinaryIO, base_guess: StreamInfo) -> list[StreamInfo]:  # noqa: ARG002
        return [base_guess]


@cache
def _markitdown() -> Any:
    markitdown = _ToldKind(enable_builtins=False, enable_plugins=False)
    for kind in (DocxConverter, PptxConverter, SheetConverter, PageConverter):
        markitdown.register_converter(kind())
    return markitdown


class PageConverter(HtmlConverter):
    """Web pages, without layout tables, permalink signs and pictures."""

    def convert(self, file_stream: BinaryIO, stream_info: StreamInfo, **kwargs: Any) -> DocumentConverterResult:
        """Return the page as Markdown."""
        soup = BeautifulSoup(file_stream.read().decode("utf-8", "ignore"), "html.parser")
        for tag in soup.select("a.headerlink, template, annotation, col, colgroup"):
            tag.decompose()
        for picture in soup.find_all("img"):
            picture.replace_with(str(picture.get("alt") or ""))
        for table in soup.find_all("table"):
            if table.find(_BLOCKS):
                _lay_out(table)
        _unwrap_lines(soup)
        return super().convert(io.BytesIO(str(soup).encode("utf-8", "ignore")), stream_info, **kwargs)


def _unwrap_lines(soup: BeautifulSoup) -> None:
    """Turn the line ends of the page's source, which a browser shows as spaces, into spaces."""
    for text in soup.find_all(string=_SOURCE_LINE_END):
        if type(text) is NavigableString and text.find_parent(["pre", "textarea"]) is None:
            text.replace_with(_SOURCE_LINE_END.sub(" ", text))


def _lay_out(table: Tag) -> None:
    """Turn a table that only places blocks on the page into plain ones: Markdown's cells cannot hold any."""
    for part in table.find_all(["tbody", "thead", "tr", "th", "td"]):
        if part.find_parent("table") is table:
            part.name = "div"
    table.name = "div"


class SheetConverter(DocumentConverter):
    """Workbooks, with every cell as it was typed: 412 not 412.0, NA not nothing."""

    def accepts(self, file_stream: BinaryIO, stream_info: StreamInfo, **kwargs: Any) -> bool:  # noqa: ARG002
        """Whether the ending is a workbook's."""
        return bool(stream_info.extension == ".xlsx")

    def convert(self, file_stream: BinaryIO, stream_info: StreamInfo, **kwargs: Any) -> DocumentConverterResult:  # noqa: ARG002
        """Return each sheet that is not empty as a heading and a table."""
        sheets = pd.read_excel(
            file_stream, sheet_name=None, header=None, dtype=object, keep_default_na=False, engine="openpyxl"
        )
        tables = {
            title: markdown_table([list(map(_cell, row)) for row in frame.values.tolist()])
            for title, frame in sheets.items()
        }
        return DocumentConverterResult(
            markdown="\n\n".join(f"## {title}\n{table}" for title, table in tables.items() if table)
        )


def _cell(value: Any) -> str:
    if isinstance(value, datetime) and value == datetime.combine(value.date(), datetime.min.time()):
        value = value.date()
    return str(value)


LONGEST_REASON = 120  # characters of a parser's message
_PROPERTIES = "docProps/core.xml"
_THREW = re.compile(r"^.*? with message: ", re.DOTALL)  # before the parser's own words
_SLIDE = re.compile(r"<!-- Slide number: (\d+) -->\n?")
_PICTURE = re.compile(r"!\[([^\]\n]*)\]\(([^)\n]*)\)")
_FILE_NAME = re.compile(r"\S+\.(?:png|jpe?g|gif|bmp|svg|emf|wmf|tiff?)$", re.IGNORECASE)


def load_docx(name: str, data: bytes) -> Document:
    """Return a Word document. Raises LoadingError."""
    check_zip(name, data, "a Word document (.docx)", "word/")
    return markdown_document(name, data, convert_to_markdown(name, data, ".docx"), dublin_core(read_part(data, _PROPERTIES)))


def load_pptx(name: str, data: bytes) -> Document:
    """Return a presentation, its slides as pages. Raises LoadingError."""
    check_zip(name, data, "a presentation (.pptx)", "ppt/")
    pieces = _SLIDE.split(convert_to_markdown(name, data, ".pptx"))
    text, pages = pieces[0], []
    for number, slide in zip(pieces[1::2], pieces[2::2], strict=True):
        cleaned = slide.strip() + "\n\n"
        pages.append(Page(len(text), len(text) + len(cleaned), int(number)))
        text += cleaned
    return markdown_document(name, data, text, dublin_core(read_part(data, _PROPERTIES)), tuple(pages))


def load_xlsx(name: str, data: bytes) -> Document:
    """Return a workbook: a heading for each sheet, its cells as a table. Raises LoadingError."""
    check_zip(name, data, "a workbook (.xlsx)", "xl/")
    return markdown_document(name, data, convert_to_markdown(name, data, ".xlsx"), dublin_core(read_part(data, _PROPERTIES)))


def load_html(name: str, data: bytes) -> Document:
    """Return a web page without its markup, scripts and styles. Raises LoadingError."""
    reject_other_format(name, data, "a web page")
    text = decode(name, data, EncodingDetector.find_declared_encoding(data, is_html=True))
    if "<" not in text:
        raise WrongFileType(f"{name} is not a web page, it has no tags: rename it to .txt if it is text")
    return markdown_document(name, data, convert_to_markdown(name, text.encode("utf-8", "ignore"), ".html"), html_metadata(text))


def convert_to_markdown(name: str, data: bytes, ending: str) -> str:
    """Return a .docx, .pptx, .xlsx or .html (UTF-8) as Markdown. Raises DamagedFile."""
    from markitdown import MarkItDownException

    try:
        text = to_markdown(data, ending)
    except MarkItDownException as error:
        reason = shorten(_THREW.sub("", str(error)), LONGEST_REASON, placeholder=" …")
        raise damaged_file(name, f"its content cannot be read: {reason}") from error
    return _PICTURE.sub(_picture_text, clean_text(text))


def _picture_text(picture: re.Match[str]) -> str:
    """A picture's description, nothing where the program put the picture's or its file's name."""
    description = picture[1].strip()
    unnamed = re.sub(r"\W", "", description) + ".jpg" == picture[2] or _FILE_NAME.match(description)
    return "" if unnamed else description


def markdown_document(name: str, data: bytes, text: str, metadata: Metadata, pages: tuple[Page, ...] = ()) -> Document:
    """Return a Markdown text as a document with its headings, tables and their rows. Raises NoText where there is none."""
    if not text.strip():
        raise NoText(f"{name} holds no text, only pictures or nothing: export it with text, or type it up")
    text = text if pages else text.strip() + "\n"
    tables = markdown_tables(text)
    return Document(
        name, text, pages, markdown_headings(text), tables, len(data), table_rows(text, tables), metadata=metadata
    )
