"""What systems search: texts in memory here, a collection's chunks in ``held.py``. First stages only; reranking comes after.

=============  =======================================================================
``bm25``       BM25 over all texts: those that share a word with the query
``bi``         the bi-encoder: exact here, through Chroma's index in a collection
``bi-exact``   the bi-encoder over all of a collection's vectors, compared one by one
=============  =======================================================================
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from core.chunking.chunker import chunk_document
from core.errors import ModelError
from core.formats._part_evaluation_judged import JudgedCollection
from core.judgments.relevance import Place
from core.models.bi_encoder import BiEncoder, Vectors
from core.records.document import Document
from core.records.search import ChunkSettings, short_hash
from core.retrieval.bm25 import Bm25, Floats, best
from core.text._part_english import terms_for
from core.vectors.near_duplicates import normalised

Report = Callable[[str], None]
NOTHING = -np.inf  # the score of what was not found


@dataclass(frozen=True)
class Found:
    """What a first stage found for one query: candidates best first, with scores that rank within it alone, and the milliseconds it took."""

    ids: Sequence[str]
    scores: Sequence[float]
    ms: float


class Ground(Protocol):
    """The candidates of a run, by their ids."""

    offers: tuple[str, ...]  # first stages

    @property
    def name(self) -> str:
        """What it is called in the names of systems."""
        ...

    def prepare(self, stages: Sequence[str], report: Report) -> None:
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
class Texts:
    """Texts with their ids, ranked by exact search. ``places`` maps ids to where they stand."""

    name: str
    ids: Sequence[str]
    texts: Sequence[str]
    places: dict[str, Place]
    encoder: BiEncoder | None
    cut: ChunkSettings | None = None  # how whole documents were cut into these texts
    offers: tuple[str, ...] = ("bm25", "bi")
    _bm25: Bm25 | None = field(default=None, repr=False)
    _vectors: Vectors | None = field(default=None, repr=False)

    @classmethod
    def whole(cls, judged: JudgedCollection, encoder: BiEncoder | None) -> Texts:
        """Return a judged collection's documents, each one unit."""
        places = {id_: Place(id_, id_, 0, len(text)) for id_, text in zip(judged.document_ids, judged.texts, strict=True)}
        return cls(judged.name, judged.document_ids, judged.texts, places, encoder)

    @classmethod
    def cut_up(cls, judged: JudgedCollection, encoder: BiEncoder, settings: ChunkSettings) -> Texts:
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

    def prepare(self, stages: Sequence[str], report: Report) -> None:
        """Index the words and embed the texts, as far as these stages need it."""
        if "bm25" in stages and self._bm25 is None:
            self._bm25 = Bm25.over(self.texts, terms_for(self.texts))
        if "bi" in stages and self._vectors is None:
            total = len(self.texts)
            found = (
                self._model().encode_documents(self.texts, lambda done: report(f"{done:,} of {total:,} {'chunks' if self.cut else 'documents'}"))
                if total
                else np.empty((0, 1), np.float32)
            )
            self._vectors = normalised(found)

    def find(self, stage: str, query: str, depth: int) -> Found:
        """Return the first ``depth`` texts: by BM25, or by the cosine."""
        started = time.perf_counter()
        scores = self._by_words(query) if stage == "bm25" else self._by_vector(query)
        order = [at for at in best(scores, self.ids, depth) if scores[at] != NOTHING]
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
        return {**model, **cut, "units": len(self.ids), "hash": short_hash(*(f"{id_} {text}" for id_, text in self._text.items()))}

    def _by_words(self, query: str) -> Floats:
        assert self._bm25 is not None
        scores = self._bm25.scores(query)
        return np.where(scores > 0, scores, NOTHING)  # what shares no word is not found at all

    def _by_vector(self, query: str) -> Floats:
        assert self._vectors is not None
        return np.asarray(self._vectors @ normalised(self._model().encode_query(query)[None])[0], dtype=np.float64)

    def _model(self) -> BiEncoder:
        if self.encoder is None:
            raise ModelError("The bi-encoder's systems need a bi-encoder: give one, or leave them out")
        return self.encoder
