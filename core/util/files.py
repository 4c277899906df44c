"""Files of the maps: each is there whole or not at all."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import MapError

FOLDER = "maps"  # in the data folder
STALE = 3600.0  # seconds after which a half-written file was left by a process that died


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path beside ``path`` to write to; what is there at the end takes its place in one step, and nothing does if the body fails.

    Raises MapError where the disk does not let us.
    """
    beside = path.parent / f".{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        yield beside
        beside.replace(path)
    except OSError as error:
        raise MapError(
            f"The map's file {path} cannot be written ({error.strerror}): is the disk full, or the data folder write-protected?"
        ) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def sweep(folder: Path, process: int | None = None) -> None:
    """Remove what was left half-written in a folder: by that process, or by any that must have died long ago."""
    for path in folder.glob(".*.tmp" if process is None else f".*.{process}-*.tmp"):
        with suppress(OSError):
            if process is not None or time.time() - path.stat().st_mtime > STALE:
                path.unlink()


def discard(path: Path) -> None:
    """Remove a file that is of no use any more; one that cannot be removed does no harm."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def keep_newest(folder: Path, pattern: str, many: int) -> None:
    """Remove all but the ``many`` files of that pattern that were used last."""
    used: list[tuple[float, Path]] = []
    for path in folder.glob(pattern):
        with suppress(OSError):  # another process has removed it
            used.append((path.stat().st_mtime, path))
    for _, path in sorted(used, reverse=True)[many:]:
        discard(path)
