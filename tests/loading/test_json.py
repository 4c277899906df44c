"""JSON, JSON Lines and GeoJSON: no value is lost, and what is read otherwise is told of."""

from __future__ import annotations

import json

import pytest

from core.errors import DamagedFile, EmptyFile
from core.loading.loader import load, table_columns
from core.records.document import Document


def read(text: str, name: str = "a.json") -> Document:
    return load(name, text.encode())


def fields(document: Document) -> list[dict[str, object]]:
    return [dict(row.fields) for row in document.rows]


@pytest.mark.parametrize(
    ("data", "text", "repeated"),
    [
        ('{"a": "eels", "a": "locks", "n": 1}', "a: eels\na (2): locks\nn: 1\n", 1),
        ('{"a": 1, "a": true, "a": "1"}', "a: 1\na (2): true\na (3): 1\n", 2),
        ('{"a": {"x": 1}, "a": {"x": 2}}', "a.x: 1\na.x (2): 2\n", 1),
        ('{"a.b": "dot", "a": {"b": "nested"}}', "a.b: dot\na.b (2): nested\n", 1),
        ('{" b ": "spaced", "b": "plain"}', "b: spaced\nb (2): plain\n", 1),
        ('{"": 1, "(no name)": 2}', "(no name): 1\n(no name) (2): 2\n", 1),
        ('{"a": 1, "a (2)": 2, "a": 3}', "a: 1\na (2): 2\na (3): 3\n", 1),
        ('{"a": 1, "a": 1}', "a: 1\n", 0),
    ],
)
def test_of_values_with_one_name_each_is_there(data: str, text: str, repeated: int) -> None:
    document = read(data)
    assert document.text == text
    assert [note.split(" ")[0] for note in document.notes] == [str(repeated)] * bool(repeated)


@pytest.mark.parametrize(
    "value",
    ["12345678901234567891", "0.1000000000000000055", "2.50", "1e400", "-0", "1E5", "NaN", "-Infinity", "9" * 5000],
)
def test_numbers_are_read_as_they_are_written(value: str) -> None:
    assert read(f'{{"v": {value}}}').text == f"v: {value}\n"


def test_false_zero_and_null_are_told_apart() -> None:
    document = read('[{"a": false, "b": 0, "c": null, "d": "", "e": [], "f": {}, "l": [0, false, null, ""]}]')
    assert document.text == "a: false\nb: 0\nl: 0, false, null\n"
    assert fields(document) == [{"a": False, "b": 0, "l": "0, false, null"}]


def test_numbers_of_a_column_compare_as_before() -> None:
    assert fields(read('[{"n": 1.0}, {"n": 2.50}]')) == [{"n": 1.0}, {"n": 2.5}]
    assert fields(read('[{"n": 1}, {"n": 250}]')) == [{"n": 1}, {"n": 250}]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([{"a": [{"x": "deep"}, "flat", None, 7]}], "a.1.x: deep\na.2: flat\na.4: 7\n"),
        (["loose", {"n": "x"}, [1, 2]], "value: loose\n\nn: x\n\nvalue: 1, 2\n"),
        (
            {"ports": [{"name": "Emden"}, {"name": "Husum"}], "ships": [{"name": "Otter"}], "note": "two"},
            "note: two\n\nports.name: Emden\n\nports.name: Husum\n\nships.name: Otter\n",
        ),
        (False, "false\n"),
        (0, "0\n"),
    ],
)
def test_mixed_lists_and_several_lists_lose_nothing(value: object, text: str) -> None:
    assert read(json.dumps(value)).text == text


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.json", '{"t": "one"}{"t": "two"}'),
        ("a.json", '{"t": "one"},\n{"t": "two"},\n'),
        ("a.jsonl", '{\n "t": "one"\n}\n{\n "t": "two"\n}\n'),
        ("a.jsonl", '[{"t": "one"},\n{"t": "two"}]\n'),
        ("a.json", '\x1e{"t": "one"}\n\x1e{"t": "two"}\n'),
        ("a.jsonl", '\ufeff{"t": "one"}\r\n{"t": "two"}\r\n'),
        ("a.jsonl", "{'t': 'one'}\n{'t': 'two'}\n"),
        ("a.json", "[{t: 'one'}, {t: 'two',},]"),
    ],
)
def test_records_however_they_stand_in_the_file(name: str, data: str) -> None:
    document = read(data, name)
    assert (document.text, len(document.rows), document.notes) == ("t: one\n\nt: two\n", 2, ())


