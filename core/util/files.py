"""Files that are complete or absent: write to a temporary name beside the target, then rename."""

from __future__ import annotations

import glob
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

STALE_SECONDS = 3600.0  # a temporary file untouched for so long belongs to a process that died


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; what is written there replaces ``path`` in one step at the end.

    If the body raises, ``path`` stays as it was and what was written is removed. A folder can only replace an
    empty folder or nothing. Raises OSError where the disk refuses.
    """
    remove_leftovers(path.parent, path.name)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        _remove(temporary)


def atomic_write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` in one step, in UTF-8 and with the line ends as they are. Raises OSError."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def remove_leftovers(folder: Path, name: str | None = None, process: int | None = None) -> None:
    """Remove the temporary files that dead processes left in ``folder``.

    Only those of the target ``name`` if one is given; those of the dead process with id ``process`` whatever their
    age, else those that are older than STALE_SECONDS.
    """
    pattern = f".{'*' if name is None else glob.escape(name)}.{'*' if process is None else f'{process}-*'}.tmp"
    for path in folder.glob(pattern):
        with suppress(OSError):
            if process is not None or time.time() - path.stat().st_mtime > STALE_SECONDS:
                _remove(path)


def _remove(path: Path) -> None:
    with suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
