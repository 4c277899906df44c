"""Jupyter notebooks: what cells show is in the text, in its richest form, once."""

from __future__ import annotations

import json

import pytest

from core.loading.loader import load
from core.records.document import Document

Output = dict[str, object]


def notebook(*outputs: Output, source: str = "x", cells: list[Output] | None = None) -> Document:
    cells = cells or [{"cell_type": "code", "source": source, "outputs": list(outputs)}]
    return load("a.ipynb", json.dumps({"cells": cells, "nbformat": 4}).encode())


def shown(*outputs: Output) -> str:
    return notebook(*outputs).text.removeprefix("```\nx\n```\n\n").rstrip("\n")


def display(**data: object) -> Output:
    return {
        "output_type": "display_data",
        "data": {kind.replace("__", "/").replace("_", "-"): value for kind, value in data.items()},
    }


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (
            display(text__markdown=["**Lock** ", "three"], text__plain="<IPython.core.display.Markdown object>"),
            "**Lock** three",
        ),
        (
            display(text__html="<p>Gauge <b>nine</b></p>", text__plain="<IPython.core.display.HTML object>"),
            "Gauge nine",
        ),
        (
            display(text__html="<table><tr><th></th><th>port</th></tr><tr><th>0</th><td>Husum</td></tr></table>"),
            "|  | port |\n| --- | --- |\n| 0 | Husum |",
        ),
        (display(text__latex="$h = 3$", text__plain="<IPython.core.display.Latex object>"), "$h = 3$"),
        (display(text__html="<div></div><script>draw()</script>", text__plain="a chart"), "```\na chart\n```"),
        (display(text__plain="7"), "```\n7\n```"),
        ({"output_type": "pyout", "text": ["7"], "html": ["<p>seven</p>"], "prompt_number": 1}, "seven"),
        (
            {
                "output_type": "error",
                "ename": "KeyError",
                "evalue": "'tide'",
                "traceback": ["\x1b[0;31mKeyError\x1b[0m"],
            },
            "```\nKeyError\nKeyError: 'tide'\n```",
        ),
        ({"output_type": "pyerr", "ename": "KeyboardInterrupt", "evalue": ""}, "```\nKeyboardInterrupt\n```"),
        ({"output_type": "stream", "text": " 5%|#\r50%|###\r100%|#####\ndone\r\n"}, "```\n100%|#####\ndone\n```"),
        (
            {"output_type": "stream", "text": "\x1b[1;32mgreen\x1b[0m \x1b]8;;http://a\x07link\x1b]8;;\x07"},
            "```\ngreen link\n```",
        ),
    ],
)
def test_an_output_by_its_content(output: Output, text: str) -> None:
    assert shown(output) == text


def test_parts_of_one_stream_are_one_text() -> None:
    parts: list[Output] = [{"output_type": "stream", "name": name, "text": text} for name, text in
             [("stdout", "one "), ("stdout", "two\n"), ("stderr", "warning\n")]]  # fmt: skip
    assert shown(*parts) == "```\none two\n```\n\n```\nwarning\n```"


def test_a_long_output_is_kept_up_to_a_bound_and_the_rest_is_told() -> None:
    lines = [f"reading {number:05}" for number in range(3000)]  # 13 characters and a line end each
    document = notebook({"output_type": "stream", "text": "\n".join(lines)})
    assert "reading 01000" in document.text
    assert "reading 02999" in document.text
    assert "reading 02000" not in document.text
    assert document.notes == ("1 long output shortened by 22,009 characters",)
    assert notebook({"output_type": "stream", "text": "\n".join(lines[:1400])}).notes == ()


def test_pictures_and_widgets_are_counted() -> None:
    document = notebook(
        display(image__png="iVBORw0KGgo=", text__plain="<Figure size 640x480 with 1 Axes>"),
        display(application__javascript="alert(1)"),
        {
            "output_type": "display_data",
            "data": {"application/vnd.jupyter.widget-view+json": {"model_id": "a"}, "text/plain": "HBox(children=())"},
        },
        display(text__plain="end"),
    )
    assert document.text == "```\nx\n```\n\n```\nend\n```\n"
    assert document.notes == (
        "1 picture among the outputs",
        "2 interactive outputs (widgets, scripts, plots of data) left out",
    )


def test_a_fence_that_a_cell_leaves_open_ends_with_the_cell() -> None:
    cells: list[Output] = [
        {"cell_type": "markdown", "source": "```sh\n# no heading"},
        {"cell_type": "raw", "source": "raw words"},
        {"cell_type": "markdown", "source": "# Tides\n![the gauge](attachment:a.png) ![image.png](attachment:b.png)"},
    ]
    document = notebook(cells=cells)
    assert [heading.title for heading in document.headings] == ["Tides"]
    assert "raw words" in document.text
    assert "the gauge" in document.text
    assert "attachment" not in document.text
    assert document.notes == ("1 picture without a description",)


def test_a_picture_inside_html_in_a_cell_of_text_is_no_words() -> None:
    source = "The <img src='data:image/png;base64," + "iVBORw0KGgo" * 400 + "'> quay"
    notebook = {"nbformat": 4, "cells": [{"cell_type": "markdown", "source": source}]}
    assert load("a.ipynb", json.dumps(notebook).encode()).text.strip() == "The <img src='data:image/png'> quay"
