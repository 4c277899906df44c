"""Blocks of text that a web page is made of, and how they are written as Markdown or in one line of a table's cell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from unicodedata import normalize

BREAK = "\x00"  # a forced line break; a parser of HTML never returns NUL
SOFT = "\x01"  # a place where words must not run together: a space, unless punctuation follows
COPY, COPY_END = "\x02", "\x03"  # around text that is hidden from screen readers, maybe a copy of what stands beside it
MAX_PREFIX = 24  # characters before a line, from which on layouts add no more
MAX_NESTING = 8  # lists and quotations inside each other that are still marked by indentation
_MARKERS = str.maketrans(dict.fromkeys(map(ord, BREAK + SOFT + COPY + COPY_END)))
_ONE_LINE = re.compile(r" ?(?:[\w,.;:!?()'\"/%+-]+ ?)*+")  # most paragraphs: nothing in them to replace
_SPACES = re.compile(r"[ \t\n\r\f]+")
_SOFT_SPACE = re.compile("[ ]?\x01[ \x01]*")
_INVISIBLE = re.compile("[\u200b\u2060]")
_PADDING = re.compile("(?:[\u200c\u200d\u034f\u00a0\u2007\u00ad\ufeff]\\s*){4,}")  # what mails hide their preview with
_COPY = re.compile(f"{COPY}([^{COPY}{COPY_END}]*){COPY_END}")
_NO_SPACE_BEFORE = frozenset(",.;:!?)]}»”’%…、。，")
_NO_SPACE_AFTER = frozenset("([{«“‘")
_COPY_WINDOW = 300  # characters on either side in which the original of a copy is looked for
# What Markdown reads as a heading, a table, a fence, a rule or underline, or a block of HTML that runs on.
_MARKUP_LINE = re.compile(
    r"^((?:(?:>|[*+-]|\d{1,9}[.)])[ \t]*){0,8})"
    r"(?=#{1,6}(?:[ \t]|$)|\||```|~~~|=+\s*$|(?=[:|\- ]*-)[:|\- ]+$|\++\s*$|<(?:[!?]|(?:script|style|pre|textarea)\b))",
    re.IGNORECASE,
)
_CLOSING_MARKS = re.compile(r"(?<=\s)#+$")
_BACKTICKS = re.compile(r"^ {0,3}(`{3,})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading, table or piece of code.

    ``text`` is Markdown; ``plain`` is the same in one line. ``first`` and ``rest`` are what lists and quotations put
    before its first and its other lines; ``gap`` line ends stand before it. ``item`` begins an entry of a list or a
    row. ``copied`` is text that screen readers leave out, maybe because it stands elsewhere too.
    """

    text: str
    plain: str
    gap: int = 2
    first: str = ""
    rest: str = ""
    item: bool = False
    copied: bool = False


@dataclass(slots=True)
class Container:
    """A list's item or a quotation that is open: ``first`` marks its first line, ``rest`` the other ones."""

    first: str
    rest: str
    used: bool = False


@dataclass(slots=True)
class Flow:
    """The blocks of a page or of a table's cell while they are collected."""

    blocks: list[Block] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)
    containers: list[Container] = field(default_factory=list)
    gap: int = 2
    letters: int = 0
    headings: int = 0
    depth: int = 0  # of tables inside it

    def add(self, text: str, plain: str, *, copied: bool = False) -> None:
        """Append a block, with the marks of the containers that are open."""
        first, rest = self._prefixes()
        item = any(not container.used for container in self.containers)
        for container in self.containers:
            container.used = True
        self.blocks.append(Block(text, plain, self.gap, first, rest, item, copied))
        self.letters += len(plain)
        self.gap = 1

    def extend(self, blocks: Sequence[Block]) -> None:
        """Append the blocks of a table that only lays out the page, or of a page inside the page."""
        if not blocks:
            return
        begun, first_block = len(self.blocks), blocks[0]
        if self.containers:
            self.blocks.append(self._contained(first_block))
            for container in self.containers:
                container.used = True
            first, rest = self._prefixes()  # layouts can be hundreds of levels deep
            self.blocks += [
                block
                if len(block.rest) >= MAX_PREFIX
                else replace(block, first=first + block.first, rest=rest + block.rest)
                for block in blocks[1:]
            ]
        else:
            self.blocks += blocks
        self.blocks[begun] = replace(self.blocks[begun], gap=max(first_block.gap, self.gap))
        self.gap = 1

    def _contained(self, block: Block) -> Block:
        first, rest = self._prefixes()
        return replace(block, first=first + block.first, rest=rest + block.rest)

    def _prefixes(self) -> tuple[str, str]:
        shown = self.containers[:MAX_NESTING]
        first = "".join(container.rest if container.used else container.first for container in shown)
        return first, "".join(container.rest for container in shown)


