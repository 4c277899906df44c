"""Rich Text Format, through striprtf; headings by the styles that word processors give them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from striprtf.striprtf import rtf_to_text

from core.errors import WrongFileType
from core.loading._detection import damaged_file, detected_format
from core.loading._markdown import markdown_table
from core.loading._metadata import file_metadata
from core.loading._office import markdown_document
from core.loading._text import clean_text
from core.records.document import Document

RTF = b"{\\rtf"
_plain: Callable[..., str] = rtf_to_text
# Private characters take the place of what striprtf does not tell: a heading's level, and where rows and cells are.
_LEVEL, _ROW, _CELL, _ROW_END = 0xE000, 0xE010, 0xE011, 0xE012
_STYLE = re.compile(r"\{\\s(\d{1,4})(?!\d)[^{}]*?[ ;](?i:heading|überschrift|titre|título)\s+([1-6])\s*;\}")
_OUTLINE = re.compile(r"\\outlinelevel([0-5])(?!\d) ?")
_IN_TABLES = {"trowd": _ROW, "cell": _CELL, "nestcell": _CELL, "row": _ROW_END}
_TABLE_WORD = re.compile(r"\\(trowd|nestcell|cell|row)(?![a-z\d]) ?")
_HEADING = re.compile("[ \t]*([\ue000-\ue005])(.*)")
_PRIVATE = re.compile("[\ue000-\ue012]")
_BULLET = re.compile(r"^[ \t]*(?:[•◦▪·o\uf000-\uf0ff-]\t|\t)(?=\S)")
_INFO = re.compile(r"\{\\(title|author)\s((?:[^{}\\]|\\[^{}])*)\}|\{\\(creatim)((?:\\\w+)+)\s*\}")
_TROUBLE = (ValueError, LookupError, TypeError, AttributeError, OverflowError)  # of striprtf on broken files


def load_rtf(name: str, data: bytes) -> Document:
    """Return an RTF document. Raises WrongFileType, DamagedFile or NoText."""
    if not data.lstrip().startswith(RTF):
        found = detected_format(data) or "something else"
        raise WrongFileType(
            f"{name} is not an RTF document but {found}: rename it to what it is, or bring another file"
        )
    if not data.rstrip(b"\0 \t\r\n").endswith(b"}"):
        raise damaged_file(name, "its end is missing")
    source = data.decode("cp1252", "replace")
    try:
        text = clean_text(_plain(_with_marks(source), errors="replace"))
    except _TROUBLE as error:
        raise damaged_file(name, f"its content cannot be read: {error}") from error
    return markdown_document(name, data, _markdown(text), file_metadata(**_info(source)))


def _with_marks(source: str) -> str:
    """The document with private characters in front of each heading, and about each row and cell."""
    source = _TABLE_WORD.sub(lambda word: _mark(_IN_TABLES[word[1]]), source)
    levels = {number: int(level) - 1 for number, level in _STYLE.findall(source)}
    source = _OUTLINE.sub(lambda found: found[0] + _mark(_LEVEL + int(found[1])), source)
    if not levels:
        return source
    uses = re.compile(
        rf"\\pard(?:\\plain)?\s*\\s({'|'.join(sorted(levels, key=len, reverse=True))})(?!\d)(?:\\[a-z]+-?\d*)* ?"
    )
    return uses.sub(lambda use: use[0] + _mark(_LEVEL + levels[use[1]]), source)


def _mark(character: int) -> str:
    return f"{{\\uc1\\u{character - 0x10000}?}}"


def _markdown(text: str) -> str:
    """The text with Markdown's marks instead of the private ones; a line is a paragraph here."""
    text = "\n\n".join(_with_tables(text))
    lines = (_line(line) for line in text.split("\n"))
    return _PRIVATE.sub("", "\n\n".join(line for line in lines if line)).replace("|\n\n|", "|\n|")


def _line(line: str) -> str:
    """A line, as a heading or an item of a list where it is one."""
    heading = _HEADING.match(line)
    if heading and heading[2].strip():
        return f"{'#' * (ord(heading[1]) - _LEVEL + 1)} {heading[2].strip()}"
    return _BULLET.sub("* ", line).strip()


def _with_tables(text: str) -> Iterator[str]:
    """The text in pieces, of which each table is one."""
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
    said: dict[str, str] = {}
    for what, words, time, parts in _INFO.findall(source):
        if time:
            numbers = dict(re.findall(r"\\(yr|mo|dy)(\d{1,4})", parts))
            said["dated"] = f"{numbers.get('yr', '')}-{numbers.get('mo', '').zfill(2)}-{numbers.get('dy', '').zfill(2)}"
        else:
            try:
                said.setdefault(what, _plain("{\\rtf1\\ansi " + words + "}", errors="replace"))
            except _TROUBLE:
                continue
    return said
