"""Rankings to take along, as TREC runs."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.records.search import Hit
from core.retrieval.comparison import trec_run


def offer_runs(results: Sequence[tuple[str, Sequence[Hit]]]) -> None:
    """Draw a download for each model's rankings; ``results`` are query ids with their hits."""
    for model, name in (("bi", "bi-encoder"), ("cross", "cross-encoder")):
        run = trec_run(results, f"rankscope-{model}", model)
        st.download_button(f"TREC run, {name}", run, f"{model}.run", "text/plain", icon=":material/download:", on_click="ignore")
