"""Measures each system on collections with judged queries, and on the sample library's tricky pairs.

    python -m benchmarks.quality DATA [--collections cranfield,cosqa] [--queries 200] [--pool 50]

Queries beyond the number asked for are left out, evenly over the file.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from core.evaluation.metrics import aggregate, per_query
from core.evaluation.runner import run_dataset
from core.evaluation.systems import SYSTEMS
from core.formats.beir import BeirDataset, read_beir
from core.models.registry import ModelRegistry
from core.retrieval.comparison import score_pairs
from core.samples.pairs import KINDS, trick_pairs
from core.settings import Settings, quiet_environment

METRICS = ("nDCG@10", "R@10")


def main() -> None:
    """Measure, and print tables of Markdown."""
    quiet_environment()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--collections", default="cranfield,nq-small,covidqa,chunkeval,cosqa,xquad-en")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--pool", type=int, default=50)
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    options = parser.parse_args()
    catalog = ModelRegistry(Settings.from_environment())
    systems = options.systems.split(",")
    _pairs(catalog)
    print("\n| collection | queries | " + " | ".join(systems) + " |\n|" + " --- |" * (2 + len(systems)))
    for name in options.collections.split(","):
        judged = _spread(read_beir(options.data / name, "test"), options.queries)
        runs = run_dataset(judged, catalog.get(), catalog.reranker(), options.pool, systems)
        cells = []
        for run in runs.values():
            values = per_query(judged.qrels["test"], run.ranking, METRICS)
            cells.append(" / ".join(f"{aggregate(values[metric]).mean:.3f}".removeprefix("0") for metric in METRICS))
        print(f"| {name} | {len(judged.qrels['test'])} | " + " | ".join(cells) + " |", flush=True)


def _spread(judged: BeirDataset, most: int) -> BeirDataset:
    qrels = judged.qrels["test"]
    ids = list(qrels)
    kept = [ids[index * len(ids) // most] for index in range(most)] if most < len(ids) else ids
    return replace(judged, qrels={"test": {query: qrels[query] for query in kept}})


def _pairs(catalog: ModelRegistry) -> None:
    pairs = trick_pairs()
    scores = score_pairs(
        catalog.get(), catalog.reranker(), [(pair.query, pair.right.text, pair.wrong.text) for pair in pairs]
    )
    print("| tricky pairs | pairs | bi-encoder right | cross-encoder right |\n| --- | --- | --- | --- |")
    for kind in (*KINDS, "all"):
        of_kind = [score for pair, score in zip(pairs, scores, strict=True) if kind in ("all", pair.kind)]
        bi, cross = sum(s.bi_prefers_first for s in of_kind), sum(s.cross_prefers_first for s in of_kind)
        print(f"| {kind} | {len(of_kind)} | {bi} | {cross} |", flush=True)


if __name__ == "__main__":
    main()
