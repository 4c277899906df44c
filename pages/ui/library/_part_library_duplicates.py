"""Near-duplicate chunks of a collection, looked for in the background."""

from __future__ import annotations

from html import escape

import streamlit as st

from core.background import Task
from core.library.duplicates import THRESHOLD, Duplicates, Step, Twin, alike, duplicate_steps, most_steps
from core.records.search import Collection
from core.util.formatting import clip, plural
from core.workspace import Workspace
from pages.ui._part_notices import show_error, show_info

KEY = "duplicates-task"
POLL = 1.0  # seconds
SHOWN = 20  # groups on the page, and chunks of each; the shell gives all


def show_duplicates(workspace: Workspace, collection: Collection) -> None:
    """Draw the control, and what was found."""
    if not st.toggle("Find chunks that say the same", key="duplicates", help="Equal texts, and chunks whose vectors are nearly the same."):
        return
    left, right, _ = st.columns([2, 1, 2], vertical_alignment="bottom")
    threshold = left.slider("Least cosine of near-duplicates", 0.8, 1.0, THRESHOLD, 0.01, key="duplicates-threshold")
    held: tuple[tuple[object, ...], Task[Step]] | None = st.session_state.get(KEY)
    wanted = (collection.key, collection.chunks, threshold)
    task = held[1] if held and held[0] == wanted else None
    running = task is not None and task.active
    if right.button("Look", type="primary", disabled=running, width="stretch"):
        if held:
            held[1].cancel()
        task = Task.start(lambda: duplicate_steps(workspace, collection, threshold), most_steps(collection.chunks))
        st.session_state[KEY] = (wanted, task)
    if task is None:
        st.caption("Every chunk is compared with every other one: a moment for a few thousand, up to a minute for 100,000.")
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
    st.caption(f"{plural(len(found.groups), 'group')} among {plural(found.chunks, 'chunk')}; {plural(found.spare, 'chunk')} say nothing that another one does not.{more}")
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
