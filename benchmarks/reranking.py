"""Milliseconds of reranking against ``CrossEncoder.predict`` as it comes, in turns, in one process.

    python -m benchmarks.reranking BEIR_DIR [--model ID]

The pairs are each query with the first documents that the bi-encoder finds, as a search would rerank them.
"""

from __future__ import annotations

import argparse
import statistics
import time
from itertools import islice
from pathlib import Path

import numpy as np
from torch.nn import Identity

from core.formats.beir import BeirDataset, read_beir
from core.models.bi_encoder import SentenceTransformerEncoder
from core.models.cross_encoder import SentenceTransformersCrossEncoder
from core.models.hub import load_cross_encoder
from core.retrieval.bm25 import top_rows
from core.retrieval.comparison import kendall_tau
from core.settings import BUILT_IN_MODEL, BUILT_IN_RERANKER, quiet_environment

POOLS = (10, 50, 200)
DOCUMENTS = 1500


def main() -> None:
    """Measure, and print a table of Markdown."""
    quiet_environment()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default=BUILT_IN_RERANKER)
    parser.add_argument("--queries", type=int, default=8)
    options = parser.parse_args()
    pools = _pools(read_beir(options.folder, "test"), options.queries)
    ours = SentenceTransformersCrossEncoder.load(options.model)
    plain, _ = load_cross_encoder(options.model, "cpu")
    plain.predict(pools[0][:8], show_progress_bar=False)
    print(
        "| pairs | ours, ms | predict, ms | ratio | a pair, ms | tau | same first |\n"
        "| --- | --- | --- | --- | --- | --- | --- |"
    )
    for size in POOLS:
        mine, theirs, taus, first = [], [], [], 0
        for pairs in [pool[:size] for pool in pools]:
            started = time.perf_counter()
            logits = ours.score(pairs).logits
            middle = time.perf_counter()
            expected = np.asarray(plain.predict(pairs, show_progress_bar=False, activation_fn=Identity()))
            mine.append((middle - started) * 1e3)
            theirs.append((time.perf_counter() - middle) * 1e3)
            order, other = (np.argsort(-scores, kind="stable").astype(str).tolist() for scores in (logits, expected))
            taus.append(kendall_tau(order, other))
            first += order[0] == other[0]
        one, two = statistics.median(mine), statistics.median(theirs)
        print(
            f"| {size} | {one:.0f} | {two:.0f} | {two / one:.2f} | {one / size:.1f} | {statistics.mean(taus):.4f} "
            f"| {first} of {len(pools)} |",
            flush=True,
        )


def _pools(judged: BeirDataset, queries: int) -> list[list[tuple[str, str]]]:
    encoder = SentenceTransformerEncoder.load(BUILT_IN_MODEL)
    texts = judged.texts[:DOCUMENTS]
    vectors = encoder.encode_documents(texts)
    pools = []
    for query in islice(judged.judged_queries("test").values(), queries):
        order = top_rows(vectors @ encoder.encode_query(query), judged.document_ids[:DOCUMENTS], max(POOLS))
        pools.append([(query, texts[row]) for row in order])
    return pools


if __name__ == "__main__":
    main()
