"""ZIP archives become one source for each file in them; what is broken in one leaves the rest alone."""

from __future__ import annotations

import io
import os
import struct
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from core.errors import DamagedFile, EmptyFile, EncryptedFile, LoadingError, NoText, UnsupportedFile, WrongFileType
from core.indexing.indexer import index
from core.loading import sources as archives
from core.loading.skipped import SkippedSource, by_reason
from core.loading.sources import PathSource, PreparedSource, Source, Upload, expand_archives, load_source, walk
from core.loading.tables import TableOptions
from core.records.document import Document
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
    found = inside(packed(junk))
    assert [source.name for source in found if not isinstance(source, SkippedSource)] == ["a.zip/a.txt"]
    assert [source.name for source in found if isinstance(source, SkippedSource)] == ["a.zip/song.mp3"]


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


@pytest.mark.parametrize(
    ("names", "encoding"),
    [
        (["合同/租约.txt", "合同/附件.txt"], "gbk"),
        (["港/船.txt"], "cp932"),
        (["계약/임대.txt"], "cp949"),
        (["Договор.txt", "Отчёт за май.docx"], "cp866"),
        (["Договор.txt", "Отчёт за май.docx"], "cp1251"),
        (["Fähre.txt", "übersicht/Größe.txt"], "cp850"),
        (["Fähre.txt", "übersicht/Größe.txt"], "cp1252"),
        (["Ελληνικά.txt"], "cp737"),
        (["Fähre.txt"], "utf-8"),
    ],
)
def test_names_in_the_encoding_of_the_machine_that_packed_them(names: list[str], encoding: str) -> None:
    data = with_raw_names({name.encode(encoding): b"red" for name in names})
    assert [source.name for source in inside(data)] == sorted(f"a.zip/{name}" for name in names)


