"""Grades given to hits where they are shown. A click saves at once and redraws the hits alone: no new search runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from core.errors import RankscopeError
from core.judgments.queries import spans_for
from core.judgments.relevance import JudgedSpan, grade
from core.records.document import short_hash
from core.records.judgments import GRADES, SHARED, Judgment
from core.records.search import Collection, Hit, SearchResult
from core.workspace import Workspace
from pages.ui.hits import show_hit
from pages.ui.page import literal, show_error

_FAILURE = "judge-failed"  # key in the session state: why the last click was not saved
HELP = (
    "Say of each hit how well it answers the query. The grade hangs on the hit's place in its document: "
    "it counts in every collection with this document, however that is cut, "
    "and the measures on the Compare and Evaluate pages use it."
)


@dataclass(frozen=True)
class QueryJudgments:
    """What is judged about one query in a collection.

    ``by_hand`` are the grades given in the app, by document id, start and end; ``spans`` are all judged spans.
    """

    workspace: Workspace
    query: str
    by_hand: Mapping[tuple[str, int, int], Judgment]
    spans: Sequence[JudgedSpan]

    @classmethod
    def load(cls, workspace: Workspace, collection: Collection, query: str) -> QueryJudgments:
        """Read the judgments of ``query`` from the data folder."""
        by_hand = {
            (judgment.document_id, judgment.start, judgment.end): judgment
            for judgment in workspace.judgments.for_query(collection.key, query)
            if judgment.split == SHARED
        }
        return cls(workspace, query, by_hand, spans_for(workspace, collection, query))

    def of(self, hit: Hit) -> Judgment | None:
        """Return the judgment by hand on exactly the hit's span."""
        return self.by_hand.get((hit.document_id, hit.start, hit.end))


def judging_toggle() -> bool:
    """Draw the toggle that shows the grade buttons; return whether it is on."""
    return st.toggle("Judge", key="judge", persist_state="session", help=HELP)


@st.fragment
def show_judged_hits(workspace: Workspace, collection: Collection, result: SearchResult) -> None:
    """Draw the hits of a search with their grade buttons."""
    show_grading_controls(workspace)
    judgments = QueryJudgments.load(workspace, collection, result.query)
    for hit in result.hits:
        show_hit(workspace, result, hit, partial(show_grade_buttons, judgments, hit))


def show_grading_controls(workspace: Workspace) -> None:
    """Draw the field for the assessor's name and the undo button, and say why the last click was not saved."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Your name", key="judge-who", persist_state="session", placeholder="kept with each grade", width=260
        )
        last = workspace.judgments.last_step
        st.button(
            "Undo",
            key="judge-undo",
            icon=":material/undo:",
            disabled=last is None,
            help=f"Takes back: {literal(last.what)}." if last else "Nothing was judged here yet.",
            on_click=_try_to_save,
            args=[workspace.judgments.undo],
        )
    if failure := st.session_state.pop(_FAILURE, ""):
        show_error(failure)


def show_grade_buttons(judgments: QueryJudgments, hit: Hit) -> None:
    """Draw a hit's grade buttons with its own grade selected, and say what it counts as."""
    key = f"grade-{short_hash(judgments.query, hit.chunk_id)[:16]}"
    judgment = judgments.of(hit)
    st.session_state[key] = judgment.grade if judgment else None
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.segmented_control(
            "Grade",
            list(GRADES),
            key=key,
            format_func=grade_label,
            label_visibility="collapsed",
            on_change=lambda: save_grade(judgments, hit, st.session_state[key]),
        )
        st.caption(_grade_note(judgment, grade(hit, judgments.spans)), width="content")


def grade_label(number: int) -> str:
    """Return a grade with its word."""
    return f"{number} {GRADES[number]}"


def save_grade(judgments: QueryJudgments, hit: Hit, number: int | None, note: str | None = None) -> None:
    """Save a hit's grade, or delete it for None. For callbacks: ``show_grading_controls`` shows what goes wrong."""
    saved, span = judgments.workspace.judgments, (hit.document_id, hit.start, hit.end)
    if number is None:
        _try_to_save(partial(saved.clear, judgments.query, *span))
    else:
        who = str(st.session_state.get("judge-who") or "")
        _try_to_save(partial(saved.judge, judgments.query, *span, number, who=who, note=note))


def _try_to_save(step: Callable[[], object]) -> None:
    try:
        step()
    except RankscopeError as error:
        st.session_state[_FAILURE] = str(error)


def _grade_note(judgment: Judgment | None, counted: int | None) -> str:
    if judgment and counted == judgment.grade:
        by = f"by {literal(judgment.who)}, " if judgment.who else ""
        return f"judged {by}{judgment.made[:10]}" + (f": {literal(judgment.note)}" if judgment.note else "")
    return "not judged" if counted is None else f"counts as {counted}, by another judgment on this text"
