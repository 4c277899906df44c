"""Subtitles: every spoken word once, and nothing that only steers the player."""

from __future__ import annotations

import pytest

from core.errors import DamagedFile, WrongFileType
from core.loading.loader import load
from core.records.document import Document, Time


def read(source: str, name: str = "a.srt") -> Document:
    return load("a.vtt" if source.startswith("WEBVTT") else name, source.encode())


def cue(second: int, *lines: str, number: int | None = None, length: int = 1) -> str:
    times = f"00:00:{second:02},000 --> 00:00:{second + length:02},000"
    return "\n".join([*([] if number is None else [str(number)]), times, *lines]) + "\n\n"


def vtt(*blocks: str) -> str:
    return "\n\n".join(["WEBVTT", *blocks]) + "\n"


# Numbers


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (cue(1, "How many?", number=1) + cue(2, "42", number=2), "How many?\n42\n"),
        (cue(1, "Three", "2", "1", number=1) + cue(2, "Go", number=2), "Three 2 1\nGo\n"),
        (cue(1, "One and one is", "2") + cue(2, "No wait", "3"), "One and one is 2\nNo wait 3\n"),
        (cue(1, "Zero", number=0) + cue(2, "7", number=1) + cue(3, "Last", number=2), "Zero\n7\nLast\n"),
        (cue(1, "a", number=5) + cue(2, number=6) + cue(3, "b", number=7), "a\nb\n"),
        (cue(1, "a", number=1) + cue(2, "b", number=4) + cue(3, "c", number=2), "a\nb\nc\n"),
        (cue(1, "First", "", "second", number=1) + cue(2, "Third", number=2), "First second\nThird\n"),
        # without blank lines between the cues
        ("".join(cue(n, f"line {n}", number=n).replace("\n\n", "\n") for n in (1, 2, 3)), "line 1\nline 2\nline 3\n"),
        # every other line blank
        (
            "".join(cue(n, f"{n * 10}", number=n).replace("\n", "\n\n") for n in (1, 2, 3)),
            "10\n20\n30\n",
        ),
        # a cue without a number below a spoken one
        (cue(1, "a", number=1) + cue(2, "b", "", "42", number=2)[:-1] + cue(3, "c") + cue(4, "d", number=4) +
         cue(5, "e", number=5) + cue(6, "f", number=6) + cue(7, "g", number=7) + cue(8, "h", number=8),
         "a\nb 42\nc\nd\ne\nf\ng\nh\n"),
        ("\ufeff" + cue(1, "1999", number=1), "1999\n"),
        ("Made by Ada\n\n" + cue(1, "Hello", number=1), "Made by Ada\nHello\n"),
    ],
)  # fmt: skip
def test_numbers_of_cues_go_and_spoken_numbers_stay(source: str, text: str) -> None:
    assert read(source).text == text


# Tags, entities, speakers


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('<font color="#ff0000">Red</font> {\\an8}top <i>slanted</i> 5 < 6 and a>b', "Red top slanted 5 < 6 and a>b"),
        ("<v Ada Brandt>Hello</v>", "Ada Brandt: Hello"),
        ("<v.loud Ada>Hello <c.yellow>there</c>", "Ada: Hello there"),
        ("<v Ada>Yes</v>\n<v Brun>No</v>", "Ada: Yes Brun: No"),
        ("Otter &amp; Sons &lt;b&gt; &#39;R&D&#x27; AT&T&lrm;", "Otter & Sons <b> 'R&D' AT&T"),
        ("one<br>two\\Nthree<br/>four", "one two three four"),
        ("{\\k20}Ka{\\k30}ra{\\k10}oke {y:i}here", "Karaoke here"),
        ("<laughs> {sighs} [door] ♪ la ♪ - No.", "<laughs> {sighs} [door] ♪ la ♪ - No."),
        ("<lang en>Hi</lang> <u>you<u>", "Hi you"),
        ("<ruby>東京<rt>とうきょう</rt></ruby>の港", "東京の港 (とうきょう)"),
        ("A --> B, from 10:30 --> 11:15", "A --> B, from 10:30 --> 11:15"),
        ("10:30 --> 11:15", "10:30 --> 11:15"),
    ],
)
@pytest.mark.parametrize("kind", ["srt", "vtt"])
def test_tags_go_and_words_stay(line: str, text: str, kind: str) -> None:
    source = cue(1, line, number=1) if kind == "srt" else vtt(f"00:01.000 --> 00:02.000\n{line}")
    assert read(source).text == f"{text}\n"


# WebVTT's blocks


