"""The engine of Rankscope: documents in, chunks, vectors, ranked hits out.

Nothing in here imports streamlit, so that all of it can be used from Python, from the shell
(``python -m core``) and from the pages alike.
"""
