"""The preview: a file that was dropped, one cutting or two, figures, and what the models will not read."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from html import escape

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.chunking.chunker import Cutter
from core.chunking.plots import distance_curve, token_histogram
from core.chunking.preview import Figures, figures, limits, pieces
from core.errors import RankscopeError
from core.loading.sources import Source, file_print, loaded, table_options
from core.models.bi_encoder import BiEncoder
from core.records.search import METHODS, Chunk, ChunkSettings, Method
from core.util.formatting import duration, file_size, plural
from core.workspace import Workspace
from pages.ui.html import cutting_html
from pages.ui.page import literal, show_error

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
    first, second, third = (
        st.columns([2, 2, 2], gap="medium") if wide else (st.container(), *st.columns(2, gap="medium"))
    )
    method = first.selectbox(
        "Way to cut",
        list(METHODS),
        index=list(METHODS).index(method),
        format_func=lambda name: METHODS[name],
        key=f"{key}-method",
        persist_state="session",
        help=REGIONS[usual.method],
    )
    size = second.slider(
        "Most tokens in a chunk",
        16,
        LONGEST,
        min(usual.size, budget),
        key=f"{key}-size",
        persist_state="session",
        help=f"The bi-encoder reads {budget} tokens of a chunk; what is beyond is greyed in the text.",
    )
    wanted = third.slider(
        "Overlap (tokens)",
        0,
        MOST_OVERLAP,
        usual.overlap,
        key=f"{key}-overlap",
        persist_state="session",
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
            "Break above this percentile",
            50,
            99,
            settings.percentile,
            key=f"{key}-percentile",
            persist_state="session",
            help="Of the distances between neighbouring sentences. At 90, one in ten places between two sentences is a break: higher makes longer chunks.",
        )
        return replace(settings, percentile=percentile)
    return settings


def in_words(chunking: ChunkSettings) -> str:
    """Return settings as one line."""
    more = {"rows": f", {plural(chunking.rows, 'row')} a chunk", "meaning": f", percentile {chunking.percentile}"}
    return f"{METHODS[chunking.method]}{more.get(chunking.method, '')}; chunks of up to {chunking.size} tokens, {chunking.overlap} shared"


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
    rows = [
        f"<tr><td>{name}</td>{''.join(f'<td><b>{column[name]}</b></td>' for column in columns)}</tr>"
        for name in columns[0]
    ]
    return (
        f'<table class="rs-figures">{f"<tr><th></th>{head}</tr>" if len(cuttings) > 1 else ""}{"".join(rows)}</table>'
    )


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


Reads = Callable[[str], int]
IN_VIEW = 6000  # characters drawn at once: the page stays quick however long the document
BEST_ROOM = 560  # pixels
READERS = {"bi": "bi-encoder", "cross": "cross-encoder", "nobody": "neither"}
KEPT = 6  # documents that stay cut open


@st.cache_resource(max_entries=KEPT, show_spinner="Reading the file…")
def cutter_of(name: str, digest: str, model: str, _source: Source, _workspace: Workspace) -> Cutter:  # noqa: ARG001
    """Return a file's Cutter, kept by its name, the hash of all that it depends on, and the model. Raises LoadingError."""
    encoder = _workspace.catalog.get(model)
    return Cutter(loaded(_source), encoder.tokens, encoder)


def show_preview(
    workspace: Workspace, model: str, sources: Sequence[Source], cuttings: Sequence[ChunkSettings]
) -> None:
    """Draw how one of ``sources`` is cut, one column for each of ``cuttings``."""
    names = [source.name for source in sources]
    place = (
        st.selectbox("Look at", range(len(names)), format_func=lambda at: names[at], key="preview-file")
        if len(names) > 1
        else 0
    )
    source = sources[place or 0]
    try:
        encoder = workspace.catalog.get(model)
        cutter = cutter_of(
            source.name, file_print(source.name, source.read(), table_options(source)), model, source, workspace
        )
        with st.spinner("Embedding the sentences…", show_time=True):
            cut = [cutter.cut(settings) for settings in cuttings]
    except RankscopeError as error:
        show_error(error)
        return
    _draw(workspace, encoder, cutter, list(cuttings), cut)


