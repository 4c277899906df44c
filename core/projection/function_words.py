"""The small words of a language, which say nothing of what a text is about: left out of labels.

The lists are bm25s's, of thirteen languages and Chinese. A word is small in one language and means something in another ("die", "sur", "son"), so each text
loses the small words of the one language whose list holds most of its words. Texts in other languages keep all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from functools import cache

from bm25s import stopwords

LISTS = {
    "English": stopwords.STOPWORDS_EN_PLUS,
    "German": stopwords.STOPWORDS_GERMAN,
    "Dutch": stopwords.STOPWORDS_DUTCH,
    "French": stopwords.STOPWORDS_FRENCH,
    "Spanish": stopwords.STOPWORDS_SPANISH,
    "Portuguese": stopwords.STOPWORDS_PORTUGUESE,
    "Italian": stopwords.STOPWORDS_ITALIAN,
    "Russian": stopwords.STOPWORDS_RUSSIAN,
    "Swedish": stopwords.STOPWORDS_SWEDISH,
    "Norwegian": stopwords.STOPWORDS_NORWEGIAN,
    "Danish": stopwords.STOPWORDS_DANISH,
    "Turkish": stopwords.STOPWORDS_TURKISH,
    "Korean": stopwords.STOPWORDS_KOREAN,
}
_CHINESE = frozenset(stopwords.STOPWORDS_CHINESE)
FEWEST = 3  # different small words, fewer than that tell no language


@cache
def _holders() -> dict[str, tuple[str, ...]]:
    """Which languages' lists hold a word."""
    found: dict[str, tuple[str, ...]] = {}
    for language, words in LISTS.items():
        for word in {word.casefold() for word in words}:
            found[word] = (*found.get(word, ()), language)
    return found


def language_of(words: Set[str]) -> str | None:
    """Return the language whose list holds most of these words, None if no list holds ``FEWEST``; of two alike the one that comes first in ``LISTS``."""
    counted: Counter[str] = Counter()
    for word in words:
        counted.update(_holders().get(word.casefold(), ()))
    best = max(LISTS, key=lambda language: counted[language])
    return best if counted[best] >= FEWEST else None


def is_small(word: str, language: str | None) -> bool:
    """Return whether ``word`` is one of the small words of ``language``."""
    return language is not None and language in _holders().get(word.casefold(), ())


def is_small_pair(term: str) -> bool:
    """Return whether a term is a small word of Chinese, which parts no words: whatever the text, its pairs of signs are looked up."""
    return term in _CHINESE
