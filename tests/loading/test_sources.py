"""ZIP archives become one source for each file in them; what is broken in one leaves the rest alone."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from core.errors import DamagedFile, EmptyFile, EncryptedFile, LoadingError, NoText, UnsupportedFile, WrongFileType
from core.indexing.indexer import index
from core.loading import sources as archives
from core.loading.sources import PathSource, PreparedSource, Source, Upload, expand_archives, load_source, walk
from core.loading.tables import TableOptions
from core.workspace import Workspace
from tests.support.broken import ADVICE, NOISE, PNG, with_flipped_byte

FILES = Path(__file__).parents[1] / "files"


def packed(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return stream.getvalue()


def inside(data: bytes, name: str = "a.zip") -> list[Source]:
    return list(expand_archives([Upload(name, data)]))


def error_of(source: Source) -> LoadingError:
    with pytest.raises(LoadingError) as caught:
        source.read()
    assert str(caught.value).startswith(f"{source.name} ")
    assert any(advice in str(caught.value) for advice in (*ADVICE, "unpack it"))
    return caught.value


def test_an_archive_of_info_zip() -> None:
    found = inside((FILES / "archive.zip").read_bytes(), "archive.zip")
    assert [source.name for source in found] == [
        "archive.zip/inner/gauge.eml",
        "archive.zip/inner/stations.tsv",
        "archive.zip/nets.txt",
    ]
    assert found[2].read() == b"Nets dry on the quay.\n"
    assert found[2].size == 22
    assert load_source(found[1]).rows[0].fields["Station"] == "North pier"
    assert found[2].read() == b"Nets dry on the quay.\n"  # once more, after the archive was closed


def test_other_sources_stay_as_they_are() -> None:
    others: list[Source] = [
        Upload("a.txt", b"red"),
        Upload("b.docx", b"PK"),
        PreparedSource("c.zip", 1, lambda: load_source(Upload("c.txt", b"c"))),
    ]
    assert list(expand_archives(others)) == others


@pytest.mark.parametrize(
    ("member", "name"),
    [
        ("../../etc/notes.txt", "a.zip/etc/notes.txt"), ("/abs/notes.txt", "a.zip/abs/notes.txt"),
        ("C:\\docs\\notes.txt", "a.zip/docs/notes.txt"),
        ("./x//notes.txt", "a.zip/x/notes.txt"), ("caf\u00e9\u202e.txt", "a.zip/caf\u00e9.txt"),
    ],
)  # fmt: skip
def test_no_name_leads_out_of_the_archive(member: str, name: str) -> None:
    assert [source.name for source in inside(packed({member: b"red"}))] == [name]


def test_names_in_utf_8_that_are_not_marked_as_such() -> None:
    data = packed({"caf??.txt": b"red"}).replace(b"caf??.txt", "café.txt".encode())
    assert [source.name for source in inside(data)] == ["a.zip/café.txt"]


def test_junk_folders_hidden_files_and_kinds_that_are_not_read_are_passed_over() -> None:
    junk = {
        "__MACOSX/._a.txt": b"x",
        ".DS_Store": b"x",
        ".git/config.txt": b"x",
        "Thumbs.db": b"x",
        "song.mp3": b"x",
        "folder/": b"",
        "a.txt": b"red",
    }
    assert [source.name for source in inside(packed(junk))] == ["a.zip/a.txt"]


def test_a_link_is_no_file() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("a.txt", "red")
    assert [source.name for source in inside(stream.getvalue())] == ["a.zip/a.txt"]


def test_archives_inside_archives() -> None:
    deepest = packed({"c.txt": b"blue"})
    data = packed({"a.txt": b"red", "in.zip": packed({"b.txt": b"green", "in.zip": deepest})})
    assert [(source.name, source.read()) for source in inside(data)] == [
        ("a.zip/a.txt", b"red"),
        ("a.zip/in.zip/b.txt", b"green"),
        ("a.zip/in.zip/in.zip/c.txt", b"blue"),
    ]
    first, second = (
        inside(packed({"x.txt": b"red", "y.zip": data}))[0],
        inside(packed({"x.txt": b"red", "y.zip": data}))[-1],
    )
    assert first.read() == b"red"
    assert isinstance(error_of(second), UnsupportedFile)
    assert second.name == "a.zip/y.zip/in.zip/in.zip"


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        (b"", EmptyFile, "is empty"),
        (PNG, WrongFileType, "but a PNG picture"),
        (NOISE, WrongFileType, "not a ZIP archive"),
        (packed({"a.txt": b"red" * 100})[:-30], DamagedFile, "cannot be opened"),
        (packed({}), NoText, "no file of a kind that is read"),
        (packed({"song.mp3": b"x"}), NoText, "no file of a kind that is read"),
    ],
)
def test_an_archive_that_cannot_be_opened_says_so_when_its_turn_comes(
    data: bytes, error: type[LoadingError], says: str
) -> None:
    (source,) = inside(data)
    found = error_of(source)
    assert type(found) is error
    assert says in str(found)


@pytest.mark.parametrize("name", ["locked-members.zip", "locked-aes.zip"])
def test_members_with_a_password(name: str) -> None:
    (source,) = inside((FILES / name).read_bytes(), name)
    assert isinstance(error_of(source), EncryptedFile)


def test_a_broken_member_leaves_the_others() -> None:
    data = with_flipped_byte("archive.zip", "inner/gauge.eml")
    first, *others = inside(data)
    assert isinstance(error_of(first), DamagedFile)
    assert [len(source.read()) for source in others] == [238, 22]


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    promised = bytearray(packed({"a.txt": b"red"}))
    at = promised.find(b"PK\x01\x02")
    promised[at + 24 : at + 28] = (2_000_000_000).to_bytes(4, "little")
    (source,) = inside(bytes(promised))
    assert "would unpack to more than 1000.0 MB" in str(error_of(source))
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    found = inside(packed({"1.txt": b"", "2.zip": packed({"a.txt": b"x", "b.txt": b"y"})}))  # all inside count together
    assert "would unpack to more than 3 files" in str(error_of(found[1]))
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 1000)
    (source,) = inside(packed({"1.txt": b"x" * 1001}))
    assert isinstance(error_of(source), DamagedFile)


def test_an_archive_on_disk_is_open_only_while_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(packed({"1.txt": b"red", "2.txt": b"blue"}))
    found = list(expand_archives(walk([tmp_path])))
    first, second = found
    assert isinstance(first, archives.ArchiveMember)
    assert first.archive._open is None
    assert first.read() == b"red"
    assert first.archive._open is not None
    assert second.read() == b"blue"
    assert first.archive._open is None
    (tmp_path / "a.zip").unlink()
    assert isinstance(error_of(first), DamagedFile)


def test_documents_from_disk_say_where_they_lie(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"red")
    (tmp_path / "b.zip").write_bytes(packed({"in/c.txt": b"blue"}))
    places = [load_source(source).metadata["source"] for source in expand_archives(walk([tmp_path]))]
    assert places == [(tmp_path / "a.txt").as_posix(), (tmp_path / "b.zip/in/c.txt").as_posix()]
    assert load_source(Upload("a.txt", b"red")).metadata == {}
    assert load_source(PathSource(tmp_path / "a.txt", "a.txt")).text == "red"


def test_an_upload_brings_the_choice_of_its_columns() -> None:
    document = load_source(Upload("a.csv", b"a,b\nred,1\nblue,2\n", TableOptions(text=("a",), metadata=("b",))))
    assert (document.text, document.rows[1].fields) == ("red\n\nblue\n", {"b": 2})


def test_every_member_gets_an_outcome(workspace: Workspace) -> None:
    data = packed({"1.txt": b"red", "2.pdf": NOISE, "3.txt": b"blue", "4.zip": NOISE})
    outcomes = index(
        workspace, workspace.open_or_create("c"), [Upload("pack.zip", data), Upload("pasted words.txt", b"green")]
    )
    assert [(outcome.name, outcome.status) for outcome in sorted(outcomes, key=lambda outcome: outcome.name)] == [
        ("pack.zip/1.txt", "indexed"), ("pack.zip/2.pdf", "failed"), ("pack.zip/3.txt", "indexed"),
        ("pack.zip/4.zip", "failed"), ("pasted words.txt", "indexed"),
    ]  # fmt: skip
    again = index(workspace, workspace.store.collection("c"), [Upload("pack.zip", data)])
    assert {outcome.name: outcome.status for outcome in again} == {
        "pack.zip/1.txt": "unchanged",
        "pack.zip/2.pdf": "failed",
        "pack.zip/3.txt": "unchanged",
        "pack.zip/4.zip": "failed",
    }
