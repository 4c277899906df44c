"""PDF files, read with PDFium: text by page without running headers, divided words joined, headings by the outline."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from core.errors import DamagedFile, NoText
from core.loading._detection import encrypted_file, wrong_file_type
from core.loading._encoding import clean_text
from core.loading._metadata import file_metadata
from core.loading.pdf._content import PageContent, page_content
from core.loading.pdf._layout import page_text
from core.loading.pdf._notes import no_text_message, pdf_notes
from core.records.document import Document, Heading, Metadata, Page

_PDFIUM_LOCK = threading.Lock()  # PDFium may be used by one thread at a time
_SIGNATURE_BYTES = 1024  # PDF readers look for %PDF- in these
_PAGE_SEPARATOR = "\n\n"
_MAX_TITLE_LINES = 3
_BLANKS = re.compile(r"\s+")
_LINE = re.compile(r"[^\n]+")
_NUMBERING = re.compile(r"^(?:(?i:chapter|appendix|section|part)\s+)?(?:\d{1,3}|[A-Z]|[IVXLC]{1,6})(?:\.\d+)*[.:]?\s+")


class OutlineEntry(NamedTuple):
    """One entry of the outline; ``page`` counts from 0, ``level`` from 1."""

    page: int
    level: int
    title: str


def load_pdf(name: str, data: bytes) -> Document:
    """Return a PDF's text with its page numbers and the headings that its outline names.

    Comments and the values of form fields stand at the end of their page. Raises EncryptedFile, NoText for a scan,
    WrongFileType or DamagedFile.
    """
    if b"%PDF-" not in data[:_SIGNATURE_BYTES]:
        raise wrong_file_type(name, data, "a PDF")
    with _PDFIUM_LOCK:
        contents, outline, attached, metadata, has_xfa_form = _read(name, data)
    texts = [content.text for content in contents]
    extras = ["\n\n".join([*content.comments, *content.fields]) for content in contents]
    if not any(text.strip() for text in (*texts, *extras)):
        raise NoText(no_text_message(name, contents))
    texts = join_hyphens(remove_running_headers(texts))
    texts = ["\n\n".join(filter(None, both)) for both in zip(texts, extras, strict=True)]
    pages, start = [], 0
    for number, text in enumerate(texts, 1):
        pages.append(Page(start, start + len(text), number))
        start += len(text) + len(_PAGE_SEPARATOR)
    text = _PAGE_SEPARATOR.join(texts)
    headings = tuple(find_headings(text, pages, outline))
    notes = pdf_notes(contents, attached, has_xfa_form)
    return Document(name, text, tuple(pages), headings, size=len(data), metadata=metadata, notes=notes)


def _read(name: str, data: bytes) -> tuple[list[PageContent], list[OutlineEntry], list[str], Metadata, bool]:
    """Return the pages, the outline, the names of attached files, the metadata, and whether all is a form of XFA.

    Raises EncryptedFile or DamagedFile.
    """
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == pdfium_c.FPDF_ERR_PASSWORD:
            raise encrypted_file(name) from error
        raise _damaged(name, error) from error
    try:
        document.init_forms()  # before the first page is loaded
        if not len(document):
            raise _damaged(name, "it has no pages")
        info = document.get_metadata_dict()
        metadata = file_metadata(info.get("Title"), info.get("Author"), info.get("CreationDate"))
        attached = [document.get_attachment(index).get_name() for index in range(document.count_attachments())]
        pages = [_page(document, index) for index in range(len(document))]
        has_xfa_form = document.get_formtype() == pdfium_c.FORMTYPE_XFA_FULL
        return pages, list(_outline(document)), attached, metadata, has_xfa_form
    except (pdfium.PdfiumError, UnicodeDecodeError) as error:  # the second from a garbled outline
        raise _damaged(name, error) from error
    finally:
        document.close()


def _damaged(name: str, reason: object) -> DamagedFile:
    return DamagedFile(f"{name} is damaged ({str(reason).rstrip('.')}): download or export it again")


def _page(document: pdfium.PdfDocument, index: int) -> PageContent:
    page = document[index]
    textpage = page.get_textpage()
    try:
        text = clean_text(page_text(textpage).replace("\u00ad\n", _LINE_END_HYPHEN))
        return page_content(document, page, textpage, text)
    finally:
        textpage.close()
        page.close()


def _outline(document: pdfium.PdfDocument) -> Iterator[OutlineEntry]:
    """Yield the entries of the outline that lead to a page."""
    for bookmark in document.get_toc():
        target = bookmark.get_dest()
        page = target.get_index() if target else None
        if page is not None:
            yield OutlineEntry(page, bookmark.level + 1, _BLANKS.sub(" ", bookmark.get_title()).strip())


def find_headings(text: str, pages: Sequence[Page], outline: Sequence[OutlineEntry]) -> Iterator[Heading]:
    """Yield the outline's titles that stand as lines on their page; no line is taken twice, and their order is kept."""
    previous_end = 0
    for entry in outline:
        if entry.page < len(pages):
            page = pages[entry.page]
            span = _find_title(text, max(previous_end, page.start), page.end, entry.title)
            if span:
                yield Heading(*span, entry.level, entry.title)
                previous_end = span[1]


