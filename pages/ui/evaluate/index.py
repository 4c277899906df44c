"""The view 'Index' of the Evaluate page: recall of Chroma's HNSW index against exact search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.background import IterableJob
from core.errors import RankscopeError
from core.evaluation.index_recall import TOP, IndexRecall, WidthRecall, measure_index, measure_widths
from core.evaluation.plots import widths_figure
from core.judgments.queries import judged_queries_for, splits_for
from core.records.search import Collection
from core.util.formatting import plural
from core.workspace import Workspace
from pages.ui.collection_picker import queries_input
from pages.ui.jobs import start_job, watch_results
from pages.ui.page import show_chart, show_error, show_info, show_tile

MAX_QUERIES = 300
KEY = "index-task"
Part = IndexRecall | list[WidthRecall]


def show_index(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Draw the view."""
    st.caption(
        "To be quick, Chroma does not compare a query with every chunk: its index (HNSW) walks from neighbour to "
        "neighbour, and may miss some. Here each query is asked twice, with the index and with exact search: "
        f"**recall@{TOP}** is the share of the {TOP} nearest chunks that the index finds."
    )
    left, right = st.columns([1, 2])
    collection = collections[left.selectbox("Collection", list(collections), key="collection", persist_state="session")]
    queries = _queries(workspace, collection, left, right)
    job: IterableJob[Part] | None = st.session_state.get(KEY)
    running = job is not None and job.active
    if st.button(
        f"Check with {plural(len(queries), 'query', 'queries')}", type="primary", disabled=running or not queries
    ):
        job = start_job("index", lambda: _parts(workspace, collection, queries), 2)
        st.session_state[KEY] = job
    if job is None:
        show_info(
            "Nothing was checked yet: choose queries, and press the button. Every vector of the collection is read, "
            "and its index is copied to try other settings: the collection stays as it is."
        )
        return
    watch_results(
        job,
        lambda done: "Trying other settings on a copy of the index" if done else "Asking every query twice",
        key="index-cancel",
    )
    for part in list(job.results):
        _show_check(part) if isinstance(part, IndexRecall) else _show_widths(part)


def _queries(workspace: Workspace, collection: Collection, left: DeltaGenerator, right: DeltaGenerator) -> list[str]:
    judged = bool(splits_for(workspace, collection)) and left.toggle(
        "The judged queries", value=True, key="index-judged", persist_state="session"
    )
    if judged:
        try:
            queries = list(dict.fromkeys(judged_queries_for(workspace, collection).queries.values()))
        except RankscopeError as error:
            show_error(error)
            return []
        right.caption(f"Turn off the switch to paste queries of your own. At most {MAX_QUERIES} are asked.")
        return queries[:MAX_QUERIES]
    with right:
        return queries_input("index-queries")[:MAX_QUERIES]


def _parts(workspace: Workspace, collection: Collection, queries: list[str]) -> Iterator[Part]:
    yield measure_index(workspace, collection, queries)
    yield measure_widths(workspace, collection, queries)


def _show_check(recall: IndexRecall) -> None:
    show_info(f"{recall.collection}, {plural(recall.chunks, 'chunk')}: {recall.summary}")
    one, two, three = st.columns(3)
    show_tile(
        one,
        f"Recall@{recall.top}",
        f"{recall.recall:.1%}",
        "The mean over the queries; higher is better. Chunks that are equally near count as found.",
    )
    show_tile(
        two,
        "Index",
        f"{recall.ms:.1f} ms",
        f"Median a query, with fetching the texts; ef_search is {recall.width}. Lower is better.",
    )
    show_tile(
        three,
        "Exact search",
        f"{recall.exact_ms:.1f} ms",
        f"Median a query, comparing all {recall.chunks:,} vectors in memory, without texts.",
    )
    missed = [
        {
            "query": query.query,
            "rank": chunk.rank,
            "document": chunk.document,
            "similarity": chunk.similarity,
            "chunk id": chunk.chunk_id,
        }
        for query in recall.queries
        for chunk in query.missed
    ]
    if missed:
        st.markdown("**What the index missed**")
        st.dataframe(
            pd.DataFrame(missed),
            hide_index=True,
            key="index-missed",
            column_config={"rank": st.column_config.NumberColumn(help="In the exact list.")},
        )


def _show_widths(widths: list[WidthRecall]) -> None:
    st.subheader("What ef_search would cost and cure", anchor=False)
    show_chart(widths_figure(widths, TOP), "index-widths")
    current = next(width for width in widths if width.current)
    best = max(widths, key=lambda width: (width.recall, -width.ms))
    verdict = (
        "No other value finds more."
        if best.recall <= current.recall
        else f"{best.width} finds {best.recall:.1%} instead of {current.recall:.1%}, "
        f"at {best.ms:.1f} ms instead of {current.ms:.1f} ms a query."
    )
    st.caption(
        f"ef_search is how many chunks the index keeps in sight while it walks, {current.width} in this collection. "
        f"{verdict} Tried on a copy of the very same index; it is set when a collection is made."
    )
    frame = pd.DataFrame(
        [
            {"ef_search": width.width, f"recall@{TOP}": width.recall, "ms (median)": width.ms, "now": width.current}
            for width in widths
        ]
    )
    st.dataframe(
        frame,
        hide_index=True,
        width=520,
        key="index-table",
        column_config={
            f"recall@{TOP}": st.column_config.NumberColumn(format="percent"),
            "ms (median)": st.column_config.NumberColumn(format="%.2f"),
        },
    )
