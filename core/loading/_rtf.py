"""Rich Text Format, read with striprtf; headings by the styles that word processors give them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress

from striprtf.striprtf import rtf_to_text

from core.loading._detection import damaged_file, wrong_file_type
from core.loading._encoding import clean_text
from core.loading._markdown import markdown_document, markdown_table
from core.loading._metadata import file_metadata
from core.records.document import Document

_to_text: Callable[..., str] = rtf_to_text  # striprtf has no annotations
# What striprtf raises on broken files: ValueError and OverflowError for impossible numbers and characters, TypeError
# for missing ones, LookupError for encodings that Python does not have.
_STRIPRTF_ERRORS = (ValueError, OverflowError, TypeError, LookupError)
# striprtf drops the levels of headings and the bounds of rows and cells: private characters mark them in its input.
_LEVEL, _ROW, _CELL, _ROW_END = 0xE000, 0xE010, 0xE011, 0xE012
_STYLE = re.compile(r"\{\\s(\d{1,4})(?!\d)[^{}]*?[ ;](?i:heading|überschrift|titre|título)\s+([1-6])\s*;\}")
_OUTLINE_LEVEL = re.compile(r"\\outlinelevel([0-5])(?!\d) ?")
_TABLE_MARKS = {"trowd": _ROW, "cell": _CELL, "nestcell": _CELL, "row": _ROW_END}
_TABLE_WORD = re.compile(r"\\(trowd|nestcell|cell|row)(?![a-z\d]) ?")
_HEADING = re.compile("[ \t]*([\ue000-\ue005])(.*)")
_PRIVATE = re.compile("[\ue000-\ue012]")
_BULLET = re.compile(r"^[ \t]*(?:[•◦▪·o\uf000-\uf0ff-]\t|\t)(?=\S)")
_INFO = re.compile(r"\{\\(title|author)\s((?:[^{}\\]|\\[^{}])*)\}|\{\\(creatim)((?:\\\w+)+)\s*\}")


def load_rtf(name: str, data: bytes) -> Document:
    """Return an RTF document. Raises WrongFileType, DamagedFile or NoText."""
    if not data.lstrip().startswith(b"{\\rtf"):
        raise wrong_file_type(name, data, "an RTF document")
    if not data.rstrip(b"\0 \t\r\n").endswith(b"}"):
        raise damaged_file(name, "its end is missing")
    source = data.decode("cp1252", "replace")
    try:
        text = clean_text(_to_text(_with_marks(source), errors="replace"))
    except _STRIPRTF_ERRORS as error:
        raise damaged_file(name, f"its content cannot be read: {error}") from error
    return markdown_document(name, data, _markdown(text), file_metadata(**_info(source)))


def _with_marks(source: str) -> str:
    """Return the source with private characters before each heading, and where rows and cells begin and end."""
    source = _TABLE_WORD.sub(lambda match: _mark(_TABLE_MARKS[match[1]]), source)
    levels = {style: int(level) - 1 for style, level in _STYLE.findall(source)}
    source = _OUTLINE_LEVEL.sub(lambda match: match[0] + _mark(_LEVEL + int(match[1])), source)
    if not levels:
        return source
    styled = re.compile(
        rf"\\pard(?:\\plain)?\s*\\s({'|'.join(sorted(levels, key=len, reverse=True))})(?!\d)(?:\\[a-z]+-?\d*)* ?"
    )
    return styled.sub(lambda match: match[0] + _mark(_LEVEL + levels[match[1]]), source)


def _mark(character: int) -> str:
    return f"{{\\uc1\\u{character - 0x10000}?}}"


def _markdown(text: str) -> str:
    """Return striprtf's text, a paragraph a line, as Markdown."""
    text = "\n\n".join(_with_tables(text))
    lines = (_markdown_line(line) for line in text.split("\n"))
    return _PRIVATE.sub("", "\n\n".join(line for line in lines if line)).replace("|\n\n|", "|\n|")


def _markdown_line(line: str) -> str:
    heading = _HEADING.match(line)
    if heading and heading[2].strip():
        return f"{'#' * (ord(heading[1]) - _LEVEL + 1)} {heading[2].strip()}"
    return _BULLET.sub("* ", line).strip()


def _with_tables(text: str) -> Iterator[str]:
    """Yield the tables and the text between them in order."""
    *segments, rest = text.split(chr(_ROW_END))
    rows: list[list[str]] = []
    for segment in segments:
        before, _, row = segment.partition(chr(_ROW))
        if before.strip():
            yield from (markdown_table(rows), before)
            rows = []
        rows.append([_PRIVATE.sub("", cell) for cell in row.split(chr(_CELL))[:-1]])
    yield from (markdown_table(rows), rest)


def _info(source: str) -> dict[str, str]:
    """Return title, author and date of the information group, as ``file_metadata`` takes them."""
    fields: dict[str, str] = {}
    for key, value, created, time in _INFO.findall(source):
        if created:
            parts = dict(re.findall(r"\\(yr|mo|dy)(\d{1,4})", time))
            fields["dated"] = f"{parts.get('yr', '')}-{parts.get('mo', '').zfill(2)}-{parts.get('dy', '').zfill(2)}"
        elif key not in fields:
            with suppress(*_STRIPRTF_ERRORS):
                fields[key] = _to_text("{\\rtf1\\ansi " + value + "}", errors="replace")
    return fields
