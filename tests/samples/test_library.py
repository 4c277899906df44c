"""The sample library keeps its promises."""

from __future__ import annotations

import re
from collections import Counter
from importlib.resources import files

import pytest

from core.samples.library import EXAMPLES, documents, questions, sources
from core.text.analyzers import query_words

DOCUMENTS = {document.name: document for document in documents()}
TRICKS = {"near-identical", "negation", "numbers", "dates", "roles", "names"}


def test_there_is_enough_of_everything() -> None:
    assert len(DOCUMENTS) >= 60
    assert len({name.partition("/")[0] for name in DOCUMENTS}) >= 8
    assert len(questions()) >= 40
    kinds = Counter(question.kind for question in questions())
    assert set(kinds) == TRICKS | {"easy", "paraphrase", "cross-lingual"}
    assert min(kinds[kind] for kind in TRICKS) >= 4
    assert {question.language for question in questions()} >= {"en", "es", "fr", "de", "hi", "ar", "zh"}


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_documents_are_short_and_have_headings(name: str) -> None:
    document = DOCUMENTS[name]
    ideographs = len(re.findall(r"[\u4e00-\u9fff]", document.text))
    words = ideographs / 1.7 if ideographs > 200 else len(document.text.split())  # about as many words in Chinese
    assert 300 <= words <= 900
    assert [heading.level for heading in document.headings].count(1) == 1
    assert len(document.headings) >= 3


@pytest.mark.parametrize("question", questions(), ids=lambda question: question.id)
def test_judgments_lie_on_their_spans(question: object) -> None:
    from core.samples.library import Question

    assert isinstance(question, Question)
    for judgment in question.judgments:
        text = DOCUMENTS[judgment.document].text
        assert 0 <= judgment.start < judgment.end <= len(text)
        assert text[judgment.start : judgment.end].strip() == text[judgment.start : judgment.end]
        assert judgment.grade in (0, 1, 2, 3)
    assert any(judgment.grade == 3 for judgment in question.judgments)
    assert question.kind not in TRICKS or any(judgment.grade == 0 for judgment in question.judgments)
    assert question.why.endswith(".")
    assert query_words(question.question)


def test_the_quoted_words_are_the_ones_at_the_span() -> None:
    """The file repeats each span's words, so that a person can read it; they must agree."""
    import json

    lines = (files("core.samples") / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    for judgment in (judgment for line in lines for judgment in json.loads(line)["judgments"]):
        assert DOCUMENTS[judgment["document"]].text[judgment["start"] : judgment["end"]] == judgment["quote"]


def test_ids_and_names_are_unique() -> None:
    assert len({question.id for question in questions()}) == len(questions())
    assert len({source.name for source in sources()}) == len(sources())
    assert set(EXAMPLES) <= {question.id for question in questions()}