def _find_title(text: str, start: int, end: int, title: str) -> tuple[int, int] | None:
    """Return the span of the one to three lines between ``start`` and ``end`` that are the title, None without any."""
    keys = _title_keys(title)
    if not keys:
        return None
    lines = list(_LINE.finditer(text, start, end))
    for extra_lines in range(_MAX_TITLE_LINES):  # a match on one line comes before one on several
        for first, last in zip(lines, lines[extra_lines:], strict=False):
            if keys & _title_keys(text[first.start() : last.end()]):
                return first.start(), last.end()
    return None


def _title_keys(title: str) -> set[str]:
    """Return a title's letters and digits, with its number and without.

    Programs write an outline without the hyphens, quotes and brackets that the page has.
    """
    variants = (title, _NUMBERING.sub("", title.strip()))
    return {"".join(filter(str.isalnum, variant)).casefold() for variant in variants} - {""}


_LINE_END_HYPHEN = "\ufffe"  # what PDFium writes for a hyphen that ends a line
_COMPOUND = r"\w+(?:-\w+)*"
# The right half is a lookahead: it may be the left half of the next word that is cut. A left half begins where its
# compound does: begun at each of its words, a long one would take quadratic time.
_CUT_WORD = re.compile(rf"(?<!\w)(?<!\w-)({_COMPOUND})(?:{_LINE_END_HYPHEN}\n?|-\n)(?=({_COMPOUND}))")
_OTHER_HYPHENS = re.compile("[\u2010\u2011]")  # Chrome prints U+2010 at a line end
_WORD = re.compile(_COMPOUND)


def join_hyphens(pages: list[str]) -> list[str]:
    """Return ``pages`` with the words joined that a line end divides.

    A word that the document also writes undivided loses the hyphen; one that it also writes with the
    hyphen keeps it; any other loses it, unless it looks like a compound (``February-March``, ``1990-95``).
    """
    pages = [_OTHER_HYPHENS.sub("-", page) for page in pages]
    text = "\n".join(pages)
    vocabulary = set(_WORD.findall(_CUT_WORD.sub(" ", text))) if _CUT_WORD.search(text) else set()
    return [
        _CUT_WORD.sub(lambda cut: _left_half(cut[1], cut[2], vocabulary), page).replace(_LINE_END_HYPHEN, "-")
        for page in pages
    ]


def _left_half(left: str, right: str, vocabulary: set[str]) -> str:
    """Return ``left``, with a hyphen if the word that it makes with ``right`` keeps it."""
    if f"{left}-{right}" in vocabulary:
        return f"{left}-"
    return f"{left}-" if left + right not in vocabulary and _is_compound(left, right, vocabulary) else left


def _is_compound(left: str, right: str, vocabulary: set[str]) -> bool:
    if not (left[-1].isalpha() and right[0].isalpha()):
        return True  # 1990-95, x86-64
    if right[0].isupper() and not left.isupper():
        return True  # February-March, but INFOR-MATION
    # of day-to-/day both neighbours are words elsewhere, of well-docu-/mented they are not
    return "-" in left and {left.rpartition("-")[2], right.partition("-")[0]} <= vocabulary


_MIN_REPEATS = 4  # pages on which a line must stand to be a running header or footer
_MIN_LINES = 8  # of a page: on shorter ones, such as slides, the first line is a title
_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b")
_PAGE_NUMBER = re.compile(r"[-–—|\s]*#(?: ?/ ?#)?[-–—|\s]*")


def remove_running_headers(pages: list[str]) -> list[str]:
    """Return ``pages`` without the first and last lines that, numbers aside, stand on at least four pages.

    The first page with such a line keeps it, so that no word of the document is lost.
    """
    for edge in (0, -1):
        pages = _without_repeated_line(pages, edge)
    return pages


def _without_repeated_line(pages: list[str], edge: int) -> list[str]:
    """Return ``pages`` without running headers (``edge`` 0) or footers (-1)."""
    lines_by_page = [page.split("\n") for page in pages]
    # Lines that differ in their numbers only have the same pattern.
    patterns = [_NUMBER.sub("#", lines[edge].strip()) if len(lines) >= _MIN_LINES else "" for lines in lines_by_page]
    repeated = {
        pattern for pattern, count in Counter(patterns).items() if count >= _MIN_REPEATS and _may_repeat(pattern)
    }
    cleaned: list[str] = []
    seen: set[str] = set()
    for page, lines, pattern in zip(pages, lines_by_page, patterns, strict=True):
        # A page number is left out even on its first page.
        if pattern in repeated and (pattern in seen or _PAGE_NUMBER.fullmatch(pattern)):
            page = "\n".join(lines[1:] if edge == 0 else lines[:-1]).strip("\n")
        cleaned.append(page)
        seen.add(pattern)
    return cleaned


def _may_repeat(pattern: str) -> bool:
    """Return whether a line has words or is a page number: other numbers may be the last row of a table."""
    return any(map(str.isalpha, pattern)) or bool(_PAGE_NUMBER.fullmatch(pattern))
