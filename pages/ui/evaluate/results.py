"""The table of a run, what is more than luck in it, and its queries one by one."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from core.errors import RankscopeError
from core.evaluation.experiments import Experiment
from core.evaluation.results import Results
from core.records.search import Collection
from core.util.formatting import plural
from core.workspace import Workspace
from pages.ui._part_notices import literal, show_error, show_info, show_warning
from pages.ui.evaluate._part_evaluate_form import show_form
from pages.ui.evaluate._part_evaluate_queries import show_queries
from pages.ui.evaluate.runs import against, choose_experiment, results_of, show_running


def show_results(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Draw the view."""
    with st.expander("New run", icon=":material/add:"):
        show_form(workspace, collections)
    show_running(workspace)
    experiment = choose_experiment(workspace)
    if experiment is None:
        return
    try:
        results = results_of(experiment)
    except RankscopeError as error:
        show_error(error)
        return
    for warning in (*results.warnings, *results.notes):
        show_warning(warning)
    show_means(experiment, results)
    if len(results.systems) < 2:
        show_info("One system alone cannot be compared: add another in a new run, to see whether a difference is more than luck.")
        return
    first, measure = _choose(results)
    _show_luck(experiment, first, measure)
    show_queries(workspace, experiment, results, first, measure)


def means_frame(results: Results) -> pd.DataFrame:
    """Return a line for each system: means, queries, milliseconds."""
    rows = []
    for system in results.systems:
        means = {measure: results.mean(system, measure).mean for measure in results.measures}
        rows.append({"system": system, **means, "n": len(results.qrels), "ms per query": results.runs[system].ms_per_query})
    return pd.DataFrame(rows)


def show_means(experiment: Experiment, results: Results, key: str = "means") -> None:
    """Draw the table of means."""
    st.dataframe(
        means_frame(results),
        hide_index=True,
        key=key,
        column_config={
            **{measure: st.column_config.NumberColumn(format="%.4f") for measure in results.measures},
            "n": st.column_config.NumberColumn(help="Judged queries; one without results counts as 0."),
            "ms per query": st.column_config.NumberColumn(
                format="%.1f", help="Mean milliseconds, with everything that the system does for a query. Lower is better."
            ),
        },
    )
    split = (experiment.facts or {}).get("split")
    judged = (
        "whole documents are judged: a chunk counts for its document, at its best rank"
        if not _spans(results)
        else "spans are judged: a chunk counts for the spans that it holds"
    )
    st.caption(
        f"Means over {plural(len(results.qrels), 'judged query', 'judged queries')} (judgments: "
        f"{split}); {judged}. Of every measure higher is better, 1 is the most."
    )


def _spans(results: Results) -> bool:
    return any(":" in unit for grades in results.qrels.values() for unit in grades)


def _choose(results: Results) -> tuple[str, str]:
    st.subheader("Is it luck?", anchor=False)
    one, two, _ = st.columns([2, 2, 3], vertical_alignment="bottom")
    if st.session_state.get("against") not in results.systems:
        st.session_state["against"] = results.systems[0]
    if st.session_state.get("measure") not in results.measures:
        st.session_state["measure"] = results.measures[0]
    first = one.selectbox("Compared with", list(results.systems), key="against", persist_state="session")
    measure = two.selectbox("By", list(results.measures), key="measure", persist_state="session")
    return first, measure


def _show_luck(experiment: Experiment, first: str, measure: str) -> None:
    found = against(experiment, first, measure)
    rows = [
        {
            "system": name,
            "difference": one.difference,
            "from": one.interval.low,
            "to": one.interval.high,
            "p": one.p,
            "more than luck": one.more_than_luck,
            "effect": f"{one.size}" + ("" if one.d is None else f" (d = {one.d:+.2f})"),
            "better on": one.better,
            "worse on": one.worse,
            "of": one.n,
        }
        for name, one in found.items()
    ]
    signed = st.column_config.NumberColumn(format="%+.4f")
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key="luck",
        column_config={
            "difference": st.column_config.NumberColumn(format="%+.4f", help=f"Of the means of {measure}; above 0 is better than {first}."),
            "from": signed,
            "to": signed,
            "p": st.column_config.NumberColumn(
                format="%.4f", help="Paired randomisation test, two-sided, corrected for the number of systems (Holm)."
            ),
            "more than luck": st.column_config.CheckboxColumn(help="p below 0.05."),
            "of": st.column_config.NumberColumn(help="Judged queries."),
        },
    )
    st.markdown("\n".join(f"- **{literal(name)}**: {one.words}." for name, one in found.items()))
    st.caption(
        f"Each system against {literal(first)}, query by query. "
        "*From … to* holds the true difference in 95 of 100 cases (bootstrap over the queries). "
        f"p says how often luck alone makes a difference this large, corrected for {plural(len(found), 'comparison')}. "
        "d is the difference in units of its own spread."
    )
