"""Search: a query, its ranked hits, and the scores that rank them."""

from __future__ import annotations

import json

import streamlit as st

from core.errors import RankscopeError
from core.retrieval.plots import score_profile
from core.retrieval.search import MOST_HITS, search
from core.samples.library import SAMPLE_COLLECTION
from core.settings import POOL
from core.util.formatting import plural
from pages.ui.collection_picker import (
    clamp_parameter,
    query_input,
    read_parameters,
    searchable_collections,
    show_examples,
)
from pages.ui.downloads import hits_csv, offer_csv, offer_download
from pages.ui.filters import choose_filters, clear_filters
from pages.ui.grading import judging_toggle, show_judged_hits
from pages.ui.hits import is_rerank_cached, rerank_cached, show_hit, show_notes, show_provisional_hits
from pages.ui.html import timings_html
from pages.ui.page import begin_page, literal, show_chart, show_error, show_info, show_warning
from pages.ui.url_state import write_address

MAX_HITS_SHOWN = 100  # on the page; the shell gives more


def drop_filter() -> None:
    """Remove all filters: they belong to the collection that they were chosen in."""
    st.session_state["documents"] = []
    clear_filters()


workspace = begin_page("Search")
st.title("Search", anchor=False)
collections = searchable_collections(workspace)
defaults = read_parameters(collections, {"hits": 10, "documents": [], "where": [], "rerank": False, "pool": POOL})
clamp_parameter("hits", 1, MAX_HITS_SHOWN, "hits")
clamp_parameter("pool", 1, MOST_HITS, "pairs to rerank")

query = query_input()
left, middle, right = st.columns([2, 1, 3], vertical_alignment="bottom")
name = left.selectbox("Collection", list(collections), key="collection", persist_state="session", on_change=drop_filter)
top_k = int(
    middle.number_input(
        "Hits", 1, MAX_HITS_SHOWN, key="hits", persist_state="session", help="How many chunks to show, best first."
    )
)
collection = collections[name]
titles = [document.name for document in workspace.documents(collection)]
if unknown := [title for title in st.session_state["documents"] if title not in set(titles)]:
    show_warning(f"Not in {name}, so not in the filter either: {', '.join(unknown)}")
    st.session_state["documents"] = [title for title in st.session_state["documents"] if title not in unknown]
documents = right.multiselect(
    "Only in these documents", titles, key="documents", persist_state="session", placeholder="All documents"
)
switch, depth, _ = st.columns([2, 1, 3], vertical_alignment="center")
reranking = switch.toggle(
    "Rerank with the cross-encoder",
    key="rerank",
    persist_state="session",
    help="The cross-encoder reads the query together with each of the first hits, and puts those in its own order. "
    "Slower, and finer.",
)
pool = int(
    depth.number_input(
        "Pool",
        1,
        MOST_HITS,
        key="pool",
        persist_state="session",
        disabled=not reranking,
        step=10,
        help="How many of the bi-encoder's first hits the cross-encoder reads. "
        "What lies beyond keeps its place behind them.",
    )
)
filters = choose_filters(workspace, collection)
write_address(defaults, spared=["rerank", "pool"])
if name == SAMPLE_COLLECTION:
    show_examples(query)
if not query.strip():
    show_info(f"Type a question to search the {plural(collection.chunks, 'chunk')} of {name}.")
    st.stop()

try:
    with st.spinner("Searching… (the first search loads the model)", show_time=True):
        result = search(workspace, name, query, max(top_k, pool if reranking else 0), documents, filters)
except RankscopeError as error:
    show_error(error)
    st.stop()
if not result.hits:
    if filters:
        conditions = ", and ".join(one.words for one in filters)
        show_info(f"No chunk was found whose metadata fits the filter: {conditions}.")
        st.button("Search without the filter", icon=":material/filter_alt_off:", on_click=clear_filters)
    else:
        show_info("No chunk was found: take the filter off, or choose another collection.")
    st.stop()
if reranking:
    provisional = st.empty()
    if not is_rerank_cached(workspace, result, pool):
        show_provisional_hits(provisional, result.top(top_k))
    try:
        result = rerank_cached(workspace, result, pool)
    except RankscopeError as error:
        show_error(f"{error}. These are the bi-encoder's own hits")
    provisional.empty()
result = result.top(top_k)
show_notes(result)

line, judge, csv, as_json = st.columns([5, 1, 1, 1], vertical_alignment="center")
line.html(timings_html(result, collection.chunks))
with judge:
    judging = judging_toggle()
with csv:
    offer_csv("CSV", hits_csv(result), f"{name}-hits.csv", width="stretch")
with as_json:
    text = json.dumps(result.as_json(), ensure_ascii=False, indent=2)
    offer_download("JSON", text, f"{name}-hits.json", "application/json", width="stretch")
ranking, aside = st.columns([3, 1], gap="large")
with ranking:
    if judging:
        show_judged_hits(workspace, collection, result)
    else:
        for hit in result.hits:
            show_hit(workspace, result, hit)
with aside:
    if result.reranker:
        st.markdown(
            "**The bi-encoder's scores in the cross-encoder's order**",
            help="Longer is better. Bars that do not fall from top to bottom show where the cross-encoder disagrees.",
        )
    else:
        st.markdown(
            "**How the scores fall**",
            help="Longer is better. A steep fall after the first hits: few chunks are like the query. "
            "A flat one: many are about as similar.",
        )
    show_chart(score_profile(result), "profile")
    st.caption(
        f"{literal(result.model)} puts every text into {collection.dimension} numbers. The query's are computed now, "
        "the chunks' were computed when they were indexed; only those are compared."
    )
    if result.reranker:
        st.caption(
            f"The order is that of {literal(result.reranker)}, which read the query together with each of the first "
            f"{result.pool} chunks. Its score is a logit: higher is better, and it means something within one query "
            "and one model only."
        )
