"""Milliseconds of a search against plain ``encode`` plus ``collection.query``, in turns, in one process.

    python -m benchmarks.queries DATA COLLECTION QUERIES_JSONL

``DATA`` is a data folder with the indexed ``COLLECTION``; the peer asks the same Chroma collection.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer

from core.models.hub import built_in_folder
from core.retrieval.search import search
from core.settings import Settings, quiet_environment
from core.workspace import Workspace

COUNT = 200


def main() -> None:
    """Measure, and print a line of Markdown."""
    quiet_environment()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("collection")
    parser.add_argument("queries", type=Path)
    options = parser.parse_args()
    queries = [json.loads(line)["text"] for line in options.queries.read_text(encoding="utf-8").splitlines()[:COUNT]]
    workspace = Workspace.open(Settings(options.data))
    plain = SentenceTransformer(str(built_in_folder()))
    name = workspace.store.collection(options.collection).chroma_name
    with workspace.store._chroma.client("the benchmark") as client:
        peer_collection = client.get_collection(name, embedding_function=None)
    ours, peer = [], []
    for query in ["warm up", *queries]:
        started = time.perf_counter()
        search(workspace, options.collection, query)
        middle = time.perf_counter()
        vector = np.asarray(plain.encode(query, show_progress_bar=False))
        peer_collection.query(query_embeddings=[vector], n_results=10, include=["documents", "metadatas", "distances"])
        ours.append((middle - started) * 1e3)
        peer.append((time.perf_counter() - middle) * 1e3)
    mine, other = statistics.median(ours[1:]), statistics.median(peer[1:])
    print(f"| {options.collection} | {peer_collection.count():,} | {mine:.1f} | {other:.1f} | {mine / other:.2f} |")


if __name__ == "__main__":
    main()
