"""The view 'Many queries' of the Compare page: how far reranking changes the order of each query's hits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.background import IterableJob
from core.errors import RankscopeError
from core.evaluation.metrics import ndcg
from core.judgments.queries import spans_for
from core.models.cross_encoder import CrossEncoder
from core.records.search import Collection, Metric
from core.retrieval.comparison import Comparison, QueryMove
from core.retrieval.plots import slope_chart
from core.retrieval.search import rerank, search
from core.samples.library import SAMPLE_COLLECTION, questions
from core.settings import POOL
from core.util.formatting import plural
from core.workspace import Workspace
from pages.ui.collection_picker import queries_input
from pages.ui.compare.one_query import show_agreement, show_moves
from pages.ui.downloads import offer_csv, offer_runs
from pages.ui.hits import load_reranker, show_unread
from pages.ui.jobs import start_job, watch_results
from pages.ui.page import literal, show_chart, show_error, show_info

MAX_QUERIES = 500
KEY = "many-task"


@dataclass(frozen=True)
class Answered:
    """One query, searched and reranked."""

    query: str
    metric: Metric
    collection: Collection
    comparison: Comparison
    move: QueryMove
    notes: tuple[str, ...] = ()  # what the models did not read


def show_many_queries(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Draw the view."""
    collection, queries = _controls(collections)
    job: IterableJob[Answered] | None = st.session_state.get(KEY)
    run, note = st.columns([1, 3], vertical_alignment="center")
    running = job is not None and job.active
    if run.button(
        f"Compare {plural(len(queries), 'query', 'queries')}",
        type="primary",
        disabled=running or not queries,
        width="stretch",
    ):
        try:
            reranker = load_reranker(workspace)
        except RankscopeError as error:
            show_error(error)
            return
        job = start_job("compare", lambda: _answers(workspace, reranker, collection, queries), len(queries))
        st.session_state[KEY] = job
    note.caption(
        f"Each is searched, and its first {POOL} hits are reranked, in the background. "
        "About half a second a query on a laptop."
    )
    if job is None:
        show_info("Nothing was compared yet: press the button.")
        return
    watch_results(job, lambda done: f"{done} of {job.total} queries", key="many-cancel")
    if not job.active and job.results:
        _table(workspace, job.results)


def _controls(collections: Mapping[str, Collection]) -> tuple[Collection, list[str]]:
    left, right = st.columns([1, 2])
    name = left.selectbox("Collection", list(collections), key="collection", persist_state="session")
    samples = name == SAMPLE_COLLECTION and left.toggle(
        f"The {len(questions())} sample questions", value=True, key="many-samples", persist_state="session"
    )
    if samples:
        right.caption("Turn off the switch to paste queries of your own.")
        return collections[name], [question.question for question in questions()]
    with right:
        queries = queries_input("many-queries")
    if len(queries) > MAX_QUERIES:
        show_info(
            f"Only the first {MAX_QUERIES} of {len(queries):,} queries are compared here; "
            "the shell's 'evaluate' takes more."
        )
    return collections[name], queries[:MAX_QUERIES]


def _answers(
    workspace: Workspace, reranker: CrossEncoder, collection: Collection, queries: list[str]
) -> Iterator[Answered]:
    for query in queries:
        result = rerank(search(workspace, collection.name, query, POOL), reranker, POOL)
        comparison = Comparison.at(result, POOL)
        judgments = spans_for(workspace, collection, query)
        bi, cross = ndcg(comparison.by_bi, judgments), ndcg(comparison.hits, judgments)
        scores = None if bi is None or cross is None else (bi, cross)
        move = QueryMove.of(query, comparison, scores)
        yield Answered(query, result.metric, collection, comparison, move, (*result.notes, *result.rerank_notes))


def _table(workspace: Workspace, answered: list[Answered]) -> None:
    above = st.container()
    show_unread([(one.query, one.notes) for one in answered if one.notes])
    frame = pd.DataFrame([_row(one.move) for one in answered]).sort_values("Kendall's τ-b", kind="stable")
    judged = frame["change"].notna().any()
    frame = frame if judged else frame.drop(columns=["nDCG@10 bi", "nDCG@10 cross", "change"])
    if judged:
        _show_means(frame)
    st.caption("Most changed first. Click a column to sort by it; **tick a row to see that query above**.")
    numbers = {name: st.column_config.NumberColumn(format="%.3f") for name in ("nDCG@10 bi", "nDCG@10 cross")}
    event = st.dataframe(
        frame,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="many-table",
        height=420,
        column_config={
            **numbers,
            "change": st.column_config.NumberColumn(format="%+.3f"),
            "Kendall's τ-b": st.column_config.NumberColumn(format="%+.2f", help="+1 the same order, −1 the reverse."),
            "query": st.column_config.TextColumn(width="large"),
            "overlap at 10": st.column_config.NumberColumn(help="Hits in both top tens."),
            "other first hit": st.column_config.CheckboxColumn(
                help="Whether the two models disagree on the first hit."
            ),
            "furthest rise": st.column_config.NumberColumn(
                help="Places that a hit of the cross-encoder's top 10 rose."
            ),
        },
    )
    with st.container(horizontal=True):
        offer_csv("Table as CSV", frame, "queries.csv")
        offer_runs([(f"q{number}", one.comparison.hits) for number, one in enumerate(answered, 1)])
    if event.selection.rows and event.selection.rows[0] < len(frame):
        one = answered[int(frame.index[event.selection.rows[0]])]
        with above.container(border=True):
            _show_query(workspace, one)


def _row(move: QueryMove) -> dict[str, object]:
    change = None if move.bi_ndcg is None or move.cross_ndcg is None else move.cross_ndcg - move.bi_ndcg
    return {
        "query": move.query,
        "Kendall's τ-b": move.tau,
        "overlap at 10": move.overlap,
        "other first hit": move.new_first,
        "furthest rise": move.furthest,
        "nDCG@10 bi": move.bi_ndcg,
        "nDCG@10 cross": move.cross_ndcg,
        "change": change,
    }


def _show_means(frame: pd.DataFrame) -> None:
    bi, cross = float(frame["nDCG@10 bi"].mean()), float(frame["nDCG@10 cross"].mean())
    better, worse = int((frame["change"] > 0.0005).sum()), int((frame["change"] < -0.0005).sum())
    one, two, three = st.columns(3)
    one.metric("Mean nDCG@10, bi-encoder", f"{bi:.3f}", help="0 to 1, higher is better, over the judged queries.")
    two.metric("Mean nDCG@10, cross-encoder", f"{cross:.3f}", f"{cross - bi:+.3f}")
    three.metric("Queries better / worse", f"{better} / {worse}", help="By nDCG@10, after reranking.")


def _show_query(workspace: Workspace, one: Answered) -> None:
    st.markdown(f"#### {literal(one.query)}")
    show_agreement(one.comparison, spans_for(workspace, one.collection, one.query))
    show_chart(slope_chart(one.comparison, one.metric, 10), "many-slopes")
    show_moves(one.comparison)
