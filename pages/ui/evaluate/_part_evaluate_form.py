"""What is to be evaluated: collection, judgments, systems, measures, pool."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.errors import RankscopeError
from core.evaluation._part_evaluation_planning import Request
from core.evaluation.metrics import MEASURES
from core.evaluation.systems import USUAL
from core.judgments.queries import qrels_for, splits_for, usual_split
from core.records.search import Collection
from core.retrieval.search import MOST_HITS, POOL
from core.util.formatting import plural
from core.workspace import Workspace
from pages.ui._part_notices import literal, show_error, show_info
from pages.ui.evaluate.runs import evaluations

OFFERED = (*USUAL, "bi-exact", "bi+cross-sum", "bi+cross@20", "bi+cross@100")
MORE_MEASURES = ("nDCG@5", "Success@1", "RR", "R@10", "R@20", "P@1", "P@10", "Rprec", "Bpref")
HELP = (
    "bm25 compares words; bi is the bi-encoder through Chroma's index, bi-exact without it; "
    "hybrid puts both rankings together (reciprocal rank fusion). "
    "+cross: the cross-encoder reranks the pool; +cross@20 sets a pool of its own. "
    "OTHER:bi is a system on another collection over the same documents. Type a name to add it."
)


def show_form(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Draw the form; its button starts a run."""
    left, right = st.columns([2, 2], vertical_alignment="bottom")
    name = left.selectbox("Collection", list(collections), key="collection", persist_state="session", help="Its judged queries are asked.")
    collection = collections[name]
    splits = splits_for(workspace, collection)
    if not splits:
        show_info(f"Nothing is judged in {name} yet. Judge hits in the view Judge, with the switch on the Search page, or import judgments.")
        return
    usual = usual_split(workspace, collection)
    split = right.selectbox(
        "Judgments",
        splits,
        index=splits.index(usual) if usual in splits else 0,
        key=f"split-{collection.key}",
        help="Which judgments count: made here, imported, or all together.",
    )
    beside = _beside([other for other in collections if other != name])
    systems, measures, pool = _choose(beside)
    try:
        judged = qrels_for(workspace, collection, split)
    except RankscopeError as error:
        show_error(error)
        return
    called, note, limit = _more(len(judged.queries))
    request = Request((name, *beside), tuple(systems), tuple(measures), pool, split, limit, name=called.strip(), note=note.strip())
    button, said = st.columns([1, 4], vertical_alignment="center")
    asked = min(limit or len(judged.queries), len(judged.queries))
    about = "whole documents, so chunks count for theirs" if judged.per_document else f"{plural(judged.judgments, 'span')} of documents"
    said.caption(
        f"{plural(asked, 'judged query', 'judged queries')} on {about}. It runs in the background; "
        f"a laptop reads some 100 pairs a second, here {asked * pool:,} at most for each reranked stage."
    )
    if button.button("Run", type="primary", icon=":material/play_arrow:", width="stretch", disabled=not (systems and measures)):
        _start(workspace, request)


def _beside(others: list[str]) -> list[str]:
    """Other collections that are searched for the same queries."""
    if not others:
        return []
    hint = "For example the same documents with another model, or cut otherwise"
    return list(st.multiselect("Also search these collections", others, key="evaluate-others", persist_state="session", placeholder=hint))


def _choose(beside: list[str]) -> tuple[list[str], list[str], int]:
    offered = [*OFFERED, *(f"{other}:{system}" for other in beside for system in OFFERED)]
    usual = ["bm25", "bi", "hybrid", "bi+cross", *(f"{other}:bi" for other in beside)]
    one, two, three = st.columns([3, 3, 1], vertical_alignment="bottom")
    key = f"evaluate-systems-{'|'.join(beside)}"
    systems = one.multiselect("Systems", offered, default=usual, key=key, persist_state="session", accept_new_options=True, help=HELP)
    measures = two.multiselect(
        "Measures",
        [*MEASURES, *MORE_MEASURES],
        default=list(MEASURES),
        key="evaluate-measures",
        persist_state="session",
        accept_new_options=True,
        help="As ir_measures names them. Of each higher is better. Type any other that it knows, such as nDCG(gains={1:1,2:3,3:7})@10.",
    )
    hint = "How many of a stage's first hits the cross-encoder reads."
    pool = three.number_input("Pool", 1, MOST_HITS, POOL, 10, key="evaluate-pool", persist_state="session", help=hint)
    return list(systems), list(measures), int(pool)


def _more(queries: int) -> tuple[str, str, int | None]:
    with st.expander("Name, note, fewer queries"):
        one, two, three = st.columns([2, 3, 1], vertical_alignment="bottom")
        called = one.text_input("Name", key="evaluate-name", placeholder="kept with the experiment") or ""
        note = two.text_input("Note", key="evaluate-note") or ""
        limit = three.number_input("Only the first", 1, max(queries, 1), None, key="evaluate-queries", placeholder="all queries")
    return called, note, None if limit is None else int(limit)


def _start(workspace: Workspace, request: Request) -> None:
    try:
        run = evaluations(workspace).start(request)
    except RankscopeError as error:
        show_error(error)
        return
    st.toast(f"Started: {literal(run.experiment.name)}")
    st.rerun()
