"""Terms of a text: folding, stop words, stems, and what language a text is in.

BM25, the marking of a query's words and the names of clusters all cut texts by ``core.text.words`` and then take their
own steps: folding, leaving out stop words, stemming.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence, Set
from functools import cache

import regex

from core.text.words import bigrams, segment, tokenize

_APOSTROPHE = regex.compile("['’ʼ]")
# Marks without which a word is still that word: accents, the vowel points of Arabic and Hebrew, Arabic's tatweel, the
# nukta of Devanagari, invisible signs. Not the vowel signs and viramas of Indic scripts, nor the vowels and tones of
# Thai, which are letters, nor kana's voicing marks.
_OPTIONAL_MARKS = regex.compile(
    r"[[[\p{Inherited}\p{Latin}\p{Greek}\p{Cyrillic}\p{Arabic}\p{Hebrew}\p{Syriac}]&&\p{M}]--[\u3099\u309A]]"
    r"|[\u0640\u093C\p{DI}]",
    regex.V1,
)


def fold_case_and_accents(word: str) -> str:
    """Return ``word`` without case, accents, optional vowel points and invisible signs, in Unicode's NFC."""
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return unicodedata.normalize("NFC", _OPTIONAL_MARKS.sub("", decomposed)).casefold()


def fold(word: str) -> str:
    """Return ``word`` without case and accents, and without an English plural's or possessive's end."""
    plain = fold_case_and_accents(_APOSTROPHE.sub("'", word)).removesuffix("'s")
    return plain[:-1] if len(plain) > 3 and plain.endswith("s") and not plain.endswith("ss") else plain


def _word_set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ENGLISH = _word_set(
    """
    a an and are as at be been but by can did do does for from had has have how i if in into is it its me my no
    not of on or our so than that the their them then there these they this to was we were what when where which
    who whom whose why will with would you your
    """
)
# Spanish, French, German, Hindi, Arabic
_OTHERS = _word_set(
    """
    el la los las un una unos unas de del en y o que qué es por para con se su le les des du et une est dans
    pour par au aux qui der die das ein eine und ist im in von zu mit den dem auf für war wer wie was का की के
    है में से को और ने पर في من على إلى عن هو هي ما أن
    """
)
# "Who won the war?" is not about "who won the"
_CONTENT_IN_ENGLISH = frozenset(["con", "den", "die", "par", "war"])
_ALL = _ENGLISH | _OTHERS
_ONLY_ENGLISH, _ONLY_OTHERS = _ENGLISH - _OTHERS, _OTHERS - _ENGLISH - _CONTENT_IN_ENGLISH


def stop_words(words: Iterable[str]) -> frozenset[str]:
    """Return the words not to count in a text that consists of ``words`` (case-folded).

    Words that carry content in English ("war", "die") are among them only where the text has more stop words of the
    other languages than of English.
    """
    distinct = set(words)
    mostly_other = len(distinct & _ONLY_OTHERS) > len(distinct & _ONLY_ENGLISH)
    return _ALL if mostly_other else _ALL - _CONTENT_IN_ENGLISH


# Of Chinese, Japanese, Thai, Lao, Khmer and Burmese, whose words ICU finds; not marked, and not counted but in pairs
_UNSPACED_STOP_WORDS = _word_set(
    """
    的 了 和 是 在 有 我 你 他 她 它 我们 你们 他们 不 也 就 都 与 及 或 这 那 这个 那个 吗 呢 吧 啊 什么 哪里 哪 谁
    怎么 为什么 几 多少 很 到 从 把 被 对 为 之 其 而 於 于 們 這 個 嗎 甚麼
    の は が を に で と も へ や か ね よ な だ た て し ます です した する から まで より など これ それ あれ この
    その あの 何 いる ある れ ん
    ที่ และ ใน ของ เป็น ได้ มี ไม่ ให้ ว่า ก็ จะ กับ หรือ แต่ นี้ นั้น อะไร ไหน ไหม ใคร ทำไม อย่างไร เมื่อไร กี่ คือ ครับ ค่ะ
    ซึ่ง จาก โดย แล้ว
    ແລະ ໃນ ຂອງ ທີ່ ເປັນ ບໍ່ ໄດ້ ມີ ຈະ ກັບ ຫຼື ນີ້ ຫຍັງ
    និង ជា ក្នុង នៅ ដែល បាន មាន របស់ ពី នេះ តើ អ្វី
    နှင့် သည် တွင် မှာ ကို မှ ၏ များ က ဘာ
    """
)


_FOLDED_STOP_WORDS = frozenset(map(fold_case_and_accents, _UNSPACED_STOP_WORDS))


_HIRAGANA = regex.compile(r"\p{Hiragana}+")


def unspaced_words(run: str) -> list[str]:
    """Return the folded words of a run without spaces, without function words unless there are no others."""
    words = [fold_case_and_accents(word) for word in segment(run)]
    return [word for word in words if not is_unspaced_function_word(word)] or words


def is_unspaced_function_word(word: str) -> bool:
    """Return whether a folded word of a script without spaces is a function word, or one kana of a verb's ending."""
    return word in _FOLDED_STOP_WORDS or (len(word) == 1 and "\u3041" <= word <= "\u309f")


