"""Filters on metadata: how they are written, what they hold of, and what a search finds with them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.cli.main import main
from core.errors import QueryError
from core.indexing.indexer import index
from core.loading.sources import Upload
from core.records.document import Document, Row, Value
from core.records.filters import Field, FieldValue, Filter, format_value, group_fields, matching_values, parse_filter
from core.records.search import Chunk, Collection
from core.retrieval.search import search
from core.store._where import as_where
from core.store.vector_store import VectorStore
from core.workspace import Workspace
from tests.support.fakes import FakeEncoder

BOOKS: list[dict[str, Value]] = [
    {"author": "Jane Doe", "year": 2010, "date": "2010-03-01", "price": 9.5, "kind": "novel", "lent": True},
    {"author": "John Roe", "year": 2015, "date": "2015-12-31", "price": 12, "kind": "essay, long", "lent": False},
    {"author": "Jane Doe", "year": 2020, "date": "2020-06-30", "price": 20.0, "kind": "novel", "a=b": "x"},
    {"year": 2021, "date": "2021-01-01", "kind": "poem", "price": 9},
]
FIELDS = group_fields((name, FieldValue(value, 1)) for book in BOOKS for name, value in book.items())


@pytest.fixture
def store(tmp_path: Path) -> VectorStore:
    return VectorStore(tmp_path)


@pytest.fixture
def books(store: VectorStore) -> Collection:
    collection = store.create("books", model="fake", revision="1", dimension=8)
    chunks = [Chunk(f"id{at}", f"d{at}", 0, 3, "red", 1, metadata=book) for at, book in enumerate(BOOKS)]
    store.add(
        collection,
        chunks,
        FakeEncoder().encode_documents(["red"] * len(BOOKS)),
        {f"d{at}": f"{at}.txt" for at in range(len(BOOKS))},
    )
    return collection


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("author=Jane Doe", [0, 2]),
        ("author!=Jane Doe", [1, 3]),
        ("author=jane doe", []),
        ("year=2015", [1]),
        ("year>=2015", [1, 2, 3]),
        ("year<=2015", [0, 1]),
        ("year between 2011 and 2020", [1, 2]),
        ("year in 2010,2021", [0, 3]),
        ("year >= 2015.5", [2, 3]),
        ("year!=2015", [0, 2, 3]),
        ("year!=1999", [0, 1, 2, 3]),
        ("price=12.0", [1]),
        ("price>=12", [1, 2]),
        ("price<=12", [0, 1, 3]),
        ("price in 9.5,20", [0, 2]),
        ("price=20", [2]),
        ("price=9.5", [0]),
        ("price=9", [3]),
        ("price!=9.5", [1, 2, 3]),
        ("price>=9.5", [0, 1, 2]),
        ("price<=9.5", [0, 3]),
        ("price between 9.2 and 19.9", [0, 1]),
        ("date>=2015-12-31", [1, 2, 3]),
        ("date<=2015", [0, 1]),
        ("date<=2020-06", [0, 1, 2]),
        ("date<=2020-06-29", [0, 1]),
        ("date between 2010-03-02 and 2020", [1, 2]),
        ("date between 2016 and 2019", []),
        ("date=2020-06-30", [2]),
        ("kind in novel,poem", [0, 2, 3]),
        ('kind in novel,"essay, long"', [0, 1, 2]),
        ("kind=essay, long", [1]),
        ("kind in essay", []),
        ("lent=true", [0]),
        ("lent!=true", [1, 2, 3]),
        ("lent=false", [1]),
        ("lent=True", [0]),
        ("lent=TRUE", [0]),
        ("lent!=True", [1, 2, 3]),
        ("lent in True,False", [0, 1]),
        ("lent=0", [1]),
        ("date=30.6.2020", [2]),
        ("date>=31.12.2015", [1, 2, 3]),
        ("year=02015", [1]),
        ("a=b=x", [2]),
        ("  author  =  Jane Doe ", [0, 2]),
    ],
)
def test_a_filter_finds_the_chunks_that_it_holds_of(
    store: VectorStore, books: Collection, text: str, found: list[int]
) -> None:
    asked = parse_filter(text, store.fields(books))
    hits = store.query(books, FakeEncoder().encode_query("red"), 9, filters=[asked])
    assert [hit.chunk_id for hit in hits] == [f"id{at}" for at in found]


MIXED: list[Value] = [True, "True", "FALSE", False, 5, "05", "5", 5.5, "2024-03-01", "yes"]


@pytest.mark.parametrize(
    ("typed", "values", "found"),
    [
        ("True", MIXED, [True, "True"]),
        ("TRUE", MIXED, [True, "True"]),
        ("false", MIXED, ["FALSE", False]),
        (True, MIXED, [True, "True"]),
        ("1", MIXED, []),  # there are numbers
        ("1", [True, False, "x"], [True]),
        ("0", [True, False], [False]),
        ("yes", MIXED, ["yes"]),
        ("Yes", MIXED, []),
        ("5", MIXED, [5, "5"]),
        ("05", MIXED, ["05"]),
        ("05", [5, 6], [5]),
        ("5.0", MIXED, [5]),
        ("5.50", MIXED, [5.5]),
        ("1.3.2024", MIXED, ["2024-03-01"]),
        ("2024/3/1", MIXED, ["2024-03-01"]),
        ("31.2.2024", MIXED, []),
    ],
)
def test_what_is_typed_means_values_of_several_kinds(typed: Value, values: list[Value], found: list[Value]) -> None:
    meant = matching_values(Field("f", tuple(FieldValue(value, 1) for value in values)), [typed])
    assert [(type(value), value) for value in meant] == [(type(value), value) for value in found]


def test_filters_documents_and_hidden_ones_all_count(store: VectorStore, books: Collection) -> None:
    def found(*texts: str, only: set[str] | None = None, hidden: tuple[str, ...] = ()) -> list[str]:
        asked = [parse_filter(text, store.fields(books)) for text in texts]
        return [
            hit.document_id for hit in store.query(books, FakeEncoder().encode_query("red"), 9, only, hidden, asked)
        ]

    assert found("author=Jane Doe", "year>=2011") == ["d2"]
    assert found("kind=novel", only={"d0", "d1"}) == ["d0"]
    assert found("kind=novel", hidden=("d0",)) == ["d2"]
    assert found("year>=2011", "year<=2015", "lent=false", only={"d1", "d2"}, hidden=("d2",)) == ["d1"]


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (Filter("author", "equal", ("Jane Doe",)), "author=Jane Doe"),
        (Filter("author", "not", (" padded",)), 'author!=" padded"'),
        (Filter("author", "equal", ('"quoted"',)), 'author="""quoted"""'),
        (Filter("author", "equal", ("",)), 'author=""'),
        (Filter("author", "equal", ("=SUM(A1)",)), 'author="=SUM(A1)"'),
        (Filter("author", "one of", ("=a", "<b")), "author in =a,<b"),
        (Filter("kind", "one of", ("a", "b, c", 'd"e', "f\ng")), 'kind in a,"b, c","d""e","f\ng"'),
        (Filter("year", "at least", ("2010",)), "year>=2010"),
        (Filter("date", "between", ("2010", "2020-06")), "date between 2010 and 2020-06"),
        (Filter("a=b", "at most", ("3",)), "a=b<=3"),
    ],
)
def test_a_filter_is_read_as_it_is_written(asked: Filter, text: str) -> None:
    assert str(asked) == text
    assert parse_filter(text, FIELDS) == asked


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "colour=red",
            "There is no metadata field 'colour' in this collection: there are a=b, author, date, kind, lent, price, "
            "year",
        ),
        ("author", "The filter 'author' cannot be read: write field=value"),
        ("year>2010", "The filter 'year>2010' cannot be read"),
        ("author=", "The filter 'author=' cannot be read"),
        ("kind in ", "cannot be read"),
        ("=x", "The filter '=x' cannot be read"),
        ("year==2010", "The filter 'year==2010' has more than one sign of comparison: write field=value"),
        ("year=>2015", 'A value that begins with > stands in quotation marks: ">2015"'),
        ("year between 2010", "The filter on 'year' has 1 values, which does not fit 'between'"),
    ],
)
def test_an_unreadable_filter_is_named(text: str, words: str) -> None:
    with pytest.raises(QueryError, match=r".") as raised:
        parse_filter(text, FIELDS)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("author>=M", "The filter 'author>=M' cannot be used: author holds words, and a range needs numbers or dates"),
        ("year>=soon", "The filter 'year>=soon' cannot be used: year holds numbers"),
        ("year<=nan", "year holds numbers"),
        ("date>=2021-13", "The filter 'date>=2021-13' cannot be used: date holds dates"),
        ("date<=2020-02-31", "The filter 'date<=2020-02-31' cannot be used: date holds dates"),
        ("date between 2020 and 2010-05", "'date between 2020 and 2010-05' ends before it begins"),
        ("year between 2020 and 2010", "'year between 2020 and 2010' ends before it begins"),
        ("date>=May", "The filter 'date>=May' cannot be used: date holds dates, written YYYY-MM-DD"),
    ],
)
def test_a_range_over_what_has_no_order_is_refused(text: str, words: str) -> None:
    with pytest.raises(QueryError) as raised:
        as_where([parse_filter(text, FIELDS)], FIELDS)
    assert words in str(raised.value)


def test_a_field_that_a_collection_has_not_is_refused() -> None:
    with pytest.raises(QueryError, match=r"no metadata field 'x' in this collection: its chunks have none"):
        as_where([Filter("x", "equal", ("1",))], [])


def test_more_values_than_chroma_takes_are_refused() -> None:
    field = Field("n", tuple(FieldValue(f"v{at}", 1) for at in range(30_001)))
    with pytest.raises(QueryError, match="The filter on n holds of 30,001 different values"):
        as_where([Filter("n", "one of", tuple(said.value for said in field.values))], [field])


def test_fields_know_their_kinds_values_and_counts(store: VectorStore, books: Collection) -> None:
    fields = {field.name: field for field in store.fields(books)}
    assert list(fields) == ["a=b", "author", "date", "kind", "lent", "price", "year"]
    assert {name: field.kind for name, field in fields.items()} == {
        "a=b": "word",
        "author": "word",
        "date": "date",
        "kind": "word",
        "lent": "word",
        "price": "number",
        "year": "number",
    }
    assert fields["author"].values == (FieldValue("Jane Doe", 2), FieldValue("John Roe", 1))
    assert fields["lent"].values == (FieldValue(False, 1), FieldValue(True, 1))
    assert fields["price"].numbers == [9, 9.5, 12, 20]
    assert (fields["year"].chunks, fields["author"].chunks) == (4, 3)
    assert fields["date"].as_json() == {
        "name": "date",
        "kind": "date",
        "chunks": 4,
        "values": 4,
        "least": "2010-03-01",
        "most": "2021-01-01",
    }
    assert [format_value(value) for value in (True, 12.0, 9.5, 3, "x")] == ["true", "12", "9.5", "3", "x"]


def test_fields_follow_what_is_written_and_belong_to_one_collection(store: VectorStore, books: Collection) -> None:
    other = store.create("other", model="fake", revision="1", dimension=8)
    assert store.fields(other) == ()
    before = store.fields(books)
    assert store.fields(books) is before
    one = Chunk("new", "d9", 0, 3, "red", 1, metadata={"author": "Ann"})
    store.add(
        books,
        [one, replace(one, id="plain", document_id="d8", metadata={})],
        FakeEncoder().encode_documents(["red"] * 2),
        {"d9": "9.txt", "d8": "8.txt"},
    )
    assert FieldValue("Ann", 1) in {field.name: field for field in store.fields(books)}["author"].values
    store.remove_documents(books, ["d9"])
    assert FieldValue("Ann", 1) not in {field.name: field for field in store.fields(books)}["author"].values
    assert store.fields(other) == ()


def test_a_search_keeps_its_filters(workspace: Workspace) -> None:
    texts = "red one\nred two"
    rows = (Row(0, 7, {"year": 1999}), Row(8, 15, {"year": 2001}))
    collection = workspace.open_or_create("c")
    document = Document("a.txt", texts, rows=rows, metadata={"author": "Jane"})
    chunks = [
        Chunk(
            f"id{at}",
            document.id,
            row.start,
            row.end,
            texts[row.start : row.end],
            2,
            metadata=document.metadata_at(row.start, row.end),
        )
        for at, row in enumerate(rows)
    ]
    workspace.store.add(
        collection, chunks, FakeEncoder().encode_documents([chunk.text for chunk in chunks]), {document.id: "a.txt"}
    )
    asked = Filter("year", "at least", (2000,))
    result = search(workspace, "c", "red", 5, filters=[asked])
    assert [(hit.text, dict(hit.metadata)) for hit in result.hits] == [("red two", {"author": "Jane", "year": 2001})]
    assert result.filters == (asked,)
    assert result.as_json()["filters"] == [{"field": "year", "op": "at least", "values": [2000]}]
    with pytest.raises(QueryError, match="no metadata field 'colour'"):
        search(workspace, "c", "red", filters=[Filter("colour", "equal", ("red",))])


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANKSCOPE_DATA", str(tmp_path / "data"))
    pages = {
        "kettle.html": ("Jane Doe", "2020-05-01", "Use vinegar to remove the lime of a kettle."),
        "bike.html": ("John Roe", "2011-01-01", "Pump the tyres of the bicycle."),
    }
    for name, (author, day, text) in pages.items():
        (tmp_path / name).write_text(
            f'<html><head><title>T</title><meta name="author" content="{author}"><meta name="date" content="{day}">'
            f"</head><body><p>{text}</p></body></html>"
        )
    assert main(["index", *(str(tmp_path / name) for name in pages), "--collection", "c"]) == 0


@pytest.mark.usefixtures("shell")
def test_the_shell_filters_and_lists_fields(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["fields", "c", "--json"]) == 0
    fields = {field["name"]: field for field in json.loads(capsys.readouterr().out)}
    assert {"author", "date"} <= set(fields)
    assert (fields["date"]["least"], fields["date"]["most"]) == ("2011-01-01", "2020-05-01")
    assert main(["search", "c", "tyres", "--where", "author=Jane Doe", "--where", "date>=2015", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [hit["document"] for hit in found["hits"]] == ["kettle.html"]
    assert found["filters"] == [
        {"field": "author", "op": "equal", "values": ["Jane Doe"]},
        {"field": "date", "op": "at least", "values": ["2015"]},
    ]
    assert main(["search", "c", "tyres", "--where", "colour=red"]) == 2
    assert "no metadata field 'colour' in this collection: there are" in capsys.readouterr().err


def test_a_collection_without_metadata_has_no_fields(workspace: Workspace) -> None:
    collection = workspace.open_or_create("c")
    index(workspace, collection, [Upload("a.txt", b"red")])
    assert [field.name for field in workspace.store.fields(collection) if field.name != "source"] == []
