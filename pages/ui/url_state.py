"""What a page shows, in its URL: a person sends the address, another sees the same page.

Streamlit can bind a widget to the URL, but not a value that the program sets, as a clicked example
is. So the URL is read into the widgets' state when it is not the one we wrote, and written at the end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import streamlit as st

Value = str | int | bool | list[str]
# in the session: the last two that we wrote, and the values of the last
_WRITTEN, _BEFORE, _SEEN = "address-written", "address-before", "address-seen"


def read_address(defaults: Mapping[str, Value]) -> list[str]:
    """Put the URL's parameters into the session state; each key of ``defaults`` gets a value of its default's type.

    Return the parameters that cannot be read, as ``hits=many``: they are passed over. Values that are
    there already are kept; on a switch of pages too, if the widgets have ``persist_state="session"``.
    """
    unreadable = []
    here = {key: st.query_params.get_all(key) for key in st.query_params}
    if here and here != st.session_state.get(_WRITTEN) and not _overtaken(here):
        for key, default in defaults.items():
            found = here.get(key, [])
            st.session_state[key] = default if (value := _parsed(found, default)) is None else value
            unreadable += [f"{key}={found[-1]}"] if found and value is None else []
    for key, default in defaults.items():
        st.session_state[key] = st.session_state.get(key, default)
    return unreadable


def write_address(defaults: Mapping[str, Value], spared: Sequence[str] = ()) -> None:
    """Write the session state's values of the keys of ``defaults`` into the URL, the ``spared`` only where they differ from it."""
    values = {key: st.session_state.get(key, default) for key, default in defaults.items()}
    values = {key: value for key, value in values.items() if key not in spared or value != defaults[key]}
    wanted = {
        key: [_written(item) for item in (value if isinstance(value, list) else [value])]
        for key, value in values.items()
    }
    wanted = {key: items for key, items in wanted.items() if items and items != [""] and items != ["None"]}
    _note(wanted, values)
    if wanted != {key: st.query_params.get_all(key) for key in st.query_params}:
        st.query_params.from_dict(wanted)


def _note(wanted: dict[str, list[str]], values: Mapping[str, Value]) -> None:
    """Keep what is about to be written: before it is, since a run can be cut off by the next one as soon as the browser is told."""
    if wanted != st.session_state.get(_WRITTEN):
        st.session_state[_BEFORE] = st.session_state.get(_WRITTEN)
    st.session_state[_WRITTEN], st.session_state[_SEEN] = wanted, dict(values)


def _overtaken(here: Mapping[str, list[str]]) -> bool:
    """Tell whether the browser named the address before ours because somebody changed a widget before it had ours; going back changes none."""
    seen: dict[str, Value] = st.session_state.get(_SEEN, {})
    return here == st.session_state.get(_BEFORE) and any(
        st.session_state.get(key, value) != value for key, value in seen.items()
    )


def _written(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _parsed(found: list[str], default: Value) -> Value | None:
    """Return a parameter's values as a value of the default's type, None where they are missing or of another type."""
    if isinstance(default, list):
        return found
    if not found:
        return None
    if isinstance(default, bool):
        return {"1": True, "0": False}.get(found[-1])
    if isinstance(default, int):
        return int(found[-1]) if re.fullmatch(r"-?\d{1,9}", found[-1]) else None
    return found[-1]
