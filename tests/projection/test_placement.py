"""Positions of queries on a layout."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import MapError
from core.projection import placement
from core.projection.layouts import compute_layout
from core.projection.placement import place_queries
from core.projection.records import Layout, LayoutSettings, Method, Points
from core.records.search import METRICS, Metric
from core.util.arrays import Float32Array

EMPTY = np.empty(0, np.float32)


def points_of(vectors: Float32Array, metric: Metric = "cosine") -> Points:
    ids = tuple(f"c{row:04}" for row in range(len(vectors)))
    spans = np.arange(len(vectors))
    return Points("things", "key", "digest", metric, "model", ids, ids, ids, spans, spans + 1, spans, vectors)


def layout_of(xy: Float32Array, method: Method = "umap") -> Layout:
    return Layout(
        LayoutSettings(method), "digest", xy, np.ones(len(xy), dtype=bool), EMPTY, np.empty((0, 2), np.float32)
    )


def cloud(count: int = 300, dimension: int = 8) -> Float32Array:
    return np.random.default_rng(3).standard_normal((count, dimension)).astype(np.float32)


@pytest.mark.parametrize("metric", METRICS)
def test_by_pca_a_chunks_vector_lies_where_the_chunk_lies(metric: Metric) -> None:
    points = points_of(cloud(), metric)
    layout = compute_layout(points, LayoutSettings("pca"))
    assert place_queries(points, layout, points.vectors[:5]) == pytest.approx(layout.xy[:5], abs=1e-5)
    if metric == "cosine":
        assert place_queries(points, layout, 3 * points.vectors[:5]) == pytest.approx(layout.xy[:5], abs=1e-5)


def test_a_query_lies_where_the_attraction_is_minimal() -> None:
    """Compared with every position of a fine grid."""
    random = np.random.default_rng(8)
    for _ in range(5):
        weights, xy, scale = random.random(10), 4 * random.random((10, 2)), 0.4
        star = placement._minimize_attraction(weights, xy, xy.mean(axis=0), scale)
        grid = np.stack(np.meshgrid(np.linspace(0, 4, 201), np.linspace(0, 4, 201)), axis=-1).reshape(-1, 2)
        losses = [
            (weights * np.log1p(np.square(positions[:, None] - xy).sum(axis=2) / scale**2)).sum(axis=1)
            for positions in (star[None], grid)
        ]
        assert losses[0][0] <= losses[1].min() + 1e-3


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("method", ["umap", "pca"])
def test_a_position_depends_on_no_other_query(metric: Metric, method: Method, monkeypatch: pytest.MonkeyPatch) -> None:
    points = points_of(cloud(), metric)
    layout = compute_layout(points, LayoutSettings("pca")) if method == "pca" else layout_of(cloud(300, 2))
    queries = cloud(40)[::-1] + 0.1
    together = place_queries(points, layout, queries)
    alone = np.concatenate([place_queries(points, layout, query[None]) for query in queries])
    assert together.tobytes() == alone.tobytes()
    assert together.tobytes() == place_queries(points, layout, queries[::-1])[::-1].tobytes()
    monkeypatch.setattr(placement, "BATCH_THRESHOLD", 10**6)
    assert together.tobytes() == place_queries(points, layout, queries).tobytes()
    assert together.shape == (40, 2)
    assert together.dtype == np.float32


def test_a_query_that_equals_a_chunk_lies_on_it() -> None:
    points, layout = points_of(cloud()), layout_of(cloud(300, 2))
    assert place_queries(points, layout, 2 * points.vectors[7:9]) == pytest.approx(layout.xy[7:9], abs=1e-6)


def test_of_two_groups_of_neighbours_the_stronger_one_gets_the_query() -> None:
    vectors = np.eye(12, dtype=np.float32)[:, :10] + 0.01
    vectors = np.concatenate([vectors[:10], cloud(90, 10) * 0.1 - 0.9])
    xy = np.concatenate([np.repeat([[0.0, 0.0], [50.0, 0.0]], [6, 4], axis=0), np.tile([25.0, 0.0], (90, 1))]).astype(
        np.float32
    )
    xy += 0.1 * cloud(100, 2)
    star = place_queries(points_of(vectors), layout_of(xy), np.ones((1, 10), np.float32))[0]
    assert np.abs(star - [0, 0]).max() < 1


def test_equally_near_neighbours_place_a_query_in_their_middle() -> None:
    vectors = np.eye(4, dtype=np.float32)
    xy = np.asarray([[1, 0], [-1, 0], [0, 1], [0, -1]], dtype=np.float32)
    middle = place_queries(points_of(vectors), layout_of(xy), np.ones((1, 4), np.float32))[0]
    assert np.abs(middle).max() < 1.0


@pytest.mark.parametrize("count", [1, 2, 3, 10])
def test_queries_are_placed_on_small_maps(count: int) -> None:
    points = points_of(cloud(count))
    positions = place_queries(points, layout_of(cloud(count, 2)), cloud(2)[:, ::-1])
    assert np.isfinite(positions).all()
    assert positions.shape == (2, 2)


def test_a_map_whose_chunks_all_lie_in_one_position() -> None:
    points = points_of(cloud(20))
    assert place_queries(points, layout_of(np.ones((20, 2), np.float32)), cloud(1) + 1).tolist() == [[1.0, 1.0]]


def test_no_queries_have_no_positions() -> None:
    assert place_queries(points_of(cloud(4)), layout_of(cloud(4, 2)), np.empty((0, 8), np.float32)).shape == (0, 2)


def test_other_points_and_other_dimensions_are_refused() -> None:
    points = points_of(cloud(4))
    with pytest.raises(MapError, match="8 dimensions"):
        place_queries(points, layout_of(cloud(4, 2)), cloud(1, 5))
    with pytest.raises(MapError, match="open the map again"):
        place_queries(points, layout_of(cloud(5, 2)), cloud(1))


def test_the_spacing_is_the_distance_of_the_tenth_nearest() -> None:
    line = np.stack([np.arange(100), np.zeros(100)], axis=1).astype(np.float32)
    assert layout_of(line).spacing == 5.0  # five on either side
    assert layout_of(line[:3]).spacing == 2.0
    assert layout_of(line[:1]).spacing == 0.0
