"""Judgments into files: TREC, BEIR, Quepid, and our own CSV. Nothing is there under the name asked for until it is complete."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from core.errors import ExchangeError
from core.formats._part_exchange_beir_out import refuse, write_folder
from core.formats.judgment_tables import CSV_COLUMNS
from core.judgments.queries import USUAL, JudgedQueries
from core.records.judgments import RESERVED, Judgment
from core.records.search import Collection
from core.util.csv_safety import armoured, is_formula
from core.workspace import Workspace

Qrels = dict[str, dict[str, int]]


def best_by_document(judged: JudgedQueries) -> Qrels:
    """Return query id to document id to the highest grade of its judged spans."""
    best: Qrels = {}
    for query_id, spans in judged.spans.items():
        grades = best.setdefault(query_id, {})
        for span in spans:
            grades[span.document_id] = max(span.grade, grades.get(span.document_id, span.grade))
    return best


def names_in_files(names: Mapping[str, str]) -> dict[str, str]:
    """Return how documents are named where an id holds no space: by their names if all of these serve, else by their ids."""
    serve = len(set(names.values())) == len(names) and all(name.isprintable() and name and not any(map(str.isspace, name)) for name in names.values())
    return dict(names) if serve else {document_id: document_id for document_id in names}


def write_trec(path: Path, judged: JudgedQueries, names: Mapping[str, str]) -> None:
    """Write qrels, and the queries' texts beside them as ``NAME.queries.tsv``. Raises ExchangeError."""
    called = names_in_files(names)
    lines = [f"{query} 0 {called.get(document, document)} {grade}\n" for query, grades in best_by_document(judged).items() for document, grade in grades.items()]
    queries = [f"{query}\t{' '.join(text.split())}\n" for query, text in judged.queries.items()]
    _write({path: "".join(lines), queries_beside(path): "".join(queries)})


def queries_beside(path: Path) -> Path:
    """Return where the queries' texts of a file of TREC qrels lie."""
    return path.with_name(f"{path.stem}.queries.tsv")


def write_quepid(path: Path, judged: JudgedQueries, names: Mapping[str, str]) -> None:
    """Write ``query,docid,rating`` as Quepid does, a space before what a spreadsheet would run as a formula. Raises ExchangeError."""
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["query", "docid", "rating"])
    for query, grades in best_by_document(judged).items():
        text = " ".join(judged.queries[query].split())
        writer.writerows([f" {text}" if is_formula(text) else text, names.get(document, document), grade] for document, grade in grades.items())
    _write({path: table.getvalue()})


def write_csv(path: Path, queries: Mapping[str, str], judgments: Sequence[Judgment], names: Mapping[str, str]) -> None:
    """Write everything that is known of judgments, a line each. Raises ExchangeError."""
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for judgment in judgments:
        row = {**asdict(judgment), "query": queries.get(judgment.query_id, ""), "document": names.get(judgment.document_id, "")}
        writer.writerow({name: armoured(row[name]) for name in CSV_COLUMNS})
    _write({path: table.getvalue()})


def write_beir(folder: Path, workspace: Workspace, collection: Collection, judged: JudgedQueries) -> None:
    """Write a whole BEIR folder, the documents' texts too, so that it can be measured anywhere. Raises ExchangeError."""
    names = workspace.shelf.names(collection.key)
    called = names_in_files(names)
    split = USUAL if judged.split in RESERVED else judged.split
    qrels = {query: {called[document]: grade for document, grade in grades.items() if document in names} for query, grades in best_by_document(judged).items()}
    texts = ((called[document_id], workspace.shelf.document(document_id).text) for document_id in names)
    write_folder(folder, texts, judged.queries, qrels, split)


def _write(files: Mapping[Path, str]) -> None:
    """Write new files: beside their places first, then all are moved there."""
    refuse(files)
    partial = {path: path.with_name(f"{path.name}.part") for path in files}
    try:
        for path, text in files.items():
            partial[path].write_text(text, encoding="utf-8", newline="")
        for path, written in partial.items():
            written.replace(path)
    except OSError as error:
        raise ExchangeError(f"{error.filename or next(iter(files))} cannot be written ({error.strerror or error}): choose another place") from error
    finally:
        for written in partial.values():
            written.unlink(missing_ok=True)
