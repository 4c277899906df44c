"""Placing queries on a map against umap-learn's ``transform``, on the same fitted map, in one process.

    python -m benchmarks.placing VECTORS.npy QUERIES.npy [--chunks 2000]

Both files hold float32 rows of one model. Of each way: milliseconds a query for all at once and for each alone, how
many of a query's true 10 nearest chunks are among the 10 nearest to its star on the map (mean share, 1 is best), and
the distance from the star to those 10 (the median of each query's median) as a share of the map's diagonal (0 is best).
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.projection._algorithms import place_by_neighbours
from core.projection.placement import place_queries
from core.projection.quality import compare_neighbours
from core.projection.records import Layout, LayoutSettings, Points
from core.util.arrays import Float32Array
from core.vectors.neighbors import nearest_neighbours_of

K = 10
COUNT = 100  # queries
Place = Callable[[Float32Array], Float32Array]


@dataclass(frozen=True)
class Placed:
    """How one way placed the queries."""

    way: str
    together: float  # milliseconds a query
    alone: float
    share: float
    distance: float

    def row(self) -> str:
        """Return a row of a Markdown table."""
        return f"| {self.way} | {self.together:.2f} | {self.alone:.1f} | {self.share:.3f} | {self.distance:.4f} |"


def measure_placing(vectors: Float32Array, queries: Float32Array, seed: int = 42, model: Any = None) -> list[Placed]:
    """Place ``queries`` in a plain UMAP of ``vectors`` (chunks, dimension), fitted here unless ``model`` is given."""
    if model is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from umap import UMAP

            model = UMAP(metric="cosine", random_state=seed).fit(vectors)
    xy = np.asarray(model.embedding_, dtype=np.float32)
    points = _points(vectors)
    layout = Layout(
        LayoutSettings(),
        "benchmark",
        xy,
        np.ones(len(xy), dtype=bool),
        np.empty(0, np.float32),
        np.empty((0, 2), np.float32),
    )
    true = nearest_neighbours_of(vectors, "cosine", queries, 15)
    ways: dict[str, Place] = {
        "umap-learn's transform": lambda rows: np.asarray(model.transform(rows), dtype=np.float32),
        "ours": lambda rows: place_queries(points, layout, rows),
    }
    measured = [_measure(name, way, queries, xy, true.indices) for name, way in ways.items()]
    mean = place_by_neighbours(true.similarities, xy[true.indices], "cosine")
    return [
        *measured,
        Placed("weighted mean of 15 neighbours", float("nan"), float("nan"), *_quality(mean, xy, true.indices)),
    ]


def _measure(name: str, way: Place, queries: Float32Array, xy: Float32Array, true: npt.NDArray[np.int32]) -> Placed:
    way(queries[:1])  # compilers and caches are warm before the clock starts
    started = time.perf_counter()
    stars = way(queries)
    middle = time.perf_counter()
    for query in queries[:10]:
        way(query[None])
    alone = (time.perf_counter() - middle) / min(10, len(queries))
    return Placed(name, (middle - started) / len(queries) * 1e3, alone * 1e3, *_quality(stars, xy, true))


def _quality(stars: Float32Array, xy: Float32Array, true: npt.NDArray[np.int32]) -> tuple[float, float]:
    diagonal = float(np.linalg.norm(np.ptp(xy, axis=0)))
    meters = [compare_neighbours(rows.tolist(), xy, star, K) for rows, star in zip(true, stars, strict=True)]
    distances = [
        float(np.median(np.linalg.norm(xy[rows[:K]] - star, axis=1))) for rows, star in zip(true, stars, strict=True)
    ]
    return float(np.mean([len(meter.kept) / meter.k for meter in meters])), float(np.median(distances)) / diagonal


def _points(vectors: Float32Array) -> Points:
    ids = tuple(str(number) for number in range(len(vectors)))
    spans = np.zeros(len(vectors), dtype=np.int64)
    return Points("benchmark", "benchmark", "benchmark", "cosine", "", ids, ids, ids, spans, spans, spans, vectors)


def main() -> None:
    """Measure, and print a table of Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vectors", type=Path)
    parser.add_argument("queries", type=Path)
    parser.add_argument("--chunks", type=int, default=2000)
    options = parser.parse_args()
    vectors, queries = (
        np.ascontiguousarray(np.load(path)[:count], dtype=np.float32)
        for path, count in ((options.vectors, options.chunks), (options.queries, COUNT))
    )
    print(
        f"{len(vectors):,} chunks, {len(queries)} queries\n\n"
        "| way | ms a query, together | alone | true 10 among the 10 on the map | distance |\n"
        "| --- | --- | --- | --- | --- |"
    )
    for placed in measure_placing(vectors, queries):
        print(placed.row())


if __name__ == "__main__":
    main()
