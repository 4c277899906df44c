"""What a page shows, in its URL: a person sends the address, another sees the same page.

Streamlit can bind a widget to the URL, but not a value that the program sets, as a clicked example
is. So the URL is read into the widgets' state when it is not the one we wrote, and written at the end.
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

Value = str | int | list[str]
_WRITTEN = "address-written"


def read_address(defaults: Mapping[str, Value]) -> None:
    """Put the URL's parameters into the session state; each key of ``defaults`` gets a value of its default's type.

    A parameter that cannot be read (``hits=many``) is passed over. Values that are there already are
    kept: on a switch of pages too, where Streamlit drops the state of widgets it does not draw.
    """
    here = {key: st.query_params.get_all(key) for key in st.query_params}
    if here and here != st.session_state.get(_WRITTEN):
        for key, default in defaults.items():
            st.session_state[key] = _parsed(here.get(key, []), default)
    for key, default in defaults.items():
        st.session_state[key] = st.session_state.get(key, default)


def write_address(defaults: Mapping[str, Value]) -> None:
    """Write the session state's values of the keys of ``defaults`` into the URL."""
    values = {key: st.session_state.get(key, default) for key, default in defaults.items()}
    wanted = {key: [str(item) for item in (value if isinstance(value, list) else [value])] for key, value in values.items()}
    wanted = {key: items for key, items in wanted.items() if items and items != [""] and items != ["None"]}
    if wanted != {key: st.query_params.get_all(key) for key in st.query_params}:
        st.query_params.from_dict(wanted)
    st.session_state[_WRITTEN] = wanted


def _parsed(found: list[str], default: Value) -> Value:
    if isinstance(default, list):
        return found
    if not found:
        return default
    if isinstance(default, int):
        return int(found[-1]) if found[-1].isdecimal() and len(found[-1]) < 6 else default
    return found[-1]
