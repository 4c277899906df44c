"""Find where a text changes its subject, by the distances between neighbouring sentences' embeddings.

The distance between two sentences is 1 - the cosine of the mean vectors of the two blocks that meet there, of two
sentences each. Comparing blocks rather than single sentences is due to TextTiling (Hearst, TextTiling: Segmenting Text
into Multi-paragraph Subtopic Passages, Computational Linguistics 23, 1997).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.models.bi_encoder import BiEncoder
from core.text.boundaries import Breaks
from core.util.arrays import Float32Array, Int64Array
from core.util.progress import DoneReport
from core.vectors.similarity import pairwise_cosine, unit_vectors

BLOCK_SIZE = 2  # sentences on either side


@dataclass(frozen=True)
class SentenceDistances:
    """The distances between a text's neighbouring sentences.

    ``offsets`` are the sentences' first characters, shape (sentences,); ``distances`` are those before each sentence
    but the first, shape (sentences - 1,), from 0 to 2.
    """

    offsets: Int64Array
    distances: Float32Array

    def threshold(self, percentile: int) -> float:
        """Return the percentile of the distances, infinity if there are none."""
        return float(np.percentile(self.distances, percentile)) if len(self.distances) else float("inf")

    def breaks(self, percentile: int) -> Int64Array:
        """Return the offsets at which to break: of the sentences before which the distance exceeds the percentile."""
        return self.offsets[1:][self.distances > self.threshold(percentile)]


def sentence_distances(
    text: str, breaks: Breaks, encoder: BiEncoder, progress: DoneReport | None = None
) -> SentenceDistances:
    """Return the distances between the neighbouring sentences of ``text``, each of which is embedded once.

    ``progress`` receives the number of sentences embedded so far; an exception that it raises ends the work.
    """
    offsets = np.union1d(breaks.words[:1], breaks.units)
    if len(offsets) < 2:
        return SentenceDistances(offsets, np.empty(0, dtype=np.float32))
    ends = [*offsets[1:].tolist(), len(text)]
    sentences = [text[start:end].strip() for start, end in zip(offsets.tolist(), ends, strict=True)]
    vectors = encoder.encode_documents(sentences, progress)
    return SentenceDistances(offsets, block_distances(vectors))


def block_distances(vectors: Float32Array) -> Float32Array:
    """Return the distance of the blocks before and after each pair of neighbouring sentences.

    ``vectors`` are the sentences' embeddings, shape (n, dimension); the result has shape (n - 1,).
    """
    unit = unit_vectors(vectors)
    sums = np.concatenate((np.zeros((1, unit.shape[1])), np.cumsum(unit, axis=0, dtype=np.float64)))
    boundaries = np.arange(1, len(unit))
    before = sums[boundaries] - sums[np.maximum(boundaries - BLOCK_SIZE, 0)]
    after = sums[np.minimum(boundaries + BLOCK_SIZE, len(unit))] - sums[boundaries]
    return (1 - pairwise_cosine(before, after)).astype(np.float32)
