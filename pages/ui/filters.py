"""The filter by metadata: a widget for each chosen field; what is asked is in the address, as the shell writes it."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import streamlit as st

from core.errors import QueryError, StoreError
from core.records.document import Value
from core.records.filters import RANGES, Field, Filter, format_value, is_date, parse_filter
from core.records.search import Collection
from core.store._where import as_where, number
from core.workspace import Workspace
from pages.ui.page import literal, show_error, show_warning

Span = tuple[Any, Any]  # two days, or two numbers


def ends(field: Field) -> Span:
    """Return the least and the greatest value of a field of numbers or dates; whole numbers where all are."""
    if field.kind == "date":
        return date.fromisoformat(field.dates[0]), date.fromisoformat(field.dates[-1])
    low, high = field.numbers[0], field.numbers[-1]
    return (int(low), int(high)) if all(one.is_integer() for one in field.numbers) else (low, high)


def shown(field: Field, asked: Sequence[Filter]) -> list[str] | Span | None:
    """Return what a field's widget holds for what is asked of the field, None where it cannot show it."""
    if len(asked) > 1 or any(one.op == "not" for one in asked):
        return None
    if field.kind == "word":
        return [format_value(value) for value in asked[0].values] if asked else []
    low, high = ends(field)
    if not asked:
        return low, high
    if asked[0].op not in (*RANGES, "equal"):
        return None
    said = asked[0].values
    if asked[0].op == "equal" and field.kind == "date" and not is_date(said[0]):  # a month is equal to no day
        return None
    first = low if asked[0].op == "at most" else _end(field, said[0], last=False)
    last = high if asked[0].op == "at least" else _end(field, said[-1], last=True)
    if first is None or last is None or not low <= first <= last <= high:
        return None
    return (first, last) if field.kind == "date" else (type(low)(first), type(high)(last))


def _end(field: Field, said: Value, last: bool) -> Any:
    """One end of a range; of a month or a year its first or last day. None for what is no such thing."""
    if field.kind == "number":
        return number(said)
    try:
        year, month, day = ([int(part) for part in format_value(said).split("-")] + [0, 0])[:3]
        month = month or (12 if last else 1)
        return date(year, month, day or (calendar.monthrange(year, month)[1] if last else 1))
    except ValueError:  # words, the 31st of February, or the 13th month
        return None


def within(field: Field, value: Span) -> Filter | None:
    """Return a widget's range as a filter; an end that is the field's own asks for nothing."""
    low, high = ends(field)
    first, last = (one.isoformat() if isinstance(one, date) else one for one in value)
    slack = (high - low) * 1e-6  # a slider's end may miss the field's by a rounding
    from_low, to_high = value[0] - low <= slack, high - value[1] <= slack
    if from_low and to_high:
        return None
    if value[0] == value[1]:
        return Filter(field.name, "equal", (first,))
    if to_high:
        return Filter(field.name, "at least", (first,))
    return Filter(field.name, "at most", (last,)) if from_low else Filter(field.name, "between", (first, last))


KEY = "where"  # in the address and in the session: a list of filters as the shell takes them
CHOSEN = "where-fields"
OFFERED = 500  # values to choose from; others can be typed
COLUMNS = 3


@dataclass(frozen=True)
class Asked:
    """A filter and its text, by which it stands in the address."""

    text: str
    filter: Filter


def choose_filters(workspace: Workspace, collection: Collection) -> tuple[Filter, ...]:
    """Draw the filter row and return the filters that are on. The fields are looked up only where somebody asks for them."""
    texts: list[str] = st.session_state[KEY]
    place = st.expander(
        "Filter by metadata", icon=":material/filter_alt:", key="filters", on_change="rerun", expanded=bool(texts)
    )
    if not texts and not place.open:
        return ()
    try:
        with st.spinner("Looking at the metadata…"):
            fields = workspace.store.fields(collection)
    except StoreError as error:
        show_error(error)
        return ()
    asked = _readable(texts, fields)
    with place:
        _draw(collection, fields, asked)
    return tuple(one.filter for one in asked)


def clear_filters() -> None:
    """Take all filters off."""
    st.session_state[KEY] = []
    st.session_state[CHOSEN] = []


