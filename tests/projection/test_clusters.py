"""Clusters of a layout, and the terms that label them."""

from __future__ import annotations

import numpy as np
import pytest

from core.indexing.indexer import index
from core.loading.sources import Upload
from core.projection import clusters
from core.projection._worker import clusters_task, run_clusters
from core.projection.cache import clusters_path, load_clusters
from core.projection.clusters import (
    MAX_TEXTS,
    NOISE,
    Clusters,
    chunk_texts,
    distinctive_terms,
    find_clusters,
    hdbscan_labels,
    min_cluster_size,
)
from core.projection.jobs import ProjectionQueue
from core.projection.points import read_points
from core.projection.records import Layout, LayoutSettings, Points
from core.records.search import Collection
from core.text.analyzers import language_of
from core.util.arrays import Float32Array
from core.util.progress import silent
from core.workspace import Workspace


def blobs(*sizes: int, loose: int = 0) -> Float32Array:
    """Return groups of points around (0, 0), (100, 0), (200, 0) ..., and ``loose`` points far from all."""
    random = np.random.default_rng(5)
    groups = [random.standard_normal((size, 2)) + np.asarray([100 * group, 0]) for group, size in enumerate(sizes)]
    outliers = np.stack([np.linspace(0, 9000, loose), np.linspace(5000, 9000, loose) ** 1.1], axis=1)
    return np.concatenate([*groups, outliers]).astype(np.float32)


@pytest.mark.parametrize("limit", [10_000, 10])
def test_clusters_are_numbered_by_size_and_loose_points_are_noise(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "ALL_PAIRS_LIMIT", limit)
    labels = hdbscan_labels(blobs(40, 90, 60, loose=6))
    assert [sorted(set(part.tolist())) for part in np.split(labels, [40, 130, 190])] == [[2], [0], [1], [NOISE]]
    assert labels.dtype == np.int32


def test_near_pairs_give_nearly_the_same_clusters_as_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.metrics import adjusted_rand_score

    random = np.random.default_rng(2)
    xy = np.concatenate(
        [random.normal(random.uniform(-12, 12, 2), random.uniform(0.1, 0.6), (75, 2)) for _ in range(20)]
    ).astype(np.float32)
    all_pairs = hdbscan_labels(xy)
    monkeypatch.setattr(clusters, "ALL_PAIRS_LIMIT", 10)
    assert adjusted_rand_score(all_pairs, hdbscan_labels(xy)) > 0.99


def test_equal_points_and_lines_are_clustered(monkeypatch: pytest.MonkeyPatch) -> None:
    equal = np.repeat(np.asarray([[0, 0], [5, 5], [0, 9]], dtype=np.float32), [30, 20, 25], axis=0)
    line = np.stack([np.concatenate([np.arange(40.0), np.arange(100.0, 130.0)]), np.zeros(70)], axis=1).astype(
        np.float32
    )
    for limit in (10_000, 10):
        monkeypatch.setattr(clusters, "ALL_PAIRS_LIMIT", limit)
        assert hdbscan_labels(equal).tolist() == [0] * 30 + [2] * 20 + [1] * 25
        assert hdbscan_labels(line).tolist() == [0] * 40 + [1] * 30
        assert set(hdbscan_labels(np.zeros((50, 2), np.float32)).tolist()) == {NOISE}


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_few_points_make_no_cluster(count: int) -> None:
    assert hdbscan_labels(np.zeros((count, 2), np.float32)).tolist() == [NOISE] * count


def test_the_smallest_cluster_grows_with_the_map() -> None:
    assert [min_cluster_size(points) for points in (1, 30, 100, 1000, 10_000, 100_000)] == [3, 3, 5, 16, 50, 158]


def test_clusters_know_their_sizes_centres_and_names() -> None:
    xy = np.asarray([[0, 0], [1, 0], [5, 9], [9, 9], [10, 10]], dtype=np.float32)
    found = Clusters.of(np.asarray([0, 0, 0, NOISE, 1], np.int32), xy, (("heat", "pump"), ()))
    assert (found.sizes, found.centres.tolist(), found.names) == (
        (3, 1),
        [[1.0, 0.0], [10.0, 10.0]],
        ("heat, pump", "cluster 2"),
    )
    assert [found.name(row) for row in (0, 3, 4)] == ["heat, pump", "", "cluster 2"]
    assert (
        found.words == "2 clusters of at least 3 chunks, found on the map as drawn; 1 chunk in between belongs to none."
    )
    nothing = Clusters.of(np.full(5, NOISE, np.int32), xy, ())
    assert (len(nothing), nothing.centres.shape) == (0, (0, 2))
    assert "No group" in nothing.words