def terms(text: str, fold_word: Callable[[str], str] = fold) -> list[str]:
    """Return the terms that BM25 counts: folded words without stop words, and the bigrams of ideographs.

    Words are parted at apostrophes. Runs of Thai, Lao, Khmer and Burmese give their words.
    """
    parts: list[tuple[str, bool]] = []
    for match in tokenize(unicodedata.normalize("NFC", text)):
        if match.lastgroup is None:
            parts += [(word, False) for word in _APOSTROPHE.split(match[0])]
        elif match.lastgroup == "ideographs":
            parts += [(pair, True) for pair in bigrams(fold_case_and_accents(match[0]))]
        else:
            parts += [(word, True) for word in unspaced_words(match[0])]
    left_out = stop_words(word.casefold() for word, unspaced in parts if not unspaced)
    return [
        word if unspaced else fold_word(word) for word, unspaced in parts if unspaced or word.casefold() not in left_out
    ]


_CONTRACTED = frozenset(["s", "t", "d", "m", "ll", "re", "ve"])  # the ends of it's, don't, you're


def english_terms(text: str) -> list[str]:
    """Return the terms that BM25 counts in English: as ``terms``, but stemmed instead of cut off at a plural's s.

    The stemmer is Snowball's English one (Porter, Snowball: A language for stemming algorithms, 2001).
    """
    import Stemmer

    stemmer = Stemmer.Stemmer("english")  # one for each text: it must not be shared between threads
    words = [word for word in terms(text, fold_case_and_accents) if word not in _CONTRACTED]
    stems: list[str] = stemmer.stemWords(words)
    return stems


def query_words(query: str) -> frozenset[str]:
    """Return what is marked in hits: the query's folded words without stop words, and its ideographs' bigrams."""
    tokens = list(tokenize(query))
    left_out = stop_words(match[0].casefold() for match in tokens)
    words: set[str] = set()
    for match in tokens:
        if match.lastgroup is not None:
            words.update(unspaced_words(match[0]))
            if match.lastgroup == "ideographs":  # of which the words depend on what stands beside them
                pairs = bigrams(fold_case_and_accents(match[0]))
                words.update(pair for pair in pairs if len(pair) > 1 and not _HIRAGANA.fullmatch(pair))
        elif match[0].casefold() not in left_out:
            words.add(fold(match[0]))
    return frozenset(words)


# The commonest words of English; in other languages hardly any word is one of them.
_COMMON = _word_set(
    """
    the of and to in is that for with was are as by on it this be from or an have not at which has were can
    """
)
SHARE = 0.1  # of the words that must be common English ones: prose has 25 to 35 of 100, commented code 13, German 2
SAMPLE = 300  # texts that are looked at, evenly spread over all
LENGTH = 2000  # characters of each


def looks_english(texts: Sequence[str]) -> bool:
    """Return whether most of ``texts`` is English: at least a tenth of the words are among the 27 commonest.

    A sample of 300 texts is looked at, evenly spread over all, so that the answer is the same each time.
    """
    step = max(1, len(texts) // SAMPLE)
    words = [match[0].casefold() for text in texts[::step] for match in tokenize(text[:LENGTH])]
    words = [word for word in words if not word[0].isnumeric()]
    return bool(words) and sum(word in _COMMON for word in words) >= SHARE * len(words)


def terms_for(texts: Sequence[str]) -> Callable[[str], list[str]]:
    """Return the function that gives these texts' terms: ``english_terms`` if they are English, else ``terms``."""
    return english_terms if looks_english(texts) else terms


# Languages with bm25s's names of their stop word lists. Of two with as many words in a text the first is taken.
LANGUAGES = {
    "English": "EN_PLUS",
    "German": "GERMAN",
    "Dutch": "DUTCH",
    "French": "FRENCH",
    "Spanish": "SPANISH",
    "Portuguese": "PORTUGUESE",
    "Italian": "ITALIAN",
    "Russian": "RUSSIAN",
    "Swedish": "SWEDISH",
    "Norwegian": "NORWEGIAN",
    "Danish": "DANISH",
    "Turkish": "TURKISH",
    "Korean": "KOREAN",
}
FEWEST = 3  # different function words; fewer do not tell a language


@cache
def _function_words(list_name: str) -> frozenset[str]:
    """Return one of bm25s's stop word lists."""
    from bm25s import stopwords  # takes a second, which the start of the map page need not wait for

    return frozenset(getattr(stopwords, f"STOPWORDS_{list_name}"))


@cache
def _languages_by_word() -> dict[str, tuple[str, ...]]:
    """Return for each case-folded function word the languages that have it."""
    languages: dict[str, tuple[str, ...]] = {}
    for language, list_name in LANGUAGES.items():
        for word in {word.casefold() for word in _function_words(list_name)}:
            languages[word] = (*languages.get(word, ()), language)
    return languages


def language_of(words: Set[str]) -> str | None:
    """Return the language that has most of these words as function words; None if none has ``FEWEST`` of them."""
    counts: Counter[str] = Counter()
    for word in words:
        counts.update(_languages_by_word().get(word.casefold(), ()))
    best = max(LANGUAGES, key=lambda language: counts[language])
    return best if counts[best] >= FEWEST else None


def is_function_word(word: str, language: str | None) -> bool:
    """Return whether ``word`` is a function word of ``language``.

    A function word of one language carries content in another ("die", "sur", "son"), so the language must be known.
    """
    return language is not None and language in _languages_by_word().get(word.casefold(), ())


def is_chinese_function_word(term: str) -> bool:
    """Return whether a term, a bigram of ideographs say, is a function word of Chinese."""
    return term in _function_words("CHINESE")
