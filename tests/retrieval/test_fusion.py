"""Fusion of rankings and scores, by hand."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from core.retrieval.fusion import reciprocal_rank_fusion, standardised_sum


def test_reciprocal_rank_fusion_by_hand() -> None:
    """Candidate 7 has ranks 1 and 2, candidate 3 ranks 2 and 1, candidate 5 rank 3 in one ranking only."""
    fused = reciprocal_rank_fusion([[7, 3, 5], [3, 7]])
    assert fused == pytest.approx({7: 1 / 61 + 1 / 62, 3: 1 / 62 + 1 / 61, 5: 1 / 63})
    assert reciprocal_rank_fusion([[1]], k=0) == {1: 1.0}
    assert reciprocal_rank_fusion([]) == {}


def test_scores_on_different_scales_weigh_the_same() -> None:
    """[1, 2, 3] has mean 2 and deviation sqrt(2/3), so it becomes -sqrt(3/2), 0, sqrt(3/2); so does [100, 200, 300]."""
    small, large = np.array([1.0, 2.0, 3.0]), np.array([300.0, 200.0, 100.0])
    np.testing.assert_allclose(standardised_sum(small), [-sqrt(1.5), 0, sqrt(1.5)])
    np.testing.assert_allclose(standardised_sum(small, large), [0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(standardised_sum(small, small * 100 + 7), [-2 * sqrt(1.5), 0, 2 * sqrt(1.5)])


def test_a_sum_of_two_by_hand() -> None:
    """[0, 0, 3] has mean 1 and deviation sqrt(2): -1/sqrt(2), -1/sqrt(2), sqrt(2)."""
    found = standardised_sum(np.array([1.0, 2.0, 3.0]), np.array([0.0, 0.0, 3.0]))
    np.testing.assert_allclose(found, [-sqrt(1.5) - sqrt(0.5), -sqrt(0.5), sqrt(1.5) + sqrt(2)])


@pytest.mark.parametrize(
    "constant",
    [
        [3.0, 3.0, 3.0],
        [0.0, 0.0, 0.0],
        pytest.param([0.1, 0.1, 0.1]),
    ],
)
def test_scores_that_are_the_same_for_all_add_nothing(constant: list[float]) -> None:
    scores = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(standardised_sum(scores, np.array(constant)), standardised_sum(scores))
    np.testing.assert_allclose(standardised_sum(np.array(constant)), [0, 0, 0])


def test_the_scores_given_are_left_as_they_were() -> None:
    scores = np.array([1.0, 2.0, 3.0])
    standardised_sum(scores, scores)
    assert scores.tolist() == [1, 2, 3]
