"""The schedule, the checkpoints and the looks at held-back queries of a training run."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from training import batches, begin, calibrate
from training.batches import Group, Shelf
from training.loss import loss_of
from training.net import Parameters
from training.options import Options, often_of
from training.weights import encoder_parameters, kept, shipped

FROZEN = ("embeddings.",)


def start(shelves: list[Shelf], seed: int, gap: float = 3.5) -> Parameters:
    """Return the parameters that training begins with."""
    generator = np.random.default_rng(seed)
    drawn = [
        batches.draw(shelf, int(at), 4, generator)
        for shelf in shelves
        for at in generator.permutation(len(shelf.queries))[:6]
    ]
    pairs = [batches.pair(group.query, text, 96) for group in drawn for text in group.texts]
    encoder = encoder_parameters()
    texts = batches.pad(
        [([batches.CLS, *text[:96].tolist(), batches.SEP], 10_000) for group in drawn for text in group.texts]
    )
    with torch.no_grad():
        vectors = begin.pooled(encoder, begin.Batch(texts.ids, torch.zeros_like(texts.ids), texts.mask))
        return begin.begin(encoder, batches.pad(pairs), [gap] * 6, vectors, seed)


def parted(parameters: Parameters, still: int) -> tuple[Parameters, Parameters]:
    """Return the frozen parameters, those of the embeddings and of the first ``still`` layers, and the trained ones."""
    stays = (*FROZEN, *(f"encoder.layer.{layer}." for layer in range(still)))
    fixed = {name: tensor for name, tensor in parameters.items() if name.startswith(stays)}
    return fixed, {name: tensor for name, tensor in parameters.items() if name not in fixed}


@torch.no_grad()
def judge(p: Parameters, groups: list[Group], device: str, cut: int = calibrate.TEXT) -> dict[str, float]:
    """Return MRR and nDCG of the labelled positives: cross-encoder, bi-encoder, sum of both standardised."""
    ranks: dict[str, list[int]] = {"cross": [], "bi": [], "sum": []}
    for group, scores in zip(groups, calibrate.logits_of(p, groups, cut, device), strict=True):
        cosines = torch.from_numpy(group.cosines)
        both = (scores - scores.mean()) / (scores.std() + 1e-9) + (cosines - cosines.mean()) / (cosines.std() + 1e-9)
        for name, values in (("cross", scores), ("bi", cosines), ("sum", both)):
            ranks[name].append(1 + int((values[1:] >= values[0]).sum()))
    found = {f"{name} mrr": float(np.mean([1 / r for r in rs])) for name, rs in ranks.items()}
    found |= {
        f"{name} ndcg": float(np.mean([1 / math.log2(1 + r) if r <= 10 else 0 for r in rs]))
        for name, rs in ranks.items()
    }
    return found


def held_back(shelves: list[Shelf], seed: int, most: int = 4) -> list[Group]:
    """Return held-back queries of every source with all their candidates."""
    generator = np.random.default_rng(seed)
    return [
        batches.group(shelf, int(at), np.flatnonzero(shelf.groups.kinds[at] >= 0).tolist())
        for shelf in shelves
        if shelf.groups.labelled
        for at in generator.permutation(np.flatnonzero(shelf.groups.held_back))[:most]
    ]


def to_draw(shelves: list[Shelf], o: Options) -> tuple[list[tuple[int, int]], npt.NDArray[np.float64]]:
    """Return every query that is not held back, as its shelf's place and its own, and how likely each is to come up."""
    order = [(s, int(at)) for s, shelf in enumerate(shelves) for at in np.flatnonzero(~shelf.groups.held_back)]
    often = np.array([often_of(shelves[s].groups.source, o) for s, _ in order])
    return order, often / often.sum()


