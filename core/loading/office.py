"""Word, PowerPoint, Excel and HTML files: markitdown turns them into Markdown, we find its marks."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from textwrap import shorten

from bs4.dammit import EncodingDetector

from core.errors import DamagedFile, EncryptedFile, NoText, WrongFileType
from core.loading.sniff import refuse_other_kind, refuse_unless_office
from core.loading.structure import markdown_headings, markdown_tables
from core.loading.text import decode, tidy
from core.records import Document, Page
from core.wording import file_size

LONGEST_REASON = 120  # characters of a parser's message
MOST_UNPACKED = 1_000_000_000  # bytes: more is no document but a ZIP bomb
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError)
_ENCRYPTED = 1  # a ZIP member's flag
_THREW = re.compile(r"^.*? with message: ", re.DOTALL)  # before the parser's own words
_SLIDE = re.compile(r"<!-- Slide number: (\d+) -->\n?")
_PICTURE = re.compile(r"!\[([^\]\n]*)\]\(([^)\n]*)\)")
_FILE_NAME = re.compile(r"\S+\.(?:png|jpe?g|gif|bmp|svg|emf|wmf|tiff?)$", re.IGNORECASE)


def load_docx(name: str, data: bytes) -> Document:
    """Return a Word document. Raises LoadingError."""
    _check_office(name, data, "a Word document (.docx)", "word/")
    return _document(name, data, _convert(name, data, ".docx").strip() + "\n")


def load_pptx(name: str, data: bytes) -> Document:
    """Return a presentation, its slides as pages. Raises LoadingError."""
    _check_office(name, data, "a presentation (.pptx)", "ppt/")
    pieces = _SLIDE.split(_convert(name, data, ".pptx"))
    text, pages = pieces[0], []
    for number, slide in zip(pieces[1::2], pieces[2::2], strict=True):
        cleaned = slide.strip() + "\n\n"
        pages.append(Page(len(text), len(text) + len(cleaned), int(number)))
        text += cleaned
    return _document(name, data, text, tuple(pages))


def load_xlsx(name: str, data: bytes) -> Document:
    """Return a workbook: a heading for each sheet, its cells as a table. Raises LoadingError."""
    _check_office(name, data, "a workbook (.xlsx)", "xl/")
    return _document(name, data, _convert(name, data, ".xlsx").strip() + "\n")


def load_html(name: str, data: bytes) -> Document:
    """Return a web page without its markup, scripts and styles. Raises LoadingError."""
    refuse_other_kind(name, data, "a web page")
    text = decode(name, data, EncodingDetector.find_declared_encoding(data, is_html=True))
    if "<" not in text:
        raise WrongFileType(f"{name} is not a web page, it has no tags: rename it to .txt if it is text")
    return _document(name, data, _convert(name, text.encode("utf-8", "ignore"), ".html").strip() + "\n")


def _check_office(name: str, data: bytes, expected: str, folder: str) -> None:
    """Raise unless ``data`` is a whole ZIP archive with the ``folder`` that its kind has."""
    refuse_unless_office(name, data, expected)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _check_members(name, members)
            broken = archive.testzip()
    except _ZIP_ERRORS as error:
        raise _damaged(name, f"it cannot be unpacked: {error}") from error
    if broken:
        raise _damaged(name, f"its part {broken} does not match its checksum")
    if not any(member.filename.startswith(folder) for member in members):
        raise WrongFileType(f"{name} is not {expected} but another kind of ZIP archive: rename it to what it is")


def _check_members(name: str, members: list[zipfile.ZipInfo]) -> None:
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise EncryptedFile(f"{name} is protected by a password: save a copy without one and bring that")
    unpacked = sum(member.file_size for member in members)
    if unpacked > MOST_UNPACKED:
        raise _damaged(name, f"it would unpack to {file_size(unpacked)}")


def _convert(name: str, data: bytes, ending: str) -> str:
    from markitdown import MarkItDownException

    from core.loading.converters import to_markdown

    try:
        text = to_markdown(data, ending)
    except MarkItDownException as error:
        reason = shorten(_THREW.sub("", str(error)), LONGEST_REASON, placeholder=" …")
        raise _damaged(name, f"its content cannot be read: {reason}") from error
    return _PICTURE.sub(_picture_text, tidy(text))


def _picture_text(picture: re.Match[str]) -> str:
    """A picture's description, nothing where the program put the picture's or its file's name."""
    description = picture[1].strip()
    unnamed = re.sub(r"\W", "", description) + ".jpg" == picture[2] or _FILE_NAME.match(description)
    return "" if unnamed else description


def _damaged(name: str, reason: object) -> DamagedFile:
    return DamagedFile(f"{name} is damaged ({str(reason).rstrip('.')}): open it in its own program and save it again")


def _document(name: str, data: bytes, text: str, pages: tuple[Page, ...] = ()) -> Document:
    if not text.strip():
        raise NoText(f"{name} holds no text, only pictures or nothing: export it with text, or type it up")
    return Document(name, text, pages, markdown_headings(text), markdown_tables(text), len(data))
