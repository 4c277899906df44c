"""Text in every encoding that files come in: declared, in truth another, not declared, damaged."""

from __future__ import annotations

import pytest

from core.errors import WrongFileType
from core.loading._encoding import decode
from core.loading._encoding_names import declared_in_text, python_codec
from core.loading.loader import load

GERMAN = "Die Fähre fährt um sieben Uhr, für fünf Euro übers Meer."
POLISH = "Prom odpływa o siódmej rano. Bilety są sprzedawane na pokładzie, jeśli są jeszcze miejsca."
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy, když loď odjížděla z přístavu."
RUSSIAN = "Паром отходит в семь часов утра. Билеты продаются на борту."
HEBREW = "המעבורת יוצאת בשבע בבוקר. הכרטיסים נמכרים על הסיפון."
ARABIC = "تغادر العبارة في السابعة صباحا وتباع التذاكر على متنها"
GREEK = "Το πλοίο φεύγει στις επτά το πρωί και τα εισιτήρια πωλούνται στο κατάστρωμα."
TURKISH = "Feribot sabah yedide kalkıyor. Biletler gemide satılıyor, şişe yok."
LITHUANIAN = "Keltas išplaukia septintą valandą ryto, bilietai parduodami laive, vietų dar yra."
THAI = "เรือเฟอร์รี่ออกเดินทางเวลาเจ็ดโมงเช้าทุกวัน"
FRENCH = "Le bac part à sept heures, les billets sont vendus à bord, naïveté et cœur."
JAPANESE = "船は朝七時に出ます。切符は船の上で売っています。"
CHINESE = "渡船早上七点开。票在船上卖。请提前到码头。"
TAIWANESE = "渡船早上七點開。票在船上賣。請提前到碼頭。"
KOREAN = "배는 아침 일곱 시에 떠납니다. 표는 배에서 팝니다."


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "cp1252"),
        (GERMAN, "cp850"),
        (FRENCH, "mac-roman"),
        (POLISH, "cp1250"),
        (POLISH, "iso8859-2"),
        (CZECH, "cp1250"),
        (CZECH, "cp852"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "cp866"),
        (RUSSIAN, "iso8859-5"),
        (RUSSIAN, "mac-cyrillic"),
        (HEBREW, "cp1255"),
        (ARABIC, "cp1256"),
        (ARABIC, "iso8859-6"),
        (GREEK, "iso8859-7"),
        (TURKISH, "cp1254"),
        (LITHUANIAN, "cp1257"),
        (THAI, "tis-620"),
        (JAPANESE, "cp932"),
        (JAPANESE, "euc_jp"),
        (JAPANESE, "iso2022_jp"),
        (JAPANESE, "utf-16-le"),
        (JAPANESE, "utf-16-be"),
        (GERMAN, "utf-16-be"),
        (GERMAN, "utf-32-le"),
        (CHINESE, "gb18030"),
        (TAIWANESE, "big5"),
        (KOREAN, "cp949"),
    ],
)
def test_an_encoding_that_is_not_declared_is_told_by_its_letters_and_noted(text: str, encoding: str) -> None:
    decoded = decode("a.txt", text.encode(encoding))
    assert decoded.text == text
    assert len(decoded.notes) == 1
    assert decoded.notes[0].startswith("read as ")
    assert decoded.notes[0].endswith(", which the file does not say")


@pytest.mark.parametrize(
    ("label", "text", "encoding"),
    [
        ("ISO-2022-JP", JAPANESE, "iso2022_jp"),
        ("hz-gb-2312", CHINESE, "hz"),
        ("utf-7", GERMAN, "utf-7"),
        ("iso-8859-8-i", HEBREW, "iso8859-8"),
        ("iso-8859-6-e", ARABIC, "iso8859-6"),
        ("ks_c_5601-1987", KOREAN, "cp949"),
        ("x-sjis", "①船 ㈱港", "cp932"),
        ("gb2312", "朱镕基", "gbk"),
        ("iso-8859-1", "für 5 € – „ja“", "cp1252"),
        ("latin5", TURKISH, "cp1254"),
        ("tis-620", THAI, "cp874"),
        ("x-mac-roman", FRENCH, "mac-roman"),
        ("windows1250", CZECH, "cp1250"),
        ("WIN-1251", "Да", "cp1251"),
        (' "utf8" ', GERMAN, "utf-8"),
    ],
)
def test_a_declared_encoding_is_read_as_browsers_read_it(label: str, text: str, encoding: str) -> None:
    assert decode("a.txt", text.encode(encoding), label).text == text
    assert decode("a.txt", text.encode(encoding), label).notes == ()


