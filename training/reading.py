"""What the network says of pairs, in batches of like length."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from training import batches, net, vectors
from training.net import Parameters


def read(p: Parameters, pairs: Sequence[tuple[list[int], int]], parts: int, device: str) -> tuple[Tensor, Tensor]:
    """Return pairs' logits, shape (pairs,), and the averages of their queries' and texts' positions, shape (pairs, 2, width), run in ``parts`` batches."""
    rows, logits, sides = [], [], []
    for places, batch in batches.by_length(pairs, parts):
        ids, types, mask = (tensor.to(device) for tensor in (batch.ids, batch.types, batch.mask))
        with torch.autocast(device, torch.bfloat16):
            states = net.states(p, ids, types, mask)
            logits.append(net.answer(p, states, mask).float())
            sides.append(vectors.averages(states, types, mask).float())
        rows.append(places)
    return batches.in_order(logits, rows), batches.in_order(sides, rows)
