"""Tables of a page as files."""

from __future__ import annotations

import pandas as pd

from core.util.csv_safety import disarmed


def frame_csv(frame: pd.DataFrame) -> bytes:
    """Return a table as CSV with the mark by which Excel knows UTF-8, and nothing that a spreadsheet would run."""
    text: str = frame.map(disarmed).to_csv(index=False)
    return text.encode("utf-8-sig")
