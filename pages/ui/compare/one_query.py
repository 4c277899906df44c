"""One query, seen by two models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from core.errors import RankscopeError
from core.evaluation.metrics import ndcg
from core.judgments.queries import spans_for
from core.judgments.relevance import SpanJudgment, grade
from core.records.document import short_hash
from core.records.search import Collection, Hit, Metric, SearchResult
from core.retrieval.comparison import TOP, Comparison
from core.retrieval.plots import pool_chart, score_scatter, slope_chart
from core.retrieval.search import MOST_HITS, search
from core.samples.library import SAMPLE_COLLECTION
from core.text.excerpts import unwrap
from core.util.formatting import clip, move, plural
from core.workspace import Workspace
from pages.ui.bm25 import bm25_ranks
from pages.ui.collection_picker import show_examples
from pages.ui.downloads import offer_runs
from pages.ui.grading import Given, judging_switch, show_bar, show_grade
from pages.ui.hits import hits_csv, is_reranked, reranked
from pages.ui.html import hit_card
from pages.ui.page import literal, show_error, show_info


def show_agreement(comparison: Comparison, judgments: Sequence[SpanJudgment]) -> None:
    """Draw the numbers in a row, each with a sentence on how to read it."""
    found = comparison.agreement
    bi = ndcg(comparison.by_bi, judgments) if judgments else None
    cross = ndcg(comparison.hits, judgments) if judgments else None
    columns = st.columns(5 if bi is not None and cross is not None else 3)
    with columns[0].container(border=True, height="stretch"):
        st.metric(f"Overlap at {found.top}", f"{found.overlap} of {found.top}")
        st.caption(f"So many hits are among the first {found.top} of both orders.")
    with columns[1].container(border=True, height="stretch"):
        st.metric("Kendall's τ-b", f"{found.tau:+.2f}")
        st.caption(f"Over all {len(comparison.hits)}: +1 the same order, 0 no relation, −1 the reverse.")
    with columns[2].container(border=True, height="stretch"):
        st.metric("Rank-biased overlap", f"{found.rbo:.2f}")
        st.caption("1 the same, 0 nothing shared; the top counts most (p = 0.9: the first 10 ranks weigh 86%).")
    if bi is not None and cross is not None:
        with columns[3].container(border=True, height="stretch"):
            st.metric("nDCG@10, bi", f"{bi:.3f}")
            st.caption("Against what is judged about this query. 0 to 1, higher is better.")
        with columns[4].container(border=True, height="stretch"):
            st.metric("nDCG@10, cross", f"{cross:.3f}", f"{cross - bi:+.3f}" if abs(cross - bi) >= 0.0005 else None)
            st.caption("The same after reranking; an arrow says by how much it changed.")


LENGTH = 260  # characters of a hit's text


def show_moves(comparison: Comparison) -> None:
    """Draw the risers and fallers side by side, then who entered and who left the top 10."""
    left, right = st.columns(2, gap="large")
    _list(left, "Rose furthest", comparison.risers(), "No hit rose: the cross-encoder kept the order.")
    _list(right, "Fell furthest", comparison.fallers(), "No hit fell: the cross-encoder kept the order.")
    if len(comparison.hits) > 10:
        left, right = st.columns(2, gap="large")
        _list(left, "Entered the top 10", comparison.entered, "None: both models agree on who belongs there.")
        _list(right, "Left the top 10", comparison.left, "None: both models agree on who belongs there.")


def _list(column: st.delta_generator.DeltaGenerator, title: str, hits: Sequence[Hit], empty: str) -> None:
    column.markdown(f"**{title}**")
    if not hits:
        column.caption(empty)
    for hit in hits:
        column.html(hit_line(hit))


def hit_line(hit: Hit) -> str:
    """Return a hit with its move and both scores as HTML, a few lines high."""
    kind = "up" if (hit.moved or 0) > 0 else "down" if (hit.moved or 0) < 0 else "same"
    return (
        f'<div class="rs-line"><span class="rs-move rs-{kind}">{move(hit.moved)}</span> <b dir="auto">{escape(hit.document)}</b> '
        f'<span class="rs-faint">{hit.bi_rank} → {hit.rank} · similarity {hit.bi_score:.3f} · cross-encoder {hit.cross_score or 0:+.2f}</span>'
        f'<div class="rs-text" dir="auto">{escape(clip(unwrap(hit.text), LENGTH))}</div></div>'
    )


def choose_pool(result: SearchResult) -> Comparison:
    """Draw the slider, and return the comparison at its depth. Nothing is scored anew."""
    read = sum(hit.cross_rank is not None for hit in result.hits)
    if read < 2:
        return Comparison.at(result, read)
    st.session_state["depth"] = min(max(2, int(st.session_state["depth"])), read)
    left, right = st.columns([2, 3], gap="large", vertical_alignment="center")
    depth = left.slider(
        "What if the pool were smaller?",
        2,
        read,
        key="depth",
        persist_state="session",
        help="All pairs are scored already: moving this costs nothing. Everything below is shown as it were with a pool of this depth.",
    )
    comparison = Comparison.at(result, depth)
    right.markdown(_sentence(comparison, depth, read))
    return comparison


def show_pool(comparison: Comparison, result: SearchResult) -> None:
    """Draw how much of the final top 10 a pool of each depth holds, and what the chosen one misses."""
    whole = Comparison.at(result, len(result.hits))
    read, depth = len(whole.hits), len(comparison.hits)
    st.subheader("What a smaller pool misses", anchor=False)
    st.caption(
        f"The line climbs where a pool comes to hold another of the cross-encoder's top {TOP} at {read}. Early: the bi-encoder had found them by itself. "
        "Late: a small pool would have lost them, and the best cross-encoder cannot put first what it never sees."
    )
    left, right = st.columns([2, 3], gap="large")
    left.plotly_chart(pool_chart(whole.hits[:TOP], read, depth), key="pool-effect", config={"displayModeBar": False})
    missed = {hit.chunk_id for hit in comparison.missed}
    right.markdown(
        f"**Never seen with a pool of {depth}**"
        if missed
        else "**Nothing of that top is missed.** Move the slider at the top of the page to the left to see when it is."
    )
    for hit in [hit for hit in whole.hits if hit.chunk_id in missed]:
        right.html(hit_line(hit))


def _sentence(comparison: Comparison, depth: int, read: int) -> str:
    missed = len(comparison.missed)
    if depth == read:
        return f"Everything below is shown for a pool of all **{read}** hits that were read."
    if missed:
        return f"With a pool of **{depth}** the cross-encoder never sees **{plural(missed, 'hit')}** of its own top {TOP} at {read}, listed further down."
    return f"A pool of **{depth}** holds all of the top {TOP} that the cross-encoder finds at {read}: reading more changes nothing there."


def show_scores(comparison: Comparison, metric: Metric, judgments: Sequence[SpanJudgment]) -> None:
    """Draw the scatter of both scores with their distributions."""
    st.subheader("Two scores of the same hits", anchor=False)
    colours = (
        "Colours are the judged grades: green 3 answers it, light green 2, yellow 1, red 0 only looks relevant, grey not judged."
        if judgments
        else "The cross-encoder's top 10 are orange."
    )
    st.caption(
        "A point is a hit. Were both models of one mind, the points would rise along one line from left to right. Each score has its own axis, because a "
        f"similarity and a logit cannot be compared by value. {colours}"
    )
    grades = {hit.chunk_id: grade(hit, judgments) for hit in comparison.hits} if judgments else None
    st.plotly_chart(score_scatter(comparison, metric, grades), key="scatter", config={"displayModeBar": False})


def show_costs(workspace: Workspace, result: SearchResult, collection: Collection) -> None:
    """Say what reranking cost, and how that grows."""
    st.subheader("What it costs", anchor=False)
    pairs, took = max(1, result.pool), result.timings.rerank or 0.0
    each = took / pairs
    one, two, three = st.columns(3)
    with one.container(border=True, height="stretch"):
        st.metric(f"Retrieve from {collection.chunks:,} chunks", f"{result.timings.retrieve:.1f} ms")
        st.caption(
            f"The bi-encoder's vectors were computed when the documents were indexed. One comparison is {collection.dimension} multiplications, "
            "and an index spares most of them."
        )
    with two.container(border=True, height="stretch"):
        st.metric(f"Rerank {result.pool} pairs", f"{took:,.0f} ms")
        st.caption(
            f"Each pair runs through all layers of {literal(result.reranker)}: {each:.1f} ms a pair, here and now. Lower is better."
        )
    with three.container(border=True, height="stretch"):
        whole = each * collection.chunks / 1e3
        st.metric(f"To rerank all {collection.chunks:,}", f"{whole:,.1f} s")
        st.caption(
            "Estimated. Time grows in step with the pool, which is why the cross-encoder gets only what the bi-encoder finds first."
        )
    if result.reranker:
        budget = workspace.catalog.reranker().budget
        st.caption(
            f"{literal(result.reranker)} reads up to {budget} tokens of query and chunk together; what is longer is cut off at the chunk's end."
        )


def show_downloads(comparison: Comparison, result: SearchResult) -> None:
    """Offer the rankings as CSV and as TREC runs, one a model."""
    query_id = f"q-{short_hash(result.query)[:8]}"
    with st.container(horizontal=True):
        st.download_button(
            "Hits as CSV",
            hits_csv(result).encode("utf-8-sig"),
            "comparison.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        offer_runs([(query_id, comparison.hits)])


def show_judging(
    workspace: Workspace, collection: Collection, query: str, comparison: Comparison, metric: Metric
) -> None:
    """Draw the switch, and below it, where it is on, the hits to be judged."""
    if judging_switch():
        _hits(workspace, collection, query, comparison, metric)


@st.fragment
def _hits(workspace: Workspace, collection: Collection, query: str, comparison: Comparison, metric: Metric) -> None:
    shown = [hit for hit in comparison.hits if min(hit.rank, hit.bi_rank) <= TOP]
    given = Given.read(workspace, collection, query)
    show_bar(workspace)
    bi, cross = ndcg(comparison.by_bi, given.spans), ndcg(comparison.hits, given.spans)
    judged = f"{plural(len(given.spans), 'judged span')} of this query. "
    if bi is None or cross is None:
        st.caption(f"{judged}nDCG@10 can be told as soon as one is graded 1 or better.")
    else:
        st.caption(
            f"{judged}nDCG@10 (0 to 1, higher is better): bi-encoder **{bi:.3f}**, cross-encoder **{cross:.3f}**, {cross - bi:+.3f}."
        )
        if st.button("Use these grades in the figures of this page", icon=":material/refresh:", type="tertiary"):
            st.rerun()
    best = max((hit.bi_score for hit in shown), default=0.0)
    for hit in shown:
        with st.container(border=True, key=f"judged-{hit.chunk_id}"):
            st.html(hit_card(hit, query, metric, best))
            show_grade(given, hit)


DEPTHS = (10, 20, 50, 100, 200, 500, MOST_HITS)
LINES = (10, 20, 50)


def show_one(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Draw the view."""
    collection, deepest, lines, words = _controls(collections)
    query = st.session_state["q"]
    if collection.name == SAMPLE_COLLECTION:
        show_examples(query)
    if not query.strip():
        show_info(
            f"Type a question: both models then rank the {plural(collection.chunks, 'chunk')} of {collection.name}."
        )
        return
    try:
        result = _result(workspace, collection, query, deepest)
    except RankscopeError as error:
        show_error(error)
        return
    if not result.hits:
        show_info("No chunk was found: choose another collection.")
        return
    bm25 = bm25_ranks(workspace, collection, query) if words else None
    comparison = choose_pool(result)
    judgments = spans_for(workspace, collection, query)
    show_agreement(comparison, judgments)
    st.subheader("Two orders of the same hits", anchor=False)
    st.caption(
        f"Left the bi-encoder's order, right the cross-encoder's. **Rising** hits are drawn teal, **falling** ones amber, thick where a hit enters "
        f"or leaves the top 10. Hover over an end for the text. Shown are the first {lines} of either order."
    )
    st.plotly_chart(slope_chart(comparison, result.metric, lines, bm25), key="slopes", config={"displayModeBar": False})
    show_moves(comparison)
    show_judging(workspace, collection, query, comparison, result.metric)
    show_scores(comparison, result.metric, judgments)
    show_pool(comparison, result)
    show_costs(workspace, result, collection)
    show_downloads(comparison, result)


