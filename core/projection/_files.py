"""The map's files in the data folder: where they are, how they are written, which are removed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import MapError
from core.util.files import atomic_write, remove_leftovers

FOLDER = "maps"  # in the data folder


@contextmanager
def atomic_map_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path that replaces the map's file ``path`` at the end, as ``atomic_write`` does.

    Makes the folder if need be and removes the leftovers of dead processes in it. Raises MapError where the disk
    refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent)
        with atomic_write(path) as temporary:
            yield temporary
    except OSError as error:
        raise MapError(
            f"The map's file {path} cannot be written ({error.strerror}): "
            "is the disk full, or the data folder write-protected?"
        ) from error


def discard(path: Path) -> None:
    """Remove a file that is of no use any more; one that cannot be removed does no harm."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def keep_newest(folder: Path, pattern: str, limit: int) -> None:
    """Remove all but the ``limit`` files that match ``pattern`` and were used last (by modification time)."""
    used: list[tuple[float, Path]] = []
    for path in folder.glob(pattern):
        with suppress(OSError):  # another process has removed it
            used.append((path.stat().st_mtime, path))
    for _, path in sorted(used, reverse=True)[limit:]:
        discard(path)
