"""Color the chunks of a map by category (document, folder, cluster, ...) or by a number (similarity, length, ...)."""

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
class CategoryColoring:
    """Each chunk belongs to one group: ``codes``, shape (chunks,), are places in ``names``, -1 for the rest.

    CategoryColoring are ordered by size; there are at most 27 with a colour and shape of their own.
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
class NumericColoring:
    """Each chunk has a number: ``values``, shape (chunks,), NaN where there is none."""

    title: str  # with the unit, and which way is better where there is one
    values: Float32Array

    @property
    def key(self) -> str:
        """Changes with whatever would be drawn otherwise."""
        return short_hash(self.title, self.values.tobytes())


Coloring = CategoryColoring | NumericColoring


def plain(points: Points) -> CategoryColoring:
    """Return one group of all chunks."""
    return CategoryColoring("", ("chunks",), np.zeros(len(points), dtype=np.int32))


def by_category(title: str, words: Sequence[str], noun: str = "") -> CategoryColoring:
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
    return CategoryColoring(title, tuple(names), codes, rest)


def by_document(points: Points) -> CategoryColoring:
    """Return a group for each document; of more than 27, for the nine with most chunks."""
    return by_category("document", points.documents, "document")


def by_folder(points: Points) -> CategoryColoring:
    """Return a group for each folder that documents lie in; those that lie in none are the rest."""
    return by_category("folder", [name.rpartition("/")[0] for name in points.documents], "folder")


def alike(one: Points, other: Points) -> tuple[CategoryColoring, CategoryColoring]:
    """Return the same groups in the same colours for two collections: folders where documents lie in such, else documents, by their size in the first."""
    make = by_folder if any("/" in name for name in one.documents) else by_document
    first = make(one)
    place = {name: at for at, name in enumerate(first.names)}
    words = [name.rpartition("/")[0] for name in other.documents] if make is by_folder else list(other.documents)
    codes = np.fromiter((place.get(word, -1) for word in words), dtype=np.int32, count=len(words))
    return first, CategoryColoring(first.title, first.names, codes, first.rest or "others")


def by_metadata_field(name: str, values: Sequence[Value | None]) -> Coloring:
    """Return a metadata field as a scale where all its values are numbers, else as groups."""
    said = [value for value in values if value is not None]
    if said and len(set(said)) > len(PALETTE) and all(is_number(value) for value in said):
        return NumericColoring(
            name, np.asarray([np.nan if value is None else float(value) for value in values], dtype=np.float32)
        )
    return by_category(name, ["" if value is None else format_value(value) for value in values])


def by_cluster(labels: npt.NDArray[np.integer], names: Sequence[str]) -> CategoryColoring:
    """Return a group for each cluster, labelled -1 for noise; they are numbered by size already."""
    shown = min(len(names), MOST_GROUPS)
    codes = np.where(labels < shown, labels, -1).astype(np.int32)
    more = len(names) - shown
    return CategoryColoring(
        "cluster", tuple(names[:shown]), codes, f"{plural(more, 'more cluster')} and none" if more else "in no cluster"
    )


def by_similarity(metric: Metric, similarities: Float32Array) -> NumericColoring:
    """Return each chunk's similarity to the query."""
    return NumericColoring(f"{measure_name(metric)} to the query (higher is better)", similarities)


def by_length(points: Points) -> NumericColoring:
    """Return each chunk's length in tokens."""
    return NumericColoring("length (tokens)", points.tokens.astype(np.float32))


def by_distortion(shares: Float32Array) -> NumericColoring:
    """Return how much the picture misplaces each chunk."""
    return NumericColoring(
        "distortion (share of the true nearest that lie elsewhere; lower is better)", shares.astype(np.float32)
    )


def by_query_count(counts: npt.NDArray[np.integer], top: int) -> NumericColoring:
    """Return in how many queries' first ``top`` each chunk is; those that never come up are left grey."""
    values = counts.astype(np.float32)
    values[counts == 0] = np.nan
    return NumericColoring(f"queries that find it (in their first {top})", values)


def by_scores(title: str, points: Points, scores: dict[str, float]) -> NumericColoring:
    """Return the number of each chunk id that has one."""
    return NumericColoring(
        title, np.asarray([scores.get(chunk_id, np.nan) for chunk_id in points.chunk_ids], dtype=np.float32)
    )