def inline_text(parts: Iterable[str]) -> list[str]:
    """Return the lines of a paragraph: white space is one space as in a browser, breaks end lines."""
    text = "".join(parts)
    if _ONE_LINE.fullmatch(text):
        return [text.strip()] if text.strip() else []
    text = without_copies(text)
    text = _INVISIBLE.sub("", _PADDING.sub(" ", text))
    text = _SPACES.sub(" ", text)
    if SOFT in text:
        text = _SOFT_SPACE.sub(_soft_space, text)
    lines = [line.strip() for line in text.split(BREAK)]
    filled = [index for index, line in enumerate(lines) if line]
    if not filled:
        return []
    lines = lines[filled[0] : filled[-1] + 1]
    return [line for index, line in enumerate(lines) if line or lines[index - 1]]


def without_copies(text: str) -> str:
    """Return text without what is hidden from screen readers and stands beside it too, and without the marks of it."""
    if COPY not in text and COPY_END not in text:
        return text
    return _COPY.sub(_unless_copied, text).replace(COPY, "").replace(COPY_END, "")


def _soft_space(match: re.Match[str]) -> str:
    text = match.string
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    if " " in match[0]:
        return " "
    return "" if not before or not after or after in _NO_SPACE_BEFORE or before in _NO_SPACE_AFTER else " "


def _unless_copied(match: re.Match[str]) -> str:
    """Return text hidden from screen readers, empty where it is decoration or stands beside it too."""
    words = _words(match[1])
    before = match.string[max(match.start() - _COPY_WINDOW, 0) : match.start()]
    after = match.string[match.end() : match.end() + _COPY_WINDOW]
    return "" if not words or words in _words(before) or words in _words(after) else match[1]


def _words(text: str) -> str:
    return "".join(sign for sign in normalize("NFKC", text).casefold() if sign.isalnum())


def without_marks(text: str) -> str:
    """Return a page's own text without the signs that mark breaks here."""
    return text.translate(_MARKERS)


def paragraph(lines: Iterable[str]) -> str:
    """Return lines as Markdown: what looks like a heading, table, fence or rule gets a backslash."""
    return "\n".join(_MARKUP_LINE.sub(r"\1\\", line, count=1) for line in lines)


def heading(level: int, text: str) -> str:
    """Return a heading in one line; a number sign at its end stays part of it."""
    return f"{'#' * level} {_CLOSING_MARKS.sub(lambda match: chr(92) + match[0], text)}"


def code_fence(text: str, language: str = "") -> str:
    """Return ``text`` in a fence that is longer than any inside it."""
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def one_line(blocks: Iterable[Block]) -> str:
    """Return the blocks of a table's cell in one line: a semicolon between items, else spaces."""
    parts: list[str] = []
    for block in blocks:
        if parts:
            parts.append("; " if block.item and parts[-1][-1:] not in ".;:!?" else " ")
        parts.append(block.plain)
    return " ".join("".join(parts).split())


def join_blocks(blocks: Iterable[Block]) -> str:
    """Return blocks as Markdown, those that only repeat others for the eye left out."""
    blocks = list(blocks)
    seen = {block.plain for block in blocks if not block.copied}
    parts: list[str] = []
    gap = 0
    for block in blocks:
        gap = max(gap, block.gap)
        if block.copied:
            if block.plain in seen:
                continue
            seen.add(block.plain)
        if parts:
            parts.append("\n" * gap)
        gap = 0
        parts.append(_prefixed(block))
    return "".join(parts)


def _prefixed(block: Block) -> str:
    if not block.first and not block.rest:
        return block.text
    first, *others = block.text.split("\n")
    bare = block.rest.rstrip()
    return "\n".join([block.first + first, *(block.rest + line if line else bare for line in others)])
