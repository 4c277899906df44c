"""How far a model reads: where in a text its budget ends.

A model that reads fewer tokens than a text has leaves the rest out without a word. What is said here to be
unread can be changed in any way without changing the model's answer: a word of which a part is read counts as read.
"""

from __future__ import annotations

import numpy as np
from tokenizers import Tokenizer

from core.text.boundaries import find_breaks


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
    words = find_breaks(text).words
    at = int(np.searchsorted(words, end))
    return int(words[at]) if at < len(words) else len(text)
