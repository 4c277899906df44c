"""Checks of what a model computed: a number that is none sorts before or behind all others, and says nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.errors import ModelError
from core.util.arrays import Float32Array
from core.util.formatting import clip, plural

SHOWN = 60  # characters of a text
_ADVICE = "choose another model, or try RANKSCOPE_PRECISION=float32 and the built-in one"


def check_scores(model: str, scores: Float32Array, pairs: Sequence[tuple[str, str]]) -> None:
    """Raise ModelError, with how many and the first text, where scores (pairs,) are not finite."""
    bad = np.flatnonzero(~np.isfinite(scores))
    if len(bad):
        query, text = pairs[int(bad[0])]
        raise ModelError(
            f"The cross-encoder {model!r} gave no finite score for {len(bad):,} of {plural(len(pairs), 'pair')}, "
            f"such as the query {_shown(query)} with the text {_shown(text)}: {_ADVICE}"
        )


def check_vectors(model: str, vectors: Float32Array, texts: Sequence[str]) -> None:
    """Raise ModelError, with how many and the first text, where vectors (texts, dimension) are not finite.

    A vector of zeros, which a model may give to a text of which it knows no word, is similar to nothing.
    """
    # a row's sum is finite where all of it is, unless it is too large; only then each number is looked at
    bad = np.flatnonzero(~np.isfinite(vectors.sum(axis=1, dtype=np.float64)))
    bad = bad[~np.isfinite(vectors[bad]).all(axis=1)]
    if len(bad):
        raise ModelError(
            f"The bi-encoder {model!r} gave no finite vector for {len(bad):,} of {plural(len(texts), 'text')}, such as "
            f"{_shown(texts[int(bad[0])])}: {_ADVICE}"
        )


def _shown(text: str) -> str:
    return repr(clip(" ".join(text.split()), SHOWN))
