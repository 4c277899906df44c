"""Chunking settings and their preview: a file cut in one or two ways, with figures and what the models do not read."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from html import escape

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.chunking.chunker import Chunker
from core.chunking.plots import distance_curve, token_histogram
from core.chunking.preview import ChunkingStatistics, chunking_statistics, reading_limits, segments
from core.errors import RankscopeError
from core.loading.sources import Source, file_fingerprint, load_source, table_options
from core.models.bi_encoder import BiEncoder
from core.records.search import METHOD_HELP, METHODS, Chunk, ChunkSettings, Method, UnknownText
from core.util.formatting import duration, file_size, plural
from core.workspace import Workspace
from pages.ui.html import chunking_html, table_html
from pages.ui.page import literal, show_chart, show_error

MAX_SIZE = 1024  # tokens of a chunk that can be previewed
MAX_OVERLAP = 256  # tokens
SPEED_CHUNKS = 16  # embedded once to measure the machine's speed
MAX_CHUNKERS = 6  # documents whose chunker stays cached
PART_LENGTH = 6000  # characters drawn at once, so that the page stays quick for long documents
TEXT_HEIGHT = 560  # pixels
READERS = {"bi": "bi-encoder", "cross": "cross-encoder", "nobody": "neither"}

Reads = Callable[[str], int]  # how many characters of a text a model reads


def choose_chunking(key: str, budget: int, *, wide: bool = True, method: Method = "structure") -> ChunkSettings:
    """Draw the controls of the chunking settings and return them.

    ``budget`` is how many tokens of a chunk the bi-encoder reads, ``method`` the default method; with ``wide`` the
    controls are in one row.
    """
    defaults = ChunkSettings()
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
        help=METHOD_HELP[defaults.method],
    )
    size = second.slider(
        "Most tokens in a chunk",
        16,
        MAX_SIZE,
        min(defaults.size, budget),
        key=f"{key}-size",
        persist_state="session",
        help=f"The bi-encoder reads {budget} tokens of a chunk; what is beyond is greyed in the text.",
    )
    chosen_overlap = third.slider(
        "Overlap (tokens)",
        0,
        MAX_OVERLAP,
        defaults.overlap,
        key=f"{key}-overlap",
        persist_state="session",
        help="What a chunk repeats of the one before it, so that no passage is torn in two.",
    )
    overlap = min(chosen_overlap, size // 2)
    note = f" Of the overlap {overlap} tokens are used, half of a chunk." if overlap < chosen_overlap else ""
    first.caption(METHOD_HELP[method] + note)
    return _choose_method_option(key, ChunkSettings(size, overlap, method), second)


def _choose_method_option(key: str, settings: ChunkSettings, place: DeltaGenerator) -> ChunkSettings:
    """Draw the control that only this method has, if it has one."""
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
            help="Of the distances between neighbouring sentences. At 90, one in ten places between two sentences "
            "is a break: higher makes longer chunks.",
        )
        return replace(settings, percentile=percentile)
    return settings


def chunking_text(chunking: ChunkSettings) -> str:
    """Return chunking settings as one line."""
    option = {"rows": f", {plural(chunking.rows, 'row')} a chunk", "meaning": f", percentile {chunking.percentile}"}
    return (
        f"{METHODS[chunking.method]}{option.get(chunking.method, '')}; "
        f"chunks of up to {chunking.size} tokens, {chunking.overlap} shared"
    )


@st.cache_resource(max_entries=MAX_CHUNKERS, show_spinner="Reading the file…")
def open_chunker(name: str, digest: str, model: str, _source: Source, _workspace: Workspace) -> Chunker:  # noqa: ARG001
    """Return a file's chunker, cached by the file's name, fingerprint and model. Raises LoadingError."""
    encoder = _workspace.models.get(model)
    return Chunker(load_source(_source), encoder.tokens, encoder)


def show_chunking_preview(
    workspace: Workspace, model: str, sources: Sequence[Source], settings_list: Sequence[ChunkSettings]
) -> None:
    """Draw how one of ``sources`` is cut, one column for each of ``settings_list``."""
    names = [source.name for source in sources]
    index = (
        st.selectbox("Look at", range(len(names)), format_func=lambda index: names[index], key="preview-file")
        if len(names) > 1
        else 0
    )
    source = sources[index or 0]
    try:
        encoder = workspace.models.get(model)
        chunker = open_chunker(
            source.name, file_fingerprint(source.name, source.read(), table_options(source)), model, source, workspace
        )
        with st.spinner("Embedding the sentences…", show_time=True):
            chunks_list = [chunker.chunk(settings) for settings in settings_list]
    except RankscopeError as error:
        show_error(error)
        return
    start, end = _choose_view(chunker)
    reads = _choose_reader(workspace, encoder)
    unknown_lists = [encoder.tokens.unknown([chunk.read for chunk in chunks]) for chunks in chunks_list]
    statistics = [
        chunking_statistics(chunker, chunks, encoder.budget, unknown)
        for chunks, unknown in zip(chunks_list, unknown_lists, strict=True)
    ]
    max_size = max(settings.size for settings in settings_list)  # one axis for both histograms
    if len(chunks_list) > 1:
        for column, settings, chunks, one, unknown, letter in zip(
            st.columns(2, gap="medium"), settings_list, chunks_list, statistics, unknown_lists, "AB", strict=True
        ):
            with column:
                st.markdown(f"**{letter}** {literal(chunking_text(settings))}")
                _show_text(chunker, chunks, start, end, reads, unknown)
                _show_histogram(one, max_size, f"histogram-{letter}")
        _show_figures(workspace, encoder, dict(zip("AB", statistics, strict=True)))
    else:
        text, numbers = st.columns([3, 2], gap="medium")
        with text:
            _show_text(chunker, chunks_list[0], start, end, reads, unknown_lists[0])
        with numbers:
            _show_figures(workspace, encoder, {"": statistics[0]})
            _show_histogram(statistics[0], max_size, "histogram")
    semantic = next((settings for settings in settings_list if settings.method == "meaning"), None)
    if semantic:
        show_chart(distance_curve(chunker.distances(), semantic.percentile, chunker.document.text, start, end))


def _choose_view(chunker: Chunker) -> tuple[int, int]:
    """Draw the choice of a page or part; return its start and end. It stays when the settings change."""
    document = chunker.document
    if len(document.pages) > 1:
        number = st.slider("Page", 1, len(document.pages), 1, key=f"view-{document.id}")
        begin = document.pages[number - 1].start
    else:
        parts = math.ceil(len(document.text) / PART_LENGTH)
        begin = (
            (st.slider("Part of the document", 1, parts, 1, key=f"view-{document.id}") - 1) * PART_LENGTH
            if parts > 1
            else 0
        )
    return begin, min(begin + PART_LENGTH, len(document.text))


def _choose_reader(workspace: Workspace, encoder: BiEncoder) -> Reads | None:
    """Draw the choice of the model whose unread text is greyed; return how far it reads, None for no model."""
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
            reranker = workspace.models.reranker()
    except RankscopeError as error:
        show_error(error)
        return None
    return lambda text: reranker.reads(query, text)


def _show_text(
    chunker: Chunker,
    chunks: list[Chunk],
    start: int,
    end: int,
    reads: Reads | None,
    unknown: Sequence[UnknownText | None],
) -> None:
    text = chunker.document.text
    in_view = [chunk for chunk in chunks if chunk.end > start and chunk.start < end]
    first = chunks.index(in_view[0]) if in_view else 0
    stops = [chunk.end for chunk in chunks]
    if reads:
        stops[first : first + len(in_view)] = reading_limits(in_view, reads)
    with st.container(height=TEXT_HEIGHT, border=True):
        st.html(chunking_html(text, chunks, segments(chunks, start, end, stops), unknown))


def _show_figures(workspace: Workspace, encoder: BiEncoder, statistics: dict[str, ChunkingStatistics]) -> None:
    st.html(figures_html(statistics, tokens_per_second(encoder.model, workspace), encoder.dimension))


@st.cache_resource(show_spinner="Measuring how fast this machine embeds…")
def tokens_per_second(model: str, _workspace: Workspace) -> float:
    """Return how many tokens a second the bi-encoder embeds on this machine, measured once."""
    encoder: BiEncoder = _workspace.models.get(model)
    text = " ".join(["tide"] * min(encoder.budget, 200))
    tokens = int(encoder.tokens.count([text])[0])
    started = time.perf_counter()
    encoder.encode_documents([text] * SPEED_CHUNKS)
    return SPEED_CHUNKS * tokens / max(time.perf_counter() - started, 1e-6)


def figures_html(by_name: dict[str, ChunkingStatistics], rate: float, dimension: int) -> str:
    """Return a table as HTML: a row for each figure, a column for each way to cut, headed if there are several."""
    any_unreadable = any(statistics.unreadable for statistics in by_name.values())
    columns = [
        _figures(statistics, rate, dimension, shows_unreadable=any_unreadable) for statistics in by_name.values()
    ]
    rows = [[name, *(f"<b>{column[name]}</b>" for column in columns)] for name in columns[0]]
    return table_html(rows, ["", *map(escape, by_name)] if len(by_name) > 1 else ())


def _figures(statistics: ChunkingStatistics, rate: float, dimension: int, *, shows_unreadable: bool) -> dict[str, str]:
    tokens = np.asarray(statistics.tokens or (0,))
    share = statistics.cut_in_sentence / max(statistics.chunks, 1)
    return {
        "chunks": f"{statistics.chunks:,}",
        "tokens in a chunk, median (longest)": f"{np.median(tokens):.0f} ({tokens.max():,})",
        "chunks that end inside a sentence": f"{statistics.cut_in_sentence:,} ({share:.0%})",
        "tokens that the bi-encoder does not read": f"{statistics.unread_tokens:,}",
        **({"chunks that the bi-encoder cannot read": f"{statistics.unreadable:,}"} if shows_unreadable else {}),
        "time to embed, about": duration(statistics.seconds(rate)) if statistics.seconds(rate) >= 1 else "under 1 s",
        "on disk, about": file_size(statistics.bytes_on_disk(dimension)),
    }


def _show_histogram(statistics: ChunkingStatistics, max_size: int, key: str) -> None:
    """Draw how many tokens the chunks have."""
    show_chart(token_histogram(statistics, max(max_size, statistics.longest_read)), key)
    st.caption(f"How long the chunks are. Dashed: the {statistics.longest_read} tokens that the bi-encoder reads.")
