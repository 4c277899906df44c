"""The documents of a collection as a table: sorted, searched, ticked, opened, deleted; quick with 10,000 of them."""

from __future__ import annotations

from collections import Counter
from html import escape

import pandas as pd
import streamlit as st

from core.background import Task
from core.library.duplicates import THRESHOLD, Duplicates, Step, Twin, alike, duplicate_steps, most_steps
from core.records.document import Value, short_hash
from core.records.filters import format_value, is_date, is_number
from core.records.search import Collection, StoredDocument, measure_name
from core.util.formatting import clip, plural
from core.workspace import Workspace
from pages.ui.library.collections import ask_to_delete
from pages.ui.library.preview import in_words
from pages.ui.page import jobs, show_error, show_info, show_warning

READING = "reading"  # the session's key for the document that is read, with its collection
FIELDS = 6  # columns of metadata: the fields that most documents have
FEW = 8  # documents that need no search
_ID, _TEXT = "_id", "_text"  # columns that are not shown


def show_documents(workspace: Workspace, collection: Collection) -> None:
    """Draw the table and what can be done with ticked documents."""
    found = _found(workspace, collection)
    picked = _tick(collection, found) if found is not None else []
    read, delete, rest = st.columns([2, 2, 4])
    label = f"Delete {plural(len(picked), 'document')}" if picked else "Delete documents"
    if read.button(
        "Read with its chunks",
        disabled=len(picked) != 1,
        icon=":material/article:",
        width="stretch",
        help=None if len(picked) == 1 else "Tick one document in the table first.",
    ):
        st.session_state[READING] = (collection.name, picked[0])
        st.rerun()
    if delete.button(
        label,
        disabled=not picked,
        icon=":material/delete:",
        width="stretch",
        help=None if picked else "Tick documents in the table first.",
    ):
        chosen = set(picked)
        ask_to_delete(
            workspace,
            collection,
            [document for document in workspace.documents(collection) if document.document_id in chosen],
        )
    if rest.button("Delete this collection", icon=":material/delete_forever:"):
        ask_to_delete(workspace, collection)


def _found(workspace: Workspace, collection: Collection) -> pd.DataFrame | None:
    """The documents that are searched for, None where there are none at all."""
    table = document_table(collection.key, workspace.shelf.stamp, workspace)
    if table.empty:
        indexing = any(job.active and job.collection == collection.name for job in jobs().all())
        if not collection.foreign:
            show_info(
                "Its documents appear here when they are indexed."
                if indexing
                else "No documents in it yet: drop files above."
            )
        return None
    words = ""
    if len(table) > FEW:
        words = st.text_input(
            "Find documents",
            key=f"find-{collection.key}",
            persist_state="session",
            placeholder="Words of a name, title, author, date …",
            icon=":material/search:",
            label_visibility="collapsed",
            width=420,
        )
    found = table
    for word in words.casefold().split():
        found = found[found[_TEXT].str.contains(word, regex=False)]
    number = (
        plural(len(table), "document")
        if len(found) == len(table)
        else f"{len(found):,} of {plural(len(table), 'document')}"
    )
    st.caption(f"{number}. Click a column to sort; tick rows to select.")
    return found


def _tick(collection: Collection, found: pd.DataFrame) -> list[str]:
    """Draw the table and return the ids of the documents that are ticked."""
    # Streamlit keeps ticks by row number under a table's key: another list of documents must be another table,
    # or the ticks would move to other documents, which then would be deleted.
    ids = found[_ID].tolist()
    event = st.dataframe(
        found.drop(columns=[_ID, _TEXT]),
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        height="auto" if len(found) < 10 else 400,
        key=f"documents-{short_hash(collection.key, ''.join(ids))}",
        column_config={
            "document": st.column_config.TextColumn(width="large"),
            "size (kB)": st.column_config.NumberColumn(format="%.1f"),
            "characters": st.column_config.NumberColumn(format="localized"),
        },
    )
    return [ids[row] for row in event.selection.rows if row < len(ids)]


@st.cache_data(max_entries=8, show_spinner=False)
def document_table(key: str, stamp: str, _workspace: Workspace) -> pd.DataFrame:  # noqa: ARG001
    """Return a row for each document of the collection of that key, made once for each state (``stamp``) of the shelf."""
    documents = _workspace.shelf.documents(key)
    return pd.DataFrame(
        {
            _ID: [document.document_id for document in documents],
            _TEXT: [
                " ".join((document.name, *map(format_value, document.metadata.values()))).casefold()
                for document in documents
            ],
            "document": [document.name for document in documents],
            **_metadata_columns(documents),
            "size (kB)": [document.size / 1000 for document in documents],
            "characters": [document.characters for document in documents],
            "chunks": [document.chunks for document in documents],
            "added (UTC)": pd.to_datetime([document.added for document in documents]).tz_localize(None),
        }
    )


