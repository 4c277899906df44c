"""Is the index exact enough? Chroma's against exact search, on one's own queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd
import streamlit as st

from core.background import Task
from core.errors import RankscopeError
from core.evaluation.index_recall import TOP, IndexCheck, Width, check_index, try_widths
from core.evaluation.plots import widths_figure
from core.judgments.queries import judged_queries_for, splits_for
from core.records.search import Collection
from core.util.formatting import plural
from core.workspace import Workspace
from pages.ui.page import show_error, show_info

POLL = 1.0  # seconds
MOST = 300  # queries
KEY = "index-task"
Part = IndexCheck | list[Width]


def show_index(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Draw the view."""
    st.caption(
        "To be quick, Chroma does not compare a query with every chunk: its index (HNSW) walks from neighbour to neighbour, "
        "and may miss some. Here each query is asked twice, "
        f"with the index and with exact search: **recall@{TOP}** is the share of the {TOP} nearest chunks that the index finds."
    )
    left, right = st.columns([1, 2])
    collection = collections[left.selectbox("Collection", list(collections), key="collection", persist_state="session")]
    queries = _queries(workspace, collection, left, right)
    task: Task[Part] | None = st.session_state.get(KEY)
    running = task is not None and task.active
    if st.button(
        f"Check with {plural(len(queries), 'query', 'queries')}", type="primary", disabled=running or not queries
    ):
        task = Task.start(lambda: _parts(workspace, collection, queries), 2)
        st.session_state[KEY] = task
    if task is None:
        show_info(
            "Nothing was checked yet: choose queries, and press the button. Every vector of the collection is read, "
            "and its index is copied to try other settings: the collection stays as it is."
        )
        return
    st.fragment(_progress, run_every=POLL if task.active else None)(task, task.active)
    if task.error and not task.active:
        show_error(task.error)
    for part in list(task.done):
        _show_check(part) if isinstance(part, IndexCheck) else _show_widths(part)


def _queries(
    workspace: Workspace,
    collection: Collection,
    left: st.delta_generator.DeltaGenerator,
    right: st.delta_generator.DeltaGenerator,
) -> list[str]:
    judged = bool(splits_for(workspace, collection)) and left.toggle(
        "The judged queries", value=True, key="index-judged", persist_state="session"
    )
    if judged:
        try:
            found = list(dict.fromkeys(judged_queries_for(workspace, collection).queries.values()))
        except RankscopeError as error:
            show_error(error)
            return []
        right.caption(f"Turn off the switch to paste queries of your own. At most {MOST} are asked.")
        return found[:MOST]
    text = (
        right.text_area(
            "Queries, one a line",
            key="index-queries",
            persist_state="session",
            height=140,
            placeholder="one query a line",
        )
        or ""
    )
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))[:MOST]


def _parts(workspace: Workspace, collection: Collection, queries: list[str]) -> Iterator[Part]:
    yield check_index(workspace, collection, queries)
    yield try_widths(workspace, collection, queries)


def _progress(task: Task[Part], was_active: bool) -> None:
    if not task.active:
        if was_active:
            st.rerun()
        return
    bar, button = st.columns([5, 1], vertical_alignment="center")
    bar.progress(
        len(task.done) / task.total,
        text="Trying other settings on a copy of the index" if task.done else "Asking every query twice",
    )
    button.button("Cancel", on_click=task.cancel, width="stretch")


def _show_check(found: IndexCheck) -> None:
    show_info(f"{found.collection}, {plural(found.chunks, 'chunk')}: {found.words}")
    one, two, three = st.columns(3)
    with one.container(border=True, height="stretch"):
        st.metric(f"Recall@{found.top}", f"{found.recall:.1%}")
        st.caption("The mean over the queries; higher is better. Chunks that are equally near count as found.")
    with two.container(border=True, height="stretch"):
        st.metric("Index", f"{found.ms:.1f} ms")
        st.caption(f"Median a query, with fetching the texts; ef_search is {found.width}. Lower is better.")
    with three.container(border=True, height="stretch"):
        st.metric("Exact search", f"{found.exact_ms:.1f} ms")
        st.caption(f"Median a query, comparing all {found.chunks:,} vectors in memory, without texts.")
    missed = [
        {
            "query": one.query,
            "rank": gone.rank,
            "document": gone.document,
            "similarity": gone.similarity,
            "chunk id": gone.chunk_id,
        }
        for one in found.queries
        for gone in one.missed
    ]
    if missed:
        st.markdown("**What the index missed**")
        st.dataframe(
            pd.DataFrame(missed),
            hide_index=True,
            key="index-missed",
            column_config={"rank": st.column_config.NumberColumn(help="In the exact list.")},
        )


def _show_widths(found: list[Width]) -> None:
    st.subheader("What ef_search would cost and cure", anchor=False)
    st.plotly_chart(widths_figure(found, TOP), key="index-widths", config={"displayModeBar": False})
    own, best = next(one for one in found if one.own), max(found, key=lambda one: (one.recall, -one.ms))
    verdict = (
        "No other value finds more."
        if best.recall <= own.recall
        else f"{best.width} finds {best.recall:.1%} instead of {own.recall:.1%}, at {best.ms:.1f} ms instead of {own.ms:.1f} ms a query."
    )
    st.caption(
        f"ef_search is how many chunks the index keeps in sight while it walks, {own.width} in this collection. "
        f"{verdict} Tried on a copy of the very same index; it is set when a collection is made."
    )
    frame = pd.DataFrame(
        [{"ef_search": one.width, f"recall@{TOP}": one.recall, "ms (median)": one.ms, "now": one.own} for one in found]
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
