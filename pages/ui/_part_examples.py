"""Example questions of the sample library, to be clicked."""

from __future__ import annotations

import streamlit as st

from core.samples.library import EXAMPLES, Question, questions


def _examples() -> list[Question]:
    by_id = {question.id: question for question in questions()}
    return [by_id[example] for example in EXAMPLES]


def first_example() -> str:
    """Return the question that a first start shows."""
    return _examples()[0].question


def show_examples(query: str) -> None:
    """Draw the examples as buttons, and say of the one that was asked why it is easy or hard."""
    with st.container(horizontal=True, gap="small", key="examples", vertical_alignment="center"):
        st.caption("Try:", width="content")
        for example in _examples():
            st.button(example.question, key=f"example-{example.id}", on_click=_ask, args=[example.question], type="tertiary", help=example.kind)
    asked = next((question for question in questions() if question.question == query.strip()), None)
    if asked:
        st.caption(f":material/lightbulb: **{asked.kind}**: {asked.why}")


def _ask(question: str) -> None:
    st.session_state["q"] = question
