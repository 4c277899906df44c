"""The filter by metadata: a widget for each chosen field, and the filters in the URL as the shell writes them."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import streamlit as st

from core.errors import QueryError, StoreError
from core.records.document import Value
from core.records.filters import (
    RANGES,
    Field,
    Filter,
    format_value,
    matching_values,
    parse_date,
    parse_filter,
    parse_number,
)
from core.records.search import Collection
from core.workspace import Workspace
from pages.ui.page import literal, show_error, show_warning

KEY = "where"  # in the URL and in the session state: the texts of the filters
FIELDS_KEY = "where-fields"
MAX_OPTIONS = 500  # values to choose from; others can be typed
COLUMNS = 3

# Two dates or two numbers. Any, because a union would not let mypy compare the two ends.
Range = tuple[Any, Any]


@dataclass(frozen=True)
class ActiveFilter:
    """A filter, and its text as it stands in the URL."""

    text: str
    filter: Filter


def choose_filters(workspace: Workspace, collection: Collection) -> tuple[Filter, ...]:
    """Draw the filter row and return the active filters.

    The fields are read only if the row is open or a filter is active.
    """
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
    active = _parse_filters(workspace, collection, texts, fields)
    with place:
        _show_fields(collection, fields, active)
    return tuple(one.filter for one in active)


def clear_filters() -> None:
    """Remove all filters."""
    st.session_state[KEY] = []
    st.session_state[FIELDS_KEY] = []


def _parse_filters(
    workspace: Workspace, collection: Collection, texts: list[str], fields: Sequence[Field]
) -> list[ActiveFilter]:
    """Return the usable filters of the URL; warn about the others and remove them."""
    active = []
    for text in dict.fromkeys(texts):
        try:
            parsed = parse_filter(text, fields)
            workspace.store.check_filters(collection, [parsed])
            active.append(ActiveFilter(text, parsed))
        except QueryError as error:
            show_warning(f"{error}. It is passed over")
    st.session_state[KEY] = [one.text for one in active]
    return active


def _show_fields(collection: Collection, fields: Sequence[Field], active: Sequence[ActiveFilter]) -> None:
    if not fields:
        st.caption("The chunks of this collection have no metadata: no title, author, date or fields of a table.")
        return
    names = [field.name for field in fields]
    chosen = [name for name in st.session_state.get(FIELDS_KEY, []) if name in names]
    st.session_state[FIELDS_KEY] = list(dict.fromkeys([*chosen, *(one.filter.field for one in active)]))
    counts = {field.name: field.chunks for field in fields}
    st.multiselect(
        "Fields",
        names,
        key=FIELDS_KEY,
        on_change=_drop_filters_of_removed_fields,
        args=[list(active)],
        placeholder="Choose a field",
        format_func=lambda name: f"{name} ({counts[name]:,})",
        help="In brackets: how many chunks have it.",
    )
    columns = st.columns(COLUMNS)
    for index, field in enumerate(field for field in fields if field.name in st.session_state[FIELDS_KEY]):
        with columns[index % COLUMNS]:
            _show_field(collection, field, [one for one in active if one.filter.field == field.name])
    if active:
        st.button("Clear the filters", icon=":material/filter_alt_off:", on_click=clear_filters)


def _drop_filters_of_removed_fields(active: list[ActiveFilter]) -> None:
    st.session_state[KEY] = [one.text for one in active if one.filter.field in st.session_state[FIELDS_KEY]]


def _show_field(collection: Collection, field: Field, active: Sequence[ActiveFilter]) -> None:
    """Draw a field's widget; if it cannot show the active filters, draw a button that removes each of them."""
    value = widget_value(field, [one.filter for one in active])
    if value is None:
        for one in active:
            st.button(
                literal(one.filter.words),
                key=f"drop-{one.text}",
                icon=":material/close:",
                on_click=_replace_filter,
                args=[one.text, None],
                help="Take this filter off",
            )
        return
    key = f"where-{collection.key}-{field.name}"
    # of a range of dates the first click may have chosen one end only
    if not (field.kind == "date" and len(st.session_state.get(key, (None, None))) == 1):
        st.session_state[key] = value
    on_change = partial(_read_widget, key, field, active[0].text if active else "")
    if field.kind == "word":
        _choose_values(field, value, key, on_change)
    elif len(field.values) == 1:
        st.caption(f"{literal(field.name)}: all say {literal(format_value(field.values[0].value))}")
    elif field.kind == "date":
        low, high = value_range(field)
        st.date_input(
            literal(field.name), min_value=low, max_value=high, format="YYYY-MM-DD", key=key, on_change=on_change
        )
    else:
        low, high = value_range(field)
        step = 1 if isinstance(low, int) else (high - low) / 100
        st.slider(literal(field.name), low, high, step=step, key=key, on_change=on_change)


