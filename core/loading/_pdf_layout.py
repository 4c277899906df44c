"""The reading order of a PDF page.

PDFium gives text in the order in which the page draws it, which is the reading order in nearly every
file. Some programs draw line by line across columns. On such a page the text often changes sides of an
empty gutter; the page is then read column by column.
"""

from __future__ import annotations

import re
from itertools import pairwise
from math import pi
from statistics import median
from typing import NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

_MIN_BOXES = 12  # on a page with fewer no columns can be made out
_MAX_BOXES = 4000  # a page of single letters would take too long
_MIN_LINES = 6  # of a column in which the widest line does not count
_MIN_LINE_WIDTH = 0.7  # of its column: the median line of running text is at least as wide
_MAX_LAST_LINE = 0.75  # of the page's long lines: a shorter line that ends a sentence ends a paragraph
_SAMPLE = 100  # letters of a page whose direction is looked at
_ASLANT = 0.1  # quarter turns: letters that differ more from the page's directions stand aslant
_LEADER = re.compile(r"(?:\. ?){6,}")  # several of them make a table of contents, not columns
_PARAGRAPH_END = re.compile(r"[.!?:。！？।؟][\"'”’»)\]]*$")


class Box(NamedTuple):
    """The rectangle of a run of text on the page, in points from the lower left corner."""

    left: float
    bottom: float
    right: float
    top: float


def page_text(textpage: pdfium.PdfTextPage) -> str:
    """Return a page's text in reading order, with blank lines where paragraphs seem to end."""
    text = str(textpage.get_text_range()).replace("\r\n", "\n")
    count = textpage.count_rects()
    if count <= _MAX_BOXES and _has_turned_text(textpage):
        return mark_paragraphs(_turned_text(textpage, count))
    if _MIN_BOXES <= count <= _MAX_BOXES and len(_LEADER.findall(text)) < 3:
        blocks = read_blocks([Box(*textpage.get_rect(index)) for index in range(count)])
        if len(blocks) > 1:
            text = _blocks_text(textpage, blocks)
    return mark_paragraphs(text)


