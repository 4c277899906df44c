"""Training sources made of others, and groups that nobody labelled."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.fakes import FakeEncoder
from training import derived, mine, net
from training.batches import Group, draw, shelve, tokenizer
from training.loss import loss_of, target_of
from training.options import Options
from training.pairs import Pair
from training.train import held_back

SENTENCES = [f"sentence {number} -lrb- of ten -rrb-" for number in range(10)]


def test_a_paragraph_is_some_sentences_in_a_row_and_every_question_has_the_one_with_its_answer() -> None:
    pairs = [Pair("squad-sent", f"question {at}", SENTENCES[at], "") for at in (0, 1, 2, 3, 4, 5, 2, 6, 7, 8, 9)]
    found = derived.paragraphs(pairs, 7)
    assert [pair.query for pair in found] == [pair.query for pair in pairs]
    plain = [text.replace("-lrb-", "(").replace("-rrb-", ")") for text in SENTENCES]
    assert " ".join(dict.fromkeys(pair.positive for pair in found)) == " ".join(plain)  # nothing lost, nothing twice
    assert all(plain[int(pair.query.split()[1])] in pair.positive for at, pair in enumerate(found) if at < 6)
    lengths = [pair.positive.count("sentence") for pair in found]
    assert max(lengths) <= 6
    assert min(lengths[:-4]) >= 3  # the last paragraph takes what is left


@pytest.mark.parametrize(
    ("query", "code", "wanted"),
    [
        ("sort a dict", "sorted(d.items(), key=lambda kv: kv[1])", True),
        ("read a file", "with open(name) as file:\n    text = file.read()", True),
        ("sort in C#", "sorted(d)", False),
        ("a name alone", "value", False),
        ("an assignment of C#", "s = text.Trim();", False),
        ("sql", "select name from people", False),
        ("C", "for (int i = 0; i < n; i++) {\n}", False),
    ],
)
def test_python_is_told_from_other_languages(query: str, code: str, wanted: bool) -> None:
    assert derived.is_python(Pair("codenn", query, code, "")) is wanted


def test_the_derived_sources_of_what_is_there() -> None:
    assert derived.sources({}, 7) == {}
    found = derived.sources(
        {"codenn": [Pair("codenn", "length", "len(x)", ""), Pair("codenn", "text", "s.Trim();", "")]}, 7
    )
    assert found == {
        derived.PYTHON: [Pair(derived.PYTHON, "length", "len(x)", "")],
        derived.ASKED: [Pair(derived.ASKED, "length", "", "")],
    }


def test_without_a_positive_the_nearest_text_stands_in_and_no_label_is_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = mine.mine(
        "asked",
        [Pair("asked", "red", "", ""), Pair("asked", "blue", "", "")],
        FakeEncoder(),
        0,
        ["red green", "red red", "blue", "sun"],
    )
    assert not groups.labelled
    assert [groups.texts[row] for row in groups.positive] == ["red red", "blue"]
    groups.held_back[:] = True
    shelf = shelve(groups, tokenizer())
    assert held_back([shelf], 0) == []
    drawn = draw(shelf, 0, 3, np.random.default_rng(0), tokenizer())
    assert not drawn.labelled
    target = target_of([drawn], 50, Options(bonus=2.0, temperature=0.5), None)
    assert target[0].tolist() == pytest.approx((drawn.cosines / 0.5).tolist())
    monkeypatch.setattr(net, "states", lambda p, ids, types, mask: ids[:, :, None].float())
    monkeypatch.setattr(net, "answer", lambda p, states, mask: states[:, 1, 0])
    options = Options(parts=1, size=3, temperature=0.5)
    without, with_labels = (
        float(loss_of({}, [drawn], 50, Options(**{**vars(options), "pointwise": much}))) for much in (0.0, 5.0)
    )
    assert without == with_labels


def test_a_labelled_group_beside_one_that_is_not() -> None:
    ids = np.array([2000], dtype=np.uint16)
    cosines = np.array([0.2, 0.1], dtype=np.float32)
    found = target_of(
        [Group(ids, [ids, ids], cosines), Group(ids, [ids, ids], cosines, labelled=False)],
        50,
        Options(bonus=3.0, temperature=0.1),
        None,
    )
    assert found.tolist() == [pytest.approx([5.0, 1.0]), pytest.approx([2.0, 1.0])]
