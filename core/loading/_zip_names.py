"""The names of an archive's members, in whatever encoding the program that packed it wrote them.

A name is in UTF-8 where its flag or an extra field says so (APPNOTE.TXT 4.4.4 and 4.6.9). Else it is in the encoding of
the machine that packed it, which nothing tells: it is guessed from all such names of the archive together.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from unicodedata import normalize

from core.loading._encoding_guess import guess_encodings

_UTF_8 = 0x800  # a member's flag: its name is UTF-8
_UNICODE_PATH = 0x7075  # the extra field of Info-ZIP
# Encodings of Windows and of DOS under it, and those of Unix machines in Asia.
_ENCODINGS = (
    "cp437", "cp850", "cp852", "cp855", "cp857", "cp858", "cp862", "cp866", "cp737", "cp932", "gb18030", "cp949",
    "cp950", "euc_jp", "koi8-r", "cp874", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256",
    "cp1257", "cp1258",
)  # fmt: skip


def member_names(entries: Sequence[zipfile.ZipInfo]) -> list[str]:
    """Return the names of the entries, in composed characters (NFC)."""
    raw_names = [_raw_name(entry) for entry in entries]
    encoding = _encoding([raw for raw in raw_names if raw])
    return [
        normalize("NFC", raw.decode(encoding, "replace") if raw else _unicode_path(entry) or entry.filename)
        for entry, raw in zip(entries, raw_names, strict=True)
    ]


def distinct_names(names: Sequence[str]) -> list[str]:
    """Return the names with a number in those that stand there already: ``a.txt``, ``a (2).txt``."""
    taken, seen = set(names), Counter[str]()
    distinct = []
    for name in names:
        seen[name] += 1
        number, called = seen[name], name
        while number > 1 and (called == name or called in taken):
            path = PurePosixPath(name)
            called = f"{name[: len(name) - len(path.suffix)]} ({number}){path.suffix}"
            number += 1
        taken.add(called)
        distinct.append(called)
    return distinct


def _raw_name(entry: zipfile.ZipInfo) -> bytes:
    """The bytes of a name whose encoding is not known; empty where it is, or is ASCII."""
    if entry.flag_bits & _UTF_8 or entry.filename.isascii() or _unicode_path(entry):
        return b""
    return entry.filename.encode("cp437")  # zipfile took it for DOS's encoding, which has a character for each byte


def _unicode_path(entry: zipfile.ZipInfo) -> str:
    """The name in the extra field for it, empty where there is none or it belongs to another name."""
    if entry.flag_bits & _UTF_8:
        return ""
    extra = entry.extra
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == _UNICODE_PATH and len(field) > 5 and field[0] == 1:
            (checksum,) = struct.unpack_from("<I", field, 1)
            try:
                belongs = checksum == zlib.crc32(entry.orig_filename.encode("cp437"))
                return field[5:].decode("utf-8") if belongs else ""
            except UnicodeError:
                return ""
    return ""


def _encoding(raw_names: Sequence[bytes]) -> str:
    """The encoding in which all the names make sense; DOS's own where none does."""
    joined = b"\n".join(raw_names)
    try:
        joined.decode("utf-8")
    except UnicodeDecodeError:
        return next((encoding for encoding in guess_encodings(joined) if encoding in _ENCODINGS), "cp437")
    return "utf-8"
