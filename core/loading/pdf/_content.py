"""What a PDF page holds beside its text: pictures, outlines, annotations, form fields, signs that are no letters."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from core.loading.pdf._letters import outside_page

_MAX_OBJECTS = 20_000  # of a page that are looked at
_MAX_NESTING = 15  # of forms inside one another
_MIN_PICTURE = 0.02  # of the page's area: a smaller picture is decoration
_SCAN = 0.5  # of the page's area that a picture of a page covers at least
_MIN_SEGMENTS = 100  # lines and curves of a page without a word: fewer are decoration
_MANY_SEGMENTS = 1500  # of a page with a number or a header beside outlines
_FEW_WORDS = 30  # a stamp, header or page number on a scan
_NUMBER_WORDS = 5
_SAMPLE = 200  # characters of a page whose letters are looked at
_BAD_SHARE = 0.15  # of them without a letter in Unicode
_MIN_LETTERS = 25  # of unnamed ones whose vowels are counted
_MIN_VOWELS = 0.2  # of the letters: every language that is written in ASCII has more
_MAX_CONTENTS = 20_000  # characters of an annotation
_WORD = re.compile(r"[^\W_]+")
_NO_LETTER = re.compile("[\ue000-\uf8ff\ufffd\x00-\x08\x0e-\x1f]|\\(cid:\\d{1,5}\\)")
_COMMENTS = {
    pdfium_c.FPDF_ANNOT_TEXT, pdfium_c.FPDF_ANNOT_FREETEXT, pdfium_c.FPDF_ANNOT_HIGHLIGHT,
    pdfium_c.FPDF_ANNOT_UNDERLINE, pdfium_c.FPDF_ANNOT_SQUIGGLY, pdfium_c.FPDF_ANNOT_STRIKEOUT,
    pdfium_c.FPDF_ANNOT_STAMP, pdfium_c.FPDF_ANNOT_CARET, pdfium_c.FPDF_ANNOT_INK, pdfium_c.FPDF_ANNOT_SQUARE,
    pdfium_c.FPDF_ANNOT_CIRCLE, pdfium_c.FPDF_ANNOT_POLYGON, pdfium_c.FPDF_ANNOT_POLYLINE, pdfium_c.FPDF_ANNOT_LINE,
}  # fmt: skip
_TEXT_FIELDS = {pdfium_c.FPDF_FORMFIELD_TEXTFIELD, pdfium_c.FPDF_FORMFIELD_COMBOBOX, pdfium_c.FPDF_FORMFIELD_LISTBOX}
_BUTTONS = {pdfium_c.FPDF_FORMFIELD_CHECKBOX, pdfium_c.FPDF_FORMFIELD_RADIOBUTTON}


_Box = tuple[float, float, float, float]  # left, bottom, right, top
_Matrix = tuple[float, float, float, float, float, float]
_UNMOVED: _Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def count_words(text: str) -> int:
    """Return the number of runs of letters and digits."""
    return len(_WORD.findall(text))


@dataclass(frozen=True)
class PageContent:
    """One page: its text, what stands on it beside, and what of it has no text."""

    text: str
    comments: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    attachments: int = 0
    pictures: float = 0.0  # share of the page's area that pictures cover
    recognized: bool = False  # text recognition has laid invisible letters on or under the picture
    segments: int = 0  # lines and curves of shapes
    outside: int = 0  # letters beyond the part of the page that is shown
    unread_letters: bool = False  # its fonts do not say which letters its signs are

    @property
    def words(self) -> int:
        """Number of words."""
        return count_words(self.text)

    def is_scan(self, words: int) -> bool:
        """Return whether the page is a picture with ``words`` words of its own beside it."""
        if self.recognized:
            return False
        return self.pictures >= (_SCAN if words else _MIN_PICTURE) and words <= _FEW_WORDS

    def is_outlines(self, words: int) -> bool:
        """Return whether the page shows shapes and at most a few words."""
        if self.recognized or self.pictures >= _SCAN:
            return False
        return self.segments >= (_MANY_SEGMENTS if words else _MIN_SEGMENTS) and words <= _NUMBER_WORDS

    @property
    def has_large_picture(self) -> bool:
        """Whether a picture covers most of a page that has text."""
        return self.pictures >= _SCAN and not self.recognized


def page_content(
    document: pdfium.PdfDocument, page: pdfium.PdfPage, textpage: pdfium.PdfTextPage, text: str
) -> PageContent:
    """Return what is on a page whose text is ``text``."""
    comments, fields, attachments = _annotations(document, page)
    shown = _Shown(page)
    return PageContent(
        text=text,
        comments=tuple(comments),
        fields=tuple(fields),
        attachments=attachments,
        pictures=shown.pictures,
        recognized=shown.invisible > shown.visible,
        segments=shown.segments,
        outside=sum(
            chr(pdfium_c.FPDFText_GetUnicode(textpage.raw, index)).isalnum() for index in outside_page(textpage)
        ),
        unread_letters=_has_unread_letters(textpage, text) or (shown.visible > 0 and not text.strip()),
    )


class _Shown:
    """What the objects of a page show."""

    def __init__(self, page: pdfium.PdfPage) -> None:
        self.pictures = 0.0  # share of the page's area
        self.segments = 0
        self.visible = self.invisible = 0  # objects of text; those under a picture are invisible too
        self._box = page.get_bbox()
        self._area = max((self._box[2] - self._box[0]) * (self._box[3] - self._box[1]), 1.0)
        self._texts: list[_Box] = []  # bounds of visible text that no picture covers so far
        self._left = _MAX_OBJECTS
        raw = page.raw
        self._read(
            pdfium_c.FPDFPage_CountObjects(raw), lambda index: pdfium_c.FPDFPage_GetObject(raw, index), _UNMOVED, 0
        )

    def _read(self, count: int, get_object: Callable[[int], Any], placed: _Matrix, depth: int) -> None:
        for index in range(min(count, self._left)):
            shown = get_object(index)
            kind = pdfium_c.FPDFPageObj_GetType(shown) if shown else None
            self._left -= 1
            if kind == pdfium_c.FPDF_PAGEOBJ_PATH:
                self.segments += max(pdfium_c.FPDFPath_CountSegments(shown), 0)
            elif kind == pdfium_c.FPDF_PAGEOBJ_TEXT:
                if pdfium_c.FPDFTextObj_GetTextRenderMode(shown) == pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE:
                    self.invisible += 1
                else:
                    self.visible += 1
                    self._texts.append(_bounds(shown, placed))
            elif kind == pdfium_c.FPDF_PAGEOBJ_IMAGE:
                self._picture(_bounds(shown, placed))
            elif kind == pdfium_c.FPDF_PAGEOBJ_FORM and depth < _MAX_NESTING:
                matrix = pdfium_c.FS_MATRIX()
                pdfium_c.FPDFPageObj_GetMatrix(shown, matrix)
                inner: _Matrix = (matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f)
                self._read(
                    pdfium_c.FPDFFormObj_CountObjects(shown),
                    lambda number, form=shown: pdfium_c.FPDFFormObj_GetObject(form, number),  # type: ignore[misc]
                    _product(inner, placed),
                    depth + 1,
                )

    def _picture(self, bounds: _Box) -> None:
        left, bottom = max(bounds[0], self._box[0]), max(bounds[1], self._box[1])
        right, top = min(bounds[2], self._box[2]), min(bounds[3], self._box[3])
        share = max(right - left, 0.0) * max(top - bottom, 0.0) / self._area
        self.pictures = min(self.pictures + share, 1.0)
        if share >= _SCAN:
            seen = [text for text in self._texts if not _is_inside(text, bounds)]
            self.invisible += len(self._texts) - len(seen)
            self.visible -= len(self._texts) - len(seen)
            self._texts = seen


def _bounds(shown: object, placed: _Matrix) -> _Box:
    """Return an object's rectangle on the page; ``placed`` moves the form that holds it to its place."""
    values = [ctypes.c_float() for _ in range(4)]
    pdfium_c.FPDFPageObj_GetBounds(shown, *values)
    left, bottom, right, top = (value.value for value in values)
    a, b, c, d, e, f = placed
    corners = [(a * x + c * y + e, b * x + d * y + f) for x in (left, right) for y in (bottom, top)]
    across, up = [x for x, _ in corners], [y for _, y in corners]
    return min(across), min(up), max(across), max(up)


