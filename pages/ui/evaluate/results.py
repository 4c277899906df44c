"""The view 'Results' of the Evaluate page: means, significance of the differences, and each query's values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from urllib.parse import urlencode

import pandas as pd
import streamlit as st
from streamlit.errors import StreamlitPageNotFoundError

from core.errors import CollectionNotFound
from core.evaluation.experiments import Experiment
from core.evaluation.plots import changes_figure
from core.evaluation.results import Results
from core.evaluation.significance import Change
from core.evaluation.systems import parse_system
from core.records.search import Collection
from core.util.formatting import clip, plural
from core.workspace import Workspace
from pages.ui.downloads import offer_csv
from pages.ui.evaluate.runs import against, choose_results, show_form, show_running
from pages.ui.page import literal, show_chart, show_info, show_warning

MAX_LINKED = 5  # queries, the most hurt ones, with a link to Compare
TOP = 10  # ranks shown of a query
LABEL_LENGTH = 70  # characters


def show_results(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Draw the view."""
    with st.expander("New run", icon=":material/add:"):
        show_form(workspace, collections)
    show_running(workspace)
    if (opened := choose_results(workspace)) is None:
        return
    experiment, results = opened
    for warning in (*results.warnings, *results.notes):
        show_warning(warning)
    show_means(experiment, results)
    if len(results.systems) < 2:
        show_info(
            "One system alone cannot be compared: add another in a new run, "
            "to see whether a difference is more than luck."
        )
        return
    first, measure = _choose_baseline(results)
    _show_significance(experiment, first, measure)
    _show_queries(workspace, experiment, results, first, measure)


def means_frame(results: Results) -> pd.DataFrame:
    """Return a row for each system: means, number of queries, milliseconds per query."""
    rows = []
    for system in results.systems:
        means = {measure: results.mean(system, measure).mean for measure in results.measures}
        rows.append(
            {"system": system, **means, "n": len(results.qrels), "ms per query": results.runs[system].ms_per_query}
        )
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
                format="%.1f",
                help="Mean milliseconds, with everything that the system does for a query. Lower is better.",
            ),
        },
    )
    split = (experiment.facts or {}).get("split")
    spans = any(":" in unit for grades in results.qrels.values() for unit in grades)
    judged = (
        "spans are judged: a chunk counts for the spans that it holds"
        if spans
        else "whole documents are judged: a chunk counts for its document, at its best rank"
    )
    st.caption(
        f"Means over {plural(len(results.qrels), 'judged query', 'judged queries')} (judgments: "
        f"{split}); {judged}. Of every measure higher is better, 1 is the most."
    )


def _choose_baseline(results: Results) -> tuple[str, str]:
    """Draw the choice of the system to compare with and of the measure; return both."""
    st.subheader("Is it luck?", anchor=False)
    one, two, _ = st.columns([2, 2, 3], vertical_alignment="bottom")
    if st.session_state.get("against") not in results.systems:
        st.session_state["against"] = results.systems[0]
    if st.session_state.get("measure") not in results.measures:
        st.session_state["measure"] = results.measures[0]
    first = one.selectbox("Compared with", list(results.systems), key="against", persist_state="session")
    measure = two.selectbox("By", list(results.measures), key="measure", persist_state="session")
    return first, measure


def _show_significance(experiment: Experiment, first: str, measure: str) -> None:
    """Draw the paired comparison of every other system with ``first``."""
    comparisons = against(experiment, first, measure)
    rows = [
        {
            "system": name,
            "difference": one.difference,
            "from": one.interval.low,
            "to": one.interval.high,
            "p": one.p,
            "more than luck": one.significant,
            "effect": f"{one.size}" + ("" if one.d is None else f" (d = {one.d:+.2f})"),
            "better on": one.better,
            "worse on": one.worse,
            "of": one.n,
        }
        for name, one in comparisons.items()
    ]
    signed = st.column_config.NumberColumn(format="%+.4f")
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key="luck",
        column_config={
            "difference": st.column_config.NumberColumn(
                format="%+.4f", help=f"Of the means of {measure}; above 0 is better than {first}."
            ),
            "from": signed,
            "to": signed,
            "p": st.column_config.NumberColumn(
                format="%.4f", help="Paired randomisation test, two-sided, corrected for the number of systems (Holm)."
            ),
            "more than luck": st.column_config.CheckboxColumn(help="p below 0.05."),
            "of": st.column_config.NumberColumn(help="Judged queries."),
        },
    )
    st.markdown("\n".join(f"- **{literal(name)}**: {one.words}." for name, one in comparisons.items()))
    st.caption(
        f"Each system against {literal(first)}, query by query. "
        "*From … to* holds the true difference in 95 of 100 cases (bootstrap over the queries). "
        f"p says how often luck alone makes a difference this large, "
        f"corrected for {plural(len(comparisons), 'comparison')}. "
        "d is the difference in units of its own spread."
    )


