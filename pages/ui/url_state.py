"""A page's URL parameters, so that a person can send the address and another sees the same page.

Streamlit can bind a widget to the URL, but it does not write a value that the program sets, such as a clicked example.
Therefore the URL is read into the widgets' state if it is not the one that we wrote, and written at the page's end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import streamlit as st

Value = str | int | bool | list[str]
# keys in the session state: the last two addresses that we wrote, and the widgets' values at the last
_WRITTEN, _WRITTEN_BEFORE, _VALUES = "address-written", "address-before", "address-seen"


def read_address(defaults: Mapping[str, Value]) -> list[str]:
    """Put the URL's parameters into the session state; each key of ``defaults`` gets a value of its default's type.

    Return the parameters that cannot be read, such as ``hits=many``, which get their defaults. Without a new URL,
    values in the session state stay; over a switch of pages too, if the widgets have ``persist_state="session"``.
    """
    unreadable = []
    address = _current_address()
    if address and address != st.session_state.get(_WRITTEN) and not _is_outdated(address):
        for key, default in defaults.items():
            texts = address.get(key, [])
            value = _parsed(texts, default)
            st.session_state[key] = default if value is None else value
            if texts and value is None:
                unreadable.append(f"{key}={texts[-1]}")
    for key, default in defaults.items():
        st.session_state[key] = st.session_state.get(key, default)
    return unreadable


def is_in_new_address(key: str) -> bool:
    """Return whether the URL has a value for ``key`` that a person gave: it is not what a page wrote.

    After a switch of pages the browser may still send what the page before it wrote.
    """
    address = _current_address()
    return key in address and address not in (st.session_state.get(_WRITTEN), st.session_state.get(_WRITTEN_BEFORE))


def write_address(defaults: Mapping[str, Value], spared: Sequence[str] = ()) -> None:
    """Write the session state's values of the keys of ``defaults`` into the URL.

    Of the keys in ``spared``, only values that differ from their defaults are written.
    """
    values = {key: st.session_state.get(key, default) for key, default in defaults.items()}
    values = {key: value for key, value in values.items() if key not in spared or value != defaults[key]}
    address = {
        key: [_text(item) for item in (value if isinstance(value, list) else [value])] for key, value in values.items()
    }
    address = {key: texts for key, texts in address.items() if texts and texts != [""] and texts != ["None"]}
    # Noted before it is written: the next run can cut this one off as soon as the browser has the new address.
    if address != st.session_state.get(_WRITTEN):
        st.session_state[_WRITTEN_BEFORE] = st.session_state.get(_WRITTEN)
    st.session_state[_WRITTEN], st.session_state[_VALUES] = address, values
    if address != _current_address():
        st.query_params.from_dict(address)


def _current_address() -> dict[str, list[str]]:
    return {key: st.query_params.get_all(key) for key in st.query_params}


def _is_outdated(address: Mapping[str, list[str]]) -> bool:
    """Return whether the browser sent the address before our last one because it had not received that yet.

    This happens if somebody changes a widget right after a run. Going back in the browser sends the same address, but
    changes no widget.
    """
    values: dict[str, Value] = st.session_state.get(_VALUES, {})
    return address == st.session_state.get(_WRITTEN_BEFORE) and any(
        st.session_state.get(key, value) != value for key, value in values.items()
    )


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _parsed(texts: list[str], default: Value) -> Value | None:
    """Return a parameter's texts as a value of the default's type; None for no text or one of another type."""
    if isinstance(default, list):
        return texts
    if not texts:
        return None
    if isinstance(default, bool):
        return {"1": True, "0": False}.get(texts[-1])
    if isinstance(default, int):
        return int(texts[-1]) if re.fullmatch(r"-?\d{1,9}", texts[-1]) else None
    return texts[-1]