def _product(first: _Matrix, second: _Matrix) -> _Matrix:
    """Return the matrix that applies ``first``, then ``second``."""
    a, b, c, d, e, f = first
    g, h, i, j, k, m = second
    return (a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m)


def _is_inside(inner: _Box, outer: _Box) -> bool:
    return inner[0] >= outer[0] and inner[1] >= outer[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def _has_unread_letters(textpage: pdfium.PdfTextPage, text: str) -> bool:
    """Return whether many signs of a page are no letters.

    Where a font does not name its letters, PDFium takes their codes for letters. These may be right; they are not where
    they are control characters, foreign signs, or hardly have a vowel.
    """
    raw, count = textpage.raw, textpage.count_chars()
    looked_at = range(0, count, max(count // _SAMPLE, 1))
    codes = [
        pdfium_c.FPDFText_GetUnicode(raw, index)
        for index in looked_at
        if pdfium_c.FPDFText_HasUnicodeMapError(raw, index) > 0
    ]
    wrong = sum(code < 0x20 or code > 0xFF for code in codes)
    letters = [chr(code).lower() for code in codes if code < 0x80 and chr(code).isalpha()]
    vowels = sum(letter in "aeiouy" for letter in letters)
    if len(letters) >= _MIN_LETTERS and vowels < len(letters) * _MIN_VOWELS:
        wrong += len(letters)
    shown = len(text.replace(" ", "").replace("\n", ""))
    missing = sum(len(match[0]) for match in _NO_LETTER.finditer(text))
    return (wrong >= 3 and wrong >= len(looked_at) * _BAD_SHARE) or (missing >= 3 and missing >= shown * _BAD_SHARE)


def _annotations(document: pdfium.PdfDocument, page: pdfium.PdfPage) -> tuple[list[str], list[str], int]:
    """Return comments, the values of form fields as "name: value", and the number of attached files."""
    comments: list[str] = []
    fields: dict[str, None] = {}
    attachments = 0
    for index in range(min(pdfium_c.FPDFPage_GetAnnotCount(page.raw), _MAX_OBJECTS)):
        annotation = pdfium_c.FPDFPage_GetAnnot(page.raw, index)
        if not annotation:
            continue
        kind = pdfium_c.FPDFAnnot_GetSubtype(annotation)
        hidden = pdfium_c.FPDFAnnot_GetFlags(annotation) & pdfium_c.FPDF_ANNOT_FLAG_HIDDEN
        if kind in _COMMENTS and not hidden:
            comments.append(_string(annotation, b"Contents"))
        elif kind == pdfium_c.FPDF_ANNOT_FILEATTACHMENT:
            attachments += 1
        elif kind == pdfium_c.FPDF_ANNOT_WIDGET and document.formenv:
            fields[_field(document.formenv, annotation)] = None
        pdfium_c.FPDFPage_CloseAnnot(annotation)
    return [comment for comment in comments if comment.strip()], [line for line in fields if line], attachments


def _string(annotation: object, key: bytes) -> str:
    size = pdfium_c.FPDFAnnot_GetStringValue(annotation, key, None, 0)
    return _read_string(size, lambda buffer, length: pdfium_c.FPDFAnnot_GetStringValue(annotation, key, buffer, length))


def _field(form: object, annotation: object) -> str:
    """Return a form field's name and value, empty where nothing was filled in."""
    kind = pdfium_c.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind in _BUTTONS:
        if not pdfium_c.FPDFAnnot_IsChecked(form, annotation):
            return ""
        value = "yes"
    elif kind in _TEXT_FIELDS:
        value = _form_string(pdfium_c.FPDFAnnot_GetFormFieldValue, form, annotation)
    else:
        return ""
    label = _form_string(pdfium_c.FPDFAnnot_GetFormFieldAlternateName, form, annotation)
    label = label or _form_string(pdfium_c.FPDFAnnot_GetFormFieldName, form, annotation)
    value = value.replace("\r\n", "\n").replace("\r", "\n").strip()
    return f"{label}: {value}".lstrip(": ") if value else ""


def _form_string(read: Callable[..., int], form: object, annotation: object) -> str:
    size = read(form, annotation, None, 0)
    return _read_string(size, lambda buffer, length: read(form, annotation, buffer, length))


def _read_string(size: int, fill: Callable[[Any, int], int]) -> str:
    """Return the UTF-16 text of ``size`` bytes that ``fill`` writes into a buffer, with a NUL at its end."""
    size = min(size, _MAX_CONTENTS * 2)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    fill(ctypes.cast(buffer, ctypes.POINTER(pdfium_c.FPDF_WCHAR)), size)
    return buffer.raw[:size].decode("utf-16-le", "replace").rstrip("\0")
