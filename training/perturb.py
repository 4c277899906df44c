"""Positives with one fact changed, so that they no longer answer: what a bi-encoder hardly sees.

A number or name that query and positive share is replaced in the positive by one of another passage of the
source; two shared names change places. Most words stay, so that only reading tells the two apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

_NUMBER = re.compile(r"(?<![\w.,])\d[\d,.]*\d|(?<![\w.,])\d")
_NAME = re.compile(r"(?<![.!?:\n] )(?<!^)\b[A-Z][\w'’-]{2,}\b")
NEARBY = 200  # other passages that are looked through for a replacement


def perturbed(query: str, text: str, others: Sequence[str], generator: np.random.Generator) -> str | None:
    """Return ``text`` with one fact changed, None where it shares no number or name with ``query``."""
    lowered = query.lower()
    names = list(
        dict.fromkeys(name for name in _NAME.findall(text) if re.search(rf"\b{re.escape(name.lower())}\b", lowered))
    )
    numbers = list(
        dict.fromkeys(
            number for number in _NUMBER.findall(text) if re.search(rf"(?<!\d){re.escape(number)}(?!\d)", query)
        )
    )
    if len(names) >= 2 and generator.random() < 0.4:
        first, second = generator.choice(names, 2, replace=False)
        swapped = {first: second, second: first}
        return re.sub(rf"\b({re.escape(first)}|{re.escape(second)})\b", lambda found: swapped[found[0]], text)
    facts = [(number, _NUMBER) for number in numbers] + [(name, _NAME) for name in names]
    if not facts:
        return None
    fact, kind = facts[generator.integers(len(facts))]
    for at in generator.integers(len(others), size=NEARBY):
        found = [other for other in kind.findall(others[at]) if other.lower() not in lowered and other not in text]
        if found:
            return text.replace(fact, found[generator.integers(len(found))])
    return None
