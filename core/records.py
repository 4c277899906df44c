"""The records that every room speaks: small, frozen, and free of behaviour that needs a library.

Offsets are counted in characters (Unicode code points) of ``Document.text``; ``end`` is exclusive.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol

from core.errors import SettingsError

Metric = Literal["cosine", "dot", "l2"]
METRICS: tuple[Metric, ...] = ("cosine", "dot", "l2")
_MEASURE_NAMES: dict[Metric, str] = {
    "cosine": "cosine similarity",
    "dot": "dot product",
    "l2": "negative Euclidean distance",
}
SMALLEST_CHUNK = 8  # tokens
ID_LENGTH = 32  # hexadecimal digits: 128 bits of SHA-256


def short_hash(*parts: object) -> str:
    """Return 32 hexadecimal digits of the SHA-256 over ``parts``, each closed off by a NUL."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(str(part).encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()[:ID_LENGTH]


def measure_name(metric: Metric) -> str:
    """Return what the similarity of a metric is called; of each, higher is better."""
    return _MEASURE_NAMES[metric]


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
    """The lines of one table."""

    start: int
    end: int


def _begun_by(marks: Sequence[Span], offset: int) -> int:
    return bisect_right(marks, offset, key=lambda mark: mark.start)


@dataclass(frozen=True)
class Document:
    """A document's text and what hangs on it.

    ``pages``, ``headings`` and ``tables`` are sorted by ``start``. The id is a hash of the text
    alone: the same content is the same document, whatever its file is called.
    """

    name: str
    text: str
    pages: tuple[Page, ...] = ()
    headings: tuple[Heading, ...] = ()
    tables: tuple[Table, ...] = ()
    size: int = 0  # bytes of the file it came from

    @cached_property
    def id(self) -> str:
        """Hash of the content."""
        return short_hash("document", self.text)

    def page_at(self, offset: int) -> int | None:
        """Return the number of the page that holds ``offset``, None in an unpaged document."""
        begun = _begun_by(self.pages, offset)
        return self.pages[begun - 1].number if begun else None

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


@dataclass(frozen=True, slots=True)
class ChunkSettings:
    """How documents are cut: both numbers in tokens of the bi-encoder.

    Raises SettingsError for an overlap that is not smaller than the size, or numbers out of range.
    """

    size: int = 200
    overlap: int = 40
    method: str = "structure"

    def __post_init__(self) -> None:
        if self.size < SMALLEST_CHUNK:
            raise SettingsError(f"The chunk size {self.size} is too small: use at least {SMALLEST_CHUNK} tokens")
        if not 0 <= self.overlap < self.size:
            raise SettingsError(f"The chunk overlap {self.overlap} must be at least 0 and less than the chunk size {self.size}")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document: ``text == document.text[start:end]``, ``tokens`` as the bi-encoder counts."""

    id: str
    document_id: str
    start: int
    end: int
    text: str
    tokens: int
    page: int | None = None
    heading: str | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """A set of chunks with their vectors, and everything needed to ask it a question."""

    name: str
    key: str  # Chroma's own id, which survives renaming
    chroma_name: str
    model: str
    revision: str
    dimension: int
    metric: Metric
    chunking: ChunkSettings
    query_prompt: str = ""
    document_prompt: str = ""
    chunks: int = 0
    created: str = ""  # ISO 8601, UTC
    foreign: bool = False  # made by another program

    def as_json(self) -> dict[str, Any]:
        """Return a plain dictionary for ``--json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """One line of a collection's list of documents."""

    name: str
    document_id: str
    chunks: int
    characters: int
    size: int  # bytes of the file
    added: str  # ISO 8601, UTC

    def as_json(self) -> dict[str, Any]:
        """Return a plain dictionary for ``--json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Hit:
    """One chunk in a ranking. ``bi_score`` is a similarity: higher is better; ranks start at 1."""

    rank: int
    chunk_id: str
    document: str
    document_id: str
    page: int | None
    heading: str | None
    start: int
    end: int
    text: str
    tokens: int
    bi_score: float
    bi_rank: int

    def as_json(self) -> dict[str, Any]:
        """Return a plain dictionary for ``--json`` and downloads."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds of each stage of one search."""

    encode: float
    retrieve: float
    total: float


@dataclass(frozen=True)
class SearchResult:
    """One query's ranking: feeds the hit list, the comparison, the map and the metrics."""

    query: str
    collection: str
    model: str
    metric: Metric
    hits: tuple[Hit, ...]
    timings: Timings
    documents: tuple[str, ...] = field(default=())  # the filter by document name, empty for all

    def as_json(self) -> dict[str, Any]:
        """Return the object that ``search --json`` prints; milliseconds under ``timings_ms``."""
        return {
            "query": self.query,
            "collection": self.collection,
            "model": self.model,
            "metric": self.metric,
            "hits": [hit.as_json() for hit in self.hits],
            "timings_ms": {name: round(ms, 3) for name, ms in asdict(self.timings).items()},
        }
