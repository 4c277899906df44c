"""Layouts: reproducible by seed, of small and degenerate collections, of samples, and cached on disk."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import core
from core.errors import Cancelled, MapError
from core.projection import _algorithms, cache, layouts
from core.projection._algorithms import membership_strengths, place_by_neighbours
from core.projection.cache import layout_path, load_layout, load_neighbours, save_layout, save_neighbours
from core.projection.layouts import StageProgress, compute_layout, neighbours_needed, sample_by_document
from core.projection.records import Layout, LayoutSettings
from core.records.search import METRICS, Metric
from core.util.arrays import Float32Array
from core.util.progress import StageReport
from core.vectors.neighbors import Neighbours, nearest_neighbours
from tests.support.points_maker import heaps, points_of

PCA, UMAP, TSNE = (LayoutSettings(method) for method in ("pca", "umap", "tsne"))
DEGENERATE = {"all alike": np.ones((20, 5)), "nothing": np.zeros((20, 3)), "a line": np.arange(20.0)[:, None] - 7}


def separation(xy: Float32Array) -> Float32Array:
    """Return the least distance between the four heaps less their greatest width: positive if they are separate."""
    centres = np.stack([xy[heap::4].mean(axis=0) for heap in range(4)])
    width = max(float(np.linalg.norm(xy[heap::4] - centres[heap], axis=1).mean()) for heap in range(4))
    gaps = [float(np.linalg.norm(centres[one] - centres[other])) for one in range(4) for other in range(one)]
    return np.asarray(min(gaps) - width)


def test_pca_is_the_plane_of_the_largest_variance() -> None:
    vectors = np.array([[0, -3, 0], [0, 3, 0], [2, 0, 0], [-2, 0, 0], [0, 0, 1], [0, 0, -1]], dtype=np.float32)
    layout = compute_layout(points_of(vectors + 5, "l2"), PCA)
    assert layout.xy == pytest.approx(np.array([[-3, 0], [3, 0], [0, 2], [0, -2], [0, 0], [0, 0]]), abs=1e-5)
    assert layout.mean.tolist() == [5, 5, 5]
    assert (vectors + 5 - layout.mean) @ layout.axes == pytest.approx(layout.xy)
    assert layout.fitted.all()


def test_pca_is_the_same_by_few_vectors_as_by_many() -> None:
    vectors = heaps(30, 40)
    layout = compute_layout(points_of(vectors), PCA)  # 30 vectors of 40 dimensions
    tiled = compute_layout(points_of(np.tile(vectors, (2, 1))), PCA)
    assert tiled.xy[:30] == pytest.approx(layout.xy, abs=1e-4)
    assert compute_layout(points_of(2 * vectors), PCA).xy == pytest.approx(layout.xy, abs=1e-5)  # of cosine


@pytest.mark.parametrize("settings", [PCA, UMAP, TSNE], ids=lambda settings: settings.method)
@pytest.mark.parametrize("count", [1, 2, 3, 4, 10])
def test_small_collections_are_drawn(settings: LayoutSettings, count: int) -> None:
    xy = compute_layout(points_of(heaps(count)), settings).xy
    assert xy.shape == (count, 2)
    assert xy.dtype == np.float32
    assert np.isfinite(xy).all()
    assert len(np.unique(xy, axis=0)) == count
    if count == 1:
        assert xy.tolist() == [[0, 0]]


@pytest.mark.parametrize("settings", [PCA, UMAP, TSNE], ids=lambda settings: settings.method)
@pytest.mark.parametrize("kind", DEGENERATE)
@pytest.mark.parametrize("metric", METRICS)
def test_degenerate_collections_are_drawn(settings: LayoutSettings, kind: str, metric: Metric) -> None:
    assert np.isfinite(compute_layout(points_of(DEGENERATE[kind].astype(np.float32), metric), settings).xy).all()


@pytest.mark.parametrize("settings", [UMAP, TSNE], ids=lambda settings: settings.method)
@pytest.mark.parametrize("metric", METRICS)
def test_separate_groups_stay_separate(settings: LayoutSettings, metric: Metric) -> None:
    assert separation(compute_layout(points_of(heaps(60), metric), replace(settings, perplexity=5)).xy) > 0


def test_a_collection_without_chunks_is_refused() -> None:
    with pytest.raises(MapError, match="'c' has no chunks"):
        compute_layout(points_of(np.empty((0, 4), dtype=np.float32)), PCA)


def test_numbers_that_are_not_finite_are_refused() -> None:
    vectors = heaps(5)
    vectors[3, 2] = np.nan
    with pytest.raises(MapError, match="not finite"):
        compute_layout(points_of(vectors, "l2"), UMAP)


SCRIPT = """
import sys
import numpy as np
from core.projection.layouts import compute_layout
from core.projection.records import LayoutSettings
from tests.support.points_maker import heaps, points_of
np.save(sys.argv[1], compute_layout(points_of(heaps(300)), LayoutSettings("umap", seed=int(sys.argv[2]))).xy)
"""


def test_a_seed_gives_the_same_layout_in_every_process(tmp_path: Path) -> None:
    root = Path(core.__file__).parents[1]
    subprocess.run([sys.executable, "-c", SCRIPT, tmp_path / "other.npy", "5"], cwd=root, check=True)
    mine = compute_layout(points_of(heaps(300)), replace(UMAP, seed=5)).xy
    assert mine.tobytes() == np.load(tmp_path / "other.npy").tobytes()
    assert mine.tobytes() != compute_layout(points_of(heaps(300)), replace(UMAP, seed=6)).xy.tobytes()


@pytest.mark.parametrize("settings", [UMAP, TSNE], ids=lambda settings: settings.method)
def test_beyond_the_limit_a_sample_is_laid_out_and_the_rest_is_placed(
    settings: LayoutSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_algorithms, "TSNE_LIMIT", 60)
    points = points_of(heaps(200), document_ids=[f"d{number % 9}" for number in range(200)])
    layout = compute_layout(points, replace(settings, limit=80))
    fitted = {"umap": 80, "tsne": 60}[settings.method]
    assert (layout.fitted.sum(), layout.xy.shape) == (fitted, (200, 2))
    assert {points.document_ids[row] for row in np.flatnonzero(layout.fitted)} == set(points.document_ids)
    assert separation(layout.xy) > 0
    assert compute_layout(points, replace(settings, limit=80)).xy.tobytes() == layout.xy.tobytes()


def test_known_neighbours_are_not_searched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = points_of(heaps(50))
    searches: list[int] = []

    def search(vectors: Float32Array, metric: Metric, k: int, report: StageReport) -> Neighbours:
        searches.append(k)
        return nearest_neighbours(vectors, metric, k, report)

    monkeypatch.setattr(layouts, "nearest_neighbours", search)
    first = compute_layout(points, UMAP, keep_in=tmp_path)
    closer = compute_layout(points, replace(UMAP, min_dist=0.5), keep_in=tmp_path)
    fewer = compute_layout(points, replace(UMAP, n_neighbors=5), keep_in=tmp_path)
    given = compute_layout(points, UMAP, nearest_neighbours(points.vectors, "cosine", 20))
    assert searches == [14]
    assert given.xy.tobytes() == first.xy.tobytes() != closer.xy.tobytes() != fewer.xy.tobytes()
    compute_layout(points, replace(UMAP, n_neighbors=20), keep_in=tmp_path)
    assert searches == [14, 19]


@pytest.mark.parametrize(
    ("count", "umap", "tsne"), [(2, 1, 1), (4, 2, 3), (10, 4, 9), (29, 13, 28), (30, 14, 29), (1000, 14, 91)]
)
def test_fewer_points_have_fewer_neighbours(count: int, umap: int, tsne: int) -> None:
    assert (neighbours_needed(count, UMAP), neighbours_needed(count, TSNE), neighbours_needed(count, PCA)) == (
        umap,
        tsne,
        0,
    )


def test_a_callback_can_cancel_a_layout() -> None:
    reports: list[tuple[str, float]] = []
    compute_layout(points_of(heaps(40)), UMAP, report=lambda stage, share: reports.append((stage, share)))
    assert list(dict.fromkeys(stage for stage, _ in reports)) == [
        "drawing by PCA", "finding neighbours", "loading UMAP", "joining neighbours", "laying out by UMAP", "done",
    ]  # fmt: skip
    assert [share for _, share in reports] == sorted(share for _, share in reports)
    assert reports[-1] == ("done", 1.0)

    def stop(stage: str, share: float) -> None:
        if stage == "laying out by UMAP" and share > 0.8:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        compute_layout(points_of(heaps(40)), UMAP, report=stop)


def test_stages_add_up_to_the_whole() -> None:
    reports: list[tuple[str, float]] = []
    stages = StageProgress(lambda stage, share: reports.append((stage, share)), {"one": 1.0, "two": 3.0})
    stages.report("one", 0.5)
    stages.report("two", 0.5)
    assert list(stages.end()) == ["one", "two"]
    assert reports == [("one", 0.125), ("two", 0.625), ("done", 1.0)]


def test_every_document_keeps_a_chunk_and_large_ones_more() -> None:
    documents = ["a"] * 60 + ["b"] * 30 + ["c"] * 9 + ["d"]
    sample = sample_by_document(documents, 20, 1)
    assert sample.tolist() == sorted(set(sample.tolist()))
    # 1 each, and 16/96 of 59, 29, 8 and 0: 9.8, 4.8, 1.3, 0
    assert Counter(documents[row] for row in sample) == {"a": 11, "b": 6, "c": 2, "d": 1}
    assert (
        sample_by_document(documents, 20, 1).tolist()
        == sample.tolist()
        != sample_by_document(documents, 20, 2).tolist()
    )
    assert sample_by_document(documents, 100, 1).tolist() == list(range(100))
    assert len({documents[row] for row in sample_by_document(documents, 2, 1)}) == 2


def test_strengths_add_up_to_the_logarithm_of_the_number_of_neighbours() -> None:
    strengths = membership_strengths(np.array([[1, 2, 3], [0, 0, 5], [0, 0, 0]], dtype=np.float32))
    assert strengths[0].sum() == pytest.approx(2.0, abs=1e-4)  # log2(3 + 1)
    assert strengths[0, 0] == 1
    golden = (5**0.5 - 1) / 2  # s + s * s = 1
    assert strengths[0, 1:] == pytest.approx([golden, golden**2], abs=1e-4)
    assert strengths[1:].tolist() == [[1, 1, 1], [1, 1, 1]]


def test_a_point_lies_among_its_neighbours() -> None:
    xy = np.array([[[0, 0], [1, 0], [0, 1]]], dtype=np.float32)
    golden = (5**0.5 - 1) / 2
    placed = place_by_neighbours(np.array([[-1, -2, -3]], dtype=np.float32), xy, "l2")
    assert placed == pytest.approx(np.array([[golden, golden**2]]) / 2, abs=1e-4)
    assert place_by_neighbours(np.array([[30, 20, 10]], dtype=np.float32), xy, "dot") == pytest.approx(placed, abs=1e-4)
    # the same as two of them
    assert place_by_neighbours(np.array([[1, 1, 0.5]], dtype=np.float32), xy, "cosine").tolist() == [[0.5, 0]]


def test_a_position_depends_on_no_other_point() -> None:
    random = np.random.default_rng(3)
    similarities = -np.sort(random.random((50, 15)), axis=1).astype(np.float32)
    xy = random.random((50, 15, 2)).astype(np.float32)
    together = place_by_neighbours(similarities, xy, "l2")
    alone = np.concatenate([place_by_neighbours(similarities[[row]], xy[[row]], "l2") for row in range(50)])
    assert together.tobytes() == alone.tobytes()


@pytest.fixture
def layout() -> Layout:
    return compute_layout(points_of(heaps(12)), PCA)


def test_a_layout_is_saved_and_loaded(tmp_path: Path, layout: Layout) -> None:
    assert load_layout(tmp_path, layout.key) is None
    save_layout(tmp_path, layout)
    loaded = load_layout(tmp_path, layout.key)
    assert loaded is not None
    assert (loaded.settings, loaded.digest, loaded.key, loaded.seconds) == (
        layout.settings,
        layout.digest,
        layout.key,
        layout.seconds,
    )
    for name in ("xy", "fitted", "mean", "axes"):
        assert getattr(loaded, name).tobytes() == getattr(layout, name).tobytes()


@pytest.mark.parametrize("damage", ["cut", "nonsense", "empty", "another's"])
def test_a_damaged_layout_is_removed(tmp_path: Path, layout: Layout, damage: str) -> None:
    save_layout(tmp_path, layout)
    path = layout_path(tmp_path, layout.key)
    content = path.read_bytes()
    if damage == "another's":
        save_layout(tmp_path, replace(layout, digest="other"))
        content = layout_path(tmp_path, replace(layout, digest="other").key).read_bytes()
    path.write_bytes(
        {"cut": content[: len(content) // 2], "nonsense": b"nonsense", "empty": b"", "another's": content}[damage]
    )
    assert load_layout(tmp_path, layout.key) is None
    assert not path.exists()


def test_only_the_newest_layouts_are_kept(tmp_path: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAX_LAYOUTS", 3)
    several = [replace(layout, digest=str(number)) for number in range(5)]
    for other in several:
        save_layout(tmp_path, other)
    assert [load_layout(tmp_path, other.key) is not None for other in several] == [False, False, True, True, True]


def test_neighbours_are_saved_and_loaded(tmp_path: Path) -> None:
    saved = nearest_neighbours(heaps(20), "cosine", 6)
    assert load_neighbours(tmp_path, "digest", 3) is None
    save_neighbours(tmp_path, "digest", saved)
    fewer = load_neighbours(tmp_path, "digest", 3)
    assert fewer is not None
    assert fewer.indices.tolist() == saved.indices[:, :3].tolist()
    assert load_neighbours(tmp_path, "digest", 7) is None
    save_neighbours(tmp_path, "digest", nearest_neighbours(heaps(20), "cosine", 50))
    all_others = load_neighbours(tmp_path, "digest", 70)
    assert all_others is not None
    assert all_others.indices.shape == (20, 19)
    (tmp_path / "maps" / "neighbours" / "digest.npz").write_bytes(b"nonsense")
    assert load_neighbours(tmp_path, "digest", 3) is None
