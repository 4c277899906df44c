"""The Evaluate page as a visitor uses it, without a browser.

Tests that only look at results use experiments of fake models; tests that run something use the real ones.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.evaluation.experiments import experiments
from core.evaluation.jobs import EvaluationQueue
from core.evaluation.runner import Request
from core.samples.library import questions
from core.settings import Settings
from core.workspace import Workspace
from pages.ui.evaluate import runs
from pages.ui.page import literal
from tests.evaluation.test_experiments import QUERIES, filled, judge
from tests.support.fakes import FakeCrossEncoder, FakeEncoder
from tests.support.pages import address, opened, said

PAGE = "pages/evaluate.py"
SYSTEMS = ("bm25", "bi", "bi+cross", "hybrid+cross")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test has a server's memory of its own."""
    for name in ("RANKSCOPE_PRECISION", "RANKSCOPE_DEVICE", "RANKSCOPE_MODEL", "RANKSCOPE_RERANKER"):
        monkeypatch.delenv(name, raising=False)
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


@pytest.fixture(scope="module")
def fakes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection of fake models' vectors with two experiments, one of a deeper pool."""
    folder = tmp_path_factory.mktemp("evaluated") / "data"
    settings = Settings(folder, model="fake", reranker="fake-cross")
    opened_ = Workspace.open(
        settings, loader=lambda model: FakeEncoder(), reranker_loader=lambda model: FakeCrossEncoder()
    )
    judge(opened_, filled(opened_), {**QUERIES, "sea": {"e.txt": 2, "a.txt": 0}})
    filled(opened_, "unjudged", {"z.txt": "tree"})
    held = EvaluationQueue(opened_)
    for name, pool in (("first *try*", 3), ("second", 5)):
        held.start(Request(("tiny",), SYSTEMS, pool=pool, name=name)).wait(60)
    opened_.close()
    return folder


