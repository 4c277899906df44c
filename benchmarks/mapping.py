"""Compares our UMAP layout with plain ``umap.UMAP(metric="cosine").fit``, and our query placement with ``transform``.

    python -m benchmarks.mapping --sizes 1000,10000,100000 (--vectors FILE.npy | --collections DATA) [--queries N]

``FILE.npy`` holds real vectors, shape (vectors, dimension); ``DATA`` is a folder of retrieval collections in BEIR's
layout, whose passages are embedded first. A size beyond them is reached by mixing: each further vector is a real one
plus Gaussian noise as long as that one's distance to its fifth neighbour, brought to length 1.

Every fit runs in a fresh process and is timed from its start: imports, the neighbour search, compiling, and the layout.
The time for compiling is reported separately: a small fit runs twice before, and the first run's extra time is taken
for it. Both sides run one after the other.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np

from core.projection.layouts import compute_layout
from core.projection.points import points_digest
from core.projection.quality import measure_quality
from core.projection.records import LayoutSettings, Points
from core.util.arrays import Float32Array
from core.vectors.neighbors import nearest_neighbours

EXACT = 10_000  # points up to which trustworthiness is exact, beyond on a sample
SAMPLE = 2000
# points of the small fit: from 4,096 on UMAP searches otherwise, and compiles more
SMALL = {"ours": 300, "plain": 4500}
LONGEST = 1500  # characters of a passage
K = 10
Place = Callable[[Float32Array], Float32Array]  # queries' vectors -> their coordinates, shape (queries, 2)
Fit = Callable[[Float32Array], tuple[Float32Array, dict[str, float], Place]]  # -> coordinates, seconds of the stages

# what the process of one fit prints: seconds, but ``memory`` in megabytes; ``total`` is added by ``run``
_Measured = TypedDict(
    "_Measured",
    {
        "import": float,
        "compile": float,
        "fit": float,
        "cores": float,
        "memory": float,
        "place": float,
        "stages": dict[str, float],
        "total": NotRequired[float],
    },
)


def points_of(vectors: Float32Array) -> Points:
    """Return vectors as the chunks of a collection."""
    ids, nothing = tuple(f"{number:06}" for number in range(len(vectors))), np.zeros(len(vectors), dtype=np.int64)
    return Points(
        "benchmark",
        "benchmark",
        points_digest(ids, vectors, "cosine"),
        "cosine",
        "",
        ids,
        ids,
        ids,
        nothing,
        nothing,
        nothing,
        vectors,
    )


def enlarged(vectors: Float32Array, count: int, seed: int) -> Float32Array:
    """Return ``count`` vectors of length 1, in random order: some of ``vectors``, or all of them and mixtures."""
    chance = np.random.default_rng(seed)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    if count <= len(unit):
        return np.asarray(unit[chance.permutation(len(unit))[:count]], dtype=np.float32)
    fifth = np.sqrt(2 - 2 * nearest_neighbours(unit, "cosine", 5).similarities[:, 4])
    source = chance.integers(0, len(unit), count - len(unit))
    noise = chance.standard_normal((len(source), unit.shape[1]), dtype=np.float32)
    noise *= (fifth[source] / np.linalg.norm(noise, axis=1))[:, None]
    mixed = unit[source] + noise
    everything = np.concatenate([unit, mixed / np.linalg.norm(mixed, axis=1, keepdims=True)])
    return np.asarray(everything[chance.permutation(count)], dtype=np.float32)


def embedded(data: Path) -> Float32Array:
    """Return the vectors of all passages of the collections in a folder."""
    from core.models.registry import ModelRegistry
    from core.settings import Settings

    texts: dict[str, None] = {}
    for path in sorted(data.glob("*/corpus.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            passage = json.loads(line)
            texts[f"{passage.get('title', '')}\n{passage['text']}".strip()[:LONGEST]] = None
    settings = Settings(data)
    return ModelRegistry(settings).get(settings.model).encode_documents(list(texts))


def fit_ours(vectors: Float32Array) -> tuple[Float32Array, dict[str, float], Place]:
    """Fit, and place queries, as the app does."""
    layout = compute_layout(points_of(vectors), LayoutSettings("umap"))

    def place(queries: Float32Array) -> Float32Array:
        from core.projection.placement import place_queries

        return place_queries(points_of(vectors), layout, queries)

    return layout.xy, layout.seconds, place


def fit_plain(vectors: Float32Array) -> tuple[Float32Array, dict[str, float], Place]:
    """Fit UMAP with its default settings; its ``transform`` places queries."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import umap

        mapper = umap.UMAP(metric="cosine").fit(vectors)
    return mapper.embedding_, {}, lambda queries: np.asarray(mapper.transform(queries))


