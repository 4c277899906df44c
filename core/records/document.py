"""A document's text, with the pages, headings, tables, rows and times of its spans.

Offsets are counted in characters (Unicode code points) of ``Document.text``; ``end`` is exclusive.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

Value = str | int | float | bool
Metadata = Mapping[str, Value]
ID_LENGTH = 32  # hexadecimal digits: 128 bits of SHA-256


def short_hash(*parts: object) -> str:
    """Return 32 hexadecimal digits of the SHA-256 over ``parts``, each closed off by a NUL."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(str(part).encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()[:ID_LENGTH]


class Span(Protocol):
    """Anything that covers the characters from ``start`` up to, not including, ``end``."""

    @property
    def start(self) -> int:
        """First character."""
        ...

    @property
    def end(self) -> int:
        """One past the last character."""
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """One page, slide or sheet of a document; ``number`` starts at 1."""

    start: int
    end: int
    number: int


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading's own line; ``level`` 1 is the highest."""

    start: int
    end: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Table:
    """The lines of one table; its rows begin at ``body``, after the header, at ``start`` where it has none."""

    start: int
    end: int
    body: int = -1

    def __post_init__(self) -> None:
        if self.body < 0:
            object.__setattr__(self, "body", self.start)


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a table, a mailbox or a list of objects, with those of its fields that are metadata."""

    start: int
    end: int
    fields: Metadata = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Time:
    """The text spoken from ``begin`` to ``until``, in seconds of a recording."""

    start: int
    end: int
    begin: float
    until: float


def _begun_by(marks: Sequence[Span], offset: int) -> int:
    return bisect_right(marks, offset, key=lambda mark: mark.start)


@dataclass(frozen=True)
class Document:
    """A document's text and the structure of it.

    ``pages``, ``headings``, ``tables``, ``rows`` and ``times`` are sorted by ``start``. ``metadata`` is what
    the file says of itself (title, author, date as YYYY-MM-DD, source). ``notes`` say what the text lacks or
    how it differs from the file, each with how much and where: "pages 2 and 3 of 4 hold no text". The id is a hash
    of the text alone: the same content is the same document, whatever its file is called.
    """

    name: str
    text: str
    pages: tuple[Page, ...] = ()
    headings: tuple[Heading, ...] = ()
    tables: tuple[Table, ...] = ()
    size: int = 0  # bytes of the file it came from
    rows: tuple[Row, ...] = ()
    times: tuple[Time, ...] = ()
    metadata: Metadata = field(default_factory=dict, hash=False)
    notes: tuple[str, ...] = ()

    @cached_property
    def id(self) -> str:
        """Hash of the content."""
        return short_hash("document", self.text)

    def page_at(self, offset: int) -> int | None:
        """Return the number of the page that holds ``offset``, None in an unpaged document."""
        begun = _begun_by(self.pages, offset)
        return self.pages[begun - 1].number if begun else None

    def metadata_at(self, start: int, end: int) -> Metadata:
        """Return the document's metadata, with those of the row that holds all of the span, and its times."""
        begun = _begun_by(self.rows, start)
        row = self.rows[begun - 1] if begun else None
        row_fields = row.fields if row and end <= row.end else {}
        times = self.times[max(_begun_by(self.times, start) - 1, 0) : _begun_by(self.times, end - 1)]
        seconds: Metadata = {"from_second": times[0].begin, "to_second": times[-1].until} if times else {}
        return {**self.metadata, **row_fields, **seconds}

    def header_at(self, offset: int) -> str:
        """Return the header of the table whose body holds ``offset``; empty outside of tables and in a header."""
        begun = _begun_by(self.tables, offset)
        table = self.tables[begun - 1] if begun else None
        if not table or not table.start < table.body < offset < table.end:
            return ""
        lines = self.text[table.start : table.body].splitlines()
        return "\n".join(line for line in lines if any(map(str.isalnum, line)))  # without the rule under it

    def heading_at(self, offset: int) -> str | None:
        """Return the path of headings over ``offset``, as ``Chapter › Section``, None if there is none."""
        begun = _begun_by(self.headings, offset)
        return self._heading_paths[begun - 1] if begun else None

    @cached_property
    def _heading_paths(self) -> list[str]:
        path: list[Heading] = []
        paths = []
        for heading in self.headings:
            path = [above for above in path if above.level < heading.level] + [heading]
            paths.append(" › ".join(part.title for part in path))
        return paths
