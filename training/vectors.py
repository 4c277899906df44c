"""Keeping the bi-encoder's own vectors inside the cross-encoder.

Below its last layer a cross-encoder that began as the bi-encoder (``begin``) still has something like the bi-encoder's
two vectors: the averages over the query's and over the text's positions. Learning those vectors, 384 numbers a text,
keeps what the bi-encoder knows with far fewer steps than learning the cosine alone, one number a pair (after FitNets'
hints: Romero et al. 2015, arXiv:1412.6550).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from training import batches, begin
from training.batches import Group, Ids
from training.net import Parameters


def averages(states: Tensor, types: Tensor, mask: Tensor) -> Tensor:
    """Return the unit averages of the query's and of the text's positions, shape (pairs, 2, width).

    ``states`` has the shape (pairs, length, width).
    """
    sides = torch.stack([(types == side) & mask.bool() for side in (0, 1)], 1).to(states.dtype)
    return functional.normalize((sides @ states) / sides.sum(-1, keepdim=True), dim=-1)


@torch.no_grad()
def of_encoder(encoder: Parameters, texts: Sequence[Ids], cut: int, device: str) -> Tensor:
    """Return the bi-encoder's unit vectors of texts cut to ``cut`` tokens, shape (texts, width)."""
    alone = [([batches.CLS, *text[:cut].tolist(), batches.SEP], len(text) + 2) for text in texts]
    return batches.in_batches(alone, 2, device, lambda batch: [begin.pooled(encoder, batch)])[0]


def distance(sides: Tensor, drawn: Sequence[Group], encoder: Parameters, cut: int) -> Tensor:
    """Return the mean of 1 - cosine between the bi-encoder's vectors and ``sides``, the averages of the groups' pairs.

    ``sides`` has the shape (groups, size, 2, width).
    """
    device = sides.device.type
    queries = of_encoder(encoder, [group.query for group in drawn], batches.LONGEST_QUERY, device)
    texts = of_encoder(encoder, [text for group in drawn for text in group.texts], cut, device).view(
        *sides.shape[:2], -1
    )
    return 1 - ((sides[:, :, 0] * queries[:, None]).sum(-1) + (sides[:, :, 1] * texts).sum(-1)).mean() / 2
