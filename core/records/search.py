"""Chunks, collections, hits and search results, and the settings of a collection: frozen records.

Offsets are counted in characters (Unicode code points) of ``Document.text``; ``end`` is exclusive.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from core.errors import SettingsError, SettingsMismatch
from core.records.document import Metadata
from core.records.filters import Filter

OnChange = Literal["replace", "keep"]
Metric = Literal["cosine", "dot", "l2"]
METRICS: tuple[Metric, ...] = ("cosine", "dot", "l2")
_MEASURE_NAMES: dict[Metric, str] = {
    "cosine": "cosine similarity",
    "dot": "dot product",
    "l2": "negative Euclidean distance",
}
SMALLEST_CHUNK = 8  # tokens
Method = Literal["structure", "sentences", "tokens", "pages", "rows", "sections", "meaning"]
METHODS: dict[Method, str] = {
    "structure": "by structure: headings, paragraphs, sentences",
    "sentences": "by sentences",
    "tokens": "a fixed number of tokens",
    "pages": "one chunk a page",
    "rows": "rows of tables",
    "sections": "one chunk a section under a heading",
    "meaning": "by meaning: where neighbouring sentences part",
}
METHOD_HELP: dict[Method, str] = {
    "pages": "A page that fits is one chunk; a longer one is cut by structure, and only there do chunks overlap.",
    "sections": "What stands under a heading is one chunk if it fits; a longer section is cut by structure, "
    "and only there do chunks overlap.",
    "rows": "Rows of tables and records. A row carries the header of its table; "
    "text around tables is cut by structure.",
    "meaning": "A break wherever neighbouring sentences are less alike than in most of the document. "
    "Every sentence is embedded once for it.",
    "sentences": "Whole sentences, as many as fit; the overlap is whole sentences too.",
    "tokens": "As many words as fit, whatever they say: the plainest way, and the one to measure others against.",
    "structure": "At headings, then paragraphs, rows, sentences, lines: "
    "the strongest break in the second half of what fits.",
}


def measure_name(metric: Metric) -> str:
    """Return what the similarity of a metric is called; of each, higher is better."""
    return _MEASURE_NAMES[metric]


def as_read(carried: str, text: str) -> str:
    """Return what the models read of a chunk: the header of the table it begins in, if any, before its text."""
    return f"{carried}\n{text}" if carried else text


@dataclass(frozen=True, slots=True)
class ChunkSettings:
    """How documents are cut: the largest ``size`` and the ``overlap`` in tokens of the bi-encoder.

    Only the method rows uses ``rows``, the number of table rows in a chunk. Only the method meaning uses
    ``percentile``: it breaks where the distance of neighbouring sentences is above that percentile.
    Raises SettingsError for an overlap that is not smaller than the size, an unknown method, or numbers out of range.
    """

    size: int = 200
    overlap: int = 40
    method: Method = "structure"
    rows: int = 1
    percentile: int = 90

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise SettingsError(f"There is no way to cut called {self.method!r}: use one of {', '.join(METHODS)}")
        if self.rows < 1:
            raise SettingsError(f"A chunk of {self.rows} rows is none: use at least 1")
        if not 1 <= self.percentile <= 99:
            raise SettingsError(f"The percentile {self.percentile} is out of range: use 1 to 99")
        if self.size < SMALLEST_CHUNK:
            raise SettingsError(f"The chunk size {self.size} is too small: use at least {SMALLEST_CHUNK} tokens")
        if not 0 <= self.overlap < self.size:
            raise SettingsError(
                f"The chunk overlap {self.overlap} must be at least 0 and less than the chunk size {self.size}"
            )

    @property
    def identity(self) -> tuple[object, ...]:
        """What a chunk's id depends on: the settings that the method uses."""
        method_settings: dict[Method, tuple[object, ...]] = {"rows": (self.rows,), "meaning": (self.percentile,)}
        return (self.method, self.size, self.overlap, *method_settings.get(self.method, ()))


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document: ``text == document.text[start:end]``, ``tokens`` of ``read`` as the bi-encoder counts.

    ``carried`` is the header of the table in which the chunk begins, read by the models before the text.
    """

    id: str
    document_id: str
    start: int
    end: int
    text: str
    tokens: int
    page: int | None = None
    heading: str | None = None
    carried: str = ""
    metadata: Metadata = field(default_factory=dict, hash=False)

    @property
    def read(self) -> str:
        """What the models read."""
        return as_read(self.carried, self.text)

    def as_json(self) -> dict[str, Any]:
        """Return a plain dictionary for ``--json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Collection:
    """A set of chunks with their vectors, and everything needed to search it."""

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
    metadata: Metadata = field(default_factory=dict, hash=False)
    notes: tuple[str, ...] = ()  # what its text lacks: see Document
    also: tuple[str, ...] = ()  # names of other files with the same text

    def as_json(self) -> dict[str, Any]:
        """Return a plain dictionary for ``--json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class UnknownText:
    """How much of a text a model does not know, in words of its language and in the model's tokens.

    ``lost`` are the first of the unknown words, or other signs where no words are lost.
    """

    words: int
    unknown_words: int
    tokens: int
    unknown_tokens: int
    lost: tuple[str, ...] = ()

    @property
    def mostly(self) -> bool:
        """Whether the model cannot read the text: more than half of the words or of the tokens are unknown."""
        return 2 * self.unknown_words > self.words or 2 * self.unknown_tokens > self.tokens

    @property
    def sentence(self) -> str:
        """What the model does not know, as a sentence without a full stop; empty if no words are lost."""
        quoted = ", ".join(self.lost) + (" …" if self.unknown_words > len(self.lost) else "")
        share = f"{self.unknown_words:,} of {self.words:,} {'word' if self.words == 1 else 'words'}"
        if self.mostly and self.unknown_words:
            return f"The bi-encoder cannot read this chunk: it does not know {share}: {quoted}"
        if self.mostly:
            return f"The bi-encoder cannot read this chunk: it does not know most of its signs: {quoted}"
        return f"The bi-encoder does not know {share}: {quoted}" if self.unknown_words else ""

    def as_json(self) -> dict[str, Any]:
        """Return a plain dictionary for ``--json`` and downloads."""
        return {**asdict(self), "cannot_read": self.mostly}


@dataclass(frozen=True, slots=True)
class Hit:
    """One chunk in a ranking. Of all scores higher is better; ranks start at 1.

    ``bi_score`` is a similarity. The cross-encoder's fields are None where it did not read the hit:
    ``cross_score`` is the logit, ``cross_probability`` what the model's own sigmoid makes of it, None
    for a model that has none. ``unknown`` is what of ``read`` the bi-encoder does not know, None if it knows all.
    """

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
    cross_score: float | None = None
    cross_probability: float | None = None
    cross_rank: int | None = None
    carried: str = ""
    metadata: Metadata = field(default_factory=dict, hash=False)
    unknown: UnknownText | None = None

    @property
    def read(self) -> str:
        """What the models read: the header of the table it begins in, if any, before the text."""
        return as_read(self.carried, self.text)

    @property
    def moved(self) -> int | None:
        """Places that the cross-encoder moved it up (negative: down), None where it did not read it."""
        return None if self.cross_rank is None else self.bi_rank - self.cross_rank

    def as_json(self) -> dict[str, Any]:
        """Return a plain dictionary for ``--json`` and downloads."""
        return {**asdict(self), "unknown": None if self.unknown is None else self.unknown.as_json()}


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds of each stage of one search; ``rerank`` is None where nothing was reranked."""

    encode: float
    retrieve: float
    total: float
    rerank: float | None = None


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
    filters: tuple[Filter, ...] = ()  # on the chunks' metadata
    reranker: str = ""  # the cross-encoder that reordered the hits, empty if none did
    pool: int = 0  # how many of the bi-encoder's first hits it read
    notes: tuple[str, ...] = ()  # what of the query the bi-encoder did not read or does not know
    rerank_notes: tuple[str, ...] = ()  # what of query and chunks the cross-encoder did not read or does not know

    def top(self, hits: int) -> SearchResult:
        """Return the same with the first ``hits`` only."""
        return replace(self, hits=self.hits[:hits])

    def as_json(self) -> dict[str, Any]:
        """Return the object that ``search --json`` prints; milliseconds under ``timings_ms``.

        What the cross-encoder adds is there only where one was used.
        """
        hits = [hit.as_json() for hit in self.hits]
        if not self.reranker:
            hits = [{key: value for key, value in hit.items() if not key.startswith("cross_")} for hit in hits]
        return {
            "query": self.query,
            "collection": self.collection,
            "model": self.model,
            "metric": self.metric,
            **({"reranker": self.reranker, "pool": self.pool} if self.reranker else {}),
            "filters": [condition.as_json() for condition in self.filters],
            "notes": [*self.notes, *self.rerank_notes],
            "hits": hits,
            "timings_ms": {name: round(ms, 3) for name, ms in asdict(self.timings).items() if ms is not None},
        }


