"""Which device a model runs on, and in which precision its layers compute."""

from __future__ import annotations

import torch

from core.errors import ModelError
from core.settings import Precision


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

    On a processor this means AVX-512 BF16 or AMX: elsewhere PyTorch emulates it, slower than float32.
    """
    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device != "cpu":
        return False
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def wants_bfloat16(wanted: Precision, device: str) -> bool:
    """Whether the layers shall compute in bfloat16: where asked for, and by itself where it is native."""
    return wanted == "bfloat16" or (wanted == "auto" and bfloat16_is_native(device))
