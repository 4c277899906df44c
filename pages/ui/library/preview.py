"""The preview: a file that was dropped, one cutting or two, figures, and what the models will not read."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import streamlit as st

from core.chunking.chunker import Cutter
from core.chunking.plots import distance_curve
from core.chunking.preview import Figures, figures, limits, pieces
from core.errors import RankscopeError
from core.indexing._part_fingerprints import file_print
from core.loading.sources import Source, loaded, table_options
from core.models.bi_encoder import BiEncoder
from core.records.search import Chunk, ChunkSettings
from core.workspace import Workspace
from pages.ui._part_notices import literal, show_error
from pages.ui.html import cutting_html
from pages.ui.library._part_preview_cutting import in_words
from pages.ui.library._part_preview_figures import figures_html, show_histogram, tokens_per_second

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


def show_preview(workspace: Workspace, model: str, sources: Sequence[Source], cuttings: Sequence[ChunkSettings]) -> None:
    """Draw how one of ``sources`` is cut, one column for each of ``cuttings``."""
    names = [source.name for source in sources]
    place = st.selectbox("Look at", range(len(names)), format_func=lambda at: names[at], key="preview-file") if len(names) > 1 else 0
    source = sources[place or 0]
    try:
        encoder = workspace.catalog.get(model)
        cutter = cutter_of(source.name, file_print(source.name, source.read(), table_options(source)), model, source, workspace)
        with st.spinner("Embedding the sentences…", show_time=True):
            cut = [cutter.cut(settings) for settings in cuttings]
    except RankscopeError as error:
        show_error(error)
        return
    _draw(workspace, encoder, cutter, list(cuttings), cut)


def _draw(workspace: Workspace, encoder: BiEncoder, cutter: Cutter, cuttings: list[ChunkSettings], cut: list[list[Chunk]]) -> None:
    start, end = _choose_view(cutter)
    reads = _choose_reader(workspace, encoder)
    found = [figures(cutter, chunks, encoder.budget) for chunks in cut]
    longest = max(settings.size for settings in cuttings)  # one axis for both
    if len(cut) > 1:
        for column, settings, chunks, one, letter in zip(st.columns(2, gap="medium"), cuttings, cut, found, "AB", strict=True):
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
        st.plotly_chart(distance_curve(cutter.meaning(), settings.percentile, cutter.document.text, start, end), config={"displayModeBar": False})


def _choose_view(cutter: Cutter) -> tuple[int, int]:
    """Which characters are in view; the place stays when the settings change."""
    document = cutter.document
    if len(document.pages) > 1:
        number = st.slider("Page", 1, len(document.pages), 1, key=f"view-{document.id}")
        begin = document.pages[number - 1].start
    else:
        parts = math.ceil(len(document.text) / IN_VIEW)
        begin = (st.slider("Part of the document", 1, parts, 1, key=f"view-{document.id}") - 1) * IN_VIEW if parts > 1 else 0
    return begin, min(begin + IN_VIEW, len(document.text))


def _choose_reader(workspace: Workspace, encoder: BiEncoder) -> Reads | None:
    """How far the model reads a text whose unread part is greyed, None for none."""
    left, right = st.columns(2, gap="medium")
    reader = left.segmented_control("Grey out what is not read by the", list(READERS), default="bi", format_func=lambda name: READERS[name], key="preview-reader", required=True)
    if reader != "cross":
        return encoder.reads if reader == "bi" else None
    query = right.text_input(
        "Beside the query", "What does it say about this?", key="preview-query", persist_state="session",
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
