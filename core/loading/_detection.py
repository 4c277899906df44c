"""Tell what a file is by its first bytes, check ZIP-based files, and make the errors that loaders share."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib

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
    """Return in words the format whose signature ``data`` begins with, None if it has no known signature."""
    return next((words for signature, words in _SIGNATURES.items() if data.startswith(signature)), None)


def wrong_file_type(name: str, data: bytes, expected: str, alternative: str = "bring another file") -> WrongFileType:
    """Return the error for a file that is not ``expected``; ``alternative`` says what to do instead of renaming it."""
    detected = detected_format(data) or "something else"
    return WrongFileType(f"{name} is not {expected} but {detected}: rename it to what it is, or {alternative}")


def encrypted_file(name: str) -> EncryptedFile:
    """Return the error for a file that needs a password."""
    return EncryptedFile(f"{name} is protected by a password: save a copy without one and bring that")


def damaged_file(name: str, reason: object) -> DamagedFile:
    """Return the error for a file that its own program must save again."""
    return DamagedFile(f"{name} is damaged ({str(reason).rstrip('.')}): open it in its own program and save it again")


def reject_other_format(name: str, data: bytes, expected: str) -> None:
    """Raise WrongFileType if ``data`` has the signature of a known format; ``expected`` must be a text format."""
    if detected_format(data):
        raise wrong_file_type(name, data, expected)


MAX_UNPACKED_BYTES = 1_000_000_000  # a document that unpacks to more is a ZIP bomb
# What zipfile raises on damaged archives: its own error and those of its decompressors (bzip2 raises OSError, data that
# end too early EOFError), ValueError for impossible offsets and names, RuntimeError for a missing password, and its
# subclass NotImplementedError for unknown compression.
ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, RuntimeError)
ENCRYPTED = 1  # the bit of ZipInfo.flag_bits that marks an encrypted member


def check_zip(name: str, data: bytes, expected: str, part: str) -> None:
    """Check that ``data`` is an intact ZIP archive with a member whose path begins with ``part``.

    Raises EncryptedFile, WrongFileType, or DamagedFile, also for archives that unpack to more than a gigabyte.
    """
    if not data.startswith(ZIP):
        if data.startswith(OLE) and ENCRYPTED_OFFICE in data:
            raise encrypted_file(name)
        raise wrong_file_type(name, data, expected, f"save it again as {expected}")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if any(member.flag_bits & ENCRYPTED for member in members):
                raise encrypted_file(name)
            unpacked = sum(member.file_size for member in members)
            if unpacked > MAX_UNPACKED_BYTES:
                raise damaged_file(name, f"it would unpack to {file_size(unpacked)}")
            broken = archive.testzip()
    except ZIP_ERRORS as error:
        raise damaged_file(name, f"it cannot be unpacked: {error}") from error
    if broken:
        raise damaged_file(name, f"its part {broken} does not match its checksum")
    if not any(member.filename.startswith(part) for member in members):
        raise WrongFileType(f"{name} is not {expected} but another kind of ZIP archive: rename it to what it is")


def read_part(data: bytes, part: str) -> bytes:
    """Return the member ``part`` of an archive that was checked, empty if there is none of that name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(part) if part in archive.namelist() else b""
