"""The training of the built-in cross-encoder: its parts, on data small enough to check by hand."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.samples.library import documents
from tests.support.fakes import FakeEncoder
from training import batches, begin, calibrate, functions, net, vectors
from training.batches import Group
from training.loss import loss_of, target_of
from training.mean import mixed
from training.mine import mine
from training.options import Options, often_of
from training.pairs import Pair, draw, read
from training.perturb import perturbed
from training.train import parted
from training.weights import encoder_parameters, shipped

TEXTS = ["the red sun", "a green tree by the sea", "blue stone", "moon over the sea", "red red tree"]


def batch_of(*texts: str) -> begin.Batch:
    tokens = batches.tokenizer()
    rows = [([batches.CLS, *tokens.encode(text, add_special_tokens=False).ids, batches.SEP], 10_000) for text in texts]
    return batches.pad(rows)


def ids_of(text: str) -> batches.Ids:
    return np.array(batches.tokenizer().encode(text, add_special_tokens=False).ids, dtype=np.uint16)


def pairs_of(query: str, *texts: str) -> begin.Batch:
    ids = [ids_of(text) for text in (query, *texts)]
    return batches.pad([batches.pair(ids[0], text, 50) for text in ids[1:]])


def logits_of(p: net.Parameters, batch: begin.Batch) -> torch.Tensor:
    return net.answer(p, net.states(p, batch.ids, batch.types, batch.mask), batch.mask)


def test_the_plain_layers_compute_what_sentence_transformers_computes() -> None:
    from sentence_transformers import SentenceTransformer

    from core.models.hub import built_in_folder

    wanted = SentenceTransformer(str(built_in_folder()), device="cpu").encode(
        TEXTS, convert_to_tensor=True, show_progress_bar=False
    )
    found = begin.pooled(encoder_parameters(), batch_of(*TEXTS))
    assert torch.allclose(found, wanted.cpu(), atol=1e-5)


def test_the_first_token_alone_is_the_first_of_all() -> None:
    p, batch = encoder_parameters(), batch_of(*TEXTS)
    seen = batch.mask[:, None, None, :].bool()
    x = net.embed(p, batch.ids, batch.types)
    assert torch.allclose(net.layer(p, 0, x, seen, first_only=True), net.layer(p, 0, x, seen)[:, :1], atol=1e-6)


def test_training_starts_from_a_model_that_already_knows_what_is_alike() -> None:
    sentences = [sentence for document in documents()[:14] for sentence in document.text.split(". ")][:240]
    p, batch = encoder_parameters(), pairs_of("When was it discovered?", *sentences[:24])
    started = begin.begin(p, batch, [3.5] * 6, begin.pooled(p, batch_of(*(sentence[:80] for sentence in sentences))), 0)
    queries = ["How do I bake bread?", "When does the sea rise?", "Who wrote the opera Carmen?"]
    answers = [
        "Mix flour, water and yeast, and bake the bread.",
        "The sea rises twice a day with the tide.",
        "The opera Carmen was written by Bizet.",
    ]
    for right, query in enumerate(queries):
        assert int(logits_of(started, pairs_of(query, *answers)).argmax()) == right


def test_a_new_round_begins_with_what_ships() -> None:
    from core.models.cross_encoder import SentenceTransformersCrossEncoder
    from core.settings import BUILT_IN_RERANKER

    answers = ["Yeast makes the dough rise.", "The sea rises twice a day."]
    wanted = SentenceTransformersCrossEncoder.load(BUILT_IN_RERANKER, "float32", "cpu").score(
        [("When does the sea rise?", text) for text in answers]
    )
    assert logits_of(shipped(), pairs_of("When does the sea rise?", *answers)).tolist() == pytest.approx(
        wanted.logits.tolist(), abs=1e-3
    )


@pytest.mark.parametrize(
    ("still", "learns"),
    [
        (0, {"encoder.layer.0.x", "encoder.layer.1.x", "encoder.layer.10.x", "head.weight"}),
        (1, {"encoder.layer.1.x", "encoder.layer.10.x", "head.weight"}),
        (2, {"encoder.layer.10.x", "head.weight"}),
    ],
)
def test_embeddings_and_the_first_layers_asked_for_do_not_learn(still: int, learns: set[str]) -> None:
    parameters = {
        name: torch.zeros(1)
        for name in ("embeddings.word", "encoder.layer.0.x", "encoder.layer.1.x", "encoder.layer.10.x", "head.weight")
    }
    fixed, free = parted(parameters, still)
    assert (set(free), set(fixed)) == (learns, set(parameters) - learns)


def test_a_pair_is_cut_at_the_texts_end_and_knows_where_the_text_begins() -> None:
    assert batches.pair(np.array([7, 8], np.uint16), np.array([1, 2, 3], np.uint16), 2) == (
        [101, 7, 8, 102, 1, 2, 102],
        4,
    )
    batch = batches.pad([([101, 7, 102, 9, 102], 3), ([101, 102, 9, 102], 2)])
    assert batch.types.tolist() == [[0, 0, 0, 1, 1], [0, 0, 1, 1, 0]]
    assert batch.mask.tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]]


def test_batches_of_like_length_hold_every_pair_once() -> None:
    pairs = [([0] * length, 1) for length in (5, 2, 9, 2, 7)]
    parts = batches.by_length(pairs, 2)
    assert sorted(int(row) for rows, _ in parts for row in rows) == [0, 1, 2, 3, 4]
    assert [batch.ids.shape[1] for _, batch in parts] == [5, 9]


def answered(monkeypatch: pytest.MonkeyPatch, logits: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """Have pairs of these ids answered with these logits; the state of a token is its id."""
    monkeypatch.setattr(net, "states", lambda p, ids, types, mask: ids[:, :, None].float())
    monkeypatch.setattr(net, "answer", lambda p, states, mask: logits(states[:, :, 0]))


def test_the_loss_is_the_divergence_from_the_teacher_and_the_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = [
        Group(
            np.array([5], np.uint16),
            [np.array([6], np.uint16), np.array([7, 8], np.uint16)],
            np.array([0.12, 0.06], np.float32),
        )
    ]
    logits = {6: 1.0, 7: 0.5}
    answered(monkeypatch, lambda ids: torch.tensor([logits[int(row[3])] for row in ids]))
    options = Options(parts=2, size=2, bonus=2.0, temperature=0.06, pointwise=0.1)
    target = torch.tensor([[0.12 / 0.06 + 2, 0.06 / 0.06]]).softmax(1)
    wanted = functional.kl_div(torch.tensor([[1.0, 0.5]]).log_softmax(1), target, reduction="batchmean")
    labels = -(torch.tensor(1.0).sigmoid().log() + (1 - torch.tensor(0.5).sigmoid()).log()) / 2
    assert float(loss_of({}, drawn, 50, options)) == pytest.approx(float(wanted + 0.1 * labels), rel=1e-5)


def test_with_a_teacher_the_target_is_the_sum_of_both_models_standardised(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = np.array([2000], dtype=np.uint16)
    drawn = [Group(ids, [ids, ids, ids], np.array([0.5, 0.3, 0.1], dtype=np.float32))]
    answered(monkeypatch, lambda _: torch.tensor([1.0, 3.0, 2.0]))
    found = target_of(drawn, 50, Options(parts=1, size=3, teacher=2.0, bonus=0.5), {})
    assert found.tolist()[0] == pytest.approx([2 * (-1 + 1) + 0.5, 2 * (1 + 0), 2 * (0 - 1)], abs=1e-4)
    heavier = target_of(drawn, 50, Options(parts=1, size=3, teacher=2.0, bonus=0.5, cosines=1.5), {})
    assert heavier.tolist()[0] == pytest.approx([2 * (-1 + 1.5) + 0.5, 2 * (1 + 0), 2 * (0 - 1.5)], abs=1e-4)


@pytest.mark.parametrize(("keeps", "held"), [("known", ["codenn"]), ("all", ["medquad", "codenn"])])
def test_the_bi_encoders_vectors_are_kept_of_the_kinds_it_knows_or_of_all(
    monkeypatch: pytest.MonkeyPatch, keeps: str, held: list[str]
) -> None:
    ids = np.array([2000], dtype=np.uint16)
    drawn = [
        Group(ids, [ids, ids], np.array([0.5, 0.3], dtype=np.float32), source=source)
        for source in ("medquad", "codenn")
    ]
    answered(monkeypatch, lambda ids: torch.arange(len(ids)).float())
    seen: list[str] = []

    def distance(sides: torch.Tensor, groups: list[Group], encoder: object, cut: int) -> float:
        seen.extend(group.source for group in groups)
        return float(len(sides))

    monkeypatch.setattr(vectors, "distance", distance)
    options = Options(parts=1, size=2, vectors=0.5, keeps=keeps)
    assert float(loss_of({}, drawn, 50, options, encoder={})) == pytest.approx(
        float(loss_of({}, drawn, 50, options)) + 0.5 * len(held), abs=1e-5
    )
    assert seen == held


def test_with_a_teacher_kinds_that_the_bi_encoder_knows_keep_to_the_cosines(monkeypatch: pytest.MonkeyPatch) -> None:
    ids, cosines = np.array([2000], dtype=np.uint16), np.array([0.5, 0.3, 0.1], dtype=np.float32)
    kinds = [("medquad", True), ("codenn", True), ("python-asked", False)]
    drawn = [Group(ids, [ids, ids, ids], cosines, labelled, source) for source, labelled in kinds]
    answered(monkeypatch, lambda _: torch.tensor([1.0, 3.0, 2.0]))  # one group's: the teacher sees no other
    options = Options(parts=1, size=3, teacher=2.0, bonus=0.5, known=0.7, temperature=0.1)
    wanted = [[0.5, 2.0, -2.0], [5 + 0.7, 3, 1], [5, 3, 1]]
    assert target_of(drawn, 50, options, {}).numpy() == pytest.approx(np.array(wanted), abs=1e-4)


def test_averages_are_of_the_querys_and_of_the_texts_own_positions() -> None:
    states = torch.tensor([[[1.0, 0.0], [3.0, 4.0], [0.0, 2.0], [9.0, 9.0]]])
    found = vectors.averages(states, torch.tensor([[0, 0, 1, 0]]), torch.tensor([[1, 1, 1, 0]]))
    # (4, 4) / 2 and (0, 2), made units; the last is padding
    assert found.numpy() == pytest.approx(np.array([[[2**-0.5, 2**-0.5], [0, 1]]]))


def test_the_distance_to_the_bi_encoders_vectors_is_none_where_the_averages_are_its_own() -> None:
    encoder, texts = encoder_parameters(), [ids_of("The sea rises twice a day."), ids_of("Yeast makes the dough rise.")]
    drawn = [Group(ids_of("When does the sea rise?"), texts, np.zeros(2, np.float32), True, "codenn")]
    own = vectors.of_encoder(encoder, [drawn[0].query, *texts], 50, "cpu")
    # bfloat16
    assert float(own[0] @ begin.pooled(encoder, batch_of("When does the sea rise?"))[0]) == pytest.approx(1, abs=0.01)
    same = torch.stack([own[:1].expand(2, -1), own[1:]], 1)[None]
    assert float(vectors.distance(same, drawn, encoder, 50)) == pytest.approx(0, abs=1e-3)
    swapped = same.flip(1)  # each text has the other's vector
    assert float(vectors.distance(swapped, drawn, encoder, 50)) == pytest.approx(
        (1 - float(own[1] @ own[2])) / 2, abs=1e-3
    )


def test_what_the_bi_encoder_knows_comes_up_more_often_where_that_is_asked_for() -> None:
    assert often_of("python-asked", Options(code=3)) == 3 * often_of("python-asked", Options())
    assert often_of("medquad", Options(code=3)) == often_of("medquad", Options())


@pytest.mark.parametrize(
    ("query", "text", "allowed"),
    [
        (
            "Who crossed in 1911?",
            "The pole was reached in 1911 by sledge.",
            {"The pole was reached in 1850 by sledge."},
        ),
        (
            "Where did Amundsen sail?",
            "In May the ship of Amundsen sailed south.",
            {"In May the ship of Nansen sailed south."},
        ),
        (
            "Did Scott beat Amundsen?",
            "In the end Amundsen came before Scott there.",
            {
                "In the end Scott came before Amundsen there.",
                "In the end Nansen came before Scott there.",
                "In the end Amundsen came before Nansen there.",
            },
        ),
        ("What floats?", "The pole was reached in 1911 by sledge.", {None}),
        ("Was it 191?", "It was 1911, not later.", {None}),
    ],
)
def test_a_perturbed_positive_has_one_fact_changed(query: str, text: str, allowed: set[str | None]) -> None:
    for seed in range(12):
        assert perturbed(query, text, ["In 1850 the ship of Nansen lay there."], np.random.default_rng(seed)) in allowed


def test_calibration_puts_one_half_between_the_classes() -> None:
    # mirrored at 4
    scale, shift = calibrate.platt([torch.tensor([5.0, 3.0]), torch.tensor([7.0, 1.0]), torch.tensor([3.0, 5.0])])
    assert scale > 0
    assert -shift / scale == pytest.approx(4, abs=1e-3)
    assert calibrate.balance([torch.tensor([1.0, -1.0]), torch.tensor([-1.0, 2.0])], 1, 0) == {
        "relevant above one half": 0.5,
        "others below": 0.5,
    }


def test_pairs_are_drawn_the_same_each_time_and_some_queries_held_back(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "mini.jsonl.gz", "wt", encoding="utf-8") as file:
        for number in range(400):
            file.write(json.dumps({"query": f" q{number} ", "positive": f"p{number}"}) + "\n")
        file.write(
            json.dumps({"query": "q1", "positive": "p1"}) + "\n" + json.dumps({"query": "", "positive": "x"}) + "\n"
        )
    whole = read(tmp_path)
    first, again = draw(whole, 7)["mini"], draw(whole, 7)["mini"]
    assert first == again
    assert draw(whole, 8)["mini"] != first
    assert sorted(pair.query for pair in first) == sorted(f"q{number}" for number in range(400))
    assert 0 < sum(pair.held_back for pair in first) < 30


def test_candidates_are_near_and_never_an_answer_or_its_twin() -> None:
    texts = ["red", "red red", "red green", "green", "blue", "sun", "moon", "sea"]
    pairs = [
        Pair("s", "red", "red", ""),
        Pair("s", "green", "green", "blue"),
        *(Pair("s", text, text, "") for text in texts[1:]),
    ]
    groups = mine("s", pairs, FakeEncoder(), 0)
    own = [groups.texts[row] for row in groups.candidates[0] if row >= 0]
    assert "red" not in own
    assert "red red" not in own  # cosine 1 to the answer
    assert own[0] == "red green"
    assert groups.cosines[0, 0] == pytest.approx(0.5**0.5)
    assert groups.texts[groups.candidates[1, 0]] == "blue"
    assert groups.kinds[1, 0] == 0


FUNCTIONS = '''
def area(width: float, height: float) -> float:
    """Return the area of a rectangle. Both sides are in metres."""
    if width < 0 or height < 0:
        raise ValueError("a side is negative")
    return width * height

def undocumented(width, height):
    return width * height, width + height, width - height

class Shape:
    def _sides(self):
        """Sides."""
        return self.sides if self.sides is not None else self.count(self.edges)

def test_area():
    """Check that the area is what it should be."""
    assert area(2, 3) == 6 and area(1, 1) == 1 and area(0, 5) == 0 and area(5, 0) == 0
'''


def test_a_documented_function_is_a_pair_of_its_first_sentence_and_its_code(tmp_path: Path) -> None:
    (tmp_path / "shapes.py").write_text(FUNCTIONS, encoding="utf-8")
    (tmp_path / "broken.py").write_text("def (:", encoding="utf-8")
    found = [
        pair
        for seed in range(24)
        for path in sorted(tmp_path.iterdir())
        for pair in functions.of_file(path, random.Random(seed))
    ]
    asked = {pair.query for pair in found}
    assert {
        "Return the area of a rectangle",
        "return the area of a rectangle",
        "how to return the area of a rectangle in python",
    } <= asked
    few = [set(query.split()) - {"python"} for query in asked if "the" not in query.split()]
    assert {"area", "rectangle"} in few  # the words that carry the meaning
    assert all(words == {"area", "rectangle"} for words in few)
    assert {pair.positive.splitlines()[0] for pair in found} == {"def area(width: float, height: float) -> float:"}
    assert {'"""' in pair.positive for pair in found} == {True, False}
    assert all(pair.positive.endswith("    return width * height") for pair in found)


def test_a_query_is_put_as_people_type_it() -> None:
    tokens = batches.tokenizer()
    marks, small = batches.small_tokens(tokens)
    query = np.array(tokens.encode("What is the capital of France?", add_special_tokens=False).ids, dtype=np.uint16)
    told = {
        tokens.decode(batches.typed(query, marks, small, np.random.default_rng(seed)).tolist()) for seed in range(60)
    }
    assert {"what is the capital of france?", "what is the capital of france", "what capital france"} <= told
    assert all({"what", "capital", "france"} <= set(said.replace("?", "").split()) for said in told)
    only_small = np.array(tokens.encode("to be?", add_special_tokens=False).ids, dtype=np.uint16)
    assert all(len(batches.typed(only_small, marks, small, np.random.default_rng(seed))) >= 2 for seed in range(30))


def test_the_mean_of_rounds_by_hand() -> None:
    one, other = {"head": torch.tensor([1.0, 2.0])}, {"head": torch.tensor([3.0, 6.0])}
    assert mixed([(one, 0.75), (other, 0.25)])["head"].tolist() == [1.5, 3.0]
    with pytest.raises(ValueError, match=r"add up to 0\.9"):
        mixed([(one, 0.5), (other, 0.4)])