def test_utf_16() -> None:
    assert load("a.json", '{"t": "Größe"}'.encode("utf-16")).text == "t: Größe\n"


@pytest.mark.parametrize(
    ("data", "text", "notes"),
    [
        ('// settings\n{"t": "a // b", /* x */ "u": 2,}', "t: a // b\nu: 2\n", ("2 comments are left out",)),
        ('# by hand\n{"t": 1}', "t: 1\n", ("1 comment is left out",)),
        ('{"p": "C:\\dir", "q": "two\nlines"}', "p: C:\\dir\nq: two\nlines\n", ()),
        ('{"a": "x\\ud800y", "b": "\\ud83d\\ude00"}', "a: x�y\nb: 😀\n", ("1 half of a character is marked �",)),
        (
            json.dumps({"b": "<p>First</p><p>Second &amp; <b>third</b></p>", "c": "a < b &amp; c > d", "d": "List<T>"}),
            "b: First\nSecond & third\nc: a < b &amp; c > d\nd: List<T>\n",
            ("the tags of HTML are left out of 1 value",),
        ),
        (json.dumps({"b": '<img alt="a boat" src="x"><br>'}), "b: a boat\n", None),
        (json.dumps({"q" * 101: {"answer": "yes"}}), f"key: {'q' * 101}\n{'q' * 99}….answer: yes\n", ()),
    ],
)
def test_what_is_read_otherwise_is_told_of(data: str, text: str, notes: tuple[str, ...] | None) -> None:
    document = read(data)
    assert document.text == text
    assert notes is None or document.notes == notes


def test_a_bad_line_stays_as_it_is_among_records() -> None:
    document = read('{"t": "one"}\n{"t": "two"\n{"t": "three"}\n', "a.jsonl")
    assert document.text == 't: one\n\n{"t": "two"\n\nt: three\n'
    assert (len(document.rows), document.notes) == (2, ("line 2 is no JSON and kept as text",))
    many = '{"t": 1}\n{"t": 1}\nbad\n' * 12
    assert read(many, "a.jsonl").notes == (
        "12 lines (3, 6, 9, 12, 15, 18, 21, 24, 27, 30 and 2 more) are no JSON and kept as text",
    )


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.jsonl", '{"a": 1}\nx\ny\n', r"^a\.jsonl has no JSON in line 2 "),
        ("a.json", '[\n {\n  "a": 1\n },\n {\n  "a": ', r"^a\.json is not whole JSON .*line 6"),
        ("a.json", "hello", r"^a\.json is not whole JSON"),
        ("a.json", "[" * 100_000, r"^a\.json is nested more deeply"),
        ("a.json", '{"a": "' + '\\"' * 100_000, r"^a\.json is not whole JSON \(Unterminated string"),
    ],
)
def test_what_is_no_json_is_refused(name: str, data: str, message: str) -> None:
    with pytest.raises(DamagedFile, match=message):
        read(data, name)


def test_a_file_of_nothing_is_empty() -> None:
    with pytest.raises(EmptyFile, match="no value but empty ones"):
        read('[{}, {"a": ""}, null]')


