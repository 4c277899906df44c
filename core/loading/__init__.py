"""Bytes and a name into a Document: the door through which every file comes in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

from core.errors import EmptyFile, UnsupportedFile
from core.loading.office import load_docx, load_html, load_pptx, load_xlsx
from core.loading.pdf import load_pdf
from core.loading.text import load_text
from core.records import Document

Loader = Callable[[str, bytes], Document]
LOADERS: dict[str, Loader] = {
    ".pdf": load_pdf,
    ".docx": load_docx,
    ".pptx": load_pptx,
    ".xlsx": load_xlsx,
    ".html": load_html,
    ".htm": load_html,
    ".md": load_text,
    ".markdown": load_text,
    ".txt": load_text,
    ".text": load_text,
    ".rst": load_text,
    ".log": load_text,
    "": load_text,  # README, COPYING
}
OLD_OFFICE = {".doc": ".docx", ".ppt": ".pptx", ".xls": ".xlsx"}


def _ending(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def is_supported(name: str) -> bool:
    """Whether files with this ending are read."""
    return _ending(name) in LOADERS


def load(name: str, data: bytes) -> Document:
    """Return the document that the file ``name`` with the content ``data`` holds.

    Raises one of the LoadingErrors: UnsupportedFile, EmptyFile, EncryptedFile, NoText, WrongFileType,
    DamagedFile. Each message begins with the name and says what to do.
    """
    ending = _ending(name)
    if ending in OLD_OFFICE:
        raise UnsupportedFile(f"{name} is in Microsoft's old format: save it as {OLD_OFFICE[ending]} and bring that")
    if ending not in LOADERS:
        kinds = ", ".join(sorted(kind for kind in LOADERS if kind))
        raise UnsupportedFile(f"{name} is of a kind that is not read ({ending}): bring one of {kinds}")
    if not data.strip():
        raise EmptyFile(f"{name} is empty: there is nothing to index in it")
    return LOADERS[ending](name, data)
