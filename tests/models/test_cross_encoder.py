"""The built-in cross-encoder against plain sentence-transformers; its parts; and models that are none.

Nothing in here speaks of how good the built-in model is.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from sentence_transformers import CrossEncoder
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import nn
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

from core.errors import ModelError, ModelUnavailable
from core.models import _acceleration as lowering
from core.models import hub as reranker
from core.models._acceleration import limit_last_layer_to_first_token
from core.models.cross_encoder import SentenceTransformersCrossEncoder
from core.models.hub import built_in_folder, load_cross_encoder
from core.models.registry import ModelRegistry
from core.samples.library import documents, questions
from core.settings import BUILT_IN_RERANKER, Settings
from core.util.arrays import Float32Array
from tests.support.fakes import FakeCrossEncoder

QUERIES = [question.question for question in questions()[:12]]
TEXTS = [document.text[:900] for document in documents()[:24]]
ODD = [
    ("", ""),
    ("", "a text"),
    ("a query", ""),
    ("漢字 भाषा", "لغة 漢字"),
    ("a", "x" * 5000),
    ("red " * 600, "sun"),
    ("red", "sun " * 5000),
]
PAIRS = [(QUERIES[at % len(QUERIES)], text[: 40 + 35 * at]) for at, text in enumerate(TEXTS)] + ODD


@pytest.fixture(scope="module")
def assembled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assembled")
    reranker.assemble(folder)
    return folder


@pytest.fixture(scope="module")
def plain(assembled: Path) -> CrossEncoder:
    """The model as sentence-transformers opens it: float32, no code of ours."""
    opened: CrossEncoder = CrossEncoder(str(assembled), device="cpu", local_files_only=True)
    return opened


@pytest.fixture(scope="module")
def wanted(plain: CrossEncoder) -> Float32Array:
    return np.asarray(plain.predict(PAIRS, activation_fn=nn.Identity(), show_progress_bar=False))


@pytest.fixture(scope="module")
def float32() -> SentenceTransformersCrossEncoder:
    return SentenceTransformersCrossEncoder.load(BUILT_IN_RERANKER, "float32", "cpu")


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of our part of the model, which is the one that is opened: for breaking."""
    folder = tmp_path / "reranker"
    shutil.copytree(reranker.reranker_folder(), folder)
    monkeypatch.setattr(reranker, "reranker_folder", lambda: folder)
    return folder