def _readable(texts: list[str], fields: Sequence[Field]) -> list[Asked]:
    """The filters of the address that can be used; of the others it is said why not."""
    found = []
    for text in dict.fromkeys(texts):
        try:
            asked = parse_filter(text, fields)
            as_where([asked], fields)
            found.append(Asked(text, asked))
        except QueryError as error:
            show_warning(f"{error}. It is passed over")
    st.session_state[KEY] = [one.text for one in found]
    return found


def _draw(collection: Collection, fields: Sequence[Field], asked: Sequence[Asked]) -> None:
    if not fields:
        st.caption("The chunks of this collection have no metadata: no title, author, date or fields of a table.")
        return
    names = [field.name for field in fields]
    chosen = [name for name in st.session_state.get(CHOSEN, []) if name in names]
    st.session_state[CHOSEN] = [
        *chosen,
        *dict.fromkeys(one.filter.field for one in asked if one.filter.field not in chosen),
    ]
    counts = {field.name: field.chunks for field in fields}
    st.multiselect(
        "Fields",
        names,
        key=CHOSEN,
        on_change=_drop_unchosen,
        args=[list(asked)],
        placeholder="Choose a field",
        format_func=lambda name: f"{name} ({counts[name]:,})",
        help="In brackets: how many chunks have it.",
    )
    columns = st.columns(COLUMNS)
    for at, field in enumerate(field for field in fields if field.name in st.session_state[CHOSEN]):
        with columns[at % COLUMNS]:
            _draw_field(collection, field, [one for one in asked if one.filter.field == field.name])
    if asked:
        st.button("Clear the filters", icon=":material/filter_alt_off:", on_click=clear_filters)


def _drop_unchosen(asked: list[Asked]) -> None:
    st.session_state[KEY] = [one.text for one in asked if one.filter.field in st.session_state[CHOSEN]]


def _draw_field(collection: Collection, field: Field, asked: Sequence[Asked]) -> None:
    """A widget where it can say what is asked of the field; else what is asked, in words, to be taken off."""
    value = shown(field, [one.filter for one in asked])
    if value is None:
        for one in asked:
            st.button(
                literal(one.filter.words),
                key=f"drop-{one.text}",
                icon=":material/close:",
                on_click=_replace,
                args=[one.text, None],
                help="Take this filter off",
            )
        return
    key = f"where-{collection.key}-{field.name}"
    # one end of a range is picked, the other not yet
    if not (field.kind == "date" and len(st.session_state.get(key, (None, None))) == 1):
        st.session_state[key] = value
    heard: dict[str, Any] = {"key": key, "on_change": _hear, "args": [key, field, asked[0].text if asked else ""]}
    if field.kind == "word":
        _choose_values(field, value, heard)
    elif len(field.values) == 1:
        st.caption(f"{literal(field.name)}: all say {literal(format_value(field.values[0].value))}")
    elif field.kind == "date":
        low, high = ends(field)
        st.date_input(literal(field.name), min_value=low, max_value=high, format="YYYY-MM-DD", **heard)
    else:
        low, high = ends(field)
        st.slider(literal(field.name), low, high, step=1 if isinstance(low, int) else (high - low) / 100, **heard)


def _choose_values(field: Field, value: object, heard: dict[str, Any]) -> None:
    counts = {format_value(said.value): said.chunks for said in field.values}
    picked = [str(one) for one in value] if isinstance(value, list) else []
    options = [*list(counts)[:OFFERED], *(one for one in picked if one not in list(counts)[:OFFERED])]
    st.multiselect(
        literal(field.name),
        options,
        format_func=lambda one: f"{one} ({counts.get(one, 0):,})",
        accept_new_options=len(counts) > OFFERED,
        placeholder="Any value" if len(counts) <= OFFERED else f"Any of {len(counts):,} values: type one",
        **heard,
    )


def _hear(key: str, field: Field, replaced: str) -> None:
    """Take what a widget says into the address."""
    value = st.session_state[key]
    if field.kind == "word":
        _replace(replaced, Filter(field.name, "one of" if len(value) > 1 else "equal", tuple(value)) if value else None)
    elif len(value) == 2:
        _replace(replaced, within(field, value))


def _replace(text: str, by: Filter | None) -> None:
    st.session_state[KEY] = [other for other in st.session_state[KEY] if other != text] + ([str(by)] if by else [])
