"""Rankings to take along, as TREC runs."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.formats.trec import trec_run
from core.records.search import Hit
from core.util.csv_safety import disarmed


def frame_csv(frame: pd.DataFrame) -> bytes:
    """Return a table as CSV with the mark by which Excel knows UTF-8, and nothing that a spreadsheet would run."""
    text: str = frame.map(disarmed).to_csv(index=False)
    return text.encode("utf-8-sig")


def offer_runs(results: Sequence[tuple[str, Sequence[Hit]]]) -> None:
    """Draw a download for each model's rankings; ``results`` are query ids with their hits."""
    for model, name in (("bi", "bi-encoder"), ("cross", "cross-encoder")):
        run = trec_run(results, f"rankscope-{model}", model)
        st.download_button(
            f"TREC run, {name}", run, f"{model}.run", "text/plain", icon=":material/download:", on_click="ignore"
        )
