"""LaTeX: sections as headings, tables as tables, listings in fences, the rest as plain words."""

from __future__ import annotations

import re

from core.errors import NoText, WrongFileType
from core.loading._detection import reject_other_format
from core.loading._encoding import clean_text, decode
from core.loading._markdown import markdown_document
from core.loading._metadata import file_metadata
from core.loading._omissions import first_names
from core.loading.latex._reader import LatexReader
from core.loading.latex._tokens import LISTING, tokenize
from core.records.document import Document
from core.util.formatting import plural

_COMMAND = re.compile(r"\\(?:documentclass|begin|section|chapter|[a-zA-Z]+\s*\{|[a-zA-Z]{2,}|[\\%&$#_{}\"'`^~=.(\[])")
_EXPL3 = re.compile(r"^[ \t]*\\ExplSyntaxOn\b.*?(?:^[ \t]*\\ExplSyntaxOff\b|\Z)", re.DOTALL | re.MULTILINE)
_LISTING = re.compile(f"{LISTING}(\\d+){LISTING}")
_LEFT_OVER = re.compile("[\x01-\x06]")
_ENCODING = re.compile(rb"^[^%\n]*\\usepackage\s*\[([A-Za-z\d-]{2,20})\]\s*\{inputenc\}", re.MULTILINE)
# Names that inputenc has and Python has not.
_ENCODINGS = {
    b"ansinew": "cp1252", b"applemac": "mac_roman", b"latin9": "iso8859-15", b"utf8x": "utf-8", b"macce": "mac_latin2",
}  # fmt: skip


def load_latex(name: str, data: bytes) -> Document:
    """Return a LaTeX file's text as Markdown; the files that it includes are not read. Raises LoadingError."""
    reject_other_format(name, data, "LaTeX")
    declared = _ENCODING.search(data)
    decoded = decode(name, data, _ENCODINGS.get(declared[1], declared[1].decode("ascii")) if declared else None)
    source = clean_text(decoded.text)
    if not _COMMAND.search(source):
        raise WrongFileType(f"{name} is not LaTeX, it has no commands: rename it to .txt if it is text")
    if "\\ExplSyntaxOff" in source:
        source = _EXPL3.sub("", source)  # definitions in another syntax
    reader = LatexReader(source, tokenize(source))
    title, author, date = (
        _one_line(text)
        for text in (reader.title, ", ".join(filter(None, map(str.strip, reader.author.split("\n")))), reader.date)
    )
    plain_author = re.sub(r"\s*\[[^\]]*\]", "", author)  # without the notes on it
    metadata = file_metadata(title, re.sub(r"(?:\s*,\s*)+", ", ", plain_author).strip(", "), date)
    head = [f"# {title}" if title else "", author, date, *map(_one_line, reader.front)]
    text = "\n\n".join([*filter(None, head), _markdown(reader)])
    if reader.files and not text.strip():
        raise NoText(
            f"{name} holds no text of its own: bring the files that it includes, {first_names(list(reader.files))}"
        )
    return markdown_document(name, data, text, metadata, notes=(*decoded.notes, *_notes(reader)))


def _one_line(text: str) -> str:
    return _LEFT_OVER.sub("", " ".join(text.split()))


def _markdown(reader: LatexReader) -> str:
    """Return the text with its listings, and with single spaces and blank lines."""
    lines = (re.sub(" {2,}", " ", line.strip()) for line in reader.text.split("\n"))
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    text = _LISTING.sub(lambda match: _fenced(reader.listings[int(match[1])]), text)
    return _LEFT_OVER.sub("", text)


def _fenced(code: str) -> str:
    fence = "```"
    while fence in code:
        fence += "`"
    return f"{fence}\n{code}\n{fence}" if code.strip() else ""


def _notes(reader: LatexReader) -> tuple[str, ...]:
    """Return what the text lacks of what LaTeX would print."""
    notes = []
    if reader.files:
        notes.append(f"other files that it includes are not read: {first_names(list(reader.files))}")
    if reader.pictures:
        notes.append(f"{plural(reader.pictures, 'picture')} without a description")
    if reader.drawings:
        notes.append(f"{plural(reader.drawings, 'drawing')} (such as TikZ) left out")
    if reader.unknown:
        names = sorted(reader.unknown, key=lambda name: (-reader.unknown[name], name))
        commands = first_names([f"\\{name}" for name in names])
        notes.append(f"commands whose meaning is not in the file are left out: {commands}")
    if reader.exhausted:
        notes.append("its own commands stand for too much: not all of them are followed")
    return tuple(notes)
