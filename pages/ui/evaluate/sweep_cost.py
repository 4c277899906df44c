"""The views 'Sweep' and 'Cost' of the Evaluate page: pool depths, and quality against milliseconds."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.errors import RankscopeError
from core.evaluation.cost import CostPoint, as_csv, as_latex, as_markdown, cost_points, table
from core.evaluation.experiments import Experiment
from core.evaluation.plots import cost_figure, sweep_figure
from core.evaluation.pool_sweep import PoolSweep, sweep_pool
from core.evaluation.systems import System, parse_system
from core.workspace import Workspace
from pages.ui.downloads import offer_csv
from pages.ui.evaluate.runs import candidates_of, choose_experiment, choose_results, results_of
from pages.ui.page import show_chart, show_error, show_info, show_tile, show_warning

MAX_HITS = 100
DEPTH_KEY = "sweep-depth"


def show_sweep(workspace: Workspace) -> None:
    """Draw the view 'Sweep'."""
    st.caption(
        "How deep should the pool be? The deepest was scored once, when the experiment was run; "
        "every smaller one is told from that, so the slider costs nothing."
    )
    experiment = choose_experiment(workspace)
    if experiment is None:
        return
    systems = _reranked_systems(experiment)
    if not systems:
        show_info(
            "Nothing was reranked in this experiment: run one with a system such as bi+cross, "
            "at the deepest pool that you would think of."
        )
        return
    one, two, _ = st.columns([2, 1, 2], vertical_alignment="bottom")
    name = one.selectbox("First stage", list(systems), key="sweep-stage")
    hits = int(
        two.number_input(
            "Hits looked at", 1, MAX_HITS, 10, key="sweep-hits", help="How many hits a person sees of the list."
        )
    )
    try:
        result = _sweep(experiment, experiment.id, systems[name].corpus, systems[name].stage)
    except RankscopeError as error:
        show_error(error)
        return
    _show_depths(result, hits)


def _reranked_systems(experiment: Experiment) -> dict[str, System]:
    """Return the reranked system with the deepest pool of each first stage, by the stage's name."""
    systems = [
        parse_system(name, experiment.request.pool, experiment.request.corpora) for name in experiment.request.systems
    ]
    deepest: dict[str, System] = {}
    for system in sorted((system for system in systems if system.reranking), key=lambda system: system.pool):
        deepest[f"{system.corpus}: {system.stage}" if len(experiment.request.corpora) > 1 else system.stage] = system
    return deepest


@st.cache_resource(max_entries=8, show_spinner="Looking at every depth…")
def _sweep(_experiment: Experiment, id_: str, corpus: str, stage: str) -> PoolSweep:  # noqa: ARG001 - the id is the cache's key
    return sweep_pool(
        stage,
        [candidates for candidates in candidates_of(_experiment) if candidates.corpus == corpus],
        results_of(_experiment).qrels,
    )


def _show_depths(sweep: PoolSweep, hits: int) -> None:
    deepest = sweep.deepest.depth
    if deepest < 2:
        show_info("Only one candidate of each query was reranked: there is nothing to choose. Run with a deeper pool.")
        return
    default = sweep.knee.depth if sweep.knee and sweep.knee.depth > hits else deepest
    st.session_state[DEPTH_KEY] = min(max(1, int(st.session_state.get(DEPTH_KEY, default))), deepest)
    depth = int(
        st.slider(
            "Pool",
            1,
            deepest,
            key=DEPTH_KEY,
            persist_state="session",
            help="How many of the first stage's candidates the cross-encoder reads.",
        )
    )
    (show_warning if depth <= hits else show_info)(sweep.summary(depth, hits))
    _show_tiles(sweep, depth)
    show_chart(sweep_figure(sweep, depth), "sweep-figure")
    knee = (
        "The curve hardly rises, so it has no knee."
        if sweep.knee is None
        else f"The knee is at a pool of **{sweep.knee.depth}**: after it, more pairs bring little "
        "(where the curve is farthest above its chord; Satopää and others, 2011)."
    )
    st.caption(
        f"Means over {sweep.queries} queries. {knee} Milliseconds were measured once, "
        f"at the deepest pool ({sweep.ms_per_pair:.1f} ms a pair), and are taken to grow in step with the pairs."
    )
    frame = pd.DataFrame(
        [
            {
                "pool": one.depth,
                "nDCG@10": one.ndcg,
                "recall of the pool": one.pool_recall,
                "overlap at 10": one.overlap,
                "Kendall's τ": one.tau,
                "ms": one.ms,
            }
            for one in sweep.depths
        ]
    )
    offer_csv("Every depth as CSV", frame, "sweep.csv")


