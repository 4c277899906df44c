"""Megabytes per second of chunking, with and without the tokenizer's own time.

    python -m benchmarks.chunking COLLECTION_DIR

``COLLECTION_DIR`` is a retrieval collection in BEIR's layout, whose texts are the ordinary case.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from tokenizers import Tokenizer

from core.chunking.chunker import chunk_document
from core.loading._markdown import markdown_headings
from core.models.hub import built_in_folder
from core.models.tokenization import TokenCounter
from core.records.document import Document
from core.records.search import ChunkSettings
from core.text.boundaries import find_breaks


def cases(folder: Path) -> dict[str, str]:
    """Ordinary prose, and awful text."""
    lines = (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    prose = "\n\n".join(json.loads(line)["text"] for line in lines)
    prose = (prose * (5_000_000 // len(prose) + 1))[:5_000_000]
    return {
        "prose, 5 MB": prose,
        "the same in one line": " ".join(prose.split()),
        "the same without punctuation": "".join(c for c in prose if c.isalnum() or c == " "),
        "a table, 2 MB": "| alpha | 12.5 | yes |\n" * 90_000,
        "one word of 5 MB": "a" * 5_000_000,
        "full stops and spaces, 2 MB": ". " * 1_000_000,
        "headings, 1 MB": "# a\n\nb\n\n" * 120_000,
        "Chinese, 3 MB": "今天天气很好我们去公园散步" * 80_000,
    }


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection", type=Path)
    counter = TokenCounter(Tokenizer.from_file(str(built_in_folder() / "tokenizer.json")))
    for name, text in cases(parser.parse_args().collection).items():
        document = Document(name, text, headings=markdown_headings(text))
        breaks = find_breaks(text, document.headings)
        started = time.perf_counter()
        counter.starts(text, breaks.words)
        tokenised = time.perf_counter()
        chunks = chunk_document(document, ChunkSettings(), counter)
        total = time.perf_counter() - tokenised
        size = len(text.encode()) / 1e6
        own = max(total - (tokenised - started), 1e-3)
        print(
            f"| {name} | {len(chunks):,} | {size / total:.1f} | {size / (tokenised - started):.1f} | {size / own:.1f} |"
        )


if __name__ == "__main__":
    main()
