"""A collection's documents as a table to sort, search, open and delete from, and its duplicate chunks."""

from __future__ import annotations

from collections import Counter
from html import escape

import pandas as pd
import streamlit as st

from core.background import IterableJob
from core.library.duplicates import THRESHOLD, Duplicates, Step, Twin, alike, duplicate_steps, most_steps
from core.records.document import Value, short_hash
from core.records.filters import format_value, is_date, is_number
from core.records.search import Collection, StoredDocument, measure_name
from core.util.formatting import clip, plural
from core.workspace import Workspace
from pages.ui.jobs import WAITING, show_progress, start_job, watch
from pages.ui.library.collections import ask_to_delete
from pages.ui.library.preview import chunking_text
from pages.ui.page import jobs, show_error, show_info, show_warning

READING = "reading"  # session key: the collection and id of the document that is opened in the reader
MAX_FIELDS = 6  # columns of metadata: the most frequent fields
MAX_UNSEARCHED = 8  # documents; more get a search field
_ID, _TEXT = "_id", "_text"  # hidden columns
SOURCE = "source"  # the field that says where a file lies


def show_collection(workspace: Workspace, collection: Collection) -> None:
    """Draw a collection's settings, its documents, and the search for duplicate chunks."""
    if collection.foreign:
        show_warning(
            "Another program made this collection, and it does not say with which model: "
            "it can be deleted here, not searched."
        )
    else:
        st.text(
            f"{plural(collection.chunks, 'chunk')} · {collection.model}, {collection.dimension} dimensions · "
            f"{measure_name(collection.metric)} · {chunking_text(collection.chunking)} · "
            f"made {collection.created[:16].replace('T', ' ')} UTC"
        )
    _show_documents(workspace, collection)
    if collection.chunks and not collection.foreign:
        _show_duplicates(workspace, collection)


def _show_documents(workspace: Workspace, collection: Collection) -> None:
    """Draw the table and what can be done with ticked documents."""
    table = _search_documents(workspace, collection)
    selected = _select_documents(collection, table) if table is not None else []
    read, delete, rest = st.columns([2, 2, 4])
    label = f"Delete {plural(len(selected), 'document')}" if selected else "Delete documents"
    if read.button(
        "Read with its chunks",
        disabled=len(selected) != 1,
        icon=":material/article:",
        width="stretch",
        help=None if len(selected) == 1 else "Tick one document in the table first.",
    ):
        st.session_state[READING] = (collection.name, selected[0])
        st.rerun()
    if delete.button(
        label,
        disabled=not selected,
        icon=":material/delete:",
        width="stretch",
        help=None if selected else "Tick documents in the table first.",
    ):
        ask_to_delete(
            workspace,
            collection,
            [document for document in workspace.documents(collection) if document.document_id in selected],
        )
    if rest.button("Delete this collection", icon=":material/delete_forever:"):
        ask_to_delete(workspace, collection)


def _search_documents(workspace: Workspace, collection: Collection) -> pd.DataFrame | None:
    """Draw the search field and return the documents that match, None if the collection has no documents."""
    table = document_table(collection.key, workspace.document_store.stamp, workspace)
    if table.empty:
        indexing = any(job.active and job.collection == collection.name for job in jobs().all())
        if not collection.foreign:
            show_info(
                "Its documents appear here when they are indexed."
                if indexing
                else "No documents in it yet: drop files above."
            )
        return None
    query = ""
    if len(table) > MAX_UNSEARCHED:
        query = st.text_input(
            "Find documents",
            key=f"find-{collection.key}",
            persist_state="session",
            placeholder="Words of a name, title, author, date …",
            icon=":material/search:",
            label_visibility="collapsed",
            width=420,
        )
    matching = table
    for word in query.casefold().split():
        matching = matching[matching[_TEXT].str.contains(word, regex=False)]
    some = f"{len(matching):,} of " if len(matching) < len(table) else ""
    st.caption(f"{some}{plural(len(table), 'document')}. Click a column to sort; tick rows to select.")
    return matching


def _select_documents(collection: Collection, table: pd.DataFrame) -> list[str]:
    """Draw the table and return the ids of the selected documents."""
    # Streamlit keeps a selection as row numbers under the table's key. Other documents need another key,
    # or the selection would move to other documents, which might then be deleted.
    ids = table[_ID].tolist()
    event = st.dataframe(
        table.drop(columns=[_ID, _TEXT]),
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        height="auto" if len(table) < 10 else 400,
        key=f"documents-{short_hash(collection.key, ''.join(ids))}",
        column_config={
            "document": st.column_config.TextColumn(width="medium"),
            "size (kB)": st.column_config.NumberColumn(format="%.1f"),
            "characters": st.column_config.NumberColumn(format="localized"),
            "notes": st.column_config.TextColumn(
                width="medium", help="What is left out of the text, or stands elsewhere than in the file."
            ),
            "same text": st.column_config.TextColumn(
                width="medium", help="Other files with the same text: one document has all of these names."
            ),
        },
    )
    return [ids[row] for row in event.selection.rows if row < len(ids)]