def test_features_of_geojson_have_their_properties_as_fields() -> None:
    ring = [[7.10, 53.3], [7.2, 53.4], [7.1, 53.3]]
    features = [
        {"type": "Feature", "properties": {"name": "Weir"}, "geometry": {"type": "Polygon", "coordinates": [ring]}},
        {"type": "Feature", "properties": {"name": "Lock"}, "geometry": {"type": "Point", "coordinates": [7.2, 5]}},
    ]
    document = read(json.dumps({"type": "FeatureCollection", "features": features}), "a.geojson")
    assert document.text == (
        "type: FeatureCollection\n\n"
        "name: Weir\ngeometry: Polygon of 3 points, 7.1 to 7.2, 53.3 to 53.4\n\n"
        "name: Lock\ngeometry: Point, 7.2, 5\n"
    )
    assert [column.name for column in table_columns("a.json", json.dumps(features).encode())] == ["name", "geometry"]
    assert document.notes == ("of 1 shape the range of the coordinates is kept, not every point",)


def test_a_chat_has_its_messages_as_records() -> None:
    chat = {"name": "Crew", "messages": [{"from": "Ida", "date": "2025-01-04T10:00:00", "text": "Where is the key?"}]}
    document = read(json.dumps(chat))
    assert document.text == "name: Crew\n\nfrom: Ida\ndate: 2025-01-04T10:00:00\ntext: Where is the key?\n"
    assert fields(document)[0]["date"] == "2025-01-04"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("How to use the <style> element?<br>I tried.", "How to use the <style> element?\nI tried."),
        ("one<br><!-- two", "one\n<!-- two"),
        ("<p>one</p><script>two()</script><p>three <script> four</p>", "one\n\nthree <script> four"),
        ("<STYLE>b {}</STYLE><p>one<!-- two --></p>", "one"),
    ],
)
def test_words_behind_a_tag_that_is_only_spoken_of_stay(value: str, text: str) -> None:
    assert " ".join(read(json.dumps({"t": value})).text.split()) == " ".join(f"t: {text}".split())


@pytest.mark.parametrize("part", ["<script>", "<!--", "</script", "<style></style>"])
def test_tags_without_end_take_no_longer_than_their_text(part: str) -> None:
    assert read(json.dumps({"t": f"<p>eels {part * 50_000} pikes"})).text.split()[-1] == "pikes"


@pytest.mark.parametrize(
    ("data", "text", "notes"),
    [
        ('{"crew": {"Ida": {}, "Olaf": {}}, "n": 1}', "crew: Ida, Olaf\nn: 1\n", ()),
        ('{"Ida": {}, "Olaf": {}}', "value: Ida, Olaf\n", ()),
        ('{"t": "x", "n": null}', "t: x\n", ("1 key that never has a value left out: n",)),
        (
            '[{"t": "x", "a": "", "b": []}, {"t": "y", "a": 1}, {"t": "z", "c": {"d": null}}]',
            "t: x\n\nt: y\na: 1\n\nt: z\n",
            ("2 keys that never have a value left out: b and d",),
        ),
    ],
)
def test_names_without_a_value_are_read_or_told_of(data: str, text: str, notes: tuple[str, ...]) -> None:
    document = read(data)
    assert (document.text, document.notes) == (text, notes)


def test_what_stands_beside_a_place_stays() -> None:
    place = {"type": "Point", "coordinates": [7, 53], "label": "Weir", "keeper": {"name": "Ida"}}
    assert read(json.dumps({"at": place})).text == "at: Point, 7, 53\nat.label: Weir\nat.keeper.name: Ida\n"


def test_many_records_that_share_no_key_are_read_in_time() -> None:
    chats = [{f"{chat}-{key}": key for key in range(40)} for chat in range(4000)]
    document = read(json.dumps(chats))
    assert document.text.startswith("0-0: 0\n0-1: 1\n")
    assert len(document.rows) == 4000


def test_fields_stand_in_the_order_of_the_columns() -> None:
    assert read('[{"a": 1, "b": 2}, {"b": 3, "a": 4}]').text == "a: 1\nb: 2\n\na: 4\nb: 3\n"
