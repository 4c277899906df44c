"""The chart of how the scores of a result fall."""

from __future__ import annotations

import pytest

from core.records.search import Hit, SearchResult, Timings
from core.retrieval.plots import score_profile


def test_the_score_profile_shows_every_hit() -> None:
    hits = tuple(
        Hit(rank, f"id{rank}", "a<b>.txt", "d", None, None, 0, 1, "x", 1, 1 - rank / 10, rank) for rank in (1, 2, 3)
    )
    bar = score_profile(SearchResult("q", "c", "m", "dot", hits, Timings(1, 2, 3))).data[0]
    assert list(bar.x) == pytest.approx([0.9, 0.8, 0.7])
    assert list(bar.y) == [1, 2, 3]
    assert [row[0] for row in bar.customdata] == ["id1", "id2", "id3"]
    assert bar.customdata[0][1] == "a&lt;b&gt;.txt"