def test_terms_are_frequent_in_one_group_and_not_in_all() -> None:
    heat = ["Heat pumps warm the house", "a heat pump and a boiler in the house", "Heat pump manual 2020", "HEAT pump"]
    cats = ["the cat of the house", "a house for Cats and dogs", "cats, manual"]
    assert distinctive_terms([heat, cats], 2) == [("Heat", "pump"), ("cat", "dogs")]
    assert distinctive_terms([heat, cats], 1) == [("Heat",), ("cat",)]


def test_the_best_term_by_hand() -> None:
    """The first group has 8 terms, 3 red, 2 green and 3 moon, the other 3, with one moon; so A = 5.5.

    red: root of 3/8 log(1 + 5.5/3) = .638, green: root of 2/8 log(1 + 5.5/2) = .661, moon: root of 3/8
    log(1 + 5.5/4) = .530, but not three times as frequent as in the other. sun is as frequent in the other.
    """
    group = ["red green moon", "red green moon", "red moon"]
    assert distinctive_terms([group, ["moon sun", "sun"]], 5)[0] == ("green", "red", "moon")
    assert distinctive_terms([[*group, "sun"], ["moon sun", "stone sun"]], 5)[0] == ("green", "red", "moon")


def test_a_term_is_shown_in_its_most_frequent_form() -> None:
    assert distinctive_terms([["Café", "café", "cafe", "CAFÉ", "café"], ["tea"]]) == [("café",), ("tea",)]
    assert distinctive_terms([["Berlin", "berlin"], ["x-ray"]])[0] == ("berlin",)


def test_numbers_letters_and_stop_words_are_no_terms() -> None:
    assert distinctive_terms([["the 2020 x 3.14 of b2b 100_000"], ["and"]]) == [("b2b",), ()]


def test_no_term_contains_another() -> None:
    assert distinctive_terms([["heater heat boil"] * 5, ["sea"]], 3)[0] == ("boil", "heat")
    assert distinctive_terms([["heat"] * 2 + ["heater heat", "heater boil", "boil"], ["sea"]], 3)[0] == (
        "boil",
        "heater",
    )


def test_function_words_of_other_languages_are_no_terms() -> None:
    german = [
        "Der Vulkan ist nicht erloschen und die Lava fließt",
        "Die Lava ist heiß und der Vulkan bebt nicht",
        "Nicht der Vulkan und die Insel",
    ]
    label = distinctive_terms([german, ["the sea", "the harbour"]], 20)[0]
    assert {"Vulkan", "Lava", "Insel"} <= set(label)
    assert not {"nicht", "Nicht"} & set(label)


def test_a_function_word_of_one_language_may_be_a_term_in_another() -> None:
    # German's article
    assert "die" in distinctive_terms([["the stars that die and are no more"] * 2, ["the sea"]], 9)[0]
    assert language_of({"der", "und", "nicht", "star"}) == "German"
    assert language_of({"the", "and", "stars", "of"}) == "English"
    assert language_of({"Lava", "und", "der"}) is None  # two function words are not enough
    assert distinctive_terms([["我们学习", "我们"], ["海"]])[0] != ("我们",)


def test_ideographs_come_as_pairs_that_do_not_overlap() -> None:
    label = distinctive_terms([["機械学習", "機械学習", "機械"], ["統計"]], 3)[0]
    assert set(label) == {"機械", "学習"}  # 械学 lies across both


def test_labels_are_whole_words_in_scripts_without_spaces() -> None:
    thai = [["เรือออกจากท่าเรือ", "ท่าเรือสวย"], ["ราคาทองคำพุ่งสูงขึ้น"]]
    assert distinctive_terms(thai)[0][0] == "ท่าเรือ"
    hindi = [["हिन्दी में समय सारणी", "हिन्दी की किताब"], ["दही नहीं बेचते"]]
    assert distinctive_terms(hindi)[0][0] == "हिन्दी"


