"""The pages as a visitor uses them, without a browser: through app.py and each alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.indexing.indexer import index
from core.loading.sources import Upload
from core.samples.library import EXAMPLES, SAMPLE_COLLECTION, questions
from core.settings import Settings
from core.workspace import Workspace
from pages.ui.page import literal
from tests.support.fakes import FakeEncoder
from tests.support.pages import EVIL_NAME, ODD, address, cards, html, opened, press, said

pytestmark = pytest.mark.usefixtures("fresh_server")


@pytest.fixture
def _samples(sample_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample library. For reading only."""
    monkeypatch.setenv("RANKSCOPE_DATA", str(sample_data))


@pytest.mark.usefixtures("_samples")
@pytest.mark.parametrize("script", ["app.py", "pages/search.py"])
def test_a_first_visit_shows_the_hits_of_an_example(script: str) -> None:
    page = opened(script)
    assert page.text_input(key="q").value == "When did Voyager 2 reach interstellar space?"
    assert len(cards(page)) == 10
    assert "voyager-2.md" in cards(page)[0]
    assert "<mark>Voyager</mark>" in cards(page)[0]
    assert address(page) == {
        "q": ["When did Voyager 2 reach interstellar space?"],
        "collection": [SAMPLE_COLLECTION],
        "hits": ["10"],
    }


@pytest.mark.usefixtures("_samples")
def test_an_address_gives_query_hits_and_filter() -> None:
    wanted = ["space/venus.md", "space/voyager-1.md"]
    page = opened(q="the hottest planet", collection=SAMPLE_COLLECTION, hits="3", documents=wanted)
    assert page.text_input(key="q").value == "the hottest planet"
    assert page.multiselect(key="documents").value == wanted
    assert len(cards(page)) == 3
    assert "space/venus.md" in cards(page)[0]
    assert all("space/venus.md" in card or "space/voyager-1.md" in card for card in cards(page))
    assert said(page) == ""


@pytest.mark.usefixtures("_samples")
@pytest.mark.parametrize(
    ("name", "value", "shown", "message"),
    [
        ("hits", "many", 10, "hits=many"),
        ("hits", "9999", 100, "asks for 9999 hits"),
        ("hits", "0", 1, "asks for 0 hits"),
        ("hits", "9" * 50, 10, "hits=999"),
        ("collection", "no *such*", 10, "There is no collection “no *such*”"),
        ("documents", "no _such_.txt", 10, "Not in sample-library, so not in the filter either: no _such_.txt"),
    ],
)
def test_an_unusable_address_is_explained(name: str, value: str, shown: int, message: str) -> None:
    page = opened(q="bread", **{name: value})
    assert literal(message) in said(page)
    assert len(cards(page)) == shown
    assert value not in address(page).get(name, [])


@pytest.mark.usefixtures("_samples")
def test_the_address_of_an_empty_query_stays_one() -> None:
    page = opened()
    page.text_input(key="q").set_value("  ").run()
    assert cards(page) == []
    assert literal("Type a question to search the 444 chunks") in said(page)
    page.text_input(key="q").set_value("").run()
    again = opened(**{name: values[0] for name, values in address(page).items()})
    assert (again.text_input(key="q").value, cards(again)) == ("", [])


@pytest.mark.usefixtures("_samples")
def test_a_clicked_example_is_asked() -> None:
    page = opened()
    example = next(question for question in questions() if question.id == EXAMPLES[1])
    page.button(key=f"example-{example.id}").click().run()
    assert page.text_input(key="q").value == example.question
    assert address(page)["q"] == [example.question]
    assert "amazon-river.md" in cards(page)[0]
    assert any(example.why in caption.value for caption in page.caption)