@dataclass(frozen=True)
class CollectionOptions:
    """Settings requested for a collection; None stands for an existing collection's own, or for the default."""

    model: str | None = None
    metric: Metric | None = None
    size: int | None = None  # tokens
    overlap: int | None = None  # tokens
    method: Method | None = None
    rows: int | None = None
    percentile: int | None = None

    def chunking(self, model: str, budget: int) -> ChunkSettings:
        """Return a new collection's chunk settings: by default 200 tokens or the model's limit, overlapping by a fifth.

        ``budget`` is how many tokens ``model`` reads. Raises SettingsError for longer chunks.
        """
        size = min(ChunkSettings().size, budget) if self.size is None else self.size
        if size > budget:
            raise SettingsError(f"A chunk size of {size} tokens is more than {model} reads: use at most {budget}")
        default = ChunkSettings(size, size // 5 if self.overlap is None else self.overlap)
        return replace(
            default,
            method=default.method if self.method is None else self.method,
            rows=default.rows if self.rows is None else self.rows,
            percentile=default.percentile if self.percentile is None else self.percentile,
        )

    def check(self, collection: Collection) -> None:
        """Raise SettingsMismatch if an existing collection has other settings than those requested."""
        for setting in fields(self):
            requested = getattr(self, setting.name)
            owner = collection if setting.name in ("model", "metric") else collection.chunking
            actual = getattr(owner, setting.name)
            if requested is not None and requested != actual:
                raise SettingsMismatch(
                    f"The collection {collection.name!r} has {_NAMES.get(setting.name, setting.name)} {actual}, "
                    f"not {requested}, and that is fixed when it is made: leave the setting out, or choose a new name"
                )


_NAMES = {"size": "chunk size", "overlap": "chunk overlap", "method": "chunk method", "rows": "rows a chunk"}
