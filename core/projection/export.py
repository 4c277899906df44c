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
    """Return the columns ``chunk_id, document, start, end, x, y, tokens``, then the cluster and its name, then the similarity to a query and its rank.

    Spans are in characters, lengths in tokens; coordinates have no unit. A chunk in no cluster has -1 and no name.
    """
    columns: Columns = {
        "chunk_id": points.chunk_ids,
        "document": points.documents,
        "start": points.starts.tolist(),
        "end": points.ends.tolist(),
        "x": [_short(value) for value in layout.xy[:, 0]],
        "y": [_short(value) for value in layout.xy[:, 1]],
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
        columns |= {"similarity": [_short(value) for value in similarities], "rank": ranks.tolist()}
    return columns


def _short(value: np.float32) -> float:
    """As few digits as tell a float32 from every other."""
    return float(str(value))


@dataclass(frozen=True)
class MapExport:
    """A map with all that is written of it; ``trust`` is None under four chunks, ``asked`` without a query."""

    points: Points
    layout: Layout
    clusters: Clusters
    trust: LayoutQuality | None
    asked: MapQuery | None

    @property
    def placed(self) -> int:
        """How many chunks were not laid out but placed by their neighbours."""
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
            "trustworthiness": None if self.trust is None else self.trust.trustworthiness,
            "continuity": None if self.trust is None else self.trust.continuity,
            "k": None if self.trust is None else self.trust.k,
            "query": None if self.asked is None else _query_json(self.asked, self.points),
        }


def build_map(
    workspace: Workspace, name: str, settings: LayoutSettings, query: str | None, report: StageReport
) -> MapExport:
    """Lay out a collection, or take what was kept, and measure it; what is made here is kept for the app.

    The query is encoded first, so that a missing model is told before the long work.
    Raises CollectionNotFound, ForeignCollection, ModelMismatch, MapError where there is nothing to draw.
    """
    collection, projections = workspace.store.collection(name), ProjectionQueue(workspace.settings.data)
    vector = None if query is None else workspace.encoder(collection).encode_query(query)
    report("reading chunks", 0.0)
    points = read_points(workspace, collection)
    layout = projections.cached_layout(points, settings)
    if layout is None:
        layout = compute_layout(points, settings, report=report, keep_in=projections.data)
        save_layout(projections.data, layout)
    clusters = load_clusters(projections.data, points, layout)
    if clusters is None:
        clusters = find_clusters(points, layout, workspace.document_store, report)
        save_clusters(projections.data, layout, clusters)
    report("measuring trust", 0.0)
    trust = measure_quality(points.vectors, points.metric, layout.xy, NEAREST)
    return MapExport(
        points,
        layout,
        clusters,
        trust,
        None if vector is None or query is None else _ask(workspace, points, layout, query, vector),
    )


def _ask(workspace: Workspace, points: Points, layout: Layout, query: str, vector: Float32Array) -> MapQuery:
    """Search by comparing the query with every chunk, not through an index: the ranks are exact."""
    nearest, _ = nearest_to_query(points.vectors, points.metric, vector, NEAREST)
    result = search_within(workspace, points, query, vector, nearest.tolist(), NEAREST)
    return place_query(points, layout, vector, result)


def _query_json(asked: MapQuery, points: Points) -> dict[str, Any]:
    return {
        "text": asked.result.query,
        "x": float(asked.star[0]),
        "y": float(asked.star[1]),
        **asked.meter.as_json(points.chunk_ids),
    }


def write_map(drawn: MapExport, out: Path) -> None:
    """Write a table where the name ends in .csv, else a page, in one step: what was there before stays until the new one is whole.

    Raises MapError where it cannot be written.
    """
    try:
        with atomic_write(out) as temporary:
            (_write_table if out.suffix.lower() == ".csv" else _write_page)(drawn, temporary)
    except OSError as error:
        raise MapError(f"The map cannot be written to {out} ({error.strerror}): choose another place") from error


def _write_table(drawn: MapExport, path: Path) -> None:
    asked = drawn.asked
    columns = map_columns(drawn.points, drawn.layout, drawn.clusters, None if asked is None else asked.similarities)
    if asked is not None:
        columns = {**columns, "rank_on_screen": asked.ranks_on_map.tolist()}
    with path.open("w", encoding="utf-8", newline="") as file:
        write_rows(file, [columns, *zip(*columns.values(), strict=True)])


def _write_page(drawn: MapExport, path: Path) -> None:
    points, xy, clusters, asked = drawn.points, drawn.layout.xy, drawn.clusters, drawn.asked
    overlay, title = Overlay(), points.collection
    if asked is not None:
        add_query(overlay, points, xy, asked.star, asked.result.hits)
        add_neighbour_errors(overlay, points, xy, asked.star, asked.meter.false, asked.meter.missed)
        title = f"{title}: “{asked.result.query}”"
    add_cluster_names(overlay, clusters.centres, clusters.names)
    painting = by_cluster(clusters.labels, clusters.names) if len(clusters) else by_document(points)
    path.write_text(
        map_html(with_overlay(base_figure(points, xy, painting, hover=True), overlay, DIMMED), title), encoding="utf-8"
    )
