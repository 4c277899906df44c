"""A model's name into a loaded model of sentence-transformers, or a clear error soon."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

from core.errors import ModelUnavailable
from core.models._part_models_built_in import WEIGHTS_SHA256, is_built_in, sha256_of, verified_folder
from core.models._part_models_reranker import assemble, is_built_in_reranker, reranker_revision
from core.records.search import short_hash

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer
    from sentence_transformers.base.model import BaseModel

Loaded = TypeVar("Loaded", bound="BaseModel")

HUB_TIMEOUT = 5  # seconds: left alone, the hub's client tries for over a minute where there is no network
SHORT_REVISION = 12  # digits


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
        raise ModelUnavailable(f"{model!r} is the built-in bi-encoder, which cannot rerank: leave the cross-encoder out to use the built-in one")
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
        raise ModelUnavailable(f"The folder {model!r} holds no weights (*.safetensors or *.bin): is it a model's folder?")
    return _open(kind, str(folder), model, device), _revision(weights)


def _revision(weights: list[Path]) -> str:
    """One file's checksum, or what all of them give together."""
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


def _open(kind: type[Loaded], path: str, model: str, device: str, local_only: bool = True) -> Loaded:
    try:
        return kind(path, device=device, local_files_only=local_only, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ModelUnavailable(f"The model {model!r} cannot be loaded: {reason}") from error
