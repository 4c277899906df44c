"""Reranking on the Search page. Which hit wins is not tested: that depends on the models."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui.page import literal
from tests.support.pages import address, cards, html, opened, said

pytestmark = pytest.mark.usefixtures("loaded_samples")
SEARCH = "pages/search.py"
QUERY = "Which planet is the hottest?"  # not one of the judged questions
MOVE = re.compile(r'<span class="rs-move rs-(up|down|same)">(up \d+|down \d+|same)</span>')


def badges(page: AppTest) -> list[str]:
    return [found[2] if (found := MOVE.search(card)) else "" for card in cards(page)]


def times(page: AppTest) -> str:
    return " ".join(html(page, "retrieve <b>"))


def test_search_reranks_where_the_address_asks_for_it() -> None:
    page = opened(SEARCH, q=QUERY, rerank="1")
    assert len(cards(page)) == 10
    assert all(badges(page))
    assert "rerank 50 pairs <b>" in times(page)
    assert any("bi-encoder's scores in the cross-encoder's order" in text.value for text in page.markdown)
    assert all("cross-encoder, probability" in card and "cosine similarity, rank" in card for card in cards(page))
    assert address(page)["rerank"] == ["1"]
    assert said(page) == ""
    scores = [float(found[1]) for card in cards(page) if (found := re.search(r"<b>([+-]\d+\.\d\d)</b>", card))]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 10
    page.toggle(key="rerank").set_value(False).run()
    assert badges(page) == [""] * 10
    assert "rerank" not in times(page)


def test_hits_behind_the_pool_have_no_move() -> None:
    page = opened(SEARCH, q=QUERY, rerank="1", pool="3")
    assert "rerank 3 pairs <b>" in times(page)
    assert [bool(badge) for badge in badges(page)] == [True] * 3 + [False] * 7


def test_reranked_hits_are_kept_whatever_else_is_clicked() -> None:
    page = opened(SEARCH, q=QUERY, rerank="1")
    took = times(page)
    page.run()
    assert times(page) == took  # milliseconds that were measured once


@pytest.mark.usefixtures("no_reranker")
def test_search_without_a_cross_encoder_says_so_and_shows_the_bi_encoders_hits() -> None:
    page = opened(SEARCH, q=QUERY, rerank="1")
    assert literal("'/nowhere'") in said(page)
    assert literal("These are the bi-encoder's own hits") in said(page)
    assert len(cards(page)) == 10
    assert badges(page) == [""] * 10
    page.toggle(key="rerank").set_value(False).run()
    assert (said(page), len(cards(page))) == ("", 10)
