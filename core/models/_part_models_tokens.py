"""Counting tokens as a model counts them, in long texts too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

Ints = npt.NDArray[np.int64]
PIECE = 20_000  # characters: keeps the tokenizer's memory small and its cores busy
PIECES_AT_ONCE = 64


class TokenSource(Protocol):
    """What chunking needs to know of a model's tokens."""

    exact: bool

    def starts(self, text: str, cuts: Ints) -> Ints:
        """Return the sorted offsets at which tokens of ``text`` start; ``cuts`` are safe places to split it."""
        ...

    def count(self, texts: Sequence[str]) -> Ints:
        """Return the number of tokens of each text, special tokens not counted."""
        ...


class TokenCounter:
    """Counts with a copy of the model's own fast tokenizer, which neither truncates nor pads.

    ``exact`` tells that the tokens of a text are those of its words, whatever stands around them
    (true of WordPiece behind a splitter at spaces and punctuation), so that counts add up.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = Tokenizer.from_str(tokenizer.to_str())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.exact = type(self._tokenizer.pre_tokenizer).__name__ == "BertPreTokenizer"
        self.special = int(self._tokenizer.num_special_tokens_to_add(False))  # added to every text by the model

    def starts(self, text: str, cuts: Ints) -> Ints:
        """Return the sorted offsets at which tokens of ``text`` start.

        The text is tokenised in pieces of some 20,000 characters, split at the last of ``cuts``
        (sorted offsets) that fits, anywhere if none does.
        """
        found: list[Ints] = []
        pieces = list(_pieces(len(text), cuts))
        for first in range(0, len(pieces), PIECES_AT_ONCE):
            group = pieces[first : first + PIECES_AT_ONCE]
            encodings = self._tokenizer.encode_batch([text[a:b] for a, b in group], add_special_tokens=False)
            for (begin, _), encoding in zip(group, encodings, strict=True):
                offsets = encoding.offsets
                found.append(np.fromiter((pair[0] for pair in offsets), np.int64, len(offsets)) + begin)
        return np.concatenate(found) if found else np.empty(0, dtype=np.int64)

    def count(self, texts: Sequence[str]) -> Ints:
        """Return the number of tokens of each text, shape (texts,), special tokens not counted."""
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return np.asarray([len(encoding) for encoding in encodings], dtype=np.int64)


def _pieces(length: int, cuts: Ints) -> Iterator[tuple[int, int]]:
    begin = 0
    while begin < length:
        end = min(begin + PIECE, length)
        if end < length:
            at = int(np.searchsorted(cuts, end, side="right")) - 1
            end = int(cuts[at]) if at >= 0 and cuts[at] > begin else end
        yield begin, end
        begin = end