@pytest.fixture
def data(fakes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder."""
    folder = tmp_path / "data"
    shutil.copytree(fakes, folder)
    monkeypatch.setenv("RANKSCOPE_DATA", str(folder))
    return folder


def metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def charts(page: AppTest) -> int:
    return len(page.get("plotly_chart"))


def ids(data: Path) -> list[str]:
    return [one.id for one in experiments(data)[0]]


@pytest.mark.usefixtures("data")
def test_the_newest_experiment_is_shown_with_its_test_and_its_queries() -> None:
    page = opened(PAGE)
    means, luck, queries = (table.value for table in page.dataframe)
    assert list(means["system"]) == list(SYSTEMS)
    assert set(means["n"]) == {5}
    assert {"nDCG@10", "AP", "Judged@10", "ms per query"} <= set(means.columns)
    assert list(luck["system"]) == list(SYSTEMS[1:])
    assert set(luck["of"]) == {5}
    assert "- **bi**: better on " in "\n".join(text.value for text in page.markdown)
    assert list(queries["change"]) == sorted(queries["change"])
    assert sum(int(metrics(page)[f"Queries {verdict}"]) for verdict in ("helped", "hurt", "unchanged")) == 5
    assert literal("Only 5 queries are judged") in said(page)
    assert charts(page) == 1


@pytest.mark.usefixtures("data")
def test_another_baseline_and_measure_go_into_the_address() -> None:
    page = opened(PAGE)
    page.selectbox(key="against").set_value("bi").run()
    page.selectbox(key="measure").set_value("RR@10").run()
    assert not page.exception
    assert list(page.dataframe[1].value["system"]) == ["bm25", "bi+cross", "hybrid+cross"]
    assert (address(page)["against"], address(page)["measure"]) == (["bi"], ["RR@10"])
    again = opened(PAGE, **{name: value[0] for name, value in address(page).items()})
    assert list(again.dataframe[1].value["system"]) == ["bm25", "bi+cross", "hybrid+cross"]


@pytest.mark.usefixtures("data")
def test_a_query_that_was_hurt_can_be_opened_in_compare() -> None:
    page = opened(PAGE, against="bi", second="bi+cross")
    links = page.get("link_button")
    assert links
    addresses = [link.proto.url for link in links]
    assert [url for url in addresses if not (url.startswith("compare?collection=tiny&q=") and "deepest=5" in url)] == []


@pytest.mark.usefixtures("data")
def test_the_slider_tells_every_depth_from_one_run() -> None:
    page = opened(PAGE, look="Sweep")
    assert {"nDCG@10", "Recall ceiling", "Overlap at 10", "Kendall's τ", "Milliseconds"} == set(metrics(page))
    assert literal("A pool of 5 is no deeper than the 10 hits") in said(page)
    assert "pointless" in said(page)
    page.slider(key="sweep-depth").set_value(1).run()
    assert metrics(page)["Kendall's τ"] == "+1.00"
    page.slider(key="sweep-depth").set_value(4).run()
    page.number_input(key="sweep-hits").set_value(3).run()
    assert "pointless" not in said(page)
    assert charts(page) == 1


@pytest.mark.usefixtures("data")
def test_quality_against_cost_comes_with_tables_to_copy() -> None:
    page = opened(PAGE, look="Cost")
    assert charts(page) == 1
    assert list(page.dataframe[0].value["system"]) == list(SYSTEMS)
    markdown, latex = (code.value for code in page.code)
    assert markdown.startswith("| system | nDCG@10 |")
    assert latex.startswith("\\begin{tabular}{l")
    assert "\\toprule" in latex


def test_experiments_are_listed_and_deleted(data: Path) -> None:
    page = opened(PAGE, look="Experiments")
    assert list(page.dataframe[0].value["name"]) == ["second", "first *try*"]
    damaged = ids(data)[1]
    (data / "experiments" / damaged / "experiment.json").write_text("{")
    page = opened(PAGE, look="Experiments")
    assert list(page.dataframe[0].value["name"]) == ["second"]
    assert literal(damaged) in said(page)


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"look": "*b* <i>"}, "There is no view “*b* <i>” of this page"),
        ({"experiment": "../../etc"}, "There is no finished experiment “../../etc”"),
        ({"collection": "gone"}, "There is no collection “gone”"),
    ],
)
def test_an_unusable_address_is_explained(parameters: dict[str, str], message: str) -> None:
    page = opened(PAGE, **parameters)
    assert literal(message) in said(page)
    assert page.dataframe


@pytest.mark.usefixtures("data")
def test_a_collection_without_judgments_says_what_to_do() -> None:
    page = opened(PAGE, collection="unjudged")
    assert literal("Nothing is judged in unjudged") in said(page)
    assert not [button for button in page.button if button.label == "Run"]


@pytest.mark.usefixtures("data")
def test_a_run_whose_model_is_not_here_fails_with_a_reason() -> None:
    page = opened(PAGE, collection="tiny")
    next(button for button in page.button if button.label == "Run").click().run()
    for run in runs.evaluations(None).all():  # type: ignore[arg-type]  # kept: the argument is not looked at
        run.wait(60)
    page.run()
    assert literal("'fake'") in said(page)
    assert "tiny: 4 systems" in said(page).replace("\\", "")
    page.run()
    next(button for button in page.button if button.label == "Dismiss").click().run()
    assert literal("'fake'") not in said(page)


@pytest.mark.usefixtures("data")
def test_judging_is_a_view() -> None:
    page = opened(PAGE, look="Judge")
    assert "Type a query" in said(page)


def test_a_first_visit_evaluates_the_sample_library_by_itself(
    sample_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its index can be checked. With the real models, once."""
    folder = tmp_path / "data"
    shutil.copytree(sample_data, folder)
    monkeypatch.setenv("RANKSCOPE_DATA", str(folder))
    assert (runs.FIRST_LOOK.queries, len(questions())) == (None, 72)
    monkeypatch.setattr(runs, "FIRST_LOOK", replace(runs.FIRST_LOOK, queries=10))  # quicker
    page = opened(PAGE)
    (run,) = runs.evaluations(None).all()  # type: ignore[arg-type]  # the cached resource ignores its argument
    run.wait(300)
    assert (run.experiment.state, run.experiment.error) == ("done", "")
    page = opened(PAGE)
    assert list(page.dataframe[0].value["system"]) == ["bm25", "bi", "hybrid", "bi+cross"]
    assert set(page.dataframe[0].value["n"]) == {10}
    assert len(ids(folder)) == 1  # it is made once
    page = opened(PAGE, look="Index")
    page.toggle(key="index-judged").set_value(False).run()
    page.text_area(key="index-queries").set_value("the hottest planet\nwho invented the telephone").run()
    next(button for button in page.button if button.label.startswith("Check with 2")).click().run()
    page.session_state["index-task"].wait(120)
    page.run()
    assert not page.exception
    assert metrics(page)["Recall@10"] == "100.0%"
    assert list(page.dataframe[-1].value["ef_search"]) == [10, 20, 50, 100, 200, 400, 800]
