"""A collection's points on the disk: the vectors to be mapped into memory, the rest in a table beside them.

Files are named by the points' digest, and one small file says which digest a version of the collection has; it is
written last. A process that has mapped older vectors keeps them: files are replaced, never written over.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import MapError
from core.projection.records import Floats, Points
from core.records.search import Metric
from core.util.files import FOLDER, discard, replacing

CURRENT = "current.json"
_ABOUT = ("collection", "key", "digest", "metric", "model")
_BLOCK = 8192  # vectors hashed at once


def points_folder(data: Path, key: str) -> Path:
    """Return where the points of the collection ``key`` are kept in the data folder ``data``."""
    return data / FOLDER / "points" / key


def digest_of(chunk_ids: Sequence[str], vectors: Floats, metric: Metric) -> str:
    """Return a hash of chunk ids, vectors and measure."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update("\n".join((metric, str(vectors.shape), *chunk_ids)).encode())
    for first in range(0, len(vectors), _BLOCK):
        digest.update(np.ascontiguousarray(vectors[first : first + _BLOCK]).data)
    return digest.hexdigest()


def is_kept(data: Path, points: Points) -> bool:
    """Whether these points are on the disk."""
    return all(path.exists() for path in _paths(points_folder(data, points.key), points.digest))


def keep_points(data: Path, points: Points, version: str = "") -> Points:
    """Write points, and return them with their vectors mapped. ``version`` of the collection is what they shall be found by.

    Raises MapError where they cannot be written.
    """
    folder = points_folder(data, points.key)
    if not is_kept(data, points):
        _write(folder, points)
    if version:
        with replacing(folder / CURRENT) as beside:
            beside.write_text(json.dumps({"version": version, "digest": points.digest}), encoding="utf-8")
        for path in folder.glob("*.*"):
            if path.stem != points.digest and path.name != CURRENT and not path.name.startswith("."):
                discard(path)
    return open_points(data, points.key, points.digest)


def open_points(data: Path, key: str, digest: str) -> Points:
    """Return points that were kept, their vectors mapped from the disk. Raises MapError where they are gone or damaged."""
    vectors, table = _paths(points_folder(data, key), digest)
    try:
        with np.load(table) as held:
            columns = {name: held[name] for name in held.files}
        return _points(columns, np.load(vectors, mmap_mode="r" if len(columns["start"]) else None))
    except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, zipfile.BadZipFile) as error:
        for path in (vectors, table):
            discard(path)
        raise MapError(f"The chunks of this collection as the map keeps them are gone or damaged ({error}): open the map again") from error


def current_points(data: Path, key: str, version: str) -> Points | None:
    """Return the points kept of this version of a collection, None where there are none."""
    try:
        noted = json.loads((points_folder(data, key) / CURRENT).read_text(encoding="utf-8"))
        return open_points(data, key, noted["digest"]) if noted["version"] == version else None
    except (OSError, ValueError, KeyError, TypeError, MapError):
        return None


def forget_others(data: Path, keys: Collection[str]) -> None:
    """Remove the points of collections that are not among ``keys``."""
    for folder in (data / FOLDER / "points").glob("*"):
        if folder.name not in keys:
            shutil.rmtree(folder, ignore_errors=True)


def _paths(folder: Path, digest: str) -> tuple[Path, Path]:
    return folder / f"{digest}.npy", folder / f"{digest}.npz"


def _write(folder: Path, points: Points) -> None:
    """The vectors first: the table says that they are complete."""
    vectors, table = _paths(folder, points.digest)
    with replacing(vectors) as beside, beside.open("wb") as file:
        np.save(file, np.ascontiguousarray(points.vectors, dtype=np.float32))
    documents = dict.fromkeys(zip(points.document_ids, points.documents, strict=True))
    number = {document: at for at, document in enumerate(documents)}
    about = {name: getattr(points, name) for name in _ABOUT} | {"chunk_ids": points.chunk_ids, "documents": list(documents)}
    document = np.array([number[document] for document in zip(points.document_ids, points.documents, strict=True)], dtype=np.int64)
    words = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    with replacing(table) as beside, beside.open("wb") as file:
        np.savez(file, about=words, start=points.starts, end=points.ends, tokens=points.tokens, document=document)


def _points(columns: dict[str, Any], vectors: Floats) -> Points:
    about = json.loads(columns["about"].tobytes())
    ids, starts, ends, tokens, document = about["chunk_ids"], *(columns[name] for name in ("start", "end", "tokens", "document"))
    if not len(vectors) == len(ids) == len(starts) == len(ends) == len(tokens) == len(document):
        raise ValueError(f"{len(vectors)} vectors for {len(ids)} chunks")
    documents, names = (np.array([told[at] for told in about["documents"]], dtype=object)[document].tolist() for at in (0, 1))
    known = {name: about[name] for name in _ABOUT}
    return Points(**known, chunk_ids=tuple(ids), document_ids=tuple(documents), documents=tuple(names), starts=starts, ends=ends, tokens=tokens, vectors=vectors)
