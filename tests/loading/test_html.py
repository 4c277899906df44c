"""Web pages: tables, what is hidden, where words end, lists, code and notes."""

from __future__ import annotations

import pytest

from core.loading._markdown import markdown_headings, markdown_tables
from core.loading.html.load import convert_html, html_to_markdown

HEAD = "<tr><th>Part</th><th>Use</th></tr>"


def table(rows: str) -> str:
    return html_to_markdown(f"<table>{HEAD}{rows}</table>").removeprefix("| Part | Use |\n| --- | --- |\n")


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ("<tr><td>a</td><td>ls | wc</td></tr>", r"| a | ls \| wc |"),
        ("<tr><td rowspan=2>a</td><td>1</td></tr><tr><td>2</td></tr>", "| a | 1 |\n| a | 2 |"),
        ("<tr><td rowspan=0>a</td><td>1</td></tr><tr><td>2</td></tr>", "| a | 1 |\n| a | 2 |"),
        ("<tr><td colspan=99>all of it</td></tr>", "| all of it | all of it |"),
        (
            "<tr><td>a</td><td><ul><li>x</li><li>y</li></ul></td></tr><tr><td>b</td><td>z</td></tr>",
            "| a | x; y |\n| b | z |",
        ),
        ("<tr><td>a</td><td><pre>x\ny</pre></td></tr>", "| a | x y |"),
        ("<tr><td>a</td><td><h4>Top</h4>x<br>y</td></tr>", "| a | Top x y |"),
        ("<tr><td>a</td><td><dl><dt>x<dd>y</dl></td></tr>", "| a | x; y |"),
        ("<tr><td>a</td><td><table><tr><td>x<td>y<tr><td>z<td>w</table></td></tr>", "| a | x: y; z: w |"),
        (
            "<tfoot><tr><td>sum</td><td>9</td></tr></tfoot><tbody><tr><td>a</td><td>9</td></tr></tbody>",
            "| a | 9 |\n| sum | 9 |",
        ),
        ("<tr><th scope=row>a</th><td>1<!-- --></td></tr>", "| a | 1 |"),
        ("<tr hidden><td>a</td><td>1</td></tr><tr><td>b</td><td>2</td></tr>", "| b | 2 |"),
    ],
)
def test_cells_of_a_table(rows: str, text: str) -> None:
    assert table(rows) == text


def test_two_rows_of_headers_are_joined_and_captions_and_titles_stand_above() -> None:
    html = (
        "<table><caption>Tolls</caption><thead><tr><th rowspan=2>Port</th><th colspan=2>Cargo</th></tr>"
        "<tr><th>in</th><th>out</th></tr></thead><tr><td>Emden</td><td>1</td><td>2</td></tr></table>"
    )
    assert html_to_markdown(html) == (
        "Tolls\n\n| Port | Cargo in | Cargo out |\n| --- | --- | --- |\n| Emden | 1 | 2 |"
    )


@pytest.mark.parametrize(
    "html",
    [
        "<table role=presentation><tr><td><h2>A</h2><td>b</table>",
        "<table><tr><td><h2>A</h2>b</table>",
        "<table><tr><td><h2>A</h2></td></tr><tr><td>b</td></tr></table>",
    ],
)
def test_a_table_that_lays_out_the_page_is_no_table(html: str) -> None:
    assert html_to_markdown(html) == "## A\n\nb"


@pytest.mark.parametrize(
    "html",
    [
        "<p hidden>x</p>",
        "<div style='color:red; DISPLAY : none !important'><div>x</div>x</div>",
        "<span style='visibility:hidden'>x</span>",
        "<style>.no, #gone {display:none} @media print {.say{display:none}}</style><p class='a no'>x<p id=gone>x",
        "<style>p.no{display:block} .no{display:none}</style><b class=no>x</b>",
        "<template><p>x</template><noscript>x</noscript><script>x</script><datalist><option>x</datalist>",
        "<dialog>x</dialog><input type=hidden value=x><video>x</video>",
        "<svg aria-hidden=true><title>x</title></svg><i class='fa fa-home' aria-hidden=true>x</i>",
        "<head><title>x</title><noscript>x</noscript></head>",
    ],
)
def test_hidden_text_is_left_out(html: str) -> None:
    assert html_to_markdown(f"{html}<p class=say>words").strip() == "words"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<details><summary>a</summary>b</details>", "a\n\nb"),
        ("<p aria-hidden=true>only for the eye</p>", "only for the eye"),
        ("<p>Close <span aria-hidden=true>×</span></p>", "Close"),
        ("<p><span class=sr>5 euros</span> <span aria-hidden=true>5 Euros</span></p>", "5 euros"),
        ("<style>.tab{display:none} .tab.open{display:block}</style><p class='tab open'>a", "a"),
        ("<style>.menu{display:none} nav:hover .menu{display:block}</style><p class=menu>a", "a"),
        (
            "<span class=katex><span class=katex-mathml><math><mi>E</mi><annotation encoding=tex>E</annotation></math>"
            "</span><span class=katex-html aria-hidden=true>E</span></span>",
            "E",
        ),
        ("<dialog open>a</dialog>", "a"),
        ("<del>a</del> <s>b</s>", "a b"),
    ],
)
def test_what_can_be_seen_is_in_once(html: str, text: str) -> None:
    assert html_to_markdown(html) == text


