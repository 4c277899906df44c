"""The view 'Judge' of the Evaluate page: pooled hits of several systems, graded without naming a system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from core.errors import RankscopeError
from core.evaluation.metrics import ndcg
from core.judgments.pooling import Pool, pool_of
from core.judgments.queries import judged_queries_for, splits_for
from core.judgments.relevance import grade
from core.records.document import short_hash
from core.records.judgments import EVERYTHING, GRADES
from core.records.search import Collection, Hit
from core.retrieval.search import LONGEST_QUERY, search
from core.settings import POOL
from core.text.excerpts import unwrap
from core.util.formatting import clip, plural
from core.workspace import Workspace
from pages.ui.bm25 import bm25_ranks
from pages.ui.collection_picker import queries_input, query_input
from pages.ui.grading import QueryJudgments, grade_label, save_grade, show_grade_buttons, show_grading_controls
from pages.ui.hits import open_context_dialog, rerank_cached
from pages.ui.html import blind_card
from pages.ui.page import literal, show_error, show_info, show_tile

SYSTEMS = {"bi": "bi-encoder", "bm25": "BM25", "bi+cross": "bi-encoder, reranked by the cross-encoder"}
MODES = ("One query", "Judged queries", "A list of mine")
MAX_DEPTH = 50  # hits of a system
MAX_CACHED = 4  # pools
QUERY, SKIPPED, POOLS = "judging-at", "judging-skipped", "judging-pools"  # keys in the session state


def show_judging(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Draw the view."""
    st.caption(
        "The first hits of several systems are put together and shuffled, so that no grade favours a system. "
        "Say of each text how well it answers the query: **0** not relevant, **1** related, **2** relevant, "
        "**3** perfect. Who found what is shown when all are judged."
    )
    collection, queries, systems, depth = _controls(workspace, collections)
    query = _choose_query(queries)
    if not query or not systems:
        show_info(
            "Choose at least one system."
            if query
            else "Type a query, or choose a list of queries: what is found for it is judged here."
        )
        return
    try:
        pool = _cached_pool(workspace, collection, query, systems, depth)
    except RankscopeError as error:
        show_error(error)
        return
    if not pool.hits:
        show_info("No system found anything for this query: try another one.")
        return
    _judge(workspace, collection, pool, queries)


def _controls(
    workspace: Workspace, collections: Mapping[str, Collection]
) -> tuple[Collection, Sequence[str], list[str], int]:
    """Return the collection, the queries to judge (one if it is typed), the systems, and how many hits of each."""
    left, middle, right = st.columns([2, 3, 1], vertical_alignment="bottom")
    name = left.selectbox("Collection", list(collections), key="collection", persist_state="session")
    st.session_state["judging-systems"] = st.session_state.get("judging-systems", list(SYSTEMS))
    systems = middle.multiselect(
        "Systems",
        list(SYSTEMS),
        key="judging-systems",
        persist_state="session",
        format_func=lambda system: SYSTEMS[system],
    )
    depth = right.number_input(
        "Hits of each",
        1,
        MAX_DEPTH,
        10,
        key="judging-depth",
        persist_state="session",
        help="So many of each system's first hits are judged.",
    )
    mode = st.segmented_control(
        "Queries",
        MODES,
        default=MODES[0],
        key="judging-mode",
        persist_state="session",
        required=True,
        label_visibility="collapsed",
    )
    return (
        collections[name],
        _choose_queries(workspace, collections[name], mode),
        [system for system in SYSTEMS if system in systems],
        int(depth),
    )


def _choose_queries(workspace: Workspace, collection: Collection, mode: str) -> list[str]:
    if mode == MODES[0]:
        query = query_input("judging-q").strip()
        return [query] if query else []
    if mode == MODES[1]:
        if not splits_for(workspace, collection):
            st.caption(f"Nothing is judged in {literal(collection.name)} yet.")
            return []
        return sorted(set(judged_queries_for(workspace, collection, EVERYTHING).queries.values()), key=str.casefold)
    return list(dict.fromkeys(query[:LONGEST_QUERY] for query in queries_input("judging-list", height=120)))


def _choose_query(queries: Sequence[str]) -> str:
    """Return the query to judge now; of several it can be chosen."""
    if len(queries) < 2:
        return queries[0] if queries else ""
    if st.session_state.get(QUERY) not in queries:
        st.session_state[QUERY] = queries[0]
    numbers = {query: number for number, query in enumerate(queries, 1)}
    return str(
        st.selectbox(
            f"Query, of {len(queries):,}",
            queries,
            key=QUERY,
            persist_state="session",
            format_func=lambda query: f"{numbers.get(query, 0)}. {clip(query, 160)}",
        )
    )


def _cached_pool(workspace: Workspace, collection: Collection, query: str, systems: Sequence[str], depth: int) -> Pool:
    """The pool of a query, made again when the collection's chunks change. Raises RankscopeError."""
    cache: dict[str, Pool] = st.session_state.setdefault(POOLS, {})
    key = short_hash(collection.key, workspace.version(collection), query, depth, *systems)
    if key not in cache:
        with st.spinner("Asking the systems… (the first time loads the models)", show_time=True):
            cache[key] = pool_of(query, rankings(workspace, collection, query, systems, depth), depth)
        while len(cache) > MAX_CACHED:
            cache.pop(next(iter(cache)))
    return cache[key]


