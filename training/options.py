"""What a training run can set, and which sources come up how often."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

# How often a source's queries come up against their number: whole questions with answering passages more often than
# headings and arguments.
OFTEN = dict.fromkeys(
    ("conditionalqa", "covid-faq", "inscit", "selqa", "selqa-sent", "squad-sent", "squality", "stackexchange"), 2.0
)
OFTEN |= {"codenn": 0.4, "codenn-python": 2.0, "python-asked": 5.0}
OFTEN |= dict.fromkeys(
    (
        "argkp-train",
        "debatepedia",
        "docs-handbook",
        "docs-powershell",
        "dstc9-faq",
        "fairytaleqa",
        "policyqa",
        "tldr-pages",
    ),
    0.5,
)
# Kinds of text that the bi-encoder was itself trained on (its model card: CodeSearchNet, Stack Exchange): a round with
# a teacher keeps to the cosines there.
KNOWN = frozenset(("codenn", "codenn-python", "python-asked", "python-functions", "stackexchange"))


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
    known: float = 1.0  # in place of ``bonus`` where a round with a teacher keeps to the cosines
    code: float = 1.0  # how many times as often the kinds that the bi-encoder was trained on come up
    vectors: float = 0.0  # weight of the distance to the bi-encoder's vectors
    keeps: str = "known"  # whose vectors: those kinds' alone, or of "all"
    still: int = 0  # this many of the first layers do not learn
    cosines: float = 1.0  # weight of the cosines in the sum that a round with a teacher learns from
    temperature: float = 0.06
    pointwise: float = 0.1
    short: int = 80  # tokens of a text early on
    long: int = 208  # and in a part of the steps later
    seed: int = 7
    keep: float = 0.998  # of the running average of the weights
    check: float = 12  # minutes between two looks at the held-back queries
    # or "shipped": a new round from the weights in core/models/reranker; or an earlier round's name
    begin: str = "encoder"
    # weight of the sum of both models' standardised scores, the cross-encoder as the round begins; 0: cosines alone
    teacher: float = 0.0
    device: str = "cuda" if torch.cuda.is_available() else "cpu"


def often_of(source: str, o: Options) -> float:
    """Return how often a source's queries come up against their number."""
    return OFTEN.get(source, 1.0) * (o.code if source in KNOWN else 1.0)


def options() -> tuple[Options, Path]:
    """Read the options and the folder of the pairs from the command line."""
    parser = argparse.ArgumentParser("python -m training", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("../shared/data/training"),
        help="folder of *.jsonl.gz with query, positive and perhaps negative",
    )
    for name, value in asdict(Options()).items():
        parser.add_argument(f"--{name}", type=type(value), default=value, help=" ")
    found = vars(parser.parse_args())
    data = found.pop("data")
    return Options(**found), data
