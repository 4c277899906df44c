"""OpenDocument, RTF, e-books, LaTeX, notebooks, mail, subtitles and source code become Documents; metadata of every
kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.loading.loader import LOADERS, SUPPORTED_FORMATS, TABLE_LOADERS, load
from core.records.document import Document, Time
from tests.loading.test_formats import GUIDE, spelled

FILES = Path(__file__).parents[1] / "files"


def loaded(name: str) -> Document:
    return load(name, (FILES / name).read_bytes())


def test_the_kinds_in_words_name_every_ending_that_is_no_text_or_code() -> None:
    spoken = {
        ".docx": "Word", ".pptx": "PowerPoint", ".xlsx": "Excel", ".odt": "OpenDocument", ".htm": "HTML",
        ".md": "Markdown", ".tex": "LaTeX", ".ipynb": "Jupyter", ".jsonl": "JSON Lines",
    }  # fmt: skip
    for ending in (".pdf", ".rtf", ".epub", ".html", ".csv", ".tsv", ".json", ".eml", ".mbox", ".srt", ".vtt", *spoken):
        assert ending in LOADERS or ending in TABLE_LOADERS
        assert spoken.get(ending, ending.lstrip(".")).lower() in SUPPORTED_FORMATS.lower()


# Office


def test_an_opendocument_text() -> None:
    document = loaded("guide.odt")
    assert document.text == GUIDE  # the same page that guide.docx was made from
    assert document.heading_at(GUIDE.index("grey cupboard")) == "Tide station handbook › Instruments › Spare parts"
    assert document.metadata == {"title": "Tide station handbook"}


def test_an_opendocument_spreadsheet_reads_as_the_excel_one_does() -> None:
    assert loaded("levels.ods").text == loaded("levels.xlsx").text


def test_an_opendocument_presentation_has_its_slides_as_pages() -> None:
    document = loaded("slides.odp")
    slides = [document.text[page.start : page.end] for page in document.pages]
    assert slides == [
        "# Night watch\n\n* Two keepers share the night.\n* Change at two o'clock.\n\n### Notes:\nRemind the "
        "newcomers of the tea.\n\n",
        "# Storm signals\n\n| Signal | Meaning |\n| --- | --- |\n| One cone | gale from the north |\n| Two cones | "
        "gale from the south |\n\n",
        "A slide\nwithout a title\n\n",
        "# Questions\n\n* Write to the harbour office.\n\n",
    ]
    assert document.page_at(document.text.index("One cone")) == 2


def test_an_rtf_document_of_libreoffice() -> None:
    document = loaded("guide.rtf")
    assert document.text == GUIDE.replace("gauge.\n* Compare", "gauge.\n\n* Compare")
    assert spelled(document) == ["# Tide station handbook", "## Daily duties", "## Instruments", "### Spare parts"]
    assert document.metadata == {"title": "Tide station handbook"}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"{\rtf1\ansi One.\par Two.\par}", "One.\n\nTwo.\n"),
        (r"{\rtf1\ansi\ansicpg1252 caf\'e9 \u8364?\par}", "café €\n"),
        (r"{\rtf1\ansi\ansicpg1251 \'ec\'e0\'ff\'ea\par}", "маяк\n"),
        (
            r"{\rtf1\ansi\trowd a\cell b\cell\row\trowd c\cell d\cell\row after\par}",
            "| a | b |\n| --- | --- |\n| c | d |\n\nafter\n",
        ),
        (r"{\rtf1\ansi{\*\generator x}{\info{\title T}}Body\par}", "Body\n"),
        (r"{\rtf1\ansi \outlinelevel1 Part\par Text\par}", "## Part\n\nText\n"),
    ],
)
def test_rtf_as_programs_write_it(source: str, text: str) -> None:
    assert load("a.rtf", source.encode()).text == text


def test_an_rtf_file_says_who_and_when() -> None:
    head = rb"{\rtf1\ansi{\info{\title Harbour r\'f4le}{\author Ada}{\creatim\yr2024\mo3\dy1\hr9\min0}}x\par}"
    assert load("a.rtf", head).metadata == {"title": "Harbour rôle", "author": "Ada", "date": "2024-03-01"}


# Books and papers


def test_an_e_book_of_pandoc() -> None:
    document = loaded("harbour.epub")
    assert document.metadata == {"title": "Harbour rules", "author": "Ada Brandt", "date": "2024-03-01"}
    assert spelled(document) == ["# Harbour rules", "# Mooring", "## Fees", "# Fuel"]
    assert [dict(row.fields) for row in document.rows] == [
        {"Length": "up to 8 m", "Fee per night": 12},
        {"Length": "up to 12 m", "Fee per night": 19},
    ]
    assert (
        document.text.index("moor at the outer wall")
        < document.text.index("up to 8 m")
        < document.text.index("closes at dusk")
    )
    assert "```\n# not a heading\nprice = litres * 1.03\n```" in document.text


def test_a_latex_file_of_pandoc() -> None:
    document = loaded("harbour.tex")
    assert document.metadata == {"title": "Harbour rules", "author": "Ada Brandt", "date": "2024-03-01"}
    assert spelled(document) == ["# Harbour rules", "## Mooring", "### Fees", "## Fuel"]
    assert "crane [It hangs behind the\ncafé calendar.].\n\n* Tie two lines at the bow." in document.text
    assert "| Length | Fee per night |\n| --- | --- |\n| up to 8 m | 12 |\n| up to 12 m | 19 |" in document.text
    assert (
        "a 3 % surcharge applies when d > 20\nlitres.\n\n```\n# not a heading\nprice = litres * 1.03\n```"
        in document.text
    )
    assert "\\" not in document.text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"\section{One \emph{big} part}\label{a}Text % remark", "## One big part\n\nText\n"),
        (r"See \cite[p.~2]{knuth} and Figure~\ref{f}.", "See [knuth, p.\xa02] and Figure\xa0.\n"),
        (r"\'Etude na\"ive --- ``quoted'' \& 5\,\%", "Étude naïve — “quoted” & 5 %\n"),
        ("\\begin{lstlisting}[language=C]\nint a; % no comment\n\\end{lstlisting}", "```\nint a; % no comment\n```\n"),
        ("\\begin{minted}{c}\nx\n\\end{minted}", "```\nx\n```\n"),
        (r"\begin{description}\item[Buoy] floats\item[Cone] warns\end{description}", "* Buoy floats\n* Cone warns\n"),
        (
            "\\begin{tabular}{ll}\\hline a & b\\\\ \\cmidrule(lr){1-2} c \\& d & \\multicolumn{1}{c}{e}\\\\ "
            "\\end{tabular}",
            "| a | b |\n| --- | --- |\n| c & d | e |\n",
        ),
    ],
)
def test_latex_reads_as_it_is_printed(source: str, text: str) -> None:
    assert load("a.tex", source.encode()).text == text


# Notebooks


def test_a_notebook_of_jupyter() -> None:
    document = loaded("gauge.ipynb")
    assert document.text == (
        "# Float gauge readings\n\nThe gauge is read every six hours.\n\n```python\n# mean of the day\nsum([412, "
        "398.5]) / 2\n```\n\n"
        "```\n405.25\n```\n\n```\ntwo readings\n```\n\n## Remarks\n\nBrun noticed drift on Sunday.\n"
    )
    assert spelled(document) == ["# Float gauge readings", "## Remarks"]


def test_a_notebook_of_the_third_format_with_fences_in_its_code() -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["Part"]},
        {
            "cell_type": "code",
            "language": "python",
            "input": ["a = '''\n", "```\n", "'''"],
            "outputs": [{"text": ["\x1b[31mred\x1b[0m"]}, {"png": "aGk="}],
        },
        {"cell_type": "markdown", "source": "a ![x](attachment:x.png) b"},
    ]
    text = load("a.ipynb", json.dumps({"worksheets": [{"cells": cells}], "nbformat": 3}).encode()).text
    assert text == "## Part\n\n````\na = '''\n```\n'''\n````\n\n```\nred\n```\n\na x b\n"


# Mail


def test_a_message() -> None:
    document = loaded("gauge.eml")
    assert document.text == (
        "Störung am Pegel\n\nFrom: Ada Brandt <ada@harbour.example>\nTo: Brun <brun@harbour.example>\nDate: Fri, 01 "
        "Mar 2024 23:30:00 +0200\n\n"
        "Dear Brun,\n\nthe float gauge sticks at 412 cm. Please bring the grey key.\n\nAda\n\nAttachments: Gauge "
        "récord.pdf\n"
    )
    assert document.metadata == {
        "title": "Störung am Pegel",
        "author": "Ada Brandt <ada@harbour.example>",
        "date": "2024-03-01",
    }
    assert document.heading_at(document.text.index("grey key")) == "Störung am Pegel"


def test_a_mailbox_has_a_record_for_each_message() -> None:
    document = loaded("watch.mbox")
    first, second = document.rows
    assert dict(first.fields) == {
        "from": "Ada Brandt <ada@harbour.example>",
        "to": "brun@harbour.example",
        "subject": "First watch",
        "date": "2024-03-02",
    }
    assert document.text[first.start : first.end].endswith("Calm sea.\n\nFrom dusk on the lamp burns.")
    assert document.text[second.start : second.end].endswith("# Rota\n\nTwo keepers share the night.")
    assert spelled(document) == ["First watch", "New rota"]


@pytest.mark.parametrize(
    ("head", "body", "text"),
    [
        ("Subject: =?utf-8?b?w4Q=?= =?no-such?q?x?=", b"plain", "plain"),
        ("Subject: a\nContent-Type: text/plain; charset=iso-8859-2", "łódź".encode("iso-8859-2"), "łódź"),
        ("Subject: a\nContent-Type: text/plain; charset=no-such", b"plain", "plain"),
        ("Subject: a\nContent-Type: text/html", b"<p>A <b>bold</b> word</p>", "A bold word"),
        ("Subject: a\nContent-Transfer-Encoding: base64", b"aGVsbG8=", "hello"),
        ("Subject: a\nDate: no day at all", b"plain", "plain"),
    ],
)
def test_messages_as_they_come(head: str, body: bytes, text: str) -> None:
    assert load("a.eml", head.encode() + b"\n\n" + body).text.strip().endswith(text)


# Subtitles


@pytest.mark.parametrize("name", ["watch.srt", "watch.vtt"])
def test_subtitles_keep_their_times(name: str) -> None:
    document = loaded(name)
    assert document.text == "The tide turns at six.\nThen the boats come in.\n\nNobody sleeps on watch.\n"
    assert document.times == (Time(0, 22, 1.0, 3.5), Time(23, 46, 3.5, 6.25), Time(48, 71, 20.0, 22.0))
    assert document.metadata_at(25, 60) == {"from_second": 3.5, "to_second": 22.0}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            "WEBVTT\n\nNOTE\nof the maker\n\nSTYLE\n::cue {}\n\n00:01.000 --> 00:02.000 align:start\n<v "
            "Ada><i>Hello</i>\n",
            "Ada: Hello\n",
        ),
        (
            "WEBVTT\n\n00:01.000 --> 00:02.000\nOne line\n\n00:02.000 --> 00:03.000\nOne line\nand another\n",
            "One line\nand another\n",
        ),
        ("7\r\n01:00:00,5 --> 01:00:01,5\r\n{\\an8}Up there\r\n", "Up there\n"),
    ],
)
def test_subtitles_without_what_nobody_says(source: str, text: str) -> None:
    assert load("a.vtt" if source.startswith("WEBVTT") else "a.srt", source.encode()).text == text


# Source code


def test_python_has_its_definitions_as_headings() -> None:
    source = (
        'import os\n\n\nclass Gauge:\n    """def nothing(): ..."""\n\n    async def read(self):\n        return '
        '"\\d"\n\n\n@cache\ndef mean(): ...\n'
    )
    document = load("gauge.py", source.encode())
    assert document.text == source
    assert spelled(document) == ["class Gauge:", "async def read(self):", "def mean(): ..."]
    assert [heading.level for heading in document.headings] == [1, 2, 1]
    assert document.heading_at(source.index("return")) == "Gauge › read"


@pytest.mark.parametrize(
    ("name", "source"),
    [("a.py", "def broken(:\n"), ("a.rs", "fn main() {}\n"), ("a.yaml", "# a: b\n"), ("a.c", "#include <a.h>\n")],
)
def test_other_code_is_text(name: str, source: str) -> None:
    assert load(name, source.encode()) == Document(name, source, size=len(source))


# Metadata of the kinds that were there before


@pytest.mark.parametrize(
    ("name", "data", "metadata"),
    [
        ("a.md", "---\ntitle: Rules\nauthor: [Ada, Brun]\ndate: 2024-03-01\n---\ntext", {"title": "Rules",
        "author": "Ada, Brun", "date": "2024-03-01"}),
        ("a.md", "---\nauthor:\n  - name: Ada\ndate: 2024-02-31\n---\ntext", {}),
        ("a.md", "---\nauthor:\n  - name: Ada\n---\ntext", {"author": "Ada"}),
        ("a.md", "---\n: [\n---\ntext", {}),
        ("a.md", "text\n---\ntitle: no head\n---\n", {}),
        ("a.txt", "---\ntitle: plain text has none\n---\n", {}),
        ("a.html", "<title>A\n page</title><meta name='Author' content='Ada'><meta property='article:published_time' "
                   "content='2024-03-01T08:00Z'>x", {"title": "A page", "author": "Ada", "date": "2024-03-01"}),
        ("a.html", "<meta property='og:title' content='Shared'><p>x</p>", {"title": "Shared"}),
    ],
)  # fmt: skip
def test_what_texts_say_of_themselves(name: str, data: str, metadata: dict[str, str]) -> None:
    assert load(name, data.encode()).metadata == metadata


@pytest.mark.parametrize(
    ("name", "metadata"),
    [
        ("guide.docx", {"title": "Tide station handbook"}),
        ("slides.pptx", {"date": "2013-01-27"}),
        ("handbook.pdf", {"title": "Lamp handbook"}),
    ],
)
def test_what_office_files_say_of_themselves(name: str, metadata: dict[str, str]) -> None:
    found = loaded(name).metadata
    assert {key: found.get(key) for key in metadata} == metadata