def test_a_page_that_hides_all_until_a_script_runs_is_read() -> None:
    page = convert_html("<div style='display:none'>all of it</div>")
    assert page.text == "all of it"
    assert page.notes == ("the page hides all its text until a script runs: it was read all the same",)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("H<sub>2</sub>O, <b>super</b>b, un<wbr>believ&shy;able, a&#8203;b", "H2O, superb, unbelievable, ab"),
        ("AT&amp;T 5 &lt; 6 <i>a</i><i>b</i>", "AT&T 5 < 6 ab"),
        ("<ruby>東京<rp>(</rp><rt>とう</rt><rp>)</rp></ruby>の<ruby><rb>港</rb><rtc>みな</rtc></ruby>", "東京の港"),
        ("<span style='display:block'>a</span><span style='display: flex'>b</span>", "a\n\nb"),
        ("<x-card>a</x-card><x-card>b</x-card>.", "a b."),
        ("<button>a</button><label>b</label><input value=c><select><option>d<option>e</select>", "a b c\nd\ne"),
        ("<p>a<p>b<ul><li>c<li>d</ul>", "a\n\nb\n\n* c\n* d"),
        ("a<br>b<br><br>c", "a\nb\n\nc"),
        ("<q>a</q><svg><text>b</text><text>c</text></svg>", '"a" b c'),
        ("<math><mfrac><mn>1</mn><mn>2</mn></mfrac></math>", "1/2"),
        ("<article>a</article><DIV>b</DIV>", "a\n\nb"),
        ("<figure>a<figcaption>b</figcaption></figure><search>c</search><address>d</address>", "a\n\nb\n\nc\n\nd"),
        ("<header>a</header><main>b</main><nav>c</nav><aside>d</aside>", "a\n\nb\n\nc\n\nd"),
        ("<fieldset><legend>a</legend>b</fieldset><center>c</center>", "a\nb\n\nc"),
    ],
)  # fmt: skip
def test_where_words_end(html: str, text: str) -> None:
    assert html_to_markdown(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<ol start=3><li>a<li value=7>b<li>c</ol>", "3. a\n7. b\n8. c"),
        ("<ol reversed start=2><li>a<li>b</ol>", "2. a\n1. b"),
        ("<ul><li>a<ol><li>b</ol><li>c</ul>", "* a\n  1. b\n* c"),
        ("<ul><li><p>a</p><p>b</p></ul>", "* a\n\n  b"),
        ("<blockquote><p>a<p>b</blockquote>c", "> a\n\n> b\n\nc"),
        ("<ul><li>a<pre>x\n y</pre></ul>", "* a\n\n  ```\n  x\n   y\n  ```"),
        ("<pre>a\n```\nb</pre>", "````\na\n```\nb\n````"),
        ("<dl><dt>a<dd>b<dd>c</dl>", "a\n: b\n: c"),
        ("<h2>Learn <br>C #</h2>", "## Learn C \\#"),
    ],
)
def test_lists_quotations_and_code(html: str, text: str) -> None:
    assert html_to_markdown(html) == text


@pytest.mark.parametrize(
    "line", ["# a", "| a |<br>| b |", "```", "a<br>---", "a | b<br>--- | ---", "&lt;!-- a", "&gt; # a", "1. # a"]
)
def test_text_that_looks_like_markup_stays_text(line: str) -> None:
    text = html_to_markdown(f"<p>{line}</p><h2>Real</h2>")
    assert [heading.title for heading in markdown_headings(text)] == ["Real"]
    assert markdown_tables(text) == ()


def test_what_is_not_read_is_told() -> None:
    page = convert_html(
        "<img src=a><img src=b alt='b.png'><img src=c alt=''><img src=d width=1><img alt='a buoy'>"
        "<iframe src=x></iframe><iframe srcdoc='<p>inside</p>'></iframe><video src=y></video><p hidden>not here</p>"
    )
    assert page.text == "a buoy\n\ninside"
    assert page.notes == (
        "2 pictures without a description",
        "1 frame with pages that are not in the file",
        "1 video left out",
        "2 words that the page hides left out",
    )


def test_broken_and_foreign_markup() -> None:
    assert (
        html_to_markdown("<?xml version='1.0'?><html><script src='a'/><title/><p>a<![CDATA[<b>]]></p></html>") == "a<b>"
    )
    assert html_to_markdown("<!--[if mso]>x<![endif]--><TABLE><TR><TD>a<TD>b</TABLE>c</b></div>") == (
        "| a | b |\n| --- | --- |\n\nc"
    )
    assert html_to_markdown("<div>" * 50_000 + "deep" + "<p>er") == "deep\n\ner"
    assert len(html_to_markdown("".join(f"<font color={number}><p>x" for number in range(5000)))) == 5000 * 3 - 2
    assert (
        len(html_to_markdown("<table><tr><td colspan=1000 rowspan=1000>" + "x" * 9000 + "<td>a<tr><td>b" * 900)) < 4e6
    )
