"""Search: a query, its ranked hits, and why each stands there."""

from __future__ import annotations

import json

import streamlit as st

from core.errors import RankscopeError
from core.retrieval.plots import score_profile
from core.retrieval.search import MOST_HITS, search
from core.samples.library import SAMPLE_COLLECTION
from core.settings import POOL
from core.util.formatting import plural
from pages.ui.collection_picker import collections_to_ask, keep_within, read_question, show_examples
from pages.ui.filters import choose_filters, clear_filters
from pages.ui.grading import judging_switch, show_judged_hits
from pages.ui.hits import hits_csv, is_reranked, reranked, show_hit, show_preview
from pages.ui.html import timings_html
from pages.ui.page import begin_page, literal, show_error, show_info, show_warning
from pages.ui.url_state import write_address

MOST_SHOWN = 100  # hits on a page; the shell gives more


def drop_filter() -> None:
    """Filters belong to the collection that they were chosen in."""
    st.session_state["documents"] = []
    clear_filters()


workspace = begin_page("Search")
st.title("Search", anchor=False)
collections = collections_to_ask(workspace)
defaults = read_question(collections, {"hits": 10, "documents": [], "where": [], "rerank": False, "pool": POOL})
keep_within("hits", 1, MOST_SHOWN, "hits")
keep_within("pool", 1, MOST_HITS, "pairs to rerank")

query = st.text_input(
    "Query",
    key="q",
    persist_state="session",
    placeholder="Ask a question, or type a few words",
    icon=":material/search:",
)
left, middle, right = st.columns([2, 1, 3], vertical_alignment="bottom")
name = left.selectbox("Collection", list(collections), key="collection", persist_state="session", on_change=drop_filter)
top_k = int(
    middle.number_input(
        "Hits", 1, MOST_SHOWN, key="hits", persist_state="session", help="How many chunks to show, best first."
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
    help="The cross-encoder reads the query together with each of the first hits, and puts those in its own order. Slower, and finer.",
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
        help="How many of the bi-encoder's first hits the cross-encoder reads. What lies beyond keeps its place behind them.",
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
        show_info(
            f"No chunk was found whose metadata fits the filter: {', and '.join(asked.words for asked in filters)}."
        )
        st.button("Search without the filter", icon=":material/filter_alt_off:", on_click=clear_filters)
    else:
        show_info("No chunk was found: take the filter off, or choose another collection.")
    st.stop()
if reranking:
    first = st.empty()
    if not is_reranked(workspace, result, pool):
        show_preview(first, result.top(top_k))
    try:
        result = reranked(workspace, result, pool)
    except RankscopeError as error:
        show_error(f"{error}. These are the bi-encoder's own hits")
    first.empty()
result = result.top(top_k)

line, judge, csv, as_json = st.columns([5, 1, 1, 1], vertical_alignment="center")
line.html(timings_html(result, collection.chunks))
with judge:
    judging = judging_switch()
csv.download_button(
    # with the mark by which Excel knows UTF-8
    "CSV",
    hits_csv(result).encode("utf-8-sig"),
    f"{name}-hits.csv",
    "text/csv",
    icon=":material/download:",
    on_click="ignore",
    width="stretch",
)
as_json.download_button(
    "JSON",
    json.dumps(result.as_json(), ensure_ascii=False, indent=2),
    f"{name}-hits.json",
    "application/json",
    icon=":material/download:",
    on_click="ignore",
    width="stretch",
)
ranking, beside = st.columns([3, 1], gap="large")
with ranking:
    if judging:
        show_judged_hits(workspace, collection, result)
    else:
        for hit in result.hits:
            show_hit(workspace, result, hit)
with beside:
    st.markdown(
        "**How the scores fall**",
        help="Longer is better. A steep fall after the first hits: few chunks are like the query. A flat one: many are about as similar.",
    )
    st.plotly_chart(score_profile(result), key="profile", config={"displayModeBar": False})
    st.caption(
        f"{literal(result.model)} puts every text into {collection.dimension} numbers. The query's are computed now, "
        "the chunks' were computed when they were indexed; only those are compared."
    )
    if result.reranker:
        st.caption(
            f"The order is that of {literal(result.reranker)}, which read the query together with each of the first {result.pool} chunks. "
            "Its score is a logit: higher is better, and it means something within one query and one model only."
        )
