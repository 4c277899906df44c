"""Filters by metadata on the Search page: in the address, in widgets, and taken off."""

from __future__ import annotations

import pytest

from core.records.document import Value
from core.records.filters import FieldValue, Filter, group_fields
from pages.ui.filters import range_filter, widget_value
from pages.ui.page import literal
from tests.support.pages import FILES, html, opened, press, said


@pytest.mark.usefixtures("home_data")
@pytest.mark.parametrize(
    ("where", "found"),
    [
        (["author=Jane Doe"], ["kettle.html"]),
        (["date>=2015"], ["kettle.html", "bike2.html"]),
        (["author in John Roe,Ann Poe", "date<=2012"], ["bike.html"]),
    ],
)
def test_an_address_filters_the_hits(where: list[str], found: list[str]) -> None:
    page = opened("pages/search.py", q="tyres", collection="home", where=where)
    cards = html(page, "rs-hit")
    assert sorted(name for name in FILES if any(f">{name}<" in card for card in cards)) == sorted(found)
    assert len(cards) == len(found)
    kept = page.query_params["where"]
    assert ([kept] if isinstance(kept, str) else kept) == where
    assert said(page) == ""


@pytest.mark.usefixtures("home_data")
def test_a_filter_is_chosen_by_widgets_and_taken_off() -> None:
    page = opened("pages/search.py", q="tyres", collection="home", where=["author=Jane Doe"])
    author = next(widget for widget in page.multiselect if widget.label == "author")
    assert author.value == ["Jane Doe"]
    author.set_value(["Jane Doe", "Ann Poe"]).run()
    assert page.session_state["where"] == ["author in Jane Doe,Ann Poe"]
    assert len(html(page, "rs-hit")) == 2
    assert any("<i>author</i> Ann Poe" in card for card in html(page, "rs-hit"))
    page.multiselect(key="where-fields").set_value(["author", "date"]).run()
    assert [widget.label for widget in page.date_input] == ["date"]
    assert page.session_state["where"] == ["author in Jane Doe,Ann Poe"]
    page.multiselect(key="where-fields").set_value(["date"]).run()
    assert page.session_state["where"] == []
    assert len(html(page, "rs-hit")) == 3


@pytest.mark.usefixtures("home_data")
def test_an_empty_result_names_the_filter_and_offers_to_search_without_it() -> None:
    page = opened("pages/search.py", q="tyres", collection="home", where=["author=Nobody", "author!=Jane Doe"])
    assert literal(
        "No chunk was found whose metadata fits the filter: author is Nobody, and author is not Jane Doe"
    ) in said(page)
    press(page, "Search without the filter")
    assert len(html(page, "rs-hit")) == 3


@pytest.mark.usefixtures("home_data")
def test_an_unusable_filter_of_an_address_is_explained_and_dropped() -> None:
    page = opened("pages/search.py", q="tyres", collection="home", where=["colour=red", "author>=M"])
    assert literal("There is no metadata field 'colour'") in said(page)
    assert literal("author holds words") in said(page)
    assert len(html(page, "rs-hit")) == 3
    assert page.session_state["where"] == []


BOOKS: list[dict[str, Value]] = [
    {"year": 2000, "date": "2000-01-15", "kind": "a"},
    {"year": 2010, "date": "2010-12-31", "kind": "b"},
]


YEAR, DATE, KIND = (
    next(
        field
        for field in group_fields((n, FieldValue(v, 1)) for book in BOOKS for n, v in book.items())
        if field.name == name
    )
    for name in ("year", "date", "kind")
)


@pytest.mark.parametrize(
    "asked",
    [
        Filter("year", "at least", (2003,)),
        Filter("year", "at most", (2003,)),
        Filter("year", "between", (2003, 2005)),
        Filter("year", "equal", (2003,)),
    ],
)
def test_a_slider_shows_what_is_asked(asked: Filter) -> None:
    value = widget_value(YEAR, [asked])
    assert isinstance(value, tuple)
    assert range_filter(YEAR, value) == asked


def test_widgets_show_what_they_can() -> None:
    from datetime import date

    assert widget_value(YEAR, []) == (2000, 2010)
    assert range_filter(YEAR, (2000, 2010)) is None
    assert range_filter(YEAR, (2003, 2010 - 1e-9)) == Filter("year", "at least", (2003,))
    assert widget_value(DATE, [Filter("date", "between", ("2001", "2004-02"))]) == (date(2001, 1, 1), date(2004, 2, 29))
    assert range_filter(DATE, (date(2001, 1, 1), date(2010, 12, 31))) == Filter("date", "at least", ("2001-01-01",))
    assert widget_value(KIND, [Filter("kind", "one of", ("a", "z"))]) == ["a", "z"]
    (lent,) = group_fields([("lent", FieldValue(True, 1)), ("lent", FieldValue(False, 1))])
    assert widget_value(lent, [Filter("lent", "equal", ("True",))]) == ["true"]
    assert widget_value(DATE, [Filter("date", "equal", ("1.2.2004",))]) == (date(2004, 2, 1), date(2004, 2, 1))
    for field, asked in (
        (YEAR, Filter("year", "not", (2000,))),
        (YEAR, Filter("year", "equal", (1900,))),
        (YEAR, Filter("year", "one of", (2000, 2010))),
        (DATE, Filter("date", "equal", ("2001",))),
        (DATE, Filter("date", "at least", ("2001-13",))),
        (KIND, Filter("kind", "not", ("a",))),
    ):
        assert widget_value(field, [asked]) is None
    assert widget_value(YEAR, [Filter("year", "at least", (2001,)), Filter("year", "at most", (2003,))]) is None
