"""Quality of a layout: every figure compared with a plain computation, and small cases by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from core.projection import quality
from core.projection.quality import compare_neighbours, distortion, measure_quality
from core.records.search import Metric
from core.util.arrays import Float32Array

SKLEARN: dict[Metric, str] = {"cosine": "cosine", "l2": "euclidean"}


def cloud(count: int = 120, dimension: int = 6) -> tuple[Float32Array, Float32Array]:
    """Return vectors, and a layout that preserves some of their neighbourhoods."""
    random = np.random.default_rng(1)
    vectors = random.standard_normal((count, dimension)).astype(np.float32)
    return vectors, (vectors[:, :2] + 0.3 * random.standard_normal((count, 2))).astype(np.float32)


def plain_trustworthiness(true: list[list[float]], shown: list[list[float]], k: int) -> float:
    """Return the trustworthiness by its definition, from the distances between all points in space and layout."""
    n, penalty = len(true), 0
    for i in range(n):
        others = [j for j in range(n) if j != i]
        by_truth = sorted(others, key=lambda j: (true[i][j], j))
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
    measured = measure_quality(vectors, metric, xy, k)
    assert measured is not None
    true, shown = distances(vectors, metric), distances(xy, "l2")
    assert measured.trustworthiness == pytest.approx(plain_trustworthiness(true, shown, k), abs=1e-9)
    assert measured.continuity == pytest.approx(plain_trustworthiness(shown, true, k), abs=1e-9)
    assert (measured.k, measured.sampled, measured.total, measured.exact) == (k, 120, 120, True)
    assert 0.5 < measured.trustworthiness < 1


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_trustworthiness_is_scikit_learns(metric: Metric) -> None:
    vectors, xy = cloud()
    measured = measure_quality(vectors, metric, xy, 7)
    assert measured is not None
    assert measured.trustworthiness == pytest.approx(
        trustworthiness(vectors.astype(np.float64), xy, n_neighbors=7, metric=SKLEARN[metric]), abs=1e-9
    )


def test_the_block_size_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, xy = cloud()
    exact = measure_quality(vectors, "cosine", xy)
    monkeypatch.setattr(quality, "BLOCK", 500)
    assert measure_quality(vectors, "cosine", xy) == exact


def test_a_sample_averages_some_points_with_ranks_among_all(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, xy = cloud(400)
    exact, part = measure_quality(vectors, "l2", xy), measure_quality(vectors, "l2", xy, sample=200)
    assert exact is not None
    assert part is not None
    assert (part.sampled, part.total, part.exact) == (200, 400, False)
    assert part.trustworthiness == pytest.approx(exact.trustworthiness, abs=0.02)
    assert part == measure_quality(vectors, "l2", xy, sample=200)
    assert "200 of 400 chunks" in part.words
    monkeypatch.setattr(quality, "EXACT_LIMIT", 300)
    monkeypatch.setattr(quality, "SAMPLE", 50)
    assert getattr(measure_quality(vectors, "l2", xy), "sampled", 0) == 50


def test_equal_vectors_are_no_strangers_wherever_the_map_puts_them() -> None:
    vectors = np.ones((10, 3), dtype=np.float32)
    random = np.random.default_rng(0)
    for metric in ("cosine", "dot", "l2"):
        measured = measure_quality(vectors, metric, random.standard_normal((10, 2)).astype(np.float32), 3)
        assert measured is not None
        assert (measured.trustworthiness, measured.continuity) == (1.0, 1.0)


def test_equal_vectors_in_groups_are_no_strangers_within_them() -> None:
    # three places of four points each, 1 is nearer to 0 than to 5; on the map each group lies in a row of its own
    vectors = np.repeat(np.asarray([[0.0], [1.0], [5.0]], dtype=np.float32), 4, axis=0)
    xy = np.asarray([[x % 4, 10 * (x // 4)] for x in range(12)], dtype=np.float32)
    for k in (1, 2, 3):
        measured = measure_quality(vectors, "l2", xy, k)
        assert measured is not None
        assert (measured.trustworthiness, measured.continuity) == (1.0, 1.0)


def test_a_stranger_is_strictly_further_away_than_the_kth_nearest() -> None:
    # on the line 0, 1, 2, 3 with k = 1 the map exchanges the last two: 0, 1, 3, 2
    vectors = np.asarray([[0], [1], [2], [3]], dtype=np.float32)
    xy = np.asarray([[0, 0], [1, 0], [3, 0], [2, 0]], dtype=np.float32)
    measured = measure_quality(vectors, "l2", xy, 1)
    assert measured is not None
    # nearest on the map: of 0: 1 (rank 1); of 1: 0 (rank 1) or 3 (rank 3, excess 2), a half each; of 2: 3 (1);
    # of 3: 1 (rank 2, excess 1) or 2 (rank 1), a half each. Together 1.5, times 2 / (4 * 1 * (8 - 3 - 1))
    assert measured.trustworthiness == pytest.approx(1 - 1.5 / 8)
    # nearest in the full space: of 0: 1; of 1: 0 or 2, which tie; of 2: 1 or 3, of which the map has 3 nearest;
    # of 3: 2, which ties with 1 on the map
    assert measured.continuity == 1.0


def test_a_map_that_puts_all_into_one_place_is_not_to_be_trusted() -> None:
    vectors, xy = cloud(60)
    measured = measure_quality(vectors, "l2", 0 * xy, 5)
    assert measured is not None
    # every other point is near with a share of 5/59; ranks 1 to 59 exceed 5 by 1 to 54: 1485 * 5 / 59 for each point
    assert measured.trustworthiness == pytest.approx(1 - 2 / (60 * 5 * (120 - 15 - 1)) * 60 * 1485 * 5 / 59)
    assert measured.continuity == 1.0


def test_equal_vectors_tie_in_single_precision_too(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    vectors = np.repeat(random.standard_normal((1, 384)), 300, axis=0).astype(np.float32)
    measured = measure_quality(vectors, "cosine", random.standard_normal((300, 2)).astype(np.float32), sample=100)
    assert measured is not None
    assert (measured.trustworthiness, measured.continuity, measured.exact) == (1.0, 1.0, False)


@pytest.mark.parametrize(("count", "k"), [(4, 1), (5, 2), (10, 4), (21, 10), (30, 10)])
def test_k_is_lowered_for_few_points(count: int, k: int) -> None:
    vectors, _ = cloud(count)
    measured = measure_quality(vectors, "l2", vectors[:, :2])
    assert measured is not None
    assert measured.k == k


@pytest.mark.parametrize("count", [0, 1, 3])
def test_under_four_points_there_is_no_figure(count: int) -> None:
    vectors, xy = cloud(count)
    assert measure_quality(vectors, "cosine", xy) is None


def test_a_perfect_layout() -> None:
    line = np.arange(20, dtype=np.float32)[:, None] ** 1.1
    measured = measure_quality(line, "l2", np.hstack([line, 0 * line]))
    assert measured is not None
    assert (measured.trustworthiness, measured.continuity) == (1.0, 1.0)
    assert "nearly always" in measured.words
    assert "hardly ever" in measured.words


def test_distortion_is_the_share_of_missed_neighbours() -> None:
    xy = np.asarray([[0, 0], [1, 0], [2.1, 0], [9, 0], [10, 0]], dtype=np.float32)
    true = np.asarray([[1, 2], [0, 3], [4, 3], [4, 2], [0, 1]])
    assert distortion(xy, true, 2).tolist() == [0.0, 0.5, 1.0, 0.0, 1.0]
    assert distortion(xy, true, 1).tolist() == [0.0, 0.0, 1.0, 0.0, 1.0]
    assert distortion(xy, true, 10).tolist() == distortion(xy, true, 2).tolist()


def test_distortion_without_neighbours_or_ties() -> None:
    assert distortion(np.zeros((1, 2), np.float32), np.empty((1, 0), np.int32)).tolist() == [0.0]
    assert distortion(np.zeros((3, 2), np.float32), np.asarray([[1, 2], [0, 2], [0, 1]]), 1).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_of_equal_vectors_any_may_be_near_on_the_map(metric: Metric) -> None:
    vectors = np.asarray([[1, 0]] * 5 + [[0, 1]], dtype=np.float32)
    xy = np.asarray([[0, 0], [9, 0], [8, 0], [1, 0], [2, 0], [0.5, 0]], dtype=np.float32)
    true = np.asarray([[1, 2], [0, 2], [0, 1], [0, 1], [0, 1], [0, 1]])
    assert distortion(xy, true, 2)[0] == 1.0
    # the map has 5, a stranger, and 3, an equal, nearest to 0
    assert distortion(xy, true, 2, vectors, metric)[0] == 0.5


def test_the_overlap_has_kept_false_and_missed_neighbours() -> None:
    xy = np.asarray([[1, 0], [2, 0], [3, 0], [4, 0], [0, 9]], dtype=np.float32)
    overlap = compare_neighbours([1, 4, 0], xy, (0.0, 0.0), 3)
    assert (overlap.kept, overlap.false, overlap.missed, overlap.ranks) == ((1, 0), (2,), (4,), (5,))
    assert overlap.sentence == "2 of your 3 nearest chunks are among the 3 nearest on screen"
    assert "5th nearest on screen" in overlap.words
    assert overlap.as_json("abcde") == {
        "k": 3,
        "sentence": overlap.sentence,
        "kept": ["b", "a"],
        "missed": [{"chunk_id": "e", "rank_on_screen": 5}],
        "false": ["c"],
    }


def test_what_ties_for_the_last_place_on_the_map_is_near() -> None:
    xy = np.asarray([[0, 1], [1, 0], [0, -1], [-1, 0], [5, 5]], dtype=np.float32)
    overlap = compare_neighbours([3, 0], xy, (0.0, 0.0), 2)
    assert (overlap.kept, overlap.false, overlap.missed, overlap.ranks) == ((3, 0), (), (), ())
    overlap = compare_neighbours([4, 0], xy, (0.0, 0.0), 2)
    assert (overlap.kept, overlap.false, overlap.missed, overlap.ranks) == ((0,), (1,), (4,), (5,))
    assert overlap.sentence == "1 of your 2 nearest chunks is among the 2 nearest on screen"


def test_what_ties_for_the_last_place_in_the_full_space_is_near_too() -> None:
    xy = np.asarray([[9, 0], [1, 0], [2, 0], [8, 0]], dtype=np.float32)
    similarities = np.asarray([0.5, 0.5, 0.9, 0.5], dtype=np.float32)
    overlap = compare_neighbours([2, 0], xy, (0.0, 0.0), 2, similarities)  # 0, 1 and 3 are equal
    assert (overlap.kept, overlap.false, overlap.missed) == ((2, 1), (), ())


@pytest.mark.parametrize(
    ("count", "sentence"),
    [
        (0, "There is no chunk to be near"),
        (1, "Your nearest chunk is the nearest on screen"),
        (3, "3 of your 3 nearest chunks are among the 3 nearest on screen"),
    ],
)
def test_the_overlap_with_fewer_chunks_than_k(count: int, sentence: str) -> None:
    xy = np.arange(2 * count, dtype=np.float32).reshape(count, 2)
    overlap = compare_neighbours(range(count), xy, (0.0, 0.0))
    assert (overlap.k, overlap.sentence, overlap.false, overlap.missed) == (count, sentence, (), ())
    assert "truth" in overlap.words


def test_the_nearest_chunk_may_be_missed() -> None:
    overlap = compare_neighbours([1], np.asarray([[0, 0], [5, 5]], dtype=np.float32), (0.0, 0.0), 10)
    assert overlap.sentence == "Your nearest chunk is not the nearest on screen"
    assert "2nd nearest on screen" in overlap.words
