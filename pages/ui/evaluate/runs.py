"""Runs and experiments as every view of the page needs them: started, watched, chosen, opened once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from core.errors import RankscopeError
from core.evaluation.experiments import Experiment, experiments, open_experiment
from core.evaluation.jobs import EvaluationJob, EvaluationQueue
from core.evaluation.metrics import MEASURES
from core.evaluation.results import Results
from core.evaluation.runner import Request
from core.evaluation.significance import Paired
from core.evaluation.systems import DEFAULT_SYSTEMS, Candidates
from core.judgments.queries import default_split, judged_queries_for, splits_for
from core.records.search import Collection
from core.retrieval.search import MOST_HITS
from core.samples.library import SAMPLE_COLLECTION
from core.settings import POOL
from core.util.formatting import duration, plural
from core.workspace import Workspace
from pages.ui.page import jobs, literal, show_error, show_info, show_warning

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
def evaluations(_workspace: Workspace) -> EvaluationQueue:
    """Return the runs of the data folder, one object for all visitors; what a killed process left is taken up."""
    held = EvaluationQueue(_workspace)
    held.resume()
    return held


@st.cache_resource(show_spinner=False)
def _looked() -> list[str]:
    """Remembers, for as long as the app runs, that the first look was made: a person may delete it."""
    return []


def start_first_evaluation(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
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
        st.session_state[NEXT] = next(
            (one.id for one in ended if one.state == "done"), st.session_state.get(CHOSEN, "")
        )
        st.rerun()


def _draw_active(run: EvaluationJob) -> None:
    with st.container(border=True, key=f"run-{run.experiment.id}"):
        head, button = st.columns([5, 1], vertical_alignment="center")
        head.text(f"{'Cancelling' if run.cancelling else 'Evaluating'}: {run.experiment.name}")
        button.button(
            "Cancel",
            key=f"cancel-run-{run.experiment.id}",
            disabled=run.cancelling,
            width="stretch",
            on_click=run.cancel,
        )
        left = "" if run.seconds_left is None else f", about {duration(run.seconds_left)} left"
        st.progress(min(run.share, 1.0), text=literal(f"{run.stage}{left}"))


def _draw_failed(run: EvaluationJob) -> None:
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
    return (
        f"{experiment.name} · {experiment.created[:16].replace('T', ' ')} UTC · {', '.join(experiment.request.systems)}"
    )


def results_of(experiment: Experiment) -> Results:
    """Return an experiment's figures, read once. Raises DataError."""
    return _results(experiment.folder.as_posix(), experiment.id, experiment.state)


def answers_of(experiment: Experiment) -> list[Candidates]:
    """Return what the stages made of each query, read once. Raises DataError."""
    return _answers(experiment.folder.as_posix(), experiment.id, experiment.state)


def against(experiment: Experiment, first: str, measure: str) -> dict[str, Paired]:
    """Return every other system against ``first``, computed once. Raises DataError."""
    return _against(experiment.folder.as_posix(), experiment.id, first, measure)


@st.cache_resource(max_entries=6, show_spinner="Reading the experiment…")
def _results(folder: str, id_: str, state: str) -> Results:  # noqa: ARG001 - the cache's key
    return _opened(folder, id_).results()


@st.cache_resource(max_entries=4, show_spinner="Reading the experiment…")
def _answers(folder: str, id_: str, state: str) -> list[Candidates]:  # noqa: ARG001 - the cache's key
    return _opened(folder, id_).candidates()


@st.cache_resource(max_entries=64, show_spinner="Testing the differences…")
def _against(folder: str, id_: str, first: str, measure: str) -> dict[str, Paired]:
    return _results(folder, id_, "done").against(first, measure)


def _opened(folder: str, id_: str) -> Experiment:
    return open_experiment(Path(folder).parent.parent, id_)


OFFERED = (*DEFAULT_SYSTEMS, "bi-exact", "bi+cross-sum", "bi+cross@20", "bi+cross@100")
MORE_MEASURES = ("nDCG@5", "Success@1", "RR", "R@10", "R@20", "P@1", "P@10", "Rprec", "Bpref")
HELP = (
    "bm25 compares words; bi is the bi-encoder through Chroma's index, bi-exact without it; "
    "hybrid puts both rankings together (reciprocal rank fusion). "
    "+cross: the cross-encoder reranks the pool; +cross@20 sets a pool of its own. "
    "OTHER:bi is a system on another collection over the same documents. Type a name to add it."
)


