"""A data set in BEIR's layout: a folder of corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from core.errors import ExchangeError
from core.formats.beir import CORPUS, QRELS, QUERIES

HEADER = "query-id\tcorpus-id\tscore\n"


def write_folder(folder: Path, texts: Iterable[tuple[str, str]], queries: Mapping[str, str], qrels: Mapping[str, Mapping[str, int]], split: str = "test") -> None:
    """Write a data set: ids with texts, queries by their ids, and ``qrels``, query id to document id to grade.

    Nothing is there under the folder's name until all of it is. Raises ExchangeError if the name is taken or cannot be written to.
    """
    refuse([folder])
    partial = folder.with_name(f"{folder.name}.part")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        (partial / QRELS).mkdir(parents=True)
        _write_rows(partial / CORPUS, ({"_id": name, "title": "", "text": text} for name, text in texts))
        _write_rows(partial / QUERIES, ({"_id": name, "text": text} for name, text in queries.items()))
        lines = (f"{query}\t{document}\t{grade}\n" for query, grades in qrels.items() for document, grade in grades.items())
        (partial / QRELS / f"{split}.tsv").write_text("".join([HEADER, *lines]), encoding="utf-8")
        partial.replace(folder)
    except OSError as error:
        raise ExchangeError(f"{folder} cannot be written ({error.strerror or error}): choose another place") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def refuse(paths: Iterable[Path]) -> None:
    """Raise ExchangeError if something is at one of the paths already."""
    for path in paths:
        if path.exists():
            raise ExchangeError(f"{path} exists already: choose another name or remove it first")


def _write_rows(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