class Run:
    """A training run with its checkpoint."""

    def __init__(self, o: Options) -> None:
        self.o = o
        self.folder = o.work / o.name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.tokens = batches.tokenizer()
        self.shelves = batches.shelves_in(o.work, self.tokens)
        self.judged = held_back(self.shelves, o.seed)
        self.order, self.often = to_draw(self.shelves, o)
        self.step, self.seconds = 0, 0.0
        parameters = (
            start(self.shelves, o.seed)
            if o.begin == "encoder"
            else shipped(None if o.begin == "shipped" else kept(o.work, o.begin))
        )
        fixed, free = parted(parameters, o.still)
        self.fixed = {name: tensor.to(o.device) for name, tensor in fixed.items()}
        self.free = {name: tensor.to(o.device).requires_grad_() for name, tensor in free.items()}
        self.teacher = (
            {name: tensor.detach().clone().to(o.device) for name, tensor in parameters.items()} if o.teacher else None
        )
        self.encoder = (
            {name: tensor.to(o.device) for name, tensor in encoder_parameters().items()} if o.vectors else None
        )
        self.average = {name: tensor.detach().clone() for name, tensor in self.free.items()}
        groups = [
            {"params": [t for t in self.free.values() if t.ndim > 1], "weight_decay": 0.01},
            {"params": [t for t in self.free.values() if t.ndim == 1], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=o.rate, betas=(0.9, 0.98), fused=True)
        self._resume()

    @property
    def checkpoint(self) -> Path:
        """Where the state is kept."""
        return self.folder / "checkpoint.pt"

    def _resume(self) -> None:
        if not self.checkpoint.exists():
            return
        state = torch.load(self.checkpoint, map_location=self.o.device, weights_only=True)
        self.step, self.seconds = state["step"], state["seconds"]
        with torch.no_grad():
            for name, tensor in self.free.items():
                tensor.copy_(state["free"][name])
                self.average[name].copy_(state["average"][name])
        self.optimizer.load_state_dict(state["optimizer"])

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "free": self.free,
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
        }
        partial = self.checkpoint.with_suffix(".partial")
        torch.save({**state, "options": {k: str(v) for k, v in asdict(self.o).items()}}, partial)
        partial.replace(self.checkpoint)

    def draw(self) -> tuple[list[Group], int]:
        """Return the groups of this step and the texts' length, the same for the same step and seed."""
        generator = np.random.default_rng((self.o.seed, self.step))
        chosen = [self.order[i] for i in generator.choice(len(self.order), size=self.o.groups * 2, p=self.often)]
        groups = [batches.draw(self.shelves[s], at, self.o.size, generator, self.tokens) for s, at in chosen]
        groups = [group for group in groups if len(group.texts) == self.o.size][: self.o.groups]
        ready = self.o.begin != "encoder" or self.seconds > 0.4 * self.o.minutes * 60
        late = ready and generator.random() < 0.5
        return groups, self.o.long if late else self.o.short

    def go(self) -> None:
        """Train until the minutes are over."""
        o = self.o
        total, last_check, shown = o.minutes * 60, self.seconds, [0.0, 0]
        while self.seconds < total:
            began = time.monotonic()
            done = self.seconds / total
            for group in self.optimizer.param_groups:
                group["lr"] = o.rate * min(1.0, (self.step + 1) / 100) * max(0.02, 1 - done)
            drawn, cut = self.draw()
            loss = loss_of(self.fixed | self.free, drawn, cut, o, self.teacher, self.encoder)
            loss.backward()  # type: ignore[no-untyped-call]  # PyTorch has no types for it
            torch.nn.utils.clip_grad_norm_(list(self.free.values()), 1.0)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            self.step += 1
            with torch.no_grad():
                keep = min(o.keep, 1 - 1 / (1 + self.step / 4))
                for name, tensor in self.free.items():
                    self.average[name].lerp_(tensor, 1 - keep)
            self.seconds += time.monotonic() - began
            shown = [shown[0] + float(loss.detach()), shown[1] + 1]
            if self.step % 50 == 0:
                minutes, rate = self.seconds / 60, self.step * o.groups * o.size / self.seconds
                mean_loss = shown[0] / shown[1]
                print(f"{minutes:.1f} min, step {self.step}: loss {mean_loss:.4f}, {rate:.0f} pairs/s", flush=True)
                shown = [0.0, 0]
            if self.seconds - last_check > o.check * 60 or self.seconds >= total:
                last_check = self.seconds
                self.save()
                self.report()

    def report(self) -> None:
        """Print how the averaged weights do on the held-back queries."""
        found = judge(self.fixed | self.average, self.judged, self.o.device)
        print(
            f"{self.seconds / 60:.1f} min, step {self.step}: " + ", ".join(f"{k} {v:.4f}" for k, v in found.items()),
            flush=True,
        )
