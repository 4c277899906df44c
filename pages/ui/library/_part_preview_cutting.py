"""The controls of a way to cut."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.records.search import METHODS, ChunkSettings, Method
from core.util.formatting import plural

LONGEST = 1024  # tokens of a chunk that can be looked at
MOST_OVERLAP = 256
REGIONS: dict[Method, str] = {
    "pages": "A page that fits is one chunk; a longer one is cut by structure, and only there do chunks overlap.",
    "sections": "What stands under a heading is one chunk if it fits; a longer section is cut by structure, and only there do chunks overlap.",
    "rows": "Rows of tables and records. A row carries the header of its table; text around tables is cut by structure.",
    "meaning": "A break wherever neighbouring sentences are less alike than in most of the document. Every sentence is embedded once for it.",
    "sentences": "Whole sentences, as many as fit; the overlap is whole sentences too.",
    "tokens": "As many words as fit, whatever they say: the plainest way, and the one to measure others against.",
    "structure": "At headings, then paragraphs, rows, sentences, lines: the strongest break in the second half of what fits.",
}


def choose_cutting(key: str, budget: int, *, wide: bool = True, method: Method = "structure") -> ChunkSettings:
    """Draw the controls and return what they say; ``budget`` is how many tokens the bi-encoder reads, ``method`` what is chosen at first."""
    usual = ChunkSettings()
    first, second, third = st.columns([2, 2, 2], gap="medium") if wide else (st.container(), *st.columns(2, gap="medium"))
    method = first.selectbox(
        "Way to cut", list(METHODS), index=list(METHODS).index(method), format_func=lambda name: METHODS[name], key=f"{key}-method", persist_state="session", help=REGIONS[usual.method]
    )
    size = second.slider(
        "Most tokens in a chunk", 16, LONGEST, min(usual.size, budget), key=f"{key}-size", persist_state="session",
        help=f"The bi-encoder reads {budget} tokens of a chunk; what is beyond is greyed in the text.",
    )
    wanted = third.slider(
        "Overlap (tokens)", 0, MOST_OVERLAP, usual.overlap, key=f"{key}-overlap", persist_state="session",
        help="What a chunk repeats of the one before it, so that no passage is torn in two.",
    )
    overlap = min(wanted, size // 2)
    note = f" Of the overlap {overlap} tokens are used, half of a chunk." if overlap < wanted else ""
    first.caption(REGIONS[method] + note)
    return _with_own(key, ChunkSettings(size, overlap, method), second)


def _with_own(key: str, settings: ChunkSettings, place: DeltaGenerator) -> ChunkSettings:
    """Draw the control that only this way to cut has, if it has one."""
    if settings.method == "rows":
        rows = place.number_input("Rows in a chunk", 1, 1000, settings.rows, key=f"{key}-rows", persist_state="session")
        return replace(settings, rows=int(rows))
    if settings.method == "meaning":
        percentile = place.slider(
            "Break above this percentile", 50, 99, settings.percentile, key=f"{key}-percentile", persist_state="session",
            help="Of the distances between neighbouring sentences. At 90, one in ten places between two sentences is a break: higher makes longer chunks.",
        )
        return replace(settings, percentile=percentile)
    return settings


def in_words(chunking: ChunkSettings) -> str:
    """Return settings as one line."""
    more = {"rows": f", {plural(chunking.rows, 'row')} a chunk", "meaning": f", percentile {chunking.percentile}"}
    return f"{METHODS[chunking.method]}{more.get(chunking.method, '')}; chunks of up to {chunking.size} tokens, {chunking.overlap} shared"
