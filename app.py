"""Rankscope: the list of its pages, and nothing else (every page can stand alone).

No icons: Streamlit would take one for the tab's icon and have the browser fetch it from the network.
"""

import streamlit as st

st.navigation(
    [
        st.Page("pages/search.py", title="Search", default=True),
        st.Page("pages/compare.py", title="Compare"),
        st.Page("pages/map.py", title="Map"),
        st.Page("pages/evaluate.py", title="Evaluate"),
        st.Page("pages/library.py", title="Library"),
    ]
).run()
