"""A collection's points on the disk: the vectors to be mapped into memory, the rest in a table beside them.

Files are named by the points' digest, and one small file says which digest a version of the collection has; it is
written last. A process that has mapped older vectors keeps them: files are replaced, never written over.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from core.errors import MapError
from core.projection.files import FOLDER, discard, replacing
from core.projection.records import Floats, Points
from core.records import METRICS, Metric

CURRENT = "current.json"
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
    import pyarrow
    import pyarrow.parquet

    vectors, table = _paths(points_folder(data, key), digest)
    try:
        held = pyarrow.parquet.read_table(table)
        mapped = np.load(vectors, mmap_mode="r" if held.num_rows else None)
        return _points(held, mapped)
    except (OSError, ValueError, KeyError, pyarrow.ArrowException) as error:
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
    return folder / f"{digest}.npy", folder / f"{digest}.parquet"


def _write(folder: Path, points: Points) -> None:
    """The vectors first: the table says that they are complete."""
    import pyarrow
    import pyarrow.parquet

    vectors, table = _paths(folder, points.digest)
    with replacing(vectors) as beside, beside.open("wb") as file:
        np.save(file, np.ascontiguousarray(points.vectors, dtype=np.float32))
    columns: dict[str, Any] = {"chunk_id": points.chunk_ids, "start": points.starts, "end": points.ends, "tokens": points.tokens}
    for name, values in (("document_id", points.document_ids), ("document", points.documents)):
        columns[name] = pyarrow.array(values, pyarrow.string()).dictionary_encode()
    about = {"collection": points.collection, "key": points.key, "digest": points.digest, "metric": points.metric, "model": points.model}
    held = pyarrow.table(columns).replace_schema_metadata(about)
    with replacing(table) as beside:
        pyarrow.parquet.write_table(held, beside)


def _points(held: Any, vectors: Floats) -> Points:
    about = {name.decode(): value.decode() for name, value in (held.schema.metadata or {}).items()}
    if len(vectors) != held.num_rows or about["metric"] not in METRICS:
        raise ValueError(f"{len(vectors)} vectors for {held.num_rows} chunks")
    columns = {name: held.column(name).combine_chunks() for name in held.column_names}
    starts, ends, tokens = (columns[name].to_numpy() for name in ("start", "end", "tokens"))
    ids = tuple(columns["chunk_id"].to_pylist())
    metric = cast(Metric, about["metric"])
    documents, names = _decoded(columns["document_id"]), _decoded(columns["document"])
    return Points(about["collection"], about["key"], about["digest"], metric, about["model"], ids, documents, names, starts, ends, tokens, vectors)


def _decoded(column: Any) -> tuple[str, ...]:
    """Of a column of few different words, each word once in memory."""
    words = np.asarray(column.dictionary.to_pylist(), dtype=object)
    return tuple(words[column.indices.to_numpy()].tolist()) if len(words) else ()
