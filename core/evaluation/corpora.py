"""A collection as the ground of a run: its chunks, found through Chroma's index, by exact search, or by BM25."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from core.chunking.chunker import chunk_document
from core.errors import ModelError
from core.formats.beir import BeirDataset
from core.judgments.relevance import Place
from core.models.bi_encoder import BiEncoder
from core.records.document import Document, short_hash
from core.records.search import ChunkSettings, Collection, as_read
from core.retrieval.bm25 import Bm25, top_rows
from core.store.conversion import decode_metadata
from core.util.arrays import Float32Array, Float64Array
from core.util.progress import LineReport
from core.vectors.similarity import unit_vectors
from core.workspace import Workspace

NOTHING = -np.inf  # the score of what was not found


@dataclass(frozen=True)
class Found:
    """What a first stage found for one query: candidates best first, with scores that rank within it alone, and the milliseconds it took."""

    ids: Sequence[str]
    scores: Sequence[float]
    ms: float


class Corpus(Protocol):
    """The candidates of a run, by their ids."""

    offers: tuple[str, ...]  # first stages

    @property
    def name(self) -> str:
        """What it is called in the names of systems."""
        ...

    def prepare(self, stages: Sequence[str], report: LineReport) -> None:
        """Get ready what these stages need; no query's time."""
        ...

    def find(self, stage: str, query: str, depth: int) -> Found:
        """Return the first ``depth`` candidates of a stage."""
        ...

    def read(self, candidate: str) -> str:
        """Return what the cross-encoder reads of a candidate that was found."""
        ...

    def place(self, candidate: str) -> Place:
        """Return where a candidate that was found stands."""
        ...

    def facts(self) -> dict[str, object]:
        """Return what an experiment notes about it: models with revisions, how much there is, a hash of it."""
        ...


@dataclass
class InMemoryCorpus:
    """Texts with their ids, ranked by exact search. ``places`` maps ids to where they stand."""

    name: str
    ids: Sequence[str]
    texts: Sequence[str]
    places: dict[str, Place]
    encoder: BiEncoder | None
    cut: ChunkSettings | None = None  # how whole documents were cut into these texts
    offers: tuple[str, ...] = ("bm25", "bi")
    _bm25: Bm25 | None = field(default=None, repr=False)
    _vectors: Float32Array | None = field(default=None, repr=False)

    @classmethod
    def whole(cls, judged: BeirDataset, encoder: BiEncoder | None) -> InMemoryCorpus:
        """Return a judged collection's documents, each one unit."""
        places = {
            id_: Place(id_, id_, 0, len(text)) for id_, text in zip(judged.document_ids, judged.texts, strict=True)
        }
        return cls(judged.name, judged.document_ids, judged.texts, places, encoder)

    @classmethod
    def cut_up(cls, judged: BeirDataset, encoder: BiEncoder, settings: ChunkSettings) -> InMemoryCorpus:
        """Return a judged collection's documents cut into chunks."""
        ids, texts, places = [], [], {}
        for document_id, text in zip(judged.document_ids, judged.texts, strict=True):
            for chunk in chunk_document(Document(document_id, text), settings, encoder.tokens, encoder):
                chunk_id = short_hash(document_id, chunk.id)  # documents of one text keep chunks of their own
                ids.append(chunk_id)
                texts.append(chunk.read)
                places[chunk_id] = Place(document_id, document_id, chunk.start, chunk.end)
        return cls(judged.name, ids, texts, places, encoder, settings)

    def __post_init__(self) -> None:
        self._text = dict(zip(self.ids, self.texts, strict=True))

    def prepare(self, stages: Sequence[str], report: LineReport) -> None:
        """Index the words and embed the texts, as far as these stages need it."""
        if "bm25" in stages and self._bm25 is None:
            self._bm25 = Bm25.build(self._text)
        if "bi" in stages and self._vectors is None:
            total = len(self.texts)
            found = (
                self._model().encode_documents(
                    self.texts, lambda done: report(f"{done:,} of {total:,} {'chunks' if self.cut else 'documents'}")
                )
                if total
                else np.empty((0, 1), np.float32)
            )
            self._vectors = unit_vectors(found)

    def find(self, stage: str, query: str, depth: int) -> Found:
        """Return the first ``depth`` texts: by BM25, or by the cosine."""
        started = time.perf_counter()
        scores = self._by_words(query) if stage == "bm25" else self._by_vector(query)
        order = [at for at in top_rows(scores, self.ids, depth) if scores[at] != NOTHING]
        return Found([self.ids[at] for at in order], scores[order].tolist(), (time.perf_counter() - started) * 1e3)

    def read(self, candidate: str) -> str:
        """Return a text."""
        return self._text[candidate]

    def place(self, candidate: str) -> Place:
        """Return where a text stands."""
        return self.places[candidate]

    def facts(self) -> dict[str, object]:
        """Return the model, how many texts there are, and their hash."""
        model = {"model": self.encoder.model, "revision": self.encoder.revision} if self.encoder else {}
        cut = {"chunking": list(self.cut.identity)} if self.cut else {}
        return {
            **model,
            **cut,
            "units": len(self.ids),
            "hash": short_hash(*(f"{id_} {text}" for id_, text in self._text.items())),
        }

    def _by_words(self, query: str) -> Float64Array:
        assert self._bm25 is not None
        scores = self._bm25.scores(query)
        return np.where(scores > 0, scores, NOTHING)  # what shares no word is not found at all

    def _by_vector(self, query: str) -> Float64Array:
        assert self._vectors is not None
        return np.asarray(self._vectors @ unit_vectors(self._model().encode_query(query)[None])[0], dtype=np.float64)

    def _model(self) -> BiEncoder:
        if self.encoder is None:
            raise ModelError("The bi-encoder's systems need a bi-encoder: give one, or leave them out")
        return self.encoder