def _show_tiles(sweep: PoolSweep, depth: int) -> None:
    chosen = sweep.at(depth)
    tiles = (
        (
            "nDCG@10",
            f"{chosen.ndcg:.3f}",
            f"{chosen.ndcg - sweep.unreranked_ndcg:+.3f}",
            "0 to 1, higher is better; the arrow: against no reranking.",
        ),
        (
            "Recall ceiling",
            f"{chosen.pool_recall:.3f}",
            None,
            "The share of what is relevant that the pool holds: no order can find more of it.",
        ),
        (
            "Overlap at 10",
            f"{chosen.overlap:.1f}",
            None,
            "So many of the first ten hits are the same as without reranking.",
        ),
        ("Kendall's τ", f"{chosen.tau:+.2f}", None, "Over the pool: +1 the same order as before, −1 the reverse."),
        ("Milliseconds", f"{chosen.ms:,.0f}", None, "A query, first stage and pairs. Lower is better."),
    )
    for column, (name, value, delta, caption) in zip(st.columns(len(tiles)), tiles, strict=True):
        show_tile(column, name, value, caption, delta)


def show_cost(workspace: Workspace) -> None:
    """Draw the view 'Cost'."""
    st.caption(
        "Each system as a point: the higher the better, the further to the left the quicker. "
        "What is grey is beaten by another system in one of both, and better in none."
    )
    if (opened := choose_results(workspace)) is None:
        return
    experiment, results = opened
    for warning in results.warnings:
        show_warning(warning)
    measure = st.selectbox("Measure", list(results.measures), key="cost-measure", width=260)
    points = _points(experiment, experiment.id, measure)
    show_chart(cost_figure(points, measure), "cost-figure")
    st.caption(
        f"Bars up and down: where the mean of {measure} lies in 95 of 100 cases "
        f"(bootstrap over {len(results.qrels)} queries). "
        "Bars left and right: the middle half of the queries' milliseconds, "
        "measured here while the run was made, with everything that a system does for a query."
    )
    _show_points(points, measure)
    st.subheader("Table to take along", anchor=False)
    rows = table(results)
    offer_csv("CSV", as_csv(rows), "evaluation.csv")
    markdown, tex = st.columns(2, gap="large")
    with markdown:
        st.markdown("**Markdown**")
        st.code(as_markdown(rows), language="markdown")
    with tex:
        st.markdown("**LaTeX** (package booktabs)")
        st.code(as_latex(rows), language="latex")


@st.cache_resource(max_entries=16, show_spinner=False)
def _points(_experiment: Experiment, id_: str, measure: str) -> list[CostPoint]:  # noqa: ARG001 - the id is the cache's key
    return cost_points(results_of(_experiment), measure)


def _show_points(points: list[CostPoint], measure: str) -> None:
    rows = [
        {
            "system": one.system,
            measure: one.quality,
            "from": one.interval.low,
            "to": one.interval.high,
            "n": one.n,
            "ms (median)": one.ms,
            "ms (first quartile)": one.ms_low,
            "ms (third)": one.ms_high,
            "beaten": one.dominated,
        }
        for one in points
    ]
    number, ms = st.column_config.NumberColumn(format="%.4f"), st.column_config.NumberColumn(format="%.1f")
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key="cost-table",
        column_config={
            measure: number,
            "from": number,
            "to": number,
            "ms (median)": ms,
            "ms (first quartile)": ms,
            "ms (third)": ms,
            "beaten": st.column_config.CheckboxColumn(
                help="Another system is at least as good and at least as quick, and one of both more."
            ),
        },
    )
