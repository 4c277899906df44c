"""Word, PowerPoint, Excel and HTML files, which markitdown turns into Markdown."""

from __future__ import annotations

import io
import re
import warnings
from datetime import datetime
from functools import cache
from textwrap import shorten
from typing import BinaryIO

import pandas as pd
from bs4 import BeautifulSoup, Tag
from bs4.dammit import EncodingDetector
from bs4.element import NavigableString
from markitdown import DocumentConverter, DocumentConverterResult, MarkItDown, MarkItDownException, StreamInfo
from markitdown.converters import DocxConverter, HtmlConverter, PptxConverter

from core.errors import WrongFileType
from core.loading._detection import check_zip, damaged_file, read_part, reject_other_format
from core.loading._markdown import join_slides, markdown_document, markdown_table
from core.loading._metadata import dublin_core, html_metadata
from core.loading._text import clean_text, decode
from core.records.document import Document, Page

# Markup that readers do not see as such, and the addresses of links, which are not part of the text.
_STRIPPED = ["a", "b", "strong", "i", "em", "u", "s", "del", "strike", "code", "kbd", "samp", "tt"]
_BLOCKS = ["table", "dl", "pre", "h1", "h2", "h3", "h4"]
_MAX_REASON_LENGTH = 120  # characters of a parser's message
_PARSER_PREFIX = re.compile(r"^.*? with message: ", re.DOTALL)  # markitdown puts it before the parser's message
_SOURCE_LINE_END = re.compile(r"\s*\n\s*")
_EMPTY_HEADER = re.compile(r"^\|(?:  \|)+\n(\|(?: --- \|)+)\n(\|[^\n]*)", re.MULTILINE)
_SLIDE = re.compile(r"<!-- Slide number: (\d+) -->\n?")
_PICTURE = re.compile(r"!\[([^\]\n]*)\]\(([^)\n]*)\)")
_FILE_NAME = re.compile(r"\S+\.(?:png|jpe?g|gif|bmp|svg|emf|wmf|tiff?)$", re.IGNORECASE)


def load_docx(name: str, data: bytes) -> Document:
    """Return a Word document. Raises LoadingError."""
    check_zip(name, data, "a Word document (.docx)", "word/")
    return _office_document(name, data, convert_to_markdown(name, data, ".docx"))


def load_pptx(name: str, data: bytes) -> Document:
    """Return a presentation, its slides as pages. Raises LoadingError."""
    check_zip(name, data, "a presentation (.pptx)", "ppt/")
    _, *parts = _SLIDE.split(convert_to_markdown(name, data, ".pptx"))
    slides = zip(map(int, parts[::2]), map(str.strip, parts[1::2]), strict=True)
    return _office_document(name, data, *join_slides(slides))


def load_xlsx(name: str, data: bytes) -> Document:
    """Return a workbook: a heading for each sheet, its cells as a table. Raises LoadingError."""
    check_zip(name, data, "a workbook (.xlsx)", "xl/")
    return _office_document(name, data, convert_to_markdown(name, data, ".xlsx"))


def _office_document(name: str, data: bytes, text: str, pages: tuple[Page, ...] = ()) -> Document:
    return markdown_document(name, data, text, dublin_core(read_part(data, "docProps/core.xml")), pages)


def load_html(name: str, data: bytes) -> Document:
    """Return a web page without its markup, scripts and styles. Raises LoadingError."""
    reject_other_format(name, data, "a web page")
    html = decode(name, data, EncodingDetector.find_declared_encoding(data, is_html=True))
    if "<" not in html:
        raise WrongFileType(f"{name} is not a web page, it has no tags: rename it to .txt if it is text")
    text = convert_to_markdown(name, html.encode("utf-8", "ignore"), ".html")
    return markdown_document(name, data, text, html_metadata(html))


