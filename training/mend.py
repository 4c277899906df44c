"""Moves a finished model's weights back towards its initial ones, where training lost what it needs.

    python -m training.mend mean8 ships

The model begins as the bi-encoder with a layer that multiplies an average over the query's positions with one over the
text's (``begin``). Hours of training on two dozen sources teach it much and cost it some of what the bi-encoder knew of
all other kinds of text. Three steps, without training:

1. The six layers below become a mean of their trained and their initial weights, with a small share of the latter:
   after WiSE-FT (Wortsman et al., Robust fine-tuning of zero-shot models, 2022, arXiv:2109.01903), which keeps a tuned
   model's gain and restores what it lost on other data.
2. The last layer's heads tell the segments apart by one coordinate of the hidden state, clean when training begins and
   noisy after it, so that the averages weight some positions by chance. Fisher's linear discriminant (The use of
   multiple measurements in taxonomic problems, 1936) of the query's and the text's positions replaces that coordinate
   in the keys.
3. A hidden unit of the last layer that began by squaring one coordinate of the averages' sum or difference has learned
   to read other coordinates too. Their weights are reduced: the logit moves towards the plain product of the averages,
   which is the bi-encoder's cosine.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training import batches, mean, net
from training.batches import Group, Shelf
from training.begin import ASKS, HEADS, LAST, MAIN, SIZE, free_of
from training.finish import write
from training.net import Parameters
from training.options import Options
from training.train import start, to_draw
from training.weights import kept, shipped

BACK = 0.15  # share of the weights as they began
GAP = 10.0  # by how much a head's logits for the other segment are lower, on average
BESIDE = 0.3  # what remains of what a squaring unit reads beside its own coordinate
GROUPS = 640  # they show how the segments are told apart
LAYER = f"encoder.layer.{LAST}"


def discriminant(queries: Tensor, texts: Tensor) -> Tensor:
    """Return Fisher's linear discriminant, shape (width,), of two sets of rows, shapes (n, width) and (m, width).

    It is scaled so that the means of the sets are 1 apart.
    """
    difference = queries.mean(0) - texts.mean(0)
    covariance = (torch.cov(queries.T) + torch.cov(texts.T)) / 2
    ridge = 1e-3 * covariance.diag().mean() * torch.eye(len(difference))
    direction: Tensor = torch.linalg.solve(covariance + ridge, difference)
    return direction / (direction @ difference)


def back(p: Parameters, begun: Parameters, share: float = BACK) -> Parameters:
    """Return parameters whose layers below the last are the mean with those they began with, of which ``share``."""
    below = {name for name in p if name.startswith("encoder.") and not name.startswith(LAYER)}
    return {
        name: tensor.lerp(begun[name].float(), share) if name in below else tensor.clone() for name, tensor in p.items()
    }


def part(p: Parameters, direction: Tensor, gap: float = GAP) -> None:
    """Let half of the last layer's heads read the query and half the text by ``direction``, logits ``gap`` apart."""
    key = p[f"{LAYER}.attention.self.key.weight"]
    for head in range(HEADS):
        sign = 1 if head < HEADS // 2 else -1
        key[head * SIZE + SIZE - 1] = sign * gap * SIZE**0.5 / ASKS * direction


def plain(p: Parameters, beside: float = BESIDE) -> None:
    """Leave ``beside`` of what the squaring units of the last layer read beside the coordinate that each began with."""
    units, squared = torch.arange(4 * MAIN), torch.tensor(free_of()[: 2 * MAIN]).repeat_interleave(2)
    weights = p[f"{LAYER}.intermediate.dense.weight"]
    unchanged = weights[units, squared].clone()
    weights[units] *= beside
    weights[units, squared] = unchanged


def positions(p: Parameters, pairs: Sequence[tuple[list[int], int]]) -> tuple[Tensor, Tensor]:
    """Return the last layer's inputs at the queries' and the texts' positions, shapes (n, width) and (m, width)."""
    sides: tuple[list[Tensor], list[Tensor]] = ([], [])
    for _, batch in batches.by_length(pairs, len(pairs) // 48 + 1):
        with torch.autocast("cpu", torch.bfloat16):
            states = net.states(p, batch.ids, batch.types, batch.mask).float()
        for side in (0, 1):
            sides[side].append(states[(batch.types == side) & batch.mask.bool()])
    return torch.cat(sides[0]), torch.cat(sides[1])


@torch.no_grad()
def mended(p: Parameters, begun: Parameters, groups: Sequence[tuple[Group, int]]) -> Parameters:
    """Return a cross-encoder's parameters after the three steps; groups come with their texts' limit in tokens."""
    p = back(p, begun)
    pairs = [batches.pair(group.query, text, cut) for group, cut in groups for text in group.texts]
    part(p, discriminant(*positions(p, pairs)))
    plain(p)
    return p


def drawn(shelves: list[Shelf], most: int, o: Options) -> list[tuple[Group, int]]:
    """Return groups of ``o.size`` of at most ``most`` queries that are not held back, half of them with long texts."""
    generator, tokens = np.random.default_rng(o.seed), batches.tokenizer()
    order, often = to_draw(shelves, o)
    chosen = [order[index] for index in generator.choice(len(order), size=most, p=often, replace=False)]
    groups = [batches.draw(shelves[s], row, o.size, generator, tokens) for s, row in chosen]
    return [(group, o.long if generator.random() < 0.5 else o.short) for group in groups if len(group.texts) == o.size]


def main(name: str, o: Options) -> Path:
    """Mend the finished round or mean ``name`` and write it, calibrated, as ``o.name``."""
    _, steps, seconds = mean.read(o.work, name)
    shelves = batches.shelves_in(o.work, batches.tokenizer())
    p = mended(shipped(kept(o.work, name)), start(shelves, o.seed), drawn(shelves, GROUPS, o))
    return write(p, shelves, o, steps, seconds)


if __name__ == "__main__":
    main(sys.argv[1], Options(name=sys.argv[2], code=2.0))
