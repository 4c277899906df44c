"""Measures how well each chunking method lets the bi-encoder retrieve the judged spans.

    python -m benchmarks.cutting DATA [--documents 40] [--queries 150] [--ways structure:200,sentences:100]

Passages of a collection whose ids count up are put together again to the documents they were cut from; the judged
passages are the judged spans. Of the relevant characters of a query

- recall@5 is the share that the first five chunks hold,
- recall in 1,000 tokens is the share that the chunks hold which fit into a thousand tokens, in their order: long chunks
  get no advantage from being long,
- nDCG@10 discounts by rank the share that each chunk holds first; to hold all at rank 1 is 1.

Vectors are compared exactly, without an index.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.chunking.chunker import Chunker
from core.formats.beir import read_beir
from core.models.bi_encoder import BiEncoder
from core.models.registry import ModelRegistry
from core.records.document import Document
from core.records.search import Chunk, ChunkSettings, Method
from core.settings import Settings, quiet_environment

COLLECTIONS = ("chunkeval", "covidqa")
GAP = "\n\n"
PASSAGE = re.compile(r"(.*)-(\d+)")
WAYS = (
    "structure:100,structure:200,structure:254,structure:200:0,sentences:100,sentences:200,tokens:100,tokens:200,tokens:254,"
    "meaning:100,meaning:200,meaning:200:80"
)
BUDGET = 1000  # tokens
Spans = list[tuple[str, int, int]]


@dataclass(frozen=True)
class Task:
    """Whole documents, queries, and the spans that answer each query."""

    documents: list[Document]
    queries: dict[str, str]
    relevant: dict[str, Spans]


def read_task(folder: Path, most_documents: int, most_queries: int) -> Task:
    """Put the documents of a collection together again; of each a part, evenly over the file."""
    judged = read_beir(folder, "test")
    with (folder / "corpus.jsonl").open(encoding="utf-8") as lines:
        # without the titles, which would stand between
        corpus = {row["_id"]: row["text"] for row in map(json.loads, lines)}
    passages: dict[str, list[tuple[int, str]]] = {}
    for passage_id in corpus:
        match = PASSAGE.fullmatch(passage_id)
        if match:
            passages.setdefault(match[1], []).append((int(match[2]), passage_id))
    documents, places = [], {}
    for name in _spread(sorted(passages), most_documents):
        text = ""
        for _, passage_id in sorted(passages[name]):
            places[passage_id] = (name, len(text), len(text) + len(corpus[passage_id]))
            text += corpus[passage_id] + GAP
        documents.append(Document(name, text))
    relevant = {
        query: [places[passage] for passage, grade in qrels.items() if grade > 0]
        for query, qrels in judged.qrels["test"].items()
        if all(p in places for p in qrels)
    }
    chosen = _spread([query for query, spans in relevant.items() if spans], most_queries)
    return Task(
        documents, {query: judged.queries[query] for query in chosen}, {query: relevant[query] for query in chosen}
    )


def _spread(items: Sequence[str], most: int) -> list[str]:
    return [items[index * len(items) // most] for index in range(most)] if most < len(items) else list(items)


def measure(task: Task, settings: ChunkSettings, encoder: BiEncoder) -> tuple[int, float, float, float]:
    """Return the number of chunks, recall@5, recall in 1,000 tokens and nDCG@10, means over the queries."""
    names = {document.id: document.name for document in task.documents}
    chunkers = [Chunker(document, encoder.tokens, encoder) for document in task.documents]
    chunks = [chunk for chunker in chunkers for chunk in chunker.chunk(settings)]
    vectors = encoder.encode_documents([chunk.read for chunk in chunks])
    queries = np.stack([encoder.encode_query(query) for query in task.queries.values()])
    ranked = np.argsort(-(queries @ vectors.T), axis=1, kind="stable")[:, :50]
    scores = []
    for spans, order in zip(task.relevant.values(), ranked, strict=True):
        scores.append(_scores([chunks[index] for index in order], names, spans))
    recall, within, ndcg = np.mean(scores, axis=0).tolist()
    return len(chunks), recall, within, ndcg


def _scores(hits: Sequence[Chunk], names: dict[str, str], spans: Spans) -> tuple[float, float, float]:
    total = sum(end - start for _, start, end in spans)
    covered = [np.zeros(end - start, dtype=bool) for _, start, end in spans]
    gains, tokens, within = [], 0, 0.0
    for hit in hits:
        before = sum(int(mask.sum()) for mask in covered)
        for mask, (name, start, _) in zip(covered, spans, strict=True):
            if names[hit.document_id] == name:
                mask[max(hit.start - start, 0) : max(hit.end - start, 0)] = True
        gains.append((sum(int(mask.sum()) for mask in covered) - before) / total)
        tokens += hit.tokens
        within += gains[-1] if tokens <= BUDGET else 0.0
    ndcg = sum(gain / np.log2(rank + 1) for rank, gain in enumerate(gains[:10], 1))
    return sum(gains[:5]), within, ndcg


def _settings(way: str) -> ChunkSettings:
    """Read ``method:size`` with perhaps a third number: the overlap, or the percentile of meaning."""
    method: Method
    method, size, *more = way.split(":")  # type: ignore[assignment]  # ChunkSettings checks the method
    if method == "meaning":
        return ChunkSettings(
            int(size), int(size) // 5, method, percentile=int(more[0]) if more else ChunkSettings().percentile
        )
    return ChunkSettings(int(size), int(more[0]) if more else int(size) // 5, method)


def main() -> None:
    """Measure, and print a table of Markdown."""
    quiet_environment()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--documents", type=int, default=40)
    parser.add_argument("--queries", type=int, default=150)
    parser.add_argument("--ways", default=WAYS)
    options = parser.parse_args()
    encoder = ModelRegistry(Settings.from_environment()).get()
    for name in COLLECTIONS:
        task = read_task(options.data / name, options.documents, options.queries)
        characters = sum(len(document.text) for document in task.documents)
        print(f"\n{name}: {len(task.documents)} documents, {characters:,} characters, {len(task.queries)} queries\n")
        print(
            "| way | size | overlap | chunks | recall@5 | recall in 1,000 tokens | nDCG@10 | seconds |\n|"
            + " --- |" * 8
        )
        for way in options.ways.split(","):
            settings, started = _settings(way), time.perf_counter()
            chunks, recall, within, ndcg = measure(task, settings, encoder)
            label = f"{settings.method} {settings.percentile}" if settings.method == "meaning" else settings.method
            seconds = time.perf_counter() - started
            print(
                f"| {label} | {settings.size} | {settings.overlap} | {chunks:,} | {recall:.3f} | {within:.3f} "
                f"| {ndcg:.3f} | {seconds:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