def rankings(
    workspace: Workspace, collection: Collection, query: str, systems: Sequence[str], depth: int
) -> dict[str, Sequence[Hit]]:
    """Return each system's hits, best first: at least ``depth``, where there are as many. Raises RankscopeError."""
    result = search(workspace, collection.name, query, max(depth, POOL))
    ranked: dict[str, Sequence[Hit]] = {}
    for system in systems:
        if system == "bm25":
            ranks = bm25_ranks(workspace, collection, query)
            # for their order: no score is shown
            ranked[system] = workspace.store.hits(
                collection, {chunk_id: -float(rank) for chunk_id, rank in ranks.items() if rank <= depth}
            )
        else:
            ranked[system] = rerank_cached(workspace, result, POOL).hits if system == "bi+cross" else result.hits
    return ranked


@st.fragment
def _judge(workspace: Workspace, collection: Collection, pool: Pool, queries: Sequence[str]) -> None:
    judgments = QueryJudgments.load(workspace, collection, pool.query)
    skipped: set[str] = st.session_state.setdefault(SKIPPED, {}).setdefault(pool.query, set())
    unjudged = [hit for hit in pool.hits if grade(hit, judgments.spans) is None]
    left = [hit for hit in unjudged if hit.chunk_id not in skipped]
    st.markdown(f"#### {literal(pool.query)}")
    judged = len(pool.hits) - len(unjudged)
    st.progress(
        judged / len(pool.hits),
        text=f"judged {judged} of {len(pool.hits)}"
        + (f", {len(unjudged) - len(left)} skipped" if len(left) < len(unjudged) else ""),
    )
    show_grading_controls(workspace)
    if left:
        _show_card(workspace, judgments, left[0], skipped)
    else:
        _show_finders(judgments, pool)
        _show_next(pool, queries, skipped)


def _show_card(workspace: Workspace, judgments: QueryJudgments, hit: Hit, skipped: set[str]) -> None:
    """Draw one text without score and rank. Its buttons are above it, so that they do not move with its length.

    The buttons' keys hold the chunk's id: a hasty second click does not grade the next text.
    """
    note = f"note-{hit.chunk_id}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for number in GRADES:
            st.button(
                grade_label(number),
                key=f"give-{number}-{hit.chunk_id}",
                on_click=_grade,
                args=[judgments, hit, number, note],
            )
        st.text_input("Note", key=note, placeholder="a note, if any", label_visibility="collapsed", width=280)
        st.button("Skip", key=f"skip-{hit.chunk_id}", type="tertiary", on_click=partial(skipped.add, hit.chunk_id))
        if st.button(
            "Show in context", key=f"judging-context-{hit.chunk_id}", icon=":material/article:", type="tertiary"
        ):
            open_context_dialog(workspace, judgments.query, hit)
    with st.container(border=True, key="judging-card"):
        st.html(blind_card(hit))


def _grade(judgments: QueryJudgments, hit: Hit, number: int, note: str) -> None:
    save_grade(judgments, hit, number, st.session_state.get(note) or None)


def _show_finders(judgments: QueryJudgments, pool: Pool) -> None:
    """Draw which system retrieved what, and each system's nDCG: only now, because it could sway the grades."""
    st.markdown("**Who found what**")
    for system, column in zip(pool.systems, st.columns(len(pool.systems)), strict=True):
        hits = pool.found_by(system)
        value = ndcg(hits, judgments.spans, pool.depth)
        relevant = sum((grade(hit, judgments.spans) or 0) >= 2 for hit in hits)
        show_tile(
            column,
            SYSTEMS[system],
            "–" if value is None else f"{value:.3f}",
            f"nDCG@{pool.depth} of this query, 0 to 1, higher is better. "
            f"{relevant} of its first {plural(len(hits), 'hit')} have grade 2 or 3.",
        )
    rows = [
        {
            "grade": grade(hit, judgments.spans),
            "document": hit.document,
            "text": clip(unwrap(hit.text), 300),
            **{f"rank, {system}": pool.ranks[hit.chunk_id].get(system) for system in pool.systems},
        }
        for hit in pool.hits
    ]
    frame = pd.DataFrame(rows).sort_values("grade", ascending=False, kind="stable")
    st.dataframe(frame, hide_index=True, column_config={"text": st.column_config.TextColumn(width="large")})
    if st.toggle("Change a grade", key="judging-change"):
        for hit in pool.hits:
            with st.container(border=True, key=f"judging-{hit.chunk_id}"):
                st.html(blind_card(hit))
                show_grade_buttons(judgments, hit)


def _show_next(pool: Pool, queries: Sequence[str], skipped: set[str]) -> None:
    with st.container(horizontal=True):
        if skipped:
            st.button(f"Judge the {len(skipped)} skipped", on_click=skipped.clear)
        following = queries.index(pool.query) + 1 if pool.query in queries else len(queries)
        if following < len(queries) and st.button(
            "Next query",
            type="primary",
            icon=":material/arrow_forward:",
            on_click=_select_query,
            args=[queries[following]],
        ):
            st.rerun()


def _select_query(query: str) -> None:
    st.session_state[QUERY] = query
