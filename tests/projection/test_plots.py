"""The map as figures: colours, points with their ids, overlays, tables and pages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.projection import coloring
from core.projection.export import map_columns
from core.projection.plots import (
    DIMMED,
    Overlay,
    add_cluster_names,
    add_highlight,
    add_neighbour_errors,
    add_query,
    add_selected_chunk,
    add_star,
    base_figure,
    map_html,
    point_size,
    with_overlay,
)
from core.projection.query import overlapping_chunks, retrieval_counts, search_within
from core.projection.records import Layout, LayoutSettings, Points
from core.records.search import Chunk, Hit, Metric
from core.settings import Settings
from core.vectors.similarity import similarity_to_all
from core.workspace import Workspace

XY = np.asarray([[0, 0], [1, 0], [0, 2], [3, 3]], dtype=np.float32)
VECTORS = np.asarray([[1, 0], [0.6, 0.8], [0, 1], [-1, 0]], dtype=np.float32)


def points(
    vectors: np.ndarray = VECTORS, documents: tuple[str, ...] = ("a.txt", "a.txt", "b.txt", "<b>.txt")
) -> Points:
    count = len(vectors)
    ids = tuple(f"id{index}" for index in range(count))
    starts, tokens = np.arange(count) * 10, np.arange(count) + 5
    return Points(
        "colours",
        "key",
        "digest",
        "cosine",
        "model",
        ids,
        documents,
        documents,
        starts,
        starts + 10,
        tokens,
        vectors.astype(np.float32),
    )


def hit(index: int, rank: int, cross: int | None = None) -> Hit:
    name = points().documents[index]
    return Hit(
        cross or rank,
        f"id{index}",
        name,
        name,
        None,
        None,
        0,
        10,
        "text",
        3,
        0.5,
        rank,
        None if cross is None else 1.0,
        None,
        cross,
    )


def layout(xy: np.ndarray = XY) -> Layout:
    none = np.empty(0, np.float32)
    return Layout(LayoutSettings("pca"), "digest", xy, np.ones(len(xy), dtype=bool), none, none)


def test_fewer_points_are_drawn_larger() -> None:
    sizes = [point_size(count) for count in (1, 300, 10_000, 100_000, 1_000_000)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 9
    assert sizes[-1] == 2.4


def test_categories_are_ordered_by_size_and_the_rest_is_named() -> None:
    categories = coloring.by_category("kind", ["b", "a", "a", "", "c"])
    assert categories.names == ("a", "b", "c")
    assert categories.codes.tolist() == [1, 0, 0, -1, 2]
    assert categories.rest == "none"
    many = coloring.by_category("document", [f"{index:02}" for index in range(40)] + ["39"], "document")
    assert len(many.names) == 9
    assert many.names[0] == "39"  # the only one that is there twice
    assert many.rest == "31 more documents"
    assert (many.codes == -1).sum() == 31


def test_documents_in_no_folder_are_the_rest() -> None:
    categories = coloring.by_folder(points(documents=("a/b/c.txt", "a/b/d.txt", "a/e.txt", "f.txt")))
    assert categories.names == ("a/b", "a")
    assert categories.codes.tolist() == [0, 0, 1, -1]


def test_two_maps_have_the_same_colours_for_the_same_documents() -> None:
    ours, theirs = points(), points(VECTORS[:3], ("<b>.txt", "a.txt", "c.txt"))
    one, other = coloring.shared_categories(ours, theirs)
    assert one.names == other.names == ("a.txt", "<b>.txt", "b.txt")
    assert other.codes.tolist() == [1, 0, -1]


def test_no_two_categories_look_the_same() -> None:
    chunks = points(np.eye(27, dtype=np.float32), tuple(f"{index:02}" for index in range(27)))
    figure = base_figure(chunks, np.zeros((27, 2), np.float32), coloring.by_document(chunks))
    looks = {(trace.marker.color, trace.marker.symbol) for trace in figure.data}
    assert len(looks) == 27


def test_a_field_of_many_numbers_is_a_scale_and_any_other_is_categories() -> None:
    scale = coloring.by_metadata_field("year", [*range(1990, 2002), None])
    assert isinstance(scale, coloring.NumericColoring)
    assert np.isnan(scale.values[-1])
    few = coloring.by_metadata_field("year", [1990, 1991.0, 1990])
    assert isinstance(few, coloring.CategoryColoring)
    assert few.names == ("1990", "1991")


def test_clusters_beyond_the_colours_are_the_rest() -> None:
    categories = coloring.by_cluster(np.asarray([0, 29, -1, 3]), [f"c{index}" for index in range(30)])
    assert categories.codes.tolist() == [0, -1, -1, 3]
    assert categories.rest == "3 more clusters and none"


def test_every_chunk_is_drawn_once_with_its_id_where_it_lies() -> None:
    chunks = points()
    figure = base_figure(chunks, XY, coloring.by_document(chunks))
    drawn = {
        chunk_id: (x, y)
        for trace in figure.data
        for chunk_id, x, y in zip(trace.customdata, trace.x, trace.y, strict=True)
    }
    assert drawn == {f"id{index}": tuple(XY[index]) for index in range(4)}
    assert all(trace.type == "scattergl" for trace in figure.data)
    assert figure.layout.yaxis.scaleanchor == "x"  # a step right is as long as a step up
    assert not any(trace.text for trace in figure.data)  # neither texts nor names go out with the points
    assert "<b>" not in str([trace.name for trace in figure.data])  # plotly would render it


def test_a_scale_leaves_chunks_without_a_number_grey() -> None:
    chunks = points()
    scale = coloring.by_scores("score", chunks, {"id1": 2.0, "id3": -1.0})
    grey, coloured = base_figure(chunks, XY, scale).data
    assert list(grey.customdata) == ["id0", "id2"]
    assert list(coloured.customdata) == ["id1", "id3"]
    assert coloured.marker.color.tolist() == [2.0, -1.0]
    assert coloured.marker.colorbar.title.text == "score"


def test_the_key_of_a_coloring_depends_on_what_is_drawn() -> None:
    chunks = points()
    assert coloring.by_document(chunks).key == coloring.by_document(chunks).key
    assert coloring.by_document(chunks).key != coloring.by_length(chunks).key


def test_a_query_is_a_star_with_a_line_to_each_hit_and_dims_the_rest() -> None:
    overlay = Overlay()
    add_query(overlay, points(), XY, np.asarray([0.5, 0.5]), [hit(0, 1), hit(3, 2)])
    lines, star, hits = overlay.figure.data
    assert overlay.dims
    assert lines.x == (0.5, 0.0, None, 0.5, 3.0, None)
    assert hits.text == ("1", "2")
    assert hits.customdata == ("id0", "id3")
    assert (star.x, star.y, star.marker.symbol) == ((0.5,), (0.5,), "star")


def test_a_reranked_hit_has_the_cross_encoders_rank_and_colour() -> None:
    overlay = Overlay()
    add_query(overlay, points(), XY, np.asarray([0, 0]), [hit(3, 2, cross=1), hit(0, 1, cross=2)])
    hits = overlay.figure.data[2]
    assert hits.text == ("1", "2")
    assert list(hits.marker.color) == [1, 2]
    assert hits.name == "cross-encoder's order"


def test_a_hit_without_a_point_is_left_out() -> None:
    overlay = Overlay()
    add_query(overlay, points(), XY, np.asarray([0, 0]), [replace(hit(0, 1), chunk_id="gone")])
    assert [trace.name for trace in overlay.figure.data] == ["lines to the hits", "the query"]


def test_false_neighbours_are_crossed_out_and_lines_lead_to_missed_ones() -> None:
    overlay = Overlay()
    add_neighbour_errors(overlay, points(), XY, np.asarray([0, 0]), false=[1], missed=[3])
    lines, missed, false = overlay.figure.data
    assert lines.x == (0.0, 3.0, None)
    assert (missed.customdata, missed.marker.symbol) == (("id3",), "circle-open")
    assert (false.customdata, false.marker.symbol) == (("id1",), "x-thin")


def test_an_overlay_is_plain_json_and_can_be_laid_over_a_figure() -> None:
    chunks, overlay = points(), Overlay()
    add_highlight(overlay, chunks, XY, [2, 3], "contain “x”")
    add_selected_chunk(overlay, chunks, XY, 0, [1])
    add_cluster_names(overlay, XY[:1], ["<i>salt</i>"])
    add_star(overlay, XY[0], "before", faint=True, label="a query")
    plain = overlay.as_json()
    assert plain["dims"]
    assert plain["data"][0]["customdata"] == ["id2", "id3"]
    assert plain["annotations"][0]["text"] == "&lt;i&gt;salt&lt;/i&gt;"
    figure = with_overlay(base_figure(chunks, XY, coloring.plain(chunks)), overlay, DIMMED)
    assert figure.data[0].opacity == DIMMED
    assert len(figure.data) == 1 + len(overlay.figure.data)
    assert len(figure.layout.annotations) == 1


def test_a_page_is_self_contained() -> None:
    chunks = points()
    figure = base_figure(chunks, XY, coloring.plain(chunks), hover=True)
    page = map_html(figure, "a <b> title")
    assert "<title>a &lt;b&gt; title</title>" in page
    assert "src=" not in page.split("<body>")[0]
    assert "id3" in page
    assert len(page) > 1_000_000  # plotly's script is in it


def test_the_table_begins_with_id_document_span_and_position() -> None:
    columns = map_columns(points(), layout(), similarities=np.asarray([0.5, 0.75, 0.25, 0.75], dtype=np.float32))
    assert list(columns) == ["chunk_id", "document", "start", "end", "x", "y", "tokens", "similarity", "rank"]
    assert [columns[name][3] for name in columns] == ["id3", "<b>.txt", 30, 40, 3.0, 3.0, 8, 0.75, 2]
    assert columns["rank"] == [3, 1, 4, 2]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("cosine", [1.0, 0.6, 0.0, -1.0]),
        ("dot", [2.0, 1.2, 0.0, -2.0]),
        ("l2", [-1.0, -((1.4**2 + 0.8**2) ** 0.5), -(5**0.5), -3.0]),
    ],
)
def test_similarity_to_all(metric: Metric, expected: list[float]) -> None:
    similarities = similarity_to_all(metric, VECTORS, np.asarray([2, 0], dtype=np.float32))
    assert similarities.tolist() == pytest.approx(expected, abs=1e-6)


def test_how_many_queries_retrieve_a_chunk() -> None:
    counts, rows = retrieval_counts(points(), np.asarray([[1, 0.1], [0.1, 1]], dtype=np.float32), 2)
    assert rows == [[0, 1], [2, 1]]
    assert counts.tolist() == [1, 2, 1, 0]


def test_overlapping_chunks_of_another_collection() -> None:
    ours = points()
    theirs = replace(
        ours,
        chunk_ids=("p", "q", "r"),
        document_ids=("a.txt", "a.txt", "b.txt"),
        documents=("a.txt", "a.txt", "b.txt"),
        starts=np.asarray([0, 15, 0]),
        ends=np.asarray([15, 30, 20]),
        vectors=VECTORS[:3],
    )
    assert overlapping_chunks(ours, theirs, [0]) == [0]  # 0 to 10 of a.txt
    assert overlapping_chunks(ours, theirs, [1]) == [0, 1]  # 10 to 20 of a.txt
    assert overlapping_chunks(ours, theirs, [2]) == []  # 20 to 30 of b.txt: an end is no overlap
    assert overlapping_chunks(ours, theirs, [3]) == []


def test_a_search_within_chosen_chunks_returns_those_alone(tmp_path: Path) -> None:
    workspace = Workspace.open(Settings(tmp_path))
    collection = workspace.store.create("colours", model="m", revision="r", dimension=2)
    chunks = [Chunk(f"id{index}", "doc", index * 10, index * 10 + 10, f"text {index} Salt", 2) for index in range(4)]
    workspace.store.add(collection, chunks, VECTORS, {"doc": "doc.txt"})
    indexed = replace(points(), collection="colours", key=collection.key)
    result = search_within(workspace, indexed, "query", np.asarray([1, 0], dtype=np.float32), [1, 2, 3], 2)
    assert [(result_hit.rank, result_hit.chunk_id) for result_hit in result.hits] == [(1, "id1"), (2, "id2")]
    assert result.hits[0].bi_score == pytest.approx(0.6)
    assert result.hits[0].text == "text 1 Salt"
    assert sorted(workspace.store.chunk_ids_containing(collection, "salt")) == ["id0", "id1", "id2", "id3"]
    assert workspace.store.chunk_ids_containing(collection, "text 2") == ["id2"]
    assert workspace.store.chunk_ids_containing(collection, "pepper") == []
    workspace.close()
