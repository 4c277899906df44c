"""Grades for hits where they are shown. A click is kept at once, and redraws the hits alone: nothing is searched again."""

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

SWITCH, WHO = "judge", "judge-who"
_FAILED = "judge-failed"
HELP = (
    "Say of each hit how well it answers the query. The grade hangs on the hit's place in its document: it counts in every collection "
    "with this document, however that is cut, and the measures on the Compare and Evaluate pages use it."
)


@dataclass(frozen=True)
class Given:
    """What is judged about one query in a collection: by hand here, by the place of the judged text, and all spans together."""

    workspace: Workspace
    query: str
    own: Mapping[tuple[str, int, int], Judgment]
    spans: Sequence[JudgedSpan]

    @classmethod
    def read(cls, workspace: Workspace, collection: Collection, query: str) -> Given:
        """Read it from the data folder."""
        held = workspace.judgments.of_query(collection.key, query)
        own = {(one.document_id, one.start, one.end): one for one in held if one.split == SHARED}
        return cls(workspace, query, own, spans_for(workspace, collection, query))

    def of(self, hit: Hit) -> Judgment | None:
        """The judgment on exactly this text."""
        return self.own.get((hit.document_id, hit.start, hit.end))


def judging_switch() -> bool:
    """Draw the switch that shows the grades' buttons; return whether it is on."""
    return st.toggle("Judge", key=SWITCH, persist_state="session", help=HELP)


def judge_name() -> str:
    """Return who judges, as typed; empty where nobody typed a name."""
    return str(st.session_state.get(WHO) or "")


def show_bar(workspace: Workspace) -> None:
    """Draw the field for a name, the button that takes the last grade back, and what went wrong with a click."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Your name", key=WHO, persist_state="session", placeholder="kept with each grade", width=260)
        show_undo(workspace)
    show_failure()


def show_undo(workspace: Workspace) -> None:
    """Draw the button that takes the last step of judging back."""
    last = workspace.judgments.last
    said = f"Takes back: {literal(last.what)}." if last else "Nothing was judged here yet."
    st.button(
        "Undo",
        key="judge-undo",
        icon=":material/undo:",
        disabled=last is None,
        help=said,
        on_click=_tried,
        args=[workspace.judgments.undo],
    )


def show_failure() -> None:
    """Say why the last click was not kept, if it was not."""
    if failed := st.session_state.pop(_FAILED, ""):
        show_error(failed)


def keep_grade(workspace: Workspace, query: str, hit: Hit, given: int | None, note: str | None = None) -> None:
    """Keep a grade, or take it back for None; what goes wrong is told by ``show_failure``, since a callback cannot."""
    if given is None:
        _tried(partial(workspace.judgments.clear, query, hit.document_id, hit.start, hit.end))
    else:
        _tried(
            partial(
                workspace.judgments.judge,
                query,
                hit.document_id,
                hit.start,
                hit.end,
                given,
                who=judge_name(),
                note=note,
            )
        )


def show_grade(given: Given, hit: Hit) -> None:
    """Draw the four grades for a hit, the one that it has lit, and say what it counts as where another judgment tells."""
    key = f"grade-{short_hash(given.query, hit.chunk_id)[:16]}"
    judged = given.of(hit)
    st.session_state[key] = judged.grade if judged else None
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.segmented_control(
            "Grade",
            list(GRADES),
            key=key,
            format_func=grade_label,
            label_visibility="collapsed",
            on_change=_clicked,
            args=[given, hit, key],
        )
        st.caption(_said(judged, grade(hit, given.spans)), width="content")


def grade_label(number: int) -> str:
    """Return a grade with its word."""
    return f"{number} {GRADES[number]}"


@st.fragment
def show_judged_hits(workspace: Workspace, collection: Collection, result: SearchResult) -> None:
    """Draw the hits of a search with their grades."""
    show_bar(workspace)
    given = Given.read(workspace, collection, result.query)
    for hit in result.hits:
        show_hit(workspace, result, hit, partial(show_grade, given, hit))


def _clicked(given: Given, hit: Hit, key: str) -> None:
    keep_grade(given.workspace, given.query, hit, st.session_state[key])


def _tried(step: Callable[[], object]) -> None:
    """Take a step of judging; what it raises is shown at the next drawing."""
    try:
        step()
    except RankscopeError as error:
        st.session_state[_FAILED] = str(error)


def _said(judged: Judgment | None, counts: int | None) -> str:
    if judged and counts == judged.grade:
        by = f"by {literal(judged.who)}, " if judged.who else ""
        return f"judged {by}{judged.made[:10]}" + (f": {literal(judged.note)}" if judged.note else "")
    return "not judged" if counts is None else f"counts as {counts}, by another judgment on this text"
