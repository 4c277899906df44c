"""Paragraphs, headings, list items and tables of a word processor's document, and their Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from core.loading._markdown import markdown_table

LONGEST_REPEATED = 1000  # characters of a merged cell's text that stands in every place it covers
_PAGE_WORDS = {"page", "pages", "of", "seite", "von", "sur", "de", "página", "pagina", "sida", "side", "av", "p", "s"}
BlockKind = Literal["text", "heading", "item", "table"]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading or list item as a line of Markdown, or the ``rows`` of a table and its cells as a line."""

    text: str
    kind: BlockKind = "text"
    rows: tuple[tuple[str, ...], ...] = ()


def heading(level: int, text: str) -> Block:
    """Return a heading of level 1 to 6."""
    return Block(f"{'#' * min(max(level, 1), 6)} {' '.join(text.split())}", "heading")


def item(level: int, marker: str, text: str) -> Block:
    """Return a list item, ``level`` from 0, behind its marker: ``*`` or ``1.``."""
    return Block(f"{'  ' * level}{marker} {' '.join(text.split())}", "item")


def markdown(blocks: Iterable[Block]) -> str:
    """Return blocks as Markdown: a blank line between them, none between the items of a list."""
    parts: list[str] = []
    last = ""
    for block in blocks:
        text = markdown_table(block.rows) if block.kind == "table" else block.text
        if not text.strip():
            continue
        if parts:
            parts.append("\n" if block.kind == last == "item" else "\n\n")
        parts.append(text)
        last = block.kind
    return "".join(parts)


def is_page_label(text: str) -> bool:
    """Return whether a line of a header or footer, without its page number, holds nothing else: ``Page of``."""
    return {word.strip("./-–|()").lower() for word in text.split()} <= {*_PAGE_WORDS, ""}


def cell_text(blocks: Iterable[Block]) -> str:
    """Return the blocks in a table's cell as one line, the rows of a nested table behind one another."""
    return " ".join(filter(None, map(_line, blocks)))


def _line(block: Block) -> str:
    if block.kind == "table":
        return block.text
    text = block.text.lstrip("#") if block.kind == "heading" else block.text.strip().removeprefix("* ")
    return " ".join(text.split())


def table_blocks(rows: Sequence[Sequence[str]], cells: Sequence[Sequence[Sequence[Block]]]) -> Iterator[Block]:
    """Yield a table: its rows, or the blocks of its ``cells`` one after the other where it only lays them out.

    Such a table has a single cell, or headings with text below them in half of its cells, or it is a single row or
    column with tables or headings in its cells. Rows at the top that are one cell over all columns become lines over
    the table.
    """
    if _is_layout(cells):
        yield from (block for row in cells for cell in row for block in cell)
        return
    filled = [tuple(row) for row in rows]
    start = 0
    while len(rows) == len(cells) and start < len(filled) - 1 and _is_title(filled[start], cells[start]):
        start += 1
    yield from (Block(" ".join(row[0].split())) for row in filled[:start])
    body = tuple(row for row in filled[start:] if any(text.strip() for text in row))
    if body:  # the line is for a table in a cell: without the places that merged cells cover, so each cell once
        lines = (" ".join(filter(None, map(cell_text, row))) for row in cells[start:])
        yield Block("; ".join(filter(None, lines)), "table", body)


def _is_title(row: Sequence[str], cells: Sequence[Sequence[Block]]) -> bool:
    return len(cells) == 1 and len(row) > 1 and len(set(row)) == 1


def _is_layout(cells: Sequence[Sequence[Sequence[Block]]]) -> bool:
    every = [cell for row in cells for cell in row]
    if len(every) == 1:
        return True
    headed = sum(len(cell) > 1 and cell[0].kind == "heading" for cell in every)
    if headed and 2 * headed >= sum(1 for cell in every if cell):
        return True
    single = len(cells) == 1 or all(len(row) <= 1 for row in cells)
    return single and any(block.kind in ("table", "heading") for cell in every for block in cell)