@st.cache_data(max_entries=8, show_spinner=False)
def document_table(key: str, stamp: str, _workspace: Workspace) -> pd.DataFrame:  # noqa: ARG001
    """Return a row for each document of the collection with that key; ``stamp`` changes with the documents."""
    documents = _workspace.document_store.documents(key)
    fields = _metadata_columns(documents)
    return pd.DataFrame(
        {
            _ID: [document.document_id for document in documents],
            _TEXT: [
                " ".join(
                    (document.name, *document.also, *map(format_value, document.metadata.values()), *document.notes)
                ).casefold()
                for document in documents
            ],
            "document": [document.name for document in documents],
            **_lines_column("notes", [document.notes for document in documents]),
            **_lines_column("same text", [document.also for document in documents]),
            **{title: column for title, column in fields.items() if title != SOURCE},
            "size (kB)": [document.size / 1000 for document in documents],
            "characters": [document.characters for document in documents],
            "chunks": [document.chunks for document in documents],
            "added (UTC)": pd.to_datetime([document.added for document in documents]).tz_localize(None),
            **{title: column for title, column in fields.items() if title == SOURCE},  # long, and mostly the name again
        }
    )


def _lines_column(title: str, lines: list[tuple[str, ...]]) -> dict[str, list[str]]:
    """Return a column of lines, none if no document has any."""
    joined = ["; ".join(one) for one in lines]
    return {title: joined} if any(joined) else {}


def _metadata_columns(documents: list[StoredDocument]) -> dict[str, pd.Series]:
    """Return a column for each of the most frequent fields."""
    counts = Counter(name for document in documents for name in document.metadata)
    taken = {_ID, _TEXT, "document", "size (kB)", "characters", "chunks", "notes", "same text", "added (UTC)"}
    names = sorted(sorted(counts), key=lambda name: -counts[name])[:MAX_FIELDS]
    return {
        f"{name} " if name in taken else name: _column([document.metadata.get(name) for document in documents])
        for name in names
    }


def _column(values: list[Value | None]) -> pd.Series:
    known = [value for value in values if value is not None]  # numbers and dates keep their type, and so sort as such
    if all(map(is_number, known)):
        return pd.Series(values, dtype="float64")
    if all(map(is_date, known)):
        return pd.to_datetime(pd.Series(values)).dt.date
    return pd.Series(["" if value is None else format_value(value) for value in values], dtype="str")


KEY = "duplicates-task"
MAX_SHOWN = 20  # groups, and chunks of each; the shell gives all


def _show_duplicates(workspace: Workspace, collection: Collection) -> None:
    """Draw the control of the search for duplicate chunks, and the groups that it found."""
    if not st.toggle(
        "Find chunks that say the same",
        key="duplicates",
        help="Equal texts, and chunks whose vectors are nearly the same.",
    ):
        return
    left, right, _ = st.columns([2, 1, 2], vertical_alignment="bottom")
    threshold = left.slider("Least cosine of near-duplicates", 0.8, 1.0, THRESHOLD, 0.01, key="duplicates-threshold")
    previous: tuple[tuple[object, ...], IterableJob[Step]] | None = st.session_state.get(KEY)
    settings = (collection.key, workspace.version(collection), threshold)
    job = previous[1] if previous and previous[0] == settings else None
    if right.button("Look", type="primary", disabled=job is not None and job.active, width="stretch"):
        if previous:
            previous[1].cancel()
        steps = most_steps(collection.chunks)
        job = start_job("duplicates", lambda: duplicate_steps(workspace, collection, threshold), steps)
        st.session_state[KEY] = (settings, job)
    if job is None:
        st.caption(
            "Every chunk is compared with every other one: a moment for a few thousand, up to a minute for 100,000."
        )
        return
    watch(lambda: [job], _draw_duplicates)


def _draw_duplicates(job: IterableJob[Step]) -> None:
    if job.active:
        text = WAITING if job.state == "waiting" else "Comparing every chunk with every other one"
        share = job.results[-1].share if job.results else 0.0
        show_progress(job, text, key="duplicates-cancel", share=share)
    elif job.error:
        show_error(job.error)
    elif job.results and (duplicates := job.results[-1].found):
        _show_groups(duplicates)
    else:
        show_info("It was cancelled before its end.")


def _show_groups(duplicates: Duplicates) -> None:
    if not duplicates.groups:
        show_info(f"No two of the {duplicates.chunks:,} chunks are that much alike.")
        return
    more = (
        f" Shown are the first {MAX_SHOWN}; the shell's 'duplicates' lists all."
        if len(duplicates.groups) > MAX_SHOWN
        else ""
    )
    st.caption(
        f"{plural(len(duplicates.groups), 'group')} among {plural(duplicates.chunks, 'chunk')}; "
        f"{plural(duplicates.spare, 'chunk')} say nothing that another one does not.{more}"
    )
    for group in duplicates.groups[:MAX_SHOWN]:
        with st.container(border=True):
            st.html(group_html(group))


def group_html(group: tuple[Twin, ...]) -> str:
    """Return a group of duplicates as HTML: the first chunk's text, each chunk's place and likeness to it."""
    lines = "".join(
        f'<div><span class="rs-score"><b>{alike(twin, group[0])}</b></span> '
        f'<span class="rs-document" dir="auto">{escape(twin.document)}</span> '
        f'<span class="rs-faint">{f"page {twin.page} · " if twin.page else ""}'
        f"characters {twin.start:,} to {twin.end:,}</span>"
        + ("" if twin.exact else f'<div class="rs-text rs-faint" dir="auto">{escape(clip(twin.text, 220))}</div>')
        + "</div>"
        for twin in group[:MAX_SHOWN]
    )
    more = f'<div class="rs-faint">and {len(group) - MAX_SHOWN:,} more</div>' if len(group) > MAX_SHOWN else ""
    first = f'<div class="rs-text" dir="auto">{escape(clip(group[0].text, 400))}</div>'
    return f'<div class="rs-twins">{first}{lines}{more}</div>'
