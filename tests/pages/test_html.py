"""What pages make of records: HTML, Markdown, CSV and addresses, none of which a document may break."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pandas as pd
import pytest

from core.records.search import Hit, Metric, SearchResult, Timings
from core.text.excerpts import Context
from pages.ui.downloads import frame_csv, hits_csv
from pages.ui.html import bar_percent, context_html, hit_card, marked_text, timings_html
from pages.ui.page import literal
from pages.ui.url_state import _parsed

HIT = Hit(1, "id", "a.txt", "d", None, None, 0, 4, "text", 1, 0.5, 1)


def result(*hits: Hit, query: str = "q", collection: str = "c") -> SearchResult:
    return SearchResult(query, collection, "m", "cosine", hits, Timings(1, 2, 3))


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


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_a_cell_that_a_spreadsheet_would_run_is_disarmed(start: str) -> None:
    evil = f"{start}HYPERLINK(1)"
    table = hits_csv(result(replace(HIT, text=evil, document=evil, heading=evil), query=evil, collection=evil))
    (row,) = csv.DictReader(io.StringIO(table, newline=""))
    assert [row[name] for name in ("query", "collection", "document", "heading", "text")] == [f"'{evil}"] * 5


def test_no_cell_of_a_table_is_run_by_a_spreadsheet() -> None:
    frame = pd.DataFrame({"query": ["=1+1", "fine"], "rank": [1, -2], "grade": [None, 0.5]})
    assert frame_csv(frame).decode("utf-8-sig").splitlines() == ["query,rank,grade", "'=1+1,1,", "fine,-2,0.5"]


def test_csv_keeps_harmless_text_and_numbers_as_they_are() -> None:
    hit = replace(HIT, text='two\nlines, "quoted" = fine', page=2, bi_score=-1.25)
    first, second = csv.DictReader(io.StringIO(hits_csv(result(hit, replace(HIT, rank=2))), newline=""))
    assert (first["text"], first["page"], first["heading"], first["bi_score"]) == (hit.text, "2", "", "-1.25")
    assert (second["rank"], second["page"]) == ("2", "")
    assert hits_csv(result()).strip() == ""


@pytest.mark.parametrize(
    ("found", "default", "value"),
    [
        ([], 10, None),
        (["7"], 10, 7),
        (["1", "7"], 10, 7),
        (["-3"], 10, -3),
        (["9999"], 10, 9999),
        (["many"], 10, None),
        (["1.5"], 10, None),
        ([""], 10, None),
        (["9" * 5000], 10, None),
        (["7\n"], 10, None),
        ([], "x", None),
        ([""], "x", ""),
        (["a", "b"], "x", "b"),
        ([], ["d"], []),
        (["a", "b"], ["d"], ["a", "b"]),
    ],
)
def test_a_parameter_of_the_address(found: list[str], default: str | int | list[str], value: object) -> None:
    assert _parsed(found, default) == value
