"""The view 'One query' of the Compare page: the bi-encoder's order of the hits against the cross-encoder's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import RankscopeError
from core.evaluation.metrics import ndcg
from core.judgments.queries import spans_for
from core.judgments.relevance import JudgedSpan, grade
from core.records.document import short_hash
from core.records.search import Collection, Hit, Metric, SearchResult
from core.retrieval.comparison import TOP, Comparison
from core.retrieval.plots import pool_chart, score_scatter, slope_chart
from core.retrieval.search import MOST_HITS, search
from core.samples.library import SAMPLE_COLLECTION
from core.util.formatting import plural
from core.workspace import Workspace
from pages.ui.bm25 import bm25_ranks
from pages.ui.collection_picker import query_input, show_examples
from pages.ui.downloads import hits_csv, offer_csv, offer_runs
from pages.ui.grading import QueryJudgments, judging_toggle, show_grade_buttons, show_grading_controls
from pages.ui.hits import is_rerank_cached, rerank_cached, show_notes
from pages.ui.html import hit_card, hit_line
from pages.ui.page import literal, show_chart, show_error, show_info, show_tile

POOL_OPTIONS = (10, 20, 50, 100, 200, 500, MOST_HITS)
LINE_OPTIONS = (10, 20, 50)


def show_one_query(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Draw the view."""
    collection, deepest, lines, with_bm25 = _controls(collections)
    query = st.session_state["q"]
    if collection.name == SAMPLE_COLLECTION:
        show_examples(query)
    if not query.strip():
        show_info(
            f"Type a question: both models then rank the {plural(collection.chunks, 'chunk')} of {collection.name}."
        )
        return
    try:
        result = _search(workspace, collection, query, deepest)
        bm25 = bm25_ranks(workspace, collection, query) if with_bm25 and result.hits else None
    except RankscopeError as error:
        show_error(error)
        return
    if not result.hits:
        show_info("No chunk was found: choose another collection.")
        return
    show_notes(result)
    comparison = _choose_pool(result)
    judgments = spans_for(workspace, collection, query)
    show_agreement(comparison, judgments)
    st.subheader("Two orders of the same hits", anchor=False)
    st.caption(
        "Left the bi-encoder's order, right the cross-encoder's. **Rising** hits are drawn teal, **falling** ones "
        "amber, thick where a hit enters or leaves the top 10. Hover over an end for the text. "
        f"Shown are the first {lines} of either order."
    )
    show_chart(slope_chart(comparison, result.metric, lines, bm25), "slopes")
    show_moves(comparison)
    if judging_toggle():
        _show_judged_hits(workspace, collection, query, comparison, result.metric)
    _show_scores(comparison, result.metric, judgments)
    _show_pool(comparison, result)
    _show_costs(workspace, result, collection)
    with st.container(horizontal=True):
        offer_csv("Hits as CSV", hits_csv(result), "comparison.csv")
        offer_runs([(f"q-{short_hash(result.query)[:8]}", comparison.hits)])


def _controls(collections: Mapping[str, Collection]) -> tuple[Collection, int, int, bool]:
    """Return the collection, how many pairs to score, how many ranks to draw, and whether to draw BM25's ranks."""
    query_input()
    one, two, three, four = st.columns([2, 1, 1, 1], vertical_alignment="bottom")
    name = one.selectbox("Collection", list(collections), key="collection", persist_state="session")
    # an address may ask for a number that is none of the usual options
    deepest = two.selectbox(
        "Pairs to score",
        sorted({*POOL_OPTIONS, st.session_state["deepest"]}),
        key="deepest",
        persist_state="session",
        on_change=_reset_pool,
        help="How many of the bi-encoder's first hits the cross-encoder reads. Time grows in step with it.",
    )
    lines = three.selectbox(
        "Lines",
        sorted({*LINE_OPTIONS, st.session_state["lines"]}),
        key="lines",
        persist_state="session",
        help="How many ranks of either order are drawn.",
    )
    with_bm25 = four.toggle(
        "BM25 too",
        key="bm25",
        persist_state="session",
        help="A third column: BM25, which compares words and knows nothing of meaning.",
    )
    return collections[name], int(deepest), int(lines), bool(with_bm25)


def _reset_pool() -> None:
    """Show the full pool after its depth was changed."""
    st.session_state["depth"] = st.session_state["deepest"]