@pytest.mark.usefixtures("_samples")
def test_settings_outlive_a_visit_to_another_page() -> None:
    page = opened()
    page.text_input(key="q").set_value("tea").run()
    page.number_input(key="hits").set_value(4).run()
    page.multiselect(key="documents").set_value(["food-and-cooking/green-tea.md"]).run()
    shown = cards(page)
    page.switch_page("pages/library.py").run()
    assert page.title[0].value == "Library"
    page.switch_page("pages/search.py").run()
    assert (page.text_input(key="q").value, page.number_input(key="hits").value) == ("tea", 4)
    assert cards(page) == shown


@pytest.mark.usefixtures("own")
def test_another_collection_drops_the_filter() -> None:
    page = opened(q="red", collection="colours", documents=["blue.txt"])
    assert ["blue.txt" in card for card in cards(page)] == [True]
    page.selectbox(key="collection").set_value(ODD).run()
    assert page.multiselect(key="documents").value == []
    assert len(cards(page)) == 1
    assert said(page) == ""


@pytest.mark.usefixtures("own")
def test_what_a_document_says_is_never_markup() -> None:
    page = opened(q="**bold** <i>", collection=ODD)
    (card,) = cards(page)
    for markup in ("<script", "<img", "<b>*bold*"):
        assert markup not in card
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in card
    assert "&lt;b&gt;*bold*&lt;/b&gt; $y$ :red[x].md" in card
    assert "**<mark>bold</mark>** $x^2$ :red[hi]" in card
    press(page, "Show in context")
    (shown,) = html(page, "rs-chunk")
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert any(EVIL_NAME in text.value for text in page.text)


@pytest.mark.usefixtures("own")
def test_names_are_shown_word_for_word() -> None:
    page = opened(collection=ODD)
    assert [info.value for info in page.info] == [
        "Type a question to search the 1 chunk of odd \\*name\\* \\$a\\$ \\<b\\>\\."
    ]


@pytest.mark.usefixtures("_samples")
@pytest.mark.parametrize("script", ["app.py", "pages/library.py"])
def test_an_unusable_setting_is_a_plain_error(script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANKSCOPE_PRECISION", "int8")
    page = opened(script)
    assert [error.value for error in page.error] == [
        literal("RANKSCOPE_PRECISION is 'int8': use one of auto, float32, bfloat16")
    ]
    assert page.text_input.len == page.button.len == 0


def test_a_model_that_cannot_be_loaded_is_an_error_and_the_app_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANKSCOPE_DATA", str(tmp_path))
    monkeypatch.setenv("RANKSCOPE_MODEL", "/no/*such*/model")
    page = opened()
    assert [error.value for error in page.error] == [
        literal("There is no model folder '/no/*such*/model': check the path, or use the built-in model")
    ]
    assert "nothing to search yet" in said(page)
    page.switch_page("pages/library.py").run()
    assert "There are no collections yet" in said(page)
    next(button for button in page.button if button.label == "Add the sample library").click().run()
    assert literal("no model folder '/no/*such*/model'") in said(page)
    page.file_uploader[0].set_value([("a.txt", b"red", "text/plain")]).run()
    assert literal("no model folder '/no/*such*/model'") in said(page)
    assert next(button for button in page.button if button.label == "Index 1 file").disabled
    page.text_input(key="new-model").set_value("all-MiniLM-L6-v2").run()
    assert not next(button for button in page.button if button.label == "Index 1 file").disabled
    assert not page.exception


def test_a_collection_whose_model_is_gone_is_an_error_and_others_are_searched(own: Path) -> None:
    encoder = FakeEncoder()
    encoder.model = "/no/such/model"
    opened_ = Workspace.open(Settings(own), loader=lambda model: encoder)
    index(opened_, opened_.open_or_create("lost"), [Upload("red.txt", b"red")])
    opened_.close()
    page = opened(q="red", collection="lost")
    assert literal("There is no model folder '/no/such/model'") in said(page)
    assert cards(page) == []
    page.selectbox(key="collection").set_value("colours").run()
    assert (said(page), len(cards(page))) == ("", 2)
