"""Which device a model runs on, and in which precision its layers compute."""

from __future__ import annotations

import torch

from core.errors import ModelError
from core.settings import Precision
from core.util.processor import has_native_bfloat16


def choose_device(wanted: str) -> str:
    """Return the device to use: CUDA, then MPS, then the processor for ``auto``.

    Raises ModelError for a device that this machine does not have.
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if wanted == "auto":
        return "cuda" if cuda else "mps" if mps else "cpu"
    if (wanted.startswith("cuda") and not cuda) or (wanted == "mps" and not mps):
        raise ModelError(f"RANKSCOPE_DEVICE asks for {wanted!r}, which PyTorch does not find here: use auto or cpu")
    return wanted


def bfloat16_is_native(device: str) -> bool:
    """Whether ``device`` multiplies bfloat16 in hardware, so that it is faster than float32 there.

    Raises nothing: a device of another kind than CUDA or a processor has none.
    """
    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device == "cpu" and has_native_bfloat16()


def wants_bfloat16(wanted: Precision, device: str) -> bool:
    """Whether the layers shall compute in bfloat16: where asked for, and by itself where it is native."""
    return wanted == "bfloat16" or (wanted == "auto" and bfloat16_is_native(device))
