"""The map as files: a page of its own, and the coordinates as a table. Pictures come from the buttons over the map."""

from __future__ import annotations

import io
from collections.abc import Sequence

import streamlit as st

from core.projection._part_map_plots import DIMMED, base_figure, map_html
from core.projection._part_map_table import Columns, map_rows
from core.projection.plots import with_overlay
from core.projection.query import texts_of
from core.projection.records import Layout, Points
from core.util.csv_safety import write_rows
from core.workspace import Workspace
from pages.ui.map._part_map_scene import Scene


def offer_files(scene: Scene) -> None:
    """Draw the buttons; the files are made when one is pressed."""
    name = f"{scene.collection.name}-map"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Page (HTML)", lambda: _page(scene), f"{name}.html", "text/html", icon=":material/download:", on_click="ignore",
            help="One file that needs no network: it zooms, and names the document of a point.",
        )
        st.download_button(
            "Coordinates (CSV)", lambda: _table(scene), f"{name}.csv", "text/csv", icon=":material/download:", on_click="ignore",
            help="A line a chunk: chunk id, document, span in characters, x and y.",
        )
        st.caption("PNG and SVG: the buttons at the picture's upper right edge.", width="content")


def _page(scene: Scene) -> str:
    name = scene.points.collection
    title = name if scene.asked is None else f"{name}: “{scene.asked.result.query}”"
    return map_html(with_overlay(base_figure(scene.points, scene.layout.xy, scene.painting, hover=True), scene.overlay(), DIMMED), title)


def _table(scene: Scene) -> bytes:
    return _csv(map_rows(scene.points, scene.layout, scene.clusters, None if scene.asked is None else scene.asked.similarities))


def caught_csv(workspace: Workspace, points: Points, layout: Layout, caught: Sequence[int]) -> bytes:
    """Return the chosen chunks as CSV, with their texts."""
    columns = map_rows(points, layout)
    chosen = {name: [values[at] for at in caught] for name, values in columns.items()}
    return _csv({**chosen, "text": texts_of(workspace.store, points, caught)})


def _csv(columns: Columns) -> bytes:
    """With the mark by which Excel knows UTF-8, and nothing that a spreadsheet would run."""
    table = io.StringIO(newline="")
    write_rows(table, [columns, *zip(*columns.values(), strict=True)])
    return table.getvalue().encode("utf-8-sig")
