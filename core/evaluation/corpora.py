"""A collection as the ground of a run: its chunks, found through Chroma's index, by exact search, or by BM25."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from core.evaluation._part_evaluation_ground import NOTHING, Found, Report
from core.judgments.relevance import Place
from core.models.bi_encoder import BiEncoder, Vectors
from core.records.search import Collection, as_read, short_hash
from core.retrieval.bm25 import Bm25, Floats, best
from core.store._part_rows import told
from core.text._part_english import terms_for
from core.vectors.near_duplicates import normalised
from core.workspace import Workspace


@dataclass
class Held:
    """A collection's findable chunks. Its vectors are read only for exact search, its texts only for BM25 or for that."""

    workspace: Workspace
    collection: Collection
    encoder: BiEncoder
    offers: tuple[str, ...] = ("bm25", "bi", "bi-exact")
    _ids: list[str] = field(default_factory=list, repr=False)  # of all chunks, where they were read
    _vectors: Vectors | None = field(default=None, repr=False)
    _bm25: Bm25 | None = field(default=None, repr=False)
    _seen: dict[str, tuple[str, Place]] = field(default_factory=dict, repr=False)
    _asked: tuple[str, Vectors, float] | None = field(default=None, repr=False)  # the last query, its vector, and what that took

    @classmethod
    def open(cls, workspace: Workspace, collection: Collection) -> Held:
        """Return a collection's ground. Raises ModelMismatch or ModelError where its model cannot be had."""
        return cls(workspace, collection, workspace.encoder(collection))

    @property
    def name(self) -> str:
        """The collection's name."""
        return self.collection.name

    def prepare(self, stages: Sequence[str], report: Report) -> None:
        """Read what these stages need. Raises ForeignCollection for chunks that do not say where they stand."""
        exact = "bi-exact" in stages and self._vectors is None
        if exact or ("bm25" in stages and self._bm25 is None):
            self._read_all(exact, report)
        if "bm25" in stages and self._bm25 is None:
            texts = [self._seen[chunk_id][0] for chunk_id in self._ids]
            self._bm25 = Bm25.over(texts, terms_for(texts))

    def _read_all(self, vectors: bool, report: Report) -> None:
        hidden, parts = set(self.workspace.shelf.hidden(self.collection.key)), []
        self._ids = []
        for batch in self.workspace.store.batches(self.collection, vectors=vectors):
            kept = [at for at, metadata in enumerate(batch.metadatas) if metadata.get("document_id") not in hidden]
            for at in kept:
                held = told(self.collection, batch.metadatas[at])
                place = Place(held["document_id"], held["document"], held["start"], held["end"])
                self._seen[batch.ids[at]] = (as_read(held.get("carried", ""), batch.texts[at]), place)
                self._ids.append(batch.ids[at])
            parts.append(batch.vectors[kept])
            report(f"{len(self._ids):,} of {self.collection.chunks:,} chunks read")
        if vectors:
            found = np.concatenate(parts) if parts else np.empty((0, self.encoder.dimension), np.float32)
            self._vectors = normalised(found) if self.collection.metric == "cosine" else found

    def find(self, stage: str, query: str, depth: int) -> Found:
        """Return the first ``depth`` chunks of a stage; ties by chunk id."""
        if stage == "bm25":
            assert self._bm25 is not None
            started = time.perf_counter()
            scores = self._bm25.scores(query)
            return self._best(np.where(scores > 0, scores, NOTHING), depth, started)
        vector, encoding = self.vector(query)
        if stage == "bi-exact":
            found = self.nearest(vector, depth)
            return Found(found.ids, found.scores, found.ms + encoding)
        started = time.perf_counter()
        hits = self.workspace.store.query(self.collection, vector, depth, hidden=self.workspace.shelf.hidden(self.collection.key))
        took = encoding + (time.perf_counter() - started) * 1e3
        for hit in hits:
            self._seen.setdefault(hit.chunk_id, (hit.read, Place(hit.document_id, hit.document, hit.start, hit.end)))
        return Found([hit.chunk_id for hit in hits], [hit.bi_score for hit in hits], took)

    def nearest(self, vector: Vectors, depth: int) -> Found:
        """Return the chunks nearest to a vector by exact search, once ``bi-exact`` is prepared; ties by chunk id."""
        started = time.perf_counter()
        return self._best(self._similarities(vector), depth, started)

    def vector(self, query: str) -> tuple[Vectors, float]:
        """Return a query's vector, and the milliseconds that it took; the last query's is kept, for both of the bi-encoder's stages."""
        if self._asked is None or self._asked[0] != query:
            started = time.perf_counter()
            found = self.encoder.encode_query(query)
            self._asked = (query, found, (time.perf_counter() - started) * 1e3)
        return self._asked[1:]

    def read(self, candidate: str) -> str:
        """Return a chunk as the models read it."""
        return self._seen[candidate][0]

    def place(self, candidate: str) -> Place:
        """Return where a chunk stands."""
        return self._seen[candidate][1]

    def facts(self) -> dict[str, object]:
        """Return the model and the settings, how many chunks there are, and a hash that is the same for the same chunks and vectors."""
        held = self.collection
        made: dict[str, object] = {"model": held.model, "revision": held.revision, "metric": held.metric, "chunking": list(held.chunking.identity)}
        documents = sorted(document.document_id for document in self.workspace.documents(held))
        prompts = (held.query_prompt, held.document_prompt)
        return {**made, "key": held.key, "units": held.chunks, "documents": len(documents), "hash": short_hash(*made.items(), *prompts, *documents)}

    def _similarities(self, query: Vectors) -> Floats:
        """As rows.py has them, of every chunk: cosine, dot product or negative distance."""
        assert self._vectors is not None
        if self.collection.metric == "l2":
            return np.asarray(-np.sqrt(np.square(self._vectors - query).sum(axis=1, dtype=np.float64)), dtype=np.float64)
        return np.asarray(self._vectors @ (normalised(query[None])[0] if self.collection.metric == "cosine" else query), dtype=np.float64)

    def _best(self, scores: Floats, depth: int, started: float) -> Found:
        order = [at for at in best(scores, self._ids, depth) if scores[at] != NOTHING]
        return Found([self._ids[at] for at in order], scores[order].tolist(), (time.perf_counter() - started) * 1e3)
