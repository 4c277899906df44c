"""The view 'Pairs' of the Compare page: a query with two sentences to edit, and a gallery of tricky pairs."""

from __future__ import annotations

from html import escape

import pandas as pd
import streamlit as st

from core.errors import RankscopeError
from core.retrieval.comparison import PairScore, score_pairs
from core.retrieval.reading import query_notes, rerank_notes, text_notes
from core.samples.pairs import KINDS, TrickPair, trick_pairs
from core.workspace import Workspace
from pages.ui.hits import load_reranker
from pages.ui.page import literal, show_error, show_info, show_warning
from pages.ui.url_state import Value

PAIR_DEFAULTS: dict[str, Value] = {
    "pair-query": "Which moon of Jupiter has active volcanoes?",
    "pair-first": "Io's surface is torn open by more than four hundred volcanoes.",
    "pair-second": "Europa, a moon of Jupiter, has no active volcanoes but a crust of ice.",
}
MODELS = ("bi-encoder", "cross-encoder")
FILTERS = ("All", "Bi-encoder fooled", "Cross-encoder fooled", "Both fooled")


def show_pairs(workspace: Workspace) -> None:
    """Draw the view."""
    try:
        load_reranker(workspace)
        with st.spinner("Scoring…"):
            _show_edited_pair(workspace)
            scores = _gallery_scores(workspace, workspace.settings.model, workspace.settings.reranker)
    except RankscopeError as error:
        show_error(error)
        return
    _show_gallery(scores)


def _show_edited_pair(workspace: Workspace) -> None:
    st.subheader("Your own pair", anchor=False)
    st.caption(
        "Type a question and two sentences. Both models score them as you edit: "
        "change a number, a name, a “not”, and see which model notices."
    )
    query = st.text_input("Question", key="pair-query", persist_state="session")
    left, right = st.columns(2)
    first = left.text_area("First sentence", key="pair-first", persist_state="session", height=90)
    second = right.text_area("Second sentence", key="pair-second", persist_state="session", height=90)
    if not (query.strip() and first.strip() and second.strip()):
        show_info("Fill in the question and both sentences.")
        return
    encoder, reranker = workspace.models.get(workspace.settings.model), workspace.models.reranker()
    score = score_pairs(encoder, reranker, [(query, first, second)])[0]
    for note in (
        *query_notes(encoder, query),
        *text_notes(encoder, {"the first sentence": first, "the second sentence": second}),
        *rerank_notes(reranker, query, [first, second]),
    ):
        show_warning(f"{note}.")
    for index, column in enumerate((left, right)):
        column.html(_score_line(score, index))


def _score_line(score: PairScore, index: int) -> str:
    """Return the scores of sentence 0 or 1 as HTML, with a mark at each model that prefers it."""
    probability = ""
    if score.probability is not None:
        probability = f' <span class="rs-faint">probability</span> {score.probability[index]:.2f}'
    prefers = (
        [score.bi_prefers_second, score.cross_prefers_second]
        if index
        else [score.bi_prefers_first, score.cross_prefers_first]
    )
    values = [
        f"<b>{score.cosine[index]:.3f}</b> <span class='rs-faint'>cosine</span>",
        f"<b>{score.logit[index]:+.2f}</b> <span class='rs-faint'>score</span>{probability}",
    ]
    parts = [
        f'<span class="rs-verdict rs-{"up" if preferred else "same"}">'
        f"{model} {value}{' ◀ prefers this' if preferred else ''}</span>"
        for model, value, preferred in zip(MODELS, values, prefers, strict=True)
    ]
    return f'<div class="rs-times">{"".join(parts)}</div>'


@st.cache_data(max_entries=4, show_spinner=False)
def _gallery_scores(_workspace: Workspace, model: str, reranker: str) -> list[tuple[float, ...]]:  # noqa: ARG001 - the names are the cache's key
    triples = [(pair.query, pair.right.text, pair.wrong.text) for pair in trick_pairs()]
    scores = score_pairs(_workspace.models.get(_workspace.settings.model), _workspace.models.reranker(), triples)
    return [(*score.cosine, *score.logit, *(score.probability or ())) for score in scores]


def _show_gallery(rows: list[tuple[float, ...]]) -> None:
    scores = [
        PairScore((row[0], row[1]), (row[2], row[3]), (row[4], row[5]) if len(row) == 6 else None) for row in rows
    ]
    pairs = list(zip(trick_pairs(), scores, strict=True))
    st.subheader("A gallery of tricky pairs", anchor=False)
    st.caption(
        f"{len(pairs)} questions about the sample library, each with a sentence that answers it and one that only "
        "looks so. They were chosen by reading, before any model saw them, and are scored now, by the models at hand. "
        "A model is right if it puts the answer above the other sentence; a coin would be right half the time."
    )
    _show_totals(pairs)
    kinds, which = st.columns([1, 3], vertical_alignment="bottom")
    kind = kinds.selectbox("Kind", ["All kinds", *KINDS], key="pair-kind", persist_state="session")
    fooled = which.segmented_control(
        "Show", FILTERS, default=FILTERS[1], key="pair-filter", persist_state="session", required=True
    )
    shown = [
        (pair, score)
        for pair, score in pairs
        if kind in ("All kinds", pair.kind) and _is_fooled(score, fooled or FILTERS[0])
    ]
    if not shown:
        show_info("No pair is like that: choose another kind, or show all.")
    for pair, score in shown:
        _show_pair(pair, score)


def _is_fooled(score: PairScore, by: str) -> bool:
    fooled = {FILTERS[1]: not score.bi_prefers_first, FILTERS[2]: not score.cross_prefers_first}
    return all(fooled.values()) if by == FILTERS[3] else fooled.get(by, True)


def _show_totals(pairs: list[tuple[TrickPair, PairScore]]) -> None:
    rows = []
    for kind in (*KINDS, "all"):
        of_kind = [score for pair, score in pairs if kind in ("all", pair.kind)]
        rows.append(
            {
                "kind": kind,
                "pairs": len(of_kind),
                "bi-encoder right": sum(s.bi_prefers_first for s in of_kind),
                "cross-encoder right": sum(s.cross_prefers_first for s in of_kind),
            }
        )
    st.dataframe(pd.DataFrame(rows), hide_index=True, width=620)


def _show_pair(pair: TrickPair, score: PairScore) -> None:
    with st.container(border=True):
        verdicts = [
            f"{model} {'right ✓' if right else 'fooled'}"
            for model, right in zip(MODELS, (score.bi_prefers_first, score.cross_prefers_first), strict=True)
        ]
        st.markdown(f"**{literal(pair.query)}** &nbsp; :gray[{pair.kind} · {' · '.join(verdicts)}]")
        left, right = st.columns(2, gap="large")
        for index, (column, label, sentence) in enumerate(
            ((left, "answers it", pair.right), (right, "only looks so", pair.wrong))
        ):
            column.html(
                f'<div class="rs-faint">{label} · {escape(sentence.document)}</div>'
                f'<div class="rs-text" dir="auto">{escape(sentence.text)}</div>{_score_line(score, index)}'
            )
        st.caption(f":material/lightbulb: {literal(pair.why)}")
