"""Evaluate: judged queries against systems, and how far to believe the figures."""

from __future__ import annotations

import streamlit as st

from pages.ui.collection_picker import collections_to_ask, read_question
from pages.ui.evaluate.experiments import show_kept
from pages.ui.evaluate.index import show_index
from pages.ui.evaluate.judge import show_judging
from pages.ui.evaluate.results import show_results
from pages.ui.evaluate.runs import CHOSEN, first_look
from pages.ui.evaluate.sweep_cost import show_cost, show_sweep
from pages.ui.page import begin_page, show_warning
from pages.ui.url_state import Value, write_address

VIEWS = ("Results", "Sweep", "Cost", "Index", "Experiments", "Judge")

workspace = begin_page("Evaluate")
st.title("Evaluate", anchor=False)
st.caption(
    "Does it really find better, and on which questions? Queries whose answers somebody judged are asked of several systems, "
    "and the rankings are measured against the judgments."
)
collections = collections_to_ask(workspace)
more: dict[str, Value] = {"look": VIEWS[0], CHOSEN: "", "measure": "", "against": "", "second": ""}
defaults = read_question(collections, more)
del defaults["q"]  # this page asks no query of its own
if st.session_state["look"] not in VIEWS:
    show_warning(f"There is no view “{st.session_state['look']}” of this page: it shows {', '.join(VIEWS)}.")
    st.session_state["look"] = VIEWS[0]
view = st.segmented_control(
    "View", VIEWS, key="look", persist_state="session", label_visibility="collapsed", required=True
)
first_look(workspace, collections)
if view == "Judge":
    show_judging(workspace, collections)
elif view == "Experiments":
    show_kept(workspace)
elif view == "Index":
    show_index(workspace, collections)
elif view == "Cost":
    show_cost(workspace)
elif view == "Sweep":
    show_sweep(workspace)
else:
    show_results(workspace, collections)
write_address(defaults, spared=list(more))
