"""Runs and experiments as every view of the page needs them: started, watched, chosen, opened once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from core.errors import RankscopeError
from core.evaluation._part_evaluation_answers import Answer
from core.evaluation._part_evaluation_evaluations import Evaluations
from core.evaluation._part_evaluation_planning import Request
from core.evaluation.experiments import Experiment, experiments, open_experiment
from core.evaluation.jobs import Evaluating
from core.evaluation.results import Results
from core.evaluation.significance import Paired
from core.records.search import Collection
from core.samples.library import SAMPLE_COLLECTION
from core.util.formatting import duration
from core.workspace import Workspace
from pages.ui._part_notices import literal, show_error, show_info, show_warning
from pages.ui.page import jobs

POLL = 1.0  # seconds
CHOSEN, NEXT, DISMISSED = "experiment", "experiment-next", "dismissed-runs"
FIRST_LOOK = Request(
    (SAMPLE_COLLECTION,),
    ("bm25", "bi", "hybrid", "bi+cross"),
    pool=20,
    split="samples",
    name="First look at the sample library",
    note="Made by itself, so that there is something to see. Its 72 questions are meant to be hard.",
)


@st.cache_resource(show_spinner=False)
def evaluations(_workspace: Workspace) -> Evaluations:
    """Return the runs of the data folder, one object for all visitors; what a killed process left is taken up."""
    held = Evaluations(_workspace)
    held.resume()
    return held


@st.cache_resource(show_spinner=False)
def _looked() -> list[str]:
    """Remembers, for as long as the app runs, that the first look was made: a person may delete it."""
    return []


def first_look(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Evaluate the sample library where no experiment was ever made, so that a first visit shows something true."""
    indexing = any(job.active and job.collection == SAMPLE_COLLECTION for job in jobs().all())
    if _looked() or SAMPLE_COLLECTION not in collections or indexing:
        return
    _looked().append(FIRST_LOOK.name)
    if not any(experiments(workspace.settings.data)):
        try:
            evaluations(workspace).start(FIRST_LOOK)
        except RankscopeError as error:
            show_error(error)


def show_running(workspace: Workspace) -> None:
    """Draw the runs that are under way, anew every second, and those that failed since the app was started."""
    active = any(run.active for run in evaluations(workspace).all())
    st.fragment(_draw, run_every=POLL if active else None)(
        workspace, frozenset(run.experiment.id for run in evaluations(workspace).all() if run.active)
    )


def _draw(workspace: Workspace, were_active: frozenset[str]) -> None:
    found = evaluations(workspace).all()
    for run in found:
        if run.active:
            _draw_active(run)
        elif run.experiment.state == "failed" and run.experiment.id not in st.session_state.get(DISMISSED, ()):
            _draw_failed(run)
    ended = [run.experiment for run in found if run.experiment.id in were_active and not run.active]
    if ended:
        st.session_state[NEXT] = next((one.id for one in ended if one.state == "done"), st.session_state.get(CHOSEN, ""))
        st.rerun()


def _draw_active(run: Evaluating) -> None:
    with st.container(border=True, key=f"run-{run.experiment.id}"):
        head, button = st.columns([5, 1], vertical_alignment="center")
        head.text(f"{'Cancelling' if run.cancelling else 'Evaluating'}: {run.experiment.name}")
        button.button("Cancel", key=f"cancel-run-{run.experiment.id}", disabled=run.cancelling, width="stretch", on_click=run.cancel)
        left = "" if run.left is None else f", about {duration(run.left)} left"
        st.progress(min(run.share, 1.0), text=literal(f"{run.stage}{left}"))


def _draw_failed(run: Evaluating) -> None:
    with st.container(border=True):
        show_error(f"{run.experiment.name}: {run.experiment.error}")
        if st.button("Dismiss", key=f"dismiss-run-{run.experiment.id}"):
            st.session_state[DISMISSED] = {*st.session_state.get(DISMISSED, ()), run.experiment.id}
            st.rerun()


def choose_experiment(workspace: Workspace, what: str = "Experiment") -> Experiment | None:
    """Draw the choice among the finished experiments; None, and what to do, where there is none."""
    found, wrong = experiments(workspace.settings.data)
    for message in wrong:
        show_warning(message)
    done = {one.id: one for one in found if one.state == "done"}
    if not done:
        if not any(run.active for run in evaluations(workspace).all()):
            show_info("Nothing was evaluated yet: choose systems under 'New run' in the view Results, and press Run.")
        return None
    if NEXT in st.session_state:
        st.session_state[CHOSEN] = st.session_state.pop(NEXT)
    if (asked := st.session_state.get(CHOSEN)) not in done:
        if asked:
            show_warning(f"There is no finished experiment “{asked}”: this is the newest one.")
        st.session_state[CHOSEN] = next(iter(done))
    id_ = st.selectbox(what, list(done), key=CHOSEN, persist_state="session", format_func=lambda one: label(done[one]))
    return done[id_]


def label(experiment: Experiment) -> str:
    """Return an experiment in a few words."""
    return f"{experiment.name} · {experiment.created[:16].replace('T', ' ')} UTC · {', '.join(experiment.request.systems)}"


def results_of(experiment: Experiment) -> Results:
    """Return an experiment's figures, read once. Raises DataError."""
    return _results(experiment.folder.as_posix(), experiment.id, experiment.state)


def answers_of(experiment: Experiment) -> list[Answer]:
    """Return what the stages made of each query, read once. Raises DataError."""
    return _answers(experiment.folder.as_posix(), experiment.id, experiment.state)


def against(experiment: Experiment, first: str, measure: str) -> dict[str, Paired]:
    """Return every other system against ``first``, computed once. Raises DataError."""
    return _against(experiment.folder.as_posix(), experiment.id, first, measure)


@st.cache_resource(max_entries=6, show_spinner="Reading the experiment…")
def _results(folder: str, id_: str, state: str) -> Results:  # noqa: ARG001 - the cache's key
    return _opened(folder, id_).results()


@st.cache_resource(max_entries=4, show_spinner="Reading the experiment…")
def _answers(folder: str, id_: str, state: str) -> list[Answer]:  # noqa: ARG001 - the cache's key
    return _opened(folder, id_).answers()


@st.cache_resource(max_entries=64, show_spinner="Testing the differences…")
def _against(folder: str, id_: str, first: str, measure: str) -> dict[str, Paired]:
    return _results(folder, id_, "done").against(first, measure)


def _opened(folder: str, id_: str) -> Experiment:
    return open_experiment(Path(folder).parent.parent, id_)
