"""Runs the network on pairs, in batches of similar length."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from training import batches, net, vectors
from training.begin import Batch
from training.net import Parameters


def read(p: Parameters, pairs: Sequence[tuple[list[int], int]], parts: int, device: str) -> tuple[Tensor, Tensor]:
    """Return pairs' logits, shape (pairs,), and the averages of their queries' and texts' positions.

    The averages have the shape (pairs, 2, width). The pairs run in ``parts`` batches.
    """

    def of_batch(batch: Batch) -> tuple[Tensor, Tensor]:
        states = net.states(p, batch.ids, batch.types, batch.mask)
        return net.answer(p, states, batch.mask), vectors.averages(states, batch.types, batch.mask)

    logits, sides = batches.in_batches(pairs, parts, device, of_batch)
    return logits, sides