def _metadata_columns(documents: list[StoredDocument]) -> dict[str, pd.Series]:
    """The most frequent fields; numbers and dates as such, so that they sort as such."""
    counts = Counter(name for document in documents for name in document.metadata)
    taken = {_ID, _TEXT, "document", "size (kB)", "characters", "chunks", "added (UTC)"}
    names = sorted(sorted(counts), key=lambda name: -counts[name])[:FIELDS]
    return {
        f"{name} " if name in taken else name: _column([document.metadata.get(name) for document in documents])
        for name in names
    }


def _column(values: list[Value | None]) -> pd.Series:
    said = [value for value in values if value is not None]
    if all(map(is_number, said)):
        return pd.Series(values, dtype="float64")
    if all(map(is_date, said)):
        return pd.to_datetime(pd.Series(values)).dt.date
    return pd.Series([None if value is None else format_value(value) for value in values], dtype="str")


KEY = "duplicates-task"
POLL = 1.0  # seconds
SHOWN = 20  # groups on the page, and chunks of each; the shell gives all


def show_duplicates(workspace: Workspace, collection: Collection) -> None:
    """Draw the control, and what was found."""
    if not st.toggle(
        "Find chunks that say the same",
        key="duplicates",
        help="Equal texts, and chunks whose vectors are nearly the same.",
    ):
        return
    left, right, _ = st.columns([2, 1, 2], vertical_alignment="bottom")
    threshold = left.slider("Least cosine of near-duplicates", 0.8, 1.0, THRESHOLD, 0.01, key="duplicates-threshold")
    held: tuple[tuple[object, ...], Task[Step]] | None = st.session_state.get(KEY)
    wanted = (collection.key, workspace.version(collection), threshold)
    task = held[1] if held and held[0] == wanted else None
    running = task is not None and task.active
    if right.button("Look", type="primary", disabled=running, width="stretch"):
        if held:
            held[1].cancel()
        task = Task.start(lambda: duplicate_steps(workspace, collection, threshold), most_steps(collection.chunks))
        st.session_state[KEY] = (wanted, task)
    if task is None:
        st.caption(
            "Every chunk is compared with every other one: a moment for a few thousand, up to a minute for 100,000."
        )
        return
    st.fragment(_watch, run_every=POLL if task.active else None)(task, task.active)


def _watch(task: Task[Step], was_active: bool) -> None:
    if task.active:
        st.progress(task.done[-1].share if task.done else 0.0, text="Comparing every chunk with every other one")
        st.button("Cancel", key="duplicates-cancel", on_click=task.cancel)
        return
    if was_active:
        st.rerun()
    if task.error:
        show_error(task.error)
    elif task.done and (found := task.done[-1].found):
        _show_found(found)
    else:
        show_info("It was cancelled before its end.")


def _show_found(found: Duplicates) -> None:
    if not found.groups:
        show_info(f"No two of the {found.chunks:,} chunks are that much alike.")
        return
    more = f" Shown are the first {SHOWN}; the shell's 'duplicates' lists all." if len(found.groups) > SHOWN else ""
    st.caption(
        f"{plural(len(found.groups), 'group')} among {plural(found.chunks, 'chunk')}; {plural(found.spare, 'chunk')} say nothing that another one does not.{more}"
    )
    for group in found.groups[:SHOWN]:
        with st.container(border=True):
            st.html(group_html(group))


def group_html(group: tuple[Twin, ...]) -> str:
    """Return a group as HTML: the first chunk's text, then each chunk's place and how like the first it is."""
    lines = "".join(
        f'<div><span class="rs-score"><b>{alike(twin, group[0])}</b></span> '
        f'<span class="rs-document" dir="auto">{escape(twin.document)}</span> '
        f'<span class="rs-faint">{f"page {twin.page} · " if twin.page else ""}characters {twin.start:,} to {twin.end:,}</span>'
        + ("" if twin.exact else f'<div class="rs-text rs-faint" dir="auto">{escape(clip(twin.text, 220))}</div>')
        + "</div>"
        for twin in group[:SHOWN]
    )
    more = f'<div class="rs-faint">and {len(group) - SHOWN:,} more</div>' if len(group) > SHOWN else ""
    return f'<div class="rs-twins"><div class="rs-text" dir="auto">{escape(clip(group[0].text, 400))}</div>{lines}{more}</div>'


def show_shelf(workspace: Workspace, collection: Collection) -> None:
    """Draw it."""
    if collection.foreign:
        show_warning(
            "Another program made this collection, and it does not say with which model: it can be deleted here, not searched."
        )
    else:
        st.text(
            f"{plural(collection.chunks, 'chunk')} · {collection.model}, {collection.dimension} dimensions · {measure_name(collection.metric)} · "
            f"{in_words(collection.chunking)} · made {collection.created[:16].replace('T', ' ')} UTC"
        )
    show_documents(workspace, collection)
    if collection.chunks and not collection.foreign:
        show_duplicates(workspace, collection)
