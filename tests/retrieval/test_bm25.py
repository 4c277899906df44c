"""BM25 by hand."""

from __future__ import annotations

import unicodedata
from math import log

import numpy as np
import pytest

from core.retrieval.bm25 import Bm25, top_rows
from core.text.analyzers import terms

K1, B = 1.5, 0.75
CORPUS = ["cat dog", "cat cat bird fish", "dog"]  # 2, 4 and 1 terms


def indexed(texts: list[str]) -> Bm25:
    """An index over texts whose ids are their numbers, in no language: words are folded, not stemmed."""
    return Bm25.build({str(number): text for number, text in enumerate(texts)}, terms)


def lucene(tf: int, df: int, length: int, texts: int = 3, average: float = 7 / 3) -> float:
    """One term's part: idf = ln(1 + (N - df + 1/2) / (df + 1/2)), times tf / (tf + k1 (1 - b + b length / average))."""
    idf = log(1 + (texts - df + 0.5) / (df + 0.5))
    return idf * tf / (tf + K1 * (1 - B + B * length / average))


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("cat", [lucene(1, 2, 2), lucene(2, 2, 4), 0]),
        ("dog", [lucene(1, 2, 2), 0, lucene(1, 2, 1)]),
        ("bird", [0, lucene(1, 1, 4), 0]),
        ("cat dog", [2 * lucene(1, 2, 2), lucene(2, 2, 4), lucene(1, 2, 1)]),
        ("cat cat", [2 * lucene(1, 2, 2), 2 * lucene(2, 2, 4), 0]),
        ("the CATS and a horse", [lucene(1, 2, 2), lucene(2, 2, 4), 0]),
    ],
)
def test_scores_are_lucenes(query: str, wanted: list[float]) -> None:
    np.testing.assert_allclose(indexed(CORPUS).scores(query), wanted, atol=1e-6)


def test_one_score_spelled_out() -> None:
    """cat is in 2 of 3 texts: ln(1 + 1.5 / 2.5) = 0.4700. In "cat dog", of 2 terms where 7/3 are usual: 1 / 2.3393."""
    assert indexed(CORPUS).scores("cat")[0] == pytest.approx(0.470004 / 2.339286, abs=1e-5)


@pytest.mark.parametrize("query", ["horse", "", " \n", "the of and", "?!", "c"])
def test_no_shared_word_is_0(query: str) -> None:
    scores = indexed(CORPUS).scores(query)
    assert scores.tolist() == [0, 0, 0]
    assert scores.dtype == np.float64


@pytest.mark.parametrize(
    ("texts", "query"), [([], "cat"), ([], ""), (["the of and", "", "?!"], "cat"), (["the of"], "the"), ([""], "")]
)
def test_texts_without_words_are_no_obstacle(texts: list[str], query: str) -> None:
    assert indexed(texts).scores(query).tolist() == [0] * len(texts)


def test_a_text_of_stop_words_scores_0_beside_others() -> None:
    scores = indexed(["the of and", "cat", ""]).scores("the cat")
    assert scores[1] > 0
    assert scores[[0, 2]].tolist() == [0, 0]


def test_what_has_the_word_oftener_or_is_shorter_comes_first() -> None:
    scores = indexed(["cat bird bird", "cat cat bird", "cat", "bird bird"]).scores("cat")
    assert top_rows(scores, ["a", "b", "c", "d"], 4) == [2, 1, 0, 3]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Cats, dogs; the FISH!", ["cat", "dog", "fish"]),
        ("glass bus", ["glass", "bus"]),
        ("résumé Ångström Straße", ["resume", "angstrom", "strasse"]),
        ("ﬁne", ["fine"]),
        ("24 hours in 1999", ["24", "hour", "1999"]),
        ("THE Cat And Für", ["cat"]),
        ("le chat et der Hund y el perro", ["chat", "hund", "perro"]),
        ("北京大学", ["北京", "京大", "大学"]),
        ("中", ["中"]),
        ("ひらがな", ["ひら", "らが", "がな"]),
        ("北京, 2008", ["北京", "2008"]),
        ("", []),
        ("the of — ?", []),
    ],
)
def test_the_terms_of_a_text(text: str, wanted: list[str]) -> None:
    assert terms(text) == wanted


def test_accents_and_case_do_not_part_query_and_text() -> None:
    scores = indexed(["Café Müller", "cat"]).scores("CAFE MULLER")
    assert scores[0] > 0
    assert scores[1] == 0


def test_chinese_is_found_by_pairs() -> None:
    scores = indexed(["我在北京大学学习", "上海的天气", "京都大阪"]).scores("北京大学")
    assert top_rows(scores, ["a", "b", "c"], 1) == [0]
    assert scores[1:].tolist() == [0, 0]  # 京 and 大 alone are no pair


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("GPU加速", ["gpu", "加速"]),
        (unicodedata.normalize("NFD", "résumé"), ["resume"]),
        ("भाषा", ["भाषा"]),
    ],
)
def test_mixed_words_and_combining_marks(text: str, wanted: list[str]) -> None:
    assert [unicodedata.normalize("NFC", term) for term in terms(text)] == wanted


@pytest.mark.parametrize(
    ("scores", "ids", "many", "wanted"),
    [
        ([1, 3, 2], ["a", "b", "c"], 2, [1, 2]),
        ([1, 1, 1], ["c", "a", "b"], 2, [1, 2]),
        ([2, 1, 1, 1], ["z", "c", "a", "b"], 3, [0, 2, 3]),
        ([1, 3, 2], ["a", "b", "c"], 10, [1, 2, 0]),
        ([-2, -1], ["a", "b"], 1, [1]),
        ([1, 2], ["a", "b"], 0, []),
        ([], [], 5, []),
    ],
)
def test_the_best_are_the_highest_and_ties_break_by_id(
    scores: list[float], ids: list[str], many: int, wanted: list[int]
) -> None:
    assert top_rows(np.asarray(scores, dtype=np.float64), ids, many) == wanted


def test_the_best_are_the_start_of_the_whole_order() -> None:
    scores = np.random.default_rng(0).integers(0, 6, 200).astype(np.float32)
    ids = [f"{number * 37 % 200:03}" for number in range(200)]
    whole = sorted(range(200), key=lambda at: (-scores[at], ids[at]))
    for many in (1, 7, 50, 199, 200):
        assert top_rows(scores, ids, many) == whole[:many]


def test_war_is_counted_in_english_and_left_out_in_german() -> None:
    assert terms("The war of the roses") == ["war", "rose"]
    assert terms("Wo war der Hund und die Katze") == ["wo", "hund", "katze"]
