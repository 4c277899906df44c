"""Where training starts: the bi-encoder itself, written as a cross-encoder.

A cross-encoder that starts from a sentence encoder's layers must first learn again what the encoder knew
about two texts apart. We save it that: the weights below make a 7-layer BERT compute, from the pair, nearly
the cosine that the bi-encoder computes from the texts apart. Training then goes on from there.

How, for hidden width 384, 12 heads of 32:

1. One coordinate of the hidden state (one whose loss changes the bi-encoder little) is taken from the model and
   carries the segment instead: +0.3 in the query, -0.3 in the text, put there by the token type embeddings, kept
   there by the layer normalisations, and cleaned of noise by two hidden units of every feed-forward layer.
2. In every head the weakest of the 32 directions of Q'K (by its singular value) is given up, and the segment
   is put there, so that a position's logits for the other segment are lower by a chosen gap. With a large gap the
   two texts are read apart; a small one lets them see each other.
3. Layer 7 reads at the first token: 6 heads average the query's positions, 6 the text's, both projected to the
   191 main directions of the bi-encoder's embeddings; the output is their sum a + b and difference a - b, which
   layer normalisation brings to one length. The feed-forward layer's GELU(z) + GELU(-z) is nearly 0.8 z**2, so
   |a + b|**2 - |a - b|**2 = 4 a.b, which the head reads.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training import net
from training.net import Parameters

WIDTH, HEADS, SIZE, WIDE = 384, 12, 32, 1536
COORDINATE = 313  # its word embeddings vary little, and without it the encoder's vectors keep a cosine of .997
LAST = 6  # the added layer's index
MAIN = 191  # directions of the embeddings that the added layer keeps
QUADRATIC = 0.25  # scale at which GELU(z) + GELU(-z) is nearly quadratic for layer-normalised z
DROWN = 6.0  # by how much the averages outweigh the first token's own state in the added layer
WRITE = 0.3
ASKS = 4.0  # every head of the added layer asks with this for its segment
MARK = 0.3  # the segment's value in the hidden state: small beside the rest, so that it takes nothing from it
TYPE = 0.6  # and in the sum of the embeddings, above the word's own value there


@dataclass(frozen=True)
class Batch:
    """Pairs as the model reads them, each of shape (batch, length)."""

    ids: Tensor
    types: Tensor
    mask: Tensor


def begin(
    encoder: Parameters, batch: Batch, apart: list[float], embeddings: Tensor, seed: int, coordinate: int = COORDINATE
) -> Parameters:
    """Return a cross-encoder's parameters made of a 6-layer sentence encoder's.

    ``batch`` sets the scale of the segment's coordinate; ``apart`` says for each layer by how much the other
    segment's logits are lower; ``embeddings``, shape (texts, 384), are unit vectors of
    at least 192 texts of the sort; ``coordinate`` is the one that the segment takes.
    """
    p = {name: tensor.clone().float() for name, tensor in encoder.items() if not name.startswith("pooler")}
    _mark_segments(p, coordinate, batch, batch.mask.bool())
    x = net.embed(p, batch.ids, batch.types)
    for at, gap in enumerate(apart):
        _give_way(p, at, coordinate)
        _set_apart(p, at, coordinate, gap)
        x = _calibrated(p, at, coordinate, x, batch)
    _add_reader(p, coordinate, embeddings, seed)
    return p


def _mark_segments(p: Parameters, k: int, batch: Batch, live: Tensor) -> None:
    types = p["embeddings.token_type_embeddings.weight"]
    types[1] = types[0]  # the bi-encoder reads every text as the first segment
    types[0, k], types[1, k] = TYPE, -TYPE
    words, places = p["embeddings.word_embeddings.weight"][batch.ids], p["embeddings.position_embeddings.weight"]
    summed = words + places[: batch.ids.shape[1]] + types[batch.types]
    others = (summed.var(-1) - TYPE**2 / WIDTH)[live]
    p["embeddings.LayerNorm.weight"] *= (summed.var(-1)[live] / others).sqrt().mean()
    _keep_segment(p, "embeddings.LayerNorm", k, summed[live], batch.types[live])


def _give_way(p: Parameters, at: int, k: int) -> None:
    name = f"encoder.layer.{at}"
    for reader in ("attention.self.query", "attention.self.key", "attention.self.value", "intermediate.dense"):
        p[f"{name}.{reader}.weight"][:, k] = 0
    for writer in ("attention.output.dense", "output.dense"):
        p[f"{name}.{writer}.weight"][k] = 0
        p[f"{name}.{writer}.bias"][k] = 0


def _set_apart(p: Parameters, at: int, k: int, gap: float) -> None:
    query, key = (f"encoder.layer.{at}.attention.self.{kind}" for kind in ("query", "key"))
    for head in range(HEADS):
        rows = slice(head * SIZE, (head + 1) * SIZE)
        asked = torch.cat([p[f"{query}.weight"][rows], p[f"{query}.bias"][rows, None]], 1)
        left, strength, right = torch.linalg.svd(asked.T @ p[f"{key}.weight"][rows], full_matrices=False)
        root = strength[: SIZE - 1].sqrt()[:, None]
        new_query, new_key = root * left[:, : SIZE - 1].T, root * right[: SIZE - 1]
        segment = torch.zeros(1, WIDTH)
        segment[0, k] = (gap * SIZE**0.5 / 2) ** 0.5 / MARK
        p[f"{query}.weight"][rows] = torch.cat([new_query[:, :-1], segment])
        p[f"{query}.bias"][rows] = torch.cat([new_query[:, -1], torch.zeros(1)])
        p[f"{key}.weight"][rows] = torch.cat([new_key, segment])
        p[f"{key}.bias"][rows] = 0  # the same for every position, so that softmax does not see it


def _calibrated(p: Parameters, at: int, k: int, x: Tensor, batch: Batch) -> Tensor:
    """Run a layer, setting both normalisations so that the segment keeps its two values on average."""
    name, live = f"encoder.layer.{at}", batch.mask.bool()
    seen = batch.mask[:, None, None, :].bool()
    summed = x + net.attention(p, name, x, seen, x)
    _keep_segment(p, f"{name}.attention.output.LayerNorm", k, summed[live], batch.types[live])
    middle = net.norm(p, f"{name}.attention.output.LayerNorm", summed)
    _clean_segment(p, name, k)
    wide = torch.nn.functional.gelu(net.linear(p, f"{name}.intermediate.dense", middle))
    summed = middle + net.linear(p, f"{name}.output.dense", wide)
    _keep_segment(p, f"{name}.output.LayerNorm", k, summed[live], batch.types[live])
    return net.norm(p, f"{name}.output.LayerNorm", summed)


def _clean_segment(p: Parameters, name: str, k: int) -> None:
    """Use the two weakest feed-forward units for a step that is the same for every token of a segment.

    GELU(s(x + b)) - GELU(s(x - b)) is 0 well below -b and 2sb well above b.
    """
    into, bias, outof = (
        p[f"{name}.{part}"] for part in ("intermediate.dense.weight", "intermediate.dense.bias", "output.dense.weight")
    )
    units = torch.argsort(into.norm(dim=1) * outof.norm(dim=0))[:2]
    slope, edge, height = 4.5 / MARK, MARK / 3, 4 * MARK
    for unit, sign in zip(units.tolist(), (1, -1), strict=True):
        into[unit], outof[:, unit] = 0, 0
        into[unit, k], bias[unit] = slope, sign * slope * edge
        outof[k, unit] = sign * height / (slope * edge)
    p[f"{name}.output.dense.bias"][k] = -height


def _keep_segment(p: Parameters, norm: str, k: int, before: Tensor, types: Tensor) -> None:
    values = torch.nn.functional.layer_norm(before, before.shape[-1:])[:, k]
    high, low = values[types == 0].mean(), values[types == 1].mean()
    p[f"{norm}.weight"][k] = 2 * MARK / (high - low)
    p[f"{norm}.bias"][k] = -MARK * (high + low) / (high - low)


def _add_reader(p: Parameters, k: int, embeddings: Tensor, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    name = f"encoder.layer.{LAST}"

    def noise(*shape: int, scale: float = 0.02) -> Tensor:
        return torch.randn(*shape, generator=generator) * scale

    _, _, main = torch.linalg.svd(embeddings, full_matrices=False)
    main = main[: MAIN + 1].clone()
    main[MAIN:] = 0  # 6 heads of 32 hold 192
    main[:, k] = 0
    query, key = noise(WIDTH, WIDTH), noise(WIDTH, WIDTH)
    query_bias = torch.zeros(WIDTH)
    for head in range(HEADS):
        last = head * SIZE + SIZE - 1
        query[last], key[last] = 0, 0
        query_bias[last] = ASKS
        key[last, k] = (1 if head < HEADS // 2 else -1) * 20 * SIZE**0.5 / 8 / MARK  # a gap of 20
    free = free_of(k)
    out = torch.zeros(WIDTH, WIDTH)
    for at in range(MAIN):
        plus, minus = free[at], free[MAIN + at]
        out[plus, at], out[plus, MAIN + 1 + at] = DROWN, DROWN
        out[minus, at], out[minus, MAIN + 1 + at] = DROWN, -DROWN
    into, outof = noise(WIDE, WIDTH), torch.zeros(WIDTH, WIDE)
    for at in range(2 * MAIN):
        into[2 * at], into[2 * at + 1] = 0, 0
        into[2 * at, free[at]], into[2 * at + 1, free[at]] = QUADRATIC, -QUADRATIC
        outof[k, 2 * at : 2 * at + 2] = WRITE if at < MAIN else -WRITE
    zero, one = torch.zeros(WIDTH), torch.ones(WIDTH)
    weights = {
        "attention.self.query": (query, query_bias),
        "attention.self.key": (key, zero),
        "attention.self.value": (torch.cat([main, main]), zero),
        "attention.output.dense": (out, zero),
        "attention.output.LayerNorm": (one, zero),
        "intermediate.dense": (into, torch.zeros(WIDE)),
        "output.dense": (outof, zero),
        "output.LayerNorm": (one, zero),
    }
    for part, (weight, bias) in weights.items():
        p[f"{name}.{part}.weight"], p[f"{name}.{part}.bias"] = weight.clone(), bias.clone()
    p["head.weight"], p["head.bias"] = torch.zeros(1, WIDTH), torch.zeros(1)
    p["head.weight"][0, k] = 1.0


def free_of(k: int = COORDINATE) -> list[int]:
    """Return the coordinates other than the segment's.

    In the added layer the first 191 of them hold the sum of both averages, the next 191 the difference.
    """
    return [coordinate for coordinate in range(WIDTH) if coordinate != k]


def pooled(p: Parameters, batch: Batch) -> Tensor:
    """Return the sentence encoder's unit vectors, shape (texts, 384), every position read as one text."""
    seen = batch.mask[:, None, None, :].bool()
    x = net.embed(p, batch.ids, batch.types)
    for at in range(6):
        x = net.layer(p, at, x, seen)
    weights = batch.mask[:, :, None].float()
    return torch.nn.functional.normalize((x * weights).sum(1) / weights.sum(1), dim=1)
