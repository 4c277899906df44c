"""What a file really is, by its first bytes."""

from __future__ import annotations

from core.errors import EncryptedFile, WrongFileType

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


def looks_like(data: bytes) -> str | None:
    """Return in words what ``data`` begins like, None if it is nothing that we know by its signature."""
    return next((kind for signature, kind in _SIGNATURES.items() if data.startswith(signature)), None)


def refuse_other_kind(name: str, data: bytes, expected: str) -> None:
    """Raise WrongFileType if ``data`` bears the signature of a kind of file that the name does not say."""
    found = looks_like(data)
    if found:
        raise WrongFileType(f"{name} is not {expected} but {found}: rename it to what it is, or bring another file")


def refuse_unless_office(name: str, data: bytes, expected: str) -> None:
    """Raise EncryptedFile or WrongFileType unless ``data`` is a ZIP archive, as modern Office files are."""
    if data.startswith(ZIP):
        return
    if data.startswith(OLE) and ENCRYPTED_OFFICE in data:
        raise EncryptedFile(f"{name} is protected by a password: save a copy without one and bring that")
    found = looks_like(data) or "something else"
    raise WrongFileType(f"{name} is not {expected} but {found}: rename it to what it is, or save it again as {expected}")
