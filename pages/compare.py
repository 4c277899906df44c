"""Compare: the bi-encoder and the cross-encoder on one query, on many, and on pairs that fool them."""

from __future__ import annotations

import streamlit as st

from core.retrieval.search import MOST_HITS
from core.settings import POOL
from pages.ui.collection_picker import choose_view, clamp_parameter, read_parameters, searchable_collections
from pages.ui.compare.many_queries import show_many_queries
from pages.ui.compare.one_query import show_one_query
from pages.ui.compare.pairs import PAIR_DEFAULTS, show_pairs
from pages.ui.page import begin_page
from pages.ui.url_state import Value, write_address

VIEWS = ("One query", "Many queries", "Pairs")

workspace = begin_page("Compare")
st.title("Compare", anchor=False)
st.caption(
    "The **bi-encoder** turns query and chunks into vectors apart from one another, and compares those: "
    "fast over everything. The **cross-encoder** reads the query together with each of the first hits: "
    "slow, and finer. Here is what that changes."
)
collections = searchable_collections(workspace)
more: dict[str, Value] = {"view": VIEWS[0], "deepest": POOL, "depth": POOL, "lines": 20, "bm25": False, **PAIR_DEFAULTS}
defaults = read_parameters(collections, more)
clamp_parameter("deepest", 2, MOST_HITS, "pairs")
clamp_parameter("lines", 1, MOST_HITS, "lines")
view = choose_view(VIEWS)
if view == "Pairs":
    show_pairs(workspace)
elif view == "Many queries":
    show_many_queries(workspace, collections)
else:
    show_one_query(workspace, collections)
write_address(defaults, spared=list(more))
