"""What the colours of a map say: which group a chunk belongs to, or how much of something it has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.projection.records import Points
from core.records.document import Value, short_hash
from core.records.filters import format_value, is_number
from core.records.search import Metric, measure_name
from core.util.arrays import Float32Array, Int32Array
from core.util.formatting import plural

# Told apart by colour-blind readers (Paul Tol's muted scheme, personal.sron.nl/~pault, without its pale grey).
PALETTE = ("#cc6677", "#44719d", "#ddaa33", "#117733", "#88ccee", "#882255", "#44aa99", "#999933", "#aa4499")
SHAPES = ("circle", "square", "diamond")  # where the colours come round again
REST = "#a3a9b3"
MOST_GROUPS = len(PALETTE) * len(SHAPES)
# A stretch of viridis (Smith and van der Walt, 2015) without its ends, which vanish on black or white; dark is low.
SCALE = ("#443a83", "#31688e", "#21908d", "#35b779", "#8fd744")


@dataclass(frozen=True)
class Groups:
    """Each chunk belongs to one group: ``codes``, shape (chunks,), are places in ``names``, -1 for the rest.

    Groups are ordered by size; there are at most 27 with a colour and shape of their own.
    """

    title: str
    names: tuple[str, ...]
    codes: Int32Array
    rest: str = ""  # what the others are called

    @property
    def key(self) -> str:
        """Changes with whatever would be drawn otherwise."""
        return short_hash(self.title, self.rest, *self.names, self.codes.tobytes())


@dataclass(frozen=True)
class Scale:
    """Each chunk has a number: ``values``, shape (chunks,), NaN where there is none."""

    title: str  # with the unit, and which way is better where there is one
    values: Float32Array

    @property
    def key(self) -> str:
        """Changes with whatever would be drawn otherwise."""
        return short_hash(self.title, self.values.tobytes())


Painting = Groups | Scale


def plain(points: Points) -> Groups:
    """Return one group of all chunks."""
    return Groups("", ("chunks",), np.zeros(len(points), dtype=np.int32))


def by_words(title: str, words: Sequence[str], noun: str = "") -> Groups:
    """Return a group for each of the most frequent words; an empty word is none.

    ``noun`` names what the groups without a colour of their own are, as in ``12 more documents``.
    """
    counts = Counter(word for word in words if word)
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    names = ordered[: MOST_GROUPS if len(ordered) <= MOST_GROUPS else len(PALETTE)]
    place = {name: at for at, name in enumerate(names)}
    codes = np.fromiter((place.get(word, -1) for word in words), dtype=np.int32, count=len(words))
    more = len(ordered) - len(names)
    rest = " and ".join(
        part
        for part in (plural(more, f"more {noun or 'value'}") if more else "", "none" if "" in set(words) else "")
        if part
    )
    return Groups(title, tuple(names), codes, rest)


def by_document(points: Points) -> Groups:
    """Return a group for each document; of more than 27, for the nine with most chunks."""
    return by_words("document", points.documents, "document")


def by_folder(points: Points) -> Groups:
    """Return a group for each folder that documents lie in; those that lie in none are the rest."""
    return by_words("folder", [name.rpartition("/")[0] for name in points.documents], "folder")


def alike(one: Points, other: Points) -> tuple[Groups, Groups]:
    """Return the same groups in the same colours for two collections: folders where documents lie in such, else documents, by their size in the first."""
    make = by_folder if any("/" in name for name in one.documents) else by_document
    first = make(one)
    place = {name: at for at, name in enumerate(first.names)}
    words = [name.rpartition("/")[0] for name in other.documents] if make is by_folder else list(other.documents)
    codes = np.fromiter((place.get(word, -1) for word in words), dtype=np.int32, count=len(words))
    return first, Groups(first.title, first.names, codes, first.rest or "others")


def by_field(name: str, values: Sequence[Value | None]) -> Painting:
    """Return a metadata field as a scale where all its values are numbers, else as groups."""
    said = [value for value in values if value is not None]
    if said and len(set(said)) > len(PALETTE) and all(is_number(value) for value in said):
        return Scale(
            name, np.asarray([np.nan if value is None else float(value) for value in values], dtype=np.float32)
        )
    return by_words(name, ["" if value is None else format_value(value) for value in values])


def by_cluster(labels: npt.NDArray[np.integer], names: Sequence[str]) -> Groups:
    """Return a group for each cluster, labelled -1 for noise; they are numbered by size already."""
    shown = min(len(names), MOST_GROUPS)
    codes = np.where(labels < shown, labels, -1).astype(np.int32)
    more = len(names) - shown
    return Groups(
        "cluster", tuple(names[:shown]), codes, f"{plural(more, 'more cluster')} and none" if more else "in no cluster"
    )


def by_similarity(metric: Metric, similarities: Float32Array) -> Scale:
    """Return each chunk's similarity to the query."""
    return Scale(f"{measure_name(metric)} to the query (higher is better)", similarities)


def by_length(points: Points) -> Scale:
    """Return each chunk's length in tokens."""
    return Scale("length (tokens)", points.tokens.astype(np.float32))


def by_distortion(shares: Float32Array) -> Scale:
    """Return how much the picture misplaces each chunk."""
    return Scale(
        "distortion (share of the true nearest that lie elsewhere; lower is better)", shares.astype(np.float32)
    )


def by_asked(counts: npt.NDArray[np.integer], top: int) -> Scale:
    """Return in how many queries' first ``top`` each chunk is; those that never come up are left grey."""
    values = counts.astype(np.float32)
    values[counts == 0] = np.nan
    return Scale(f"queries that find it (in their first {top})", values)


def by_scores(title: str, points: Points, scores: dict[str, float]) -> Scale:
    """Return the number of each chunk id that has one."""
    return Scale(title, np.asarray([scores.get(chunk_id, np.nan) for chunk_id in points.chunk_ids], dtype=np.float32))
