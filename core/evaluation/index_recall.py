"""What another width of the search in Chroma's index (``ef_search``) would find and cost.

It is tried on a copy of the index in a temporary folder, which is the very same graph; the collection itself is only
read. Chroma takes a new ``ef_search`` when the index is loaded, so that the copy is opened anew for every value.
"""

from __future__ import annotations

import shutil
import sqlite3
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
from core.store.conversion import CHROMA_FILE
from core.store.vector_store import VectorStore, vector_folders
from core.util.arrays import Float32Array
from core.util.progress import CountReport, silent
from core.workspace import Workspace

TOP = 10
EQUAL = 1e-6  # similarities that differ by less are a tie, and either of two tied chunks is right


@dataclass(frozen=True)
class Missed:
    """A chunk of the exact top that the index did not find."""

    chunk_id: str
    document: str
    rank: int  # in the exact list
    similarity: float


@dataclass(frozen=True)
class Checked:
    """One query: the share of the exact top that the index found, and what it missed."""

    query: str
    recall: float
    missed: tuple[Missed, ...]


@dataclass(frozen=True)
class IndexCheck:
    """The index as it stands. ``ms`` and ``exact_ms`` are medians a query, without computing its vector."""

    collection: str
    chunks: int
    width: int  # ef_search
    top: int
    queries: tuple[Checked, ...]
    ms: float
    exact_ms: float

    @property
    def recall(self) -> float:
        """The mean over the queries, 0 to 1."""
        return sum(one.recall for one in self.queries) / len(self.queries)

    @property
    def words(self) -> str:
        """What that means, in a sentence."""
        missed = sum(bool(one.missed) for one in self.queries)
        if not missed:
            return f"The index found all of the {self.top} nearest chunks, for every one of {len(self.queries)} queries: it is exact enough."
        missed_one = f"For {missed} of {len(self.queries)} queries the index missed at least one of the {self.top} nearest chunks"
        return f"{missed_one}; it found {self.recall:.1%} of them all."


@dataclass(frozen=True)
class Truth:
    """Exact search for every query: vectors, and the similarity and document of each of a query's nearest chunks, best first."""

    vectors: tuple[Float32Array, ...]
    nearest: tuple[Mapping[str, tuple[float, str]], ...]
    ms: float


def check_index(
    workspace: Workspace, collection: Collection, queries: Sequence[str], top: int = TOP, report: CountReport = silent
) -> IndexCheck:
    """Compare the first ``top`` hits of the index with those of exact search. Raises DataError for no query or an empty collection."""
    truth = exact_search(workspace, collection, queries, top, report)
    found, ms = ask(workspace.store, collection, truth, top, hidden=workspace.shelf.hidden(collection.key))
    checked = tuple(
        checked_query(query, ids, nearest) for query, ids, nearest in zip(queries, found, truth.nearest, strict=True)
    )
    return IndexCheck(
        collection.name, collection.chunks, workspace.store.search_width(collection), top, checked, ms, truth.ms
    )


def exact_search(
    workspace: Workspace, collection: Collection, queries: Sequence[str], top: int, report: CountReport = silent
) -> Truth:
    """Return the exact answers. Raises DataError for no query or an empty collection."""
    if not queries:
        raise DataError("There is no query to try the index with: type some, or judge some")
    corpus = CollectionCorpus.open(workspace, collection)
    corpus.prepare(["bi-exact"], lambda _line: None)
    vectors, nearest, took = [], [], []
    for at, query in enumerate(queries):
        report(at, len(queries))
        vector, _ = corpus.encode(query)
        found = corpus.nearest(vector, top)
        if not found.ids:
            raise DataError(f"The collection {collection.name!r} holds no chunk: index something first")
        vectors.append(vector)
        took.append(found.ms)
        nearest.append(
            {id_: (score, corpus.span(id_).document) for id_, score in zip(found.ids, found.scores, strict=True)}
        )
    report(len(queries), len(queries))
    return Truth(tuple(vectors), tuple(nearest), float(np.median(took)))