def test_iso_2022_jp_as_windows_writes_it_has_circled_digits_and_narrow_kana() -> None:
    data = b"\x1b$B-!-j9A\x1b(B a\x1b(I\x36\x40\x1b(B"
    assert decode("a.txt", data, "iso-2022-jp").text == "①㈱港 aｶﾀ"


@pytest.mark.parametrize("label", ["us-ascii", "iso-8859-1", "windows-1251", "iso-2022-jp", "utf-16"])
def test_utf_8_that_is_declared_to_be_something_else_is_read_as_utf_8(label: str) -> None:
    assert decode("a.txt", GERMAN.encode(), label).text == GERMAN
    assert decode("a.txt", GERMAN.encode(), label).notes == ()


def test_a_declaration_that_is_unknown_or_does_not_fit_is_told() -> None:
    unknown = decode("a.txt", GERMAN.encode("cp1252"), "x-unknown")
    assert unknown.text == GERMAN
    assert unknown.notes == ("the encoding 'x-unknown' that it declares is not known: read as windows-1252",)
    wrong = decode("a.txt", GERMAN.encode("cp1252"), "utf-8")
    assert wrong.text == GERMAN
    assert wrong.notes == ("the encoding 'utf-8' that it declares does not fit: read as windows-1252",)
    default = decode("a.txt", RUSSIAN.encode("cp1251"), "iso-8859-1")
    assert default.text == RUSSIAN
    assert default.notes == ("the encoding 'iso-8859-1' that it declares does not fit: read as windows-1251",)


def test_names_that_are_no_encodings_of_text_are_not_known() -> None:
    assert [python_codec(name) for name in ("rot13", "base64", "unicode_escape", "idna", "", "a b")] == [None] * 6


@pytest.mark.parametrize(
    ("name", "head", "encoding"),
    [
        ("a.xml", '<?xml version="1.0" encoding="windows-1250"?><a>', "cp1250"),
        ("a.css", '@charset "windows-1250";\n/* ', "cp1250"),
        ("a.py", "#!/usr/bin/python\n# -*- coding: cp1250 -*-\n# ", "cp1250"),
        ("a.py", "# coding=cp1250\n# ", "cp1250"),
        ("a.c", "/* vim: set fileencoding=cp1250 : */\n// ", "cp1250"),
        ("a.el", ";; -*- mode: lisp; coding: cp1250-unix -*-\n", "cp1250"),
        ("a.tex", "\\documentclass{article}\n\\usepackage[cp1250]{inputenc}\n\\begin{document}\n", "cp1250"),
        ("a.html", '<html><meta http-equiv="Content-Type" content="text/html; charset=windows-1250"><p>', "cp1250"),
    ],
)
def test_an_encoding_that_a_text_declares_in_itself_counts(name: str, head: str, encoding: str) -> None:
    document = load(name, (head + "siódmej").encode(encoding))
    assert "siódmej" in document.text
    assert document.notes == ()


def test_words_about_coding_declare_nothing() -> None:
    assert declared_in_text("a.txt", b"The coding: never finished.\nencoding=utf-8") is None


def test_a_bad_byte_in_utf_8_is_marked_and_counted() -> None:
    data = (GERMAN * 3).encode() + b" caf\xe9 und na\xefv " + GERMAN.encode()
    decoded = decode("a.txt", data)
    assert decoded.text == GERMAN * 3 + " caf\ufffd und na\ufffdv " + GERMAN
    assert decoded.notes == ("2 bytes could not be read as UTF-8 and are marked \ufffd",)


def test_utf_8_that_ends_inside_a_character_is_utf_8() -> None:
    assert decode("a.txt", "Die Fähre kostet 5 €".encode()[:-1]).text == "Die Fähre kostet 5 \ufffd"
    assert decode("a.txt", "cost: 5 €".encode()[:-1]).notes == (
        "2 bytes could not be read as UTF-8 and are marked \ufffd",
    )


