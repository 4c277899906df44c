"""Fakes that enter through real seams: an encoder whose scores can be computed by hand."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from core.models.cross_encoder import PairScores
from core.models.tokenization import PairReading, TokenSource
from core.records.search import UnknownText
from core.util.arrays import Float32Array, Int64Array
from core.util.progress import DoneReport

AXES = ("red", "green", "blue", "sun", "moon", "sea", "tree", "stone")


class WordTokens:
    """A token is a word, or a sign that is neither word nor space."""

    exact = True

    def starts(self, text: str, cuts: Int64Array) -> Int64Array:
        return np.asarray([match.start() for match in re.finditer(r"\w+|[^\w\s]", text)], dtype=np.int64)

    def count(self, texts: Sequence[str]) -> Int64Array:
        return np.asarray([len(self.starts(text, np.empty(0, np.int64))) for text in texts], dtype=np.int64)

    def unknown(self, texts: Sequence[str]) -> list[UnknownText | None]:
        return [None] * len(texts)


class LatinTokens(WordTokens):
    """Knows no word that is not written in ASCII."""

    def unknown(self, texts: Sequence[str]) -> list[UnknownText | None]:
        return [self._unknown(text) for text in texts]

    def _unknown(self, text: str) -> UnknownText | None:
        words = text.split()
        lost = [word for word in words if not word.isascii()]
        return UnknownText(len(words), len(lost), len(words), len(lost), tuple(lost[:5])) if lost else None


class FakeEncoder:
    """One axis a word of AXES: a text's vector counts its words, the query's too.

    The cosine of "red" and "red green" is 1/sqrt(2), their dot product 1, their distance 1.
    """

    model = "fake"
    revision = "1"
    dimension = len(AXES)
    budget = 254
    query_budget = 254
    query_prompt = ""
    document_prompt = ""

    def __init__(self) -> None:
        self.tokens: TokenSource = WordTokens()
        self.encoded: list[str] = []  # every document text that was ever encoded

    def _vector(self, text: str) -> Float32Array:
        words = re.findall(r"\w+", text.lower())
        counts = np.asarray([words.count(axis) for axis in AXES], dtype=np.float32)
        return counts if counts.any() else np.full(len(AXES), 1e-3, dtype=np.float32)

    def encode_query(self, query: str) -> Float32Array:
        return self._vector(query)

    def encode_documents(self, texts: Sequence[str], progress: DoneReport | None = None) -> Float32Array:
        for done, text in enumerate(texts, 1):
            self.encoded.append(text)
            if progress:
                progress(done)
        return np.stack([self._vector(text) for text in texts])

    def reads(self, text: str) -> int:
        starts = self.tokens.starts(text, np.empty(0, np.int64))
        return int(starts[self.budget]) if len(starts) > self.budget else len(text)

    def reads_query(self, query: str) -> int:
        starts = self.tokens.starts(query, np.empty(0, np.int64))
        return int(starts[self.query_budget]) if len(starts) > self.query_budget else len(query)


class FakeCrossEncoder:
    """The logit is the share of the text's words that the query has, times 10, minus 5."""

    model = "fake-cross"
    revision = "1"
    budget = 512

    def __init__(self) -> None:
        self.tokens: TokenSource = WordTokens()
        self.read: list[tuple[str, str]] = []  # every pair that was ever scored

    def score(self, pairs: Sequence[tuple[str, str]], progress: DoneReport | None = None) -> PairScores:
        logits = np.empty(len(pairs), dtype=np.float32)
        for at, (query, text) in enumerate(pairs):
            self.read.append((query, text))
            words, asked = re.findall(r"\w+", text.lower()), set(re.findall(r"\w+", query.lower()))
            logits[at] = 10 * sum(word in asked for word in words) / max(1, len(words)) - 5
            if progress:
                progress(at + 1)
        return PairScores(logits, (1 / (1 + np.exp(-logits))).astype(np.float32))

    def reads(self, query: str, text: str) -> int:
        starts = WordTokens().starts(text, np.empty(0, np.int64))
        room = self.budget - len(query.split())
        return int(starts[room]) if len(starts) > room else len(text)

    def reads_pair(self, query: str, text: str) -> PairReading:
        starts = WordTokens().starts(query, np.empty(0, np.int64))
        read = min(len(starts), self.budget // 2)
        return PairReading(int(starts[read]) if len(starts) > read else len(query), read, self.reads(query, text))
