"""Quality against cost, and the table to take along."""

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
from pages.ui.downloads import frame_csv
from pages.ui.evaluate.runs import answers_of, choose_experiment, results_of
from pages.ui.page import show_error, show_info, show_warning

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
        show_info(
            "Nothing was reranked in this experiment: run one with a system such as bi+cross, at the deepest pool that you would think of."
        )
        return
    one, two, _ = st.columns([2, 1, 2], vertical_alignment="bottom")
    name = one.selectbox("First stage", list(reranked), key="sweep-stage")
    hits = int(
        two.number_input("Hits looked at", 1, MOST_HITS, 10, key=HITS, help="How many hits a person sees of the list.")
    )
    try:
        found = _sweep(experiment, reranked[name])
    except RankscopeError as error:
        show_error(error)
        return
    _show(found, hits)


def _reranked(experiment: Experiment) -> dict[str, System]:
    """The stages that were reranked, by their names, each with its deepest system."""
    systems = [
        parse_system(name, experiment.request.pool, experiment.request.corpora) for name in experiment.request.systems
    ]
    found: dict[str, System] = {}
    for system in sorted((system for system in systems if system.reranking), key=lambda system: system.pool):
        found[f"{system.corpus}: {system.stage}" if len(experiment.request.corpora) > 1 else system.stage] = system
    return found


def _sweep(experiment: Experiment, system: System) -> PoolSweep:
    return _computed(experiment, experiment.id, system.corpus, system.stage)


@st.cache_resource(max_entries=8, show_spinner="Looking at every depth…")
def _computed(_experiment: Experiment, id_: str, corpus: str, stage: str) -> PoolSweep:  # noqa: ARG001 - the id is the cache's key
    return sweep_pool(
        stage, [answer for answer in answers_of(_experiment) if answer.corpus == corpus], results_of(_experiment).qrels
    )


def _show(found: PoolSweep, hits: int) -> None:
    deepest = found.deepest.depth
    if deepest < 2:
        show_info("Only one candidate of each query was reranked: there is nothing to choose. Run with a deeper pool.")
        return
    usual = found.knee.depth if found.knee and found.knee.depth > hits else deepest
    st.session_state[DEPTH] = min(max(1, int(st.session_state.get(DEPTH, usual))), deepest)
    depth = int(
        st.slider(
            "Pool",
            1,
            deepest,
            key=DEPTH,
            persist_state="session",
            help="How many of the first stage's candidates the cross-encoder reads.",
        )
    )
    words = found.summary(depth, hits)
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
                "recall of the pool": one.pool_recall,
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


def _tiles(found: PoolSweep, depth: int) -> None:
    there = found.at(depth)
    tiles = (
        (
            "nDCG@10",
            f"{there.ndcg:.3f}",
            f"{there.ndcg - found.unreranked_ndcg:+.3f}",
            "0 to 1, higher is better; the arrow: against no reranking.",
        ),
        (
            "Recall ceiling",
            f"{there.pool_recall:.3f}",
            None,
            "The share of what is relevant that the pool holds: no order can find more of it.",
        ),
        (
            "Overlap at 10",
            f"{there.overlap:.1f}",
            None,
            "So many of the first ten hits are the same as without reranking.",
        ),
        ("Kendall's τ", f"{there.tau:+.2f}", None, "Over the pool: +1 the same order as before, −1 the reverse."),
        ("Milliseconds", f"{there.ms:,.0f}", None, "A query, first stage and pairs. Lower is better."),
    )
    for column, (name, value, delta, said) in zip(st.columns(len(tiles)), tiles, strict=True):
        with column.container(border=True, height="stretch"):
            st.metric(name, value, delta)
            st.caption(said)


def show_cost(workspace: Workspace) -> None:
    """Draw the view."""
    st.caption(
        "Each system as a point: the higher the better, the further to the left the quicker. "
        "What is grey is beaten by another system in one of both, and better in none."
    )
    experiment = choose_experiment(workspace)
    if experiment is None:
        return
    try:
        results = results_of(experiment)
    except RankscopeError as error:
        show_error(error)
        return
    for warning in results.warnings:
        show_warning(warning)
    measure = st.selectbox("Measure", list(results.measures), key="cost-measure", width=260)
    found = _points(experiment, experiment.id, measure)
    st.plotly_chart(cost_figure(found, measure), key="cost-figure", config={"displayModeBar": False})
    st.caption(
        f"Bars up and down: where the mean of {measure} lies in 95 of 100 cases (bootstrap over {len(results.qrels)} queries). "
        "Bars left and right: the middle half of the queries' milliseconds, "
        "measured here while the run was made, with everything that a system does for a query."
    )
    _frame(found, measure)
    st.subheader("Table to take along", anchor=False)
    rows = table(results)
    st.download_button(
        "CSV",
        as_csv(rows).encode("utf-8-sig"),
        "evaluation.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
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


def _frame(found: list[CostPoint], measure: str) -> None:
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
        for one in found
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
