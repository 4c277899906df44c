"""A cutting in numbers, and what indexing it would cost."""

from __future__ import annotations

import time
from html import escape

import numpy as np
import streamlit as st

from core.chunking.plots import token_histogram
from core.chunking.preview import Figures
from core.models.bi_encoder import BiEncoder
from core.util.formatting import duration, file_size
from core.workspace import Workspace

TRIAL = 16  # chunks embedded once to see how fast this machine is


@st.cache_resource(show_spinner="Measuring how fast this machine embeds…")
def tokens_per_second(model: str, _workspace: Workspace) -> float:
    """Return how many tokens a second the bi-encoder embeds here, measured once."""
    encoder: BiEncoder = _workspace.catalog.get(model)
    text = " ".join(["tide"] * min(encoder.budget, 200))
    tokens = int(encoder.tokens.count([text])[0])
    started = time.perf_counter()
    encoder.encode_documents([text] * TRIAL)
    return TRIAL * tokens / max(time.perf_counter() - started, 1e-6)


def figures_html(cuttings: dict[str, Figures], rate: float, dimension: int) -> str:
    """Return a table with a row for each figure and a column for each cutting, which has a head if there are several."""
    columns = [_column(found, rate, dimension) for found in cuttings.values()]
    head = "".join(f"<th>{escape(name)}</th>" for name in cuttings)
    rows = [f"<tr><td>{name}</td>{''.join(f'<td><b>{column[name]}</b></td>' for column in columns)}</tr>" for name in columns[0]]
    return f'<table class="rs-figures">{f"<tr><th></th>{head}</tr>" if len(cuttings) > 1 else ""}{"".join(rows)}</table>'


def _column(found: Figures, rate: float, dimension: int) -> dict[str, str]:
    tokens = np.asarray(found.tokens or (0,))
    share = found.cut_in_sentence / max(found.chunks, 1)
    return {
        "chunks": f"{found.chunks:,}",
        "tokens in a chunk, median (longest)": f"{np.median(tokens):.0f} ({tokens.max():,})",
        "chunks that end inside a sentence": f"{found.cut_in_sentence:,} ({share:.0%})",
        "tokens that the bi-encoder does not read": f"{found.unread_tokens:,}",
        "time to embed, about": duration(found.seconds(rate)) if found.seconds(rate) >= 1 else "under 1 s",
        "on disk, about": file_size(found.bytes_on_disk(dimension)),
    }


def show_histogram(found: Figures, size: int, key: str) -> None:
    """Draw how long the chunks are."""
    st.plotly_chart(token_histogram(found, max(size, found.longest_read)), key=key, config={"displayModeBar": False})
    st.caption(f"How long the chunks are. Dashed: the {found.longest_read} tokens that the bi-encoder reads.")