def _has_turned_text(textpage: pdfium.PdfTextPage) -> bool:
    """Return whether one of some letters that are spread over the page does not stand upright."""
    count = textpage.count_chars()
    return any(_quarter_turns(textpage, index) for index in range(0, count, max(count // _SAMPLE, 1)))


def _quarter_turns(textpage: pdfium.PdfTextPage, index: int) -> int:
    """Return by how many quarter turns clockwise a character is turned; -1 where it stands aslant."""
    angle = pdfium_c.FPDFText_GetCharAngle(textpage.raw, index)
    turns = angle / (pi / 2)
    return round(turns) % 4 if abs(turns - round(turns)) < _ASLANT else -1


def _turned_text(textpage: pdfium.PdfTextPage, count: int) -> str:
    """Return the text of a page with turned letters: what most boxes stand like comes first, margins after it.

    PDFium orders upright text. So the boxes of each direction are turned upright, and put in order by their places.
    """
    by_turns: dict[int, list[tuple[Box, Box]]] = {}
    for index in range(count):
        box = Box(*textpage.get_rect(index))
        middle, height = ((box.left + box.right) / 2, (box.bottom + box.top) / 2), box.top - box.bottom
        reach = max(min(box.right - box.left, height), 1.0)
        found = pdfium_c.FPDFText_GetCharIndexAtPos(textpage.raw, *middle, reach, reach)
        turns = _quarter_turns(textpage, found) if found >= 0 else 0
        by_turns.setdefault(turns, []).append((_turned(box, turns), box))
    parts = []
    for _, pairs in sorted(by_turns.items(), key=lambda item: -sum(_length(upright) for upright, _ in item[1])):
        places = dict(pairs)
        blocks = read_blocks([upright for upright, _ in pairs])
        lines = [line for block in blocks for line in (_lines(block) if len(blocks) > 1 else _drawn_lines(block))]
        parts.append(_lines_text(textpage, [[places[box] for box in line] for line in lines]))
    return "\n\n".join(part for part in parts if part)


def _turned(box: Box, turns: int) -> Box:
    """Return where a box lies when its text, turned clockwise by quarters, is turned upright."""
    if turns == 1:
        return Box(-box.top, box.left, -box.bottom, box.right)
    if turns == 2:
        return Box(-box.right, -box.top, -box.left, -box.bottom)
    if turns == 3:
        return Box(box.bottom, -box.right, box.top, -box.left)
    return box


def _length(box: Box) -> float:
    return box.right - box.left


def _drawn_lines(boxes: list[Box]) -> list[list[Box]]:
    """Return boxes by line in the order in which they are drawn, those of a line from left to right."""
    lines: list[list[Box]] = []
    for box in boxes:
        middle = (box.top + box.bottom) / 2
        if lines and lines[-1][0].bottom <= middle <= lines[-1][0].top:
            lines[-1].append(box)
        else:
            lines.append([box])
    return [sorted(line, key=lambda box: box.left) for line in lines]


def read_blocks(boxes: list[Box]) -> list[list[Box]]:
    """Return the boxes as one block in drawing order or, if they were drawn across columns, in blocks to be read
    one after the other."""
    gutter = find_gutter(boxes) if len(boxes) >= _MIN_BOXES else None
    if gutter is None or not _is_drawn_across(boxes, gutter) or not _is_prose(boxes, gutter):
        return [boxes]
    return [inner for block in _split_at_gutter(boxes, gutter) for inner in read_blocks(block)]


def find_gutter(boxes: list[Box]) -> float | None:
    """Return the x of the gutter between two columns, None if there is none.

    It lies in the middle third of the text, at most a tenth of the boxes cross it, and at least a quarter of them lie
    on each side.
    """
    left, right = min(box.left for box in boxes), max(box.right for box in boxes)
    step = (right - left) / 60
    candidates: list[tuple[int, int, float]] = []  # fewest crossing boxes first, then nearest to the middle
    for tick in range(20, 41):
        x = left + tick * step
        crossing = sum(box.left < x < box.right for box in boxes)
        on_left = sum(box.right <= x for box in boxes)
        on_right = sum(box.left >= x for box in boxes)
        if crossing * 10 <= len(boxes) and min(on_left, on_right) * 4 >= len(boxes):
            candidates.append((crossing, abs(tick - 30), x))
    return min(candidates)[2] if candidates else None


def _is_drawn_across(boxes: list[Box], gutter: float) -> bool:
    """Return whether the text was drawn line by line across the gutter, not one column after the other."""
    sides = [box.left >= gutter for box in boxes if not box.left < gutter < box.right]
    changes = sum(before != after for before, after in pairwise(sides))
    lines = len({round(box.bottom) for box in boxes})
    return changes > max(4, lines * 0.6)


def _is_prose(boxes: list[Box], gutter: float) -> bool:
    """Return whether most lines on both sides are nearly as wide as their column, unlike the cells of a table."""
    for side in ([box for box in boxes if box.right <= gutter], [box for box in boxes if box.left >= gutter]):
        left = min(box.left for box in side)
        widths = sorted(line[-1].right - left for line in _lines(side))
        # The widest line may be a heading that reaches beyond its column.
        width = widths[min(len(widths) - 2, int(len(widths) * 0.9))] if len(widths) >= _MIN_LINES else widths[-1]
        if median(line[-1].right - line[0].left for line in _lines(side)) < width * _MIN_LINE_WIDTH:
            return False
    return True


def _split_at_gutter(boxes: list[Box], gutter: float) -> list[list[Box]]:
    """Return the boxes in blocks, in reading order.

    The boxes that cross the gutter divide the page into bands; the left column of a band is read before its right one.
    """
    crossing = sorted((box for box in boxes if box.left < gutter < box.right), key=lambda box: -box.top)
    rest = [box for box in boxes if not box.left < gutter < box.right]
    blocks: list[list[Box]] = []
    for divider in [*crossing, None]:
        middle = float("-inf") if divider is None else divider.top - (divider.top - divider.bottom) / 2
        band = [box for box in rest if box.bottom >= middle]
        rest = [box for box in rest if box not in band]
        blocks.append([box for box in band if box.left < gutter])
        blocks.append([box for box in band if box.left >= gutter])
        blocks.append([divider] if divider else [])
    return [block for block in blocks if block]


def _blocks_text(textpage: pdfium.PdfTextPage, blocks: list[list[Box]]) -> str:
    return _lines_text(textpage, [line for block in blocks for line in _lines(block)])


def _lines_text(textpage: pdfium.PdfTextPage, boxes_by_line: list[list[Box]]) -> str:
    lines = []
    for line in boxes_by_line:
        words = (textpage.get_text_bounded(*box).replace("\r\n", " ").strip() for box in line)
        lines.append(" ".join(word for word in words if word))
    return "\n".join(line for line in lines if line)


def _lines(boxes: list[Box]) -> list[list[Box]]:
    """Return the boxes by line, from the top down and from left to right."""
    lines: list[list[Box]] = []
    for box in sorted(boxes, key=lambda box: (-box.top, box.left)):
        middle = (box.top + box.bottom) / 2
        if lines and lines[-1][0].bottom <= middle <= lines[-1][0].top:
            lines[-1].append(box)
        else:
            lines.append([box])
    return [sorted(line, key=lambda box: box.left) for line in lines]


def mark_paragraphs(text: str) -> str:
    """Return ``text`` with a blank line after each line that ends a sentence well before the right margin."""
    lines = [line.rstrip() for line in text.split("\n")]
    lengths = sorted(len(line) for line in lines if line)
    if not lengths:
        return ""
    max_length = lengths[int(len(lengths) * 0.9)] * _MAX_LAST_LINE
    marked = [
        line + "\n" if len(line) < max_length and _PARAGRAPH_END.search(line) and following else line
        for line, following in pairwise([*lines, ""])
    ]
    return "\n".join(marked).strip("\n")