def ask(
    store: VectorStore, collection: Collection, truth: Truth, top: int, hidden: Sequence[str]
) -> tuple[list[list[tuple[str, float]]], float]:
    """Return each query's hits with their exact similarities, and the median milliseconds; the first query is asked twice, since it loads the index."""
    store.query(collection, truth.vectors[0], top, hidden=hidden)
    found, took = [], []
    for vector in truth.vectors:
        started = time.perf_counter()
        hits = store.query(collection, vector, top, hidden=hidden)
        took.append((time.perf_counter() - started) * 1e3)
        found.append([(hit.chunk_id, hit.bi_score) for hit in hits])
    return found, float(np.median(took))


def checked_query(query: str, hits: Sequence[tuple[str, float]], nearest: Mapping[str, tuple[float, str]]) -> Checked:
    """Return how much of a query's ``nearest`` chunks the ``hits`` (chunk id, similarity) hold, and which they miss.

    A missed chunk is nearer than the farthest hit: of chunks that are equally near, either is right.
    """
    ids = {id_ for id_, _ in hits}
    worst = min((score for _, score in hits), default=-np.inf) if len(hits) >= len(nearest) else -np.inf
    missed = tuple(
        Missed(id_, document, rank, score)
        for rank, (id_, (score, document)) in enumerate(nearest.items(), 1)
        if id_ not in ids and score > worst + EQUAL * max(1.0, abs(score))
    )
    return Checked(query, 1 - len(missed) / len(nearest), missed)


WIDTHS = (10, 20, 50, 100, 200, 400, 800)


@dataclass(frozen=True, slots=True)
class Width:
    """What one ``ef_search`` gives: mean recall, and the median milliseconds of a query."""

    width: int
    recall: float
    ms: float
    own: bool = False  # the collection's


def try_widths(
    workspace: Workspace,
    collection: Collection,
    queries: Sequence[str],
    widths: Sequence[int] = WIDTHS,
    top: int = TOP,
    report: CountReport = silent,
) -> list[Width]:
    """Return what each ``ef_search`` would find and cost, the collection's own among them.

    The index looks at ``top`` chunks at least, whatever the width. Raises DataError, and StoreError where there is no room for the copy.
    """
    truth = exact_search(workspace, collection, queries, top)
    hidden, own = workspace.shelf.hidden(collection.key), workspace.store.search_width(collection)
    asked = sorted({*widths, own})
    tried = []
    with _copied(workspace, collection) as folder:
        for at, width in enumerate(asked):
            report(at, len(asked))
            with closing(VectorStore.open(folder)) as store:
                store.set_search_width(collection, width)
            with closing(VectorStore.open(folder)) as store:
                found, ms = ask(store, collection, truth, top, hidden)
            shares = [checked_query("", ids, nearest).recall for ids, nearest in zip(found, truth.nearest, strict=True)]
            tried.append(Width(width, sum(shares) / len(shares), ms, width == own))
    report(len(asked), len(asked))
    return tried


@contextmanager
def _copied(workspace: Workspace, collection: Collection) -> Iterator[Path]:
    """A temporary folder with Chroma's database and this collection's index."""
    try:
        with tempfile.TemporaryDirectory(prefix="rankscope-index-") as place:
            with workspace.writing():  # nobody else may write meanwhile
                _copy(workspace.settings.data, Path(place), collection)
            yield Path(place)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"The index of {collection.name!r} cannot be copied to try other settings ({error}): is there room in the temporary folder?"
        ) from error


def _copy(data: Path, folder: Path, collection: Collection) -> None:
    address = f"{(data / CHROMA_FILE).absolute().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(address, uri=True, timeout=30)) as source,
        closing(sqlite3.connect(folder / CHROMA_FILE)) as target,
    ):
        source.backup(target)
    for name in vector_folders(data, collection.key):
        if (data / name).is_dir():
            shutil.copytree(data / name, folder / name)
