"""PDF files through PDFium: text page by page, line-end hyphens joined, headings from the outline."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from core.errors import DamagedFile, EncryptedFile, NoText, WrongFileType
from core.loading._detection import detected_format
from core.loading._metadata import file_metadata
from core.loading._pdf_layout import page_text
from core.loading._text import clean_text
from core.records.document import Document, Heading, Metadata, Page
from core.util.formatting import plural

MOST_LINES = 3  # over which a title may run
_BLANK = re.compile(r"\s+")
_NUMBERING = re.compile(r"^(?:(?i:chapter|appendix|section|part)\s+)?(?:\d{1,3}|[A-Z]|[IVXLC]{1,6})(?:\.\d+)*[.:]?\s+")
_LINE = re.compile(r"[^\n]+")


class Entry(NamedTuple):
    """One entry of the outline; ``page`` counts from 0, ``level`` from 1."""

    page: int
    level: int
    title: str


def read_outline(document: Any) -> Iterator[Entry]:
    """Yield the entries of a PDFium document's outline that lead to a page."""
    for bookmark in document.get_toc():
        target = bookmark.get_dest()
        index = target.get_index() if target else None
        if index is not None:
            yield Entry(index, bookmark.level + 1, _BLANK.sub(" ", bookmark.get_title()).strip())


def find_headings(text: str, pages: Sequence[Page], outline: Sequence[Entry]) -> Iterator[Heading]:
    """Yield the outline's titles that stand as lines on their page; each line is taken once, in order."""
    done = 0
    for entry in outline:
        if entry.page < len(pages):
            page = pages[entry.page]
            found = _find_title(text, max(done, page.start), page.end, entry.title)
            if found:
                yield Heading(*found, entry.level, entry.title)
                done = found[1]


def _find_title(text: str, start: int, end: int, title: str) -> tuple[int, int] | None:
    """Where the one to three lines between ``start`` and ``end`` stand that say ``title``."""
    wanted = _names(title)
    if not wanted:
        return None
    lines = list(_LINE.finditer(text, start, end))
    for count in range(MOST_LINES):  # one line that says it all comes before several
        for first, last in zip(lines, lines[count:], strict=False):
            if wanted & _names(text[first.start() : last.end()]):
                return first.start(), last.end()
    return None


def _names(title: str) -> set[str]:
    """What a title goes by: its letters and digits, with its number and without.

    Programs write an outline without the hyphens, quotes and brackets that the page has.
    """
    squashed = {"".join(filter(str.isalnum, part)).casefold() for part in (title, _NUMBERING.sub("", title.strip()))}
    return squashed - {""}


SOFT = "\ufffe"  # what PDFium writes for a hyphen that ends a line
_COMPOUND = r"\w+(?:-\w+)*"
# The right half is only looked at: it may be the left half of the next cut.
_CUT = re.compile(rf"({_COMPOUND})(?:{SOFT}\n?|-\n)(?=({_COMPOUND}))")
_OTHER_HYPHENS = re.compile("[\u2010\u2011]")  # Chrome prints U+2010 at a line end
_WORD = re.compile(_COMPOUND)


def join_hyphens(pages: list[str]) -> list[str]:
    """Return ``pages`` with words joined that a line end cut in two.

    A word that the document also writes whole loses the hyphen; one that it also writes with the
    hyphen keeps it; any other loses it, unless it looks like a compound (``February-March``, ``1990-95``).
    """
    pages = [_OTHER_HYPHENS.sub("-", page) for page in pages]
    whole = "\n".join(pages)
    if not _CUT.search(whole):
        return [page.replace(SOFT, "-") for page in pages]
    known = set(_WORD.findall(_CUT.sub(" ", whole)))
    return [_CUT.sub(lambda cut: _joined(cut[1], cut[2], known), page).replace(SOFT, "-") for page in pages]


def _joined(left: str, right: str, known: set[str]) -> str:
    """The left half, with its hyphen if the word is to keep it."""
    if f"{left}-{right}" in known:
        return f"{left}-"
    if left + right in known:
        return left
    return f"{left}-" if _is_compound(left, right, known) else left


def _is_compound(left: str, right: str, known: set[str]) -> bool:
    if not (left[-1].isalpha() and right[0].isalpha()):
        return True  # 1990-95, x86-64
    if right[0].isupper() and not left.isupper():
        return True  # February-March, but INFOR-MATION
    # of day-to-/day both neighbours are words elsewhere, of well-docu-/mented they are not
    return "-" in left and {left.rpartition("-")[2], right.partition("-")[0]} <= known


FEWEST_PAGES = 4  # of one document that bear the line
FEWEST_LINES = 8  # on a page: a slide's title is no running head
_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b")
_PAGE_NUMBER = re.compile(r"[-–—|\s]*#(?: ?/ ?#)?[-–—|\s]*")


def without_furniture(pages: list[str]) -> list[str]:
    """Return ``pages`` without the first and last lines that, numbers aside, stand on at least four pages.

    The first page that bears such a line keeps it, so that no word of the document is lost.
    """
    for edge in (0, -1):
        pages = _without_edge(pages, edge)
    return pages


def _without_edge(pages: list[str], edge: int) -> list[str]:
    split = [page.split("\n") for page in pages]
    marks = [_NUMBER.sub("#", lines[edge].strip()) if len(lines) >= FEWEST_LINES else "" for lines in split]
    often = {mark for mark, count in Counter(marks).items() if count >= FEWEST_PAGES and _may_repeat(mark)}
    kept: list[str] = []
    seen: set[str] = set()
    for lines, mark in zip(split, marks, strict=True):
        # a page number says nothing even once
        repeated = mark in often and (mark in seen or _PAGE_NUMBER.fullmatch(mark))
        seen.add(mark)
        kept.append("\n".join(lines[1:] if edge == 0 else lines[:-1]).strip("\n") if repeated else "\n".join(lines))
    return kept


def _may_repeat(mark: str) -> bool:
    """Whether it has words or is a page number: other numbers are a table's last row."""
    return any(map(str.isalpha, mark)) or bool(_PAGE_NUMBER.fullmatch(mark))


_LOCK = threading.Lock()  # PDFium may be used by one thread at a time
_HEADER_WITHIN = 1024  # bytes: where PDF readers look for %PDF-
_PAGE_GAP = "\n\n"


def load_pdf(name: str, data: bytes) -> Document:
    """Return a PDF's text with its page numbers and the headings that its outline names.

    Raises EncryptedFile, NoText for a scan, WrongFileType or DamagedFile.
    """
    if b"%PDF-" not in data[:_HEADER_WITHIN]:
        found = detected_format(data) or "something else"
        raise WrongFileType(f"{name} is not a PDF but {found}: rename it to what it is, or bring another file")
    with _LOCK:
        pages, outline, metadata = _read(name, data)
    if not any(page.strip() for page in pages):
        count = plural(len(pages), "page")
        raise NoText(
            f"{name} holds no text on its {count}, so it is probably a scan: run text recognition (OCR) on it first"
        )
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
        metadata = file_metadata(said.get("Title"), said.get("Author"), said.get("CreationDate"))
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
        return clean_text(page_text(textpage).replace("\u00ad\n", SOFT))
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