def convert_to_markdown(name: str, data: bytes, suffix: str) -> str:
    """Return a .docx, .pptx, .xlsx or .html (UTF-8) as Markdown, pictures by their descriptions. Raises DamagedFile."""
    info = StreamInfo(extension=suffix, charset="utf-8" if suffix == ".html" else None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the parsers warn of faults that the user's file has
            result = _markitdown().convert_stream(
                io.BytesIO(data), stream_info=info, strip=_STRIPPED, escape_asterisks=False, escape_underscores=False
            )
    except MarkItDownException as error:
        reason = shorten(_PARSER_PREFIX.sub("", str(error)), _MAX_REASON_LENGTH, placeholder=" …")
        raise damaged_file(name, f"its content cannot be read: {reason}") from error
    text = _EMPTY_HEADER.sub(r"\2\n\1", str(result.text_content))  # the first row becomes the header that is missing
    return _PICTURE.sub(_picture_description, clean_text(text))


def _picture_description(picture: re.Match[str]) -> str:
    """Return a picture's description, empty where the program wrote the name of the picture or of its file."""
    description = picture[1].strip()
    is_name = re.sub(r"\W", "", description) + ".jpg" == picture[2] or _FILE_NAME.match(description)
    return "" if is_name else description


class _MarkItDown(MarkItDown):
    """markitdown without its model that guesses file types, which takes longer than converting most files."""

    def _get_stream_info_guesses(self, file_stream: BinaryIO, base_guess: StreamInfo) -> list[StreamInfo]:  # noqa: ARG002
        return [base_guess]


@cache
def _markitdown() -> MarkItDown:
    markitdown = _MarkItDown(enable_builtins=False, enable_plugins=False)
    for converter in (DocxConverter, PptxConverter, _XlsxConverter, _HtmlConverter):
        markitdown.register_converter(converter())
    return markitdown


class _HtmlConverter(HtmlConverter):
    """Converter of web pages that drops layout tables and permalinks, and replaces pictures by their descriptions."""

    def convert(self, file_stream: BinaryIO, stream_info: StreamInfo, **kwargs: object) -> DocumentConverterResult:
        """Return the page as Markdown."""
        soup = BeautifulSoup(file_stream.read().decode("utf-8", "ignore"), "html.parser")
        for tag in soup.select("a.headerlink, template, annotation, col, colgroup"):
            tag.decompose()
        for picture in soup.find_all("img"):
            picture.replace_with(str(picture.get("alt") or ""))
        for table in soup.find_all("table"):
            if table.find(_BLOCKS):
                _unwrap_table(table)
        _unwrap_lines(soup)
        return super().convert(io.BytesIO(str(soup).encode("utf-8", "ignore")), stream_info, **kwargs)


def _unwrap_lines(soup: BeautifulSoup) -> None:
    """Turn the line ends of the HTML source, which a browser shows as spaces, into spaces."""
    for text in soup.find_all(string=_SOURCE_LINE_END):
        if type(text) is NavigableString and text.find_parent(["pre", "textarea"]) is None:
            text.replace_with(_SOURCE_LINE_END.sub(" ", text))


def _unwrap_table(table: Tag) -> None:
    """Turn a layout table into <div> elements: the cells of a Markdown table cannot contain blocks."""
    for part in table.find_all(["tbody", "thead", "tr", "th", "td"]):
        if part.find_parent("table") is table:
            part.name = "div"
    table.name = "div"


class _XlsxConverter(DocumentConverter):
    """Converter of workbooks that writes every cell as it was typed: 412 not 412.0, NA not an empty cell."""

    def accepts(self, file_stream: BinaryIO, stream_info: StreamInfo, **kwargs: object) -> bool:  # noqa: ARG002
        """Return whether the file is a workbook by its suffix."""
        return bool(stream_info.extension == ".xlsx")

    def convert(self, file_stream: BinaryIO, stream_info: StreamInfo, **kwargs: object) -> DocumentConverterResult:  # noqa: ARG002
        """Return each sheet that is not empty as a heading and a table."""
        sheets = pd.read_excel(
            file_stream, sheet_name=None, header=None, dtype=object, keep_default_na=False, engine="openpyxl"
        )
        tables = {
            title: markdown_table([list(map(_cell_text, row)) for row in frame.values.tolist()])
            for title, frame in sheets.items()
        }
        return DocumentConverterResult(
            markdown="\n\n".join(f"## {title}\n{table}" for title, table in tables.items() if table)
        )


def _cell_text(value: object) -> str:
    """Return a cell's value as text, a time at midnight as a date."""
    if isinstance(value, datetime) and value == datetime.combine(value.date(), datetime.min.time()):
        value = value.date()
    return str(value)
