"""The depth of the pool: one run, every depth."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.errors import RankscopeError
from core.evaluation.experiments import Experiment
from core.evaluation.plots import sweep_figure
from core.evaluation.pool_sweep import Sweep, sweep
from core.evaluation.systems import System, parse_system
from core.workspace import Workspace
from pages.ui._part_frames import frame_csv
from pages.ui._part_notices import show_error, show_info, show_warning
from pages.ui.evaluate.runs import answers_of, choose_experiment, results_of

MOST_HITS = 100
DEPTH, HITS = "sweep-depth", "sweep-hits"


def show_sweep(workspace: Workspace) -> None:
    """Draw the view."""
    st.caption(
        "How deep should the pool be? The deepest was scored once, when the experiment was run; "
        "every smaller one is told from that, so the slider costs nothing."
    )
    experiment = choose_experiment(workspace)
    if experiment is None:
        return
    reranked = _reranked(experiment)
    if not reranked:
        show_info("Nothing was reranked in this experiment: run one with a system such as bi+cross, at the deepest pool that you would think of.")
        return
    one, two, _ = st.columns([2, 1, 2], vertical_alignment="bottom")
    name = one.selectbox("First stage", list(reranked), key="sweep-stage")
    hits = int(two.number_input("Hits looked at", 1, MOST_HITS, 10, key=HITS, help="How many hits a person sees of the list."))
    try:
        found = _sweep(experiment, reranked[name])
    except RankscopeError as error:
        show_error(error)
        return
    _show(found, hits)


def _reranked(experiment: Experiment) -> dict[str, System]:
    """The stages that were reranked, by their names, each with its deepest system."""
    systems = [parse_system(name, experiment.request.pool, experiment.request.grounds) for name in experiment.request.systems]
    found: dict[str, System] = {}
    for system in sorted((system for system in systems if system.kind), key=lambda system: system.pool):
        found[f"{system.ground}: {system.stage}" if len(experiment.request.grounds) > 1 else system.stage] = system
    return found


def _sweep(experiment: Experiment, system: System) -> Sweep:
    return _computed(experiment, experiment.id, system.ground, system.stage)


@st.cache_resource(max_entries=8, show_spinner="Looking at every depth…")
def _computed(_experiment: Experiment, id_: str, ground: str, stage: str) -> Sweep:  # noqa: ARG001 - the id is the cache's key
    return sweep(stage, [answer for answer in answers_of(_experiment) if answer.ground == ground], results_of(_experiment).qrels)


def _show(found: Sweep, hits: int) -> None:
    deepest = found.deepest.depth
    if deepest < 2:
        show_info("Only one candidate of each query was reranked: there is nothing to choose. Run with a deeper pool.")
        return
    usual = found.knee.depth if found.knee and found.knee.depth > hits else deepest
    st.session_state[DEPTH] = min(max(1, int(st.session_state.get(DEPTH, usual))), deepest)
    depth = int(
        st.slider("Pool", 1, deepest, key=DEPTH, persist_state="session", help="How many of the first stage's candidates the cross-encoder reads.")
    )
    words = found.words(depth, hits)
    (show_warning if depth <= hits else show_info)(words)
    _tiles(found, depth)
    st.plotly_chart(sweep_figure(found, depth), key="sweep-figure", config={"displayModeBar": False})
    knee = (
        "The curve hardly rises, so it has no knee."
        if found.knee is None
        else f"The knee is at a pool of **{found.knee.depth}**: after it, more pairs bring little "
        "(where the curve is farthest above its chord; Satopää and others, 2011)."
    )
    st.caption(
        f"Means over {found.queries} queries. {knee} Milliseconds were measured once, "
        f"at the deepest pool ({found.ms_per_pair:.1f} ms a pair), and are taken to grow in step with the pairs."
    )
    frame = pd.DataFrame(
        [
            {
                "pool": one.depth,
                "nDCG@10": one.ndcg,
                "recall of the pool": one.ceiling,
                "overlap at 10": one.overlap,
                "Kendall's τ": one.tau,
                "ms": one.ms,
            }
            for one in found.depths
        ]
    )
    st.download_button(
        "Every depth as CSV", frame_csv(frame), "sweep.csv", "text/csv", icon=":material/download:", on_click="ignore"
    )


def _tiles(found: Sweep, depth: int) -> None:
    there = found.at(depth)
    tiles = (
        ("nDCG@10", f"{there.ndcg:.3f}", f"{there.ndcg - found.before:+.3f}", "0 to 1, higher is better; the arrow: against no reranking."),
        ("Recall ceiling", f"{there.ceiling:.3f}", None, "The share of what is relevant that the pool holds: no order can find more of it."),
        ("Overlap at 10", f"{there.overlap:.1f}", None, "So many of the first ten hits are the same as without reranking."),
        ("Kendall's τ", f"{there.tau:+.2f}", None, "Over the pool: +1 the same order as before, −1 the reverse."),
        ("Milliseconds", f"{there.ms:,.0f}", None, "A query, first stage and pairs. Lower is better."),
    )
    for column, (name, value, delta, said) in zip(st.columns(len(tiles)), tiles, strict=True):
        with column.container(border=True, height="stretch"):
            st.metric(name, value, delta)
            st.caption(said)
