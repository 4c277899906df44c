"""The clusters of a picture: asked for in the background, and kept beside the pictures."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.projection._part_projection_job import Projection
from core.projection._part_projection_kept_points import is_kept, keep_points
from core.projection.cache import LAYOUTS, keep_layout, layout_path
from core.projection.clusters import Clusters
from core.projection.jobs import Projections
from core.projection.records import Layout, Points
from core.records.document import short_hash
from core.records.search import Collection
from core.util.files import FOLDER, discard, keep_newest, replacing

if TYPE_CHECKING:  # it brings Chroma with it, which the worker does not need
    from core.workspace import Workspace

VERSION = 2  # of how clusters are found and named: another one makes them anew
_DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)


def ask_clusters(projections: Projections, workspace: Workspace, collection: Collection, points: Points, layout: Layout, again: bool = False) -> Projection:
    """Return the job that finds and names the clusters of ``layout``, begun if nobody has asked for them.

    When it is done ``kept_clusters`` returns them. One that failed or was cancelled is returned as it is, unless it shall be tried ``again``.
    Raises MapError where nothing can be kept.
    """
    data = workspace.settings.data
    if not is_kept(data, points):
        keep_points(data, points)
    if not layout_path(data, layout.key).exists():
        keep_layout(data, layout)
    task = {"name": "clusters", "data": str(data.absolute()), "key": collection.key, "digest": points.digest, "layout": layout.key}
    return projections.start(f"clusters-{_key(layout)}", task, again)


def kept_clusters(projections: Projections, points: Points, layout: Layout) -> Clusters | None:
    """Return the clusters of ``layout`` if they were found before, else None; what is damaged is removed."""
    path = clusters_path(projections.data, layout)
    try:
        with np.load(path) as held:
            labels, terms = held["labels"], json.loads(str(held["terms"]))
        clusters = Clusters.of(labels, layout.xy, tuple(tuple(words) for words in terms))
        if labels.shape != (len(points),) or labels.max(initial=-1) >= len(terms) or 0 in clusters.sizes:
            raise ValueError("of another picture")
    except FileNotFoundError:
        return None
    except _DAMAGED:
        discard(path)
        return None
    return clusters


def keep_clusters(data: Path, layout: Layout, clusters: Clusters) -> None:
    """Write the clusters of ``layout`` into the data folder; the oldest make room. Raises MapError where they cannot be written."""
    path = clusters_path(data, layout)
    with replacing(path) as beside, beside.open("wb") as file:
        np.savez(file, labels=clusters.labels, terms=np.array(json.dumps(clusters.terms)))
    keep_newest(path.parent, "*.npz", LAYOUTS)


def clusters_path(data: Path, layout: Layout) -> Path:
    """Return where the clusters of ``layout`` are kept."""
    return data / FOLDER / "clusters" / f"{_key(layout)}.npz"


def _key(layout: Layout) -> str:
    return short_hash(layout.key, f"clusters {VERSION}")
