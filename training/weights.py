"""The weights that a run begins with or leaves: the bi-encoder's, those that ship, those of finished rounds."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file

from core.models.hub import EMBEDDINGS, WEIGHTS, reranker_folder, verified_folder
from training.net import Parameters


def encoder_parameters() -> Parameters:
    """Return the packaged bi-encoder's parameters, float32."""
    tensors = load_file(str(verified_folder() / "model.safetensors"))
    return {name: tensor.float() for name, tensor in tensors.items() if not name.endswith("position_ids")}


def shipped(weights: Path | None = None) -> Parameters:
    """Return the float32 parameters of the repository's cross-encoder, or of ``weights`` packed like it."""
    fixed = {name: tensor for name, tensor in encoder_parameters().items() if name in EMBEDDINGS}
    return fixed | {
        name: tensor.float() for name, tensor in load_file(str(weights or reranker_folder() / WEIGHTS)).items()
    }


def kept(work: Path, name: str) -> Path:
    """Where a finished round's or mean's packed weights are kept."""
    return work / "kept" / f"{name}.safetensors"
