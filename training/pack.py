"""The trained parameters into what the repository carries: float16 weights, a standard model's settings, checksums."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from core.models.hub import WEIGHTS, reranker_folder
from training import net
from training.net import Parameters

KEPT = ("embeddings.word_embeddings.", "embeddings.position_embeddings.")  # these come from the bi-encoder's package
LONGEST = 320  # tokens of a pair; longer ones were hardly trained on


def pack(p: Parameters, scale: float, shift: float, seen: dict[str, float]) -> Path:
    """Write the weights. ``scale`` and ``shift`` calibrate the head: the new logit is scale * logit + shift."""
    p = {name: tensor.detach().float().clone() for name, tensor in p.items() if not name.startswith(KEPT)}
    p["head.weight"], p["head.bias"] = p["head.weight"] * scale, p["head.bias"] * scale + shift
    folder = reranker_folder()
    (folder / "model").mkdir(parents=True, exist_ok=True)
    weights = folder / WEIGHTS
    save_file({name: tensor.to(torch.float16).contiguous() for name, tensor in sorted(p.items())}, weights)
    weights.chmod(0o644)
    facts = {"sha256": hashlib.sha256(weights.read_bytes()).hexdigest(), "bytes": weights.stat().st_size, **seen}
    (folder / "facts.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    _settings(folder / "model", net.layers_of(p))
    return weights


def _settings(folder: Path, layers: int) -> None:
    """Write the model's settings, by having sentence-transformers save an empty model of this build."""
    import shutil
    from tempfile import TemporaryDirectory

    from sentence_transformers import CrossEncoder
    from sentence_transformers.base.modules import Dense, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling
    from transformers import BertConfig, BertModel

    from core.models.hub import TOKENIZER, built_in_folder

    config = BertConfig.from_pretrained(str(built_in_folder()), num_hidden_layers=layers)
    with TemporaryDirectory() as empty, TemporaryDirectory() as saved:
        BertModel(config, add_pooling_layer=False).save_pretrained(empty)
        for name in (*TOKENIZER, "tokenizer_config.json"):
            shutil.copyfile(built_in_folder() / name, Path(empty) / name)
        transformer = Transformer(empty, max_seq_length=LONGEST)
        dense = Dense(384, 1, activation_function=torch.nn.Identity(), module_output_name="scores")
        CrossEncoder(
            modules=[transformer, Pooling(384, "cls"), dense], activation_fn=torch.nn.Sigmoid()
        ).save_pretrained(saved)
        shutil.rmtree(folder)
        folder.mkdir()
        shutil.copytree(
            saved,
            folder,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns(
                "*.safetensors", "README.md", "tokenizer.json", "vocab.txt", "special_tokens_map.json"
            ),
        )
