"""Writes a finished run into core/models/reranker: calibrated, in float16, with the facts about its training."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from training import calibrate, pack
from training.batches import Shelf
from training.net import Parameters
from training.options import Options
from training.train import Run, held_back
from training.weights import kept

QUERIES = 4  # held-back queries of each source, others than those that were looked at while training


def finish(run: Run) -> None:
    """Write the built-in cross-encoder from the run's averaged weights."""
    p = {name: tensor.cpu() for name, tensor in (run.fixed | run.average).items()}
    write(p, run.shelves, run.o, run.step, run.seconds)


def write(p: Parameters, shelves: Sequence[Shelf], o: Options, steps: int, seconds: float) -> Path:
    """Calibrate parameters, write them and a copy, print the facts about them, and return the written weights' path.

    The parameters are on the CPU; ``steps`` and ``seconds`` are those of their training.
    """
    logits = calibrate.logits_of(p, held_back(list(shelves), o.seed + 1, QUERIES))
    scale, shift = calibrate.platt(logits)
    facts = {"steps": steps, "training minutes": round(seconds / 60, 1), **calibrate.balance(logits, scale, shift)}
    weights = pack.pack(p, scale, shift, facts)
    copy = kept(o.work, o.name)
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(weights, copy)
    shutil.copyfile(weights.with_name("facts.json"), copy.with_suffix(".json"))
    print(f"{weights}: {weights.stat().st_size:,} bytes, scale {scale:.3f}, shift {shift:.3f}, {facts}")
    return weights
