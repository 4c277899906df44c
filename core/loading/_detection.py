"""The ZIP archives that office files and e-books are."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterable

from core.errors import DamagedFile, EncryptedFile, WrongFileType
from core.util.formatting import file_size

ZIP = b"PK\x03\x04"
EMPTY_ZIP = b"PK\x05\x06"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED_OFFICE = "EncryptedPackage".encode("utf-16-le")
_SIGNATURES = {
    b"%PDF-": "a PDF",
    ZIP: "a ZIP archive or an Office file",
    OLE: "an old Microsoft Office file",
    b"{\\rtf": "an RTF document",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\x7fELF": "a program",
    b"MZ\x90": "a program",
    b"OggS": "a sound or video file",
    b"ID3": "a sound file",
    b"SQLite format 3": "a SQLite database",
}


def detected_format(data: bytes) -> str | None:
    """Return in words what ``data`` begins like, None if it is nothing that we know by its signature."""
    return next((kind for signature, kind in _SIGNATURES.items() if data.startswith(signature)), None)


def reject_other_format(name: str, data: bytes, expected: str) -> None:
    """Raise WrongFileType if ``data`` bears the signature of a kind of file that the name does not say."""
    found = detected_format(data)
    if found:
        raise WrongFileType(f"{name} is not {expected} but {found}: rename it to what it is, or bring another file")


def refuse_unless_office(name: str, data: bytes, expected: str) -> None:
    """Raise EncryptedFile or WrongFileType unless ``data`` is a ZIP archive, as modern Office files are."""
    if data.startswith(ZIP):
        return
    if data.startswith(OLE) and ENCRYPTED_OFFICE in data:
        raise EncryptedFile(f"{name} is protected by a password: save a copy without one and bring that")
    found = detected_format(data) or "something else"
    raise WrongFileType(
        f"{name} is not {expected} but {found}: rename it to what it is, or save it again as {expected}"
    )


MAX_UNPACKED_BYTES = 1_000_000_000  # bytes: more is no document but a ZIP bomb
ZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError,
)  # fmt: skip
ENCRYPTED = 1  # a member's flag


def check_zip(name: str, data: bytes, expected: str, part: str) -> None:
    """Raise unless ``data`` is a whole ZIP archive with a ``part`` (or folder) that its kind has."""
    refuse_unless_office(name, data, expected)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _check_members(name, members)
            broken = archive.testzip()
    except ZIP_ERRORS as error:
        raise damaged_file(name, f"it cannot be unpacked: {error}") from error
    if broken:
        raise damaged_file(name, f"its part {broken} does not match its checksum")
    if not any(member.filename.startswith(part) for member in members):
        raise WrongFileType(f"{name} is not {expected} but another kind of ZIP archive: rename it to what it is")


def _check_members(name: str, members: Iterable[zipfile.ZipInfo]) -> None:
    if any(member.flag_bits & ENCRYPTED for member in members):
        raise EncryptedFile(f"{name} is protected by a password: save a copy without one and bring that")
    unpacked = sum(member.file_size for member in members)
    if unpacked > MAX_UNPACKED_BYTES:
        raise damaged_file(name, f"it would unpack to {file_size(unpacked)}")


def read_part(data: bytes, part: str) -> bytes:
    """Return a part of an archive that was checked, nothing where it has none of that name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(part) if part in archive.namelist() else b""


def damaged_file(name: str, reason: object) -> DamagedFile:
    """Return the error for a file that its own program must save again."""
    return DamagedFile(f"{name} is damaged ({str(reason).rstrip('.')}): open it in its own program and save it again")
