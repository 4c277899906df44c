"""Candidates for every query: what the bi-encoder and BM25 find in the source's own passages.

Writes one file a source: the texts, and for every query its positive, its candidates and their cosines.
A passage that is another positive of the query, or nearly the positive's twin, is not a candidate.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.models.bi_encoder import BiEncoder
from core.util.arrays import Float32Array
from training.pairs import Pair

TWIN = 0.95  # cosine between passages above which they say the same
NEAR, MIDDLE, FAR = 10, 30, 200  # the nearest 10, the next 30, and the next 200 of which some are drawn
BM25 = 8


@dataclass
class Groups:
    """The groups of one source. Row i of every array belongs to query i; candidates are rows of ``texts``."""

    source: str
    queries: list[str]
    texts: list[str]
    held_back: npt.NDArray[np.bool_]  # (queries,)
    positive: npt.NDArray[np.int32]  # (queries,)
    cosine: npt.NDArray[np.float32]  # (queries,) of the positive
    candidates: npt.NDArray[np.int32]  # (queries, width), -1 where there are fewer
    cosines: npt.NDArray[np.float32]  # (queries, width)
    kinds: npt.NDArray[np.int8]  # (queries, width): 0 given by the source, 1 near, 2 middle, 3 far, 4 BM25
    labelled: bool = True  # False: no known answer, the bi-encoder's first text takes the positive's place


def mine(source: str, pairs: list[Pair], encoder: BiEncoder, seed: int, others: Sequence[str] = ()) -> Groups:
    """Return the groups of one source, candidates from its passages and ``others``.

    Where no text is labelled as the answer (no positive), the one nearest to the query takes its place, and the groups
    are not labelled.
    """
    generator = np.random.default_rng(seed)
    texts = sorted({text for pair in pairs for text in (pair.positive, pair.negative) if text} | set(others))
    row = {text: index for index, text in enumerate(texts)}
    queries = sorted({pair.query for pair in pairs})
    query_row = {text: index for index, text in enumerate(queries)}
    vectors, query_vectors = _unit(encoder.encode_documents(texts)), _unit(encoder.encode_documents(queries))
    labelled = all(pair.positive for pair in pairs)
    if not labelled:
        pairs = [
            replace(pair, positive=texts[int(np.argmax(vectors @ query_vectors[query_row[pair.query]]))])
            for pair in pairs
        ]
    positives: dict[str, set[str]] = {}
    for pair in pairs:
        positives.setdefault(pair.query, set()).add(pair.positive)
    lexical = _bm25(texts, queries)
    mined = [
        _candidates(
            _Query(
                query_vectors[query_row[pair.query]],
                vectors[row[pair.positive]],
                {row[positive] for positive in positives[pair.query]},
                row.get(pair.negative),
                lexical[query_row[pair.query]],
            ),
            vectors,
            generator,
        )
        for pair in pairs
    ]
    width = max((len(kinds) for kinds, _ in mined), default=0)
    return Groups(
        source,
        [pair.query for pair in pairs],
        texts,
        np.array([pair.held_back for pair in pairs]),
        np.array([row[pair.positive] for pair in pairs], dtype=np.int32),
        np.array([query_vectors[query_row[p.query]] @ vectors[row[p.positive]] for p in pairs], dtype=np.float32),
        _padded([list(kinds) for kinds, _ in mined], width).astype(np.int32),
        _padded([cosines for _, cosines in mined], width).astype(np.float32),
        _padded([list(kinds.values()) for kinds, _ in mined], width).astype(np.int8),
        labelled,
    )


@dataclass(frozen=True)
class _Query:
    """What the candidates of one query depend on; texts are given by their rows."""

    vector: Float32Array  # (dimension,)
    positive: Float32Array  # (dimension,)
    positives: set[int]
    negative: int | None  # given by the source
    lexical: npt.NDArray[np.int64]  # found by BM25


def _candidates(
    query: _Query, vectors: Float32Array, generator: np.random.Generator
) -> tuple[dict[int, int], list[float]]:
    """Return the candidates with their kinds, and their cosines."""
    cosines = vectors @ query.vector
    forbidden = query.positives | set(np.flatnonzero(vectors @ query.positive > TWIN).tolist())
    nearest = np.argsort(-cosines)[: NEAR + MIDDLE + FAR + len(forbidden)].tolist()
    order = [row for row in nearest if row not in forbidden]
    near, middle, far = order[:NEAR], order[NEAR : NEAR + MIDDLE], order[NEAR + MIDDLE :]
    kinds: dict[int, int] = {}
    if query.negative is not None and query.negative not in forbidden:
        kinds[query.negative] = 0
    for rows, kind in (
        (near, 1),
        (generator.permutation(middle)[:10].tolist(), 2),
        (generator.permutation(far)[:6].tolist(), 3),
    ):
        for row in rows:
            kinds.setdefault(int(row), kind)
    for row in query.lexical.tolist():
        if row not in forbidden:
            kinds.setdefault(row, 4)
    return kinds, cosines[list(kinds)].tolist()


def _bm25(texts: list[str], queries: list[str]) -> npt.NDArray[np.int64]:
    import bm25s

    index = bm25s.BM25()
    index.index(bm25s.tokenize(texts, show_progress=False), show_progress=False)
    found, _ = index.retrieve(
        bm25s.tokenize(queries, show_progress=False), k=min(BM25, len(texts)), show_progress=False
    )
    return np.asarray(found)


def _unit(vectors: Float32Array) -> Float32Array:
    unit: Float32Array = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _padded(rows: Sequence[Sequence[float]], width: int) -> npt.NDArray[np.float64]:
    padded = np.full((len(rows), width), -1.0)
    for row, values in enumerate(rows):
        padded[row, : len(values)] = values
    return padded


def save(groups: Groups, folder: Path) -> None:
    """Write the groups of a source, whole or not at all."""
    partial = folder / f"{groups.source}.partial"
    partial.write_bytes(pickle.dumps(groups))
    partial.rename(folder / f"{groups.source}.groups")


def load(folder: Path) -> list[Groups]:
    """Read what ``save`` wrote, sources in order."""
    return [pickle.loads(path.read_bytes()) for path in sorted(folder.glob("*.groups"))]
