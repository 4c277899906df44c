"""The filter by metadata: a widget for each chosen field; what is asked is in the address, as the shell writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.errors import QueryError, StoreError
from core.records._part_facets import Field, spoken
from core.records.filters import Filter, parse_filter
from core.records.search import Collection
from core.store._where import as_where
from core.workspace import Workspace
from pages.ui._part_filter_values import ends, shown, within
from pages.ui._part_notices import literal, show_error, show_warning

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
    place = st.expander("Filter by metadata", icon=":material/filter_alt:", key="filters", on_change="rerun", expanded=bool(texts))
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
    st.session_state[CHOSEN] = [*chosen, *dict.fromkeys(one.filter.field for one in asked if one.filter.field not in chosen)]
    counts = {field.name: field.chunks for field in fields}
    st.multiselect(
        "Fields", names, key=CHOSEN, on_change=_drop_unchosen, args=[list(asked)], placeholder="Choose a field",
        format_func=lambda name: f"{name} ({counts[name]:,})", help="In brackets: how many chunks have it.",
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
            st.button(literal(one.filter.words), key=f"drop-{one.text}", icon=":material/close:", on_click=_replace, args=[one.text, None], help="Take this filter off")
        return
    key = f"where-{collection.key}-{field.name}"
    if not (field.kind == "date" and len(st.session_state.get(key, (None, None))) == 1):  # one end of a range is picked, the other not yet
        st.session_state[key] = value
    heard: dict[str, Any] = {"key": key, "on_change": _hear, "args": [key, field, asked[0].text if asked else ""]}
    if field.kind == "word":
        _choose_values(field, value, heard)
    elif len(field.values) == 1:
        st.caption(f"{literal(field.name)}: all say {literal(spoken(field.values[0].value))}")
    elif field.kind == "date":
        low, high = ends(field)
        st.date_input(literal(field.name), min_value=low, max_value=high, format="YYYY-MM-DD", **heard)
    else:
        low, high = ends(field)
        st.slider(literal(field.name), low, high, step=1 if isinstance(low, int) else (high - low) / 100, **heard)


def _choose_values(field: Field, value: object, heard: dict[str, Any]) -> None:
    counts = {spoken(said.value): said.chunks for said in field.values}
    picked = [str(one) for one in value] if isinstance(value, list) else []
    options = [*list(counts)[:OFFERED], *(one for one in picked if one not in list(counts)[:OFFERED])]
    st.multiselect(
        literal(field.name), options, format_func=lambda one: f"{one} ({counts.get(one, 0):,})", accept_new_options=len(counts) > OFFERED,
        placeholder="Any value" if len(counts) <= OFFERED else f"Any of {len(counts):,} values: type one", **heard,
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
