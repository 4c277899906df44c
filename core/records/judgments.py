"""Relevance judgments: how well a span of a document answers a query, who judged it, and when."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.records.document import short_hash


def as_scores(ranking: Sequence[str]) -> dict[str, float]:
    """Return scores that give exactly this order: the number of ids for the first, 1 for the last.

    Whole numbers, which the single precision that trec_eval computes in keeps apart.
    """
    return {id_: float(len(ranking) - index) for index, id_ in enumerate(ranking)}


# what a person can give; imports may hold others
GRADES = {0: "not relevant", 1: "related", 2: "relevant", 3: "perfect"}
SHARED = "judged"  # the split of what was judged here: it holds for every collection with the same documents
SAMPLES = "samples"  # of the sample library's own judgments, which no data folder holds
EVERYTHING = "everything"  # all splits taken together
RESERVED = (SHARED, SAMPLES, EVERYTHING)
_ID_LENGTH = 16  # hexadecimal digits: 64 bits are plenty for queries


@dataclass(frozen=True, slots=True)
class Judgment:
    """How well the characters ``start`` to ``end`` of a document answer a query; grade 0: not at all."""

    split: str
    query_id: str
    document_id: str
    start: int
    end: int
    grade: int
    origin: str = ""  # where the judgment comes from
    who: str = ""
    made: str = ""  # ISO 8601, UTC
    note: str = ""

    @property
    def key(self) -> tuple[str, str, str, int, int]:
        """What identifies a judgment: there is at most one of each key."""
        return (self.split, self.query_id, self.document_id, self.start, self.end)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of judging, as it can be undone: what it did, in words, and how many judgments it changed."""

    what: str
    judgments: int
    made: str  # ISO 8601, UTC


def normalise_query(query: str) -> str:
    """Return what two spellings of one query share: composed characters, no case, single spaces."""
    return " ".join(unicodedata.normalize("NFC", query).casefold().split())


def query_id_of(query: str) -> str:
    """Return the id of a query entered in the app: a hash of its normalised text."""
    return short_hash("query", normalise_query(query))[:_ID_LENGTH]


def free_split(name: str) -> str:
    """Return the name of an imported split, changed where it is one of the reserved names."""
    return f"{name}-imported" if name in RESERVED else name


Qrels = dict[str, dict[str, int]]
Run = Mapping[str, Sequence[str]]  # query id -> document ids, best first