def _choose_values(field: Field, selected: list[str] | Range, key: str, on_change: Callable[[], None]) -> None:
    counts = {format_value(value.value): value.chunks for value in field.values}
    offered = list(counts)[:MAX_OPTIONS]
    st.multiselect(
        literal(field.name),
        [*offered, *(value for value in selected if value not in offered)],
        format_func=lambda value: f"{value} ({counts.get(value, 0):,})",
        accept_new_options=len(counts) > MAX_OPTIONS,
        placeholder="Any value" if len(counts) <= MAX_OPTIONS else f"Any of {len(counts):,} values: type one",
        key=key,
        on_change=on_change,
    )


def _read_widget(key: str, field: Field, replaced: str) -> None:
    """Replace the filter with the text ``replaced`` by what the field's widget says."""
    value = st.session_state[key]
    if field.kind == "word":
        new = Filter(field.name, "one of" if len(value) > 1 else "equal", tuple(value)) if value else None
        _replace_filter(replaced, new)
    elif len(value) == 2:
        _replace_filter(replaced, range_filter(field, value))


def _replace_filter(text: str, new: Filter | None) -> None:
    st.session_state[KEY] = [other for other in st.session_state[KEY] if other != text] + ([str(new)] if new else [])


def value_range(field: Field) -> Range:
    """Return the least and the greatest value of a field of numbers or dates; integers if all values are integers."""
    if field.kind == "date":
        return date.fromisoformat(field.dates[0]), date.fromisoformat(field.dates[-1])
    low, high = field.numbers[0], field.numbers[-1]
    return (int(low), int(high)) if all(value.is_integer() for value in field.numbers) else (low, high)


def widget_value(field: Field, filters: Sequence[Filter]) -> list[str] | Range | None:
    """Return the value of a field's widget that stands for the field's filters, None if it cannot show them."""
    if len(filters) > 1 or any(one.op == "not" for one in filters):
        return None
    if field.kind == "word":
        return _shown_values(field, filters[0]) if filters else []
    low, high = value_range(field)
    if not filters:
        return low, high
    op, values = filters[0].op, filters[0].values
    if op not in (*RANGES, "equal"):
        return None
    if op == "equal" and field.kind == "date" and not parse_date(format_value(values[0])):  # a month is equal to no day
        return None
    first = low if op == "at most" else _range_end(field, values[0], last=False)
    last = high if op == "at least" else _range_end(field, values[-1], last=True)
    if first is None or last is None or not low <= first <= last <= high:
        return None
    return (first, last) if field.kind == "date" else (type(low)(first), type(high)(last))


def _shown_values(field: Field, condition: Filter) -> list[str]:
    """Return the values of a filter as the field shows them; what the field does not have as it was typed."""
    shown = (
        list(map(format_value, matching_values(field, [value]))) or [format_value(value)] for value in condition.values
    )
    return list(dict.fromkeys(value for values in shown for value in values))


def _range_end(field: Field, value: Value, *, last: bool) -> Any:
    """Return one end of a range, of a month or a year its first or last day; None for a value of another kind."""
    if field.kind == "number":
        return parse_number(value)
    try:
        text = format_value(value)
        year, month, day = ([int(part) for part in (parse_date(text) or text).split("-")] + [0, 0])[:3]
        month = month or (12 if last else 1)
        return date(year, month, day or (calendar.monthrange(year, month)[1] if last else 1))
    except ValueError:  # words, the 31st of February, or the 13th month
        return None


def range_filter(field: Field, value: Range) -> Filter | None:
    """Return a widget's range as a filter; an end that is the field's own does not limit, None if both are."""
    low, high = value_range(field)
    first, last = (end.isoformat() if isinstance(end, date) else end for end in value)
    slack = (high - low) * 1e-6  # a slider's end may miss the field's by a rounding
    from_low, to_high = value[0] - low <= slack, high - value[1] <= slack
    if from_low and to_high:
        return None
    if value[0] == value[1]:
        return Filter(field.name, "equal", (first,))
    if to_high:
        return Filter(field.name, "at least", (first,))
    return Filter(field.name, "at most", (last,)) if from_low else Filter(field.name, "between", (first, last))
