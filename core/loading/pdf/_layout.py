"""The reading order of a PDF page.

PDFium gives text in the order in which the page draws it, which is the reading order in nearly every
file. Some programs draw line by line across columns. On such a page the text often changes sides of an
empty gutter; the page is then read column by column.
"""

from __future__ import annotations

import re
from itertools import pairwise
from statistics import median

import pypdfium2 as pdfium

from core.loading.pdf._letters import joined, page_letters
from core.loading.pdf._runs import ASLANT, MAX_CHARACTERS, Box, Run, is_right_to_left, quarter_turns, text_runs

_MIN_BOXES = 12  # on a page with fewer no columns can be made out
_MIN_TURNED_BOXES = 8  # the same where the order of drawing is not known
_MAX_BOXES = 4000  # a page of single letters would take too long
_MIN_LINES = 6  # of a column in which the widest line does not count
_MIN_LINE_WIDTH = 0.7  # of its column: the median line of running text is at least as wide
_MAX_LAST_LINE = 0.75  # of the page's long lines: a shorter line that ends a sentence ends a paragraph
_SAMPLE = 100  # letters of a page whose direction is looked at
_LEADER = re.compile(r"(?:\. ?){6,}")  # several of them make a table of contents, not columns
_PARAGRAPH_END = re.compile(r"[.!?:。！？।؟][\"'”’»)\]]*$")


def page_text(textpage: pdfium.PdfTextPage) -> str:
    """Return a page's text in reading order, with blank lines where paragraphs seem to end."""
    letters = page_letters(textpage)
    text = joined(letters).replace("\r\n", "\n")
    count = textpage.count_rects()
    if textpage.count_chars() > MAX_CHARACTERS or count > _MAX_BOXES:
        return mark_paragraphs(text)
    if textpage.page.get_rotation() or _has_turned_text(textpage):
        return mark_paragraphs(_turned_text(textpage, letters))
    if count >= _MIN_BOXES and len(_LEADER.findall(text)) < 3:
        blocks = read_blocks([Box(*textpage.get_rect(index)) for index in range(count)])
        if len(blocks) > 1:
            text = _blocks_text(text_runs(textpage, letters), blocks)
    return mark_paragraphs(text)


def _has_turned_text(textpage: pdfium.PdfTextPage) -> bool:
    """Return whether one of some letters that are spread over the page does not stand upright."""
    count = textpage.count_chars()
    return any(quarter_turns(textpage, index) for index in range(0, count, max(count // _SAMPLE, 1)))


def _turned_text(textpage: pdfium.PdfTextPage, letters: list[str]) -> str:
    """Return the text of a page that is turned or has turned letters: the direction of most text first, then margins.

    PDFium orders such text by its place on the sheet, not as it is drawn. So the runs of each direction are turned
    upright, and read column by column, or line by line where there are no columns.
    """
    by_turns: dict[int, list[Run]] = {}
    for run in text_runs(textpage, letters):
        by_turns.setdefault(run.turns, []).append(run)
    parts = []
    for turns, runs in sorted(by_turns.items(), key=lambda item: -sum(len(run.text) for run in item[1])):
        if turns == ASLANT:
            parts.append("\n".join(run.text for run in runs))
        else:
            parts.append(_blocks_text(runs, read_blocks([run.box for run in runs], in_order=False)))
    return "\n\n".join(part for part in parts if part)


def read_blocks(boxes: list[Box], in_order: bool = True) -> list[list[Box]]:
    """Return the boxes as one block in drawing order or, if they were drawn across columns, in blocks to be read
    one after the other. Boxes that are not ``in_order`` of drawing are divided wherever there are columns."""
    gutter = find_gutter(boxes) if len(boxes) >= (_MIN_BOXES if in_order else _MIN_TURNED_BOXES) else None
    if gutter is None or (in_order and not _is_drawn_across(boxes, gutter)) or not _is_prose(boxes, gutter):
        return [boxes]
    return [inner for block in _split_at_gutter(boxes, gutter) for inner in read_blocks(block, in_order)]


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


def _blocks_text(runs: list[Run], blocks: list[list[Box]]) -> str:
    """Return the text of runs by the block that each lies in."""
    bounds = [
        (min(box.left for box in block), min(box.bottom for box in block),
         max(box.right for box in block), max(box.top for box in block))
        for block in blocks
    ]  # fmt: skip
    by_block: list[list[Run]] = [[] for _ in blocks]
    for run in runs:
        by_block[_nearest(run.box, bounds)].append(run)
    return "\n".join(filter(None, ("\n".join(map(_line_text, _run_lines(block))) for block in by_block)))


def _nearest(box: Box, bounds: list[tuple[float, float, float, float]]) -> int:
    """Return the index of the rectangle that the middle of ``box`` lies in, or nearest to."""
    x, y = (box.left + box.right) / 2, (box.bottom + box.top) / 2

    def distance(index: int) -> tuple[float, float]:
        left, bottom, right, top = bounds[index]
        outside = max(left - x, x - right, 0.0) + max(bottom - y, y - top, 0.0)
        return outside, (right - left) * (top - bottom)

    return min(range(len(bounds)), key=distance)


def _run_lines(runs: list[Run]) -> list[list[Run]]:
    by_box: dict[Box, list[Run]] = {}
    for run in runs:
        by_box.setdefault(run.box, []).append(run)
    return [[run for box in dict.fromkeys(line) for run in by_box[box]] for line in _lines([run.box for run in runs])]


def _line_text(line: list[Run]) -> str:
    texts = [run.text for run in line]
    right_to_left = sum(map(is_right_to_left, "".join(texts))) * 2 > sum(map(len, texts))
    return " ".join(reversed(texts) if right_to_left else texts)


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
