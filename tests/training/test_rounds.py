"""The recipe of all rounds: what is made, from what, and what is passed over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from training import mean, mend, rounds
from training.options import Options
from training.rounds import Mean, Mended, Step
from training.weights import kept, shipped

SHORT: tuple[Step, ...] = (
    Options(name="one"),
    Options(name="two", begin="one"),
    Mean("both", {"one": 0.5, "two": 0.5}),
    Mended("out", "both"),
)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, object]]:
    """Rounds and means that are made, each with what it is made from; nothing is trained."""
    found: list[tuple[str, object]] = []

    def note(o: Options, told: object) -> None:
        found.append((o.name, told))
        copy = kept(o.work, o.name)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.touch()

    class NoRun:
        def __init__(self, o: Options) -> None:
            self.o = o

        def go(self) -> None: ...

    def average(shares: Mapping[str, float], o: Options) -> None:
        note(o, shares)

    monkeypatch.setattr(rounds, "prepare", lambda data, work, seed: found.append(("prepare", seed)))
    monkeypatch.setattr(rounds, "Run", NoRun)
    monkeypatch.setattr(rounds, "finish", lambda run: note(run.o, run.o.begin))
    monkeypatch.setattr(mean, "main", average)
    monkeypatch.setattr(mend, "main", lambda of, o: note(o, of))
    return found


def test_rounds_are_made_in_order_and_the_finished_ones_passed_over(
    made: list[tuple[str, object]], tmp_path: Path
) -> None:
    rounds.make(tmp_path, tmp_path / "state", SHORT)
    assert made == [
        ("prepare", 7),
        ("one", "encoder"),
        ("two", "one"),
        ("both", {"one": 0.5, "two": 0.5}),
        ("out", "both"),
    ]
    made.clear()
    kept(tmp_path / "state", "two").unlink()
    rounds.make(tmp_path, tmp_path / "state", SHORT)
    assert made == [("prepare", 7), ("two", "one")]


def test_the_recipe_needs_nothing_that_is_not_made_before() -> None:
    there = {"encoder"}
    for step in rounds.RECIPE:
        needed = set(step.shares) if isinstance(step, Mean) else {step.of if isinstance(step, Mended) else step.begin}
        assert needed <= there
        assert not isinstance(step, Mean) or sum(step.shares.values()) == pytest.approx(1)
        there.add(step.name)


def test_a_mean_takes_a_kept_copy_where_there_is_no_checkpoint(tmp_path: Path) -> None:
    kept(tmp_path, "old").parent.mkdir(parents=True)
    save_file({"head.weight": torch.ones(1, 2, dtype=torch.float16)}, kept(tmp_path, "old"))
    kept(tmp_path, "old").with_suffix(".json").write_text(json.dumps({"steps": 3, "training minutes": 1.5}))
    parameters, steps, seconds = mean.read(tmp_path, "old")
    assert {name: tensor.tolist() for name, tensor in parameters.items()} == {"head.weight": [[1.0, 1.0]]}
    assert (steps, seconds) == (3, 90)
    (tmp_path / "new").mkdir()
    torch.save(
        {"average": {"head.weight": torch.zeros(1, 2)}, "step": 5, "seconds": 60.0}, tmp_path / "new" / "checkpoint.pt"
    )
    assert mean.read(tmp_path, "new")[1:] == (5, 60.0)


def test_what_ships_can_be_part_of_a_mean(tmp_path: Path) -> None:
    parameters, steps, seconds = mean.read(tmp_path, "shipped")
    wanted = shipped()
    assert steps > 0
    assert seconds > 0
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in parameters.items())
    assert not [name for name in parameters if name.startswith("embeddings.")]
