"""markitdown, with no converter but those of the four kinds that we give it, each the way we want it.

With all its converters it would try others on a damaged file, and find text in what is none. It puts
every exception of the parsers below it into one of its own, which office.py translates.
Importing this module takes a second: it is imported where it is used.
"""

from __future__ import annotations

import io
import re
import warnings
from datetime import datetime
from functools import cache
from typing import Any, BinaryIO

import pandas as pd
from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString
from markitdown import DocumentConverter, DocumentConverterResult, MarkItDown, StreamInfo
from markitdown.converters import DocxConverter, HtmlConverter, PptxConverter

from core.loading._markdown import pipe_table

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
        sheets = pd.read_excel(file_stream, sheet_name=None, header=None, dtype=object, keep_default_na=False, engine="openpyxl")
        tables = {title: pipe_table([list(map(_cell, row)) for row in frame.values.tolist()]) for title, frame in sheets.items()}
        return DocumentConverterResult(markdown="\n\n".join(f"## {title}\n{table}" for title, table in tables.items() if table))


def _cell(value: Any) -> str:
    if isinstance(value, datetime) and value == datetime.combine(value.date(), datetime.min.time()):
        value = value.date()
    return str(value)
