"""How far the picture can be trusted: every figure against a plain computation, and small cases by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from core.projection import quality as trust
from core.projection.quality import compare_neighbours, distortion, measure_quality
from core.records.search import Metric
from core.util.arrays import Float32Array

SKLEARN: dict[Metric, str] = {"cosine": "cosine", "l2": "euclidean"}


def cloud(many: int = 120, dimension: int = 6) -> tuple[Float32Array, Float32Array]:
    """Vectors, and a picture of them that tells half the truth."""
    random = np.random.default_rng(1)
    vectors = random.standard_normal((many, dimension)).astype(np.float32)
    return vectors, (vectors[:, :2] + 0.3 * random.standard_normal((many, 2))).astype(np.float32)


def brute(apart: list[list[float]], shown: list[list[float]], k: int) -> float:
    """Trustworthiness, word for word from its definition: both are distances between all points."""
    n, penalty = len(apart), 0
    for i in range(n):
        others = [j for j in range(n) if j != i]
        by_truth = sorted(others, key=lambda j: (apart[i][j], j))
        on_screen = sorted(others, key=lambda j: (shown[i][j], j))[:k]
        penalty += sum(max(0, by_truth.index(j) + 1 - k) for j in on_screen)
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * penalty


def distances(points: Float32Array, metric: Metric) -> list[list[float]]:
    rows = points.astype(np.float64)
    if metric == "cosine":
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return [[float(-one @ two) if metric != "l2" else float(np.linalg.norm(one - two)) for two in rows] for one in rows]


@pytest.mark.parametrize("metric", ["cosine", "l2", "dot"])
@pytest.mark.parametrize("k", [3, 10])
def test_both_figures_equal_a_plain_computation(metric: Metric, k: int) -> None:
    vectors, xy = cloud()
    found = measure_quality(vectors, metric, xy, k)
    assert found is not None
    true, shown = distances(vectors, metric), distances(xy, "l2")
    assert found.trustworthiness == pytest.approx(brute(true, shown, k), abs=1e-9)
    assert found.continuity == pytest.approx(brute(shown, true, k), abs=1e-9)
    assert (found.k, found.points, found.of, found.exact) == (k, 120, 120, True)
    assert 0.5 < found.trustworthiness < 1


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_trustworthiness_is_scikit_learns(metric: Metric) -> None:
    vectors, xy = cloud()
    found = measure_quality(vectors, metric, xy, 7)
    assert found is not None
    assert found.trustworthiness == pytest.approx(
        trustworthiness(vectors.astype(np.float64), xy, n_neighbors=7, metric=SKLEARN[metric]), abs=1e-9
    )


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, xy = cloud()
    whole = measure_quality(vectors, "cosine", xy)
    monkeypatch.setattr(trust, "BLOCK", 500)
    assert measure_quality(vectors, "cosine", xy) == whole


def test_a_sample_averages_some_points_with_ranks_among_all(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, xy = cloud(400)
    whole, part = measure_quality(vectors, "l2", xy), measure_quality(vectors, "l2", xy, sample=200)
    assert whole is not None
    assert part is not None
    assert (part.points, part.of, part.exact) == (200, 400, False)
    assert part.trustworthiness == pytest.approx(whole.trustworthiness, abs=0.02)
    assert part == measure_quality(vectors, "l2", xy, sample=200)
    assert "200 of 400 chunks" in part.words
    monkeypatch.setattr(trust, "EXACT", 300)
    monkeypatch.setattr(trust, "SAMPLE", 50)
    assert getattr(measure_quality(vectors, "l2", xy), "points", 0) == 50


def test_equal_points_are_ranked_by_their_place() -> None:
    vectors = np.repeat(np.eye(3, dtype=np.float32), 4, axis=0)
    xy = np.asarray([[x % 5, x % 3] for x in range(12)], dtype=np.float32)
    found = measure_quality(vectors, "l2", xy, 3)
    assert found is not None
    true, shown = distances(vectors, "l2"), distances(xy, "l2")
    assert found.trustworthiness == pytest.approx(brute(true, shown, 3), abs=1e-9)
    assert found.continuity == pytest.approx(brute(shown, true, 3), abs=1e-9)


@pytest.mark.parametrize(("many", "k"), [(4, 1), (5, 2), (10, 4), (21, 10), (30, 10)])
def test_k_is_lowered_for_few_points(many: int, k: int) -> None:
    vectors, _ = cloud(many)
    found = measure_quality(vectors, "l2", vectors[:, :2])
    assert found is not None
    assert found.k == k


@pytest.mark.parametrize("many", [0, 1, 3])
def test_under_four_points_there_is_no_figure(many: int) -> None:
    vectors, xy = cloud(many)
    assert measure_quality(vectors, "cosine", xy) is None


def test_a_perfect_picture_says_so() -> None:
    line = np.arange(20, dtype=np.float32)[:, None] ** 1.1
    found = measure_quality(line, "l2", np.hstack([line, 0 * line]))
    assert found is not None
    assert (found.trustworthiness, found.continuity) == (1.0, 1.0)
    assert "nearly always" in found.words
    assert "hardly ever" in found.words


def test_distortion_is_the_share_of_lost_neighbours() -> None:
    xy = np.asarray([[0, 0], [1, 0], [2.1, 0], [9, 0], [10, 0]], dtype=np.float32)
    true = np.asarray([[1, 2], [0, 3], [4, 3], [4, 2], [0, 1]])
    assert distortion(xy, true, 2).tolist() == [0.0, 0.5, 1.0, 0.0, 1.0]
    assert distortion(xy, true, 1).tolist() == [0.0, 0.0, 1.0, 0.0, 1.0]
    assert distortion(xy, true, 10).tolist() == distortion(xy, true, 2).tolist()


def test_distortion_where_there_is_nothing_to_lose() -> None:
    assert distortion(np.zeros((1, 2), np.float32), np.empty((1, 0), np.int32)).tolist() == [0.0]
    assert distortion(np.zeros((3, 2), np.float32), np.asarray([[1, 2], [0, 2], [0, 1]]), 1).tolist() == [0.0, 0.0, 0.0]


def test_the_meter_tells_kept_false_and_missed() -> None:
    xy = np.asarray([[1, 0], [2, 0], [3, 0], [4, 0], [0, 9]], dtype=np.float32)
    meter = compare_neighbours([1, 4, 0], xy, (0.0, 0.0), 3)
    assert (meter.kept, meter.false, meter.missed, meter.ranks) == ((1, 0), (2,), (4,), (5,))
    assert meter.sentence == "2 of your 3 nearest chunks are among the 3 nearest on screen"
    assert "5th nearest on screen" in meter.words
    assert meter.as_json("abcde") == {
        "k": 3,
        "sentence": meter.sentence,
        "kept": ["b", "a"],
        "missed": [{"chunk_id": "e", "rank_on_screen": 5}],
        "false": ["c"],
    }


def test_the_meter_breaks_ties_by_place() -> None:
    xy = np.asarray([[0, 1], [1, 0], [0, -1], [-1, 0]], dtype=np.float32)
    meter = compare_neighbours([3, 0], xy, (0.0, 0.0), 2)
    assert (meter.kept, meter.false, meter.missed, meter.ranks) == ((0,), (1,), (3,), (4,))
    assert meter.sentence == "1 of your 2 nearest chunks is among the 2 nearest on screen"


@pytest.mark.parametrize(
    ("many", "sentence"),
    [
        (0, "There is no chunk to be near"),
        (1, "Your nearest chunk is the nearest on screen"),
        (3, "3 of your 3 nearest chunks are among the 3 nearest on screen"),
    ],
)
def test_the_meter_works_with_fewer_chunks_than_it_looks_at(many: int, sentence: str) -> None:
    xy = np.arange(2 * many, dtype=np.float32).reshape(many, 2)
    meter = compare_neighbours(range(many), xy, (0.0, 0.0))
    assert (meter.k, meter.sentence, meter.false, meter.missed) == (many, sentence, (), ())
    assert "truth" in meter.words


def test_one_chunk_of_two_far_away() -> None:
    meter = compare_neighbours([1], np.asarray([[0, 0], [5, 5]], dtype=np.float32), (0.0, 0.0), 10)
    assert meter.sentence == "Your nearest chunk is not the nearest on screen"
    assert "2nd nearest on screen" in meter.words
