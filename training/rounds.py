"""python -m training.rounds: every round, every mean and the mending, in order, to what ships.

Stopped at any time, it goes on where it was: a round from its checkpoint, a finished one is passed over.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from training import mean, mend
from training.finish import finish
from training.options import Options
from training.prepare import prepare
from training.train import Run
from training.weights import kept


@dataclass(frozen=True)
class Mean:
    """The mean of earlier rounds' weights."""

    name: str
    shares: Mapping[str, float]


@dataclass(frozen=True)
class Mended:
    """An earlier round's or mean's weights, mended."""

    name: str
    of: str


Step = Options | Mean | Mended
RECIPE: tuple[Step, ...] = (
    Options(name="first", minutes=78),
    Options(name="second", begin="first", minutes=52, rate=1e-4),
    Options(name="third", begin="second", minutes=48, rate=6e-5, teacher=1.2, bonus=0.7),
    Options(name="fourth", begin="second", minutes=95),
    Mean("three", {"second": 0.4, "third": 0.4, "fourth": 0.2}),
    Options(name="fifth", begin="three", minutes=92, rate=8e-5, teacher=1.0, bonus=1.5),
    Mean("four", {"three": 0.5, "fifth": 0.5}),
    Options(name="sixth", begin="four", minutes=86, rate=1e-4, teacher=1.0, bonus=1.5),
    Mean("five", {"four": 0.5, "sixth": 0.5}),
    Options(name="seventh", begin="five", minutes=90, rate=1e-4, teacher=1.0, bonus=1.5, code=2, vectors=1),
    Mean("six", {"five": 0.5, "seventh": 0.5}),
    Options(
        name="eighth",
        begin="six",
        minutes=110,
        rate=1e-4,
        teacher=1.0,
        bonus=1.5,
        code=1.5,
        vectors=1,
        keeps="all",
        cosines=1.5,
    ),
    Mean("seven", {"six": 0.5, "eighth": 0.5}),
    Mended("ships", "seven"),
)


def make(data: Path, work: Path, recipe: tuple[Step, ...] = RECIPE) -> None:
    """Make what is not made yet; the last one stays in core/models/reranker."""
    prepare(data, work, Options().seed)
    for step in recipe:
        if kept(work, step.name).exists():
            continue
        print(f"== {step.name}", flush=True)
        if isinstance(step, Mean):
            mean.main(step.shares, Options(work=work, name=step.name))
        elif isinstance(step, Mended):
            mend.main(step.of, Options(work=work, name=step.name, code=2.0))
        else:
            run = Run(replace(step, work=work))
            run.go()
            finish(run)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("../shared/data/training"),
        help="folder of *.jsonl.gz with query, positive and perhaps negative",
    )
    parser.add_argument("--work", type=Path, default=Path("training/state"), help="where everything in between is kept")
    make(**vars(parser.parse_args()))
