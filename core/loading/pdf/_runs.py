"""Runs of letters on a PDF page: the pieces of lines without a wide gap, with their places turned upright."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from math import pi
from typing import NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

MAX_CHARACTERS = 40_000  # of a page whose letters are looked at one by one
ASLANT = -1  # in place of quarter turns: letters that follow neither edge of the page
_TOLERANCE = 0.1  # quarter turns
_GAP = 0.7  # of the letters' height: a wider gap divides runs


class Box(NamedTuple):
    """The rectangle of a run of text on the page, in points from the lower left corner."""

    left: float
    bottom: float
    right: float
    top: float


class Run(NamedTuple):
    """Letters of one line; ``box`` is where they lie when the page is turned so that they stand upright."""

    turns: int  # quarter turns clockwise of the letters, or ASLANT
    box: Box
    text: str


def quarter_turns(textpage: pdfium.PdfTextPage, index: int) -> int:
    """Return by how many quarter turns clockwise a character is turned, ASLANT if by none."""
    turns = pdfium_c.FPDFText_GetCharAngle(textpage.raw, index) / (pi / 2)
    return round(turns) % 4 if abs(turns - round(turns)) < _TOLERANCE else ASLANT


def is_right_to_left(character: str) -> bool:
    """Return whether a character is written from right to left."""
    return unicodedata.bidirectional(character) in ("R", "AL")


def text_runs(textpage: pdfium.PdfTextPage, characters: Sequence[str]) -> list[Run]:
    """Return the runs of a page, whose ``characters`` are given by PDFium's index, in the order of its text."""
    runs: list[Run] = []
    letters: list[str] = []
    box, turns = Box(0, 0, 0, 0), 0
    rectangle = pdfium_c.FS_RECTF()

    def end_run() -> None:
        text = "".join(letters).encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()
        if text:
            runs.append(Run(turns, box, text))
        letters.clear()

    for index, character in enumerate(characters):
        if character in ("\r", "\n"):
            end_run()
        elif character.isspace():
            letters.append(" ")
        elif character and character != "\0":
            pdfium_c.FPDFText_GetLooseCharBox(textpage.raw, index, rectangle)
            own_turns = quarter_turns(textpage, index)
            own = turned(Box(rectangle.left, rectangle.bottom, rectangle.right, rectangle.top), own_turns)
            if letters and (own_turns != turns or _is_apart(box, own)):
                end_run()
            if letters:
                box = Box(min(box.left, own.left), min(box.bottom, own.bottom),
                          max(box.right, own.right), max(box.top, own.top))  # fmt: skip
            else:
                box, turns = own, own_turns
            letters.append(character)
    end_run()
    return runs


def _is_apart(run: Box, letter: Box) -> bool:
    """Return whether a letter stands on another line than the run before it, or after a wide gap."""
    height = max(run.top - run.bottom, 1.0)
    middle = (letter.top + letter.bottom) / 2
    gap = max(letter.left - run.right, run.left - letter.right)
    return gap > height * _GAP or not run.bottom - height / 2 <= middle <= run.top + height / 2


def turned(box: Box, turns: int) -> Box:
    """Return where a box lies when its text, turned clockwise by quarters, is turned upright."""
    if turns == 1:
        return Box(-box.top, box.left, -box.bottom, box.right)
    if turns == 2:
        return Box(-box.right, -box.top, -box.left, -box.bottom)
    if turns == 3:
        return Box(box.bottom, -box.right, box.top, -box.left)
    return box
