"""Indexing killed with ``kill -9`` at random moments, restarted each time, compared with an undisturbed run.

    python -m benchmarks.killing [--kills N] [--files N] [--seed N] [--real]

The files are brought as uploads, once. Each life is a process that takes up what the one before it left, and
is killed a random time after it began to open the data folder, up to the length of the undisturbed run. A life
that gets to the end closes a round: what is stored is compared, and the next round begins with an empty folder,
until all kills are done. ``--real`` embeds with the built-in model instead of a quick stand-in.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.indexing._spool import FOLDER
from core.indexing.jobs import IndexingQueue
from core.loading.sources import Upload
from core.retrieval.search import search
from core.settings import Settings, quiet_environment
from core.store.documents import DOCUMENTS_FILE
from core.util.arrays import Float32Array
from core.util.progress import DoneReport
from core.workspace import Workspace
from tests.support.fakes import AXES, FakeEncoder

SECONDS_PER_TEXT = 0.002  # of the stand-in: a kill must be able to hit it
TOLERANCE = 0.02  # a batch's padding moves a bfloat16 vector's numbers a little; the stand-in's are exact
COLLECTION = "killed"
Rows = dict[str, tuple[str, dict[str, object]]]


class SlowEncoder(FakeEncoder):
    """The tests' encoder, taking its time."""

    def encode_documents(self, texts: Sequence[str], progress: DoneReport | None = None) -> Float32Array:
        """Return one vector for each text."""
        for done in range(len(texts)):
            time.sleep(SECONDS_PER_TEXT)
            if progress:
                progress(done)
        return super().encode_documents(texts)


@dataclass
class Stored:
    """What a search can find, and what is left lying about."""

    documents: list[tuple[str, str, int]]
    chunks: Rows
    vectors: dict[str, Float32Array]
    scores: list[list[float]]  # of the first hits: equal ones may change places
    leftovers: list[str] = field(default_factory=list)

    def differences(self, other: Stored) -> list[str]:
        """Return what is not the same in ``other``, in words."""
        pairs = {
            "documents": (self.documents, other.documents),
            "chunks": (self.chunks, other.chunks),
            "leftovers": (self.leftovers, other.leftovers),
        }
        found = [name for name, (mine, theirs) in pairs.items() if mine != theirs]
        if self.vectors.keys() != other.vectors.keys() or self.furthest(other) > TOLERANCE:
            found.append("vectors")
        if not np.allclose(self.scores, other.scores, atol=TOLERANCE):
            found.append("scores")
        return found

    def furthest(self, other: Stored) -> float:
        """Return the largest difference between any two numbers of the same vectors."""
        return max(float(np.abs(vector - other.vectors[chunk_id]).max()) for chunk_id, vector in self.vectors.items())


def write_files(folder: Path, count: int, seed: int) -> None:
    """Write small files of words: a few sections each, some sections shared, some files alike, one broken."""
    chance = random.Random(seed)
    folder.mkdir(parents=True)
    shared = [_section(chance, number) for number in range(10)]
    texts: list[str] = []
    for number in range(count - 1):
        parts = [_section(chance, 1000 * (number + 1) + part) for part in range(chance.randint(1, 9))]
        texts.append(texts[-1] if number % 40 == 39 else "\n\n".join([*parts, chance.choice(shared)]))
        (folder / f"{number:04}.md").write_text(texts[-1], encoding="utf-8")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nonsense")


def _section(chance: random.Random, number: int) -> str:
    words = chance.choices([*AXES, "and", "of", "the"], k=120)
    return f"# Part {number}\n\n{' '.join(words)}."


def _open(data: Path, real: bool) -> Workspace:
    return (
        Workspace.open(Settings(data))
        if real
        else Workspace.open(Settings(data, model="fake"), loader=lambda _: SlowEncoder())
    )


def uploads(folder: Path) -> list[Upload]:
    """Return the files as a browser brings them; the first two have one name."""
    files = sorted(folder.iterdir())
    return [Upload(files[min(at, 1)].name if at < 2 else file.name, file.read_bytes()) for at, file in enumerate(files)]


def live(data: Path, files: Path, bring: bool, real: bool) -> None:
    """One life: take up what was queued, bring the files if they were not, and go on to the end."""
    print("open", flush=True)
    workspace, jobs = _open(data, real), IndexingQueue()
    jobs.resume(workspace)
    if bring and not jobs.all():
        jobs.index(workspace, workspace.open_or_create(COLLECTION), uploads(files), "replace")
    print("queued", flush=True)
    for job in jobs.all():
        job.wait()
        print(
            json.dumps({"state": job.state, "outcomes": Counter(outcome.status for outcome in job.outcomes)}),
            flush=True,
        )
        jobs.dismiss(job)
    workspace.close()


