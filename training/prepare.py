"""Mining the candidates of every source, once; sources already there are skipped."""

from __future__ import annotations

import time
from pathlib import Path

from core.models.bi_encoder import SentenceTransformerEncoder
from core.settings import BUILT_IN_MODEL
from training import derived, functions, mine, pairs


def prepare(data: Path, work: Path, seed: int) -> None:
    """Write the groups of every source of ``data`` to ``work``/groups."""
    folder = work / "groups"
    folder.mkdir(parents=True, exist_ok=True)
    encoder = SentenceTransformerEncoder.load(BUILT_IN_MODEL)
    whole = pairs.read(data)
    written = list(functions.read(seed))
    sources = {**pairs.draw(whole | derived.sources(whole, seed), seed), functions.SOURCE: written}
    for source, drawn in sources.items():
        if (folder / f"{source}.groups").exists():
            continue
        started = time.monotonic()
        others = [pair.positive for pair in written] if source == derived.ASKED else []
        groups = mine.mine(source, drawn, encoder, seed, others)
        mine.save(groups, folder)
        print(
            f"{source}: {len(drawn):,} queries, {len(groups.texts):,} passages, {time.monotonic() - started:.0f} s",
            flush=True,
        )
