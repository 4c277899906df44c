"""Records as HTML and Markdown, which no document may break."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.records.search import Metric, SearchResult, Timings
from core.text.excerpts import Context
from pages.ui.html import bar_percent, context_html, hit_card, marked_text, metadata_html, timings_html
from pages.ui.page import literal
from tests.support.pages import HIT


@pytest.mark.parametrize(
    ("text", "query", "html"),
    [
        (
            "<script>alert('1')</script> & \"x\"",
            "",
            "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt; &amp; &quot;x&quot;",
        ),
        ("red <b>Reds</b>", "red", "<mark>red</mark> &lt;b&gt;<mark>Reds</mark>&lt;/b&gt;"),
        ("amp & b", "amp b", "<mark>amp</mark> &amp; <mark>b</mark>"),  # the entity's own letters are no word
        (
            "# Title\nbody",
            "title",
            '<span class="rs-syntax"># </span><span class="rs-heading"><mark>Title</mark></span>\nbody',
        ),
        ("#hashtag, $x$ **y**", "", "#hashtag, $x$ **y**"),
    ],
)
def test_text_is_escaped_and_the_querys_words_marked(text: str, query: str, html: str) -> None:
    assert marked_text(text, query) == html


@pytest.mark.parametrize("place", ["document", "heading", "text"])
def test_nothing_in_a_hit_becomes_markup(place: str) -> None:
    evil = "<img src=x onerror=alert(1)>"
    hit = (
        replace(HIT, document=evil)
        if place == "document"
        else replace(HIT, heading=evil)
        if place == "heading"
        else replace(HIT, text=evil)
    )
    card = hit_card(hit, evil, "cosine", 0.5)
    assert "<img" not in card
    assert "&lt;" in card


def test_a_hit_says_where_it_stands_and_how_similar_it_is() -> None:
    card = hit_card(replace(HIT, rank=3, page=7, heading="Part › One", bi_score=0.25), "", "cosine", 0.5)
    for expected in (">3<", "a.txt", "page 7 · Part › One", "0.2500", "cosine similarity", "width:25.0%"):
        assert expected in card


@pytest.mark.parametrize(
    ("score", "metric", "best", "percent"),
    [
        (0.25, "cosine", 0.5, 25),
        (1.0, "cosine", 1.0, 100),
        (-0.3, "cosine", -0.1, 0),
        (3.0, "dot", 12.0, 25),
        (12.0, "dot", 12.0, 100),
        (-1.0, "dot", 2.0, 0),
        (-2.0, "dot", -1.0, 0),
        (0.0, "l2", 0.0, 100),
        (-1.0, "l2", 0.0, 50),
        (-3.0, "l2", -1.0, 25),
    ],
)
def test_a_bars_length(score: float, metric: Metric, best: float, percent: float) -> None:
    assert bar_percent(score, metric, best) == pytest.approx(percent)


def test_a_chunk_in_context_is_tinted_and_all_of_it_escaped() -> None:
    html = context_html(Context("<i>before ", "<b>red", "</b> after", True, False), "red")
    assert (
        html.index("… &lt;i&gt;before")
        < html.index('<span class="rs-chunk">&lt;b&gt;<mark>red</mark></span>')
        < html.index("&lt;/b&gt; after")
    )
    assert html.count("…") == 1


def test_timings_name_every_stage() -> None:
    result = SearchResult("q", "c", "m", "cosine", (HIT,) * 10, Timings(1.25, 2, 3.25))
    html = timings_html(result, 1444)
    assert "rerank" not in html
    html += timings_html(replace(result, timings=Timings(1.25, 2, 1003.25, 1000), reranker="x", pool=50), 1444)
    for expected in (
        "<b>10</b> of 1,444 chunks",
        "encode the query <b>1.2 ms</b>",
        "retrieve <b>2.0 ms</b>",
        "total <b>3.2 ms</b>",
        "rerank 50 pairs <b>1,000 ms</b>",
        "total <b>1,003.2 ms</b>",
    ):
        assert expected in html


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("plain words, 富士山", "plain words\\, 富士山"),
        ("*x* $y$ `z` <b>", "\\*x\\* \\$y\\$ \\`z\\` \\<b\\>"),
        ("\\_", "\\\\\\_"),
        (":red[x]", "\\:red\\[x\\]"),
        (":smile:", "\\:\u2060smile\\:"),
        (":material/home: 10:30", "\\:\u2060material\\/home\\: 10\\:30"),
        ("a -> b", "a \\-\u2060\\> b"),
        ("a--b", "a\\-\\-b"),
        ("me@x.org", "me\\@\u2060x\\.org"),
        ("https://x.org", "https\\:\u2060\\/\\/x\\.org"),
        ("www.x.org", "www\u2060\\.x\\.org"),
    ],
)
def test_text_as_markdown_that_shows_it_word_for_word(text: str, markdown: str) -> None:
    assert literal(text) == markdown


TAG = "<img src=x onerror=alert(1)>"


def test_a_hit_shows_its_metadata_and_the_tables_header_escaped() -> None:
    from dataclasses import replace

    card = hit_card(
        replace(HIT, carried=f"name | {TAG}", metadata={"author": TAG, TAG: "x", "year": 2020.0, "ok": True}),
        "",
        "cosine",
        0.5,
    )
    assert "<img" not in card
    for expected in ("<i>author</i> &lt;img", "<i>year</i> 2020<", "<i>ok</i> true", "name | &lt;img"):
        assert expected in card
    assert metadata_html({}) == ""
    assert "…</span>" in metadata_html({"title": "long " * 100})
