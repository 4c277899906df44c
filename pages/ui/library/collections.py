"""A whole collection from elsewhere: an export, a data set in BEIR's layout, a folder of Chroma's."""

from __future__ import annotations

import tempfile
from pathlib import Path

import streamlit as st

from core.workspace import Workspace
from pages.ui._part_notices import show_error
from pages.ui.library._part_library_errands import UNWRITABLE, begin_import, passing

HELP = (
    "An export of Rankscope comes back with its vectors, to the same rankings. A BEIR data set (corpus.jsonl, queries.jsonl, qrels) is indexed and keeps "
    "its queries and judgments. A folder of Chroma's that another program made is copied, never written to."
)


def offer_import(workspace: Workspace) -> None:
    """Draw the form."""
    number = st.session_state.setdefault("import-round", 0)
    with st.expander("Bring in a whole collection: an export, a BEIR data set, a Chroma folder"):
        st.caption(HELP)
        left, right = st.columns(2, gap="large")
        file = left.file_uploader("An export or a BEIR data set as a ZIP", type=["zip"], key=f"import-file-{number}")
        place = left.text_input("Or a file or folder on the machine where Rankscope runs", key=f"import-path-{number}", placeholder="/home/me/chroma")
        name = right.text_input("What it shall be called here", key=f"import-name-{number}", placeholder="as it was called")
        model = right.text_input("Model that made the vectors", key=f"import-model-{number}", placeholder="the one it names", help="A Chroma folder does not say which model made its vectors: name it. For a BEIR data set: the model that embeds it.")
        origin = right.text_input("Which collection of a Chroma folder", key=f"import-from-{number}", placeholder="the only one")
        if not st.button("Bring in", icon=":material/move_to_inbox:", disabled=not (file or place.strip())):
            return
        try:
            path = _kept(workspace, file.getvalue()) if file else Path(place.strip()).expanduser()
        except OSError as error:
            show_error(UNWRITABLE.format(error.strerror))
            return
        begin_import(workspace, path, name.strip(), model.strip(), origin.strip(), ours=file is not None)
        st.session_state["import-round"] += 1  # an empty form
        st.rerun()


def _kept(workspace: Workspace, data: bytes) -> Path:
    """The upload as a file, for as long as it is read."""
    with tempfile.NamedTemporaryFile(dir=passing(workspace.settings.data), suffix=".zip", delete=False) as file:
        file.write(data)
    return Path(file.name)
