"""Download buttons, and the tables and rankings that they give out."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import Literal

import pandas as pd
import streamlit as st

from core.formats.trec import hits_run_text
from core.records.search import Hit, SearchResult
from core.util.csv_safety import escape_formula

Width = Literal["content", "stretch"]


def offer_download(
    label: str,
    data: str | bytes | Callable[[], bytes],
    file_name: str,
    mime: str,
    *,
    key: str | None = None,
    help: str | None = None,
    width: Width = "content",
) -> None:
    """Draw a download button; a click on it does not rerun the page."""
    st.download_button(
        label,
        data,
        file_name,
        mime,
        key=key,
        help=help,
        icon=":material/download:",
        on_click="ignore",
        width=width,
    )


def offer_csv(label: str, table: pd.DataFrame | str, file_name: str, *, width: Width = "content") -> None:
    """Draw a download button for a table, or for text that is CSV already."""
    data = table.encode("utf-8-sig") if isinstance(table, str) else frame_csv(table)
    offer_download(label, data, file_name, "text/csv", width=width)


def offer_runs(results: Sequence[tuple[str, Sequence[Hit]]]) -> None:
    """Draw a download button for each model's rankings as a TREC run; ``results`` are query ids with their hits."""
    for model, name in (("bi", "bi-encoder"), ("cross", "cross-encoder")):
        run = hits_run_text(results, f"rankscope-{model}", model)
        offer_download(f"TREC run, {name}", run, f"{model}.run", "text/plain")


def frame_csv(frame: pd.DataFrame) -> bytes:
    """Return a table as CSV in UTF-8 with the byte order mark that Excel needs, formulas escaped."""
    text: str = frame.map(escape_formula).to_csv(index=False)
    return text.encode("utf-8-sig")


def hits_csv(result: SearchResult) -> str:
    """Return the hits as CSV, one line each, formulas escaped."""
    rows = [{"query": result.query, "collection": result.collection, **hit.as_json()} for hit in result.hits]
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, list(rows[0]) if rows else [], quoting=csv.QUOTE_NONNUMERIC)
    writer.writeheader()
    writer.writerows({name: escape_formula(cell) for name, cell in row.items()} for row in rows)
    return table.getvalue()
