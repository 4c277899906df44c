"""The small words of a language, which say nothing of what a text is about: left out of labels.

The lists are bm25s's, of thirteen languages and Chinese. A word is small in one language and means something in another ("die", "sur", "son"), so each text
loses the small words of the one language whose list holds most of its words. Texts in other languages keep all.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence, Set
from functools import cache

import regex

_ENGLISH = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
        "can",
        "did",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "me",
        "my",
        "no",
        "not",
        "of",
        "on",
        "or",
        "our",
        "so",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "to",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "whom",
        "whose",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
    ]
)
# Spanish, French, German, Hindi, Arabic
_OTHERS = frozenset(
    [
        "el",
        "la",
        "los",
        "las",
        "un",
        "una",
        "unos",
        "unas",
        "de",
        "del",
        "en",
        "y",
        "o",
        "que",
        "qué",
        "es",
        "por",
        "para",
        "con",
        "se",
        "su",
        "le",
        "les",
        "des",
        "du",
        "et",
        "une",
        "est",
        "dans",
        "pour",
        "par",
        "au",
        "aux",
        "qui",
        "der",
        "die",
        "das",
        "ein",
        "eine",
        "und",
        "ist",
        "im",
        "in",
        "von",
        "zu",
        "mit",
        "den",
        "dem",
        "auf",
        "für",
        "war",
        "wer",
        "wie",
        "was",
        "का",
        "की",
        "के",
        "है",
        "में",
        "से",
        "को",
        "और",
        "ने",
        "पर",
        "في",
        "من",
        "على",
        "إلى",
        "عن",
        "هو",
        "هي",
        "ما",
        "أن",
    ]
)
_MEANT_IN_ENGLISH = frozenset(["con", "den", "die", "par", "war"])  # "Who won the war?" is not about "who won the"
_ALL = _ENGLISH | _OTHERS
_SAFE = _ALL - _MEANT_IN_ENGLISH
_ONLY_ENGLISH, _ONLY_OTHERS = _ENGLISH - _OTHERS, _OTHERS - _ENGLISH - _MEANT_IN_ENGLISH


def stop_words(words: Iterable[str]) -> frozenset[str]:
    """Return the words not to count in a text that consists of ``words`` (case-folded).

    Those that mean something in English ("war", "die") are among them only where the text holds more small words of the other languages than of English.
    """
    seen = set(words)
    english, others = len(seen & _ONLY_ENGLISH), len(seen & _ONLY_OTHERS)
    return _ALL if others > english else _SAFE


def fold(word: str) -> str:
    """Return ``word`` without case and accents, and without an English plural's or possessive's end."""
    plain = unicodedata.normalize("NFKD", word.casefold().replace("’", "'"))
    plain = "".join(c for c in plain if not unicodedata.combining(c)).removesuffix("'s")
    return plain[:-1] if len(plain) > 3 and plain.endswith("s") and not plain.endswith("ss") else plain


_PART = regex.compile(
    r"(?P<ideographs>[\p{Han}\p{Hiragana}\p{Katakana}]+)|(?:(?![\p{Han}\p{Hiragana}\p{Katakana}])[\p{L}\p{M}\p{N}_])+"
)


def terms(text: str, folded: Callable[[str], str] = fold) -> list[str]:
    """Return the words that BM25 counts: ``folded`` (case, accents, English plural), without stop words.

    Ideographs are not parted by spaces: each run of them gives its overlapping pairs.
    """
    found: list[str] = []
    parts = [(match[0], bool(match["ideographs"])) for match in _PART.finditer(unicodedata.normalize("NFC", text))]
    small = stop_words(word.casefold() for word, _ in parts)
    for word, ideographs in parts:
        if ideographs:
            found += [word[at : at + 2] for at in range(max(1, len(word) - 1))]
        elif word.casefold() not in small:
            found.append(folded(word))
    return found


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


# Of two languages with as many words in a text the first is taken.
LANGUAGES = {
    "English": "EN_PLUS",
    **{
        name: name.upper()
        for name in (
            "German",
            "Dutch",
            "French",
            "Spanish",
            "Portuguese",
            "Italian",
            "Russian",
            "Swedish",
            "Norwegian",
            "Danish",
            "Turkish",
            "Korean",
        )
    },
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
