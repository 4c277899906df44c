"""Evaluation runs: the form that starts one, progress, the choice of an experiment, and its results, cached."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.errors import RankscopeError
from core.evaluation.experiments import Experiment, experiments
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
from core.util.formatting import plural
from core.workspace import Workspace
from pages.ui.jobs import show_progress, time_left, watch
from pages.ui.page import jobs, literal, show_error, show_info, show_warning

CHOSEN, NEXT, DISMISSED = "experiment", "experiment-next", "dismissed-runs"
FIRST_LOOK = Request(
    (SAMPLE_COLLECTION,),
    ("bm25", "bi", "hybrid", "bi+cross"),
    pool=20,
    split="samples",
    name="First look at the sample library",
    note="Made by itself, so that there is something to see. Its 72 questions are meant to be hard.",
)
SYSTEM_OPTIONS = (*DEFAULT_SYSTEMS, "bi-exact", "bi+cross-sum", "bi+cross@20", "bi+cross@100")
MORE_MEASURES = ("nDCG@5", "Success@1", "RR", "R@10", "R@20", "P@1", "P@10", "Rprec", "Bpref")
SYSTEMS_HELP = (
    "bm25 compares words; bi is the bi-encoder through Chroma's index, bi-exact without it; "
    "hybrid puts both rankings together (reciprocal rank fusion). "
    "+cross: the cross-encoder reranks the pool; +cross@20 sets a pool of its own. "
    "OTHER:bi is a system on another collection over the same documents. Type a name to add it."
)


@st.cache_resource(show_spinner=False)
def evaluations(_workspace: Workspace) -> EvaluationQueue:
    """Return the queue of evaluation runs, which all visitors share; runs that a killed process left are resumed."""
    queue = EvaluationQueue(_workspace)
    queue.resume()
    return queue


@st.cache_resource(show_spinner=False)
def _first_evaluations() -> list[str]:
    """Return the list that is empty until the first evaluation was started since the app was started."""
    return []


def start_first_evaluation(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Evaluate the sample library if there is no experiment, so that a first visit shows results.

    Tried once while the app runs, because a person may delete the experiment.
    """
    indexing = any(job.active and job.collection == SAMPLE_COLLECTION for job in jobs().all())
    if _first_evaluations() or SAMPLE_COLLECTION not in collections or indexing:
        return
    _first_evaluations().append(FIRST_LOOK.name)
    if not any(experiments(workspace.settings.data)):
        try:
            evaluations(workspace).start(FIRST_LOOK)
        except RankscopeError as error:
            show_error(error)


def show_running(workspace: Workspace) -> None:
    """Draw the runs that are under way, and those that failed since the app was started."""
    watch(evaluations(workspace).all, _draw, on_end=_choose_ended)


def _draw(job: EvaluationJob) -> None:
    experiment = job.experiment
    if job.active:
        with st.container(border=True, key=f"run-{experiment.id}"):
            title = f"{'Cancelling' if job.cancelling else 'Evaluating'}: {experiment.name}"
            text = literal(f"{job.stage}{time_left(job)}")
            show_progress(job, text, key=f"cancel-run-{experiment.id}", title=title)
    elif experiment.state == "failed" and experiment.id not in st.session_state.get(DISMISSED, ()):
        _draw_failed(experiment)


def _choose_ended(ended: list[EvaluationJob]) -> None:
    """Show the results of a run that is done, when the page is drawn next."""
    done = (job.experiment.id for job in ended if job.experiment.state == "done")
    st.session_state[NEXT] = next(done, st.session_state.get(CHOSEN, ""))


def _draw_failed(experiment: Experiment) -> None:
    with st.container(border=True):
        show_error(f"{experiment.name}: {experiment.error}")
        if st.button("Dismiss", key=f"dismiss-run-{experiment.id}"):
            st.session_state[DISMISSED] = {*st.session_state.get(DISMISSED, ()), experiment.id}
            st.rerun()


def readable_experiments(workspace: Workspace) -> list[Experiment]:
    """Return the experiments that can be read, newest first; show a warning for each other one."""
    readable, problems = experiments(workspace.settings.data)
    for problem in problems:
        show_warning(problem)
    return readable


def choose_experiment(workspace: Workspace) -> Experiment | None:
    """Draw the choice among the finished experiments; if there is none, say what to do and return None."""
    done = {one.id: one for one in readable_experiments(workspace) if one.state == "done"}
    if not done:
        if not any(run.active for run in evaluations(workspace).all()):
            show_info("Nothing was evaluated yet: choose systems under 'New run' in the view Results, and press Run.")
        return None
    if NEXT in st.session_state:
        st.session_state[CHOSEN] = st.session_state.pop(NEXT)
    if (chosen := st.session_state.get(CHOSEN)) not in done:
        if chosen:
            show_warning(f"There is no finished experiment “{chosen}”: this is the newest one.")
        st.session_state[CHOSEN] = next(iter(done))

    def label(id_: str) -> str:
        experiment = done[id_]
        systems = ", ".join(experiment.request.systems)
        return f"{experiment.name} · {experiment.created[:16].replace('T', ' ')} UTC · {systems}"

    return done[st.selectbox("Experiment", list(done), key=CHOSEN, persist_state="session", format_func=label)]


def choose_results(workspace: Workspace) -> tuple[Experiment, Results] | None:
    """Draw the choice of an experiment and return it with its results; if there are none, say why and return None."""
    experiment = choose_experiment(workspace)
    if experiment is None:
        return None
    try:
        return experiment, results_of(experiment)
    except RankscopeError as error:
        show_error(error)
        return None


def results_of(experiment: Experiment) -> Results:
    """Return an experiment's results, from the cache if they were read before. Raises DataError."""
    return _results(experiment, experiment.folder.as_posix(), experiment.state)


