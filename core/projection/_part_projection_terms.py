"""The words that tell one group of texts from the others: short labels for clusters, and for what was caught on the map."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from math import log, sqrt

import regex

from core.retrieval.bm25 import terms
from core.text.analyzers import is_small, is_small_pair, language_of

LIFT = 3.0  # times as many of a group's texts as of the others hold a word that tells them apart
# Beyond the words that a search leaves out: these tell apart how texts speak, not of what.
_MANNER = frozenset(["also", "any", "all", "he", "her", "him", "his", "hers", "it", "many", "may", "more", "most", "much", "one", "only", "other", "she", "some", "such", "two", "use", "used", "using", "very"])
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}_]+(?:['’]s\b)?")
_IDEOGRAPH = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]")


class _Vocabulary:
    """Which terms words count as, and how often each was written how."""

    def __init__(self) -> None:
        self._terms: dict[str, tuple[str, ...]] = {}  # by word as written
        self._written: Counter[str] = Counter()
        self._forms: dict[str, list[str]] = {}  # by term

    def count(self, texts: Iterable[str]) -> Counter[str]:
        """In how many of these texts each term occurs: a text that repeats a word all over says it once."""
        counted: Counter[str] = Counter()
        for text in texts:
            words = set(_WORD.findall(unicodedata.normalize("NFC", text)))
            self._written.update(words)
            language = language_of(words)
            telling = (word for word in words if not is_small(word, language))
            counted.update({term for word in telling for term in self._terms.get(word) or self._read(word)})
        return counted

    def _read(self, word: str) -> tuple[str, ...]:
        if word not in self._terms:
            self._terms[word] = found = tuple(term for term in terms(word) if _says_something(term))
            if len(found) == 1:
                self._forms.setdefault(found[0], []).append(word)
        return self._terms[word]

    def form(self, term: str) -> str:
        """The term as people write it most often; of forms that are as frequent the one with fewer capitals, then by the alphabet."""
        forms = self._forms.get(term, [term])  # a pair out of a run of ideographs is written as it is
        return min(forms, key=lambda form: (-self._written[form], sum(sign.isupper() for sign in form), form))


def distinctive_terms(groups: Sequence[Sequence[str]], top: int = 3) -> list[tuple[str, ...]]:
    """Return for each group of texts at most ``top`` words that tell it from the others, best first, as they are mostly written.

    Class-based TF-IDF (Grootendorst, BERTopic, 2022): a term's share of all that a group says, times log(1 + A / f), where
    f is how often all groups say it and A what a group says on average; counted in texts, and with the root of the share, as BERTopic
    does to bring frequent words down. Where groups are few that alone still prefers what all say often: words that ``LIFT`` times as many of the
    group's texts hold as of the others' come first, then words of one text only, and what others hold as often never.
    No word of a label is part of another, none is a mere number; ideographs come as pairs that share no sign.

    For the texts caught on the map: ``distinctive_terms([caught, rest])[0]``.
    """
    vocabulary = _Vocabulary()
    counts = [vocabulary.count(texts) for texts in groups]
    everywhere: Counter[str] = Counter()
    for counted in counts:
        everywhere.update(counted)
    average = everywhere.total() / max(len(groups), 1)
    many = sum(len(texts) for texts in groups)
    labels = []
    for counted, texts in zip(counts, groups, strict=True):
        ranked = _ranked(counted, everywhere, average, len(texts), many - len(texts))
        labels.append(tuple(vocabulary.form(term) for term in _unlike(ranked, top)))
    return labels


def _ranked(counted: Counter[str], everywhere: Counter[str], average: float, texts: int, others: int) -> list[str]:
    """The terms that a group's texts hold more often than the others', best first, ties by the alphabet."""
    total = counted.total()
    keys = []
    for term, count in counted.items():
        here, there = count / texts, (everywhere[term] - count) / max(others, 1)
        if here > there:
            once = count == 1 and texts > 1  # what one text says may be its own
            keys.append((here < LIFT * there, once, -sqrt(count / total) * log(1 + average / everywhere[term]), term))
    return [term for *_, term in sorted(keys)]


def _unlike(ranked: Iterable[str], top: int) -> list[str]:
    """The first ``top`` terms of which none is part of another."""
    chosen: list[str] = []
    for term in ranked:
        if len(chosen) == top:
            break
        if not any(term in other or other in term or _share_sign(term, other) for other in chosen):
            chosen.append(term)
    return chosen


def _share_sign(one: str, other: str) -> bool:
    """Whether two pairs of ideographs overlap, as the pairs of one longer word do."""
    return bool(set(_IDEOGRAPH.findall(one)) & set(_IDEOGRAPH.findall(other)))


def _says_something(term: str) -> bool:
    """Whether a term is more than a number, a single letter or a word of manner."""
    return term not in _MANNER and not is_small_pair(term) and any(sign.isalpha() for sign in term) and (len(term) > 1 or bool(_IDEOGRAPH.match(term)))
