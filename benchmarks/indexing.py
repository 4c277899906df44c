"""Chunks per second of ``python -m core index`` against plain ``encode`` plus ``collection.add``.

    python -m benchmarks.indexing COLLECTION_DIR [--documents N] [--rounds N]

``COLLECTION_DIR`` is a retrieval collection in BEIR's layout; its documents are written as files. Both
sides run as whole commands on the same chunks, in turns, and the best of each counts: the machine may
be shared. The rates leave out start-up, which is the same imports on both sides: ours is that of loading,
chunking, embedding and storing, the peer's that of embedding and storing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from core.settings import Settings, quiet_environment
from core.workspace import Workspace


def write_files(source: Path, folder: Path, count: int) -> None:
    """Write the first ``count`` documents of ``corpus.jsonl`` as text files."""
    folder.mkdir()
    with (source / "corpus.jsonl").open(encoding="utf-8") as lines:
        for _, line in zip(range(count), lines, strict=False):
            row = json.loads(line)
            name = row["_id"].replace("/", "_")
            (folder / f"{name}.txt").write_text(f"{row['title']}\n\n{row['text']}".strip(), encoding="utf-8")


def timed(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Run a command that prints its own ``seconds`` as JSON; return those, and the seconds of the whole command."""
    started = time.perf_counter()
    run = subprocess.run(
        command, env={**os.environ, **environment}, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return json.loads(run.stdout)["seconds"], time.perf_counter() - started


def chunks_of(data: Path, target: Path) -> int:
    """Write the chunks that Rankscope stored to ``target``, for the peer to embed; return how many."""
    workspace = Workspace.open(Settings(data))
    with workspace.store._chroma.client("the benchmark") as client:
        held = client.get_collection("bench", embedding_function=None).get(include=["documents"])
    workspace.close()
    rows = zip(held["ids"], held["documents"] or [], strict=True)
    target.write_text(
        "\n".join(json.dumps({"id": chunk_id, "text": text}) for chunk_id, text in rows), encoding="utf-8"
    )
    return len(held["ids"])


def main() -> None:
    """Measure, and print a line of Markdown."""
    quiet_environment()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection", type=Path)
    parser.add_argument("--documents", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    ours, plain, chunks = [], [], 0
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        write_files(options.collection, root / "files", options.documents)
        for number in range(options.rounds):
            data = root / f"ours{number}"
            command = [sys.executable, "-m", "core", "index", str(root / "files"), "--collection", "bench", "--json"]
            ours.append(timed(command, {"RANKSCOPE_DATA": str(data)}))
            chunks = chunks_of(data, root / "chunks.jsonl")
            peer = [sys.executable, "-m", "benchmarks.peers", str(root / "chunks.jsonl"), str(root / f"plain{number}")]
            plain.append(timed(peer, {}))
            print(
                f"round {number + 1}: {chunks} chunks, seconds (own, whole): ours {ours[-1]}, plain {plain[-1]}",
                file=sys.stderr,
            )
    (best, whole), (other, other_whole) = min(ours), min(plain)
    print(
        f"| {options.collection.name} | {chunks:,} | {chunks / best:.1f} | {chunks / other:.1f} | {other / best:.2f} "
        f"| {whole:.1f} | {other_whole:.1f} |"
    )


if __name__ == "__main__":
    main()
