"""The letters of a PDF page: accents that are drawn over their letters, and ligatures without a name.

TeX's older fonts (OT1) draw "ü" as the sign "¨" over "u", and PDFium gives the sign where it was drawn, or at the end
of its line. For ligatures that a font does not name PDFium gives their codes: in TeX's bitmap fonts, which have no name
themselves, these are those of its encodings; in other fonts they can be anything.
"""

from __future__ import annotations

import ctypes
import re
import unicodedata

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from core.loading.pdf._runs import ASLANT, MAX_CHARACTERS, Box, quarter_turns, turned

_MARKS = {
    "`": "\u0300", "´": "\u0301", "^": "\u0302", "ˆ": "\u0302", "~": "\u0303", "˜": "\u0303", "¯": "\u0304",
    "˘": "\u0306", "˙": "\u0307", "¨": "\u0308", "˚": "\u030a", "˝": "\u030b", "ˇ": "\u030c", "¸": "\u0327",
    "˛": "\u0328",
}  # fmt: skip
_BELOW = "¸˛"
_DOTLESS = {"ı": "i", "ȷ": "j"}
_LIGATURES = ("ff", "fi", "fl", "ffi", "ffl")
_OT1, _T1 = 0x0B, 0x1B  # codes of the first ligature in TeX's two encodings
_OT1_LETTERS = dict(zip(range(0x19, 0x20), "ßæœøÆŒØ", strict=True))
_OTHERS = re.compile("[" + re.escape("".join(_MARKS)) + "\x0b\x0c\x0e\x0f\x19-\x1f]|\r(?!\n)")
_RUN_GAP = 1.5  # of the letters' size
_BLANKS = (0x09, 0x0A, 0x0D, 0x20)
_MAX_MARKS = 2000  # of a page that are looked at
_BEHIND, _BEFORE = 400, 4  # letters around an accent among which its own is: it may come at the end of a line
_SPACE = 0.15  # of the letters' height: a wider gap divides words


def page_letters(textpage: pdfium.PdfTextPage) -> list[str]:
    """Return what each character of a page says, by PDFium's index, empty for those that are part of another."""
    letters = _characters(textpage)
    for index in outside_page(textpage):
        letters[index] = ""
        if letters[index + 1 : index + 2] == [" "]:
            letters[index + 1] = ""
    return letters


def outside_page(textpage: pdfium.PdfTextPage) -> list[int]:
    """Return the letters of lines that lie wholly outside the part of a page that is shown, such as on the other half
    of a spread.

    None where all do: such a page's boxes are wrong.
    """
    shown = Box(*textpage.page.get_bbox())
    if all(_is_in(Box(*textpage.get_rect(index)), shown) for index in range(textpage.count_rects())):
        return []
    place = pdfium_c.FS_RECTF()
    runs: list[list[int]] = []
    seen: list[bool] = []  # whether some letter of a run is on the page
    before = Box(0, 0, 0, 0)
    for index in range(min(textpage.count_chars(), MAX_CHARACTERS)):
        if pdfium_c.FPDFText_GetUnicode(textpage.raw, index) not in _BLANKS:
            pdfium_c.FPDFText_GetLooseCharBox(textpage.raw, index, place)
            box = Box(place.left, place.bottom, place.right, place.top)
            if not runs or _are_apart(before, box):
                runs.append([])
                seen.append(False)
            runs[-1].append(index)
            seen[-1] = seen[-1] or _is_in(box, shown)
            before = box
    if not any(seen):
        return []
    return [index for run, is_seen in zip(runs, seen, strict=True) if not is_seen for index in run]


def _are_apart(first: Box, second: Box) -> bool:
    size = max(first.right - first.left, first.top - first.bottom, 1.0) * _RUN_GAP
    across = max(second.left - first.right, first.left - second.right)
    return max(across, second.bottom - first.top, first.bottom - second.top) > size


def _is_in(box: Box, shown: Box) -> bool:
    across, up = (box.left + box.right) / 2, (box.bottom + box.top) / 2
    return shown.left - 1 <= across <= shown.right + 1 and shown.bottom - 1 <= up <= shown.top + 1