def with_raw_names(members: Mapping[bytes, bytes], extra: bytes = b"") -> bytes:
    """An archive whose names are these bytes, without the flag that they are in UTF-8."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number, (name, content) in enumerate(members.items()):
            info = zipfile.ZipInfo(str(number) * len(name))
            info.extra = extra
            archive.writestr(info, content)
    data = stream.getvalue()
    for number, name in enumerate(members):
        data = data.replace(str(number).encode() * len(name), name)
    return data


def test_the_extra_field_for_a_name_in_unicode_counts_where_it_belongs_to_the_name() -> None:
    raw = b"F?hre.txt"
    field = b"\x01" + struct.pack("<I", zlib.crc32(raw)) + "Fähre.txt".encode()
    extra = struct.pack("<HH", 0x7075, len(field)) + field
    assert [source.name for source in inside(with_raw_names({raw: b"red"}, extra))] == ["a.zip/Fähre.txt"]
    assert [source.name for source in inside(with_raw_names({b"X?hre.txt": b"red"}, extra))] == ["a.zip/X?hre.txt"]


def test_two_members_of_one_name_are_two_documents() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of the name that stands there twice
        for name, text in [
            ("a.txt", "old"),
            ("a.txt", "new"),
            ("A.TXT", "big"),
            ("a (2).txt", "odd"),
            ("x/a.txt", "in"),
        ]:
            archive.writestr(name, text)
    assert [(source.name, source.read()) for source in inside(stream.getvalue())] == [
        ("a.zip/A.TXT", b"big"),
        ("a.zip/a (2).txt", b"odd"),
        ("a.zip/a.txt", b"old"),
        ("a.zip/a (3).txt", b"new"),
        ("a.zip/x/a.txt", b"in"),
    ]


def test_an_archive_of_other_kinds_says_which() -> None:
    (source,) = inside(packed({"a.mp3": b"x", "b.mp3": b"x", "c.doc": b"x"}))
    assert "no file of a kind that is read (2 .mp3, 1 .doc)" in str(error_of(source))


def test_what_a_folder_holds_beside_files_that_are_read_is_said(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    folder = tmp_path / "lib"
    for path in (elsewhere / "b.txt", folder / "a.txt", folder / ".hidden", folder / "in" / "old.doc"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("red")
    (folder / "in" / "linked").symlink_to(elsewhere)
    (folder / "in" / "loop").symlink_to(folder)
    (folder / "lost.txt").symlink_to(folder / "nothing.txt")
    for number in range(5):
        (folder / f"{number}.iso9").write_text("x")
    found = list(walk([folder]))
    assert [source.name for source in found if isinstance(source, PathSource)] == ["a.txt"]
    lines = [(files.name, files.message) for files in by_reason(s for s in found if isinstance(s, SkippedSource))]
    assert lines == [
        ("2 files", f"each {archives.LINKED_FOLDER} (in/linked, in/loop)"),
        ("in/old.doc", "is in Microsoft's old format: save it as .docx and bring that"),
        ("lost.txt", "is a link to nothing"),
        ("5 files of kinds that are not read", "5 .iso9: 0.iso9, 1.iso9, 2.iso9 and 2 more"),
    ]


def test_many_files_of_one_kind_are_one_line() -> None:
    names = ["a.png", "b.jpg", "c.png", "d.png"]
    assert [(files.name, files.message) for files in by_reason(map(SkippedSource, names))] == [
        (
            "4 files",
            "3 .png, 1 .jpg, each is a picture: run OCR on it and bring the text or a PDF with text "
            "(a.png, b.jpg, c.png and 1 more)",
        )
    ]


def test_a_folder_that_cannot_be_opened_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "a.txt").write_text("red")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = list(walk([tmp_path]))
    assert [source.name for source in found] == ["a.txt", "closed"]
    with pytest.raises(DamagedFile, match="closed cannot be read: Permission denied"):
        found[1].read()


def test_skipped_files_are_outcomes_of_a_run(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    folder.mkdir()
    (folder / "a.txt").write_text("red boats")
    (folder / "old.xls").write_text("x")
    (folder / "b.zip").write_bytes(packed({"c.txt": b"green boats", "song.mp3": b"x"}))
    outcomes = index(workspace, workspace.create("c"), walk([folder]))
    assert [(outcome.name, outcome.status) for outcome in outcomes] == [
        ("a.txt", "indexed"),
        ("b.zip/c.txt", "indexed"),
        ("old.xls", "skipped"),
        ("b.zip/song.mp3", "skipped"),
    ]


def test_a_member_without_a_name_is_read_as_text() -> None:
    nameless = packed({"": b"red"})
    assert [(source.name, source.read()) for source in inside(nameless)] == [("a.zip/unnamed file", b"red")]


def test_a_name_that_is_not_utf_8_is_a_document_of_its_own(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    folder.mkdir()
    for name in (b"b\xe4d.txt", b"b\xe5d.txt", b"song\xe4.mp3"):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(b"words of " + name[1:2].hex().encode())
    outcomes = index(workspace, workspace.create("c"), walk([folder]))
    assert [(outcome.name, outcome.status) for outcome in outcomes] == [
        (r"b\xe4d.txt", "indexed"),
        (r"b\xe5d.txt", "indexed"),
        (r"song\xe4.mp3", "skipped"),
    ]


def test_an_archive_without_its_end_is_damaged_even_if_one_inside_it_is_whole() -> None:
    inner = packed({"c.txt": b"red"})
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("a.txt", b"green boats")
        archive.writestr("inner.zip", inner)
    assert [source.name for source in inside(whole.getvalue())] == ["a.zip/a.txt", "a.zip/inner.zip/c.txt"]
    cut = whole.getvalue()[: whole.getvalue().rindex(b"PK\x05\x06")]
    (source,) = inside(cut)
    with pytest.raises(DamagedFile, match="its end is missing"):
        source.read()


def test_a_fault_of_a_reader_is_that_files_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(name: str, data: bytes, tables: object) -> Document:
        raise KeyError("stylesheet")

    monkeypatch.setattr(archives, "load", fail)
    with pytest.raises(DamagedFile, match=r"^a\.odt cannot be read, its reader failed \(KeyError: 'stylesheet'\)"):
        load_source(Upload("a.odt", b"x"))
    assert "The reader of a.odt failed" in caplog.text
