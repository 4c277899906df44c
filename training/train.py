"""The loss, the schedule and the checkpoints of a training run.

The loss is the Kullback-Leibler divergence from softmax(cosine / 0.06 + bonus on the labelled positive) to
softmax(logits) over a query's candidates, so that the model keeps what the bi-encoder knows and learns what
the labels add, and a little binary cross-entropy, so that scores of different queries have one scale. With
``teacher`` the shipped cross-encoder's scores stand beside the cosines, both standardised per query: their sum ranks
better than either, and the new round learns from it.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training import batches, begin, calibrate, mine, net
from training.batches import Group, Shelf
from training.net import Parameters
from training.weights import encoder_parameters, kept, shipped

FROZEN = ("embeddings.",)
# How often a source's queries come up against their number: whole questions with answering passages more often than headings and arguments.
OFTEN = dict.fromkeys(("conditionalqa", "covid-faq", "inscit", "selqa", "selqa-sent", "squad-sent", "squality", "stackexchange"), 2.0)
OFTEN |= {"squad-paragraphs": 2.0, "codenn": 0.4, "codenn-python": 2.0, "python-asked": 1.5}
OFTEN |= dict.fromkeys(("argkp-train", "debatepedia", "docs-handbook", "docs-powershell", "dstc9-faq", "fairytaleqa", "policyqa", "tldr-pages"), 0.5)


@dataclass
class Options:
    """What a run can set."""

    work: Path = Path("training/state")
    name: str = "first"
    minutes: float = 60  # of training, over all sessions; the learning rate falls to nothing by then
    rate: float = 1.5e-4
    groups: int = 12  # a step
    size: int = 6  # pairs a group
    parts: int = 4  # batches of like length a step
    bonus: float = 2.0
    temperature: float = 0.06
    pointwise: float = 0.1
    short: int = 80  # tokens of a text early on
    long: int = 208  # and in a part of the steps later
    seed: int = 7
    keep: float = 0.998  # of the running average of the weights
    check: float = 12  # minutes between two looks at the held-back queries
    begin: str = "encoder"  # or "shipped": a new round from the weights in core/models/reranker; or an earlier round's name
    teacher: float = 0.0  # weight of the sum of both models' standardised scores, the cross-encoder as the round begins; 0: cosines alone
    device: str = "cuda" if torch.cuda.is_available() else "cpu"


def start(shelves: list[Shelf], seed: int, gap: float = 3.5) -> Parameters:
    """Return the parameters that training begins with."""
    generator = np.random.default_rng(seed)
    drawn = [batches.draw(shelf, int(at), 4, generator) for shelf in shelves for at in generator.permutation(len(shelf.queries))[:6]]
    pairs = [batches.pair(group.query, text, 96) for group in drawn for text in group.texts]
    encoder = encoder_parameters()
    texts = batches.pad([([batches.CLS, *text[:96].tolist(), batches.SEP], 10_000) for group in drawn for text in group.texts])
    with torch.no_grad():
        vectors = begin.pooled(encoder, begin.Batch(texts.ids, torch.zeros_like(texts.ids), texts.mask))
        return begin.begin(encoder, batches.pad(pairs), [gap] * 6, vectors, seed)


def logits_of(p: Parameters, drawn: list[Group], cut: int, o: Options) -> Tensor:
    """Return the logits of groups of one size, shape (groups, size)."""
    pairs = [batches.pair(group.query, text, cut) for group in drawn for text in group.texts]
    rows, parts = [], []
    for places, batch in batches.by_length(pairs, o.parts):
        with torch.autocast(o.device, torch.bfloat16):
            parts.append(net.score(p, batch.ids.to(o.device), batch.types.to(o.device), batch.mask.to(o.device)).float())
        rows.append(places)
    return torch.cat(parts)[torch.argsort(torch.cat(rows)).to(o.device)].view(len(drawn), -1)


def standardised(scores: Tensor) -> Tensor:
    """Return each row less its mean, over its standard deviation."""
    return (scores - scores.mean(1, keepdim=True)) / (scores.std(1, keepdim=True) + 1e-6)


def target_of(drawn: list[Group], cut: int, o: Options, teacher: Parameters | None) -> Tensor:
    """Return what the logits are to be like, shape (groups, size)."""
    cosines = torch.from_numpy(np.stack([group.cosines for group in drawn])).to(o.device)
    if teacher is None:
        target = cosines / o.temperature
    else:
        with torch.no_grad():
            target = o.teacher * (standardised(logits_of(teacher, drawn, cut, o)) + standardised(cosines))
    target[:, 0] += o.bonus * labelled(drawn).to(o.device)
    return target


def labelled(drawn: list[Group]) -> Tensor:
    """Return one for each group whose first text is known to answer, else zero."""
    return torch.tensor([float(group.labelled) for group in drawn])


def loss_of(p: Parameters, drawn: list[Group], cut: int, o: Options, teacher: Parameters | None = None) -> Tensor:
    """Return the loss of a step."""
    logits, target = logits_of(p, drawn, cut, o), target_of(drawn, cut, o, teacher)
    divergence = functional.kl_div(logits.log_softmax(1), target.softmax(1), reduction="batchmean")
    label = torch.zeros_like(logits)
    label[:, 0] = 1
    weight = torch.where(label > 0, float(o.size - 1), 1.0) * labelled(drawn).to(o.device)[:, None]
    return divergence + o.pointwise * functional.binary_cross_entropy_with_logits(logits, label, weight)


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
    found |= {f"{name} ndcg": float(np.mean([1 / math.log2(1 + r) if r <= 10 else 0 for r in rs])) for name, rs in ranks.items()}
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


class Run:
    """A training run with its checkpoint."""

    def __init__(self, o: Options) -> None:
        self.o = o
        self.folder = o.work / o.name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.tokens = batches.tokenizer()
        self.shelves = [batches.shelve(groups, self.tokens) for groups in mine.load(o.work / "groups")]
        self.judged = held_back(self.shelves, o.seed)
        self.order = [(s, int(at)) for s, shelf in enumerate(self.shelves) for at in np.flatnonzero(~shelf.groups.held_back)]
        often = np.array([OFTEN.get(self.shelves[s].groups.source, 1.0) for s, _ in self.order])
        self.often = often / often.sum()
        self.step, self.seconds = 0, 0.0
        parameters = start(self.shelves, o.seed) if o.begin == "encoder" else shipped(None if o.begin == "shipped" else kept(o.work, o.begin))
        self.fixed = {name: tensor.to(o.device) for name, tensor in parameters.items() if name.startswith(FROZEN)}
        self.free = {name: tensor.to(o.device).requires_grad_() for name, tensor in parameters.items() if not name.startswith(FROZEN)}
        self.teacher = {name: tensor.detach().clone().to(o.device) for name, tensor in parameters.items()} if o.teacher else None
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
        state = {"step": self.step, "seconds": self.seconds, "free": self.free, "average": self.average, "optimizer": self.optimizer.state_dict()}
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
            loss = loss_of(self.fixed | self.free, drawn, cut, o, self.teacher)
            loss.backward()  # type: ignore[no-untyped-call]
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
                rate = self.step * o.groups * o.size / self.seconds
                print(f"{self.seconds / 60:.1f} min, step {self.step}: loss {shown[0] / shown[1]:.4f}, {rate:.0f} pairs/s", flush=True)
                shown = [0.0, 0]
            if self.seconds - last_check > o.check * 60 or self.seconds >= total:
                last_check = self.seconds
                self.save()
                self.report()

    def report(self) -> None:
        """Print how the averaged weights do on the held-back queries."""
        found = judge(self.fixed | self.average, self.judged, self.o.device)
        print(f"{self.seconds / 60:.1f} min, step {self.step}: " + ", ".join(f"{k} {v:.4f}" for k, v in found.items()), flush=True)


def options() -> tuple[Options, Path]:
    """Read the options and the folder of the pairs from the command line."""
    parser = argparse.ArgumentParser("python -m training", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/training"), help="folder of *.jsonl.gz with query, positive and perhaps negative")
    for name, value in asdict(Options()).items():
        parser.add_argument(f"--{name}", type=type(value), default=value, help=" ")
    found = vars(parser.parse_args())
    data = found.pop("data")
    return Options(**found), data
