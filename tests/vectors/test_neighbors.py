"""True neighbours: the same as by looking at every pair, for each measure, with ties."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import Cancelled
from core.records.search import METRICS, Metric
from core.util import processor
from core.util.arrays import Float32Array
from core.vectors import _blocks, neighbors
from core.vectors.neighbors import Neighbours, nearest_neighbours, nearest_neighbours_of, nearest_to_query
from core.vectors.similarity import pairwise_similarity, similarity_to_distance, unit_vectors

COLLECTIONS = ["spread", "whole numbers", "twins", "heaps", "all alike"]


def vectors_of(kind: str, many: int, dimension: int = 16) -> Float32Array:
    chance = np.random.default_rng(7)
    vectors = chance.normal(size=(many, dimension))
    if kind == "whole numbers":  # few distances, many ties
        vectors = chance.integers(0, 3, size=(many, dimension)).astype(float)
    if kind == "twins":
        vectors = vectors[chance.integers(0, many // 5, many)]
    if kind == "heaps":
        vectors = 0.05 * vectors + chance.normal(size=(10, dimension))[chance.integers(0, 10, many)]
    if kind == "all alike":
        vectors = np.ones((many, dimension))
    return vectors.astype(np.float32)


def brute(vectors: Float32Array, metric: Metric, k: int, queries: Float32Array | None = None) -> Neighbours:
    asked, held = (vectors if queries is None else queries).astype(np.float64), vectors.astype(np.float64)
    if metric == "l2":
        found = np.stack([-np.sqrt(np.square(one - held).sum(axis=1)) for one in asked])
    else:
        found = np.stack([(held * one).sum(axis=1) for one in asked])
    if metric == "cosine":
        found /= np.linalg.norm(asked, axis=1)[:, None] * np.linalg.norm(held, axis=1)
    found = found.astype(np.float32)
    if queries is None:
        np.fill_diagonal(found, -np.inf)
        k = min(k, len(vectors) - 1)
    places = np.argsort(-found, axis=1, kind="stable")[:, :k]
    return Neighbours(places.astype(np.int32), np.take_along_axis(found, places, axis=1))


def same(one: Neighbours, other: Neighbours) -> None:
    assert one.indices.tolist() == other.indices.tolist()
    assert one.similarities == pytest.approx(other.similarities, abs=1e-6)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some hundred vectors are cut into blocks as 100,000 are."""
    monkeypatch.setattr(neighbors, "BLOCK", 64)
    monkeypatch.setattr(neighbors, "_MOST_TIES", 20)
    monkeypatch.setattr(_blocks, "_PER_LEADER", 40)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", COLLECTIONS)
@pytest.mark.usefixtures("small_blocks")
def test_neighbours_are_those_of_all_pairs(kind: str, metric: Metric) -> None:
    vectors = vectors_of(kind, 400)
    same(nearest_neighbours(vectors, metric, 7), brute(vectors, metric, 7))


@pytest.mark.parametrize("kind", COLLECTIONS)
@pytest.mark.usefixtures("small_blocks")
def test_halved_numbers_choose_the_same(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_blocks, "BFLOAT16_FROM", 1)
    monkeypatch.setattr(neighbors, "SPARE_BFLOAT16", 3)  # so that there are doubts
    monkeypatch.setattr(processor, "has_native_bfloat16", lambda: True)
    vectors = vectors_of(kind, 400)
    same(nearest_neighbours(vectors, "cosine", 7), brute(vectors, "cosine", 7))


def test_halved_products_miss_by_no_more_than_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_blocks, "BFLOAT16_FROM", 1)
    monkeypatch.setattr(processor, "has_native_bfloat16", lambda: True)
    vectors = unit_vectors(vectors_of("spread", 300, 64))
    held = _blocks.Bfloat16Vectors.of(vectors)
    assert held is not None
    products = held.products(slice(0, 300), slice(0, 300))
    true = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    assert (np.abs(true - products) <= held.error_bounds(products)).all()
    assert held.error_bounds(products).max() < 0.01


@pytest.mark.parametrize("metric", METRICS)
def test_one_query_is_answered_as_many_are(metric: Metric) -> None:
    vectors = vectors_of("whole numbers", 300)
    queries = np.concatenate([vectors[:3], vectors_of("spread", 4)])
    expected = brute(vectors, metric, 9, queries)
    same(nearest_neighbours_of(vectors, metric, queries, 9), expected)
    for query, places, found in zip(queries, expected.indices, expected.similarities, strict=True):
        alone = nearest_to_query(vectors, metric, query, 9)
        assert alone[0].tolist() == places.tolist()
        assert alone[1] == pytest.approx(found, abs=1e-6)


@pytest.mark.parametrize("many", [0, 1, 2, 4])
def test_fewer_points_than_neighbours_give_all_there_are(many: int) -> None:
    vectors = np.arange(many, dtype=np.float32)[:, None] ** 2
    found = nearest_neighbours(vectors, "l2", 3)
    assert found.indices.shape == (many, min(3, max(many - 1, 0)))
    if many == 4:  # at 0, 1, 4 and 9
        assert found.indices.tolist() == [[1, 2, 3], [0, 2, 3], [1, 0, 3], [2, 1, 0]]
        assert found.similarities[1].tolist() == [-1, -3, -8]
    places, similar = nearest_to_query(vectors, "l2", np.zeros(1, np.float32), 9)
    assert (len(places), len(similar)) == (many, many)


def test_a_vector_of_length_0_is_like_none() -> None:
    vectors = np.array([[0, 0], [1, 0], [1, 1]], dtype=np.float32)
    assert nearest_neighbours(vectors, "cosine", 2).similarities[0].tolist() == [0, 0]
    assert nearest_to_query(vectors, "cosine", np.zeros(2, np.float32), 1)[1].tolist() == [0]


def test_distances_are_never_negative() -> None:
    one, other = np.array([[2, 0], [2, 0]], dtype=np.float32), np.array([[2, 0], [0, 3]], dtype=np.float32)
    assert similarity_to_distance("cosine", pairwise_similarity("cosine", one, other)).tolist() == [0, 1]
    assert similarity_to_distance("l2", pairwise_similarity("l2", one, other)) == pytest.approx([0, 13**0.5])
    assert similarity_to_distance("dot", pairwise_similarity("dot", one, other), other).tolist() == [
        5,
        9,
    ]  # 3 * 3 less 4 and 0


@pytest.mark.usefixtures("small_blocks")
def test_who_hears_how_far_it_is_may_end_it() -> None:
    heard: list[float] = []

    def hear(stage: str, share: float) -> None:
        heard.append(share)
        if share > 0.1:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        nearest_neighbours(vectors_of("spread", 400), "cosine", 5, hear)
    assert heard == sorted(heard)
    assert max(heard) < 1