def show_form(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Draw the form; its button starts a run."""
    left, right = st.columns([2, 2], vertical_alignment="bottom")
    name = left.selectbox(
        "Collection", list(collections), key="collection", persist_state="session", help="Its judged queries are asked."
    )
    collection = collections[name]
    splits = splits_for(workspace, collection)
    if not splits:
        show_info(
            f"Nothing is judged in {name} yet. Judge hits in the view Judge, with the switch on the Search page, or import judgments."
        )
        return
    usual = default_split(workspace, collection)
    split = right.selectbox(
        "Judgments",
        splits,
        index=splits.index(usual) if usual in splits else 0,
        key=f"split-{collection.key}",
        help="Which judgments count: made here, imported, or all together.",
    )
    beside = _beside([other for other in collections if other != name])
    systems, measures, pool = _choose(beside)
    try:
        judged = judged_queries_for(workspace, collection, split)
    except RankscopeError as error:
        show_error(error)
        return
    called, note, limit = _more(len(judged.queries))
    request = Request(
        (name, *beside), tuple(systems), tuple(measures), pool, split, limit, name=called.strip(), note=note.strip()
    )
    button, said = st.columns([1, 4], vertical_alignment="center")
    asked = min(limit or len(judged.queries), len(judged.queries))
    about = (
        "whole documents, so chunks count for theirs"
        if judged.per_document
        else f"{plural(judged.judgments, 'span')} of documents"
    )
    said.caption(
        f"{plural(asked, 'judged query', 'judged queries')} on {about}. It runs in the background; "
        f"a laptop reads some 100 pairs a second, here {asked * pool:,} at most for each reranked stage."
    )
    if button.button(
        "Run", type="primary", icon=":material/play_arrow:", width="stretch", disabled=not (systems and measures)
    ):
        _start(workspace, request)


def _beside(others: list[str]) -> list[str]:
    """Other collections that are searched for the same queries."""
    if not others:
        return []
    hint = "For example the same documents with another model, or cut otherwise"
    return list(
        st.multiselect(
            "Also search these collections", others, key="evaluate-others", persist_state="session", placeholder=hint
        )
    )


def _choose(beside: list[str]) -> tuple[list[str], list[str], int]:
    offered = [*OFFERED, *(f"{other}:{system}" for other in beside for system in OFFERED)]
    usual = ["bm25", "bi", "hybrid", "bi+cross", *(f"{other}:bi" for other in beside)]
    one, two, three = st.columns([3, 3, 1], vertical_alignment="bottom")
    key = f"evaluate-systems-{'|'.join(beside)}"
    systems = one.multiselect(
        "Systems", offered, default=usual, key=key, persist_state="session", accept_new_options=True, help=HELP
    )
    measures = two.multiselect(
        "Measures",
        [*MEASURES, *MORE_MEASURES],
        default=list(MEASURES),
        key="evaluate-measures",
        persist_state="session",
        accept_new_options=True,
        help="As ir_measures names them. Of each higher is better. Type any other that it knows, such as nDCG(gains={1:1,2:3,3:7})@10.",
    )
    hint = "How many of a stage's first hits the cross-encoder reads."
    pool = three.number_input("Pool", 1, MOST_HITS, POOL, 10, key="evaluate-pool", persist_state="session", help=hint)
    return list(systems), list(measures), int(pool)


def _more(queries: int) -> tuple[str, str, int | None]:
    with st.expander("Name, note, fewer queries"):
        one, two, three = st.columns([2, 3, 1], vertical_alignment="bottom")
        called = one.text_input("Name", key="evaluate-name", placeholder="kept with the experiment") or ""
        note = two.text_input("Note", key="evaluate-note") or ""
        limit = three.number_input(
            "Only the first", 1, max(queries, 1), None, key="evaluate-queries", placeholder="all queries"
        )
    return called, note, None if limit is None else int(limit)


def _start(workspace: Workspace, request: Request) -> None:
    try:
        run = evaluations(workspace).start(request)
    except RankscopeError as error:
        show_error(error)
        return
    st.toast(f"Started: {literal(run.experiment.name)}")
    st.rerun()
