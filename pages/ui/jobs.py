"""Indexing runs as a page shows them: progress while they run, a line for every file when they are over."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.errors import RankscopeError
from core.indexing.jobs import IndexingJob
from core.util.formatting import embedding_counts_text, plural, progress_text
from core.util.progress import EmbeddingCounts, FileOutcome, Status
from pages.ui.page import jobs, show_error

POLL = 1.0  # seconds
RESUMED = "Taken up after a restart: files that were stored before it are listed as unchanged."
RETRY = "What failed, was cancelled or not reached is kept until you dismiss this: no need to bring it again."
MANY = 20  # outcomes that are shown unfolded
SIGNS: dict[Status, str] = {
    "indexed": "✓",
    "replaced": "✓",
    "kept beside": "✓",
    "unchanged": "=",
    "duplicate": "=",
    "failed": "✗",
    "cancelled": "–",
}


def show_jobs() -> None:
    """Draw the indexing runs of all visitors; while one is active they are drawn anew every second."""
    active = any(job.active for job in jobs().all())
    st.fragment(_draw, run_every=POLL if active else None)(active)


def _draw(was_active: bool) -> None:
    found = jobs().all()
    for job in found:
        with st.container(border=True, key=f"job-{job.number}"):
            _draw_active(job) if job.active else _draw_over(job)
    if was_active and not any(job.active for job in found):
        st.rerun()  # the lists of documents have grown


def _draw_active(job: IndexingJob) -> None:
    verb = "Waiting to index" if job.state == "waiting" else "Cancelling" if job.cancelling else "Indexing"
    head, button = st.columns([5, 1], vertical_alignment="center")
    head.text(f"{verb} {plural(job.files, 'file')} into {job.collection}")
    button.button("Cancel", key=f"cancel-{job.number}", disabled=job.cancelling, width="stretch", on_click=job.cancel)
    text = "It begins when the runs before it are over" if job.state == "waiting" else progress_text(job.progress)
    st.progress(job.progress.share, text=text)
    if job.resumed:
        st.caption(RESUMED)


def _draw_over(job: IndexingJob) -> None:
    head, again, button = st.columns([4, 1, 1], vertical_alignment="center")
    head.text(_summary(job))
    if job.retryable and again.button(
        f"Retry {plural(job.retryable, 'file')}", key=f"retry-{job.number}", width="stretch", help=RETRY
    ):
        _retry(job)
    if button.button("Dismiss", key=f"dismiss-{job.number}", width="stretch"):
        jobs().dismiss(job)
        st.rerun()
    if job.outcomes:
        st.caption(f"{embedding_counts_text(EmbeddingCounts.of(job.outcomes))}. {RESUMED if job.resumed else ''}")
    if job.error:
        show_error(job.error)
    failed = [f"{SIGNS['failed']} {outcome.message}" for outcome in job.outcomes if outcome.status == "failed"]
    if failed:  # in full: a table's cell would cut off what to do about it
        more = [f"and {len(failed) - MANY:,} more, in the list below"] if len(failed) > MANY else []
        st.text("\n".join(failed[:MANY] + more))
    if job.outcomes:
        with st.expander("What became of each file", expanded=len(job.outcomes) <= MANY):
            st.dataframe(
                outcome_table(job.outcomes), hide_index=True, height="auto" if len(job.outcomes) <= MANY else 320
            )


def _retry(job: IndexingJob) -> None:
    try:
        jobs().retry(job)
    except RankscopeError as error:
        show_error(error)
    else:
        st.rerun()


def _summary(job: IndexingJob) -> str:
    counts = pd.Series([outcome.status for outcome in job.outcomes], dtype=str).value_counts(sort=False)
    parts = ", ".join(f"{count} {status}" for status, count in counts.items()) or "nothing stored"
    return f"{job.collection}: {parts}"


def outcome_table(outcomes: list[FileOutcome]) -> pd.DataFrame:
    """Return a line for each file, failures first."""
    rows = [
        {
            "outcome": f"{SIGNS[outcome.status]} {outcome.status}",
            "file": outcome.name,
            "chunks": outcome.chunks,
            "reused": outcome.reused,
            "what happened": outcome.message,
        }
        for outcome in sorted(outcomes, key=lambda outcome: outcome.status != "failed")
    ]
    return pd.DataFrame(rows)
