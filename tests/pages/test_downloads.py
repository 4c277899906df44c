"""CSV downloads: nothing in them is run by a spreadsheet, and harmless text stays as it is."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pandas as pd
import pytest

from pages.ui.downloads import frame_csv, hits_csv
from tests.support.pages import HIT, result


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_a_cell_that_a_spreadsheet_would_run_is_disarmed(start: str) -> None:
    evil = f"{start}HYPERLINK(1)"
    table = hits_csv(result(replace(HIT, text=evil, document=evil, heading=evil), query=evil, collection=evil))
    (row,) = csv.DictReader(io.StringIO(table, newline=""))
    assert [row[name] for name in ("query", "collection", "document", "heading", "text")] == [f"'{evil}"] * 5


def test_no_cell_of_a_table_is_run_by_a_spreadsheet() -> None:
    frame = pd.DataFrame({"query": ["=1+1", "fine"], "rank": [1, -2], "grade": [None, 0.5]})
    assert frame_csv(frame).decode("utf-8-sig").splitlines() == ["query,rank,grade", "'=1+1,1,", "fine,-2,0.5"]


def test_csv_keeps_harmless_text_and_numbers_as_they_are() -> None:
    hit = replace(HIT, text='two\nlines, "quoted" = fine', page=2, bi_score=-1.25)
    first, second = csv.DictReader(io.StringIO(hits_csv(result(hit, replace(HIT, rank=2))), newline=""))
    assert (first["text"], first["page"], first["heading"], first["bi_score"]) == (hit.text, "2", "", "-1.25")
    assert (second["rank"], second["page"]) == ("2", "")
    assert hits_csv(result()).strip() == ""
