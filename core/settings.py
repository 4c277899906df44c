"""The settings of a process, from environment variables, read once at the start.

=====================  ==========================================================  =================
variable               meaning                                                     default
=====================  ==========================================================  =================
RANKSCOPE_DATA         folder of the collections                                   user data folder
RANKSCOPE_PRECISION    ``auto``, ``float32`` or ``bfloat16`` layers in the models  ``auto``
RANKSCOPE_DEVICE       ``auto``, ``cpu``, ``cuda`` (``cuda:1``) or ``mps``         ``auto``
RANKSCOPE_MODEL        bi-encoder of new collections: built-in, hub id or folder   built-in
RANKSCOPE_RERANKER     cross-encoder that reranks: built-in, hub id or folder      built-in
=====================  ==========================================================  =================
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from platformdirs import user_data_path

from core.errors import SettingsError

Precision = Literal["auto", "float32", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = ("auto", "float32", "bfloat16")
BUILT_IN_MODEL = "all-MiniLM-L6-v2"
BUILT_IN_RERANKER = "rankscope-minilm-reranker"
POOL = 50  # candidates that the cross-encoder scores by default


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process."""

    data: Path
    precision: Precision = "auto"
    device: str = "auto"
    model: str = BUILT_IN_MODEL
    reranker: str = BUILT_IN_RERANKER

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings. Raises SettingsError, naming the variable, for an unusable value."""
        env = os.environ if environment is None else environment
        precision = env.get("RANKSCOPE_PRECISION") or "auto"
        if precision not in PRECISIONS:
            raise SettingsError(f"RANKSCOPE_PRECISION is {precision!r}: use one of {', '.join(PRECISIONS)}")
        device = env.get("RANKSCOPE_DEVICE") or "auto"
        if device.partition(":")[0] not in ("auto", "cpu", "cuda", "mps"):
            raise SettingsError(f"RANKSCOPE_DEVICE is {device!r}: use auto, cpu, cuda, cuda:N or mps")
        folder = env.get("RANKSCOPE_DATA")
        data = Path(folder).expanduser() if folder else user_data_path("rankscope", appauthor=False)
        model, reranker = (
            env.get("RANKSCOPE_MODEL") or BUILT_IN_MODEL,
            env.get("RANKSCOPE_RERANKER") or BUILT_IN_RERANKER,
        )
        return cls(data.absolute(), precision, device, model, reranker)


def quiet_environment() -> None:
    """Switch off telemetry and console noise, before any library reads its settings."""
    for name, value in {
        "ANONYMIZED_TELEMETRY": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_ETAG_TIMEOUT": "5",  # without a network it fails soon
        "TRANSFORMERS_VERBOSITY": "error",
        "TQDM_DISABLE": "1",
        "TOKENIZERS_PARALLELISM": "true",
    }.items():
        os.environ.setdefault(name, value)
