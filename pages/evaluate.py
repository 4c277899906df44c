"""Evaluate: retrieval metrics of several systems on judged queries, and how certain they are."""

from __future__ import annotations

import streamlit as st

from pages.ui.collection_picker import choose_view, read_parameters, searchable_collections
from pages.ui.evaluate.experiments import show_experiments
from pages.ui.evaluate.index import show_index
from pages.ui.evaluate.judge import show_judging
from pages.ui.evaluate.results import show_results
from pages.ui.evaluate.runs import CHOSEN, start_first_evaluation
from pages.ui.evaluate.sweep_cost import show_cost, show_sweep
from pages.ui.page import begin_page
from pages.ui.url_state import Value, write_address

VIEWS = ("Results", "Sweep", "Cost", "Index", "Experiments", "Judge")

workspace = begin_page("Evaluate")
st.title("Evaluate", anchor=False)
st.caption(
    "Does it really find better, and on which questions? Queries whose answers somebody judged are asked of several "
    "systems, and the rankings are measured against the judgments."
)
collections = searchable_collections(workspace)
more: dict[str, Value] = {"look": VIEWS[0], CHOSEN: "", "measure": "", "against": "", "second": ""}
defaults = read_parameters(collections, more)
del defaults["q"]  # this page has no query of its own
view = choose_view(VIEWS, "look")
start_first_evaluation(workspace, collections)
if view == "Judge":
    show_judging(workspace, collections)
elif view == "Experiments":
    show_experiments(workspace)
elif view == "Index":
    show_index(workspace, collections)
elif view == "Cost":
    show_cost(workspace)
elif view == "Sweep":
    show_sweep(workspace)
else:
    show_results(workspace, collections)
write_address(defaults, spared=list(more))