@dataclass
class CollectionCorpus:
    """A collection's findable chunks. Its vectors are read only for exact search, its texts only for BM25 or for that."""

    workspace: Workspace
    collection: Collection
    encoder: BiEncoder
    offers: tuple[str, ...] = ("bm25", "bi", "bi-exact")
    _ids: list[str] = field(default_factory=list, repr=False)  # of all chunks, where they were read
    _vectors: Float32Array | None = field(default=None, repr=False)
    _bm25: Bm25 | None = field(default=None, repr=False)
    _seen: dict[str, tuple[str, Place]] = field(default_factory=dict, repr=False)
    # the last query, its vector, and what that took
    _asked: tuple[str, Float32Array, float] | None = field(default=None, repr=False)

    @classmethod
    def open(cls, workspace: Workspace, collection: Collection) -> CollectionCorpus:
        """Return a collection's ground. Raises ModelMismatch or ModelError where its model cannot be had."""
        return cls(workspace, collection, workspace.encoder(collection))

    @property
    def name(self) -> str:
        """The collection's name."""
        return self.collection.name

    def prepare(self, stages: Sequence[str], report: LineReport) -> None:
        """Read what these stages need. Raises ForeignCollection for chunks that do not say where they stand."""
        exact = "bi-exact" in stages and self._vectors is None
        if exact or ("bm25" in stages and self._bm25 is None):
            self._read_all(exact, report)
        if "bm25" in stages and self._bm25 is None:
            self._bm25 = Bm25.build({chunk_id: self._seen[chunk_id][0] for chunk_id in self._ids})

    def _read_all(self, vectors: bool, report: LineReport) -> None:
        hidden, parts = set(self.workspace.shelf.hidden(self.collection.key)), []
        self._ids = []
        for batch in self.workspace.store.batches(self.collection, vectors=vectors):
            kept = [at for at, metadata in enumerate(batch.metadatas) if metadata.get("document_id") not in hidden]
            for at in kept:
                held = decode_metadata(self.collection, batch.metadatas[at])
                place = Place(held["document_id"], held["document"], held["start"], held["end"])
                self._seen[batch.ids[at]] = (as_read(held.get("carried", ""), batch.texts[at]), place)
                self._ids.append(batch.ids[at])
            parts.append(batch.vectors[kept])
            report(f"{len(self._ids):,} of {self.collection.chunks:,} chunks read")
        if vectors:
            found = np.concatenate(parts) if parts else np.empty((0, self.encoder.dimension), np.float32)
            self._vectors = unit_vectors(found) if self.collection.metric == "cosine" else found

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
        hits = self.workspace.store.query(
            self.collection, vector, depth, hidden=self.workspace.shelf.hidden(self.collection.key)
        )
        took = encoding + (time.perf_counter() - started) * 1e3
        for hit in hits:
            self._seen.setdefault(hit.chunk_id, (hit.read, Place(hit.document_id, hit.document, hit.start, hit.end)))
        return Found([hit.chunk_id for hit in hits], [hit.bi_score for hit in hits], took)

    def nearest(self, vector: Float32Array, depth: int) -> Found:
        """Return the chunks nearest to a vector by exact search, once ``bi-exact`` is prepared; ties by chunk id."""
        started = time.perf_counter()
        return self._best(self._similarities(vector), depth, started)

    def vector(self, query: str) -> tuple[Float32Array, float]:
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
        made: dict[str, object] = {
            "model": held.model,
            "revision": held.revision,
            "metric": held.metric,
            "chunking": list(held.chunking.identity),
        }
        documents = sorted(document.document_id for document in self.workspace.documents(held))
        prompts = (held.query_prompt, held.document_prompt)
        return {
            **made,
            "key": held.key,
            "units": held.chunks,
            "documents": len(documents),
            "hash": short_hash(*made.items(), *prompts, *documents),
        }

    def _similarities(self, query: Float32Array) -> Float64Array:
        """As rows.py has them, of every chunk: cosine, dot product or negative distance."""
        assert self._vectors is not None
        if self.collection.metric == "l2":
            return np.asarray(
                -np.sqrt(np.square(self._vectors - query).sum(axis=1, dtype=np.float64)), dtype=np.float64
            )
        return np.asarray(
            self._vectors @ (unit_vectors(query[None])[0] if self.collection.metric == "cosine" else query),
            dtype=np.float64,
        )

    def _best(self, scores: Float64Array, depth: int, started: float) -> Found:
        order = [at for at in top_rows(scores, self._ids, depth) if scores[at] != NOTHING]
        return Found([self._ids[at] for at in order], scores[order].tolist(), (time.perf_counter() - started) * 1e3)
