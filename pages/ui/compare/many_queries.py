"""Many queries at once: how far each one's order moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.background import Task
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
from pages.ui.compare.one_query import show_agreement, show_moves
from pages.ui.downloads import frame_csv, offer_runs
from pages.ui.hits import reranker_of
from pages.ui.page import literal, show_error, show_info

MOST = 500  # queries at once
POLL = 1.0  # seconds
KEY = "many-task"


@dataclass(frozen=True)
class Answered:
    """One query of the run."""

    query: str
    metric: Metric
    collection: Collection
    comparison: Comparison
    move: QueryMove


def show_many(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Draw the view."""
    collection, queries = _controls(collections)
    task: Task[Answered] | None = st.session_state.get(KEY)
    run, note = st.columns([1, 3], vertical_alignment="center")
    running = task is not None and task.active
    if run.button(
        f"Compare {plural(len(queries), 'query', 'queries')}",
        type="primary",
        disabled=running or not queries,
        width="stretch",
    ):
        try:
            reranker = reranker_of(workspace)
        except RankscopeError as error:
            show_error(error)
            return
        task = Task.start(lambda: _answers(workspace, reranker, collection, queries), len(queries))
        st.session_state[KEY] = task
    note.caption(
        f"Each is searched, and its first {POOL} hits are reranked, in the background. About half a second a query on a laptop."
    )
    if task is None:
        show_info("Nothing was compared yet: press the button.")
        return
    _watch(task)
    if not task.active and task.done:
        _table(workspace, task.done)


def _controls(collections: Mapping[str, Collection]) -> tuple[Collection, list[str]]:
    left, right = st.columns([1, 2])
    name = left.selectbox("Collection", list(collections), key="collection", persist_state="session")
    samples = name == SAMPLE_COLLECTION and left.toggle(
        f"The {len(questions())} sample questions", value=True, key="many-samples", persist_state="session"
    )
    if samples:
        right.caption("Turn off the switch to paste queries of your own.")
        return collections[name], [question.question for question in questions()]
    text = right.text_area(
        "Queries, one a line", key="many-queries", persist_state="session", placeholder="one query a line", height=140
    )
    queries = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if len(queries) > MOST:
        show_info(
            f"Only the first {MOST} of {len(queries):,} queries are compared here; the shell's 'evaluate' takes more."
        )
    return collections[name], queries[:MOST]


def _answers(
    workspace: Workspace, reranker: CrossEncoder, collection: Collection, queries: list[str]
) -> Iterator[Answered]:
    for query in queries:
        result = rerank(search(workspace, collection.name, query, POOL), reranker, POOL)
        comparison = Comparison.at(result, POOL)
        judgments = spans_for(workspace, collection, query)
        bi, cross = ndcg(comparison.by_bi, judgments), ndcg(comparison.hits, judgments)
        scores = None if bi is None or cross is None else (bi, cross)
        yield Answered(query, result.metric, collection, comparison, QueryMove.of(query, comparison, scores))


def _watch(task: Task[Answered]) -> None:
    st.fragment(_progress, run_every=POLL if task.active else None)(task, task.active)
    if task.error and not task.active:
        show_error(task.error)


def _progress(task: Task[Answered], was_active: bool) -> None:
    if not task.active:
        if was_active:
            st.rerun()
        return
    bar, button = st.columns([5, 1], vertical_alignment="center")
    bar.progress(len(task.done) / task.total, text=f"{len(task.done)} of {task.total} queries")
    button.button("Cancel", on_click=task.cancel, width="stretch")


def _table(workspace: Workspace, answered: list[Answered]) -> None:
    above = st.container()
    frame = pd.DataFrame([_row(one.move) for one in answered]).sort_values("Kendall's τ-b", kind="stable")
    judged = frame["change"].notna().any()
    frame = frame if judged else frame.drop(columns=["nDCG@10 bi", "nDCG@10 cross", "change"])
    if judged:
        _means(frame)
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
    _downloads(frame, answered)
    if event.selection.rows and event.selection.rows[0] < len(frame):
        one = answered[int(frame.index[event.selection.rows[0]])]
        with above.container(border=True):
            _open(workspace, one)


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


def _means(frame: pd.DataFrame) -> None:
    bi, cross = float(frame["nDCG@10 bi"].mean()), float(frame["nDCG@10 cross"].mean())
    better, worse = int((frame["change"] > 0.0005).sum()), int((frame["change"] < -0.0005).sum())
    one, two, three = st.columns(3)
    one.metric("Mean nDCG@10, bi-encoder", f"{bi:.3f}", help="0 to 1, higher is better, over the judged queries.")
    two.metric("Mean nDCG@10, cross-encoder", f"{cross:.3f}", f"{cross - bi:+.3f}")
    three.metric("Queries better / worse", f"{better} / {worse}", help="By nDCG@10, after reranking.")


def _open(workspace: Workspace, one: Answered) -> None:
    st.markdown(f"#### {literal(one.query)}")
    show_agreement(one.comparison, spans_for(workspace, one.collection, one.query))
    st.plotly_chart(slope_chart(one.comparison, one.metric, 10), key="many-slopes", config={"displayModeBar": False})
    show_moves(one.comparison)


def _downloads(frame: pd.DataFrame, answered: list[Answered]) -> None:
    with st.container(horizontal=True):
        st.download_button(
            "Table as CSV", frame_csv(frame), "queries.csv", "text/csv", icon=":material/download:", on_click="ignore"
        )
        offer_runs([(f"q{number}", one.comparison.hits) for number, one in enumerate(answered, 1)])
