"""The address and the widgets, where the browser and the page have not heard of one another yet."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui.url_state import _parsed


def script() -> None:
    import streamlit as st

    from pages.ui.url_state import read_address, write_address

    read_address({"q": "", "collection": ""})
    st.text_input("Query", key="q")
    st.text_input("Collection", key="collection")
    write_address({"q": "", "collection": ""})


@pytest.fixture
def page() -> AppTest:
    """A page whose visitor asked "sea" of one collection, then of another."""
    page = AppTest.from_function(script)
    page.run()
    page.text_input("q").set_value("sea")
    page.text_input("collection").set_value("one").run()
    page.text_input("collection").set_value("two").run()
    assert address(page) == {"q": "sea", "collection": "two"}
    return page


def address(page: AppTest) -> dict[str, str]:
    return {key: value if isinstance(value, str) else value[-1] for key, value in dict(page.query_params).items()}


def shown(page: AppTest) -> tuple[str | None, str | None]:
    return page.text_input("q").value, page.text_input("collection").value


def test_the_way_back_leads_to_the_address_before(page: AppTest) -> None:
    page.query_params["collection"] = "one"
    page.run()
    assert shown(page) == ("sea", "one")


def test_a_query_that_was_typed_before_the_browser_had_our_address_is_not_lost(page: AppTest) -> None:
    page.query_params["collection"] = "one"  # what the browser still has
    page.text_input("q").set_value("moon").run()
    assert shown(page) == ("moon", "two")
    assert address(page) == {"q": "moon", "collection": "two"}


def test_an_address_that_was_typed_goes_before_what_a_widget_says(page: AppTest) -> None:
    page.query_params["q"] = "tide"
    page.text_input("q").set_value("moon").run()
    assert shown(page) == ("tide", "two")


def test_a_run_that_ends_as_soon_as_the_browser_is_told_leaves_the_address_known(
    monkeypatch: pytest.MonkeyPatch, page: AppTest
) -> None:
    from streamlit.runtime.state import QueryParamsProxy

    def cut_off(self: QueryParamsProxy, params: dict[str, list[str]]) -> None:
        written(self, params)
        raise RuntimeError("the next run has begun")

    written = QueryParamsProxy.from_dict
    with monkeypatch.context() as patched:
        patched.setattr(QueryParamsProxy, "from_dict", cut_off)
        page.text_input("collection").set_value("three").run()
    page.text_input("q").set_value("moon").run()
    assert shown(page) == ("moon", "three")


@pytest.mark.parametrize(
    ("found", "default", "value"),
    [
        ([], 10, None),
        (["7"], 10, 7),
        (["1", "7"], 10, 7),
        (["-3"], 10, -3),
        (["9999"], 10, 9999),
        (["many"], 10, None),
        (["1.5"], 10, None),
        ([""], 10, None),
        (["9" * 5000], 10, None),
        (["7\n"], 10, None),
        ([], "x", None),
        ([""], "x", ""),
        (["a", "b"], "x", "b"),
        ([], ["d"], []),
        (["a", "b"], ["d"], ["a", "b"]),
    ],
)
def test_a_parameter_of_the_address(found: list[str], default: str | int | list[str], value: object) -> None:
    assert _parsed(found, default) == value


def two_views() -> None:
    import streamlit as st

    from pages.ui.collection_picker import choose_view
    from pages.ui.url_state import read_address, write_address

    first = st.session_state.get("first", True)
    read_address({"view": "A" if first else "B"})
    choose_view(["A", "C"] if first else ["B", "D"])
    write_address({"view": "A" if first else "B"})


def test_another_page_has_its_first_view_without_a_warning_whatever_the_browser_still_sends() -> None:
    page = AppTest.from_function(two_views)
    page.query_params["view"] = "C"
    page.run()
    page.session_state["first"] = False
    page.run()
    assert (page.session_state["view"], list(page.warning)) == ("B", [])
    page.query_params["view"] = "X"
    page.run()
    assert [warning.value.startswith("There is no view “X” of this page") for warning in page.warning] == [True]