def child(side: str, vectors_path: Path, queries_path: Path, out: Path) -> None:
    """Fit once in this process, and print the times; write the coordinates of points and queries to ``out``."""
    begun = time.perf_counter()
    vectors, queries = np.load(vectors_path), np.load(queries_path)
    fit: Fit = fit_ours if side == "ours" else fit_plain
    if side == "ours":
        warnings.simplefilter("ignore")
    import umap  # noqa: F401  its own time

    imported = time.perf_counter() - begun
    small = (
        np.random.default_rng(0)
        .normal(size=(SMALL[side] if len(vectors) >= 4096 else 300, vectors.shape[1]))
        .astype(np.float32)
    )
    first, second = _seconds(fit, small), _seconds(fit, small)
    begun, worked = time.perf_counter(), time.process_time()
    xy, stages, place = fit(vectors)
    seconds, worked = time.perf_counter() - begun, time.process_time() - worked
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    begun = time.perf_counter()
    places = place(queries)
    placing = time.perf_counter() - begun
    np.savez(out, xy=xy, places=places)
    print(
        json.dumps(
            {
                "import": imported,
                "compile": max(first - second, 0.0),
                "fit": seconds,
                "cores": worked,
                "memory": memory,
                "place": placing,
                "stages": stages,
            }
        )
    )


def _seconds(fit: Fit, vectors: Float32Array) -> float:
    begun = time.perf_counter()
    fit(vectors)
    return time.perf_counter() - begun


def run(side: str, vectors: Path, queries: Path, out: Path) -> _Measured:
    """Run one side in a fresh process; the total is that of a process that begins with the fit itself."""
    command = [sys.executable, "-m", "benchmarks.mapping", "--child", side, str(vectors), str(queries), str(out)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    measured: _Measured = json.loads(done.stdout.splitlines()[-1])
    measured["total"] = measured["import"] + measured["compile"] + measured["fit"]
    return measured


def nearness(
    vectors: Float32Array, xy: Float32Array, queries: Float32Array, places: Float32Array
) -> tuple[float, float]:
    """Return how well queries were placed.

    The first value is the mean share of a query's 10 nearest points that are among its 10 nearest on the map, the
    second the median of their distance on the map as a share of the map's diagonal.
    """
    shares, distances = [], []
    for query, place in zip(queries, places, strict=True):
        true = np.argsort(-(vectors @ query), kind="stable")[:K]
        flat = np.linalg.norm(xy - place, axis=1)
        shares.append(len(np.intersect1d(true, np.argsort(flat, kind="stable")[:K])) / K)
        distances.append(np.median(flat[true]))
    return float(np.mean(shares)), float(np.median(distances) / np.linalg.norm(np.ptp(xy, axis=0)))


def measure(count: int, real: Float32Array, query_count: int, folder: Path) -> None:
    """Measure one size, and print its lines of Markdown."""
    everything = enlarged(real, count + query_count, seed=count)
    vectors, queries = everything[:count], everything[count:]
    np.save(folder / "vectors.npy", vectors)
    np.save(folder / "queries.npy", queries)
    for side in ("ours", "plain"):
        measured = run(side, folder / "vectors.npy", folder / "queries.npy", folder / f"{side}.npz")
        with np.load(folder / f"{side}.npz") as arrays:
            xy, places = arrays["xy"], arrays["places"]
        quality = measure_quality(vectors, "cosine", xy, K, None if count > EXACT else count)
        share, distance = nearness(vectors, xy, queries, places)
        times = [measured["total"], measured["import"], measured["compile"], measured["fit"], measured["cores"]]
        sampled = f" ({quality.sampled:,} points)" if quality and not quality.exact else ""
        trust = f"{quality.trustworthiness:.4f}{sampled}" if quality else ""
        print(
            f"| {count:,} | {side} | {' | '.join(f'{seconds:.1f}' for seconds in times)} | {measured['memory']:,.0f} "
            f"| {trust} | {measured['place']:.2f} | {share:.2f} | {distance:.3f} |",
            flush=True,
        )
        if measured["stages"]:
            print(
                "  stages:",
                ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in measured["stages"].items()),
                file=sys.stderr,
            )


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,10000")
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--collections", type=Path)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        side, *paths = options.child
        return child(side, *(Path(path) for path in paths))
    if not options.vectors and not options.collections:
        parser.error("say which real vectors to take: --vectors or --collections")
    real = np.load(options.vectors) if options.vectors else embedded(options.collections)
    real = np.unique(real, axis=0)
    print(f"{len(real):,} real vectors of {real.shape[1]} dimensions; what is beyond them is mixed.\n")
    print(
        "| points | side | s in all | imports | compiling | fit | fit, s of all cores | peak MB | trustworthiness "
        "| s to place queries | share of 10 | distance |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for size in options.sizes.split(","):
            measure(int(size), real, options.queries, Path(folder))
    return None


if __name__ == "__main__":
    main()