def _show_queries(workspace: Workspace, experiment: Experiment, results: Results, first: str, measure: str) -> None:
    """Draw how a second system changed each query's value, the most hurt queries first."""
    st.subheader("Query by query", anchor=False)
    others = [system for system in results.systems if system != first]
    if st.session_state.get("second") not in others:
        st.session_state["second"] = others[-1]
    second = st.selectbox("What this system changed", others, key="second", persist_state="session", width=320)
    changes = results.changes(first, second, measure)
    counts = pd.Series([change.verdict for change in changes], dtype=str).value_counts()
    columns = st.columns(3)
    for column, verdict in zip(columns, ("helped", "hurt", "unchanged"), strict=True):
        column.metric(f"Queries {verdict}", int(counts.get(verdict, 0)))
    show_chart(changes_figure(changes, results.queries, measure), "changes")
    hurt = [change for change in changes if change.verdict == "hurt"][:MAX_LINKED]
    if hurt:
        st.markdown(f"**Hurt most** by {literal(second)}: open one in Compare")
    for change in hurt:
        _link_to_compare(experiment, results, change, second)
    _show_query_table(workspace, experiment, results, changes, (first, second), measure)


def _link_to_compare(experiment: Experiment, results: Results, change: Change, second: str) -> None:
    """Draw a link to Compare with that query, at the same pool."""
    system = parse_system(second, experiment.request.pool, experiment.request.corpora)
    text = results.queries[change.query]
    parameters = {
        "collection": system.corpus,
        "q": text,
        "view": "One query",
        **({"deepest": str(max(2, system.pool))} if system.pool else {}),
    }
    label = f"{change.difference:+.3f} · {literal(clip(text, LABEL_LENGTH))}"
    try:
        st.page_link("pages/compare.py", label=label, icon=":material/compare_arrows:", query_params=parameters)
    except StreamlitPageNotFoundError:  # this page was opened without app.py, so that Streamlit knows no other
        st.link_button(label, f"compare?{urlencode(parameters)}", icon=":material/compare_arrows:", type="tertiary")


def _show_query_table(
    workspace: Workspace,
    experiment: Experiment,
    results: Results,
    changes: list[Change],
    systems: tuple[str, str],
    measure: str,
) -> None:
    st.caption(
        "Hurt most first; click a column to sort by it. **Tick a row to see what both systems found for that query.**"
    )
    first, second = systems
    frame = pd.DataFrame(
        [
            {
                "query": results.queries[one.query],
                first: one.before,
                second: one.after,
                "change": one.difference,
                "verdict": one.verdict,
                "id": one.query,
            }
            for one in changes
        ],
        columns=["query", first, second, "change", "verdict", "id"],
    )
    number = st.column_config.NumberColumn(format="%.3f")
    event = st.dataframe(
        frame,
        hide_index=True,
        height=360,
        on_select="rerun",
        selection_mode="single-row",
        key="query-table",
        column_config={
            "query": st.column_config.TextColumn(width="large"),
            first: number,
            second: number,
            "change": st.column_config.NumberColumn(format="%+.3f", help=f"Of {measure}; above 0 is better."),
        },
    )
    offer_csv("Queries as CSV", frame, "queries.csv")
    if event.selection.rows and event.selection.rows[0] < len(changes):
        with st.container(border=True):
            _show_query(workspace, experiment, results, changes[event.selection.rows[0]], systems)


def _show_query(
    workspace: Workspace, experiment: Experiment, results: Results, change: Change, systems: tuple[str, str]
) -> None:
    """Draw both systems' rankings of a query, with the grades."""
    st.markdown(f"#### {literal(results.queries[change.query])}")
    _link_to_compare(experiment, results, change, systems[1])
    grades = results.qrels[change.query]
    rankings = [results.runs[system].ranking.get(change.query, [])[:TOP] for system in systems]
    names = _unit_names(
        workspace, experiment.request.corpora, [*grades, *(unit for ranking in rankings for unit in ranking)]
    )
    rows = []
    for rank in range(max(map(len, rankings), default=0)):
        row: dict[str, object] = {"rank": rank + 1}
        for system, ranking in zip(systems, rankings, strict=True):
            unit = ranking[rank] if rank < len(ranking) else None
            row[system] = "" if unit is None else names[unit]
            row[f"grade, {system}"] = None if unit is None else grades.get(unit)
        rows.append(row)
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="query-ranks")
    relevant = sorted((unit for unit, grade in grades.items() if grade > 0), key=lambda unit: (-grades[unit], unit))
    listed = ", ".join(f"{names[unit]} (grade {grades[unit]})" for unit in relevant[:TOP]) or "none"
    st.caption(f"Relevant are: {literal(listed)}. No grade: nobody judged it.")


def _unit_names(workspace: Workspace, collections: Sequence[str], units: Iterable[str]) -> dict[str, str]:
    """Return a name for each judged or retrieved unit: its document's name, with the span of a span or chunk."""
    existing, named = [], {}
    for name in collections:
        with suppress(CollectionNotFound):  # deleted since the run
            existing.append(workspace.store.collection(name))
    names = {
        id_: name for collection in existing for id_, name in workspace.document_store.names(collection.key).items()
    }
    for unit in units:
        document, _, span = unit.partition(":")
        named[unit] = (
            f"{names[document]}, {span.replace('-', ' to ')}" if span and document in names else names.get(document, "")
        )
    chunks = [unit for unit, name in named.items() if not name and ":" not in unit]
    for collection in existing:
        batch = workspace.store.chunks_by_id(collection, chunks) if chunks else None
        for id_, metadata in zip(batch.ids, batch.metadatas, strict=True) if batch else ():
            named[id_] = f"{metadata.get('document')}, {metadata.get('start')} to {metadata.get('end')}"
    return {unit: name or "not here any more" for unit, name in named.items()}
