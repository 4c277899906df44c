"""Numbers in words."""

from __future__ import annotations

from core.util.formatting import duration, file_size, plural, progress_text
from core.util.progress import Progress


def test_numbers_in_words() -> None:
    assert [duration(seconds) for seconds in (0, 59.4, 60, 185, 7800)] == [
        "0 s",
        "59 s",
        "1 min 0 s",
        "3 min 5 s",
        "2 h 10 min",
    ]
    assert [file_size(size) for size in (812, 3400, 12_000_000)] == ["812 B", "3.4 kB", "12.0 MB"]
    assert [plural(count, "chunk") for count in (0, 1, 1204)] == ["0 chunks", "1 chunk", "1,204 chunks"]
    assert progress_text(Progress(1, 2, 30, 12.4, 61.0)) == "1 of 2 files, 30 chunks, 12 chunks/s, about 1 min 1 s left"
