"""What a bundle says of itself: enough to make the same collection elsewhere, and to see that nothing was changed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from core.errors import ExchangeError, SettingsError
from core.records.search import METRICS, ChunkSettings, Collection, Metric

FORMAT = "rankscope-collection"
SCHEMA = 1
FILE = "manifest.json"


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a bundle: its size in bytes, its SHA-256 in hexadecimal digits."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The collection in a bundle."""

    name: str
    model: str
    revision: str
    query_prompt: str
    document_prompt: str
    dimension: int
    metric: Metric
    chunking: ChunkSettings
    documents: int
    chunks: int
    queries: int = 0
    judgments: int = 0
    created: str = ""  # when the collection was made, ISO 8601, UTC
    exported: str = ""
    parts: dict[str, Part] = field(default_factory=dict)

    @classmethod
    def of(cls, collection: Collection, documents: int, chunks: int, queries: int, judgments: int, parts: dict[str, Part]) -> Manifest:
        """Return the manifest of a collection that has so much in it."""
        return cls(
            collection.name,
            collection.model,
            collection.revision,
            collection.query_prompt,
            collection.document_prompt,
            collection.dimension,
            collection.metric,
            collection.chunking,
            documents,
            chunks,
            queries,
            judgments,
            collection.created,
            datetime.now(UTC).isoformat(timespec="seconds"),
            parts,
        )

    def write(self) -> str:
        """Return the manifest as JSON."""
        return json.dumps({"format": FORMAT, "schema": SCHEMA, **asdict(self)}, ensure_ascii=False, indent=2)


def read_manifest(about: str, text: bytes) -> Manifest:
    """Return what a manifest says. Raises ExchangeError, beginning with ``about``, for one that we cannot use."""
    try:
        held: dict[str, Any] = dict(json.loads(text))
    except (ValueError, TypeError, RecursionError) as error:
        raise ExchangeError(f"{about} is damaged: its {FILE} is not JSON. Export the collection again") from error
    if held.pop("format", None) != FORMAT:
        raise ExchangeError(f"{about} is not a bundle of Rankscope's: its {FILE} does not say '{FORMAT}'")
    if (schema := held.pop("schema", None)) != SCHEMA:
        raise ExchangeError(f"{about} has the format's version {schema}, and version {SCHEMA} is read here: use the Rankscope that wrote it, or a newer one")
    try:
        chunking = ChunkSettings(**held.pop("chunking"))
        parts = {name: Part(**part) for name, part in held.pop("parts").items()}
        manifest = Manifest(**held, chunking=chunking, parts=parts)
        sound = manifest.metric in METRICS and manifest.dimension > 0
    except (KeyError, TypeError, AttributeError, SettingsError) as error:
        raise ExchangeError(f"{about} is damaged: its {FILE} lacks something or holds what it should not ({error}). Export the collection again") from error
    if not sound:
        raise ExchangeError(f"{about} is damaged: {manifest.dimension} dimensions and the measure {manifest.metric!r} cannot be. Export the collection again")
    return manifest
