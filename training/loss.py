"""The loss of a training run.

The loss is the Kullback-Leibler divergence from softmax(cosine / 0.06 + bonus on the labelled positive) to
softmax(logits) over a query's candidates, so that the model keeps what the bi-encoder knows and learns what
the labels add, and a little binary cross-entropy, so that scores of different queries have one scale. With
``teacher`` the shipped cross-encoder's scores are added to the cosines, both standardised per query: their sum ranks
better than either, and the new round learns from it; kinds of text that the bi-encoder was itself trained on keep to
its cosines and, with ``vectors``, to its vectors.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training import batches, reading, vectors
from training.batches import Group
from training.net import Parameters
from training.options import KNOWN, Options


def read(p: Parameters, drawn: list[Group], cut: int, o: Options) -> tuple[Tensor, Tensor]:
    """Return the logits, shape (groups, size), and the averages, shape (groups, size, 2, width), of groups' pairs."""
    pairs = [batches.pair(group.query, text, cut) for group in drawn for text in group.texts]
    logits, sides = reading.read(p, pairs, o.parts, o.device)
    return logits.view(len(drawn), -1), sides.view(len(drawn), -1, *sides.shape[1:])


def standardised(scores: Tensor) -> Tensor:
    """Return each row less its mean, over its standard deviation."""
    return (scores - scores.mean(1, keepdim=True)) / (scores.std(1, keepdim=True) + 1e-6)


def target_of(drawn: list[Group], cut: int, o: Options, teacher: Parameters | None) -> Tensor:
    """Return what the logits are to be like, shape (groups, size)."""
    cosines = torch.from_numpy(np.stack([group.cosines for group in drawn])).to(o.device)
    target, bonus = cosines / o.temperature, torch.full((len(drawn),), o.bonus)
    if teacher is not None:
        taught = torch.tensor([group.source not in KNOWN for group in drawn])
        bonus[~taught] = o.known
        if taught.any():
            with torch.no_grad():
                logits, _ = read(
                    teacher,
                    [group for group, is_taught in zip(drawn, taught.tolist(), strict=True) if is_taught],
                    cut,
                    o,
                )
            target[taught] = o.teacher * (standardised(logits) + o.cosines * standardised(cosines[taught]))
    target[:, 0] += (bonus * labelled(drawn)).to(o.device)
    return target


def labelled(drawn: list[Group]) -> Tensor:
    """Return one for each group whose first text is known to answer, else zero."""
    return torch.tensor([float(group.labelled) for group in drawn])


def loss_of(
    p: Parameters,
    drawn: list[Group],
    cut: int,
    o: Options,
    teacher: Parameters | None = None,
    encoder: Parameters | None = None,
) -> Tensor:
    """Return the loss of a step; with the bi-encoder's parameters, that of keeping its vectors too."""
    (logits, sides), target = read(p, drawn, cut, o), target_of(drawn, cut, o, teacher)
    divergence = functional.kl_div(logits.log_softmax(1), target.softmax(1), reduction="batchmean")
    label = torch.zeros_like(logits)
    label[:, 0] = 1
    weight = torch.where(label > 0, float(o.size - 1), 1.0) * labelled(drawn).to(o.device)[:, None]
    loss = divergence + o.pointwise * functional.binary_cross_entropy_with_logits(logits, label, weight)
    if encoder is not None and (
        held := [at for at, group in enumerate(drawn) if o.keeps == "all" or group.source in KNOWN]
    ):
        loss = loss + o.vectors * vectors.distance(sides[held], [drawn[at] for at in held], encoder, cut)
    return loss
