"""What the models do not read of a query or of the hits: what is cut off, and words that they do not know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from core.models.bi_encoder import BiEncoder
from core.models.cross_encoder import CrossEncoder
from core.models.tokenization import TokenSource
from core.records.search import Hit, UnknownText
from core.util.formatting import clip, plural

QUOTED = 80  # characters of the part of a query that was not read
_SPECIAL = 8  # tokens that a model adds to a pair, at most


def with_unknown(hits: Sequence[Hit], tokens: TokenSource) -> list[Hit]:
    """Return hits that tell what of them the bi-encoder, whose ``tokens`` are given, does not know."""
    unknown = tokens.unknown([hit.read for hit in hits])
    return [hit if one is None else replace(hit, unknown=one) for hit, one in zip(hits, unknown, strict=True)]


def query_notes(encoder: BiEncoder, query: str) -> tuple[str, ...]:
    """Return what of ``query`` the bi-encoder does not read, as sentences; none if it reads all."""
    tokens = int(encoder.tokens.count([query])[0])
    notes = _unknown_query(encoder.model, encoder.tokens.unknown([query])[0])
    read = encoder.reads_query(query)
    if tokens > encoder.query_budget or read < len(query):
        notes.append(
            f"{encoder.model} read the first {min(tokens, encoder.query_budget):,} of the query's {tokens:,} tokens"
            f"{_not_read(query, read)}"
        )
    return tuple(notes)


def text_notes(encoder: BiEncoder, texts: Mapping[str, str]) -> tuple[str, ...]:
    """Return what of each of ``texts``, by what it is called, the bi-encoder does not know or read, as sentences."""
    notes = []
    for (name, text), unknown in zip(texts.items(), encoder.tokens.unknown(list(texts.values())), strict=True):
        if unknown is not None and unknown.unknown_words:
            share = f"{unknown.unknown_words:,} of {plural(unknown.words, 'word')}"
            notes.append(f"{encoder.model} does not know {share} of {name}: {_quoted(unknown.lost)}")
        read = encoder.reads(text)
        if read < len(text):
            notes.append(f"{encoder.model} does not read all of {name}{_not_read(text, read)}")
    return tuple(notes)


def rerank_notes(reranker: CrossEncoder, query: str, texts: Sequence[str]) -> tuple[str, ...]:
    """Return what of ``query`` and the chunks' ``texts`` the cross-encoder does not read, as sentences."""
    tokens = int(reranker.tokens.count([query])[0])
    notes = _unknown_query(reranker.model, reranker.tokens.unknown([query])[0])
    unreadable = sum(one is not None and one.mostly for one in reranker.tokens.unknown(texts))
    if unreadable:
        notes.append(
            f"{reranker.model} cannot read {unreadable:,} of the {plural(len(texts), 'chunk')}: it does not know most "
            "of their words, so their scores mean nothing"
        )
    room = reranker.budget - tokens - _SPECIAL
    long = [text for text, count in zip(texts, reranker.tokens.count(texts).tolist(), strict=True) if count > room]
    readings = [(reranker.reads_pair(query, text), text) for text in long]
    cut = [reading for reading, _ in readings if reading.query_tokens < tokens]
    if cut:
        least = min(cut, key=lambda reading: reading.query_tokens)
        notes.append(
            f"{reranker.model} reads {reranker.budget:,} tokens of query and chunk together: of the query's {tokens:,} "
            f"tokens it read {least.query_tokens:,}{_beside(len(cut), len(texts))}{_not_read(query, least.query)}"
        )
    short = sum(reading.text < len(text) for reading, text in readings)
    if short:
        notes.append(
            f"{reranker.model} reads {reranker.budget:,} tokens of query and chunk together: it did not read the end "
            f"of {short:,} of the {plural(len(texts), 'chunk')}"
        )
    return tuple(notes)


def _beside(cut: int, chunks: int) -> str:
    """Return beside how many chunks the query was cut, empty if beside every one."""
    return "" if cut == chunks else f" beside {cut:,} of the {plural(chunks, 'chunk')}"


def _not_read(query: str, read: int) -> str:
    rest = query[read:].strip()
    return f". Not read: “{clip(rest, QUOTED)}”" if rest else ""


def _unknown_query(model: str, unknown: UnknownText | None) -> list[str]:
    if unknown is None:
        return []
    words = unknown.unknown_words > 0
    count, of = (unknown.unknown_words, unknown.words) if words else (unknown.unknown_tokens, unknown.tokens)
    share = f"{count:,} of the query's {plural(of, 'word' if words else 'token')}"
    known = f"{model} does not know {share}: {_quoted(unknown.lost)}"
    if not unknown.mostly:
        return [known]
    return [f"{known}. It cannot read this query, so the scores mean nothing: use a collection of a multilingual model"]


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"“{word}”" for word in words)
