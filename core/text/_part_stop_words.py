"""The commonest words of a few languages, which say nothing of what a text is about: BM25 does not count them, and they are not marked in hits."""

from __future__ import annotations

from collections.abc import Iterable

_ENGLISH = frozenset(
    ["a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "did", "do", "does", "for", "from", "had", "has", "have", "how", "i", "if", "in", "into", "is", "it", "its", "me", "my", "no", "not", "of", "on", "or", "our", "so", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "to", "was", "we", "were", "what", "when", "where", "which", "who", "whom", "whose", "why", "will", "with", "would", "you", "your"]
)
# Spanish, French, German, Hindi, Arabic
_OTHERS = frozenset(
    ["el", "la", "los", "las", "un", "una", "unos", "unas", "de", "del", "en", "y", "o", "que", "qué", "es", "por", "para", "con", "se", "su", "le", "les", "des", "du", "et", "une", "est", "dans", "pour", "par", "au", "aux", "qui", "der", "die", "das", "ein", "eine", "und", "ist", "im", "in", "von", "zu", "mit", "den", "dem", "auf", "für", "war", "wer", "wie", "was", "का", "की", "के", "है", "में", "से", "को", "और", "ने", "पर", "في", "من", "على", "إلى", "عن", "هو", "هي", "ما", "أن"]
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
