"""Indexing runs as the Library page shows them: taken up after a restart, tried again, dismissed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.indexing._spool import Spool, queued_runs
from core.loading.sources import PathSource, Upload
from core.settings import Settings
from core.workspace import Workspace
from pages.ui.page import jobs

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    st.cache_resource.clear()
    yield
    finished()
    st.cache_resource.clear()


def finished() -> None:
    for job in jobs().all():
        job.wait(60)


def press(page: AppTest, label: str) -> None:
    next(button for button in page.button if button.label == label).click().run()
    finished()
    page.run()
    assert not page.exception


def test_a_run_is_taken_up_after_a_restart_and_what_failed_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, late = tmp_path / "data", tmp_path / "late.txt"
    monkeypatch.setenv("RANKSCOPE_DATA", str(data))
    workspace = Workspace.open(Settings(data))
    collection = workspace.open_or_create("colours")
    Spool.create(
        data, collection, [Upload("red.txt", b"Red is a colour."), PathSource(late, "late.txt")], "replace"
    ).release()
    page = AppTest.from_file(str(ROOT / "pages" / "library.py"), default_timeout=60).run()
    finished()
    page.run()
    assert not page.exception
    assert any(text.value == "colours: 1 failed, 1 indexed" for text in page.text)
    assert any(caption.value.startswith("1 chunk embedded. Taken up after a restart") for caption in page.caption)
    late.write_text("Blue is another.")
    press(page, "Retry 1 file")
    assert any(text.value == "colours: 2 indexed" for text in page.text)
    assert not any(button.label.startswith("Retry") for button in page.button)
    assert queued_runs(data) == []
    assert [document.name for document in workspace.documents(collection)] == ["late.txt", "red.txt"]
    press(page, "Dismiss")
    assert not any(text.value.startswith("colours:") for text in page.text)
    workspace.close()


def watched_script() -> None:
    """A page with a job that is over when it has been drawn, if the session says so."""
    import streamlit as st

    from core.background import IterableJob
    from pages.ui.jobs import show_progress, watch

    state = st.session_state
    state["runs"] = state.get("runs", 0) + 1
    job: IterableJob[int] = state.setdefault("job", IterableJob("a", list, 0))

    def draw(job: IterableJob[int]) -> None:
        if job.active:
            show_progress(job, "half of it", key="stop", title="Work", share=0.5)
            if state.get("ends"):
                job.finish("done")
        else:
            st.text(job.state)

    watch(
        lambda: [job],
        draw,
        on_end=lambda ended: state.update(ended=[job.key for job in ended]),
        postpone=lambda: bool(state.get("reading")),
    )


@pytest.mark.parametrize(("reading", "runs"), [(False, 2), (True, 1)])
def test_a_page_runs_again_once_when_a_watched_job_ends(reading: bool, runs: int) -> None:
    page = AppTest.from_function(watched_script)
    page.session_state["ends"], page.session_state["reading"] = True, reading
    page.run()
    assert not page.exception
    assert (page.session_state["runs"], "ended" in page.session_state) == (runs, not reading)
    if not reading:
        assert (page.session_state["ended"], [text.value for text in page.text]) == (["a"], ["done"])


def test_a_watched_job_has_a_button_to_cancel_it() -> None:
    page = AppTest.from_function(watched_script).run()
    assert (page.session_state["runs"], [text.value for text in page.text]) == (1, ["Work"])
    page.button(key="stop").click().run()
    assert not page.exception
    assert (page.session_state["job"].state, [text.value for text in page.text]) == ("cancelled", ["cancelled"])
    assert page.session_state["runs"] == 2
