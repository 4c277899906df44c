"""Chunks as Chroma holds them, many at a time: for whoever carries them from one collection into another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.records.search import Chunk, Value
from core.store._part_rows import chunk_metadata

Vectors = npt.NDArray[np.float32]
STEP = 2000  # chunks read or written at once: a few megabytes, and fewer than Chroma takes in one call


@dataclass(frozen=True)
class Batch:
    """Some chunks of a collection; ``vectors`` has shape (chunks, dimension), (chunks, 0) where none were asked for.

    A text is empty where another program stored none. Vectors of a cosine collection come back with length 1.
    """

    ids: list[str]
    texts: list[str]
    metadatas: list[dict[str, Value]]
    vectors: Vectors

    @classmethod
    def of(cls, chunks: Sequence[Chunk], vectors: Vectors, names: Mapping[str, str]) -> Batch:
        """Return our chunks as Chroma shall hold them; ``names`` maps document ids to names."""
        metadatas = [chunk_metadata(chunk, names[chunk.document_id]) for chunk in chunks]
        return cls([chunk.id for chunk in chunks], [chunk.text for chunk in chunks], metadatas, vectors)

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Batch:
        """Return what Chroma's ``get`` answered."""
        ids = list(answer["ids"])
        vectors = answer["embeddings"]
        held = np.asarray(vectors, dtype=np.float32) if vectors is not None and len(ids) else np.empty((len(ids), 0), np.float32)
        return cls(ids, [text or "" for text in answer["documents"]], [dict(held or {}) for held in answer["metadatas"]], held)

    def parts(self, step: int = STEP) -> Iterator[Batch]:
        """Yield the same chunks, at most ``step`` at once."""
        for first in range(0, len(self.ids), step):
            part = slice(first, first + step)
            yield Batch(self.ids[part], self.texts[part], self.metadatas[part], self.vectors[part])
