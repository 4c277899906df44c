"""The worker's task of laying out points that are kept on the disk."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.projection._part_projection_kept_points import open_points
from core.projection.cache import keep_layout
from core.projection.layouts import lay_out
from core.projection.records import LayoutSettings, Points, Report


def layout_task(data: Path, points: Points, settings: LayoutSettings) -> dict[str, Any]:
    """Return the task of laying out ``points``, which are kept in the data folder ``data``."""
    return {"name": "layout", "data": str(data.absolute()), "key": points.key, "digest": points.digest, "settings": asdict(settings)}


def run(task: dict[str, Any], report: Report) -> None:
    """Lay out, and keep the layout in the data folder. Raises MapError."""
    data = Path(task["data"])
    points = open_points(data, task["key"], task["digest"])
    keep_layout(data, lay_out(points, LayoutSettings(**task["settings"]), report=report, keep_in=data))
