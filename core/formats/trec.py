"""Runs and judgments as TREC's programs read them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from core.errors import DataError
from core.evaluation.metrics import Run, as_scores
from core.formats._part_evaluation_judged import Qrels

QRELS = "qrels.txt"
_UNSAFE = re.compile(r"[^-+@.,=()\w ]")  # in a file's name
_SPACE = re.compile(r"[\s%]|[^\x20-\U0010ffff]")


def run_text(run: Run, tag: str) -> str:
    """Return rankings as a TREC run: query id, Q0, id, rank, score, tag between spaces.

    The score is the ranking's length for its first id and 1 for its last: ties are broken already, and trec_eval, which
    heeds scores alone, breaks them its own way. A query without results has no line.
    """
    name = trec_id(tag)
    lines = (
        f"{trec_id(query)} Q0 {trec_id(id_)} {rank} {score:g} {name}\n"
        for query, ranking in run.items()
        for rank, (id_, score) in enumerate(as_scores(ranking).items(), 1)
    )
    return "".join(lines)


def qrels_text(qrels: Qrels) -> str:
    """Return judgments as TREC qrels: query id, 0, id, grade between spaces."""
    return "".join(f"{trec_id(query)} 0 {trec_id(id_)} {grade}\n" for query, grades in qrels.items() for id_, grade in grades.items())


def trec_id(text: str) -> str:
    """Return an id without white space, which would part it: such signs are written as in an address, ``%20`` for a space."""
    return _SPACE.sub(lambda found: quote(found[0], safe=""), text) or "%"


def run_file(system: str) -> str:
    """Return what a system's run file is called."""
    return f"{_UNSAFE.sub('_', system)}.run"


def write_runs(folder: Path, runs: Mapping[str, Run], qrels: Qrels) -> list[Path]:
    """Write a run file for each system and the judgments into ``folder``, which is made if need be; return their paths.

    Raises DataError where that cannot be done.
    """
    texts = {_free(run_file(name), at, runs): run_text(run, name) for at, (name, run) in enumerate(runs.items())}
    texts[QRELS] = qrels_text(qrels)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_text(folder / name, text)
    except OSError as error:
        raise DataError(f"The runs cannot be written into {folder} ({error.strerror or error}): name another folder") from error
    return [folder / name for name in texts]


def write_text(path: Path, text: str) -> None:
    """Write a file in one step: it is never there by half. Raises OSError."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _free(name: str, at: int, runs: Sequence[str] | Mapping[str, Run]) -> str:
    """A file's name; a number is put before one that several systems would have."""
    same = [run_file(system) for system in runs].count(name)
    return f"{at + 1}-{name}" if same > 1 else name