def test_webvtt_without_comments_styles_regions_and_identifiers() -> None:
    document = read(
        "WEBVTT - Harbour talk\nKind: captions\nLanguage: en\n\n"
        "STYLE\n::cue { color: red }\n\nREGION\nid:fred\n\nNOTE one line\n\nNOTE\nof two\nlines\n\n"
        "intro-1\n00:01.000 --> 00:02.000 align:start position:0%\nNOTE that the lock closes\n\n"
        "2\n00:02.000 --> 00:03.000\n42\n\n00:04.500 --> 00:05.000\nNOTES\n\nand words after a gap\n\n"
        "The second part\n00:06.000 --> 00:07.000\nMoon\n"
    )
    assert document.text == "NOTE that the lock closes\n42\nNOTES and words after a gap\nMoon\n"
    assert document.metadata["title"] == "Harbour talk"
    assert document.notes == ("1 identifier of cues left out, the first is 'The second part'",)
    assert [(time.begin, time.until) for time in document.times] == [(1, 2), (2, 3), (4.5, 5), (6, 7)]


def test_a_number_above_the_times_is_spoken_where_no_blank_line_divides_them() -> None:
    assert read(vtt("00:01.000 --> 00:02.000\nCount\n3\n00:02.000 --> 00:03.000\nGo")).text == "Count 3\nGo\n"


# Times


@pytest.mark.parametrize(
    ("times", "begin", "until"),
    [
        ("00:00:01,500 --> 00:00:02,750", 1.5, 2.75),
        ("00:00:01.500 --> 00:00:02.750 X1:100 X2:200 Y1:10 Y2:20", 1.5, 2.75),
        ("00:01.5-->00:02.75 line:0", 1.5, 2.75),
        ("100:00:00,000 -> 100:00:01,000", 360_000.0, 360_001.0),
        ("00:00:05 --> 00:00:07", 5.0, 7.0),
        ("00:00:05,000 --> 00:00:02,000", 5.0, 5.0),
        ("-00:00:05,000 --> 00:00:02,000", 0.0, 2.0),
    ],
)
def test_times_as_programs_write_them(times: str, begin: float, until: float) -> None:
    assert read(f"1\n{times}\nwords\n").times == (Time(0, 5, begin, until),)


def test_words_with_garbled_times_stay_and_are_told_of() -> None:
    document = read(cue(1, "One", number=1) + "2\n00:00:O2,000 --> 00:00:03,000\nTwo\n\n" + cue(4, "Three", number=3))
    assert document.text == "One\nTwo\nThree\n"
    assert document.notes == ("1 time could not be read: the words have the time of those before",)


def test_words_on_the_line_of_the_times_stay() -> None:
    assert read("1\n00:00:01,000 --> 00:00:02,000 Hello there\nyou\n").text == "Hello there you\n"


def test_cues_out_of_order_are_sorted() -> None:
    assert read(cue(9, "last", number=1) + cue(5, "first", number=2)).text.split() == ["first", "last"]


@pytest.mark.parametrize("source", ["no times at all", "1\nfoo --> bar\nwords\n"])
def test_what_has_no_times_is_refused(source: str) -> None:
    with pytest.raises((DamagedFile, WrongFileType)):
        read(source)


# Repeats


def test_rolling_captions_say_each_word_once() -> None:
    source = vtt(
        "00:00.000 --> 00:02.000 align:start\n \nhello<00:00:00.500><c> world</c>",
        "00:02.000 --> 00:02.010\nhello world\n ",
        "00:02.010 --> 00:04.000\nhello world\nthis<00:00:02.500><c> is</c><c> next</c>",
        "00:04.000 --> 00:04.010\nthis is next\n ",
        "00:04.010 --> 00:06.000\nthis is next\nand last",
    )
    assert read(source).text == "hello world\nthis is next\nand last\n"


def test_captions_painted_word_by_word_say_each_word_once() -> None:
    steps = ["The", "The tide", "The tide is", "The tide is out"]
    assert read("".join(cue(n, step, number=n) for n, step in enumerate(steps, 1))).text == "The\ntide\nis\nout\n"


def test_captions_that_roll_up_three_lines() -> None:
    lines = [("a", "b", "c"), ("b", "c", "d"), ("c", "d", "e")]
    assert read("".join(cue(n, *three, number=n) for n, three in enumerate(lines, 1))).text == "a b c\nd\ne\n"


def test_karaoke_of_one_line_is_one_line() -> None:
    source = cue(1, "<b>La</b> la", number=1) + cue(2, "La <b>la</b>", number=2)
    assert read(source).text == "La la\n"


def test_what_is_said_twice_stays_twice() -> None:
    assert read(cue(1, "No.", number=1) + cue(2, "No.", number=2) + cue(3, "No way", number=3)).text == (
        "No.\nNo.\nNo way\n"
    )