def look(data: Path, real: bool) -> Stored:
    """Return what is stored in a data folder."""
    workspace = _open(data, real)
    collection = workspace.store.collection(COLLECTION)
    documents = sorted(
        (document.name, document.document_id, document.chunks) for document in workspace.documents(collection)
    )
    chunks: Rows = {}
    vectors: dict[str, Float32Array] = {}
    for batch in workspace.store.batches(collection):
        chunks.update(
            {
                chunk_id: (text, dict(held))
                for chunk_id, text, held in zip(batch.ids, batch.texts, batch.metadatas, strict=True)
            }
        )
        vectors.update(zip(batch.ids, batch.vectors, strict=True))
    scores = [
        [hit.bi_score for hit in search(workspace, COLLECTION, f"{axis} and {AXES[0]}", 20).hits] for axis in AXES
    ]
    queued = [path.name for path in (data / FOLDER).iterdir()]
    leftovers = [*queued, *(document_id for _, document_id in workspace.document_store.unfinished())]
    workspace.close()
    return Stored(documents, chunks, vectors, scores, leftovers)


@dataclass
class Life:
    """What came of one process."""

    queued: bool
    ended: bool
    seconds: float  # from its first sign to its last
    moment: str = ""  # what it was doing when it was killed


def run_life(data: Path, files: Path, bring: bool, real: bool, kill_after: float | None = None) -> Life:
    """Start a life, and kill it after so many seconds."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.killing",
        "--life",
        str(data),
        str(files),
        *(["--bring"] if bring else []),
        *(["--real"] if real else []),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    begun = time.perf_counter()
    try:
        process.wait(kill_after)
    except subprocess.TimeoutExpired:
        process.kill()
    seconds = time.perf_counter() - begun
    queued = "queued" in process.stdout.read()
    process.stdout.close()
    if process.wait() > 0:
        raise RuntimeError("a life failed by itself: its error is above")
    ended = process.returncode == 0
    return Life(queued, ended, seconds, "" if ended else _moment(data, queued))


def _moment(data: Path, queued: bool) -> str:
    """What was going on in a data folder when its process was killed."""
    if not queued:
        return "opening or queueing"
    with sqlite3.connect(data / DOCUMENTS_FILE) as shelf:
        states = dict(shelf.execute("SELECT state, count(*) FROM entries GROUP BY state"))
    shelf.close()
    return (
        "storing"
        if "adding" in states
        else "removing"
        if "removing" in states
        else "embedding, some stored"
        if states
        else "embedding, nothing stored"
    )


def torment(root: Path, files: Path, kills: int, seed: int, real: bool) -> tuple[list[Life], list[Stored]]:
    """Kill so many lives; return them, and what is stored after each round."""
    chance = random.Random(seed)
    length = run_life(root / "undisturbed", files, True, real).seconds
    stored = [look(root / "undisturbed", real)]
    lives: list[Life] = []
    while kills:
        data, bring, ended = root / f"round{len(stored)}", True, False
        while not ended:
            life = run_life(data, files, bring, real, chance.uniform(0, length) if kills else None)
            bring, ended, kills = bring and not life.queued, life.ended, kills - (not life.ended)
            lives.append(life)
        stored.append(look(data, real))
    return lives, stored


def main() -> int:
    """Kill, compare, and say whether all is the same."""
    quiet_environment()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--life", nargs=2, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--bring", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.life:
        data, files = options.life
        live(data, files, options.bring, options.real)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        write_files(root / "files", options.files, options.seed)
        lives, stored = torment(root, root / "files", options.kills, options.seed, options.real)
    first, *rounds = stored
    for moment, count in Counter(life.moment for life in lives if not life.ended).most_common():
        print(f"killed {count:>2} times while {moment}")
    print(f"undisturbed: {len(first.documents)} documents, {len(first.chunks)} chunks")
    for number, found in enumerate(rounds, 1):
        wrong = first.differences(found)
        verdict = f"DIFFERENT: {', '.join(wrong)}" if wrong else f"equal, vectors to {first.furthest(found):.4f}"
        print(f"round {number}: {len(found.documents)} documents, {len(found.chunks)} chunks: {verdict}")
    return int(any(first.differences(found) for found in rounds))


if __name__ == "__main__":
    raise SystemExit(main())
