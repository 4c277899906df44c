"""How far a model reads: where in a text its budget ends.

A model that reads fewer tokens than a text has leaves the rest out without a word. What is said here to be
unread can be changed in any way without changing the model's answer: a word of which a part is read counts as read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from tokenizers import Tokenizer

from core.text.boundaries import separate_word_starts
from core.util.arrays import Int64Array

PIECE = 20_000  # characters: keeps the tokenizer's memory small and its cores busy
PIECES_AT_ONCE = 64


class TokenSource(Protocol):
    """What chunking needs to know of a model's tokens."""

    exact: bool

    def starts(self, text: str, cuts: Int64Array) -> Int64Array:
        """Return the sorted offsets at which tokens of ``text`` start; ``cuts`` are safe places to split it."""
        ...

    def count(self, texts: Sequence[str]) -> Int64Array:
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

    def starts(self, text: str, cuts: Int64Array) -> Int64Array:
        """Return the sorted offsets at which tokens of ``text`` start.

        The text is tokenised in pieces of some 20,000 characters, split at the last of ``cuts``
        (sorted offsets) that fits, anywhere if none does.
        """
        found: list[Int64Array] = []
        pieces = list(_pieces(len(text), cuts))
        for first in range(0, len(pieces), PIECES_AT_ONCE):
            group = pieces[first : first + PIECES_AT_ONCE]
            encodings = self._tokenizer.encode_batch([text[a:b] for a, b in group], add_special_tokens=False)
            for (begin, _), encoding in zip(group, encodings, strict=True):
                offsets = encoding.offsets
                found.append(np.fromiter((pair[0] for pair in offsets), np.int64, len(offsets)) + begin)
        return np.concatenate(found) if found else np.empty(0, dtype=np.int64)

    def count(self, texts: Sequence[str]) -> Int64Array:
        """Return the number of tokens of each text, shape (texts,), special tokens not counted."""
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return np.asarray([len(encoding) for encoding in encodings], dtype=np.int64)


def _pieces(length: int, cuts: Int64Array) -> Iterator[tuple[int, int]]:
    begin = 0
    while begin < length:
        end = min(begin + PIECE, length)
        if end < length:
            at = int(np.searchsorted(cuts, end, side="right")) - 1
            end = int(cuts[at]) if at >= 0 and cuts[at] > begin else end
        yield begin, end
        begin = end


class Reader:
    """Cuts texts as a model does, with a copy of its tokenizer that knows its limit."""

    def __init__(self, tokenizer: Tokenizer, limit: int) -> None:
        """``limit`` counts the special tokens too."""
        self._tokenizer = Tokenizer.from_str(tokenizer.to_str())
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max(limit, 1), strategy="longest_first")

    def of_text(self, text: str, prompt: str = "") -> int:
        """Return how many characters of ``text``, which follows ``prompt``, are read."""
        encoding = self._tokenizer.encode(prompt + text)
        if not encoding.overflowing:
            return len(text)
        last = max((end for _, end in encoding.offsets), default=0)
        return first_unread(text, max(last - len(prompt), 0))

    def of_pair(self, query: str, text: str) -> int:
        """Return how many characters of ``text`` are read together with ``query``."""
        encoding = self._tokenizer.encode(query, text)
        if not encoding.overflowing:
            return len(text)
        read = [end for (_, end), part in zip(encoding.offsets, encoding.sequence_ids, strict=True) if part == 1]
        return first_unread(text, max(read, default=0))


def first_unread(text: str, end: int) -> int:
    """Return where the first word begins at or after ``end``, the text's length if there is none."""
    words = separate_word_starts(text)
    at = int(np.searchsorted(words, end))
    return int(words[at]) if at < len(words) else len(text)
