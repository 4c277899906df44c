"""Cache layouts, nearest neighbours and clusters on disk, keyed by the inputs that they were computed from."""

from __future__ import annotations

import json
import os
import zipfile
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np

from core.errors import SettingsError
from core.projection._files import FOLDER, atomic_map_write, discard, keep_newest
from core.projection.clusters import Clusters
from core.projection.records import Layout, LayoutSettings, Points
from core.records.document import short_hash
from core.vectors.neighbors import Neighbours

MAX_LAYOUTS, MAX_NEIGHBOURS = 40, 10  # files kept; clusters as many as layouts
CLUSTERS_VERSION = 2  # of how clusters are found and labelled: clusters of another version are computed anew
_DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, SettingsError)


def layout_path(data: Path, key: str) -> Path:
    """Return the path of the layout with that key in the data folder ``data``."""
    return data / FOLDER / "layouts" / f"{key}.npz"


def save_layout(data: Path, layout: Layout) -> None:
    """Write a layout; beyond MAX_LAYOUTS the least recently used ones are removed.

    Raises MapError where it cannot be written.
    """
    path = layout_path(data, layout.key)
    about = json.dumps({"settings": asdict(layout.settings), "digest": layout.digest, "seconds": layout.seconds})
    with atomic_map_write(path) as temporary, temporary.open("wb") as file:
        np.savez(file, about=np.array(about), xy=layout.xy, fitted=layout.fitted, mean=layout.mean, axes=layout.axes)
    keep_newest(path.parent, "*.npz", MAX_LAYOUTS)


def load_layout(data: Path, key: str) -> Layout | None:
    """Return a saved layout, None where there is none; a damaged file is removed."""
    path = layout_path(data, key)
    try:
        with np.load(path) as arrays:
            about = json.loads(str(arrays["about"]))
            layout = Layout(
                LayoutSettings(**about["settings"]),
                about["digest"],
                arrays["xy"],
                arrays["fitted"],
                arrays["mean"],
                arrays["axes"],
                about["seconds"],
            )
        if layout.key != key or layout.xy.shape != (len(layout.fitted), 2):
            raise ValueError("another layout")
    except FileNotFoundError:
        return None
    except _DAMAGED:
        discard(path)
        return None
    _note_use(path)
    return layout


def _neighbours_path(data: Path, digest: str) -> Path:
    return data / FOLDER / "neighbours" / f"{digest}.npz"


def save_neighbours(data: Path, digest: str, neighbours: Neighbours) -> None:
    """Write the neighbours of the points with that digest. Raises MapError where they cannot be written."""
    path = _neighbours_path(data, digest)
    with atomic_map_write(path) as temporary, temporary.open("wb") as file:
        np.savez(file, places=neighbours.indices, similarities=neighbours.similarities)
    keep_newest(path.parent, "*.npz", MAX_NEIGHBOURS)


def load_neighbours(data: Path, digest: str, k: int) -> Neighbours | None:
    """Return the saved ``k`` nearest neighbours of the points with that digest, of few points all others.

    None where fewer neighbours, or none, were saved; a damaged file is removed.
    """
    path = _neighbours_path(data, digest)
    try:
        with np.load(path) as arrays:
            indices, similarities = arrays["places"], arrays["similarities"]
        if indices.ndim != 2 or indices.shape != similarities.shape:
            raise ValueError("of different shapes")
    except FileNotFoundError:
        return None
    except _DAMAGED:
        discard(path)
        return None
    _note_use(path)
    enough = indices.shape[1] >= min(k, len(indices) - 1)
    return Neighbours(indices[:, :k], similarities[:, :k]) if enough else None


def _note_use(path: Path) -> None:
    """Set the modification time, by which the least recently used files are removed."""
    with suppress(OSError):
        os.utime(path)


def load_clusters(data: Path, points: Points, layout: Layout) -> Clusters | None:
    """Return the saved clusters of ``layout``, None where there are none; a damaged file is removed."""
    path = clusters_path(data, layout)
    try:
        with np.load(path) as arrays:
            labels, terms = arrays["labels"], json.loads(str(arrays["terms"]))
        clusters = Clusters.of(labels, layout.xy, tuple(tuple(words) for words in terms))
        if labels.shape != (len(points),) or labels.max(initial=-1) >= len(terms) or 0 in clusters.sizes:
            raise ValueError("clusters of another layout")
    except FileNotFoundError:
        return None
    except _DAMAGED:
        discard(path)
        return None
    return clusters


def save_clusters(data: Path, layout: Layout, clusters: Clusters) -> None:
    """Write the clusters of ``layout``; beyond MAX_LAYOUTS the oldest ones are removed.

    Raises MapError where they cannot be written.
    """
    path = clusters_path(data, layout)
    with atomic_map_write(path) as temporary, temporary.open("wb") as file:
        np.savez(file, labels=clusters.labels, terms=np.array(json.dumps(clusters.terms)))
    keep_newest(path.parent, "*.npz", MAX_LAYOUTS)


def clusters_path(data: Path, layout: Layout) -> Path:
    """Return the path of the clusters of ``layout`` in the data folder ``data``."""
    return data / FOLDER / "clusters" / f"{clusters_key(layout)}.npz"


def clusters_key(layout: Layout) -> str:
    """Return the cache key of the clusters of ``layout``."""
    return short_hash(layout.key, f"clusters {CLUSTERS_VERSION}")
