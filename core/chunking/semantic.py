"""Where a text changes its subject: distances between neighbouring sentences' embeddings.

Between two sentences stands the distance of what is just before from what is just after: 1 - the cosine of
the two blocks' mean vectors, two sentences a block. Comparing blocks rather than single sentences is TextTiling's way
(Hearst, TextTiling: Segmenting Text into Multi-paragraph Subtopic Passages, Computational Linguistics 23, 1997).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.models.bi_encoder import BiEncoder
from core.text.boundaries import Breaks
from core.util.arrays import Float32Array, Int64Array

BLOCK = 2  # sentences on either side


@dataclass(frozen=True)
class Meaning:
    """``offsets`` of the sentences' beginnings, shape (sentences,), and the distance before each but the first, shape (sentences - 1,), 0 to 2."""

    offsets: Int64Array
    distances: Float32Array

    def threshold(self, percentile: int) -> float:
        """Return the distance below which ``percentile`` of 100 distances lie, infinite where there are none."""
        return float(np.percentile(self.distances, percentile)) if len(self.distances) else float("inf")

    def breaks(self, percentile: int) -> Int64Array:
        """Return where to break: the beginnings of sentences before which the distance is above the percentile."""
        return self.offsets[1:][self.distances > self.threshold(percentile)]


def read_meaning(
    text: str, breaks: Breaks, encoder: BiEncoder, progress: Callable[[int], None] | None = None
) -> Meaning:
    """Return the distances between the neighbouring sentences of ``text``. Embeds every sentence once.

    ``progress`` hears how many sentences are embedded; what it raises ends the work.
    """
    offsets = np.union1d(breaks.words[:1], breaks.units)
    if len(offsets) < 2:
        return Meaning(offsets, np.empty(0, dtype=np.float32))
    ends = [*offsets[1:].tolist(), len(text)]
    sentences = [text[start:end].strip() for start, end in zip(offsets.tolist(), ends, strict=True)]
    vectors = encoder.encode_documents(sentences, progress)
    return Meaning(offsets, block_distances(vectors))


def block_distances(vectors: Float32Array) -> Float32Array:
    """Return for every two neighbours of ``vectors``, shape (n, dimension), the distance of the blocks that meet there, shape (n - 1,)."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    sums = np.concatenate((np.zeros((1, unit.shape[1]), unit.dtype), np.cumsum(unit, axis=0, dtype=np.float64)))
    meets = np.arange(1, len(unit))
    before = sums[meets] - sums[np.maximum(meets - BLOCK, 0)]
    after = sums[np.minimum(meets + BLOCK, len(unit))] - sums[meets]
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    cosines = (before * after).sum(axis=1) / np.maximum(lengths, 1e-12)
    distances: Float32Array = (1 - cosines).astype(np.float32)
    return distances
