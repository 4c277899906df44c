"""Messages on a page. They quote file names, queries and names of collections, which must never be read as Markdown."""

from __future__ import annotations

import re

import streamlit as st

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
# Streamlit replaces these when the backslashes are gone: emoji and icons between colons, arrows and dashes
# between spaces, addresses of pages and people.
_LATE = re.compile(r"(:(?=[\w+/-]+:)|(?<!\S)[<>~=-](?=[<>=-]{1,2}(?!\S))|https?:(?=//)|www(?=\.)|@)", re.IGNORECASE)
_WORD_JOINER = "\u2060"  # invisible, no line break


def literal(text: str) -> str:
    """Return ``text`` as Markdown that shows exactly ``text``."""
    return _PUNCTUATION.sub(r"\\\1", _LATE.sub(rf"\1{_WORD_JOINER}", text))


def show_error(error: object) -> None:
    """Show what went wrong, word for word."""
    st.error(literal(str(error)), icon=":material/error:")


def show_warning(text: str) -> None:
    """Show what is not as it was asked for, word for word."""
    st.warning(literal(text), icon=":material/warning:")


def show_info(text: str) -> None:
    """Show what there is to know or to do, word for word."""
    st.info(literal(text), icon=":material/info:")
