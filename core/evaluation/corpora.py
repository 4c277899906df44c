"""What systems retrieve from: texts in memory, or the chunks of a collection."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from core.chunking.chunker import chunk_document
from core.errors import ModelError
from core.formats.beir import BeirDataset
from core.judgments.relevance import NamedSpan
from core.models.bi_encoder import BiEncoder
from core.records.document import Document, short_hash
from core.records.search import ChunkSettings, Collection, as_read
from core.retrieval.bm25 import Bm25, top_rows
from core.store.conversion import check_location
from core.util.arrays import Float32Array, Float64Array
from core.util.progress import LineReport
from core.vectors.similarity import normalized_for, unit_vectors
from core.workspace import Workspace


@dataclass(frozen=True)
class Retrieved:
    """What a first stage returns for a query: candidate ids, best first, their scores, and the milliseconds it took."""

    ids: Sequence[str]
    scores: Sequence[float]
    ms: float


class Corpus(Protocol):
    """The texts that a run retrieves from, by their ids."""

    stages: tuple[str, ...]  # the first stages that it offers

    @property
    def name(self) -> str:
        """Its name in the names of systems."""
        ...

    def prepare(self, stages: Sequence[str], report: LineReport) -> None:
        """Index what these stages need; not counted in any query's time."""
        ...

    def retrieve(self, stage: str, query: str, depth: int) -> Retrieved:
        """Return the first ``depth`` candidates of a stage."""
        ...

    def text(self, candidate: str) -> str:
        """Return what the cross-encoder reads of a candidate that was retrieved."""
        ...

    def span(self, candidate: str) -> NamedSpan:
        """Return which part of which document a candidate that was retrieved is."""
        ...

    def facts(self) -> dict[str, object]:
        """Return what an experiment notes about it: model, revision, sizes, and a hash of the content."""
        ...


@dataclass
class InMemoryCorpus:
    """Texts by id, ranked by BM25 or by exact search. ``chunking`` says how whole documents were cut into them."""

    name: str
    texts: Mapping[str, str]
    spans: Mapping[str, NamedSpan]
    encoder: BiEncoder | None
    chunking: ChunkSettings | None = None
    stages: tuple[str, ...] = ("bm25", "bi")
    _bm25: Bm25 | None = field(default=None, repr=False)
    _vectors: Float32Array | None = field(default=None, repr=False)

    @classmethod
    def of_documents(cls, dataset: BeirDataset, encoder: BiEncoder | None) -> InMemoryCorpus:
        """Return the whole documents of a data set."""
        texts = dict(zip(dataset.document_ids, dataset.texts, strict=True))
        return cls(
            dataset.name, texts, {id_: NamedSpan(id_, id_, 0, len(text)) for id_, text in texts.items()}, encoder
        )

    @classmethod
    def of_chunks(cls, dataset: BeirDataset, encoder: BiEncoder, settings: ChunkSettings) -> InMemoryCorpus:
        """Return the documents of a data set cut into chunks."""
        texts, spans = {}, {}
        for document_id, text in zip(dataset.document_ids, dataset.texts, strict=True):
            for chunk in chunk_document(Document(document_id, text), settings, encoder.tokens, encoder):
                chunk_id = short_hash(document_id, chunk.id)  # documents of the same text keep chunks of their own
                texts[chunk_id] = chunk.read
                spans[chunk_id] = NamedSpan(document_id, document_id, chunk.start, chunk.end)
        return cls(dataset.name, texts, spans, encoder, settings)

    def __post_init__(self) -> None:
        self._ids = list(self.texts)

    def prepare(self, stages: Sequence[str], report: LineReport) -> None:
        """Build the BM25 index and embed the texts, as far as these stages need it."""
        if "bm25" in stages and self._bm25 is None:
            self._bm25 = Bm25.build(self.texts)
        if "bi" in stages and self._vectors is None:
            total, noun = len(self.texts), "chunks" if self.chunking else "documents"
            vectors = np.empty((0, 1), np.float32)
            if total:
                vectors = self._model().encode_documents(
                    list(self.texts.values()), lambda done: report(f"{done:,} of {total:,} {noun}")
                )
            self._vectors = unit_vectors(vectors)

    def retrieve(self, stage: str, query: str, depth: int) -> Retrieved:
        """Return the first ``depth`` texts by BM25 or by cosine; ties by id."""
        started = time.perf_counter()
        if stage == "bm25":
            return _by_bm25(self._bm25, query, depth, started)
        assert self._vectors is not None
        scores = self._vectors @ unit_vectors(self._model().encode_query(query)[None])[0]
        return _by_score(scores.astype(np.float64), self._ids, depth, started)

    def text(self, candidate: str) -> str:
        """Return a text."""
        return self.texts[candidate]

    def span(self, candidate: str) -> NamedSpan:
        """Return which part of which document a text is."""
        return self.spans[candidate]

    def facts(self) -> dict[str, object]:
        """Return the model, the chunking, how many texts there are, and their hash."""
        model = {"model": self.encoder.model, "revision": self.encoder.revision} if self.encoder else {}
        chunking = {"chunking": list(self.chunking.identity)} if self.chunking else {}
        content = short_hash(*(f"{id_} {text}" for id_, text in self.texts.items()))
        return {**model, **chunking, "units": len(self.texts), "hash": content}

    def _model(self) -> BiEncoder:
        if self.encoder is None:
            raise ModelError("The bi-encoder's systems need a bi-encoder: give one, or leave them out")
        return self.encoder


