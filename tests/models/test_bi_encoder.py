"""The real all-MiniLM-L6-v2, its checksum and precision; and models that cannot be had."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from core.errors import ModelError, ModelUnavailable
from core.models import devices as precision
from core.models import hub as built_in
from core.models.bi_encoder import SentenceTransformerEncoder
from core.models.cross_encoder import SentenceTransformersCrossEncoder
from core.models.registry import ModelRegistry
from core.samples.library import documents
from core.settings import Settings
from tests.support.fakes import FakeEncoder

TEXTS = [document.text[:700] for document in documents()[:24]] + ["", "one", "漢字 भाषा لغة", "x" * 5000]


@pytest.fixture(scope="module")
def plain() -> SentenceTransformer:
    """The model as sentence-transformers gives it: float32, no code of ours."""
    return SentenceTransformer(str(built_in.built_in_folder()), device="cpu")


@pytest.fixture(scope="module")
def float32() -> SentenceTransformerEncoder:
    return SentenceTransformerEncoder.load("all-MiniLM-L6-v2", "float32", "cpu")


def test_float32_equals_plain_sentence_transformers(
    plain: SentenceTransformer, float32: SentenceTransformerEncoder
) -> None:
    np.testing.assert_allclose(float32.encode_documents(TEXTS), plain.encode(TEXTS), atol=2e-6)
    np.testing.assert_allclose(float32.encode_query("a question"), plain.encode("a question"), atol=2e-6)


def test_bfloat16_layers_stay_close_because_the_rest_is_float32(plain: SentenceTransformer) -> None:
    encoder = SentenceTransformerEncoder.load("all-MiniLM-L6-v2", "bfloat16", "cpu")
    vectors = encoder.encode_documents(TEXTS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    assert (vectors * plain.encode(TEXTS)).sum(axis=1).min() > 0.9998
    np.testing.assert_allclose(encoder.encode_query("a question"), plain.encode("a question"), atol=2e-6)


def test_faster_layers_compute_the_same(plain: SentenceTransformer) -> None:
    """Packed weights, fused GELU and batched attention, in float32 where nothing is lost to rounding."""
    from copy import deepcopy

    from core.models import _acceleration as fast_layers

    if not fast_layers.available():
        pytest.skip("this build of PyTorch has no oneDNN")
    faster = deepcopy(plain)
    assert faster.transformers_model is not None
    fast_layers.lower_products(faster.transformers_model, packed=True, dtype=torch.float32)
    # 6 layers of 6, and a pooler
    assert sum(isinstance(module, fast_layers.PackedLinear) for module in faster.modules()) == 37
    np.testing.assert_allclose(faster.encode(TEXTS), plain.encode(TEXTS), atol=2e-6)
    slower = deepcopy(plain)
    assert slower.transformers_model is not None
    fast_layers.lower_products(slower.transformers_model, packed=False, dtype=torch.float32)
    np.testing.assert_allclose(slower.encode(TEXTS), plain.encode(TEXTS), atol=2e-6)


def test_a_model_that_cannot_go_one_way_goes_another(
    plain: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.models import _acceleration as lowering

    def breaks(*_: object) -> None:
        raise RuntimeError("expected m1 and m2 to have the same dtype")

    def spoils(model: torch.nn.Module, _on_cpu: bool) -> None:
        for parameter in model.parameters():
            parameter.data.mul_(0.5)

    monkeypatch.setattr(lowering, "_products_only", breaks)
    assert lowering.bfloat16_bi_encoder(plain)[0].model.dtype == torch.bfloat16
    assert plain[0].model.dtype == torch.float32
    monkeypatch.setattr(lowering, "_whole", spoils)
    np.testing.assert_allclose(lowering.bfloat16_bi_encoder(plain).encode("red"), plain.encode("red"), atol=1e-6)


def test_streams_keep_the_order_and_give_the_threads_back() -> None:
    from core.models._batching import map_in_threads

    threads = torch.get_num_threads()
    assert list(map_in_threads(lambda number: number * number, range(50))) == [number * number for number in range(50)]
    stopped = map_in_threads(lambda number: number, range(10_000))
    assert next(stopped) == 0
    stopped.close()  # type: ignore[attr-defined]  # a generator, declared as Iterator
    assert torch.get_num_threads() == threads
    assert list(map_in_threads(str, [])) == []


def test_what_a_collection_records_of_the_model(float32: SentenceTransformerEncoder) -> None:
    assert (float32.model, float32.revision, float32.dimension, float32.budget) == (
        "all-MiniLM-L6-v2",
        "53aa51172d14",
        384,
        254,
    )
    assert (float32.query_prompt, float32.document_prompt) == ("", "")


def test_tokens_are_the_models_own(plain: SentenceTransformer, float32: SentenceTransformerEncoder) -> None:
    wanted = [len(plain.tokenizer(text, add_special_tokens=False, truncation=False)["input_ids"]) for text in TEXTS]
    assert float32.tokens.count(TEXTS).tolist() == wanted


def test_progress_hears_every_text_and_may_end_it(float32: SentenceTransformerEncoder) -> None:
    heard: list[int] = []
    float32.encode_documents(["a"] * 70, heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 70
    with pytest.raises(KeyboardInterrupt):
        float32.encode_documents(["a"] * 70, lambda done: (_ for _ in ()).throw(KeyboardInterrupt))


def test_threads_may_share_a_model(float32: SentenceTransformerEncoder) -> None:
    wanted = float32.encode_documents(TEXTS)
    wrong: list[Exception | int] = []

    def work() -> None:
        try:
            for _ in range(3):
                if not np.allclose(float32.encode_documents(TEXTS), wanted, atol=1e-5):
                    wrong.append(1)
                float32.encode_query("red")
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_changed_weights_are_refused() -> None:
    assert built_in.verified_folder() == built_in.built_in_folder()
    with pytest.raises(ModelUnavailable, match=r"53aa51172d14.*expected 000"):
        built_in.verified_folder(expected="0" * 64)


LOADERS = pytest.mark.parametrize("kind", [SentenceTransformerEncoder, SentenceTransformersCrossEncoder])
Kind = type[SentenceTransformerEncoder] | type[SentenceTransformersCrossEncoder]


@LOADERS
@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("/nowhere/at/all", "no model folder"),
        ("./nowhere", "no model folder"),
        ("rankscope-test/there-is-no-such-model", "rankscope-test/there-is-no-such-model"),
        ("not a name", "neither a local folder nor a possible"),
    ],
)
def test_a_model_that_cannot_be_had_is_an_error_soon(
    kind: Kind, model: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    started = time.monotonic()
    with pytest.raises(ModelUnavailable, match=words):
        kind.load(model)
    assert time.monotonic() - started < 30  # left alone, the hub's client tries for over a minute


@LOADERS
def test_folders_that_are_not_models_are_refused(kind: Kind, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no weights"):
        kind.load(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        kind.load(str(tmp_path))


def test_any_local_folder_works(
    tmp_path: Path, plain: SentenceTransformer, float32: SentenceTransformerEncoder
) -> None:
    plain.save(str(tmp_path / "model"))
    loaded = SentenceTransformerEncoder.load(str(tmp_path / "model"), "float32")
    np.testing.assert_allclose(loaded.encode_query("red"), float32.encode_query("red"), atol=2e-6)
    assert loaded.model == str(tmp_path / "model")


def test_prompts_are_put_before_texts_and_taken_off_the_budget(tmp_path: Path, plain: SentenceTransformer) -> None:
    prompted = SentenceTransformer(
        str(built_in.built_in_folder()), prompts={"query": "query: ", "document": "passage: "}, device="cpu"
    )
    prompted.save(str(tmp_path / "prompted"))
    loaded = SentenceTransformerEncoder.load(str(tmp_path / "prompted"), "float32")
    assert (loaded.query_prompt, loaded.document_prompt, loaded.budget) == ("query: ", "passage: ", 252)
    np.testing.assert_allclose(loaded.encode_query("red"), plain.encode("query: red"), atol=2e-6)
    np.testing.assert_allclose(loaded.encode_documents(["red"])[0], plain.encode("passage: red"), atol=2e-6)


def test_a_model_is_loaded_once_whatever_it_is_called(tmp_path: Path) -> None:
    loaded: list[str] = []

    def loader(model: str) -> FakeEncoder:
        loaded.append(model)
        return FakeEncoder()

    catalog = ModelRegistry(Settings(tmp_path), loader)
    assert catalog.get("all-MiniLM-L6-v2") is catalog.get("sentence-transformers/all-MiniLM-L6-v2")
    catalog.get("other")
    assert loaded == ["all-MiniLM-L6-v2", "other"]


def test_precision_follows_the_processor_unless_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    for native in (True, False):
        monkeypatch.setattr(precision, "bfloat16_is_native", lambda device, native=native: native)
        assert precision.wants_bfloat16("auto", "cpu") == native
        assert not precision.wants_bfloat16("float32", "cpu")
        assert precision.wants_bfloat16("bfloat16", "cpu")
    assert precision.choose_device("cpu") == "cpu"
    if not torch.cuda.is_available():
        with pytest.raises(ModelError, match="cuda"):
            precision.choose_device("cuda:1")