def _controls(collections: Mapping[str, Collection]) -> tuple[Collection, int, int, bool]:
    st.text_input(
        "Query",
        key="q",
        persist_state="session",
        placeholder="Ask a question, or type a few words",
        icon=":material/search:",
    )
    one, two, three, four = st.columns([2, 1, 1, 1], vertical_alignment="bottom")
    name = one.selectbox("Collection", list(collections), key="collection", persist_state="session")
    deepest = two.selectbox(
        "Pairs to score",
        _with(DEPTHS, st.session_state["deepest"]),
        key="deepest",
        persist_state="session",
        on_change=_reach,
        help="How many of the bi-encoder's first hits the cross-encoder reads. Time grows in step with it.",
    )
    lines = three.selectbox(
        "Lines",
        _with(LINES, st.session_state["lines"]),
        key="lines",
        persist_state="session",
        help="How many ranks of either order are drawn.",
    )
    words = four.toggle(
        "BM25 too",
        key="bm25",
        persist_state="session",
        help="A third column: BM25, which compares words and knows nothing of meaning.",
    )
    return collections[name], int(deepest), int(lines), bool(words)


def _with(usual: tuple[int, ...], value: int) -> list[int]:
    """The usual choices, and the one that an address asks for."""
    return sorted({*usual, value})


def _result(workspace: Workspace, collection: Collection, query: str, deepest: int) -> SearchResult:
    with st.spinner("Searching… (the first search loads the model)", show_time=True):
        result = search(workspace, collection.name, query, deepest)
    first = st.empty()
    if result.hits and not is_reranked(workspace, result, deepest):
        with first.container():
            st.caption("The bi-encoder's first hits; the cross-encoder reads them now.")
            st.dataframe(
                {
                    "rank": [h.bi_rank for h in result.hits[:10]],
                    "document": [h.document for h in result.hits[:10]],
                    "text": [h.text for h in result.hits[:10]],
                },
                hide_index=True,
            )
    try:
        return reranked(workspace, result, deepest)
    finally:
        first.empty()


def _reach() -> None:
    """A newly chosen pool is looked at whole first."""
    st.session_state["depth"] = st.session_state["deepest"]