@dataclass
class CollectionCorpus:
    """The chunks of a collection that can be found. Vectors are read only for ``bi-exact``, texts for BM25 too."""

    workspace: Workspace
    collection: Collection
    encoder: BiEncoder
    stages: tuple[str, ...] = ("bm25", "bi", "bi-exact")
    _ids: list[str] = field(default_factory=list, repr=False)  # of all chunks, where they were read
    _vectors: Float32Array | None = field(default=None, repr=False)
    _bm25: Bm25 | None = field(default=None, repr=False)
    _chunks: dict[str, tuple[str, NamedSpan]] = field(default_factory=dict, repr=False)  # those read or retrieved
    # the last query, its vector, and the milliseconds of encoding it
    _encoded: tuple[str, Float32Array, float] | None = field(default=None, repr=False)

    @classmethod
    def open(cls, workspace: Workspace, collection: Collection) -> CollectionCorpus:
        """Return a collection as a corpus. Raises ModelMismatch or ModelError where its model cannot be had."""
        return cls(workspace, collection, workspace.encoder(collection))

    @property
    def name(self) -> str:
        """The collection's name."""
        return self.collection.name

    def prepare(self, stages: Sequence[str], report: LineReport) -> None:
        """Read what these stages need. Raises ForeignCollection for chunks that do not name their documents."""
        exact = "bi-exact" in stages and self._vectors is None
        bm25 = "bm25" in stages and self._bm25 is None
        if exact or bm25:
            self._read_chunks(exact, report)
        if bm25:
            self._bm25 = Bm25.build({chunk_id: self._chunks[chunk_id][0] for chunk_id in self._ids})

    def _read_chunks(self, with_vectors: bool, report: LineReport) -> None:
        hidden, vectors = set(self.workspace.document_store.hidden(self.collection.key)), []
        self._ids = []
        for batch in self.workspace.store.batches(self.collection, vectors=with_vectors):
            rows = [row for row, fields in enumerate(batch.metadatas) if fields.get("document_id") not in hidden]
            for row in rows:
                fields = check_location(self.collection, batch.metadatas[row])
                span = NamedSpan(fields["document_id"], fields["document"], fields["start"], fields["end"])
                self._chunks[batch.ids[row]] = (as_read(fields.get("carried", ""), batch.texts[row]), span)
                self._ids.append(batch.ids[row])
            vectors.append(batch.vectors[rows])
            report(f"{len(self._ids):,} of {self.collection.chunks:,} chunks read")
        if with_vectors:
            matrix = np.concatenate(vectors) if vectors else np.empty((0, self.encoder.dimension), np.float32)
            self._vectors = normalized_for(self.collection.metric, matrix)

    def retrieve(self, stage: str, query: str, depth: int) -> Retrieved:
        """Return the first ``depth`` chunks of a stage; ties by chunk id."""
        if stage == "bm25":
            return _by_bm25(self._bm25, query, depth, time.perf_counter())
        vector, encode_ms = self.encode(query)
        if stage == "bi-exact":
            exact = self.nearest(vector, depth)
            return Retrieved(exact.ids, exact.scores, exact.ms + encode_ms)
        started = time.perf_counter()
        hidden = self.workspace.document_store.hidden(self.collection.key)
        hits = self.workspace.store.query(self.collection, vector, depth, hidden=hidden)
        ms = encode_ms + (time.perf_counter() - started) * 1e3
        for hit in hits:
            span = NamedSpan(hit.document_id, hit.document, hit.start, hit.end)
            self._chunks.setdefault(hit.chunk_id, (hit.read, span))
        return Retrieved([hit.chunk_id for hit in hits], [hit.bi_score for hit in hits], ms)

    def nearest(self, vector: Float32Array, depth: int) -> Retrieved:
        """Return the chunks nearest to a vector by exact search, once ``bi-exact`` is prepared; ties by chunk id."""
        started = time.perf_counter()
        return _by_score(self._similarities(vector), self._ids, depth, started)

    def encode(self, query: str) -> tuple[Float32Array, float]:
        """Return a query's vector and the milliseconds it took; the last one is kept for the other stage."""
        if self._encoded is None or self._encoded[0] != query:
            started = time.perf_counter()
            vector = self.encoder.encode_query(query)
            self._encoded = (query, vector, (time.perf_counter() - started) * 1e3)
        return self._encoded[1:]

    def text(self, candidate: str) -> str:
        """Return a chunk as the models read it."""
        return self._chunks[candidate][0]

    def span(self, candidate: str) -> NamedSpan:
        """Return which part of which document a chunk is."""
        return self._chunks[candidate][1]

    def facts(self) -> dict[str, object]:
        """Return model, settings and sizes, and a hash that is the same for the same chunks and vectors."""
        collection = self.collection
        settings: dict[str, object] = {
            "model": collection.model,
            "revision": collection.revision,
            "metric": collection.metric,
            "chunking": list(collection.chunking.identity),
        }
        documents = sorted(document.document_id for document in self.workspace.documents(collection))
        prompts = (collection.query_prompt, collection.document_prompt)
        return {
            **settings,
            "key": collection.key,
            "units": collection.chunks,
            "documents": len(documents),
            "hash": short_hash(*settings.items(), *prompts, *documents),
        }

    def _similarities(self, query: Float32Array) -> Float64Array:
        """Return every chunk's similarity by the collection's measure: cosine, dot product or negative distance."""
        assert self._vectors is not None
        if self.collection.metric == "l2":
            return np.asarray(-np.sqrt(np.square(self._vectors - query).sum(axis=1, dtype=np.float64)))
        if self.collection.metric == "cosine":
            query = unit_vectors(query[None])[0]
        return np.asarray(self._vectors @ query, dtype=np.float64)


def _by_bm25(index: Bm25 | None, query: str, depth: int, started: float) -> Retrieved:
    assert index is not None  # prepared
    ranking = index.rank(query, depth)
    return Retrieved(list(ranking), list(ranking.values()), (time.perf_counter() - started) * 1e3)


def _by_score(scores: Float64Array, ids: Sequence[str], depth: int, started: float) -> Retrieved:
    rows = top_rows(scores, ids, depth)
    return Retrieved([ids[row] for row in rows], scores[rows].tolist(), (time.perf_counter() - started) * 1e3)
