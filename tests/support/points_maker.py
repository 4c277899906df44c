"""Points for the map's tests, without a collection."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.projection.points import points_digest
from core.projection.records import Points
from core.records.search import Metric
from core.util.arrays import Float32Array


def points_of(vectors: Float32Array, metric: Metric = "cosine", document_ids: Sequence[str] | None = None) -> Points:
    """Chunks c00000, c00001, ... with these vectors; of document d0 unless others are named."""
    many = len(vectors)
    ids = tuple(f"c{number:05}" for number in range(many))
    documents = tuple(document_ids) if document_ids is not None else ("d0",) * many
    nothing = np.zeros(many, dtype=np.int64)
    names = tuple(f"{document}.txt" for document in documents)
    return Points(
        "c",
        "key",
        points_digest(ids, vectors, metric),
        metric,
        "fake",
        ids,
        documents,
        names,
        nothing,
        nothing,
        nothing,
        vectors,
    )


def heaps(many: int, dimension: int = 8, seed: int = 0) -> Float32Array:
    """Vectors in four heaps, place ``i`` in heap ``i % 4``."""
    chance = np.random.default_rng(seed)
    middles = 3 * chance.normal(size=(4, dimension))
    return (middles[np.arange(many) % 4] + 0.3 * chance.normal(size=(many, dimension))).astype(np.float32)
