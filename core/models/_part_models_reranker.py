"""The built-in cross-encoder, put together from two parts whose checksums are verified.

The repository carries what training changed, the layers and the head, in float16; the word and position
embeddings, which training left alone, come from the package of the built-in bi-encoder. Together they are a
standard model: ``assemble`` writes a folder that sentence-transformers' CrossEncoder opens by itself.
How it was made, what it was made of and how good it is: reranker/README.md.
"""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path

from core.errors import ModelUnavailable
from core.models._part_models_built_in import sha256_of, verified_folder
from core.settings import BUILT_IN_RERANKER

SHORT_REVISION = 12  # digits
WEIGHTS = "layers.safetensors"
EMBEDDINGS = ("embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight")
HEAD = "head."
TOKENIZER = ("tokenizer.json", "vocab.txt", "special_tokens_map.json")


def is_built_in_reranker(model: str) -> bool:
    """Whether ``model`` names the built-in cross-encoder."""
    return model == BUILT_IN_RERANKER


def reranker_folder() -> Path:
    """Return the folder that carries our part of the model."""
    return Path(str(files("core.models"))) / "reranker"


def reranker_revision() -> str:
    """Return the first 12 digits of the SHA-256 of our weights."""
    return _known_sha256()[:SHORT_REVISION]


def assemble(folder: Path) -> None:
    """Write the built-in cross-encoder into ``folder`` as sentence-transformers keeps such models.

    Raises ModelUnavailable if either part is missing or not the one we know.
    """
    from safetensors import SafetensorError

    try:
        _assemble(folder, verified_folder())
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise ModelUnavailable(f"The built-in cross-encoder is not whole ({error}): install Rankscope again") from error


def _assemble(folder: Path, package: Path) -> None:
    import torch
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    ours = load_file(str(_verified_weights()))
    with safe_open(str(package / "model.safetensors"), "pt") as theirs:
        whole = {name: theirs.get_tensor(name).float() for name in EMBEDDINGS}
    whole |= {name: tensor.to(torch.float32) for name, tensor in ours.items() if not name.startswith(HEAD)}
    head = {f"linear.{name.removeprefix(HEAD)}": tensor.to(torch.float32) for name, tensor in ours.items() if name.startswith(HEAD)}
    shutil.copytree(reranker_folder() / "model", folder, dirs_exist_ok=True)
    for name in TOKENIZER:
        shutil.copyfile(package / name, folder / name)
    (folder / "2_Dense").mkdir(exist_ok=True)
    save_file(whole, folder / "model.safetensors", {"format": "pt"})
    save_file(head, folder / "2_Dense" / "model.safetensors", {"format": "pt"})


def _known_sha256() -> str:
    try:
        return str(json.loads((reranker_folder() / "facts.json").read_text(encoding="utf-8"))["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelUnavailable(f"The built-in cross-encoder is not whole (facts.json: {error!r}): install Rankscope again") from error


def _verified_weights() -> Path:
    path = reranker_folder() / WEIGHTS
    found, expected = sha256_of(path), _known_sha256()
    if found != expected:
        raise ModelUnavailable(
            f"The weights of the built-in cross-encoder in {path} are not the ones we know "
            f"(SHA-256 {found[:12]}…, expected {expected[:12]}…): install Rankscope again"
        )
    return path
