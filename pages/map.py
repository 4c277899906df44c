"""The Map page: the embedding space in two dimensions, a query in it, and how far the picture can be trusted."""

from __future__ import annotations

import streamlit as st

from pages.ui.collection_picker import choose_view, read_parameters, searchable_collections
from pages.ui.map.component import send_script, show_card
from pages.ui.map.controls import PARAMETERS, clamp_parameters
from pages.ui.map.data import note_dialog_closed
from pages.ui.map.one_map import show_one_map
from pages.ui.map.query_map import show_query_map
from pages.ui.map.two_maps import show_two_maps
from pages.ui.page import begin_page
from pages.ui.url_state import Value, write_address

VIEWS = ("One map", "Many queries", "Two maps")

workspace = begin_page("Map")
note_dialog_closed()
st.title("Map", anchor=False)
st.caption(
    "Every chunk is a point. The bi-encoder puts each into a space of hundreds of dimensions, where near means "
    "similar; a flat picture can keep only part of that, and this page says how much."
)
collections = searchable_collections(workspace)
more: dict[str, Value] = {"view": VIEWS[0], **PARAMETERS}
defaults = read_parameters(collections, more)
clamp_parameters()
view = choose_view(VIEWS)
send_script()
if view == "Many queries":
    show_query_map(workspace, collections)
elif view == "Two maps":
    show_two_maps(workspace, collections)
else:
    show_one_map(workspace, collections)
show_card(workspace)
write_address(defaults, spared=list(more))