def _characters(textpage: pdfium.PdfTextPage) -> list[str]:
    text = str(textpage.get_text_range())
    letters = [chr(unit) for unit in memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H")]
    found = [match.start() for match in _OTHERS.finditer("".join(letters))]
    if len(letters) != textpage.count_chars() or not found:
        return letters
    page = _Page(textpage, letters)
    page.name_ligatures([index for index in found if letters[index] not in _MARKS and page.is_drawn(index)])
    page.place_accents([index for index in found if letters[index] in _MARKS][:_MAX_MARKS])
    return letters


def joined(letters: list[str]) -> str:
    """Return the text of letters in PDFium's order."""
    return "".join(letters).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class _Page:
    """The places of a page's characters."""

    def __init__(self, textpage: pdfium.PdfTextPage, letters: list[str]) -> None:
        self._textpage = textpage
        self._letters = letters
        self._boxes: dict[int, Box | None] = {}

    def is_drawn(self, index: int) -> bool:
        """Return whether the page draws a character, rather than PDFium put it in."""
        return not pdfium_c.FPDFText_IsGenerated(self._textpage.raw, index)

    def name_ligatures(self, codes: list[int]) -> None:
        """Put ligatures in place of their codes in fonts of TeX, U+FFFD in place of those in other fonts inside words.

        The codes are those of OT1 where one of its own is on the page.
        """
        of_tex = [index for index in codes if not self._has_named_font(index)]
        is_ot1 = any(ord(self._letters[index]) < _OT1 + len(_LIGATURES) for index in of_tex)
        names = dict(enumerate(_LIGATURES, _OT1 if is_ot1 else _T1)) | (_OT1_LETTERS if is_ot1 else {})
        for index in of_tex:
            self._letters[index] = names.get(ord(self._letters[index]), self._letters[index])
        for index in set(codes).difference(of_tex):
            if any(letter.isalpha() for letter in self._letters[max(index - 1, 0) : index + 2]):
                self._letters[index] = "\ufffd"

    def _has_named_font(self, index: int) -> bool:
        return int(pdfium_c.FPDFText_GetFontInfo(self._textpage.raw, index, None, 0, None)) > 1

    def place_accents(self, accents: list[int]) -> None:
        """Join accents with the letters that they stand over, and take out the spaces that they tore into words."""
        placed = [index for index in accents if self.is_drawn(index) and self._place(index)]
        for index in placed:
            self._letters[index] = ""
        for index in placed:
            self._close_gap(index)

    def _place(self, accent: int) -> bool:
        sign = self._letters[accent]
        around = [*range(accent + 1, accent + _BEFORE), *range(accent - 1, accent - _BEHIND, -1)]
        for index in around:
            base = self._letters[index] if 0 <= index < len(self._letters) else ""
            if base.isalpha() and len(base) == 1 and self._is_over(accent, index, sign in _BELOW):
                whole = unicodedata.normalize("NFC", _DOTLESS.get(base, base) + _MARKS[sign])
                if len(whole) == 1:
                    self._letters[index] = whole
                    return True
        return False

    def _is_over(self, accent: int, index: int, below: bool) -> bool:
        mark, letter = self._box(accent), self._box(index)
        if mark is None or letter is None or not letter.left <= (mark.left + mark.right) / 2 <= letter.right:
            return False
        height = letter.top - letter.bottom
        if below:
            return letter.bottom - height * 0.6 < mark.bottom < letter.bottom and mark.top < letter.top - height / 2
        return -0.15 * height <= mark.bottom - letter.top <= 0.6 * height

    def _box(self, index: int) -> Box | None:
        """The rectangle of a character's own ink, turned upright."""
        if index not in self._boxes:
            left, right, bottom, top = (ctypes.c_double() for _ in range(4))
            pdfium_c.FPDFText_GetCharBox(self._textpage.raw, index, left, right, bottom, top)
            turns = quarter_turns(self._textpage, index)
            box = Box(left.value, bottom.value, right.value, top.value)
            self._boxes[index] = None if turns == ASLANT or box.top <= box.bottom else turned(box, turns)
        return self._boxes[index]

    def _close_gap(self, accent: int) -> None:
        """Leave one space, or none inside a word, of those that PDFium put in around an accent."""
        first, last = accent, accent
        while first > 0 and self._is_gap(first - 1):
            first -= 1
        while last < len(self._letters) - 1 and self._is_gap(last + 1):
            last += 1
        spaces = [index for index in range(first, last + 1) if self._letters[index] == " "]
        if not spaces or first == 0 or last == len(self._letters) - 1:
            return
        before, after = self._advance(first - 1), self._advance(last + 1)
        is_apart = after.left - before.right > (before.top - before.bottom) * _SPACE or after.left < before.left
        for index in spaces[1 if is_apart else 0 :]:
            self._letters[index] = ""

    def _is_gap(self, index: int) -> bool:
        return self._letters[index] == "" or (self._letters[index] == " " and not self.is_drawn(index))

    def _advance(self, index: int) -> Box:
        """The rectangle of a character with the room that its font gives it, turned upright."""
        place = pdfium_c.FS_RECTF()
        pdfium_c.FPDFText_GetLooseCharBox(self._textpage.raw, index, place)
        return turned(Box(place.left, place.bottom, place.right, place.top), quarter_turns(self._textpage, index))
