"""Search: a query, its ranked hits, and why each stands there."""

from __future__ import annotations

import json

import streamlit as st

from core.errors import RankscopeError
from core.plots import score_profile
from core.samples import SAMPLE_COLLECTION
from core.search import search
from core.wording import plural
from pages.shared.address import Value, read_address, write_address
from pages.shared.examples import first_example, show_examples
from pages.shared.hits import hits_csv, show_hit
from pages.shared.markup import timings_html
from pages.shared.notices import literal, show_error, show_info, show_warning
from pages.shared.page import begin_page, jobs
from pages.shared.progress import show_jobs
from pages.shared.samples import offer_samples

MOST_SHOWN = 100  # hits on a page; the shell gives more


def drop_filter() -> None:
    """A filter by documents belongs to the collection that it was chosen in."""
    st.session_state["documents"] = []


workspace = begin_page("Search")
st.title("Search", anchor=False)
offer_samples(workspace)
indexing = any(job.active for job in jobs().all())
if indexing or any(job.error for job in jobs().all()):
    show_jobs()

collections = {collection.name: collection for collection in workspace.store.collections() if collection.chunks}
if not collections:
    if indexing:
        show_info("There is something to search as soon as the first documents are indexed: this page then shows it by itself.")
    else:
        show_info("There is nothing to search yet. Bring your own documents, or the sample library.")
        st.page_link("pages/library.py", label="Go to the Library", icon=":material/library_books:")
    st.stop()

usual = SAMPLE_COLLECTION if SAMPLE_COLLECTION in collections else next(iter(collections))
first_query = first_example() if usual == SAMPLE_COLLECTION and not st.query_params else ""  # an address without q means no query
defaults: dict[str, Value] = {"q": first_query, "collection": usual, "hits": 10, "documents": []}
for parameter in read_address(defaults):
    show_warning(f"The address says {parameter}, which cannot be read: it is passed over.")
if (asked_for := st.session_state["collection"]) not in collections:
    show_warning(f"There is no collection “{asked_for}” with documents in it; this is {usual}.")
    st.session_state["collection"], st.session_state["documents"] = usual, []
if not 1 <= (asked_hits := st.session_state["hits"]) <= MOST_SHOWN:
    st.session_state["hits"] = min(max(asked_hits, 1), MOST_SHOWN)
    show_warning(f"The address asks for {asked_hits} hits; a page shows 1 to {MOST_SHOWN}.")

query = st.text_input("Query", key="q", persist_state="session", placeholder="Ask a question, or type a few words", icon=":material/search:")
left, middle, right = st.columns([2, 1, 3], vertical_alignment="bottom")
name = left.selectbox("Collection", list(collections), key="collection", persist_state="session", on_change=drop_filter)
top_k = middle.number_input("Hits", 1, MOST_SHOWN, key="hits", persist_state="session", help="How many chunks to show, best first.")
collection = collections[name]
titles = [document.name for document in workspace.documents(collection)]
if unknown := [title for title in st.session_state["documents"] if title not in set(titles)]:
    show_warning(f"Not in {name}, so not in the filter either: {', '.join(unknown)}")
    st.session_state["documents"] = [title for title in st.session_state["documents"] if title not in unknown]
documents = right.multiselect("Only in these documents", titles, key="documents", persist_state="session", placeholder="All documents")
write_address(defaults)
if name == SAMPLE_COLLECTION:
    show_examples(query)
if not query.strip():
    show_info(f"Type a question to search the {plural(collection.chunks, 'chunk')} of {name}.")
    st.stop()

try:
    with st.spinner("Searching… (the first search loads the model)", show_time=True):
        result = search(workspace, name, query, int(top_k), documents)
except RankscopeError as error:
    show_error(error)
    st.stop()
if not result.hits:
    show_info("No chunk was found: take the filter off, or choose another collection.")
    st.stop()

line, csv, as_json = st.columns([6, 1, 1], vertical_alignment="center")
line.html(timings_html(result.timings, len(result.hits), collection.chunks))
csv.download_button(
    "CSV", hits_csv(result).encode("utf-8-sig"), f"{name}-hits.csv", "text/csv",  # with the mark by which Excel knows UTF-8
    icon=":material/download:", on_click="ignore", width="stretch",
)
as_json.download_button(
    "JSON", json.dumps(result.as_json(), ensure_ascii=False, indent=2), f"{name}-hits.json", "application/json",
    icon=":material/download:", on_click="ignore", width="stretch",
)
ranking, beside = st.columns([3, 1], gap="large")
with ranking:
    for hit in result.hits:
        show_hit(workspace, result, hit)
with beside:
    st.markdown("**How the scores fall**", help="Longer is better. A steep fall after the first hits: few chunks are like the query. A flat one: many are about as similar.")
    st.plotly_chart(score_profile(result), key="profile", config={"displayModeBar": False})
    st.caption(
        f"{literal(result.model)} puts every text into {collection.dimension} numbers. The query's are computed now, "
        "the chunks' were computed when they were indexed; only those are compared."
    )