def small_bert(folder: Path, labels: int, activation: str | None = None) -> str:
    """Save a tiny cross-encoder with random weights and return its path."""
    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
    }
    config = BertConfig(vocab_size=30522, max_position_embeddings=64, initializer_range=0.5, **sizes)
    config.num_labels = labels
    if activation is not None:
        config.sentence_transformers = {"activation_fn": activation}
    BertForSequenceClassification(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(built_in_folder(), model_max_length=64).save_pretrained(folder)
    return str(folder)


def test_the_parts_make_a_model_that_sentence_transformers_opens(plain: CrossEncoder) -> None:
    assert plain.num_labels == 1
    assert type(plain.activation_fn) is nn.Sigmoid
    assert all(torch.isfinite(parameter).all() for parameter in plain.parameters())


def test_what_training_left_alone_is_the_bi_encoders(assembled: Path) -> None:
    with (
        safe_open(built_in_folder() / "model.safetensors", "pt") as theirs,
        safe_open(assembled / "model.safetensors", "pt") as whole,
    ):
        for name in ("embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight"):
            assert torch.equal(whole.get_tensor(name), theirs.get_tensor(name))


def test_the_repository_carries_little_and_no_word_embeddings() -> None:
    weights = reranker.reranker_folder() / "layers.safetensors"
    assert weights.stat().st_size <= 25_000_000
    with safe_open(weights, "pt") as held:
        names = list(held.keys())
    assert any(name.startswith("encoder.layer.") for name in names)
    assert not [name for name in names if "word_embeddings" in name or "position_embeddings" in name]


def test_the_facts_are_the_files() -> None:
    weights = reranker.reranker_folder() / "layers.safetensors"
    facts = json.loads((reranker.reranker_folder() / "facts.json").read_text())
    found = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert (facts["sha256"], facts["bytes"], reranker.reranker_revision()) == (
        found,
        weights.stat().st_size,
        found[:12],
    )


def test_what_a_result_records_of_the_model(float32: SentenceTransformersCrossEncoder, plain: CrossEncoder) -> None:
    assert (float32.model, float32.revision) == (BUILT_IN_RERANKER, reranker.reranker_revision())
    assert float32.budget == plain.max_seq_length


def test_float32_equals_plain_sentence_transformers(
    float32: SentenceTransformersCrossEncoder, wanted: Float32Array
) -> None:
    found = float32.score(PAIRS)
    assert found.logits.dtype == np.float32
    assert found.logits.shape == (len(PAIRS),)
    np.testing.assert_allclose(found.logits, wanted, atol=1e-3)


def test_bfloat16_layers_stay_close(wanted: Float32Array) -> None:
    found = SentenceTransformersCrossEncoder.load(BUILT_IN_RERANKER, "bfloat16", "cpu").score(PAIRS)
    assert found.logits.dtype == np.float32
    np.testing.assert_allclose(found.logits, wanted, atol=0.1)
    assert len(set(found.logits.tolist())) > len(PAIRS) / 2  # bfloat16 itself would have made many equal


def test_probabilities_are_the_sigmoid_of_the_logits(
    float32: SentenceTransformersCrossEncoder, plain: CrossEncoder
) -> None:
    found = float32.score(PAIRS)
    assert found.probabilities is not None
    assert found.probabilities.dtype == np.float32
    np.testing.assert_allclose(found.probabilities, 1 / (1 + np.exp(-found.logits.astype(np.float64))), rtol=1e-5)
    np.testing.assert_allclose(found.probabilities, plain.predict(PAIRS, show_progress_bar=False), atol=1e-3)


@pytest.mark.parametrize("order", ["shortest first", "longest first", "shuffled"])
def test_scores_come_in_the_order_of_the_pairs(
    float32: SentenceTransformersCrossEncoder, wanted: Float32Array, order: str
) -> None:
    places = sorted(range(len(PAIRS)), key=lambda at: sum(map(len, PAIRS[at])), reverse=order == "longest first")
    if order == "shuffled":
        places = np.random.default_rng(0).permutation(len(PAIRS)).tolist()
    assert np.ptp(wanted) > 0.1
    np.testing.assert_allclose(float32.score([PAIRS[at] for at in places]).logits, wanted[places], atol=1e-3)


@pytest.mark.parametrize("pairs", [[], [("red", "sun")], [("red", "sun")] * 9])
def test_any_number_of_pairs(float32: SentenceTransformersCrossEncoder, pairs: list[tuple[str, str]]) -> None:
    found = float32.score(pairs)
    assert found.probabilities is not None
    assert found.logits.shape == found.probabilities.shape == (len(pairs),)
    assert len(set(found.logits.round(3).tolist())) == min(1, len(pairs))


def test_no_text_breaks_it_and_what_has_no_room_is_not_read(float32: SentenceTransformersCrossEncoder) -> None:
    logits = float32.score(ODD).logits
    assert np.isfinite(logits).all()
    body = "sun " * 1000
    whole, cut, other_start = float32.score(
        [("red", body + "moon"), ("red", body + "stone"), ("red", "stone " + body)]
    ).logits
    assert whole == pytest.approx(cut, abs=1e-4)
    assert abs(whole - other_start) > 1e-4


def test_query_and_text_are_not_the_same_thing(float32: SentenceTransformersCrossEncoder) -> None:
    asked, turned = float32.score([(QUERIES[0], TEXTS[0]), (TEXTS[0], QUERIES[0])]).logits
    assert abs(asked - turned) > 1e-3


def test_progress_hears_every_pair_and_may_end_it(float32: SentenceTransformersCrossEncoder) -> None:
    threads = torch.get_num_threads()
    heard: list[int] = []
    float32.score([("red", "sun")] * 70, heard.append)
    assert heard == sorted(set(heard))
    assert heard[-1] == 70
    with pytest.raises(KeyboardInterrupt):
        float32.score([("red", "sun")] * 70, lambda done: (_ for _ in ()).throw(KeyboardInterrupt))
    assert torch.get_num_threads() == threads


def test_threads_may_share_a_model(float32: SentenceTransformersCrossEncoder, wanted: Float32Array) -> None:
    with ThreadPoolExecutor(3) as threads:
        for found in threads.map(lambda _: float32.score(PAIRS[:20]).logits, range(6)):
            np.testing.assert_allclose(found, wanted[:20], atol=1e-3)


def test_a_model_that_cannot_go_one_way_goes_another(plain: CrossEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise RuntimeError("expected m1 and m2 to have the same dtype")

    def spoils(model: nn.Module, _on_cpu: bool) -> None:
        for parameter in model.parameters():
            parameter.data.mul_(0.5)

    monkeypatch.setattr(lowering, "_products_only", breaks)
    monkeypatch.setattr(lowering, "_whole", spoils)
    found = lowering.bfloat16_cross_encoder(plain)
    assert found is not plain
    np.testing.assert_allclose(found.predict(PAIRS[:8]), plain.predict(PAIRS[:8]), atol=1e-5)


def test_lowering_leaves_the_original_in_float32(plain: CrossEncoder) -> None:
    before = np.asarray(plain.predict(PAIRS[:8]))
    lowering.bfloat16_cross_encoder(plain)
    assert {parameter.dtype for parameter in plain.parameters()} == {torch.float32}
    np.testing.assert_array_equal(plain.predict(PAIRS[:8]), before)


def test_the_assembled_folder_is_a_model_like_any_other(
    assembled: Path, float32: SentenceTransformersCrossEncoder
) -> None:
    loaded = SentenceTransformersCrossEncoder.load(str(assembled), "float32", "cpu")
    np.testing.assert_allclose(loaded.score(PAIRS[:8]).logits, float32.score(PAIRS[:8]).logits, atol=1e-4)
    assert loaded.model == str(assembled)


def test_changed_weights_are_refused(copied: Path) -> None:
    path = copied / "layers.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelUnavailable, match=r"layers\.safetensors.*expected [0-9a-f]{12}.*install"):
        load_cross_encoder(BUILT_IN_RERANKER, "cpu")


def test_missing_weights_are_named(copied: Path) -> None:
    (copied / "layers.safetensors").unlink()
    with pytest.raises(ModelUnavailable, match=r"layers\.safetensors cannot be read"):
        load_cross_encoder(BUILT_IN_RERANKER, "cpu")


@pytest.mark.parametrize("facts", [None, "", "{", b"\xff\xfe"])
def test_missing_or_damaged_facts_are_named(copied: Path, facts: str | bytes | None) -> None:
    path = copied / "facts.json"
    path.unlink()
    if facts is not None:
        path.write_bytes(facts.encode() if isinstance(facts, str) else facts)
    with pytest.raises(ModelUnavailable, match="built-in cross-encoder is not whole"):
        load_cross_encoder(BUILT_IN_RERANKER, "cpu")


@pytest.mark.parametrize(("missing", "facts"), [("", "{}"), ("", "[]"), ("model", ""), ("model/2_Dense", "")])
def test_other_damage_to_our_part_is_named(copied: Path, missing: str, facts: str) -> None:
    if facts:
        (copied / "facts.json").write_text(facts)
    if missing:
        shutil.rmtree(copied / missing)
    with pytest.raises(ModelUnavailable):
        load_cross_encoder(BUILT_IN_RERANKER, "cpu")


def test_a_bi_encoder_has_no_head() -> None:
    with pytest.raises(ModelError, match=r"has no head"):
        SentenceTransformersCrossEncoder.load(str(built_in_folder()), "float32", "cpu")


def test_a_classifier_is_no_cross_encoder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gives 2 scores a pair"):
        SentenceTransformersCrossEncoder.load(small_bert(tmp_path, 2), "float32", "cpu")


@pytest.mark.parametrize(
    ("activation", "has_probabilities"),
    [("torch.nn.modules.linear.Identity", False), ("torch.nn.modules.activation.Sigmoid", True), (None, True)],
)
def test_probabilities_only_where_the_models_configuration_ends_in_a_sigmoid(
    tmp_path: Path, activation: str | None, has_probabilities: bool
) -> None:
    loaded = SentenceTransformersCrossEncoder.load(small_bert(tmp_path, 1, activation), "float32", "cpu")
    found = loaded.score(PAIRS[:10])
    plain = CrossEncoder(str(tmp_path), device="cpu").predict(
        PAIRS[:10], activation_fn=nn.Identity(), show_progress_bar=False
    )
    np.testing.assert_allclose(found.logits, plain, atol=1e-4)
    assert (found.probabilities is not None) == has_probabilities


def test_any_local_folder_works_in_bfloat16_too(tmp_path: Path) -> None:
    folder = small_bert(tmp_path, 1)
    found = SentenceTransformersCrossEncoder.load(folder, "bfloat16", "cpu").score(PAIRS[:24]).logits
    wanted = SentenceTransformersCrossEncoder.load(folder, "float32", "cpu").score(PAIRS[:24]).logits
    np.testing.assert_allclose(found, wanted, atol=0.05 * float(np.ptp(wanted)))


def test_a_reranker_is_loaded_once_the_settings_own_unless_another_is_named(tmp_path: Path) -> None:
    loaded: list[str] = []

    def loader(model: str) -> FakeCrossEncoder:
        loaded.append(model)
        return FakeCrossEncoder()

    catalog = ModelRegistry(Settings(tmp_path, reranker="mine"), reranker_loader=loader)
    assert not catalog.has_reranker()
    assert catalog.reranker() is catalog.reranker("mine")
    assert (catalog.has_reranker(), catalog.has_reranker("mine"), catalog.has_reranker("other")) == (True, True, False)
    assert catalog.reranker("other") is not catalog.reranker()
    assert loaded == ["mine", "other"]


def test_the_built_in_reranker_is_the_default(tmp_path: Path) -> None:
    assert Settings(tmp_path).reranker == BUILT_IN_RERANKER
    assert Settings.from_environment({"RANKSCOPE_RERANKER": "other"}).reranker == "other"
    assert reranker.is_built_in_reranker(BUILT_IN_RERANKER)
    assert not reranker.is_built_in_reranker("all-MiniLM-L6-v2")


@pytest.mark.parametrize(
    ("items", "threads", "size"),
    [(10, 2, 3), (50, 2, 7), (200, 2, 8), (1, 2, 1), (0, 2, 1), (64, 2, 8), (16, 4, 2), (5, 1, 3)],
)
def test_slices_keep_all_streams_busy(monkeypatch: pytest.MonkeyPatch, items: int, threads: int, size: int) -> None:
    from core.models._batching import balanced_slice_size

    monkeypatch.setattr("torch.get_num_threads", lambda: threads)
    assert balanced_slice_size(items, 8) == size


def test_the_last_layer_of_the_first_token_alone_changes_no_score(plain: CrossEncoder) -> None:
    short = deepcopy(plain)
    transformer: Any = short[0]
    limit_last_layer_to_first_token(transformer.model)
    assert short[0](short.preprocess(PAIRS[:8]))["token_embeddings"].shape[1] == 1
    wanted, found = (
        model.predict(PAIRS[:20], activation_fn=nn.Identity(), show_progress_bar=False) for model in (plain, short)
    )
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_a_head_that_reads_every_token_gets_every_token(plain: CrossEncoder) -> None:
    averaging = CrossEncoder(modules=[deepcopy(plain[0]), Pooling(384, "mean"), deepcopy(plain[2])])
    found = lowering.bfloat16_cross_encoder(averaging)
    assert found[0](found.preprocess(PAIRS[:8]))["token_embeddings"].shape[1] > 1
    np.testing.assert_allclose(found.predict(PAIRS[:8]), averaging.predict(PAIRS[:8]), atol=0.05)
