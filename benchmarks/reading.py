"""Compares how two versions of the code read the same files: words gained and lost, and seconds.

    python -m benchmarks.reading FILES --before CHECKOUT [--each]

FILES is a folder, read with those below it, or a list of paths in a file, one a line; a line may name the file
otherwise after a tab: ``tests/msg_02.txt<TAB>msg_02.eml``. CHECKOUT is a working tree of the version to compare with.
Each version runs in a process of its own with this Python, so both need the libraries that this environment has. Words
are runs of letters and digits, compared as multisets without regard to case: a word that moved is neither gained nor
lost. ``--each`` prints a block for every file that differs, with the words and the notes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path, PurePath
from typing import TypedDict

WORD = re.compile(r"[^\W_]+")
SHOWN = 25  # words of a file


class Reading(TypedDict):
    """What one version made of a file: its text, or the error."""

    text: str
    error: str
    notes: list[str]
    seconds: float


def files(place: Path) -> list[tuple[str, str]]:
    """Return (path, name) of the files."""
    if place.is_dir():
        return [(str(path), path.name) for path in sorted(place.rglob("*")) if path.is_file()]
    lines = place.read_text(encoding="utf-8").splitlines()
    parts = (line.partition("\t") for line in lines if line.strip())
    return [(path, name or PurePath(path).name) for path, _, name in parts]


def read_all(place: Path) -> None:
    """Print a Reading as JSON for each file, by the code in the current folder."""
    from core.errors import LoadingError
    from core.loading.loader import load

    for path, name in files(place):
        data = Path(path).read_bytes()
        text, error, notes, started = "", "", (), time.perf_counter()
        try:
            document = load(name, data)
            text, notes = document.text, getattr(document, "notes", ())
        except LoadingError as refused:
            error = str(refused)
        seconds = time.perf_counter() - started
        print(json.dumps(Reading(text=text, error=error, notes=list(notes), seconds=seconds)), flush=True)


def readings(checkout: Path, place: Path) -> list[Reading]:
    """Return what the version in ``checkout`` makes of the files."""
    script = Path(__file__).resolve()
    run = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), str(place.resolve()), "--read"],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout.resolve())},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return [json.loads(line) for line in run.stdout.splitlines()]


def words(reading: Reading) -> Counter[str]:
    """Return how often each word is in the text."""
    return Counter(WORD.findall(reading["text"].casefold()))


def show(path: str, old: Reading, new: Reading, gained: Counter[str], lost: Counter[str]) -> None:
    """Print how two readings of a file differ."""
    print(f"\n{path}: {gained.total()} gained, {lost.total()} lost")
    for label, reading in (("before", old), ("now", new)):
        if reading["error"]:
            print(f"  {label}: {reading['error']}")
    for label, counts in (("gained", gained), ("lost", lost)):
        if counts:
            print(f"  {label}: {', '.join(f'{word} {count}' for word, count in counts.most_common(SHOWN))}")
    for note in new["notes"]:
        print(f"  note: {note}")


def compare(place: Path, before: Path, *, each: bool) -> None:
    """Print a table of the formats."""
    rows: dict[str, list[float]] = defaultdict(lambda: [0.0] * 9)
    pairs = zip(files(place), readings(before, place), readings(Path.cwd(), place), strict=True)
    for (path, name), old, new in pairs:
        old_words, new_words = words(old), words(new)
        gained, lost = new_words - old_words, old_words - new_words
        if each and (gained or lost or new["notes"] or old["error"] != new["error"]):
            show(path, old, new, gained, lost)
        figures = (
            1,
            old_words.total(),
            gained.total(),
            lost.total(),
            bool(old["error"]),
            bool(new["error"]),
            bool(new["notes"]),
            old["seconds"],
            new["seconds"],
        )
        row = rows[PurePath(name).suffix.lower()]
        row[:] = [total + figure for total, figure in zip(row, figures, strict=True)]
    print("\n| format | files | words before | gained | lost | refused before | now | with notes | s before | now |")
    print("| --- |" + " --- |" * 9)
    for suffix, row in [*sorted(rows.items()), ("all", [sum(column) for column in zip(*rows.values(), strict=True)])]:
        counts = " | ".join(f"{figure:,.0f}" for figure in row[:7])
        print(f"| {suffix} | {counts} | {row[7]:.1f} | {row[8]:.1f} |")


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path)
    parser.add_argument("--before", type=Path, help="working tree of the version to compare with")
    parser.add_argument("--each", action="store_true", help="print each file that differs")
    parser.add_argument("--read", action="store_true", help=argparse.SUPPRESS)  # one version's part
    options = parser.parse_args()
    if options.read:
        read_all(options.files)
    elif options.before is None:
        parser.error("name the version to compare with: --before CHECKOUT")
    else:
        compare(options.files, options.before, each=options.each)


if __name__ == "__main__":
    main()
