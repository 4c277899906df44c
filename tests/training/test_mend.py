"""Mending: layers back towards their initial weights, heads that tell the segments apart, units that square again."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from training import batches, mend
from training.batches import Group
from training.begin import ASKS, COORDINATE, HEADS, LAST, MAIN, SIZE, WIDE, WIDTH
from training.mine import Groups
from training.options import Options
from training.weights import shipped

KEY, READS = (f"encoder.layer.{LAST}.{part}.weight" for part in ("attention.self.key", "intermediate.dense"))


def test_the_discriminant_heeds_where_the_classes_spread_little() -> None:
    """Both classes vary by 1 in the first coordinate and by 16 in the second, and their means differ by 2 in each."""
    cross = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 4.0], [0.0, -4.0]])
    found = mend.discriminant(cross + 2, cross)
    assert found @ torch.tensor([2.0, 2.0]) == pytest.approx(1)  # the means are 1 apart
    assert found[0] / found[1] == pytest.approx(16, rel=0.05)


def test_the_layers_below_the_last_go_back_by_their_share_and_nothing_else_does() -> None:
    names = (
        "embeddings.LayerNorm.weight",
        "encoder.layer.0.output.dense.weight",
        f"encoder.layer.{LAST}.output.dense.weight",
        "head.weight",
    )
    now, begun = ({name: torch.full((2,), value) for name in names} for value in (1.0, 3.0))
    found = mend.back(now, begun, 0.25)
    assert [tensor.tolist() for tensor in found.values()] == [[1, 1], [1.5, 1.5], [1, 1], [1, 1]]
    found["head.weight"] += 1
    assert now["head.weight"].tolist() == [1, 1]  # what was given stays as it was


def test_a_head_puts_the_other_segment_lower_by_the_gap() -> None:
    p = {KEY: torch.zeros(HEADS * SIZE, WIDTH)}
    direction = functional.one_hot(torch.tensor(5), WIDTH).float()
    mend.part(p, direction, 8.0)
    query, text = direction / 2, -direction / 2  # one apart along the direction
    keys = p[KEY].view(HEADS, SIZE, WIDTH)[:, -1]
    logits = ASKS * torch.stack([keys @ query, keys @ text]) / SIZE**0.5
    assert (logits[0] - logits[1]).tolist() == pytest.approx([8.0] * (HEADS // 2) + [-8.0] * (HEADS // 2))


def test_a_squaring_unit_reads_its_own_coordinate_whole_and_others_less() -> None:
    p = {READS: torch.ones(WIDE, WIDTH)}
    mend.plain(p, 0.3)
    reads = p[READS]
    # the segment's coordinate is passed over
    for unit, own in ((0, 0), (1, 0), (2, 1), (2 * COORDINATE + 1, COORDINATE + 1), (4 * MAIN - 1, 2 * MAIN)):
        wanted = torch.full((WIDTH,), 0.3)
        wanted[own] = 1
        torch.testing.assert_close(reads[unit], wanted)
    assert (reads[4 * MAIN :] == 1).all()


def test_a_model_that_never_left_where_it_began_is_changed_in_the_keys_alone() -> None:
    tokens = batches.tokenizer()
    ids = [
        np.array(tokens.encode(text, add_special_tokens=False).ids, dtype=np.uint16)
        for text in ("who wrote it", "Ann wrote the letter.", "Letters cost two francs.")
    ]
    group = Group(ids[0], ids[1:], np.zeros(2, dtype=np.float32))
    begun = shipped()
    begun[READS][: 4 * MAIN] = 0  # units that read nothing have nothing beside
    found = mend.mended(begun, begun, [(group, 80)])
    assert {name for name, tensor in found.items() if not torch.allclose(tensor, begun[name], atol=1e-6)} == {KEY}
    changed = torch.nonzero((found[KEY] != begun[KEY]).any(1)).flatten()
    assert changed.tolist() == [head * SIZE + SIZE - 1 for head in range(HEADS)]


def test_groups_to_mend_by_are_the_same_each_time() -> None:
    shelf = batches.shelve(
        Groups(
            source="made",
            queries=[f"query {at}" for at in range(6)],
            texts=[f"text {at}" for at in range(40)],
            positive=np.arange(6, dtype=np.int32),
            cosine=np.ones(6, dtype=np.float32),
            candidates=np.tile(np.arange(10, 30, dtype=np.int32), (6, 1)),
            cosines=np.zeros((6, 20), dtype=np.float32),
            kinds=np.tile(np.arange(20) % 5, (6, 1)).astype(np.int8),
            held_back=np.array([True, *[False] * 5]),
            labelled=True,
        ),
        batches.tokenizer(),
    )
    one, two = (mend.drawn([shelf], 4, Options()) for _ in range(2))
    assert len(one) == 4
    assert [cut for _, cut in one] == [cut for _, cut in two]
    assert all(np.array_equal(a.query, b.query) and len(a.texts) == 6 for (a, _), (b, _) in zip(one, two, strict=True))
    assert not any(np.array_equal(group.query, shelf.queries[0]) for group, _ in one)
