"""Does the index rank as exact search over plain float32 vectors does?

    python -m benchmarks.agreement COLLECTION_DIR [--queries N]

The documents of a retrieval collection in BEIR's layout are indexed as files, once in float32 and once
in bfloat16; the top 10 of ``search --json`` are compared with a brute-force ranking of the same chunks
by vectors from ``SentenceTransformer.encode``.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import tempfile
from pathlib import Path
from typing import TypedDict, cast

import numpy as np
from sentence_transformers import SentenceTransformer

from benchmarks.indexing import chunks_of, write_files
from core.cli.main import main as shell
from core.models.hub import built_in_folder
from core.settings import quiet_environment

TOP = 10


class _Hit(TypedDict):
    chunk_id: str


def search_hits(query: str) -> list[_Hit]:
    """Return the hits of ``search --json`` in the collection of this benchmark."""
    return cast(list[_Hit], json.loads(run_command("search", "bench", query))["hits"])


def run_command(*arguments: str) -> str:
    """Run a shell command in this process and return the JSON text that it prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        assert shell([*arguments, "--json"]) == 0
    return out.getvalue()


def exact(root: Path, queries: list[str]) -> list[list[str]]:
    """Return the ids of the brute-force top 10 of each query; equal scores in the order of ids."""
    rows = sorted(
        (json.loads(line) for line in (root / "chunks.jsonl").read_text().splitlines()), key=lambda row: row["id"]
    )
    plain = SentenceTransformer(str(built_in_folder()))
    scores = plain.encode(queries) @ plain.encode([row["text"] for row in rows]).T
    return [[rows[index]["id"] for index in np.argsort(-line, kind="stable")[:TOP]] for line in scores]


def main() -> None:
    """Measure, and print a line of Markdown for each precision."""
    quiet_environment()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection", type=Path)
    parser.add_argument("--queries", type=int, default=50)
    options = parser.parse_args()
    lines = (options.collection / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    queries = [json.loads(line)["text"] for line in lines[: options.queries]]
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        write_files(options.collection, root / "files", 10**9)
        expected: list[list[str]] = []
        for precision in ("float32", "bfloat16"):
            os.environ.update(RANKSCOPE_PRECISION=precision, RANKSCOPE_DATA=str(root / precision))
            run_command("index", str(root / "files"), "--collection", "bench")
            count = chunks_of(root / precision, root / "chunks.jsonl")
            expected = expected or exact(root, queries)
            actual = [[hit["chunk_id"] for hit in search_hits(query)] for query in queries]
            same = sum(
                a == b for mine, other in zip(actual, expected, strict=True) for a, b in zip(mine, other, strict=True)
            )
            shared = sum(len(set(mine) & set(other)) for mine, other in zip(actual, expected, strict=True))
            total = TOP * len(queries)
            shares = [f"{hits} of {total} ({hits / total:.1%})" for hits in (same, shared)]
            print(f"| {precision} | {count:,} | {' | '.join(shares)} |", flush=True)


if __name__ == "__main__":
    main()