def _search(workspace: Workspace, collection: Collection, query: str, deepest: int) -> SearchResult:
    """Return the reranked result; until it is there, the bi-encoder's first hits are shown. Raises RankscopeError."""
    with st.spinner("Searching… (the first search loads the model)", show_time=True):
        result = search(workspace, collection.name, query, deepest)
    provisional = st.empty()
    if result.hits and not is_rerank_cached(workspace, result, deepest):
        with provisional.container():
            st.caption("The bi-encoder's first hits; the cross-encoder reads them now.")
            rows = [{"rank": hit.bi_rank, "document": hit.document, "text": hit.text} for hit in result.hits[:10]]
            st.dataframe(rows, hide_index=True)
    try:
        return rerank_cached(workspace, result, deepest)
    finally:
        provisional.empty()


def _choose_pool(result: SearchResult) -> Comparison:
    """Draw the slider of the pool's depth and return the comparison at it. No pair is scored again."""
    read = sum(hit.cross_rank is not None for hit in result.hits)
    if read < 3:  # the slider needs two depths to choose from
        return Comparison.at(result, read)
    st.session_state["depth"] = min(max(2, int(st.session_state["depth"])), read)
    left, right = st.columns([2, 3], gap="large", vertical_alignment="center")
    depth = left.slider(
        "What if the pool were smaller?",
        2,
        read,
        key="depth",
        persist_state="session",
        help="All pairs are scored already: moving this costs nothing. "
        "Everything below is shown as it were with a pool of this depth.",
    )
    comparison = Comparison.at(result, depth)
    missed = len(comparison.missed)
    if depth == read:
        right.markdown(f"Everything below is shown for a pool of all **{read}** hits that were read.")
    elif missed:
        right.markdown(
            f"With a pool of **{depth}** the cross-encoder never sees **{plural(missed, 'hit')}** of its own top {TOP} "
            f"at {read}, listed further down."
        )
    else:
        right.markdown(
            f"A pool of **{depth}** holds all of the top {TOP} that the cross-encoder finds at {read}: "
            "reading more changes nothing there."
        )
    return comparison


def show_agreement(comparison: Comparison, judgments: Sequence[JudgedSpan]) -> None:
    """Draw how far the two orders agree, and nDCG@10 of both if the query is judged."""
    agreement = comparison.agreement
    bi = ndcg(comparison.by_bi, judgments) if judgments else None
    cross = ndcg(comparison.hits, judgments) if judgments else None
    columns = st.columns(5 if bi is not None and cross is not None else 3)
    show_tile(
        columns[0],
        f"Overlap at {agreement.top}",
        f"{agreement.overlap} of {agreement.top}",
        f"So many hits are among the first {agreement.top} of both orders.",
    )
    show_tile(
        columns[1],
        "Kendall's τ-b",
        f"{agreement.tau:+.2f}",
        f"Over all {len(comparison.hits)}: +1 the same order, 0 no relation, −1 the reverse.",
    )
    show_tile(
        columns[2],
        "Rank-biased overlap",
        f"{agreement.rbo:.2f}",
        "1 the same, 0 nothing shared; the top counts most (p = 0.9: the first 10 ranks weigh 86%).",
    )
    if bi is not None and cross is not None:
        show_tile(
            columns[3],
            "nDCG@10, bi",
            f"{bi:.3f}",
            "Against what is judged about this query. 0 to 1, higher is better.",
        )
        show_tile(
            columns[4],
            "nDCG@10, cross",
            f"{cross:.3f}",
            "The same after reranking; an arrow says by how much it changed.",
            f"{cross - bi:+.3f}" if abs(cross - bi) >= 0.0005 else None,
        )


def show_moves(comparison: Comparison) -> None:
    """Draw the hits that rose and fell furthest, then those that entered and left the top 10."""
    left, right = st.columns(2, gap="large")
    _show_lines(left, "Rose furthest", comparison.risers(), "No hit rose: the cross-encoder kept the order.")
    _show_lines(right, "Fell furthest", comparison.fallers(), "No hit fell: the cross-encoder kept the order.")
    if len(comparison.hits) > 10:
        left, right = st.columns(2, gap="large")
        none = "None: both models agree on who belongs there."
        _show_lines(left, "Entered the top 10", comparison.entered, none)
        _show_lines(right, "Left the top 10", comparison.left, none)


def _show_lines(column: DeltaGenerator, title: str, hits: Sequence[Hit], if_none: str) -> None:
    column.markdown(f"**{title}**")
    if not hits:
        column.caption(if_none)
    for hit in hits:
        column.html(hit_line(hit))


