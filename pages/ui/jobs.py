"""Background jobs as a page shows them: the fragment that watches them, and the list of indexing runs."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import pandas as pd
import streamlit as st

from core.background import BackgroundJob, IterableJob, JobQueue
from core.errors import RankscopeError
from core.indexing.jobs import IndexingJob
from core.util.formatting import duration, embedding_counts_text, plural, progress_text
from core.util.progress import EmbeddingCounts, FileOutcome, Status
from pages.ui.page import jobs, show_error

POLL = 1.0  # seconds
WAITING = "It begins when the runs before it are over"
RESUMED = "Taken up after a restart: files that were stored before it are listed as unchanged."
RETRY = "What failed, was cancelled or not reached is kept until you dismiss this: no need to bring it again."
MAX_UNFOLDED = 20  # outcomes that are shown without a click
MAX_NOTED = 5  # files whose notes are
SIGNS: dict[Status, str] = {
    "indexed": "✓",
    "replaced": "✓",
    "kept beside": "✓",
    "unchanged": "=",
    "duplicate": "=",
    "skipped": "–",
    "failed": "✗",
    "cancelled": "–",
}


Job = TypeVar("Job", bound=BackgroundJob)
Item = TypeVar("Item")


def watch(
    list_jobs: Callable[[], Sequence[Job]],
    draw: Callable[[Job], None],
    *,
    awaited: Sequence[Job] | None = None,
    on_end: Callable[[list[Job]], None] | None = None,
    postpone: Callable[[], bool] | None = None,
) -> None:
    """Draw jobs in a fragment, every second until one of the ``awaited`` is over: then the page runs again, once.

    ``awaited`` are the jobs whose end the page does not show yet, by default those that are active. ``on_end`` gets
    those that are over right before the page runs again; it does not run as long as ``postpone`` returns True.
    The page as a whole stays as it is meanwhile: a click that meets its redraw can be lost.
    """
    pending = [job for job in list_jobs() if job.active] if awaited is None else list(awaited)

    def poll() -> None:
        for job in list_jobs():
            draw(job)
        ended = [job for job in pending if not job.active]
        if ended and not (postpone and postpone()):
            if on_end:
                on_end(ended)
            st.rerun()

    st.fragment(poll, run_every=POLL if pending else None)()


def show_progress(job: BackgroundJob, text: str, key: str, title: str = "", share: float | None = None) -> None:
    """Draw the share that is done, by default the job's own, and the button Cancel; below a title if there is one."""
    left, right = st.columns([5, 1], vertical_alignment="center")
    right.button("Cancel", key=key, disabled=job.cancelling, width="stretch", on_click=job.cancel)
    if title:
        left.text(title)
    bar = st if title else left
    bar.progress(min(max(job.share if share is None else share, 0.0), 1.0), text=text or None)


def time_left(job: BackgroundJob) -> str:
    """Return ", about 5 s left", or nothing while that cannot be told."""
    return "" if job.seconds_left is None else f", about {duration(job.seconds_left)} left"


@st.cache_resource(show_spinner=False)
def _queue(name: str) -> JobQueue[BackgroundJob]:
    """Return a queue for all visitors; each of them remembers the own jobs that are over."""
    return JobQueue(name, limit=0)


def start_job(queue_name: str, work: Callable[[], Iterable[Item]], total: int) -> IterableJob[Item]:
    """Queue work that yields ``total`` results at most. A queue runs one job at a time, for all visitors."""
    job = IterableJob(uuid.uuid4().hex, work, total)
    _queue(queue_name).add(job)
    return job


def watch_results(job: IterableJob[Item], text: Callable[[int], str], key: str) -> None:
    """Draw how far a job is, or its error; ``text`` gets how many results there are. The page draws the results."""

    def draw(job: IterableJob[Item]) -> None:
        if job.active:
            show_progress(job, WAITING if job.state == "waiting" else text(len(job.results)), key)
        elif job.error:
            show_error(job.error)

    watch(lambda: [job], draw)


def show_indexing() -> None:
    """Draw the indexing runs of all visitors."""
    watch(jobs().all, _draw)


def show_indexing_briefly() -> None:
    """Draw the runs that are under way, and a line for each that broke off: what became of files is in the Library."""
    watch(jobs().all, _draw_briefly)


def _draw_briefly(job: IndexingJob) -> None:
    if job.active:
        _draw(job)
    elif job.error:
        line, link = st.columns([4, 1], vertical_alignment="center")
        line.text(f"{_summary(job)}. {job.error}")
        link.page_link("pages/library.py", label="See in the Library", icon=":material/library_books:")


def _draw(job: IndexingJob) -> None:
    with st.container(border=True, key=f"job-{job.number}"):
        _draw_active(job) if job.active else _draw_over(job)


def _draw_active(job: IndexingJob) -> None:
    verb = "Waiting to index" if job.state == "waiting" else "Cancelling" if job.cancelling else "Indexing"
    show_progress(
        job,
        WAITING if job.state == "waiting" else progress_text(job.progress),
        key=f"cancel-{job.number}",
        title=f"{verb} {plural(job.files, 'file')} into {job.collection}",
    )
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
    # in full: a table's cell would cut off what to do about it
    failed = [f"{SIGNS['failed']} {outcome.message}" for outcome in job.outcomes if outcome.status == "failed"]
    if failed:
        st.text(_first_lines(failed, MAX_UNFOLDED))
    noted = [
        f"{outcome.name}: {'; '.join(outcome.notes)}"
        for outcome in job.outcomes
        if outcome.notes and outcome.status != "duplicate"
    ]
    if noted:
        st.caption(f"What is left out, or stands elsewhere than in the file ({plural(len(noted), 'file')}):")
        st.text(_first_lines(noted, MAX_NOTED))
    if job.outcomes:
        with st.expander("What became of each file", expanded=len(job.outcomes) <= MAX_UNFOLDED):
            st.dataframe(
                outcome_table(job.outcomes),
                hide_index=True,
                height="auto" if len(job.outcomes) <= MAX_UNFOLDED else 320,
            )


def _first_lines(lines: list[str], limit: int) -> str:
    more = [f"and {len(lines) - limit:,} more, in the list below"] if len(lines) > limit else []
    return "\n".join(lines[:limit] + more)


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
            "what happened": outcome.remarks,
        }
        for outcome in sorted(outcomes, key=lambda outcome: outcome.status != "failed")
    ]
    return pd.DataFrame(rows)
