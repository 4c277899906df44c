"""Word, PowerPoint, Excel and HTML files: markitdown turns them into Markdown, we find its marks."""

from __future__ import annotations

import io
import re
import warnings
import zipfile

from bs4.dammit import EncodingDetector

from core.errors import DamagedFile, NoText, WrongFileType
from core.loading.sniff import refuse_other_kind, refuse_unless_office
from core.loading.structure import markdown_headings, markdown_tables
from core.loading.text import decode, tidy
from core.records import Document, Page

_SLIDE = re.compile(r"<!-- Slide number: (\d+) -->\n?")
_IMAGE = re.compile(r"!\[([^\]\n]*)\]\([^)\n]*\)")
_LINK = re.compile(r"\[([^\]\n]*)\]\([^)\n]*\)")
_ESCAPE = re.compile(r"\\([_*#+.!\[\]()-])")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_EMPTY_CELL = re.compile(r"(?<=\|) (?:NaN|Unnamed: \d+) (?=\|)")


def load_docx(name: str, data: bytes) -> Document:
    """Return a Word document. Raises LoadingError."""
    _check_office(name, data, "a Word document (.docx)", "word/")
    return _document(name, data, _convert(name, data, ".docx"))


def load_pptx(name: str, data: bytes) -> Document:
    """Return a presentation, its slides as pages. Raises LoadingError."""
    _check_office(name, data, "a presentation (.pptx)", "ppt/")
    pieces = _SLIDE.split(_convert(name, data, ".pptx"))
    text, pages = pieces[0], []
    for number, slide in zip(pieces[1::2], pieces[2::2], strict=True):
        cleaned = _plain(slide).strip() + "\n\n"
        pages.append(Page(len(text), len(text) + len(cleaned), int(number)))
        text += cleaned
    return _document(name, data, text, tuple(pages))


def load_xlsx(name: str, data: bytes) -> Document:
    """Return a workbook: a heading for each sheet, its cells as a table. Raises LoadingError."""
    _check_office(name, data, "a workbook (.xlsx)", "xl/")
    return _document(name, data, _EMPTY_CELL.sub("  ", _convert(name, data, ".xlsx")))


def load_html(name: str, data: bytes) -> Document:
    """Return a web page without its markup, scripts and styles. Raises LoadingError."""
    refuse_other_kind(name, data, "a web page")
    text = decode(name, data, EncodingDetector.find_declared_encoding(data, is_html=True))
    if "<" not in text:
        raise WrongFileType(f"{name} is not a web page, it has no tags: rename it to .txt if it is text")
    return _document(name, data, _convert(name, text.encode("utf-8", "ignore"), ".html"))


def _check_office(name: str, data: bytes, expected: str, folder: str) -> None:
    """Raise unless ``data`` is a whole ZIP archive with the ``folder`` that its kind has."""
    refuse_unless_office(name, data, expected)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members, broken = archive.namelist(), archive.testzip()
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError) as error:
        raise _damaged(name, str(error)) from error
    if broken:
        raise _damaged(name, f"its part {broken} does not match its checksum")
    if not any(member.startswith(folder) for member in members):
        raise WrongFileType(f"{name} is not {expected} but another kind of ZIP archive: rename it to what it is")


def _convert(name: str, data: bytes, ending: str) -> str:
    from markitdown import MarkItDown, MarkItDownException, StreamInfo

    info = StreamInfo(extension=ending, charset="utf-8" if ending == ".html" else None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the parsers, on files that are not ours to mend
            converted = MarkItDown(enable_plugins=False).convert_stream(io.BytesIO(data), stream_info=info)
    except MarkItDownException as error:
        raise _damaged(name, str(error).strip().splitlines()[-1]) from error
    except RecursionError as error:
        raise _damaged(name, "it is nested too deeply") from error
    return tidy(converted.text_content)


def _damaged(name: str, reason: str) -> DamagedFile:
    return DamagedFile(f"{name} is damaged ({reason}): open it in its own program and save it again")


def _plain(markdown: str) -> str:
    """Markdown without link targets, pictures, comments and escapes: what a person would read."""
    text = _LINK.sub(r"\1", _IMAGE.sub(r"\1", _COMMENT.sub("", markdown)))
    return _ESCAPE.sub(r"\1", text)


def _document(name: str, data: bytes, markdown: str, pages: tuple[Page, ...] = ()) -> Document:
    text = markdown if pages else _plain(markdown).strip() + "\n"
    if not text.strip():
        raise NoText(f"{name} holds no text, only pictures or nothing: export it with text, or type it up")
    return Document(name, text, pages, markdown_headings(text), markdown_tables(text), len(data))
