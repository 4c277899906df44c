"""Web pages as Markdown, converted with markitdown."""

from __future__ import annotations

import io
import re
import warnings
from typing import BinaryIO

from bs4 import BeautifulSoup, Tag
from bs4.dammit import EncodingDetector
from bs4.element import NavigableString
from markitdown import DocumentConverterResult, StreamInfo
from markitdown.converters import HtmlConverter

from core.errors import WrongFileType
from core.loading._detection import reject_other_format
from core.loading._encoding import clean_text, decode
from core.loading._markdown import markdown_document
from core.loading._metadata import html_metadata
from core.records.document import Document

# Markup that readers do not see as such, and the addresses of links, which are not part of the text.
STRIPPED = ["a", "b", "strong", "i", "em", "u", "s", "del", "strike", "code", "kbd", "samp", "tt"]
_BLOCKS = ["table", "dl", "pre", "h1", "h2", "h3", "h4"]
_SOURCE_LINE_END = re.compile(r"\s*\n\s*")
_EMPTY_HEADER = re.compile(r"^\|(?:  \|)+\n(\|(?: --- \|)+)\n(\|[^\n]*)", re.MULTILINE)
_PICTURE = re.compile(r"!\[([^\]\n]*)\]\(([^)\n]*)\)")
_FILE_NAME = re.compile(r"\S+\.(?:png|jpe?g|gif|bmp|svg|emf|wmf|tiff?)$", re.IGNORECASE)


def load_html(name: str, data: bytes) -> Document:
    """Return a web page without its markup, scripts and styles. Raises LoadingError."""
    reject_other_format(name, data, "a web page")
    decoded = decode(name, data, EncodingDetector.find_declared_encoding(data, is_html=True))
    html = decoded.text
    if "<" not in html:
        raise WrongFileType(f"{name} is not a web page, it has no tags: rename it to .txt if it is text")
    text = html_to_markdown(html)
    return markdown_document(name, data, text, html_metadata(html), notes=decoded.notes)


def html_to_markdown(html: str) -> str:
    """Return a web page as Markdown, pictures by their descriptions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # markitdown warns where it falls back to plain text
        result = _HtmlConverter().convert(
            io.BytesIO(html.encode("utf-8", "ignore")),
            StreamInfo(extension=".html", charset="utf-8"),
            strip=STRIPPED,
            escape_asterisks=False,
            escape_underscores=False,
        )
    return clean_markdown(str(result.text_content))


def clean_markdown(text: str) -> str:
    """Return converted Markdown with first rows as table headers where these were empty, and pictures described."""
    text = _EMPTY_HEADER.sub(r"\2\n\1", text)
    return _PICTURE.sub(_picture_description, clean_text(text))


def _picture_description(picture: re.Match[str]) -> str:
    """Return a picture's description, empty where the program wrote the name of the picture or of its file."""
    description = picture[1].strip()
    is_name = re.sub(r"\W", "", description) + ".jpg" == picture[2] or _FILE_NAME.match(description)
    return "" if is_name else description


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
