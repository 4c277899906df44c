"""Load a file's bytes into a Document: the registry of formats.

To add a format, write a private module in this package, or a package in it, with a function
``load_x(name, data) -> Document`` that raises only LoadingErrors, register its suffix in ``LOADERS`` (``_lazy`` imports
the module with the first such file), name the format in ``SUPPORTED_FORMATS``, and add a test and broken files in
tests/loading and tests/support/broken.py.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import PurePosixPath

from core.errors import EmptyFile, UnsupportedFile
from core.loading._delimited import delimited_content, load_delimited
from core.loading._json import json_content, load_json
from core.loading._text import CODE_SUFFIXES, MARKDOWN_SUFFIXES, load_code, load_text
from core.loading.pdf.load import load_pdf
from core.loading.skipped import advice
from core.loading.tables import Column, TableOptions, describe_columns
from core.records.document import Document

__all__ = ["SUPPORTED_FORMATS", "Column", "TableOptions", "is_supported", "load", "table_columns"]

SUPPORTED_FORMATS = (
    "PDF, Word, PowerPoint, Excel, OpenDocument, RTF, EPUB, HTML, Markdown, LaTeX, text, CSV, TSV, JSON, JSON Lines, "
    "Jupyter notebooks, e-mail (.eml, .mbox), subtitles (.srt, .vtt), source code, and ZIP archives of these"
)
Loader = Callable[[str, bytes], Document]
TableLoader = Callable[[str, bytes, TableOptions | None], Document]


def _lazy(module: str, function: str) -> Loader:
    """Return a loader that imports its module, and so its parser, at the first call."""

    def load_lazy(name: str, data: bytes) -> Document:
        loader: Loader = getattr(import_module(f"core.loading.{module}"), function)
        return loader(name, data)

    return load_lazy


LOADERS: dict[str, Loader] = {
    **dict.fromkeys(CODE_SUFFIXES, load_code),  # first: a format of its own below takes a suffix over
    ".pdf": load_pdf,
    **dict.fromkeys((".docx", ".docm", ".dotx", ".dotm"), _lazy("office.word", "load_docx")),
    **dict.fromkeys((".pptx", ".pptm", ".potx", ".potm", ".ppsx", ".ppsm"), _lazy("office.powerpoint", "load_pptx")),
    **dict.fromkeys((".xlsx", ".xlsm", ".xltx", ".xltm"), _lazy("office.excel", "load_xlsx")),
    **dict.fromkeys((".odt", ".ott"), _lazy("office.opendocument", "load_odt")),
    **dict.fromkeys((".ods", ".ots"), _lazy("office.opendocument", "load_ods")),
    **dict.fromkeys((".odp", ".otp"), _lazy("office.opendocument", "load_odp")),
    ".rtf": _lazy("rtf.load", "load_rtf"),
    ".epub": _lazy("_epub", "load_epub"),
    ".html": _lazy("html.load", "load_html"),
    ".htm": _lazy("html.load", "load_html"),
    ".xhtml": _lazy("html.load", "load_html"),
    ".xht": _lazy("html.load", "load_html"),
    ".ipynb": _lazy("_notebook", "load_notebook"),
    ".eml": _lazy("mail.load", "load_eml"),
    ".mbox": _lazy("mail.load", "load_mbox"),
    ".srt": _lazy("_subtitles", "load_subtitles"),
    ".vtt": _lazy("_subtitles", "load_subtitles"),
    ".tex": _lazy("latex.load", "load_latex"),
    ".latex": _lazy("latex.load", "load_latex"),
    **dict.fromkeys(MARKDOWN_SUFFIXES, load_text),
    ".txt": load_text,
    ".text": load_text,
    ".rst": load_text,
    ".log": load_text,
    "": load_text,  # README, COPYING
}
TABLE_LOADERS: dict[str, TableLoader] = {
    ".csv": load_delimited,
    ".tsv": load_delimited,
    ".json": load_json,
    ".geojson": load_json,
    ".jsonl": load_json,
    ".ndjson": load_json,
}
ARCHIVE_SUFFIX = ".zip"


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def is_supported(name: str) -> bool:
    """Return whether a file of this name can be loaded."""
    return _suffix(name) in LOADERS or _suffix(name) in TABLE_LOADERS


def load(name: str, data: bytes, tables: TableOptions | None = None) -> Document:
    """Return the document in the file ``name`` with the content ``data``.

    ``tables`` selects which columns of a CSV, TSV or JSON file are text and which are metadata; other formats
    ignore it. Raises one of the LoadingErrors: UnsupportedFile, EmptyFile, EncryptedFile, NoText, WrongFileType,
    DamagedFile, UnknownColumn. Each message begins with the name and says what to do.
    """
    suffix = _suffix(name)
    if suffix == ARCHIVE_SUFFIX:
        raise UnsupportedFile(f"{name} is an archive of files: unpack it and bring what is inside")
    if not is_supported(name) and advice(name):
        raise UnsupportedFile(f"{name} is {advice(name)}")
    if not is_supported(name):
        raise UnsupportedFile(f"{name} is of a kind that is not read ({suffix}): bring {SUPPORTED_FORMATS}")
    if not data.strip():
        raise EmptyFile(f"{name} is empty: there is nothing to index in it")
    return TABLE_LOADERS[suffix](name, data, tables) if suffix in TABLE_LOADERS else LOADERS[suffix](name, data)


def table_columns(name: str, data: bytes) -> list[Column]:
    """Return the columns of a CSV, TSV or JSON file, from which the user can choose; none for other formats.

    Raises LoadingError as ``load`` does.
    """
    suffix = _suffix(name)
    if suffix not in TABLE_LOADERS:
        return []
    if not data.strip():
        raise EmptyFile(f"{name} is empty: there is nothing to index in it")
    content = (delimited_content if suffix in (".csv", ".tsv") else json_content)(name, data)
    return list(describe_columns(content.records))
