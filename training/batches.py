"""Groups into batches of token ids: a query's positive and some of its candidates, texts cut to a length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor

from core.models.hub import built_in_folder
from training.begin import Batch
from training.mine import Groups, load
from training.perturb import perturbed

CLS, SEP = 101, 102
LONGEST_QUERY = 64  # tokens
LONGEST_TEXT = 400
PERTURBED = 0.5  # of the groups, where one can be made
FALSE = 0.06  # what a changed fact is taken to cost in cosine, beside the bonus that it does not get
WANTED = ((0, 1), (1, 2), (2, 1), (3, 1), (4, 1))  # kind of candidate, how many of a group
# of the queries are put as people type them: without marks, and half of these without some of the small words
TYPED = 0.5
SMALL_WORDS = (
    *("a", "an", "and", "are", "at", "be", "been", "by", "did", "do", "does", "for", "from", "had", "has", "have"),
    *("in", "is", "it", "of", "on", "or", "the", "there", "this", "to", "was", "were", "with", "you", "your"),
)
MARKS = list("?.,!;:`'\"()")
Ids = npt.NDArray[np.uint16]


@dataclass
class Shelf:
    """A source's groups with queries and texts as token ids."""

    groups: Groups
    queries: list[Ids]
    texts: list[Ids]


@dataclass(frozen=True)
class Group:
    """One query's pairs, the positive first."""

    query: Ids
    texts: list[Ids]
    cosines: npt.NDArray[np.float32]
    labelled: bool = True  # the first text is known to answer
    source: str = ""


def tokenizer() -> Tokenizer:
    """Return the bi-encoder's own tokenizer, which neither cuts nor pads."""
    found = Tokenizer.from_file(str(built_in_folder() / "tokenizer.json"))
    found.no_truncation()
    found.no_padding()
    return found


def shelve(groups: Groups, tokens: Tokenizer) -> Shelf:
    """Tokenise a source."""
    return Shelf(groups, _ids(tokens, groups.queries, LONGEST_QUERY), _ids(tokens, groups.texts, LONGEST_TEXT))


def shelves_in(work: Path, tokens: Tokenizer) -> list[Shelf]:
    """Return every source that was mined into ``work``, tokenised."""
    return [shelve(groups, tokens) for groups in load(work / "groups")]


def _ids(tokens: Tokenizer, texts: Sequence[str], most: int) -> list[Ids]:
    return [
        np.array(found.ids[:most], dtype=np.uint16)
        for found in tokens.encode_batch_fast(list(texts), add_special_tokens=False)
    ]


def typed(query: Ids, marks: Ids, small: Ids, generator: np.random.Generator) -> Ids:
    """Return the query as it would be typed into a search box, of two tokens at least; half of the time as it is."""
    if generator.random() > TYPED:
        return query
    keep = ~np.isin(query, marks)
    if generator.random() < 0.5:
        keep &= ~np.isin(query, small) | (generator.random(len(query)) < 0.4)
    return query[keep] if keep.sum() > 1 else query


@cache
def small_tokens(tokens: Tokenizer) -> tuple[Ids, Ids]:
    """Return the tokens of the marks and of the small words."""
    marks, small = (
        np.array([tokens.token_to_id(text) for text in texts], dtype=np.uint16) for texts in (MARKS, SMALL_WORDS)
    )
    return marks, small


def draw(shelf: Shelf, at: int, size: int, generator: np.random.Generator, tokens: Tokenizer | None = None) -> Group:
    """Return the group of query ``at``: its positive and ``size`` - 1 candidates of several kinds.

    With ``tokens``, some groups get a perturbed positive in place of the last candidate, and some queries are put as
    people type them.
    """
    groups = shelf.groups
    kinds = groups.kinds[at]
    chosen: list[int] = []
    for kind, many in WANTED:
        chosen += generator.permutation(np.flatnonzero(kinds == kind))[:many].tolist()
    rest = np.setdiff1d(np.flatnonzero(kinds >= 0), chosen)
    chosen = (chosen + generator.permutation(rest).tolist())[: size - 1]
    drawn = group(shelf, at, chosen)
    if tokens is not None:
        drawn = replace(drawn, query=typed(drawn.query, *small_tokens(tokens), generator))
    if tokens is None or not drawn.labelled or len(drawn.texts) < size or generator.random() > PERTURBED:
        return drawn
    text = perturbed(groups.queries[at], groups.texts[groups.positive[at]], groups.texts, generator)
    if text is None:
        return drawn
    drawn.texts[-1] = _ids(tokens, [text], LONGEST_TEXT)[0]
    drawn.cosines[-1] = drawn.cosines[0] - FALSE
    return drawn


def group(shelf: Shelf, at: int, chosen: Sequence[int]) -> Group:
    """Return query ``at`` with its positive and the ``chosen`` columns of its candidates."""
    groups = shelf.groups
    rows = [int(groups.positive[at]), *(int(groups.candidates[at, column]) for column in chosen)]
    cosines = np.array([groups.cosine[at], *(groups.cosines[at, column] for column in chosen)], dtype=np.float32)
    return Group(shelf.queries[at], [shelf.texts[row] for row in rows], cosines, groups.labelled, groups.source)


def pair(query: Ids, text: Ids, cut: int) -> tuple[list[int], int]:
    """Return the ids of '[CLS] query [SEP] text [SEP]', the text cut to ``cut`` tokens, and where the text begins."""
    first = [CLS, *query.tolist(), SEP]
    return [*first, *text[:cut].tolist(), SEP], len(first)


def pad(pairs: Sequence[tuple[list[int], int]]) -> Batch:
    """Return pairs as one batch."""
    length = max(len(ids) for ids, _ in pairs)
    ids, types, mask = (torch.zeros(len(pairs), length, dtype=torch.long) for _ in range(3))
    for row, (found, text) in enumerate(pairs):
        ids[row, : len(found)] = torch.tensor(found)
        types[row, text : len(found)] = 1
        mask[row, : len(found)] = 1
    return Batch(ids, types, mask)


def in_batches(
    pairs: Sequence[tuple[list[int], int]], parts: int, device: str, compute: Callable[[Batch], Sequence[Tensor]]
) -> list[Tensor]:
    """Return what ``compute`` says of pairs, in their order, run in ``parts`` batches of like length in bfloat16."""
    rows, found = [], []
    for places, batch in by_length(pairs, parts):
        with torch.autocast(device, torch.bfloat16):
            found.append(
                [
                    tensor.float()
                    for tensor in compute(Batch(batch.ids.to(device), batch.types.to(device), batch.mask.to(device)))
                ]
            )
        rows.append(places)
    order = torch.argsort(torch.cat(rows)).to(device)
    return [torch.cat(each)[order] for each in zip(*found, strict=True)]


def by_length(pairs: Sequence[tuple[list[int], int]], parts: int) -> list[tuple[Tensor, Batch]]:
    """Return batches of pairs of like length with the places of their rows among ``pairs``."""
    order = np.argsort([len(ids) for ids, _ in pairs], kind="stable")
    return [
        (torch.from_numpy(rows.copy()), pad([pairs[row] for row in rows]))
        for rows in np.array_split(order, parts)
        if len(rows)
    ]
