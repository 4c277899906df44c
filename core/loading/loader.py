"""Bytes and a name into a Document: the door through which every file comes in."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import PurePosixPath

from core.errors import EmptyFile, UnsupportedFile
from core.loading._delimited import delimited_records, json_records, load_delimited, load_json
from core.loading._pdf import load_pdf
from core.loading._text import CODE_SUFFIXES, load_code, load_text
from core.loading.tables import Column, TableOptions, describe_columns
from core.records.document import Document

__all__ = ["KINDS", "Column", "TableOptions", "is_supported", "load", "table_columns"]

SUPPORTED_FORMATS = (
    "PDF, Word, PowerPoint, Excel, OpenDocument, RTF, EPUB, HTML, Markdown, LaTeX, text, CSV, TSV, JSON, JSON Lines, "
    "Jupyter notebooks, e-mail (.eml, .mbox), subtitles (.srt, .vtt), source code, and ZIP archives of these"
)
Loader = Callable[[str, bytes], Document]
TableLoader = Callable[[str, bytes, TableOptions | None], Document]


def _late(module: str, function: str) -> Loader:
    """A loader whose parser is imported when the first file of its kind comes."""

    def load_late(name: str, data: bytes) -> Document:
        loader: Loader = getattr(import_module(f"core.loading._{module}"), function)
        return loader(name, data)

    return load_late


LOADERS: dict[str, Loader] = {
    ".pdf": load_pdf,
    ".docx": _late("office", "load_docx"),
    ".pptx": _late("office", "load_pptx"),
    ".xlsx": _late("office", "load_xlsx"),
    ".odt": _late("opendocument", "load_odt"),
    ".ods": _late("opendocument", "load_ods"),
    ".odp": _late("opendocument", "load_odp"),
    ".rtf": _late("rtf", "load_rtf"),
    ".epub": _late("epub", "load_epub"),
    ".html": _late("office", "load_html"),
    ".htm": _late("office", "load_html"),
    ".xhtml": _late("office", "load_html"),
    ".ipynb": _late("notebook", "load_notebook"),
    ".eml": _late("mail", "load_eml"),
    ".mbox": _late("mail", "load_mbox"),
    ".srt": _late("subtitles", "load_subtitles"),
    ".vtt": _late("subtitles", "load_subtitles"),
    ".tex": _late("latex", "load_latex"),
    ".latex": _late("latex", "load_latex"),
    ".md": load_text,
    ".markdown": load_text,
    ".txt": load_text,
    ".text": load_text,
    ".rst": load_text,
    ".log": load_text,
    "": load_text,  # README, COPYING
    **dict.fromkeys(CODE_SUFFIXES, load_code),
}
TABLE_LOADERS: dict[str, TableLoader] = {
    ".csv": load_delimited,
    ".tsv": load_delimited,
    ".json": load_json,
    ".geojson": load_json,
    ".jsonl": load_json,
    ".ndjson": load_json,
}
OLD_OFFICE = {".doc": ".docx", ".ppt": ".pptx", ".xls": ".xlsx"}
ARCHIVE = ".zip"


def _ending(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def is_supported(name: str) -> bool:
    """Whether files with this ending are read."""
    return _ending(name) in LOADERS or _ending(name) in TABLE_LOADERS


def load(name: str, data: bytes, tables: TableOptions | None = None) -> Document:
    """Return the document that the file ``name`` with the content ``data`` holds.

    ``tables`` says which columns of a CSV, TSV or JSON file are text and which are metadata; other
    kinds take no notice of it. Raises one of the LoadingErrors: UnsupportedFile, EmptyFile,
    EncryptedFile, NoText, WrongFileType, DamagedFile, UnknownColumn. Each message begins with the name
    and says what to do.
    """
    ending = _ending(name)
    if ending in OLD_OFFICE:
        raise UnsupportedFile(f"{name} is in Microsoft's old format: save it as {OLD_OFFICE[ending]} and bring that")
    if ending == ARCHIVE:
        raise UnsupportedFile(f"{name} is an archive of files: unpack it and bring what is inside")
    if not is_supported(name):
        raise UnsupportedFile(f"{name} is of a kind that is not read ({ending}): bring {SUPPORTED_FORMATS}")
    if not data.strip():
        raise EmptyFile(f"{name} is empty: there is nothing to index in it")
    return TABLE_LOADERS[ending](name, data, tables) if ending in TABLE_LOADERS else LOADERS[ending](name, data)


def table_columns(name: str, data: bytes) -> list[Column]:
    """Return the columns of a CSV, TSV or JSON file, for a person to choose from; none for other kinds.

    Raises LoadingError as ``load`` does.
    """
    ending = _ending(name)
    if ending not in TABLE_LOADERS:
        return []
    if not data.strip():
        raise EmptyFile(f"{name} is empty: there is nothing to index in it")
    records = delimited_records(name, data) if ending in (".csv", ".tsv") else json_records(name, data)[0]
    return list(describe_columns(records))
