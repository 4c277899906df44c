"""The Map page as a visitor uses it, without a browser: what it says and draws, also for a broken address."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.indexing.indexer import index
from core.loading.sources import Upload
from core.records.search import CollectionOptions
from core.settings import Settings
from core.workspace import Workspace
from tests.support.pages import ODD, opened

pytestmark = pytest.mark.usefixtures("fresh_server")


def sent(page: AppTest, name: str) -> list[dict[str, object]]:
    """Return the data that the components of this name were given."""
    return [
        json.loads(element.proto.mixed.json or element.proto.json)
        for element in page.get("bidi_component")
        if element.proto.component_name == name
    ]


def overlay_of(page: AppTest) -> dict[str, object]:
    """Return what the first picture draws over its points."""
    overlay = sent(page, "rankscope_picture")[0]["overlay"]
    assert isinstance(overlay, dict)
    return overlay


def trace_names(page: AppTest) -> list[str]:
    """Return the names of the traces over the points."""
    data = overlay_of(page)["data"]
    assert isinstance(data, list)
    return [trace["name"] for trace in data]


def test_without_a_query_every_chunk_is_a_point_and_nothing_is_dimmed(own: Path) -> None:
    page = opened("pages/map.py", collection="colours", method="pca")
    base = json.loads(str(sent(page, "rankscope_points")[0]["figure"]))
    assert sum(len(trace["customdata"]) for trace in base["data"]) == 2
    assert {trace["name"] for trace in base["data"]} == {"red.txt", "blue.txt"}
    assert not overlay_of(page)["dims"]
    assert overlay_of(page)["data"] == []
    assert "colour of" not in str(base)  # texts are not sent with the points


def test_a_query_is_drawn_with_its_hits_and_its_neighbour_overlap(own: Path) -> None:
    page = opened("pages/map.py", collection="colours", method="pca", q="Which colour is the sky?")
    assert trace_names(page) == ["lines to the hits", "the query", "hits"]
    assert overlay_of(page)["dims"]
    sentence = "of your 2 nearest chunks are among the 2 nearest on screen"
    assert any(sentence in markdown.value for markdown in page.markdown)


def test_small_collections_are_drawn_too(own: Path) -> None:
    page = opened("pages/map.py", collection=ODD, method="umap")
    assert not page.error
    base = json.loads(str(sent(page, "rankscope_points")[0]["figure"]))
    assert sum(len(trace["customdata"]) for trace in base["data"]) == 1
    assert any("there are no neighbourhoods to compare" in caption.value for caption in page.caption)


def test_a_name_with_markup_is_not_rendered(own: Path) -> None:
    page = opened("pages/map.py", collection=ODD, method="pca")
    assert "<b>" not in str(sent(page, "rankscope_points")[0]["figure"]).replace("\\u003c", "<")


def test_parameters_out_of_bounds_are_corrected_with_a_warning(own: Path) -> None:
    page = opened(
        "pages/map.py", collection="colours", method="sammon", n_neighbors="1", colour="taste", view="Five maps"
    )
    warnings = " ".join(warning.value for warning in page.warning)
    assert "sammon" in warnings
    assert "n" in warnings
    assert "taste" in warnings
    assert "Five maps" in warnings
    assert not page.exception


def test_many_queries_tell_how_many_chunks_they_retrieve(own: Path) -> None:
    page = opened("pages/map.py", collection="colours", method="pca", view="Many queries")
    assert any("Paste some queries" in info.value for info in page.info)
    page.text_area(key="map-queries").set_value("the sky\nred paint\nthe sky").run()
    assert any("The 2 queries bring up **2 chunks of 2**" in markdown.value for markdown in page.markdown)
    assert trace_names(page) == ["queries", "queries"]


def test_two_maps_need_two_collections_of_the_same_documents(own: Path) -> None:
    page = opened("pages/map.py", collection="colours", method="pca", view="Two maps")
    assert any("No other collection holds documents of colours" in info.value for info in page.info)
    workspace = Workspace.open(Settings(own))
    other = workspace.create("again", CollectionOptions(size=8, overlap=0))
    index(workspace, other, [Upload("red.txt", b"Red is a colour.")])
    workspace.close()
    page = opened("pages/map.py", collection="colours", method="pca", view="Two maps", q="red")
    assert not page.exception
    assert [picture["slot"] for picture in sent(page, "rankscope_picture")] == ["left", "right"]


def test_chunks_with_a_word_are_highlighted(own: Path) -> None:
    page = opened("pages/map.py", collection="colours", method="pca")
    page.text_input(key="map-word").set_value("SKY").run()
    assert trace_names(page) == ["contain “SKY”"]
    page.text_input(key="map-word").set_value("nowhere").run()
    assert trace_names(page) == []
    assert any("No chunk contains “nowhere”" in caption.value for caption in page.caption)


def test_a_finished_layout_is_not_drawn_until_the_dialog_is_closed() -> None:
    """Running the page again would close the dialog."""

    def script() -> None:
        from types import SimpleNamespace
        from typing import Any, cast

        import streamlit as st

        from pages.ui.map.data import watch_projection

        st.session_state["runs"] = st.session_state.get("runs", 0) + 1
        job: Any = cast(
            Any, SimpleNamespace(state="done" if st.session_state["runs"] < 3 else "failed", active=False, error="over")
        )
        watch_projection(job, "UMAP")

    page = AppTest.from_function(script)
    page.session_state["map-reading"] = True
    page.run()
    assert page.session_state["runs"] == 1
    assert [caption.value for caption in page.caption] == ["UMAP: done, drawn once the dialog is closed."]
    del page.session_state["map-reading"]
    page.run()
    assert page.session_state["runs"] == 3  # and drawn anew at once
