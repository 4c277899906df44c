"""Color the chunks of a map by category (document, folder, cluster, ...) or by a number (similarity, length, ...)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.projection.records import Points
from core.records.document import Value, short_hash
from core.records.filters import format_value, is_number
from core.records.search import Metric, measure_name
from core.util.arrays import AnyIntArray, Float32Array, Int32Array
from core.util.formatting import plural

# For colour-blind readers too (Paul Tol's muted scheme, personal.sron.nl/~pault, without its pale grey).
PALETTE = ("#cc6677", "#44719d", "#ddaa33", "#117733", "#88ccee", "#882255", "#44aa99", "#999933", "#aa4499")
SHAPES = ("circle", "square", "diamond")  # the next one whenever all colours are used
REST = "#a3a9b3"
MAX_CATEGORIES = len(PALETTE) * len(SHAPES)
# Viridis (Smith and van der Walt, 2015) without its ends, which are invisible on black or white; dark is low.
SCALE = ("#443a83", "#31688e", "#21908d", "#35b779", "#8fd744")


@dataclass(frozen=True)
class CategoryColoring:
    """A category for each chunk: ``codes``, shape (chunks,), are indices in ``names``, -1 for the rest.

    Categories are ordered by size; at most 27 have a colour and shape of their own.
    """

    title: str
    names: tuple[str, ...]
    codes: Int32Array
    rest: str = ""  # the name of the rest

    @property
    def key(self) -> str:
        """A hash of everything that is drawn."""
        return short_hash(self.title, self.rest, *self.names, self.codes.tobytes())


@dataclass(frozen=True)
class NumericColoring:
    """A number for each chunk: ``values``, shape (chunks,), NaN for none."""

    title: str  # with the unit, and which direction is better where one is
    values: Float32Array

    @property
    def key(self) -> str:
        """A hash of everything that is drawn."""
        return short_hash(self.title, self.values.tobytes())


Coloring = CategoryColoring | NumericColoring


def plain(points: Points) -> CategoryColoring:
    """Return one category of all chunks."""
    return CategoryColoring("", ("chunks",), np.zeros(len(points), dtype=np.int32))


def by_category(title: str, labels: Sequence[str], noun: str = "value") -> CategoryColoring:
    """Return a category for each of the most frequent labels; chunks with an empty label are in the rest.

    ``noun`` is what the categories without a colour of their own are called, as in ``12 more documents``.
    """
    counts = Counter(label for label in labels if label)
    ordered = sorted(counts, key=lambda label: (-counts[label], label))
    names = tuple(ordered[: MAX_CATEGORIES if len(ordered) <= MAX_CATEGORIES else len(PALETTE)])
    more = len(ordered) - len(names)
    rest = [plural(more, f"more {noun}")] if more else []
    rest += ["none"] if "" in labels else []
    return CategoryColoring(title, names, _codes(names, labels), " and ".join(rest))


def _codes(names: Sequence[str], labels: Sequence[str]) -> Int32Array:
    """Return the index in ``names`` of each label, -1 for others, shape (labels,)."""
    index_of = {name: index for index, name in enumerate(names)}
    return np.fromiter((index_of.get(label, -1) for label in labels), dtype=np.int32, count=len(labels))


def by_document(points: Points) -> CategoryColoring:
    """Return a category for each document; of more than 27, for the nine with most chunks."""
    return by_category("document", points.documents, "document")


def by_folder(points: Points) -> CategoryColoring:
    """Return a category for each folder of documents; documents in no folder are the rest."""
    return by_category("folder", _folders(points), "folder")


def _folders(points: Points) -> list[str]:
    """Return the folder of each chunk's document, empty for none."""
    return [name.rpartition("/")[0] for name in points.documents]


def shared_categories(points: Points, others: Points) -> tuple[CategoryColoring, CategoryColoring]:
    """Return the same categories in the same colours for two collections, ordered by size in the first.

    Folders where the first has documents in folders, else documents.
    """
    if any("/" in name for name in points.documents):
        first, labels = by_folder(points), _folders(others)
    else:
        first, labels = by_document(points), list(others.documents)
    return first, CategoryColoring(first.title, first.names, _codes(first.names, labels), first.rest or "others")


def by_metadata_field(name: str, values: Sequence[Value | None]) -> Coloring:
    """Return a metadata field as numbers where it has over nine different values, all numbers; else as categories."""
    present = [value for value in values if value is not None]
    if len(set(present)) > len(PALETTE) and all(is_number(value) for value in present):
        numbers = [np.nan if value is None else float(value) for value in values]
        return NumericColoring(name, np.asarray(numbers, dtype=np.float32))
    return by_category(name, ["" if value is None else format_value(value) for value in values])


def by_cluster(labels: AnyIntArray, names: Sequence[str]) -> CategoryColoring:
    """Return a category for each cluster; ``labels``, shape (chunks,), are indices in ``names``, -1 for noise."""
    shown = min(len(names), MAX_CATEGORIES)
    codes = np.where(labels < shown, labels, -1).astype(np.int32)
    more = len(names) - shown
    rest = f"{plural(more, 'more cluster')} and none" if more else "in no cluster"
    return CategoryColoring("cluster", tuple(names[:shown]), codes, rest)


def by_similarity(metric: Metric, similarities: Float32Array) -> NumericColoring:
    """Return each chunk's similarity to the query."""
    return NumericColoring(f"{measure_name(metric)} to the query (higher is better)", similarities)


def by_length(points: Points) -> NumericColoring:
    """Return each chunk's length in tokens."""
    return NumericColoring("length (tokens)", points.tokens.astype(np.float32))


def by_distortion(shares: Float32Array) -> NumericColoring:
    """Return the distortion of each chunk, as ``quality.distortion`` measures it."""
    return NumericColoring(
        "distortion (share of the true nearest that lie elsewhere; lower is better)", shares.astype(np.float32)
    )


def by_query_count(counts: AnyIntArray, top: int) -> NumericColoring:
    """Return how many queries retrieve each chunk in their first ``top``; NaN, drawn grey, for none."""
    values = counts.astype(np.float32)
    values[counts == 0] = np.nan
    return NumericColoring(f"queries that find it (in their first {top})", values)


def by_scores(title: str, points: Points, scores: dict[str, float]) -> NumericColoring:
    """Return the score of each chunk, NaN for one that has none; ``scores`` are by chunk id."""
    return NumericColoring(
        title, np.asarray([scores.get(chunk_id, np.nan) for chunk_id in points.chunk_ids], dtype=np.float32)
    )
