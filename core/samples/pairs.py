"""Trick pairs: a question, a sentence of the sample library that answers it, and one that only looks as if it did.

``pairs.jsonl`` holds a pair a line. The pairs were chosen by reading, before any model saw them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

KINDS = ("negation", "numbers", "dates", "roles", "names")


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence of a sample document."""

    document: str  # name
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class TrickPair:
    """A question with the sentence that answers it and one that is easily taken for it."""

    id: str
    kind: str  # one of KINDS
    query: str
    right: Passage
    wrong: Passage
    why: str  # what makes it tricky
    language: str  # ISO 639-1


@cache
def trick_pairs() -> tuple[TrickPair, ...]:
    """Return the trick pairs, kind by kind."""
    lines = (files("core.samples") / "pairs.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(_pair(json.loads(line)) for line in lines)


def _pair(held: dict[str, object]) -> TrickPair:
    right, wrong = _passage(held.pop("right")), _passage(held.pop("wrong"))
    return TrickPair(right=right, wrong=wrong, **held)  # type: ignore[arg-type]  # the shipped file's fields are tested


def _passage(held: object) -> Passage:
    assert isinstance(held, dict)
    return Passage(held["document"], held["start"], held["end"], held["quote"])
