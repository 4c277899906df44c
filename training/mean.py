"""python -m training.mean second=0.4 third=0.4 fourth=0.2: the mean of several rounds' weights into core/models/reranker.

Rounds that begin with the same weights end near enough to one another for their mean to be a model, often one that carries
over better to other texts (Wortsman et al., Model soups, 2022, arXiv:2203.05482). Each round is a folder of training/state with its checkpoint.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from training import batches, mine
from training.finish import write
from training.net import Parameters
from training.train import Options, shipped


def mixed(rounds: Sequence[tuple[Parameters, float]]) -> Parameters:
    """Return the weighted mean of parameters with the same names. Raises ValueError where the shares do not add up to 1."""
    if abs(sum(share for _, share in rounds) - 1) > 1e-6:
        raise ValueError(f"The shares of the rounds add up to {sum(share for _, share in rounds):g}: they must to 1")
    return {name: sum((p[name].float() * share for p, share in rounds), torch.zeros(())) for name in rounds[0][0]}


def main(told: Sequence[str], o: Options) -> Path:
    """Write the mean of the rounds, given as ``name=share``, calibrated as a single round is."""
    shares = {name: float(share) for name, share in (each.split("=") for each in told)}
    states = {name: torch.load(o.work / name / "checkpoint.pt", map_location="cpu", weights_only=True) for name in shares}
    # the embeddings stay as the first round left them
    p = shipped() | mixed([(states[name]["average"], share) for name, share in shares.items()])
    tokens = batches.tokenizer()
    shelves = [batches.shelve(groups, tokens) for groups in mine.load(o.work / "groups")]
    return write(p, shelves, o.seed, sum(state["step"] for state in states.values()), sum(state["seconds"] for state in states.values()))


if __name__ == "__main__":
    main(sys.argv[1:], Options())
