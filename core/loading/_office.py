"""Word, PowerPoint and Excel files, which markitdown turns into Markdown."""

from __future__ import annotations

import io
import re
import warnings
from datetime import datetime
from functools import cache
from textwrap import shorten
from typing import BinaryIO

import pandas as pd
from markitdown import DocumentConverter, DocumentConverterResult, MarkItDown, MarkItDownException, StreamInfo
from markitdown.converters import DocxConverter, PptxConverter

from core.loading._detection import check_zip, damaged_file, read_part
from core.loading._html import STRIPPED, clean_markdown
from core.loading._markdown import join_slides, markdown_document, markdown_table
from core.loading._metadata import dublin_core
from core.records.document import Document, Page

_MAX_REASON_LENGTH = 120  # characters of a parser's message
_PARSER_PREFIX = re.compile(r"^.*? with message: ", re.DOTALL)  # markitdown puts it before the parser's message
_SLIDE = re.compile(r"<!-- Slide number: (\d+) -->\n?")


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


def convert_to_markdown(name: str, data: bytes, suffix: str) -> str:
    """Return a .docx, .pptx or .xlsx as Markdown, pictures by their descriptions. Raises DamagedFile."""
    info = StreamInfo(extension=suffix)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the parsers warn of faults that the user's file has
            result = _markitdown().convert_stream(
                io.BytesIO(data), stream_info=info, strip=STRIPPED, escape_asterisks=False, escape_underscores=False
            )
    except MarkItDownException as error:
        reason = shorten(_PARSER_PREFIX.sub("", str(error)), _MAX_REASON_LENGTH, placeholder=" …")
        raise damaged_file(name, f"its content cannot be read: {reason}") from error
    return clean_markdown(str(result.text_content))


class _MarkItDown(MarkItDown):
    """markitdown without its model that guesses file types, which takes longer than converting most files."""

    def _get_stream_info_guesses(self, file_stream: BinaryIO, base_guess: StreamInfo) -> list[StreamInfo]:  # noqa: ARG002
        return [base_guess]


@cache
def _markitdown() -> MarkItDown:
    markitdown = _MarkItDown(enable_builtins=False, enable_plugins=False)
    for converter in (DocxConverter, PptxConverter, _XlsxConverter):
        markitdown.register_converter(converter())
    return markitdown


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