@pytest.mark.parametrize("encoding", ["gb18030", "cp932", "euc_jp"])
def test_a_bad_byte_in_a_double_byte_encoding_is_marked(encoding: str) -> None:
    text = CHINESE if encoding == "gb18030" else JAPANESE
    decoded = decode("a.txt", text.encode(encoding) * 3 + b"\xff\n" + text.encode(encoding))
    assert decoded.text.count(text) == 4
    assert len(decoded.notes) == 2


def test_a_run_of_nuls_is_left_out_with_a_word() -> None:
    decoded = decode("a.log", b"07:00 departs\n" + bytes(4096) + GERMAN.encode())
    assert decoded.text.split("\n") == ["07:00 departs", "", GERMAN]
    assert decoded.notes == ("4,096 NUL bytes between the text are left out",)
    assert decode("a.txt", b"pier\x00boat\x00ferry").text == "pier\nboat\nferry"


def test_letters_late_in_a_long_file_tell_its_encoding() -> None:
    data = b"The ferry leaves at seven.\n" * 20_000 + RUSSIAN.encode("koi8-r")
    assert decode("a.txt", data).text.endswith(RUSSIAN)


def test_hebrew_in_visual_order_is_turned() -> None:
    visual = "\n".join(["םילשורי ריעה", "(7 אתיכ) 12:30 המש םחל"])
    decoded = decode("a.txt", visual.encode("iso8859-8"), "iso-8859-8")
    assert decoded.text == "העיר ירושלים\nלחם שמה 12:30 (כיתא 7)"
    assert decoded.notes == ("Hebrew stored in visual order is turned into reading order",)


@pytest.mark.parametrize("data", [bytes(range(256)) * 8, b"\x1b$)A\x0e1{\x0f", b"\xff\xfe\x00\xd8\x00\xd8" * 9])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(WrongFileType, match="save it as UTF-8"):
        decode("a.txt", data)


@pytest.mark.parametrize("plain", ["x" * 2_000_000 + "\r", "line of plain text\r" * 100_000])
def test_a_long_plain_part_before_the_first_umlaut_takes_no_time_and_hides_nothing(plain: str) -> None:
    """One line of megabytes: files of old Macs end their lines with a carriage return alone."""
    said = "Über die Brücke führt der Weg für Fußgänger zurück zum Bahnhof, täglich geöffnet. " * 3
    assert decode("a.txt", (plain + said).encode("cp1252")).text.endswith(said)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x1b[1;32mINFO\x1b[0m started\n", "INFO started\n"),
        (b"a\x1b[31mred\x1b[0m b", "ared b"),
        (b"\x1b]0;title of the window\x07\x1b(B\x1b[mred boats", "red boats"),
        (b"N\x08NA\x08AM\x08ME\x08E\n  _\x08l_\x08s - list\n", "NAME\n  ls - list\n"),
        (b"boats leave\r\n\x1a", "boats leave\n"),
        (b"8=FIX.4.2\x019=178\x0135=8\x01", "8=FIX.4.2 9=178 35=8 "),
        (b"one\x1ftwo\x1ethree\x1dfour", "one two three four"),
        ("Fähre \x1b[7mvoll\x1b[27m".encode(), "Fähre voll"),
    ],
)
def test_control_characters_of_terminals_and_messages_make_no_other_encoding(data: bytes, text: str) -> None:
    document = load("a.log", data)
    assert document.text == text
    assert document.notes == ()


def test_lines_of_utf_8_among_lines_of_another_encoding() -> None:
    lines = [f"Zeile {number}: Die Fähre fährt über den Fluß" for number in range(20)]
    mixed = "\n".join(lines[:10]).encode() + b"\n" + "\n".join(lines[10:]).encode("cp1252")
    decoded = decode("a.txt", mixed)
    assert decoded.text.split("\n") == lines
    assert decoded.notes == ("10 lines are read as windows-1252",)
    chinese = "\n".join([CHINESE] * 9)
    assert decode("a.txt", chinese.encode("gb18030")).text == chinese


@pytest.mark.parametrize(
    "text",
    ["Temperature 20 °C ± 0.5, §4, 3 µm", "It’s a “quoted” word – yes", "GRÖSSE ÄNDERN ÜBER", "5 m², Brand™ and 3½"],
)
def test_short_western_texts_with_signs(text: str) -> None:
    assert decode("a.txt", text.encode("cp1252")).text == text
