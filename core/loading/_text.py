"""Plain text and Markdown, in whatever encoding they come."""

from __future__ import annotations

import codecs
import re
from pathlib import PurePosixPath
from unicodedata import normalize

from charset_normalizer import from_bytes

from core.errors import EmptyFile, WrongFileType
from core.loading._markdown import markdown_headings, markdown_tables, table_rows
from core.loading._metadata import front_matter
from core.loading._part_loading_sniff import refuse_other_kind
from core.records.document import Document

_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark is its beginning
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_LINE_END = re.compile(r"\r\n?|\x0b|\u2028|\u2029")
_INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\u00ad\ufeff]")
_LIGATURE = re.compile(r"[\ufb00-\ufb06]")
MARKDOWN = (".md", ".markdown")
_IN_USE = ["utf_16_le", "utf_16_be", "cp1250", "iso8859_2", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256", "cp932", "euc_jp", "gb18030", "big5", "cp949"]
LITTLE_CHAOS = 0.05  # charset_normalizer's measure; what is Western has none
SAMPLE = 20_000  # characters looked at for binary content


def load_text(name: str, data: bytes) -> Document:
    """Return the text of a plain or Markdown file; Markdown's headings and tables as spans.

    Raises EmptyFile, or WrongFileType for something that is not text.
    """
    refuse_other_kind(name, data, "text")
    text = tidy(decode(name, data))
    if not text.strip():
        raise EmptyFile(f"{name} holds nothing but white space: there is nothing to index in it")
    if PurePosixPath(name).suffix.lower() not in MARKDOWN:
        return Document(name, text, size=len(data))
    tables = markdown_tables(text)
    return Document(name, text, (), markdown_headings(text), tables, len(data), table_rows(text, tables), metadata=front_matter(text))


def decode(name: str, data: bytes, declared: str | None = None) -> str:
    """Return ``data`` as text: by its byte order mark, as UTF-8, as ``declared``, else as detected.

    Raises WrongFileType if it is not text in any encoding.
    """
    marked = next((encoding for mark, encoding in _MARKS.items() if data.startswith(mark)), None)
    for encoding in (marked, "utf-8", declared):
        text = _try(data, encoding) if encoding else None
        if text is not None and not _is_binary(text):
            return text
    text = _detected(data)
    if not text or _is_binary(text):
        raise WrongFileType(f"{name} is not text in any encoding that can be told: save it as UTF-8, or bring another file")
    return text


def tidy(text: str) -> str:
    """Return ``text`` with line ends as ``\\n``, ligatures as letters, and without what no reader sees:
    control characters, soft hyphens, marks of byte order, and lone surrogates, which no store keeps."""
    text = _INVISIBLE.sub("", _LINE_END.sub("\n", text))
    text = _LIGATURE.sub(lambda match: normalize("NFKC", match[0]), text)
    return text.encode("utf-8", "ignore").decode("utf-8")


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (ValueError, LookupError):  # as UnicodeError, or for an encoding's name that makes no sense
        return None


def _detected(data: bytes) -> str:
    """The text in the most plausible encoding: in short texts rare ones look as good as those in use."""
    western = from_bytes(data, cp_isolation=["cp1252"]).best()
    if western and western.chaos < LITTLE_CHAOS and not _is_binary(str(western)):
        return str(western)
    best = from_bytes(data, cp_isolation=_IN_USE).best() or from_bytes(data).best()
    return str(best) if best else ""


def _is_binary(text: str) -> bool:
    sample = text[:SAMPLE]
    return len(_CONTROLS.findall(sample)) > len(sample) / 100
