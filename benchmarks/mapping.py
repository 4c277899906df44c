"""The map: our UMAP path against plain ``umap.UMAP(metric="cosine").fit`` on the same vectors, and queries placed against ``transform``.

    python -m benchmarks.mapping --sizes 1000,10000,100000 (--vectors FILE.npy | --collections DATA) [--queries N]

``FILE.npy`` holds real vectors, shape (vectors, dimension); ``DATA`` is a folder of retrieval collections in BEIR's layout, whose passages are
embedded first. A size beyond them is reached by mixing: each further vector is a real one plus Gaussian noise as
long as that one's distance to its fifth neighbour, brought to length 1.

Every fit runs in a fresh process and counts from its start: imports, the neighbour search, compiling, and the layout. What compiling takes is
told apart: a small fit runs twice before, and the first one's surplus is it. Both sides run one after the other.
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
from typing import Any

import numpy as np

from core.projection.layouts import compute_layout
from core.projection.points import points_digest
from core.projection.quality import measure_quality
from core.projection.records import Layout, LayoutSettings, Points
from core.util.arrays import Float32Array
from core.vectors.neighbors import nearest_neighbours

EXACT = 10_000  # points up to which trustworthiness is exact, beyond on a sample
SAMPLE = 2000
# points of the small fit: from 4,096 on UMAP searches otherwise, and compiles more
SMALL = {"ours": 300, "plain": 4500}
LONGEST = 1500  # characters of a passage
K = 10
Fit = Callable[[Float32Array], tuple[Float32Array, dict[str, float], Any]]


def points_of(vectors: Float32Array) -> Points:
    """Return vectors as the chunks of a collection."""
    many = len(vectors)
    ids, nothing = tuple(f"{number:06}" for number in range(many)), np.zeros(many, dtype=np.int64)
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


def enlarged(vectors: Float32Array, many: int, seed: int) -> Float32Array:
    """Return ``many`` vectors of length 1, in random order: some of ``vectors``, or all of them and mixtures."""
    chance = np.random.default_rng(seed)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    if many <= len(unit):
        return np.asarray(unit[chance.permutation(len(unit))[:many]], dtype=np.float32)
    fifth = np.sqrt(2 - 2 * nearest_neighbours(unit, "cosine", 5).similarities[:, 4])
    source = chance.integers(0, len(unit), many - len(unit))
    noise = chance.standard_normal((len(source), unit.shape[1]), dtype=np.float32)
    noise *= (fifth[source] / np.linalg.norm(noise, axis=1))[:, None]
    mixed = unit[source] + noise
    everything = np.concatenate([unit, mixed / np.linalg.norm(mixed, axis=1, keepdims=True)])
    return np.asarray(everything[chance.permutation(many)], dtype=np.float32)


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


def fit_ours(vectors: Float32Array) -> tuple[Float32Array, dict[str, float], Layout]:
    """Fit as the app does."""
    layout = compute_layout(points_of(vectors), LayoutSettings("umap"))
    return layout.xy, layout.seconds, layout


def fit_plain(vectors: Float32Array) -> tuple[Float32Array, dict[str, float], Any]:
    """Fit as UMAP comes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import umap

        mapper = umap.UMAP(metric="cosine").fit(vectors)
    return mapper.embedding_, {}, mapper


def place_ours(mapper: Layout, vectors: Float32Array, queries: Float32Array) -> Float32Array:
    """Place queries as the app does."""
    from core.projection.placement import place_queries

    return place_queries(points_of(vectors), mapper, queries)


def place_plain(mapper: Any, _vectors: Float32Array, queries: Float32Array) -> Float32Array:
    """Place queries by UMAP's transform."""
    return np.asarray(mapper.transform(queries))


def child(side: str, vectors_path: Path, queries_path: Path, out: Path) -> None:
    """Fit once in this process, and print what it took; ``out`` gets the picture and the queries' places."""
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
    xy, stages, mapper = fit(vectors)
    seconds, worked = time.perf_counter() - begun, time.process_time() - worked
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    begun = time.perf_counter()
    places = (place_ours if side == "ours" else place_plain)(mapper, vectors, queries)
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


def run(side: str, vectors: Path, queries: Path, out: Path) -> dict[str, Any]:
    """Run one side in a fresh process. What it took in all is counted as if it had begun with the fit itself."""
    command = [sys.executable, "-m", "benchmarks.mapping", "--child", side, str(vectors), str(queries), str(out)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**told, "total": told["import"] + told["compile"] + told["fit"]}


def nearness(
    vectors: Float32Array, xy: Float32Array, queries: Float32Array, places: Float32Array
) -> tuple[float, float]:
    """Return how well queries were placed: the mean share of the 10 truly nearest that are among the 10 nearest on screen, and their median distance there.

    The distance is told as a part of the picture's diagonal.
    """
    shares, apart = [], []
    for query, place in zip(queries, places, strict=True):
        true = np.argsort(-(vectors @ query), kind="stable")[:K]
        flat = np.linalg.norm(xy - place, axis=1)
        shares.append(len(np.intersect1d(true, np.argsort(flat, kind="stable")[:K])) / K)
        apart.append(np.median(flat[true]))
    return float(np.mean(shares)), float(np.median(apart) / np.linalg.norm(np.ptp(xy, axis=0)))


def measure(many: int, real: Float32Array, asked: int, folder: Path) -> None:
    """Measure one size, and print its lines of Markdown."""
    everything = enlarged(real, many + asked, seed=many)
    vectors, queries = everything[:many], everything[many:]
    np.save(folder / "vectors.npy", vectors)
    np.save(folder / "queries.npy", queries)
    for side in ("ours", "plain"):
        told = run(side, folder / "vectors.npy", folder / "queries.npy", folder / f"{side}.npz")
        with np.load(folder / f"{side}.npz") as held:
            xy, places = held["xy"], held["places"]
        trust = measure_quality(vectors, "cosine", xy, K, None if many > EXACT else many)
        share, apart = nearness(vectors, xy, queries, places)
        figures = [f"{told[name]:.1f}" for name in ("total", "import", "compile", "fit", "cores")]
        kept = f"{trust.trustworthiness:.4f}{'' if trust.exact else f' ({trust.points:,} points)'}" if trust else ""
        print(
            f"| {many:,} | {side} | {' | '.join(figures)} | {told['memory']:,.0f} | {kept} | {told['place']:.2f} | {share:.2f} | {apart:.3f} |",
            flush=True,
        )
        if told["stages"]:
            print(
                "  stages:",
                ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in told["stages"].items()),
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
        "| points | side | s in all | imports | compiling | fit | fit, s of all cores | peak MB | trustworthiness | s to place queries | share of 10 | distance |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for size in options.sizes.split(","):
            measure(int(size), real, options.queries, Path(folder))
    return None


if __name__ == "__main__":
    main()
