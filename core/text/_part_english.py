"""English words as BM25 counts them: stop words left out, the others by their Snowball stem."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

import regex

from core.retrieval.bm25 import terms

# The commonest words of English; in other languages hardly any word is one of them.
_COMMON = frozenset(
    [
        "the",
        "of",
        "and",
        "to",
        "in",
        "is",
        "that",
        "for",
        "with",
        "was",
        "are",
        "as",
        "by",
        "on",
        "it",
        "this",
        "be",
        "from",
        "or",
        "an",
        "have",
        "not",
        "at",
        "which",
        "has",
        "were",
        "can",
    ]
)
_REMNANTS = frozenset(["s", "t", "d", "m", "ll", "re", "ve"])  # what an apostrophe leaves of it's, don't, you're
_WORD = regex.compile(r"[\p{L}\p{M}]+(?:['’]\p{L}+)?")
SHARE = 0.1  # of the words that must be common English ones: prose has 25 to 35 of 100, commented code 13, German 2
SAMPLE = 300  # texts that are looked at, evenly over all
LENGTH = 2000  # characters of each


def looks_english(texts: Sequence[str]) -> bool:
    """Return whether most of what stands in ``texts`` is English: at least a tenth of the words are among its 27 commonest.

    A sample of 300 texts is looked at, evenly over all, so that the answer is the same each time.
    """
    step = max(1, len(texts) // SAMPLE)
    words = [word.casefold() for text in texts[::step] for word in _WORD.findall(text[:LENGTH])]
    return bool(words) and sum(word in _COMMON for word in words) >= SHARE * len(words)


def english_terms(text: str) -> list[str]:
    """Return the words that BM25 counts in English: folded (case, accents), without stop words, stemmed.

    The stemmer is Snowball's English one (Porter, Snowball: A language for stemming algorithms, 2001). Ideographs give
    their overlapping pairs, as in ``lexical.terms``.
    """
    import Stemmer

    stemmer = Stemmer.Stemmer("english")  # one for each text: it must not be shared between threads
    stems: list[str] = stemmer.stemWords([word for word in terms(text, _plain) if word not in _REMNANTS])
    return stems


def _plain(word: str) -> str:
    """A word without case and accents; its plural is left to the stemmer."""
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


def terms_for(texts: Sequence[str]) -> Callable[[str], list[str]]:
    """Return how BM25 takes these texts apart: stemmed where they are English, language-neutral otherwise."""
    return english_terms if looks_english(texts) else terms
