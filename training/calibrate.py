"""The head's scale and shift, so that a probability of one half parts relevant from not on held-back queries.

Platt's method (Probabilistic Outputs for Support Vector Machines, 1999): logistic regression of the label on the
logit. A held-back query gives its labelled positive and candidates that are its source's typical near misses; the
two classes weigh the same, so that one half is the balance between them.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from training import batches, reading
from training.batches import Group
from training.net import Parameters

TEXT = 208  # tokens


@torch.no_grad()
def logits_of(p: Parameters, groups: list[Group], cut: int = TEXT, device: str = "cpu") -> list[torch.Tensor]:
    """Return each group's logits, the positive first."""
    pairs = ([batches.pair(group.query, text, cut) for text in group.texts] for group in groups)
    return [reading.read(p, of_group, 3, device)[0].cpu() for of_group in pairs]


def platt(logits: list[torch.Tensor]) -> tuple[float, float]:
    """Return the scale and shift that make the logistic function of scale * logit + shift a probability."""
    positive = torch.stack([scores[0] for scores in logits])
    negative = torch.cat([scores[1:] for scores in logits])
    values = torch.cat([positive, negative])
    label = torch.cat([torch.ones(len(positive)), torch.zeros(len(negative))])
    weight = torch.cat(
        [torch.full((len(positive),), 0.5 / len(positive)), torch.full((len(negative),), 0.5 / len(negative))]
    )
    line = torch.tensor([1.0, 0.0], requires_grad=True)
    optimizer = torch.optim.LBFGS([line], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = functional.binary_cross_entropy_with_logits(line[0] * values + line[1], label, weight, reduction="sum")
        value.backward()  # type: ignore[no-untyped-call]  # PyTorch has no types for it
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]  # PyTorch has no types for it
    scale, shift = line.detach().tolist()
    return scale, shift


def balance(logits: list[torch.Tensor], scale: float, shift: float) -> dict[str, float]:
    """Return the shares of positives above, and of the others below, a probability of one half."""
    positive = torch.stack([scores[0] for scores in logits]) * scale + shift
    negative = torch.cat([scores[1:] for scores in logits]) * scale + shift
    return {
        "relevant above one half": round(float((positive > 0).float().mean()), 3),
        "others below": round(float((negative < 0).float().mean()), 3),
    }
