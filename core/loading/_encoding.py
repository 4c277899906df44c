"""Bytes to text: which encoding they are in, and what no reader sees taken out."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from unicodedata import normalize

from charset_normalizer import from_bytes

from core.errors import WrongFileType

_BYTE_ORDER_MARKS = {
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
_COMMON_ENCODINGS = [
    "utf_16_le",
    "utf_16_be",
    "cp1250",
    "iso8859_2",
    "cp1251",
    "koi8_r",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "cp932",
    "euc_jp",
    "gb18030",
    "big5",
    "cp949",
]
MAX_WESTERN_CHAOS = 0.05  # charset_normalizer's measure; what is Western has none
SAMPLE = 20_000  # characters looked at for binary content


@dataclass(frozen=True, slots=True)
class DecodedText:
    """The text of a file; ``notes`` say what could not be read of it, with how much."""

    text: str
    notes: tuple[str, ...] = ()


def decode(name: str, data: bytes, declared: str | None = None) -> DecodedText:
    """Return ``data`` as text: by its byte order mark, as UTF-8, as ``declared``, else as detected.

    Raises WrongFileType if it is not text in any encoding.
    """
    marked = next((encoding for mark, encoding in _BYTE_ORDER_MARKS.items() if data.startswith(mark)), None)
    for encoding in (marked, "utf-8", declared):
        text = _try(data, encoding) if encoding else None
        if text is not None and not _is_binary(text):
            return DecodedText(text)
    text = _detected(data)
    if not text or _is_binary(text):
        raise WrongFileType(
            f"{name} is not text in any encoding that can be told: save it as UTF-8, or bring another file"
        )
    return DecodedText(text)


def clean_text(text: str) -> str:
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
    if western and western.chaos < MAX_WESTERN_CHAOS and not _is_binary(str(western)):
        return str(western)
    best = from_bytes(data, cp_isolation=_COMMON_ENCODINGS).best() or from_bytes(data).best()
    return str(best) if best else ""


def _is_binary(text: str) -> bool:
    sample = text[:SAMPLE]
    return len(_CONTROLS.findall(sample)) > len(sample) / 100
