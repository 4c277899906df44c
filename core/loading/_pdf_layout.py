"""The reading order of a PDF page.

PDFium gives text in the order in which the page paints it, which is the reading order in nearly every
file. Some programs paint line by line across columns; such a page is noticed by its text jumping to
and fro over an empty gutter, and is read again column by column.
"""

from __future__ import annotations

import re
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

FEWEST_BOXES = 12  # on less than this no columns can be told
MOST_BOXES = 4000  # a page of single letters would take too long
WIDE_LINE = 0.7  # of its column: what most lines of running text reach
SHORT_LINE = 0.75  # of the page's long lines: one that ends a sentence there ends a paragraph
_LEADER = re.compile(r"(?:\. ?){6,}")  # several of them are a table of contents, not columns
_PARAGRAPH_END = re.compile(r"[.!?:。！？।؟][\"'”’»)\]]*$")


class Box(NamedTuple):
    """A run of text on the page, in points from the lower left corner."""

    left: float
    bottom: float
    right: float
    top: float


def page_text(textpage: Any) -> str:
    """Return a page's text in reading order, with blank lines where paragraphs seem to end."""
    text = str(textpage.get_text_range()).replace("\r\n", "\n")
    count = textpage.count_rects()
    if FEWEST_BOXES <= count <= MOST_BOXES and len(_LEADER.findall(text)) < 3:
        blocks = read_blocks([Box(*textpage.get_rect(index)) for index in range(count)])
        if len(blocks) > 1:
            text = _blocks_text(textpage, blocks)
    return mark_paragraphs(text)


def read_blocks(boxes: list[Box]) -> list[list[Box]]:
    """Return the boxes as painted, or where they were painted across columns, block by block in reading order."""
    gutter = find_gutter(boxes) if len(boxes) >= FEWEST_BOXES else None
    if gutter is None or not jumps(boxes, gutter) or not is_prose(boxes, gutter):
        return [boxes]
    return [inner for block in reading_order(boxes, gutter) for inner in read_blocks(block)]


def find_gutter(boxes: list[Box]) -> float | None:
    """Return the x in the middle third of the text that at most a tenth of the boxes cross, both sides well filled."""
    left, right = min(box.left for box in boxes), max(box.right for box in boxes)
    step = (right - left) / 60
    best: tuple[int, float, float] | None = None
    for tick in range(20, 41):
        x = left + tick * step
        crossing = sum(box.left < x < box.right for box in boxes)
        on_left = sum(box.right <= x for box in boxes)
        on_right = sum(box.left >= x for box in boxes)
        if crossing * 10 <= len(boxes) and min(on_left, on_right) * 4 >= len(boxes):
            best = min(best or (crossing, abs(tick - 30.0), x), (crossing, abs(tick - 30.0), x))
    return best[2] if best else None


def jumps(boxes: list[Box], gutter: float) -> bool:
    """Whether the text runs across the gutter line by line, rather than down one column and the next."""
    sides = [box.left >= gutter for box in boxes if not box.left < gutter < box.right]
    changes = sum(before != after for before, after in pairwise(sides))
    lines = len({round(box.bottom) for box in boxes})
    return changes > max(4, lines * 0.6)


def is_prose(boxes: list[Box], gutter: float) -> bool:
    """Whether on both sides of the gutter most lines are nearly as wide as their column: a table's cells are not."""
    for side in ([box for box in boxes if box.right <= gutter], [box for box in boxes if box.left >= gutter]):
        lines = _lines(side)
        width = max(box.right for box in side) - min(box.left for box in side)
        if median(line[-1].right - line[0].left for line in lines) < width * WIDE_LINE:
            return False
    return True


def _blocks_text(textpage: Any, blocks: list[list[Box]]) -> str:
    lines = []
    for block in blocks:
        for line in _lines(block):
            words = (textpage.get_text_bounded(*box).replace("\r\n", " ").strip() for box in line)
            lines.append(" ".join(word for word in words if word))
    return "\n".join(line for line in lines if line)


def reading_order(boxes: list[Box], gutter: float) -> list[list[Box]]:
    """Return the boxes in blocks, in reading order: what crosses the gutter divides the page into
    bands, and each band is read down its left column, then down its right one."""
    across = sorted((box for box in boxes if box.left < gutter < box.right), key=lambda box: -box.top)
    rest = [box for box in boxes if not box.left < gutter < box.right]
    blocks: list[list[Box]] = []
    for box in [*across, None]:
        band = [other for other in rest if box is None or other.bottom >= box.top - (box.top - box.bottom) / 2]
        rest = [other for other in rest if other not in band]
        blocks.append([other for other in band if other.left < gutter])
        blocks.append([other for other in band if other.left >= gutter])
        blocks.append([box] if box else [])
    return [block for block in blocks if block]


def _lines(boxes: list[Box]) -> list[list[Box]]:
    lines: list[list[Box]] = []
    for box in sorted(boxes, key=lambda box: (-box.top, box.left)):
        middle = (box.top + box.bottom) / 2
        if lines and lines[-1][0].bottom <= middle <= lines[-1][0].top:
            lines[-1].append(box)
        else:
            lines.append([box])
    return [sorted(line, key=lambda box: box.left) for line in lines]


def mark_paragraphs(text: str) -> str:
    """Return ``text`` with a blank line behind each line that ends a sentence well before the margin."""
    lines = [line.rstrip() for line in text.split("\n")]
    lengths = sorted(len(line) for line in lines if line)
    if not lengths:
        return ""
    long = lengths[int(len(lengths) * 0.9)]
    marked = [
        line + "\n" if len(line) < long * SHORT_LINE and _PARAGRAPH_END.search(line) and following else line
        for line, following in pairwise([*lines, ""])
    ]
    return "\n".join(marked).strip("\n")
