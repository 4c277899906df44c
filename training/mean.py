"""Writes the mean of several rounds' weights into core/models/reranker.

    python -m training.mean second=0.4 third=0.4 fourth=0.2

Rounds that begin with the same weights end near enough to one another for their mean to be a model, often one that
generalises better to other texts (Wortsman et al., Model soups, 2022, arXiv:2203.05482). Each round is a folder of
training/state with its checkpoint; ``shipped`` is what core/models/reranker holds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from core.models.hub import WEIGHTS, reranker_folder
from training import batches
from training.finish import write
from training.net import Parameters
from training.options import Options
from training.train import parted
from training.weights import kept, shipped


def mixed(rounds: Sequence[tuple[Parameters, float]]) -> Parameters:
    """Return the weighted mean of parameters with the same names.

    Raises ValueError where the shares do not add up to 1.
    """
    if abs(sum(share for _, share in rounds) - 1) > 1e-6:
        raise ValueError(f"The shares of the rounds add up to {sum(share for _, share in rounds):g}: they must to 1")
    return {name: sum((p[name].float() * share for p, share in rounds), torch.zeros(())) for name in rounds[0][0]}


def read(work: Path, name: str) -> tuple[Parameters, int, float]:
    """Return a round's averaged parameters without the embeddings, its steps and its seconds.

    Of a mean, or of the shipped weights, these are the packed ones.
    """
    checkpoint = work / name / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        return state["average"], state["step"], state["seconds"]
    weights = reranker_folder() / WEIGHTS if name == "shipped" else kept(work, name)
    known = weights.with_name("facts.json") if name == "shipped" else weights.with_suffix(".json")
    facts = json.loads(known.read_text(encoding="utf-8"))
    _, free = parted(shipped(weights), 0)
    return free, facts["steps"], facts["training minutes"] * 60


def main(shares: Mapping[str, float], o: Options) -> Path:
    """Write the mean of the rounds, by name with their shares, calibrated as a single round is."""
    rounds = {name: read(o.work, name) for name in shares}
    # the embeddings stay as the first round left them
    p = shipped() | mixed([(rounds[name][0], share) for name, share in shares.items()])
    shelves = batches.shelves_in(o.work, batches.tokenizer())
    return write(
        p, shelves, o, sum(steps for _, steps, _ in rounds.values()), sum(seconds for _, _, seconds in rounds.values())
    )


if __name__ == "__main__":
    main({name: float(share) for name, share in (each.split("=") for each in sys.argv[1:])}, Options(name="mean"))