def test_a_selection_compared_with_the_rest() -> None:
    rest = ["water and salt", "water and sand", "water again", "cold water"]
    assert distinctive_terms([["water lily", "lily pond", "white lily water"], rest])[0][0] == "lily"


@pytest.mark.parametrize("groups", [[], [[]], [["text"], []], [[""], ["the"]]])
def test_groups_with_few_words(groups: list[list[str]]) -> None:
    assert len(distinctive_terms(groups)) == len(groups)


COLOURS = {"warm": "red sun", "cold": "blue moon", "wood": "green tree"}


@pytest.fixture
def clustered(workspace: Workspace) -> tuple[Collection, Points, Layout]:
    """Three groups of eight documents, far apart on an artificial layout."""
    collection = workspace.open_or_create("things")
    index(
        workspace,
        collection,
        [
            Upload(f"{name}-{number}.txt", f"{name} words: {text} {number}".encode())
            for name, text in COLOURS.items()
            for number in range(8)
        ],
    )
    points = read_points(workspace, workspace.reload(collection))
    groups = [list(COLOURS).index(name.partition("-")[0]) for name in points.documents]
    xy = np.asarray([[100 * group, number % 3] for number, group in enumerate(groups)], dtype=np.float32)
    return (
        collection,
        points,
        Layout(
            LayoutSettings("pca"),
            points.digest,
            xy,
            np.ones(24, dtype=bool),
            np.empty(0, np.float32),
            np.empty((0, 2), np.float32),
        ),
    )


def test_clusters_are_labelled_by_their_chunks(
    workspace: Workspace, clustered: tuple[Collection, Points, Layout]
) -> None:
    _, points, layout = clustered
    stages: list[str] = []
    found = find_clusters(points, layout, workspace.document_store, lambda stage, share: stages.append(stage))
    assert found.sizes == (8, 8, 8)
    for name, text in COLOURS.items():
        row = next(row for row, document in enumerate(points.documents) if document.startswith(name))
        assert set(found.terms[found.labels[row]]) == {name, *text.split()}
    assert list(dict.fromkeys(stages)) == ["finding clusters", "reading their chunks", "naming clusters"]


def test_a_deleted_document_has_no_text(workspace: Workspace, clustered: tuple[Collection, Points, Layout]) -> None:
    collection, points, _ = clustered
    workspace.delete_documents(collection, [points.document_ids[0]])
    texts = chunk_texts(points, workspace.document_store, [0, 1], lambda share: None)
    assert texts[0] == ""
    assert "words" in texts[1]


def test_clusters_are_saved_and_loaded(workspace: Workspace, clustered: tuple[Collection, Points, Layout]) -> None:
    _, points, layout = clustered
    projections = ProjectionQueue(workspace.settings.data)
    assert load_clusters(projections.data, points, layout) is None
    job = projections.request_clusters(points, layout)
    assert projections.request_clusters(points, layout) is job
    job.wait(60)
    assert (job.state, job.error) == ("done", "")
    found = load_clusters(projections.data, points, layout)
    assert found is not None
    assert found.sizes == (8, 8, 8)
    assert found.terms == find_clusters(points, layout, workspace.document_store, silent).terms

    path = clusters_path(workspace.settings.data, layout)
    path.write_bytes(path.read_bytes()[:100])
    assert load_clusters(projections.data, points, layout) is None
    assert not path.exists()
    assert job.task["name"] == "clusters"
    run_clusters(clusters_task(workspace.settings.data, points, layout), silent)
    assert load_clusters(projections.data, points, layout) is not None


def test_large_clusters_are_labelled_by_a_sample(
    monkeypatch: pytest.MonkeyPatch, workspace: Workspace, clustered: tuple[Collection, Points, Layout]
) -> None:
    assert MAX_TEXTS == 300
    _, points, layout = clustered
    monkeypatch.setattr(clusters, "MAX_TEXTS", 2)
    found = find_clusters(points, layout, workspace.document_store, silent)
    assert found.sizes == (8, 8, 8)
    assert all(len(words) == 3 for words in found.terms)
