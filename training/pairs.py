"""The training pairs: read, drawn by source, and a part of the queries held back for tuning."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Most pairs drawn from a source. Sources of full questions with answering passages are drawn more freely than
# headings, one-line answers and pairs that need a context nobody gives (the tiers C and B of the data's README).
CAPS = {
    "argkp-train": 2500,
    "codenn": 9000,
    "docs-aws": 3500,
    "docs-handbook": 2500,
    "docs-powershell": 2500,
    "dstc9-faq": 1500,
    "fairytaleqa": 2500,
    "fever": 4000,
    "medquad": 6000,
    "policyqa": 2500,
    "scitldr": 5370,
    "squad-paragraphs": 12000,
    "squad-sent": 5000,
    "tldr-pages": 4000,
}
MOST = 5000  # of any other source
HELD_BACK = 25  # in a thousand queries, by the query's hash: never trained on


@dataclass(frozen=True, slots=True)
class Pair:
    """A query with a passage that answers it and, where the source gives one, a passage that does not."""

    source: str
    query: str
    positive: str
    negative: str

    @property
    def held_back(self) -> bool:
        """Whether the query is kept for tuning."""
        return int(hashlib.sha256(self.query.encode()).hexdigest()[:8], 16) % 1000 < HELD_BACK


def read(folder: Path) -> dict[str, list[Pair]]:
    """Return all pairs of every source in ``folder``, as they stand in its files."""
    paths = {path.name.removesuffix(".jsonl.gz"): path for path in sorted(folder.glob("*.jsonl.gz"))}
    return {source: list(_read(path, source)) for source, path in paths.items()}


def draw(whole: dict[str, list[Pair]], seed: int) -> dict[str, list[Pair]]:
    """Return the drawn pairs of every source of ``whole``, the same for the same seed."""
    drawn = {}
    for source, pairs in whole.items():
        mixed = pairs.copy()
        random.Random(f"{seed} {source}").shuffle(mixed)
        drawn[source] = mixed[: CAPS.get(source, MOST)]
    return drawn


def _read(path: Path, source: str) -> Iterator[Pair]:
    seen = set()
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            pair = Pair(source, row["query"].strip(), row["positive"].strip(), (row.get("negative") or "").strip())
            if pair.query and pair.positive and (pair.query, pair.positive) not in seen:
                seen.add((pair.query, pair.positive))
                yield pair
