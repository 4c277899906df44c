"""Chunks of a collection that say the same, word for word or nearly.

Groups are what chains of near pairs join: the ends of a long chain may be less alike than the threshold.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.errors import ForeignCollection, QueryError
from core.records.search import Collection
from core.store.conversion import Batch
from core.util.arrays import Int64Array
from core.vectors.near_duplicates import group_near_duplicates, step_count
from core.vectors.similarity import unit_vectors
from core.workspace import Workspace

THRESHOLD = 0.95  # cosine
LEAST = 0.5
READ = 0.2  # of the time goes into reading
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Twin:
    """A chunk in a group.

    ``similarity`` is the cosine to the first chunk, ``exact`` whether the texts differ only in case and spaces.
    """

    chunk_id: str
    document: str
    document_id: str
    page: int | None
    start: int
    end: int
    text: str
    similarity: float
    exact: bool


def alike(twin: Twin, first: Twin) -> str:
    """Return in words how like the first chunk of its group a chunk is."""
    return "this text" if twin is first else "same text" if twin.exact else f"{twin.similarity:.4f}"


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What was found; the largest groups first, in a group by document and place."""

    collection: str
    threshold: float
    chunks: int  # that were compared
    groups: tuple[tuple[Twin, ...], ...]

    @property
    def spare(self) -> int:
        """How many chunks could go, were one of each group kept."""
        return sum(len(group) - 1 for group in self.groups)

    def as_json(self) -> dict[str, Any]:
        """Return the object that ``duplicates --json`` prints."""
        return {**asdict(self), "spare": self.spare}


@dataclass(frozen=True, slots=True)
class Step:
    """How far the search is, 0 to 1; the last step has what was found."""

    share: float
    found: Duplicates | None = None


def find_duplicates(workspace: Workspace, collection: Collection, threshold: float = THRESHOLD) -> Duplicates:
    """Return the groups of chunks that are equal, or whose vectors have at least this cosine.

    Raises QueryError for a threshold out of range, ForeignCollection for chunks that do not say where they stand.
    """
    *_, last = duplicate_steps(workspace, collection, threshold)
    assert last.found
    return last.found


def duplicate_steps(workspace: Workspace, collection: Collection, threshold: float = THRESHOLD) -> Iterator[Step]:
    """Do the same step by step, so that it can be watched and stopped; at most ``most_steps`` steps."""
    if not LEAST <= threshold <= 1:
        raise QueryError(f"The threshold {threshold} is out of range: use a cosine from {LEAST} to 1")
    chunks = _read(workspace, collection)
    yield Step(READ)
    first, place = _unique(chunks.texts)
    for joined in group_near_duplicates(unit_vectors(chunks.vectors[first]), threshold):
        yield Step(READ + (1 - READ) * joined.share)
    groups = _groups(joined.labels[place])
    twins = (_twins(chunks, group, place) for group in groups)
    found = sorted(twins, key=lambda group: (-len(group), -min(twin.similarity for twin in group), group[0].chunk_id))
    yield Step(1.0, Duplicates(collection.name, threshold, len(chunks.ids), tuple(found)))


def most_steps(chunks: int) -> int:
    """Return how many steps so many chunks take at most."""
    return step_count(chunks) + 2


def _read(workspace: Workspace, collection: Collection) -> Batch:
    """All searchable chunks, by document and place."""
    if collection.foreign:
        raise ForeignCollection(
            f"The chunks of {collection.name!r} were written by another program and do not name their documents: "
            "import it first"
        )
    hidden = set(workspace.document_store.hidden(collection.key))
    rows = [
        (str(held["document"]), int(held["start"]), id_, text, held, vector)
        for batch in workspace.store.batches(collection)
        for id_, text, held, vector in zip(batch.ids, batch.texts, batch.metadatas, batch.vectors, strict=True)
        if held["document_id"] not in hidden
    ]
    rows.sort(key=lambda row: row[:3])
    vectors = np.asarray([row[5] for row in rows], dtype=np.float32).reshape(len(rows), collection.dimension)
    return Batch([row[2] for row in rows], [row[3] for row in rows], [row[4] for row in rows], vectors)


def _plain(text: str) -> str:
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def _unique(texts: list[str]) -> tuple[Int64Array, Int64Array]:
    """The first chunk of each text, and for each chunk the place of its text among those."""
    places: dict[str, int] = {}
    place = np.asarray([places.setdefault(_plain(text), len(places)) for text in texts], dtype=np.int64)
    first = np.full(len(places), len(texts), dtype=np.int64)
    np.minimum.at(first, place, np.arange(len(texts)))
    return first, place


def _groups(labels: Int64Array) -> list[Int64Array]:
    """The places of those that share a label with another."""
    if not len(labels):
        return []
    order = np.argsort(labels, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    return [part for part in parts if len(part) > 1]


def _twins(chunks: Batch, group: Int64Array, place: Int64Array) -> tuple[Twin, ...]:
    vectors = unit_vectors(chunks.vectors[group])
    cosines = np.minimum(vectors @ vectors[0], 1.0)
    found = []
    for at, cosine in zip(group.tolist(), cosines.tolist(), strict=True):
        held: dict[str, Any] = dict(chunks.metadatas[at])
        found.append(
            Twin(
                chunks.ids[at],
                held["document"],
                held["document_id"],
                held.get("page"),
                held["start"],
                held["end"],
                chunks.texts[at],
                round(cosine, 6),
                bool(place[at] == place[group[0]]),
            )
        )
    return tuple(found)