def candidates_of(experiment: Experiment) -> list[Candidates]:
    """Return the candidates of an experiment's queries, cached likewise. Raises DataError."""
    return _candidates(experiment, experiment.folder.as_posix(), experiment.state)


def against(experiment: Experiment, first: str, measure: str) -> dict[str, Paired]:
    """Return the comparison of every other system with ``first``, cached likewise. Raises DataError."""
    return _against(experiment, experiment.folder.as_posix(), first, measure)


@st.cache_resource(max_entries=6, show_spinner="Reading the experiment…")
def _results(_experiment: Experiment, folder: str, state: str) -> Results:  # noqa: ARG001 - the cache's key
    return _experiment.results()


@st.cache_resource(max_entries=4, show_spinner="Reading the experiment…")
def _candidates(_experiment: Experiment, folder: str, state: str) -> list[Candidates]:  # noqa: ARG001 - the cache's key
    return _experiment.candidates()


@st.cache_resource(max_entries=64, show_spinner="Testing the differences…")
def _against(_experiment: Experiment, folder: str, first: str, measure: str) -> dict[str, Paired]:
    return _results(_experiment, folder, "done").against(first, measure)


def show_form(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Draw the form whose button starts a run."""
    left, right = st.columns([2, 2], vertical_alignment="bottom")
    name = left.selectbox(
        "Collection", list(collections), key="collection", persist_state="session", help="Its judged queries are asked."
    )
    collection = collections[name]
    splits = splits_for(workspace, collection)
    if not splits:
        show_info(
            f"Nothing is judged in {name} yet. Judge hits in the view Judge, with the switch on the Search page, "
            "or import judgments."
        )
        return
    default = default_split(workspace, collection)
    split = right.selectbox(
        "Judgments",
        splits,
        index=splits.index(default) if default in splits else 0,
        key=f"split-{collection.key}",
        help="Which judgments count: made here, imported, or all together.",
    )
    others = _choose_other_collections([other for other in collections if other != name])
    systems, measures, pool = _choose_systems(others)
    try:
        judged = judged_queries_for(workspace, collection, split)
    except RankscopeError as error:
        show_error(error)
        return
    label, note, limit = _more_options(len(judged.queries))
    request = Request(
        (name, *others), tuple(systems), tuple(measures), pool, split, limit, name=label.strip(), note=note.strip()
    )
    button, note_column = st.columns([1, 4], vertical_alignment="center")
    queries = min(limit or len(judged.queries), len(judged.queries))
    unit = (
        "whole documents, so chunks count for theirs"
        if judged.per_document
        else f"{plural(judged.judgments, 'span')} of documents"
    )
    note_column.caption(
        f"{plural(queries, 'judged query', 'judged queries')} on {unit}. It runs in the background; "
        f"a laptop reads some 100 pairs a second, here {queries * pool:,} at most for each reranked stage."
    )
    if button.button(
        "Run", type="primary", icon=":material/play_arrow:", width="stretch", disabled=not (systems and measures)
    ):
        _start(workspace, request)


def _choose_other_collections(others: list[str]) -> list[str]:
    """Draw the choice of other collections to search for the same queries."""
    if not others:
        return []
    hint = "For example the same documents with another model, or cut otherwise"
    return list(
        st.multiselect(
            "Also search these collections", others, key="evaluate-others", persist_state="session", placeholder=hint
        )
    )


def _choose_systems(others: list[str]) -> tuple[list[str], list[str], int]:
    """Draw the choice of systems, measures and pool; ``others`` are the other collections to search."""
    options = [*SYSTEM_OPTIONS, *(f"{other}:{system}" for other in others for system in SYSTEM_OPTIONS)]
    default = ["bm25", "bi", "hybrid", "bi+cross", *(f"{other}:bi" for other in others)]
    one, two, three = st.columns([3, 3, 1], vertical_alignment="bottom")
    key = f"evaluate-systems-{'|'.join(others)}"
    systems = one.multiselect(
        "Systems",
        options,
        default=default,
        key=key,
        persist_state="session",
        accept_new_options=True,
        help=SYSTEMS_HELP,
    )
    measures = two.multiselect(
        "Measures",
        list(dict.fromkeys((*MEASURES, *MORE_MEASURES))),
        default=list(MEASURES),
        key="evaluate-measures",
        persist_state="session",
        accept_new_options=True,
        help="As ir_measures names them. Of each higher is better. "
        "Type any other that it knows, such as nDCG(gains={1:1,2:3,3:7})@10.",
    )
    hint = "How many of a stage's first hits the cross-encoder reads."
    pool = three.number_input("Pool", 1, MOST_HITS, POOL, 10, key="evaluate-pool", persist_state="session", help=hint)
    return list(systems), list(measures), int(pool)


def _more_options(queries: int) -> tuple[str, str, int | None]:
    """Draw the run's name, note, and limit of ``queries``; return them."""
    with st.expander("Name, note, fewer queries"):
        one, two, three = st.columns([2, 3, 1], vertical_alignment="bottom")
        label = one.text_input("Name", key="evaluate-name", placeholder="kept with the experiment") or ""
        note = two.text_input("Note", key="evaluate-note") or ""
        limit = three.number_input(
            "Only the first", 1, max(queries, 1), None, key="evaluate-queries", placeholder="all queries"
        )
    return label, note, None if limit is None else int(limit)


def _start(workspace: Workspace, request: Request) -> None:
    try:
        run = evaluations(workspace).start(request)
    except RankscopeError as error:
        show_error(error)
        return
    st.toast(f"Started: {literal(run.experiment.name)}")
    st.rerun()
