"""Compare: the bi-encoder and the cross-encoder on one query, on many, and on pairs that fool them."""

from __future__ import annotations

import streamlit as st

from core.retrieval.search import MOST_HITS
from core.settings import POOL
from pages.ui.collection_picker import collections_to_ask, keep_within, read_question
from pages.ui.compare.many_queries import show_many
from pages.ui.compare.one_query import show_one
from pages.ui.compare.pairs import OWN, show_pairs
from pages.ui.page import begin_page, show_warning
from pages.ui.url_state import Value, write_address

VIEWS = ("One query", "Many queries", "Pairs")

workspace = begin_page("Compare")
st.title("Compare", anchor=False)
st.caption(
    "The **bi-encoder** turns query and chunks into vectors apart from one another, and compares those: fast over everything. "
    "The **cross-encoder** reads the query together with each of the first hits: slow, and finer. Here is what that changes."
)
collections = collections_to_ask(workspace)
more: dict[str, Value] = {"view": VIEWS[0], "deepest": POOL, "depth": POOL, "lines": 20, "bm25": False, **OWN}
defaults = read_question(collections, more)
keep_within("deepest", 2, MOST_HITS, "pairs")
keep_within("lines", 1, MOST_HITS, "lines")
if st.session_state["view"] not in VIEWS:
    show_warning(f"There is no view “{st.session_state['view']}” of this page: it shows {', '.join(VIEWS)}.")
    st.session_state["view"] = VIEWS[0]
view = st.segmented_control(
    "View", VIEWS, key="view", persist_state="session", label_visibility="collapsed", required=True
)
if view == "Pairs":
    show_pairs(workspace)
elif view == "Many queries":
    show_many(workspace, collections)
else:
    show_one(workspace, collections)
write_address(defaults, spared=list(more))
