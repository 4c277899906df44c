"""The small words of a language, which say nothing of what a text is about: left out of labels.

The lists are bm25s's, of thirteen languages and Chinese. A word is small in one language and means something in another ("die", "sur", "son"), so each text
loses the small words of the one language whose list holds most of its words. Texts in other languages keep all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from functools import cache

# Of two languages with as many words in a text the first is taken.
LANGUAGES = {
    "English": "EN_PLUS",
    **{name: name.upper() for name in ("German", "Dutch", "French", "Spanish", "Portuguese", "Italian", "Russian", "Swedish", "Norwegian", "Danish", "Turkish", "Korean")},
}
FEWEST = 3  # different small words, fewer than that tell no language


@cache
def _list(name: str) -> frozenset[str]:
    """One of bm25s's lists."""
    from bm25s import stopwords  # it takes a second, which the start of the map page need not wait for

    return frozenset(getattr(stopwords, f"STOPWORDS_{name}"))


@cache
def _holders() -> dict[str, tuple[str, ...]]:
    """Which languages' lists hold a word."""
    found: dict[str, tuple[str, ...]] = {}
    for language, name in LANGUAGES.items():
        for word in {word.casefold() for word in _list(name)}:
            found[word] = (*found.get(word, ()), language)
    return found


def language_of(words: Set[str]) -> str | None:
    """Return the language whose list holds most of these words, None if no list holds ``FEWEST``."""
    counted: Counter[str] = Counter()
    for word in words:
        counted.update(_holders().get(word.casefold(), ()))
    best = max(LANGUAGES, key=lambda language: counted[language])
    return best if counted[best] >= FEWEST else None


def is_small(word: str, language: str | None) -> bool:
    """Return whether ``word`` is one of the small words of ``language``."""
    return language is not None and language in _holders().get(word.casefold(), ())


def is_small_pair(term: str) -> bool:
    """Return whether a term is a small word of Chinese, which parts no words: whatever the text, its pairs of signs are looked up."""
    return term in _list("CHINESE")
