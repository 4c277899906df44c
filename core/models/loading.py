"""A model's name into a loaded SentenceTransformer, or a clear error soon."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import ModelUnavailable
from core.models.built_in import WEIGHTS_SHA256, is_built_in, sha256_of, verified_folder

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

HUB_TIMEOUT = 5  # seconds: left alone, the hub's client tries for over a minute where there is no network
SHORT_REVISION = 12  # digits


def load_sentence_transformer(model: str, device: str) -> tuple[SentenceTransformer, str]:
    """Load ``model`` and return it with its revision.

    ``model`` is the built-in model's name, a local folder, or a Hugging Face id, which is looked for
    in the local cache before the hub is asked. The revision is the hub's commit, else the first 12
    digits of the weights' SHA-256. Code that a model brings along is never run.

    Raises ModelUnavailable where it cannot be had.
    """
    if is_built_in(model):
        return _open(str(verified_folder()), model, device), WEIGHTS_SHA256[:SHORT_REVISION]
    folder = Path(model).expanduser()
    if folder.exists() or model.startswith(("/", ".", "~")):
        return _from_folder(folder, model, device)
    return _from_hub(model, device)


def _from_folder(folder: Path, model: str, device: str) -> tuple[SentenceTransformer, str]:
    if not folder.is_dir():
        raise ModelUnavailable(f"There is no model folder {model!r}: check the path, or use the built-in model")
    weights = sorted([*folder.rglob("*.safetensors"), *folder.rglob("*.bin")])
    if not weights:
        raise ModelUnavailable(f"The folder {model!r} holds no weights (*.safetensors or *.bin): is it a model's folder?")
    return _open(str(folder), model, device), sha256_of(weights[0])[:SHORT_REVISION]


def _from_hub(model: str, device: str) -> tuple[SentenceTransformer, str]:
    try:
        loaded = _open(model, model, device)
    except ModelUnavailable:
        _ask_hub(model)
        loaded = _open(model, model, device, local_only=False)
    config = getattr(loaded.transformers_model, "config", None)
    return loaded, str(getattr(config, "_commit_hash", None) or "unknown")[:SHORT_REVISION]


def _ask_hub(model: str) -> None:
    """Raise ModelUnavailable, quickly, unless the hub answers that it has ``model``."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
    from huggingface_hub.errors import HTTPError as TransportError  # type: ignore[attr-defined]

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


def _open(path: str, model: str, device: str, local_only: bool = True) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(path, device=device, local_files_only=local_only, trust_remote_code=False)
    except (OSError, ValueError, KeyError, AttributeError, ImportError, RuntimeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ModelUnavailable(f"The model {model!r} cannot be loaded: {reason}") from error