@st.fragment
def _show_judged_hits(
    workspace: Workspace, collection: Collection, query: str, comparison: Comparison, metric: Metric
) -> None:
    """Draw the top 10 of either order with grade buttons, and nDCG@10 by the grades so far."""
    hits = [hit for hit in comparison.hits if min(hit.rank, hit.bi_rank) <= TOP]
    judgments = QueryJudgments.load(workspace, collection, query)
    show_grading_controls(workspace)
    bi, cross = ndcg(comparison.by_bi, judgments.spans), ndcg(comparison.hits, judgments.spans)
    judged = f"{plural(len(judgments.spans), 'judged span')} of this query. "
    if bi is None or cross is None:
        st.caption(f"{judged}nDCG@10 can be told as soon as one is graded 1 or better.")
    else:
        st.caption(
            f"{judged}nDCG@10 (0 to 1, higher is better): bi-encoder **{bi:.3f}**, cross-encoder **{cross:.3f}**, "
            f"{cross - bi:+.3f}."
        )
        if st.button("Use these grades in the figures of this page", icon=":material/refresh:", type="tertiary"):
            st.rerun()
    best = max((hit.bi_score for hit in hits), default=0.0)
    for hit in hits:
        with st.container(border=True, key=f"judged-{hit.chunk_id}"):
            st.html(hit_card(hit, query, metric, best))
            show_grade_buttons(judgments, hit)


def _show_scores(comparison: Comparison, metric: Metric, judgments: Sequence[JudgedSpan]) -> None:
    """Draw the scatter of both scores with their distributions."""
    st.subheader("Two scores of the same hits", anchor=False)
    colours = (
        "Colours are the judged grades: green 3 answers it, light green 2, yellow 1, red 0 only looks relevant, "
        "grey not judged."
        if judgments
        else "The cross-encoder's top 10 are orange."
    )
    st.caption(
        "A point is a hit. Were both models of one mind, the points would rise along one line from left to right. "
        f"Each score has its own axis, because a similarity and a logit cannot be compared by value. {colours}"
    )
    grades = {hit.chunk_id: grade(hit, judgments) for hit in comparison.hits} if judgments else None
    show_chart(score_scatter(comparison, metric, grades), "scatter")


def _show_pool(comparison: Comparison, result: SearchResult) -> None:
    """Draw how much of the final top 10 a pool of each depth holds, and what the chosen one misses."""
    full = Comparison.at(result, len(result.hits))
    read, depth = len(full.hits), len(comparison.hits)
    st.subheader("What a smaller pool misses", anchor=False)
    st.caption(
        f"The line climbs where a pool comes to hold another of the cross-encoder's top {TOP} at {read}. "
        "Early: the bi-encoder had found them by itself. Late: a small pool would have lost them, "
        "and the best cross-encoder cannot put first what it never sees."
    )
    left, right = st.columns([2, 3], gap="large")
    with left:
        show_chart(pool_chart(full.hits[:TOP], read, depth), "pool-effect")
    missed = {hit.chunk_id for hit in comparison.missed}
    right.markdown(
        f"**Never seen with a pool of {depth}**"
        if missed
        else "**Nothing of that top is missed.** Move the slider at the top of the page to the left to see when it is."
    )
    for hit in full.hits:
        if hit.chunk_id in missed:
            right.html(hit_line(hit))


def _show_costs(workspace: Workspace, result: SearchResult, collection: Collection) -> None:
    """Draw what retrieval and reranking took, and what reranking the whole collection would take."""
    st.subheader("What it costs", anchor=False)
    rerank_ms = result.timings.rerank or 0.0
    ms_per_pair = rerank_ms / max(1, result.pool)
    one, two, three = st.columns(3)
    show_tile(
        one,
        f"Retrieve from {collection.chunks:,} chunks",
        f"{result.timings.retrieve:.1f} ms",
        "The bi-encoder's vectors were computed when the documents were indexed. "
        f"One comparison is {collection.dimension} multiplications, and an index spares most of them.",
    )
    show_tile(
        two,
        f"Rerank {result.pool} pairs",
        f"{rerank_ms:,.0f} ms",
        f"Each pair runs through all layers of {literal(result.reranker)}: {ms_per_pair:.1f} ms a pair, here and now. "
        "Lower is better.",
    )
    show_tile(
        three,
        f"To rerank all {collection.chunks:,}",
        f"{ms_per_pair * collection.chunks / 1e3:,.1f} s",
        "Estimated. Time grows in step with the pool, which is why the cross-encoder gets only what the bi-encoder "
        "finds first.",
    )
    if result.reranker:
        st.caption(
            f"{literal(result.reranker)} reads up to {workspace.models.reranker().budget} tokens of query and chunk "
            "together; of a longer pair the longer text is cut."
        )
