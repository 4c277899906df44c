"""BEIR folders that are wrong in some way: what is said of each. And what is passed over, but counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli.main import main
from core.errors import DataError
from core.formats.beir import read_beir
from tests.evaluation.test_runner import CORPUS, HEADER, QRELS, QUERIES, beir


@pytest.mark.parametrize(
    ("files", "message"),
    [
        # duplicate ids
        (
            {"corpus": CORPUS + '{"_id": "d1", "text": "again"}\n'},
            r"corpus\.jsonl, line 3: the _id 'd1' was there in line 1: ids must differ",
        ),
        (
            {"queries": QUERIES + '\n{"_id": "q2", "text": "again"}\n'},
            r"queries\.jsonl, line 5: the _id 'q2' was there in line 2",
        ),
        ({"corpus": '{"_id": 1}\n{"_id": "1"}\n'}, r"corpus\.jsonl, line 2: the _id '1' was there in line 1"),
        (
            {"qrels": QRELS + "q1\td1\t2\n"},
            r"test\.tsv, line 5: document 'd1' was judged for query 'q1' before, with another score: keep one",
        ),
        # ids that runs cannot carry
        ({"corpus": CORPUS + '{"_id": "d 3"}\n'}, r"corpus\.jsonl, line 3: the _id 'd 3' is empty or holds a space"),
        (
            {"queries": QUERIES + '{"_id": "q\\t4", "text": "x"}\n'},
            r"queries\.jsonl, line 4: the _id 'q\\t4' is empty or holds a space",
        ),
        ({"corpus": CORPUS + '{"_id": ""}\n'}, r"corpus\.jsonl, line 3: the _id '' is empty"),
        (
            {"corpus": CORPUS + '{"_id": null}\n'},
            r"corpus\.jsonl, line 3: the _id None is neither text nor a whole number",
        ),
        ({"corpus": CORPUS + '{"_id": true}\n'}, r"corpus\.jsonl, line 3: the _id True is neither"),
        ({"corpus": CORPUS + '{"_id": 1.5}\n'}, r"corpus\.jsonl, line 3: the _id 1\.5 is neither"),
        ({"corpus": CORPUS + '{"_id": ["d3"]}\n'}, r"corpus\.jsonl, line 3: the _id \['d3'\] is neither"),
        # unknown ids, with the line
        ({"qrels": QRELS + "q9\td1\t1\n"}, r"test\.tsv, line 5: the query 'q9' is not in queries\.jsonl"),
        ({"qrels": QRELS + "\nq1\td9\t1\n"}, r"test\.tsv, line 6: the document 'd9' is not in corpus\.jsonl"),
        ({"qrels": QRELS + "q 1\td1\t1\n"}, r"test\.tsv, line 5: the query 'q 1' is not in queries\.jsonl"),
        # a header that we do not know
        ({"qrels": "query-id\tcorpus-id\trel\nq1\td1\t1\n"}, r"test\.tsv, line 1, is not 'query-id"),
        # scores
        ({"qrels": QRELS + "q1\td1\tmuch\n"}, r"test\.tsv, line 5,.*a whole number"),
        ({"qrels": QRELS + "q1\td1\t1.0\n"}, r"test\.tsv, line 5,.*a whole number"),
        ({"qrels": QRELS + "q1\td1\t\n"}, r"test\.tsv, line 5,"),
        ({"qrels": QRELS + "q1\td1\t1001\n"}, r"test\.tsv, line 5,.*up to 1000"),
        ({"qrels": QRELS + "q1\td1\t9999999999999999999999\n"}, r"test\.tsv, line 5,"),
        ({"qrels": QRELS + "q1\td1\tnan\n"}, r"test\.tsv, line 5,"),
        ({"qrels": QRELS + "q1\td1\t1\textra\n"}, r"test\.tsv, line 5,"),
        ({"qrels": QRELS + "q1 0 d1 1\n"}, r"test\.tsv, line 5,.*tabs"),  # TREC's own form
        # empty files
        ({"corpus": ""}, r"corpus\.jsonl holds no documents"),
        ({"corpus": "\n \n"}, r"corpus\.jsonl holds no documents"),
        ({"queries": ""}, r"test\.tsv, line 2: the query 'q2' is not in queries\.jsonl"),
        ({"qrels": ""}, r"test\.tsv holds no judgments"),
        ({"qrels": HEADER}, r"test\.tsv holds no judgments"),
        (
            {"queries": QUERIES.replace("blue?", "")},
            r"queries\.jsonl, line 2: the query 'q2' is judged and has no text",
        ),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_beir(beir(tmp_path, **files))


@pytest.mark.parametrize(
    ("files", "notes"),
    [
        ({}, ()),
        ({"qrels": QRELS.removeprefix(HEADER)}, ("test.tsv has no header: its first line was read as a judgment",)),
        (
            {"qrels": QRELS + "q1\td1\t1\nq1\td1\t1\n"},
            ("2 judgments given more than once, with the same score: counted once",),
        ),
        ({"qrels": QRELS + "q3\td1\t0\n"}, ("1 judged query with nothing relevant: counted, as 0 for every system",)),
        (
            {"corpus": CORPUS + '{"_id": "d3"}\n{"_id": "d4", "text": " "}\n'},
            ("2 documents without text: they are ranked last, if at all",),
        ),
        ({"queries": QUERIES + '{"_id": "q5", "text": ""}\n'}, ()),  # not judged, so not asked
    ],
)
def test_what_is_passed_over_is_counted(tmp_path: Path, files: dict[str, str], notes: tuple[str, ...]) -> None:
    assert read_beir(beir(tmp_path, **files)).evaluation_notes("test") == notes


def test_scores_below_zero_are_kept(tmp_path: Path) -> None:
    judged = read_beir(beir(tmp_path, qrels=QRELS + "q2\td1\t-2\n"))
    assert judged.qrels["test"]["q2"] == {"d2": 2, "d1": -2}


def test_queries_of_stop_words_or_signs_find_nothing_by_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = beir(
        tmp_path,
        corpus='{"_id": "d1", "title": "Lock", "text": "The lock opens."}\n{"_id": "d2", "text": "The quay."}\n',
        queries="".join(
            f'{{"_id": {number}, "text": "{text}"}}\n' for number, text in enumerate(["what is the", "?!", "the lock"])
        ),
        qrels=HEADER + "0\td1\t1\r\n1\td1\t1\r\n2\td1\t0\r\n",
    )
    main(["evaluate", str(folder), "--systems", "bm25", "--metrics", "nDCG@10,RR@10", "--per-query", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["per_query"]["bm25"] == {query: {"nDCG@10": 0.0, "RR@10": 0.0} for query in "012"}
    assert report["notes"][0] == "1 judged query with nothing relevant: counted, as 0 for every system"