def _draw(
    workspace: Workspace, encoder: BiEncoder, cutter: Cutter, cuttings: list[ChunkSettings], cut: list[list[Chunk]]
) -> None:
    start, end = _choose_view(cutter)
    reads = _choose_reader(workspace, encoder)
    found = [figures(cutter, chunks, encoder.budget) for chunks in cut]
    longest = max(settings.size for settings in cuttings)  # one axis for both
    if len(cut) > 1:
        for column, settings, chunks, one, letter in zip(
            st.columns(2, gap="medium"), cuttings, cut, found, "AB", strict=True
        ):
            with column:
                st.markdown(f"**{letter}** {literal(in_words(settings))}")
                _show_text(cutter, chunks, start, end, reads)
                show_histogram(one, longest, f"histogram-{letter}")
        _show_figures(workspace, encoder, dict(zip("AB", found, strict=True)))
    else:
        text, numbers = st.columns([3, 2], gap="medium")
        with text:
            _show_text(cutter, cut[0], start, end, reads)
        with numbers:
            _show_figures(workspace, encoder, {"": found[0]})
            show_histogram(found[0], longest, "histogram")
    for settings in [settings for settings in cuttings if settings.method == "meaning"][:1]:
        st.plotly_chart(
            distance_curve(cutter.meaning(), settings.percentile, cutter.document.text, start, end),
            config={"displayModeBar": False},
        )


def _choose_view(cutter: Cutter) -> tuple[int, int]:
    """Which characters are in view; the place stays when the settings change."""
    document = cutter.document
    if len(document.pages) > 1:
        number = st.slider("Page", 1, len(document.pages), 1, key=f"view-{document.id}")
        begin = document.pages[number - 1].start
    else:
        parts = math.ceil(len(document.text) / IN_VIEW)
        begin = (
            (st.slider("Part of the document", 1, parts, 1, key=f"view-{document.id}") - 1) * IN_VIEW
            if parts > 1
            else 0
        )
    return begin, min(begin + IN_VIEW, len(document.text))


def _choose_reader(workspace: Workspace, encoder: BiEncoder) -> Reads | None:
    """How far the model reads a text whose unread part is greyed, None for none."""
    left, right = st.columns(2, gap="medium")
    reader = left.segmented_control(
        "Grey out what is not read by the",
        list(READERS),
        default="bi",
        format_func=lambda name: READERS[name],
        key="preview-reader",
        required=True,
    )
    if reader != "cross":
        return encoder.reads if reader == "bi" else None
    query = right.text_input(
        "Beside the query",
        "What does it say about this?",
        key="preview-query",
        persist_state="session",
        help="The cross-encoder reads query and chunk together: a longer query leaves less room for the chunk.",
    )
    try:
        with st.spinner("Loading the cross-encoder…"):
            reranker = workspace.catalog.reranker()
    except RankscopeError as error:
        show_error(error)
        return None
    return lambda text: reranker.reads(query, text)


def _show_text(cutter: Cutter, chunks: list[Chunk], start: int, end: int, reads: Reads | None) -> None:
    text = cutter.document.text
    in_view = [chunk for chunk in chunks if chunk.end > start and chunk.start < end]
    first = chunks.index(in_view[0]) if in_view else 0
    stops = [chunk.end for chunk in chunks]
    if reads:
        stops[first : first + len(in_view)] = limits(in_view, reads)
    with st.container(height=BEST_ROOM, border=True):
        st.html(cutting_html(text, chunks, pieces(chunks, start, end, stops)))


def _show_figures(workspace: Workspace, encoder: BiEncoder, found: dict[str, Figures]) -> None:
    st.html(figures_html(found, tokens_per_second(encoder.model, workspace), encoder.dimension))
