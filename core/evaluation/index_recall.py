"""How much of the exact nearest chunks Chroma's index (HNSW) finds, and what another search width would find and cost.

Other widths (``ef_search``) are measured on a copy of the index in a temporary folder, which is the very same graph;
the collection itself is only read. Chroma takes a new ``ef_search`` when it loads an index, so the copy is opened anew
for every value.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import DataError, StoreError
from core.evaluation.corpora import CollectionCorpus
from core.records.search import Collection
from core.store.vector_store import VectorStore
from core.util.arrays import Float32Array
from core.util.progress import CountReport, silent
from core.workspace import Workspace

TOP = 10
WIDTHS = (10, 20, 50, 100, 200, 400, 800)
TIE = 1e-6  # similarities that differ by less are equal, and either of two equally near chunks is right


@dataclass(frozen=True)
class MissedChunk:
    """One of the exact nearest chunks that the index did not find."""

    chunk_id: str
    document: str
    rank: int  # by exact search
    similarity: float


@dataclass(frozen=True)
class QueryRecall:
    """One query: the share of the exact nearest chunks that the index found, and what it missed."""

    query: str
    recall: float
    missed: tuple[MissedChunk, ...]


@dataclass(frozen=True)
class IndexRecall:
    """The index as it is. ``ms`` and ``exact_ms`` are medians a query, without encoding it."""

    collection: str
    chunks: int
    width: int  # ef_search
    top: int
    queries: tuple[QueryRecall, ...]
    ms: float
    exact_ms: float

    @property
    def recall(self) -> float:
        """The mean over the queries, 0 to 1."""
        return sum(query.recall for query in self.queries) / len(self.queries)

    @property
    def summary(self) -> str:
        """The result in a sentence."""
        incomplete = sum(bool(query.missed) for query in self.queries)
        if not incomplete:
            return (
                f"The index found all of the {self.top} nearest chunks, for every one of {len(self.queries)} queries: "
                "it is exact enough."
            )
        return (
            f"For {incomplete} of {len(self.queries)} queries the index missed at least one of the "
            f"{self.top} nearest chunks; it found {self.recall:.1%} of them all."
        )


@dataclass(frozen=True, slots=True)
class WidthRecall:
    """What one ``ef_search`` gives: mean recall, and the median milliseconds of a query."""

    width: int
    recall: float
    ms: float
    current: bool = False  # the collection's


@dataclass(frozen=True)
class _ExactSearch:
    """For every query its vector, and its nearest chunks, best first: chunk id to similarity and document name."""

    vectors: tuple[Float32Array, ...]
    nearest: tuple[Mapping[str, tuple[float, str]], ...]
    ms: float  # median a query


def measure_index(
    workspace: Workspace, collection: Collection, queries: Sequence[str], top: int = TOP, report: CountReport = silent
) -> IndexRecall:
    """Compare the first ``top`` hits of the index with those of exact search.

    Raises DataError for no query or an empty collection.
    """
    exact = _search_exactly(workspace, collection, queries, top, report)
    hits, ms = _search_index(workspace.store, collection, exact, top, workspace.document_store.hidden(collection.key))
    recalls = tuple(query_recall(*one) for one in zip(queries, hits, exact.nearest, strict=True))
    width = workspace.store.search_width(collection)
    return IndexRecall(collection.name, collection.chunks, width, top, recalls, ms, exact.ms)


def measure_widths(
    workspace: Workspace,
    collection: Collection,
    queries: Sequence[str],
    widths: Sequence[int] = WIDTHS,
    top: int = TOP,
    report: CountReport = silent,
) -> list[WidthRecall]:
    """Return what each ``ef_search`` would find and cost, the collection's current one among them.

    The index looks at ``top`` chunks at least, whatever the width. Raises DataError as ``measure_index`` does, and
    StoreError where there is no room for the copy.
    """
    exact = _search_exactly(workspace, collection, queries, top)
    hidden, current = workspace.document_store.hidden(collection.key), workspace.store.search_width(collection)
    widths = sorted({*widths, current})
    measured = []
    with _index_copy(workspace, collection) as folder:
        for done, width in enumerate(widths):
            report(done, len(widths))
            with closing(VectorStore(folder)) as store:
                store.set_search_width(collection, width)
            with closing(VectorStore(folder)) as store:
                hits, ms = _search_index(store, collection, exact, top, hidden)
            recalls = [query_recall(*one).recall for one in zip(queries, hits, exact.nearest, strict=True)]
            measured.append(WidthRecall(width, sum(recalls) / len(recalls), ms, width == current))
    report(len(widths), len(widths))
    return measured


def query_recall(
    query: str, hits: Sequence[tuple[str, float]], nearest: Mapping[str, tuple[float, str]]
) -> QueryRecall:
    """Return how much of a query's ``nearest`` chunks the ``hits`` (chunk id, similarity) have.

    A chunk counts as missed only if it is nearer than the farthest hit: of equally near chunks, either is right.
    """
    ids = {chunk_id for chunk_id, _ in hits}
    farthest = min((score for _, score in hits), default=-np.inf) if len(hits) >= len(nearest) else -np.inf
    missed = tuple(
        MissedChunk(chunk_id, document, rank, score)
        for rank, (chunk_id, (score, document)) in enumerate(nearest.items(), 1)
        if chunk_id not in ids and score > farthest + TIE * max(1.0, abs(score))
    )
    return QueryRecall(query, 1 - len(missed) / len(nearest), missed)


def _search_exactly(
    workspace: Workspace, collection: Collection, queries: Sequence[str], top: int, report: CountReport = silent
) -> _ExactSearch:
    if not queries:
        raise DataError("There is no query to try the index with: type some, or judge some")
    corpus = CollectionCorpus.open(workspace, collection)
    corpus.prepare(["bi-exact"], silent)
    vectors, nearest, times = [], [], []
    for done, query in enumerate(queries):
        report(done, len(queries))
        vector, _ = corpus.encode(query)
        retrieved = corpus.nearest(vector, top)
        if not retrieved.ids:
            raise DataError(f"The collection {collection.name!r} holds no chunk: index something first")
        vectors.append(vector)
        times.append(retrieved.ms)
        scores = zip(retrieved.ids, retrieved.scores, strict=True)
        nearest.append({chunk_id: (score, corpus.span(chunk_id).document) for chunk_id, score in scores})
    report(len(queries), len(queries))
    return _ExactSearch(tuple(vectors), tuple(nearest), float(np.median(times)))


def _search_index(
    store: VectorStore, collection: Collection, exact: _ExactSearch, top: int, hidden: Sequence[str]
) -> tuple[list[list[tuple[str, float]]], float]:
    """Return each query's hits (chunk id, similarity), and the median milliseconds, without loading the index."""
    store.query(collection, exact.vectors[0], top, hidden=hidden)  # loads it
    results, times = [], []
    for vector in exact.vectors:
        started = time.perf_counter()
        hits = store.query(collection, vector, top, hidden=hidden)
        times.append((time.perf_counter() - started) * 1e3)
        results.append([(hit.chunk_id, hit.bi_score) for hit in hits])
    return results, float(np.median(times))


@contextmanager
def _index_copy(workspace: Workspace, collection: Collection) -> Iterator[Path]:
    """Yield a temporary folder with Chroma's database and this collection's index. Raises StoreError."""
    try:
        with tempfile.TemporaryDirectory(prefix="rankscope-index-") as name:
            folder = Path(name)
            with workspace.write_lock():  # nobody else may write meanwhile
                workspace.store.copy_index(collection, folder)
            yield folder
    except OSError as error:
        raise StoreError(
            f"The index of {collection.name!r} cannot be copied to try other settings ({error}): "
            "is there room in the temporary folder?"
        ) from error
