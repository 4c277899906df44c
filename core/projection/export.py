"""Build a map without the app (layout, clusters, quality, query) and write it as an HTML page or a CSV table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import MapError
from core.projection.cache import load_clusters, save_clusters, save_layout
from core.projection.clusters import Clusters, find_clusters
from core.projection.coloring import by_cluster, by_document
from core.projection.jobs import ProjectionQueue
from core.projection.layouts import compute_layout
from core.projection.plots import (
    DIMMED,
    Overlay,
    add_cluster_names,
    add_neighbour_errors,
    add_query,
    base_figure,
    map_html,
    with_overlay,
)
from core.projection.points import read_points
from core.projection.quality import LayoutQuality, measure_quality
from core.projection.query import NEAREST, MapQuery, place_query, search_within
from core.projection.records import Layout, LayoutSettings, Points
from core.util.arrays import Float32Array
from core.util.csv_safety import write_rows
from core.util.files import atomic_write
from core.util.progress import StageReport
from core.vectors.neighbors import nearest_to_query
from core.workspace import Workspace

Columns = dict[str, Sequence[Any]]


def map_columns(
    points: Points, layout: Layout, clusters: Clusters | None = None, similarities: Float32Array | None = None
) -> Columns:
    """Return the columns ``chunk_id, document, start, end, x, y, tokens``, in the order of ``points``.

    With ``clusters`` also the cluster, -1 for none, and its name; with ``similarities`` to a query, shape (chunks,),
    also these and the rank by them. Spans are in characters, coordinates have no unit.
    """
    columns: Columns = {
        "chunk_id": points.chunk_ids,
        "document": points.documents,
        "start": points.starts.tolist(),
        "end": points.ends.tolist(),
        "x": [_shortest(value) for value in layout.xy[:, 0]],
        "y": [_shortest(value) for value in layout.xy[:, 1]],
        "tokens": points.tokens.tolist(),
    }
    if clusters is not None:
        labels = clusters.labels.tolist()
        columns |= {
            "cluster": labels,
            "cluster_name": [clusters.names[label] if label >= 0 else "" for label in labels],
        }
    if similarities is not None:
        ranks = np.empty(len(points), dtype=np.int64)
        ranks[np.argsort(-similarities, kind="stable")] = np.arange(1, len(points) + 1)
        columns |= {"similarity": [_shortest(value) for value in similarities], "rank": ranks.tolist()}
    return columns


def _shortest(value: np.float32) -> float:
    """Return the number with the fewest digits that distinguish it among all float32 numbers."""
    return float(str(value))


@dataclass(frozen=True)
class MapExport:
    """A map with everything that is exported; ``quality`` is None under four chunks, ``query`` without a query."""

    points: Points
    layout: Layout
    clusters: Clusters
    quality: LayoutQuality | None
    query: MapQuery | None

    @property
    def placed(self) -> int:
        """How many chunks were placed by their neighbours, not laid out."""
        return len(self.points) - int(self.layout.fitted.sum())

    def as_json(self) -> dict[str, Any]:
        """Return a plain dictionary for ``--json``."""
        return {
            "collection": self.points.collection,
            "method": self.layout.settings.method,
            "settings": self.layout.settings.method_settings,
            "chunks": len(self.points),
            "fitted": len(self.points) - self.placed,
            "clusters": len(self.clusters),
            "trustworthiness": None if self.quality is None else self.quality.trustworthiness,
            "continuity": None if self.quality is None else self.quality.continuity,
            "k": None if self.quality is None else self.quality.k,
            "query": None if self.query is None else _query_json(self.query, self.points),
        }


def build_map(
    workspace: Workspace, name: str, settings: LayoutSettings, query: str | None, report: StageReport
) -> MapExport:
    """Return the map of a collection; layout and clusters are loaded if they were saved before, else saved for the app.

    The query is encoded first, so that a missing model fails before the long work. It is compared with every chunk.
    Raises CollectionNotFound, ForeignCollection, ModelMismatch, and MapError where there is nothing to draw.
    """
    collection, data = workspace.store.collection(name), workspace.settings.data
    vector = None if query is None else workspace.encoder(collection).encode_query(query)
    report("reading chunks", 0.0)
    points = read_points(workspace, collection)
    layout = ProjectionQueue(data).cached_layout(points, settings)
    if layout is None:
        layout = compute_layout(points, settings, report=report, keep_in=data)
        save_layout(data, layout)
    clusters = load_clusters(data, points, layout)
    if clusters is None:
        clusters = find_clusters(points, layout, workspace.document_store, report)
        save_clusters(data, layout, clusters)
    report("measuring trust", 0.0)
    quality = measure_quality(points.vectors, points.metric, layout.xy, NEAREST)
    if vector is None or query is None:
        return MapExport(points, layout, clusters, quality, None)
    nearest, _ = nearest_to_query(points.vectors, points.metric, vector, NEAREST)
    result = search_within(workspace, points, query, vector, nearest.tolist(), NEAREST)
    return MapExport(points, layout, clusters, quality, place_query(points, layout, vector, result))


def _query_json(query: MapQuery, points: Points) -> dict[str, Any]:
    return {
        "text": query.result.query,
        "x": float(query.star[0]),
        "y": float(query.star[1]),
        **query.overlap.as_json(points.chunk_ids),
    }


def write_map(export: MapExport, out: Path) -> None:
    """Write a CSV table where the name ends in .csv, else an HTML page; a file of that name is replaced in one step.

    Raises MapError where it cannot be written.
    """
    try:
        with atomic_write(out) as temporary:
            (_write_table if out.suffix.lower() == ".csv" else _write_page)(export, temporary)
    except OSError as error:
        raise MapError(f"The map cannot be written to {out} ({error.strerror}): choose another place") from error


def _write_table(export: MapExport, path: Path) -> None:
    query = export.query
    columns = map_columns(export.points, export.layout, export.clusters, None if query is None else query.similarities)
    if query is not None:
        columns = {**columns, "rank_on_screen": query.ranks_on_map.tolist()}
    with path.open("w", encoding="utf-8", newline="") as file:
        write_rows(file, [columns, *zip(*columns.values(), strict=True)])


def _write_page(export: MapExport, path: Path) -> None:
    points, xy, clusters, query = export.points, export.layout.xy, export.clusters, export.query
    overlay, title = Overlay(), points.collection
    if query is not None:
        add_query(overlay, points, xy, query.star, query.result.hits)
        add_neighbour_errors(overlay, points, xy, query.star, query.overlap.false, query.overlap.missed)
        title = f"{title}: “{query.result.query}”"
    add_cluster_names(overlay, clusters.centres, clusters.names)
    coloring = by_cluster(clusters.labels, clusters.names) if len(clusters) else by_document(points)
    figure = with_overlay(base_figure(points, xy, coloring, hover=True), overlay, DIMMED)
    path.write_text(map_html(figure, title), encoding="utf-8")
