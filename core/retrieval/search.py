"""Search a collection with the bi-encoder and rerank the first hits with the cross-encoder, each stage timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from core.errors import QueryError
from core.models.cross_encoder import CrossEncoder, finite_scores
from core.records.filters import Filter
from core.records.search import SearchResult, Timings
from core.retrieval.reading import query_notes, rerank_notes, with_unknown
from core.settings import POOL
from core.workspace import Workspace

MOST_HITS = 1000
LONGEST_QUERY = 10_000  # characters


def search(
    workspace: Workspace,
    collection_name: str,
    query: str,
    top_k: int = 10,
    documents: Sequence[str] = (),
    filters: Sequence[Filter] = (),
) -> SearchResult:
    """Return the ``top_k`` chunks of a collection that are most similar to ``query``.

    ``documents`` (names or ids) limits the search to those; empty means all. ``filters`` must all hold of a
    chunk's metadata. The model is loaded before the clock starts.

    Raises QueryError for an empty query, a number of hits out of range or an unusable filter,
    CollectionNotFound, DocumentNotFound, ModelMismatch.
    """
    query = checked_query(query)
    check_hits(top_k)
    collection = workspace.store.collection(collection_name)
    encoder = workspace.encoder(collection)
    document_ids = None
    if documents:
        document_ids = [workspace.document_store.find(collection.key, name).document_id for name in documents]
    started = time.perf_counter()
    vector = encoder.encode_query(query)
    encoded = time.perf_counter()
    hits = workspace.store.query(
        collection, vector, top_k, document_ids, workspace.document_store.hidden(collection.key), filters
    )
    done = time.perf_counter()
    return SearchResult(
        query=query,
        collection=collection.name,
        model=collection.model,
        metric=collection.metric,
        hits=tuple(with_unknown(hits, encoder.tokens)),
        timings=Timings((encoded - started) * 1e3, (done - encoded) * 1e3, (done - started) * 1e3),
        documents=tuple(documents),
        filters=tuple(filters),
        notes=query_notes(encoder, query),
    )


def rerank(
    result: SearchResult, reranker: CrossEncoder, pool: int = POOL, progress: Callable[[int], None] | None = None
) -> SearchResult:
    """Return ``result`` with the bi-encoder's first ``pool`` hits in the cross-encoder's order, the others behind them.

    Ties break by chunk id. Scores of an earlier reranking are dropped. ``progress`` is called with how many pairs are
    scored; what it raises ends the work.

    Raises QueryError for a pool out of range.
    """
    check_pool(pool)
    by_bi = [
        replace(hit, rank=hit.bi_rank, cross_score=None, cross_probability=None, cross_rank=None) for hit in result.hits
    ]
    by_bi.sort(key=lambda hit: hit.bi_rank)
    candidates, rest = by_bi[:pool], by_bi[pool:]
    started = time.perf_counter()
    scores = finite_scores(reranker, [(result.query, hit.read) for hit in candidates], progress)
    ms = (time.perf_counter() - started) * 1e3
    probabilities = [None] * len(candidates) if scores.probabilities is None else scores.probabilities.tolist()
    scored = [
        replace(hit, cross_score=score, cross_probability=probability)
        for hit, score, probability in zip(candidates, scores.logits.tolist(), probabilities, strict=True)
    ]
    scored.sort(key=lambda hit: (-(hit.cross_score or 0.0), hit.chunk_id))
    reranked = [replace(hit, rank=rank, cross_rank=rank) for rank, hit in enumerate(scored, 1)]
    times = result.timings
    return replace(
        result,
        hits=(*reranked, *rest),
        timings=Timings(times.encode, times.retrieve, times.total + ms, ms),
        reranker=reranker.model,
        pool=len(candidates),
        rerank_notes=rerank_notes(reranker, result.query, [hit.read for hit in candidates]),
    )


def checked_query(query: str) -> str:
    """Return the query without white space around it. Raises QueryError for one that is empty, too long or no text."""
    query = query.strip()
    if not query:
        raise QueryError("The query is empty: type a question or a few words")
    if len(query) > LONGEST_QUERY:
        raise QueryError(f"The query has {len(query):,} characters: use at most {LONGEST_QUERY:,}")
    if not query.isprintable() and any("\ud800" <= sign <= "\udfff" for sign in query):
        raise QueryError("The query holds bytes that are no text: type it anew, in UTF-8")
    return query


def check_hits(top_k: int) -> None:
    """Raise QueryError for a number of hits out of range."""
    if not 1 <= top_k <= MOST_HITS:
        raise QueryError(f"{top_k} hits cannot be shown: ask for 1 to {MOST_HITS:,}")


def check_pool(pool: int) -> None:
    """Raise QueryError for a pool out of range."""
    if not 1 <= pool <= MOST_HITS:
        raise QueryError(f"A pool of {pool} candidates cannot be reranked: use 1 to {MOST_HITS:,}")
