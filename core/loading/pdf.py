"""PDF files through PDFium: text page by page, line-end hyphens joined, headings from the outline."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from core.errors import DamagedFile, EncryptedFile, NoText, WrongFileType
from core.loading.columns import page_text
from core.loading.sniff import looks_like
from core.loading.text import tidy
from core.records import Document, Heading, Page

_LOCK = threading.Lock()  # PDFium may be used by one thread at a time
_HEADER_WITHIN = 1024  # bytes: where PDF readers look for %PDF-
_PAGE_GAP = "\n\n"
_LINE_END_HYPHEN = re.compile(r"(\w+)(?:\ufffe\n?|-\n)(\w+)")  # PDFium writes U+FFFE for a hyphen that ends a line
_NUMBERING = re.compile(r"^[\dA-Z]{0,3}(?:\.\d+)*\.?\s+")
_BLANK = re.compile(r"\s+")


def load_pdf(name: str, data: bytes) -> Document:
    """Return a PDF's text with its page numbers and the headings that its outline names.

    Raises EncryptedFile, NoText for a scan, WrongFileType or DamagedFile.
    """
    if b"%PDF-" not in data[:_HEADER_WITHIN]:
        found = looks_like(data) or "something else"
        raise WrongFileType(f"{name} is not a PDF but {found}: rename it to what it is, or bring another file")
    with _LOCK:
        pages, outline = _read(name, data)
    if not any(page.strip() for page in pages):
        raise NoText(f"{name} holds no text in its {len(pages)} pages, so it is probably a scan: run text recognition (OCR) on it first")
    return _assemble(name, pages, outline, len(data))


def _read(name: str, data: bytes) -> tuple[list[str], list[tuple[int, int, str]]]:
    """The pages' texts, and the outline as (page index, level, title)."""
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == pdfium_c.FPDF_ERR_PASSWORD:
            raise EncryptedFile(f"{name} is protected by a password: save a copy without one and bring that") from error
        raise _damaged(name, error) from error
    try:
        if not len(document):
            raise _damaged(name, "it has no pages")
        return [_page(document, number) for number in range(len(document))], list(_outline(document))
    except pdfium.PdfiumError as error:
        raise _damaged(name, error) from error
    finally:
        document.close()


def _damaged(name: str, reason: object) -> DamagedFile:
    return DamagedFile(f"{name} is damaged ({reason}): download or export it again")


def _page(document: Any, index: int) -> str:
    page = document[index]
    textpage = page.get_textpage()
    try:
        return tidy(page_text(textpage))
    finally:
        textpage.close()
        page.close()


def _outline(document: Any) -> Iterator[tuple[int, int, str]]:
    for bookmark in document.get_toc():
        target = bookmark.get_dest()
        index = target.get_index() if target else None
        if index is not None:
            yield index, bookmark.level + 1, _BLANK.sub(" ", bookmark.get_title()).strip()


def _assemble(name: str, pages: list[str], outline: list[tuple[int, int, str]], size: int) -> Document:
    texts = _join_hyphens(pages)
    spans, at = [], 0
    for number, text in enumerate(texts, 1):
        spans.append(Page(at, at + len(text), number))
        at += len(text) + len(_PAGE_GAP)
    whole = _PAGE_GAP.join(texts)
    return Document(name, whole, tuple(spans), tuple(_headings(whole, spans, outline)), size=size)


def _join_hyphens(pages: list[str]) -> list[str]:
    """Join words that a line end cut in two; keep the hyphen if the document writes it elsewhere.

    A word that the document also writes whole loses the hyphen; one that it also writes with the
    hyphen keeps it; a number keeps it; any other loses it.
    """
    whole = "\n".join(pages)
    known = set(re.findall(r"\w+(?:-\w+)*", _LINE_END_HYPHEN.sub(" ", whole)))

    def join(match: re.Match[str]) -> str:
        left, right = match[1], match[2]
        if left + right in known:
            return left + right
        keep = f"{left}-{right}" in known or left[-1].isdigit() or not left[-1].isalpha()
        return f"{left}-{right}" if keep else left + right

    return [_LINE_END_HYPHEN.sub(join, page).replace("\ufffe", "-") for page in pages]


def _headings(text: str, pages: list[Page], outline: list[tuple[int, int, str]]) -> Iterator[Heading]:
    """The outline's titles that stand as lines on their page; each line is taken once, in order."""
    done = -1
    for index, level, title in outline:
        if index >= len(pages):
            continue
        page = pages[index]
        for match in re.finditer(r"[^\n]+", text[page.start : page.end]):
            start = page.start + match.start()
            if start > done and _same_title(match[0], title):
                yield Heading(start, page.start + match.end(), level, title)
                done = start
                break


def _same_title(line: str, title: str) -> bool:
    line, title = (_BLANK.sub(" ", part).strip() for part in (line, title))
    return line == title or _NUMBERING.sub("", line) == _NUMBERING.sub("", title)
