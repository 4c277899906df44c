"""Quality against cost, and the table to take along."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.errors import RankscopeError
from core.evaluation.cost import Point, as_csv, as_latex, as_markdown, points, table
from core.evaluation.experiments import Experiment
from core.evaluation.plots import cost_figure
from core.workspace import Workspace
from pages.ui._part_notices import show_error, show_warning
from pages.ui.evaluate.runs import choose_experiment, results_of


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
    st.download_button("CSV", as_csv(rows).encode("utf-8-sig"), "evaluation.csv", "text/csv", icon=":material/download:", on_click="ignore")
    markdown, tex = st.columns(2, gap="large")
    with markdown:
        st.markdown("**Markdown**")
        st.code(as_markdown(rows), language="markdown")
    with tex:
        st.markdown("**LaTeX** (package booktabs)")
        st.code(as_latex(rows), language="latex")


@st.cache_resource(max_entries=16, show_spinner=False)
def _points(_experiment: Experiment, id_: str, measure: str) -> list[Point]:  # noqa: ARG001 - the id is the cache's key
    return points(results_of(_experiment), measure)


def _frame(found: list[Point], measure: str) -> None:
    rows = [
        {
            "system": one.system,
            measure: one.quality,
            "from": one.interval.low,
            "to": one.interval.high,
            "n": one.n,
            "ms (median)": one.ms,
            "ms (first quartile)": one.quick,
            "ms (third)": one.slow,
            "beaten": one.beaten,
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
            "beaten": st.column_config.CheckboxColumn(help="Another system is at least as good and at least as quick, and one of both more."),
        },
    )
