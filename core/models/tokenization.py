"""How far a model reads: where in a text its budget ends.

A model that reads fewer tokens than a text has leaves the rest out without a word. What is said here to be
unread can be changed in any way without changing the model's answer: a word of which a part is read counts as read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import regex
from tokenizers import Encoding, Tokenizer

from core.records.search import UnknownText
from core.text.boundaries import separate_word_starts
from core.text.words import words_of
from core.util.arrays import Int64Array
from core.util.formatting import clip, plural

PIECE = 20_000  # characters: keeps the tokenizer's memory small and its cores busy
PIECES_AT_ONCE = 64
LOST_SHOWN, LOST_LENGTH = 5, 40  # words that are quoted as unknown, and characters of each


class TokenSource(Protocol):
    """What chunking needs to know of a model's tokens."""

    exact: bool

    def starts(self, text: str, cuts: Int64Array) -> Int64Array:
        """Return the sorted offsets at which tokens of ``text`` start; ``cuts`` are safe places to split it."""
        ...

    def count(self, texts: Sequence[str]) -> Int64Array:
        """Return the number of tokens of each text, special tokens not counted."""
        ...

    def unknown(self, texts: Sequence[str]) -> list[UnknownText | None]:
        """Return for each text what of it the model does not know, None if it knows all."""
        ...


class TokenCounter:
    """Counts with a copy of the model's own fast tokenizer, which neither truncates nor pads.

    ``exact`` tells that the tokens of a text are those of its words, whatever stands around them
    (true of WordPiece behind a splitter at spaces and punctuation), so that counts add up.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        serialized = tokenizer.to_str()
        self._tokenizer = Tokenizer.from_str(serialized)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.exact = type(self._tokenizer.pre_tokenizer).__name__ == "BertPreTokenizer"
        self.special = int(self._tokenizer.num_special_tokens_to_add(False))  # added to every text by the model
        self._unknown_id = _unknown_id(self._tokenizer, serialized)

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

    def unknown(self, texts: Sequence[str]) -> list[UnknownText | None]:
        """Return for each text what of it the model does not know, None if it knows all.

        WordPiece takes a word for unknown if a single character of it is, or if it has more than 100 characters;
        a model that falls back to bytes knows everything.
        """
        found: list[UnknownText | None] = [None] * len(texts)
        doubtful = [
            index
            for index, encoding in enumerate(self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False))
            if self._unknown_id in encoding.ids or (not len(encoding) and texts[index].strip())
        ]
        encodings = self._tokenizer.encode_batch([texts[index] for index in doubtful], add_special_tokens=False)
        for index, encoding in zip(doubtful, encodings, strict=True):
            found[index] = self._unknown_text(texts[index], encoding)
        return found

    def _unknown_text(self, text: str, encoding: Encoding) -> UnknownText:
        tokens = zip(encoding.ids, encoding.offsets, strict=True)
        spans = (
            [span for token_id, span in tokens if token_id == self._unknown_id] if len(encoding) else [(0, len(text))]
        )
        unknown = np.zeros(len(text) + 1, dtype=np.int64)
        for start, end in spans:
            unknown[start + 1 : end + 1] = 1
        before = np.cumsum(unknown)  # unknown characters before each offset
        words = list(words_of(text))
        lost = [text[word.start : word.end] for word in words if before[word.end] > before[word.start]]
        shown = lost or [text[start:end] for start, end in spans]
        return UnknownText(
            len(words),
            len(lost),
            len(encoding),
            len(spans) if len(encoding) else 0,
            tuple(clip(word, LOST_LENGTH) for word in list(dict.fromkeys(shown))[:LOST_SHOWN]),
        )


def _unknown_id(tokenizer: Tokenizer, serialized: str) -> int | None:
    """Return the id of the token that stands for what a tokenizer does not know, None if it knows everything."""
    if regex.search(r'"byte_fallback":\s*true', serialized):
        return None
    token = getattr(tokenizer.model, "unk_token", None)
    if token is not None:
        token_id: int | None = tokenizer.token_to_id(token)
        return token_id
    number = regex.search(
        r'"unk_id":\s*(\d+)', serialized
    )  # of SentencePiece's unigram model, which has no such attribute
    return int(number[1]) if number else None


def unreadable_chunks_note(model: str, unknown: Sequence[UnknownText | None]) -> tuple[str, ...]:
    """Return a note on those of a document's chunks that are mostly unknown to ``model``; none if there are none."""
    count = sum(one is not None and one.mostly for one in unknown)
    if not count:
        return ()
    return (
        f"{count:,} of {plural(len(unknown), 'chunk')} {'is' if count == 1 else 'are'} mostly words that {model} does "
        "not know: it cannot read them; choose a multilingual model",
    )


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

    def of_pair(self, query: str, text: str) -> PairReading:
        """Return how much of ``query`` and ``text`` is read together."""
        encoding = self._tokenizer.encode(query, text)
        parts = list(zip(encoding.offsets, encoding.sequence_ids, strict=True))
        read = [[end for (_, end), part in parts if part == side] for side in (0, 1)]
        if not encoding.overflowing:
            return PairReading(len(query), len(read[0]), len(text))
        return PairReading(
            first_unread(query, max(read[0], default=0)), len(read[0]), first_unread(text, max(read[1], default=0))
        )


@dataclass(frozen=True, slots=True)
class PairReading:
    """How many characters of a query and of a text a model reads together; what follows them changes nothing."""

    query: int
    query_tokens: int
    text: int


def first_unread(text: str, end: int) -> int:
    """Return where the first word begins at or after ``end``, the text's length if there is none."""
    words = separate_word_starts(text)
    at = int(np.searchsorted(words, end))
    return int(words[at]) if at < len(words) else len(text)
