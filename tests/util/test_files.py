"""core.util.files: atomic writes and what dead processes leave."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.util.files import STALE_SECONDS, atomic_write, atomic_write_text, remove_leftovers


def fail_while_writing(path: Path) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text("new")
        raise ZeroDivisionError


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x"
    atomic_write_text(path, "old\r\n")
    with pytest.raises(ZeroDivisionError):
        fail_while_writing(path)
    assert (path.read_bytes(), [file.name for file in tmp_path.iterdir()]) == (b"old\r\n", ["x"])


def test_a_folder_appears_complete(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "data") as temporary:
        temporary.mkdir()
        (temporary / "corpus").write_text("text")
        assert not (tmp_path / "data").exists()
    assert [path.name for path in tmp_path.rglob("*")] == ["data", "corpus"]


def test_a_failed_folder_is_removed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "precious").touch()
    with pytest.raises(OSError), atomic_write(tmp_path / "data") as temporary:  # noqa: PT011  the system's own words
        temporary.mkdir()
    assert [path.name for path in tmp_path.rglob("*")] == ["data", "precious"]


def test_leftovers_of_dead_processes_are_removed(tmp_path: Path) -> None:
    fresh, stale, mine = (tmp_path / f".x.{name}.tmp" for name in ("1-a", "2-b", "3-c"))
    for path in (fresh, stale, mine):
        path.touch()
    os.utime(stale, (0, stale.stat().st_mtime - 2 * STALE_SECONDS))
    remove_leftovers(tmp_path, "y")
    assert stale.exists()
    remove_leftovers(tmp_path)
    assert (fresh.exists(), stale.exists()) == (True, False)
    remove_leftovers(tmp_path, process=3)
    assert (fresh.exists(), mine.exists()) == (True, False)


def test_the_next_write_removes_the_stale_leftovers_of_its_own_target(tmp_path: Path) -> None:
    leftover, other = tmp_path / ".[x].1-a.tmp", tmp_path / ".z.1-a.tmp"
    for path in (leftover, other):
        path.touch()
        os.utime(path, (0, path.stat().st_mtime - 2 * STALE_SECONDS))
    atomic_write_text(tmp_path / "[x]", "")
    assert (leftover.exists(), other.exists()) == (False, True)
