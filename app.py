"""Rankscope: the list of its pages, and nothing else (every page can stand alone)."""

import streamlit as st

st.navigation(
    [
        st.Page("pages/search.py", title="Search", icon="🔎", default=True),
        st.Page("pages/library.py", title="Library", icon="📚"),
    ]
).run()
