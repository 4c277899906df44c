"""What Rankscope is measured against: the plain way, with the same libraries and no thought."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import chromadb
from sentence_transformers import SentenceTransformer

from core.models.hub import built_in_folder


def index(chunks_file: Path, data: Path) -> None:
    """Embed the chunks with plain float32 ``encode`` and put them into a collection with ``add``."""
    rows = [json.loads(line) for line in chunks_file.read_text(encoding="utf-8").splitlines()]
    model = SentenceTransformer(str(built_in_folder()))
    collection = chromadb.PersistentClient(str(data)).create_collection(
        "plain", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
    )
    started = time.perf_counter()
    vectors = model.encode([row["text"] for row in rows])
    for first in range(0, len(rows), 5000):
        part = rows[first : first + 5000]
        collection.add(
            ids=[row["id"] for row in part],
            embeddings=vectors[first : first + 5000],
            documents=[row["text"] for row in part],
        )
    print(json.dumps({"seconds": time.perf_counter() - started, "chunks": len(rows)}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chunks", type=Path)
    parser.add_argument("data", type=Path)
    options = parser.parse_args()
    index(options.chunks, options.data)
