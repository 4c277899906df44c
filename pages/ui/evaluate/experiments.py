"""The view 'Experiments' of the Evaluate page: all runs made, to compare, resume, download and delete."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from html import escape

import pandas as pd
import streamlit as st

from core.errors import RankscopeError
from core.evaluation.experiments import Experiment
from core.evaluation.plots import changes_figure
from core.evaluation.results import compare_experiments
from core.workspace import Workspace
from pages.ui.downloads import offer_download
from pages.ui.evaluate.results import show_means
from pages.ui.evaluate.runs import evaluations, readable_experiments, results_of, show_running
from pages.ui.html import table_html
from pages.ui.page import literal, show_chart, show_error, show_info, show_warning

MAX_OPEN = 4  # experiments side by side


def show_experiments(workspace: Workspace) -> None:
    """Draw the view."""
    st.caption(
        "Every run is kept with its settings, models and revisions, a hash of its data, each query's values, "
        "and TREC run files. **Tick two or more to see them side by side.**"
    )
    show_running(workspace)
    rows = readable_experiments(workspace)
    if not rows:
        show_info("There is no experiment yet: the view Results runs one.")
        return
    event = st.dataframe(
        _frame(rows), hide_index=True, on_select="rerun", selection_mode="multi-row", key="experiments-table"
    )
    chosen = [rows[row] for row in event.selection.rows if row < len(rows)][:MAX_OPEN]
    if not chosen:
        return
    columns = st.columns(len(chosen), gap="large")
    for column, experiment in zip(columns, chosen, strict=True):
        with column:
            _show_experiment(workspace, experiment)
    done = [experiment for experiment in chosen if experiment.state == "done"]
    if len(done) > 1:
        _compare(done[0], done[1])


def _frame(experiments: list[Experiment]) -> pd.DataFrame:
    rows = [
        {
            "name": one.name,
            "made (UTC)": one.created[:16].replace("T", " "),
            "collections": ", ".join(one.request.corpora),
            "systems": ", ".join(one.request.systems),
            "pool": one.request.pool,
            "state": one.state,
            "data": one.data[:8],
            "note": one.request.note,
        }
        for one in experiments
    ]
    return pd.DataFrame(rows)


def _show_experiment(workspace: Workspace, experiment: Experiment) -> None:
    st.markdown(f"#### {literal(experiment.name)}")
    st.html(table_html([(escape(name), escape(value)) for name, value in _facts(experiment).items()]))
    if experiment.error:
        show_error(experiment.error)
    if experiment.state == "done":
        try:
            show_means(experiment, results_of(experiment), f"means-{experiment.id}")
            _offer_files(experiment)
        except RankscopeError as error:
            show_error(error)
    _buttons(workspace, experiment)


def _facts(experiment: Experiment) -> dict[str, str]:
    """Return what an experiment records of its data and models, as texts."""
    recorded = experiment.facts or {}
    texts = {
        "state": experiment.state,
        "made": f"{experiment.created[:19].replace('T', ' ')} UTC",
        "judgments": str(recorded.get("split") or "–"),
        "data": experiment.data[:12] or "–",
    }
    for name, made in (recorded.get("collections") or {}).items():
        chunking = " ".join(map(str, made["chunking"]))
        texts[name] = (
            f"{made['model']} {str(made['revision'])[:8]}, {made['metric']}, "
            f"chunks {chunking}, {made['units']:,} chunks"
        )
    if reranker := recorded.get("reranker"):
        texts["cross-encoder"] = f"{reranker['model']} {str(reranker['revision'])[:8]}, pool {experiment.request.pool}"
    return {**texts, **({"note": experiment.request.note} if experiment.request.note else {})}


def _offer_files(experiment: Experiment) -> None:
    offer_download(
        "TREC runs and qrels",
        lambda: _zip_runs(experiment),
        f"{experiment.id}.zip",
        "application/zip",
        key=f"files-{experiment.id}",
        help="ir_measures and trec_eval give the same figures on these.",
    )


def _zip_runs(experiment: Experiment) -> bytes:
    """Return an experiment's run files and judgments as a ZIP."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((experiment.folder / "runs").iterdir()):
            archive.write(path, path.name)
    return data.getvalue()


def _buttons(workspace: Workspace, experiment: Experiment) -> None:
    with st.container(horizontal=True):
        if experiment.state in ("cancelled", "failed") and st.button(
            "Go on", key=f"again-{experiment.id}", icon=":material/play_arrow:", help="What was answered is kept."
        ):
            _try_to(lambda: evaluations(workspace).restart(experiment.id))
        with st.popover("Delete", icon=":material/delete:"):
            st.caption("Its figures and run files are gone for good.")
            if st.button("Delete this experiment", key=f"delete-{experiment.id}", type="primary"):
                _try_to(lambda: evaluations(workspace).delete(experiment.id))


def _try_to(step: Callable[[], object]) -> None:
    try:
        step()
    except RankscopeError as error:
        show_error(error)
    else:
        st.rerun()


def _compare(one: Experiment, other: Experiment) -> None:
    st.subheader("Side by side", anchor=False)
    first, second = results_of(one), results_of(other)
    measures = [measure for measure in first.measures if measure in second.measures]
    if not measures:
        show_info("These two experiments have no measure in common.")
        return
    left, middle, right = st.columns(3)
    before = left.selectbox(
        f"System of {one.name}", list(first.systems), index=len(first.systems) - 1, key="side-first"
    )
    after = middle.selectbox(
        f"System of {other.name}", list(second.systems), index=len(second.systems) - 1, key="side-second"
    )
    measure = right.selectbox("By", measures, key="side-measure")
    try:
        comparison = compare_experiments(first, before, second, after, measure, one.data == other.data)
    except RankscopeError as error:
        show_error(error)
        return
    if not comparison.same_data:
        show_warning(
            "The two experiments were made on other documents, chunks or judgments: "
            "a difference may come from those as well as from the systems."
        )
    paired = comparison.paired
    st.metric(f"{measure}: {after} against {before}", f"{paired.after:.4f}", f"{paired.difference:+.4f}")
    left_out = f" {comparison.left_out} queries that only one of them has are left out." if comparison.left_out else ""
    st.caption(
        f"On the {comparison.common} queries that both have: {paired.words}. "
        f"The true difference lies between {paired.interval.low:+.4f} and {paired.interval.high:+.4f} "
        f"in 95 of 100 cases.{left_out}"
    )
    show_chart(changes_figure(comparison.changes, first.queries, measure), "side-changes")
