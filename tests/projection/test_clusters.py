"""CategoryColoring on the map, and the words that name them."""

from __future__ import annotations

import numpy as np
import pytest

from core.indexing.indexer import index
from core.loading.sources import Upload
from core.projection import clusters as rooms
from core.projection._worker import run_clusters
from core.projection.cache import clusters_path, load_clusters
from core.projection.clusters import (
    NOISE,
    TEXTS,
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
    """CategoryColoring of points around (0, 0), (100, 0), (200, 0) ..., and some far from all."""
    random = np.random.default_rng(5)
    groups = [random.standard_normal((size, 2)) + np.asarray([100 * at, 0]) for at, size in enumerate(sizes)]
    alone = np.stack([np.linspace(0, 9000, loose), np.linspace(5000, 9000, loose) ** 1.1], axis=1)
    return np.concatenate([*groups, alone]).astype(np.float32)


@pytest.mark.parametrize("direct", [10_000, 10])
def test_groups_are_numbered_by_size_and_loose_points_belong_to_none(
    direct: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "DIRECT", direct)
    labels = hdbscan_labels(blobs(40, 90, 60, loose=6))
    assert [sorted(set(part.tolist())) for part in np.split(labels, [40, 130, 190])] == [[2], [0], [1], [NOISE]]
    assert labels.dtype == np.int32


def test_near_pairs_alone_give_nearly_the_same_as_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.metrics import adjusted_rand_score

    random = np.random.default_rng(2)
    xy = np.concatenate(
        [random.normal(random.uniform(-12, 12, 2), random.uniform(0.1, 0.6), (75, 2)) for _ in range(20)]
    ).astype(np.float32)
    direct = hdbscan_labels(xy)
    monkeypatch.setattr(rooms, "DIRECT", 10)
    assert adjusted_rand_score(direct, hdbscan_labels(xy)) > 0.99


def test_twins_and_lines_are_clustered_too(monkeypatch: pytest.MonkeyPatch) -> None:
    twins = np.repeat(np.asarray([[0, 0], [5, 5], [0, 9]], dtype=np.float32), [30, 20, 25], axis=0)
    line = np.stack([np.concatenate([np.arange(40.0), np.arange(100.0, 130.0)]), np.zeros(70)], axis=1).astype(
        np.float32
    )
    for direct in (10_000, 10):
        monkeypatch.setattr(rooms, "DIRECT", direct)
        assert hdbscan_labels(twins).tolist() == [0] * 30 + [2] * 20 + [1] * 25
        assert hdbscan_labels(line).tolist() == [0] * 40 + [1] * 30
        assert set(hdbscan_labels(np.zeros((50, 2), np.float32)).tolist()) == {NOISE}


@pytest.mark.parametrize("many", [0, 1, 2, 5])
def test_few_points_make_no_cluster(many: int) -> None:
    assert hdbscan_labels(np.zeros((many, 2), np.float32)).tolist() == [NOISE] * many


def test_the_smallest_cluster_grows_with_the_map() -> None:
    assert [min_cluster_size(points) for points in (1, 30, 100, 1000, 10_000, 100_000)] == [3, 3, 5, 16, 50, 158]


def test_clusters_know_their_sizes_centres_and_names() -> None:
    xy = np.asarray([[0, 0], [1, 0], [5, 9], [9, 9], [10, 10]], dtype=np.float32)
    held = Clusters.of(np.asarray([0, 0, 0, NOISE, 1], np.int32), xy, (("heat", "pump"), ()))
    assert (held.sizes, held.centres.tolist(), held.names) == (
        (3, 1),
        [[1.0, 0.0], [10.0, 10.0]],
        ("heat, pump", "cluster 2"),
    )
    assert [held.name(place) for place in (0, 3, 4)] == ["heat, pump", "", "cluster 2"]
    assert (
        held.words == "2 clusters of at least 3 chunks, found on the map as drawn; 1 chunk in between belongs to none."
    )
    nothing = Clusters.of(np.full(5, NOISE, np.int32), xy, ())
    assert (len(nothing), nothing.centres.shape) == (0, (0, 2))
    assert "No group" in nothing.words


def test_terms_are_those_of_one_group_and_not_of_all() -> None:
    heat = ["Heat pumps warm the house", "a heat pump and a boiler in the house", "Heat pump manual 2020", "HEAT pump"]
    cats = ["the cat of the house", "a house for Cats and dogs", "cats, manual"]
    assert distinctive_terms([heat, cats], 2) == [("Heat", "pump"), ("cat", "dogs")]
    assert distinctive_terms([heat, cats], 1) == [("Heat",), ("cat",)]


def test_the_best_term_by_hand() -> None:
    """The group says 8 words: 3 are red, 2 green, 3 moon; the others say 3, moon among them; so A = 5.5.

    red: root of 3/8 log(1 + 5.5/3) = .638, green: root of 2/8 log(1 + 5.5/2) = .661, moon: root of 3/8 log(1 + 5.5/4) = .530, but not three times as often.
    sun is said by the others just as often.
    """
    group = ["red green moon", "red green moon", "red moon"]
    assert distinctive_terms([group, ["moon sun", "sun"]], 5)[0] == ("green", "red", "moon")
    assert distinctive_terms([[*group, "sun"], ["moon sun", "stone sun"]], 5)[0] == ("green", "red", "moon")


def test_the_most_frequent_form_of_a_word_is_shown() -> None:
    assert distinctive_terms([["Café", "café", "cafe", "CAFÉ", "café"], ["tea"]]) == [("café",), ("tea",)]
    assert distinctive_terms([["Berlin", "berlin"], ["x-ray"]])[0] == ("berlin",)


def test_numbers_letters_and_stop_words_name_nothing() -> None:
    assert distinctive_terms([["the 2020 x 3.14 of b2b 100_000"], ["and"]]) == [("b2b",), ()]


def test_no_term_is_part_of_another() -> None:
    assert distinctive_terms([["heater heat boil"] * 5, ["sea"]], 3)[0] == ("boil", "heat")
    assert distinctive_terms([["heat"] * 2 + ["heater heat", "heater boil", "boil"], ["sea"]], 3)[0] == (
        "boil",
        "heater",
    )


def test_small_words_of_other_languages_name_nothing() -> None:
    german = [
        "Der Vulkan ist nicht erloschen und die Lava fließt",
        "Die Lava ist heiß und der Vulkan bebt nicht",
        "Nicht der Vulkan und die Insel",
    ]
    told = distinctive_terms([german, ["the sea", "the harbour"]], 20)[0]
    assert {"Vulkan", "Lava", "Insel"} <= set(told)
    assert not {"nicht", "Nicht"} & set(told)


def test_a_small_word_of_one_language_may_mean_something_in_another() -> None:
    # German's article
    assert "die" in distinctive_terms([["the stars that die and are no more"] * 2, ["the sea"]], 9)[0]
    assert language_of({"der", "und", "nicht", "star"}) == "German"
    assert language_of({"the", "and", "stars", "of"}) == "English"
    assert language_of({"Lava", "und", "der"}) is None  # two small words tell nothing
    assert distinctive_terms([["我们学习", "我们"], ["海"]])[0] != ("我们",)


def test_ideographs_come_as_pairs_that_do_not_overlap() -> None:
    label = distinctive_terms([["機械学習", "機械学習", "機械"], ["統計"]], 3)[0]
    assert set(label) == {"機械", "学習"}  # 械学 lies across both


def test_what_was_caught_against_the_rest() -> None:
    rest = ["water and salt", "water and sand", "water again", "cold water"]
    assert distinctive_terms([["water lily", "lily pond", "white lily water"], rest])[0][0] == "lily"


@pytest.mark.parametrize("groups", [[], [[]], [["text"], []], [[""], ["the"]]])
def test_groups_that_say_little(groups: list[list[str]]) -> None:
    assert len(distinctive_terms(groups)) == len(groups)


COLOURS = {"warm": "red sun", "cold": "blue moon", "wood": "green tree"}


@pytest.fixture
def drawn(workspace: Workspace) -> tuple[Collection, Points, Layout]:
    """Three groups of eight documents, far apart on a map of our making."""
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
    places = [list(COLOURS).index(name.partition("-")[0]) for name in points.documents]
    xy = np.asarray([[100 * place, number % 3] for number, place in enumerate(places)], dtype=np.float32)
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


def test_clusters_are_named_by_their_chunks(workspace: Workspace, drawn: tuple[Collection, Points, Layout]) -> None:
    _, points, layout = drawn
    said: list[str] = []
    found = find_clusters(points, layout, workspace.document_store, lambda stage, share: said.append(stage))
    assert found.sizes == (8, 8, 8)
    for name, text in COLOURS.items():
        place = next(at for at, document in enumerate(points.documents) if document.startswith(name))
        assert set(found.terms[found.labels[place]]) == {name, *text.split()}
    assert list(dict.fromkeys(said)) == ["finding clusters", "reading their chunks", "naming clusters"]


def test_a_document_that_is_gone_says_nothing(workspace: Workspace, drawn: tuple[Collection, Points, Layout]) -> None:
    collection, points, _ = drawn
    workspace.delete_documents(collection, [points.document_ids[0]])
    texts = chunk_texts(points, workspace.document_store, [0, 1], lambda share: None)
    assert texts[0] == ""
    assert "words" in texts[1]


def test_clusters_are_kept_and_found_again(workspace: Workspace, drawn: tuple[Collection, Points, Layout]) -> None:
    _, points, layout = drawn
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
    run_clusters(job.task, silent)
    assert load_clusters(projections.data, points, layout) is not None


def test_large_clusters_are_named_by_a_part(
    monkeypatch: pytest.MonkeyPatch, workspace: Workspace, drawn: tuple[Collection, Points, Layout]
) -> None:
    from core.projection import clusters as clusters_task

    assert TEXTS == 300
    _, points, layout = drawn
    monkeypatch.setattr(clusters_task, "TEXTS", 2)
    found = find_clusters(points, layout, workspace.document_store, silent)
    assert found.sizes == (8, 8, 8)
    assert all(len(words) == 3 for words in found.terms)
