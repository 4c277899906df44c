"""PDF files through PDFium: text page by page, line-end hyphens joined, headings from the outline."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from core.errors import DamagedFile, EncryptedFile, NoText, WrongFileType
from core.loading._metadata import described
from core.loading._part_loading_furniture import without_furniture
from core.loading._part_loading_hyphens import SOFT, join_hyphens
from core.loading._part_loading_outline import Entry, find_headings, read_outline
from core.loading._part_loading_sniff import looks_like
from core.loading._pdf_layout import page_text
from core.loading._text import tidy
from core.records.document import Metadata
from core.records.search import Document, Page
from core.util.formatting import plural

_LOCK = threading.Lock()  # PDFium may be used by one thread at a time
_HEADER_WITHIN = 1024  # bytes: where PDF readers look for %PDF-
_PAGE_GAP = "\n\n"


def load_pdf(name: str, data: bytes) -> Document:
    """Return a PDF's text with its page numbers and the headings that its outline names.

    Raises EncryptedFile, NoText for a scan, WrongFileType or DamagedFile.
    """
    if b"%PDF-" not in data[:_HEADER_WITHIN]:
        found = looks_like(data) or "something else"
        raise WrongFileType(f"{name} is not a PDF but {found}: rename it to what it is, or bring another file")
    with _LOCK:
        pages, outline, metadata = _read(name, data)
    if not any(page.strip() for page in pages):
        count = plural(len(pages), "page")
        raise NoText(f"{name} holds no text on its {count}, so it is probably a scan: run text recognition (OCR) on it first")
    return replace(_assemble(name, pages, outline, len(data)), metadata=metadata)


def _read(name: str, data: bytes) -> tuple[list[str], list[Entry], Metadata]:
    """The pages' texts, the outline, and what the file says of itself."""
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == pdfium_c.FPDF_ERR_PASSWORD:
            raise EncryptedFile(f"{name} is protected by a password: save a copy without one and bring that") from error
        raise _damaged(name, error) from error
    try:
        if not len(document):
            raise _damaged(name, "it has no pages")
        said = document.get_metadata_dict()
        metadata = described(said.get("Title"), said.get("Author"), said.get("CreationDate"))
        return [_page(document, number) for number in range(len(document))], list(read_outline(document)), metadata
    except (pdfium.PdfiumError, UnicodeDecodeError) as error:  # the second from a garbled outline
        raise _damaged(name, error) from error
    finally:
        document.close()


def _damaged(name: str, reason: object) -> DamagedFile:
    return DamagedFile(f"{name} is damaged ({str(reason).rstrip('.')}): download or export it again")


def _page(document: Any, index: int) -> str:
    page = document[index]
    textpage = page.get_textpage()
    try:
        return tidy(page_text(textpage).replace("\u00ad\n", SOFT))
    finally:
        textpage.close()
        page.close()


def _assemble(name: str, pages: list[str], outline: list[Entry], size: int) -> Document:
    texts = join_hyphens(without_furniture(pages))
    spans, at = [], 0
    for number, text in enumerate(texts, 1):
        spans.append(Page(at, at + len(text), number))
        at += len(text) + len(_PAGE_GAP)
    whole = _PAGE_GAP.join(texts)
    return Document(name, whole, tuple(spans), tuple(find_headings(whole, spans, outline)), size=size)
