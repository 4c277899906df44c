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

LAYOUTS, NEIGHBOURS = 40, 10  # kept at most
_DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, SettingsError)


def layout_path(data: Path, key: str) -> Path:
    """Return where the layout of that key is kept in the data folder ``data``."""
    return data / FOLDER / "layouts" / f"{key}.npz"


def save_layout(data: Path, layout: Layout) -> None:
    """Write a layout. Those that were used least lately make room. Raises MapError where it cannot be written."""
    path = layout_path(data, layout.key)
    about = json.dumps({"settings": asdict(layout.settings), "digest": layout.digest, "seconds": layout.seconds})
    with atomic_map_write(path) as beside, beside.open("wb") as file:
        np.savez(file, about=np.array(about), xy=layout.xy, fitted=layout.fitted, mean=layout.mean, axes=layout.axes)
    keep_newest(path.parent, "*.npz", LAYOUTS)


def load_layout(data: Path, key: str) -> Layout | None:
    """Return a layout that was kept, None where there is none; one that is damaged is removed."""
    path = layout_path(data, key)
    try:
        with np.load(path) as held:
            about = json.loads(str(held["about"]))
            layout = Layout(
                LayoutSettings(**about["settings"]),
                about["digest"],
                held["xy"],
                held["fitted"],
                held["mean"],
                held["axes"],
                about["seconds"],
            )
        if layout.key != key or layout.xy.shape != (len(layout.fitted), 2):
            raise ValueError("it is another's")
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
    """Write the neighbours of points of that digest, in place of fewer. Raises MapError where they cannot be written."""
    path = _neighbours_path(data, digest)
    with atomic_map_write(path) as beside, beside.open("wb") as file:
        np.savez(file, places=neighbours.indices, similarities=neighbours.similarities)
    keep_newest(path.parent, "*.npz", NEIGHBOURS)


def load_neighbours(data: Path, digest: str, k: int) -> Neighbours | None:
    """Return the ``k`` nearest neighbours of points of that digest, or all of fewer points; None where not so many were kept."""
    path = _neighbours_path(data, digest)
    try:
        with np.load(path) as held:
            places, similarities = held["places"], held["similarities"]
        if places.ndim != 2 or places.shape != similarities.shape:
            raise ValueError("of different shapes")
    except FileNotFoundError:
        return None
    except _DAMAGED:
        discard(path)
        return None
    _note_use(path)
    enough = places.shape[1] >= min(k, len(places) - 1)
    return Neighbours(places[:, :k], similarities[:, :k]) if enough else None


def _note_use(path: Path) -> None:
    with suppress(OSError):
        os.utime(path)


VERSION = 2  # of how clusters are found and named: another one makes them anew
_DAMAGED_CLUSTERS = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)


def load_clusters(data: Path, points: Points, layout: Layout) -> Clusters | None:
    """Return the clusters of ``layout`` if they were found before, else None; what is damaged is removed."""
    path = clusters_path(data, layout)
    try:
        with np.load(path) as held:
            labels, terms = held["labels"], json.loads(str(held["terms"]))
        clusters = Clusters.of(labels, layout.xy, tuple(tuple(words) for words in terms))
        if labels.shape != (len(points),) or labels.max(initial=-1) >= len(terms) or 0 in clusters.sizes:
            raise ValueError("of another picture")
    except FileNotFoundError:
        return None
    except _DAMAGED_CLUSTERS:
        discard(path)
        return None
    return clusters


def save_clusters(data: Path, layout: Layout, clusters: Clusters) -> None:
    """Write the clusters of ``layout`` into the data folder; the oldest make room. Raises MapError where they cannot be written."""
    path = clusters_path(data, layout)
    with atomic_map_write(path) as beside, beside.open("wb") as file:
        np.savez(file, labels=clusters.labels, terms=np.array(json.dumps(clusters.terms)))
    keep_newest(path.parent, "*.npz", LAYOUTS)


def clusters_path(data: Path, layout: Layout) -> Path:
    """Return where the clusters of ``layout`` are kept."""
    return data / FOLDER / "clusters" / f"{clusters_key(layout)}.npz"


def clusters_key(layout: Layout) -> str:
    """Return the key under which the clusters of ``layout`` are kept."""
    return short_hash(layout.key, f"clusters {VERSION}")
